"""What `compile` was given, as plain data and back."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from kerasish import losses, metrics, optimizers
from kerasish.saving.serialization import (
    Configurable,
    deserialize_keras_object,
    get_registered_object,
    has_code,
    parameters_of,
    serialize_keras_object,
)

_ARGUMENTS = ("loss", "loss_weights", "metrics", "weighted_metrics")
# Entries of the optimizers of tf.keras that say nothing here.
_TF_ONLY = ("is_legacy_optimizer", "jit_compile")
_OPTIONS = ("run_eagerly", "steps_per_execution", "jit_compile")


def _known(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of an optimizer without what only tf.keras has."""
    return {key: value for key, value in config.items() if key not in _TF_ONLY}


def compile_config(model: Any) -> dict[str, Any] | None:
    """The arguments of `compile` as plain data, None for a model that isn't compiled.

    Also None, with a warning, if something among them has no config, such as a lambda.
    """
    if not model.compiled:
        return None
    given = model._compile_arguments
    try:
        found = {name: serialize_keras_object(given.get(name)) for name in _ARGUMENTS}
        found["optimizer"] = serialize_keras_object(model.optimizer)
        if has_code(found):
            raise TypeError("A lambda has no name by which loading could find it again.")
    except TypeError as error:
        warnings.warn(
            f"Model {model.name}: what compile() was given is not saved, so the model must be "
            f"compiled again after loading. {error}",
            stacklevel=4,
        )
        return None
    jit = "auto" if model._jit is None else model._jit
    options = (model._run_eagerly, model._steps_per_execution, jit)
    return found | dict(zip(_OPTIONS, options, strict=True))


def compile_from_config(model: Any, config: Mapping[str, Any]) -> None:
    """Compiles a model as `compile_config` says."""
    optimizer = config.get("optimizer")
    if isinstance(optimizer, Mapping) and isinstance(optimizer.get("config"), Mapping):
        config = {**config, "optimizer": {**optimizer, "config": _known(optimizer["config"])}}
    given = {
        key: deserialize_keras_object(value)
        for key, value in config.items()
        if key in ("optimizer", *_ARGUMENTS) or (key in _OPTIONS and value is not None)
    }
    model.compile(**given)


# --- Keras 2 -----------------------------------------------------------------------------

# What optimizers of Keras 2 know. Other entries go into a file only if they say something.
_OLD = {"learning_rate", "decay", "nesterov", "rho", "epsilon", "beta_1", "beta_2", "amsgrad"}


def training_config(model: Any) -> dict[str, Any] | None:
    """The same in the form of Keras 2."""
    config = compile_config(model)
    if config is None:
        return None
    entry = {key: _old_form(config[key]) for key in _ARGUMENTS}
    entry["loss"] = _each(entry["loss"], lambda item: item, _full_name)
    optimizer = config["optimizer"]
    return entry | {
        "sample_weight_mode": None,
        "optimizer_config": {
            "class_name": optimizer["class_name"],
            "config": _old_optimizer(model.optimizer, optimizer["config"]),
        },
    }


def _old_optimizer(optimizer: Configurable, config: dict[str, Any]) -> dict[str, Any]:
    needed = [p for p in parameters_of(type(optimizer)).values() if p.default is p.empty]
    usual = {} if needed else type(optimizer)().get_config()
    return {
        key: _old_form(value)
        for key, value in config.items()
        if key in _OLD or (key != "name" and value != usual.get(key))
    }


def _old_form(value: Any) -> Any:
    """Objects as {"class_name", "config"}, functions by their names."""
    if isinstance(value, (list, tuple)):
        return [_old_form(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("class_name") == "function":
        return value["config"]
    if "class_name" in value and "config" in value:
        return {"class_name": value["class_name"], "config": _old_form(value["config"])}
    return {key: _old_form(item) for key, item in value.items()}


def compile_from_training_config(model: Any, config: Mapping[str, Any]) -> None:
    """Compiles a model as Keras 2's `training_config` says."""
    optimizer = config["optimizer_config"]
    name = optimizer["class_name"].removeprefix("Custom>")  # of tf.keras's own
    inner = _known(optimizer["config"])
    model.compile(
        optimizer=optimizers.deserialize({"class_name": name, "config": inner}),
        loss=_each(config.get("loss"), losses.deserialize),
        metrics=_each(config.get("metrics"), metrics.deserialize),
        loss_weights=config.get("loss_weights"),
        weighted_metrics=_each(config.get("weighted_metrics"), metrics.deserialize),
    )


def _full_name(loss: str) -> str:
    """Keras 3 does not know the short ones in these files."""
    return getattr(losses.registry.built_in(loss), "__name__", loss)


def _custom(name: str) -> Any:
    custom = get_registered_object(name)
    return name if custom is None else custom


def _each(value: Any, make: Callable[[Any], Any], named: Callable[[str], Any] = _custom) -> Any:
    """Names stay names, but for the user's; configs within lists and dicts become objects."""
    if isinstance(value, str):
        return named(value)
    if isinstance(value, (list, tuple)):
        return [_each(item, make, named) for item in value]
    if not isinstance(value, Mapping):
        return value
    if "class_name" in value and "config" in value:
        if value["class_name"] == "function":
            return named(value["config"])
        return make(value)
    return {key: _each(item, make, named) for key, item in value.items()}
