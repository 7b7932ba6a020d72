"""`.h5` files of Keras 2: whole models and weights, which Keras 3 and tf.keras read and write too.

Each layer of the model is a group with the attribute `weight_names`; the attribute `layer_names`
gives their order. Weights go by that order, or by the names of the layers if asked.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.graph.variable import Variable
from kerasish.saving import generations, h5, lambdas, origins
from kerasish.saving.building import building, check_tables, model_from_entry
from kerasish.saving.compiling import compile_from_training_config, training_config
from kerasish.saving.layouts import Share, Source, is_turned_on_theano, shares
from kerasish.saving.legacy_config import model_config, readable
from kerasish.saving.serialization import CustomObjectScope, serialize_keras_object
from kerasish.saving.weights import value_of

# Optimizers of Keras 2. Other ones are only known to Kerases that go variable by variable.
_CLASSIC = ("Adadelta", "Adagrad", "Adam", "Adamax", "Nadam", "RMSprop", "SGD")
# Those for which Keras 2.3 writes state, behind the rest, that they have no use for.
_LAVISH = ("Adam", "SGD")


# --- writing -----------------------------------------------------------------------------


def save(model: Any, path: Path, include_optimizer: bool = True) -> None:
    """Writes a model to a new file at `path`."""
    entry = serialize_keras_object(model)
    lambdas.warn_of_code(entry)
    config, version = generations.signed(model_config(entry))
    with h5.writing(path) as file:
        _sign(file, version)
        h5.put_text(file, "model_config", json.dumps(config))
        _write_layers(file.create_group("model_weights"), model)
        training = training_config(model) if include_optimizer else None
        if training is not None:
            h5.put_text(file, "training_config", json.dumps(training))
            group = file.create_group("optimizer_weights")
            _write(group, _optimizer_state(model.optimizer))


def save_weights(model: Any, path: Path) -> None:
    """Writes the weights of a model to a new file at `path`."""
    with h5.writing(path) as file:
        _write_layers(file, model)


def _sign(group: Any, version: str = generations.OLD_VERSION) -> None:
    h5.put_text(group, "backend", "tensorflow")
    h5.put_text(group, "keras_version", version)


def _write_layers(group: Any, model: Any) -> None:
    names = [layer.name for layer in model.layers]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(
            f"Model {model.name} has {names.count(twice[0])} layers called {twice[0]!r}, which the "
            "files of Keras 2 tell apart by their names. Save it as .keras or .weights.h5."
        )
    _sign(group)
    h5.put_names(group, "layer_names", names)
    for layer in model.layers:
        found = _weights_of(layer)
        # The group is there already if another layer's name begins like a path through it.
        _write(group.require_group(layer.name), [(v.path, v) for v in found])
    own = [(v.path, v) for v in model._own_variables()]
    _write(group.create_group("top_level_model_weights"), own)


def _write(group: Any, named: list[tuple[str, Any]]) -> None:
    names: dict[str, Any] = {}
    for name, variable in named:
        number, unique = 0, f"{name}:0"
        while unique in names:
            number += 1
            unique = f"{name}_{number}:0"
        names[unique] = variable
    h5.put_names(group, "weight_names", list(names))
    for name, variable in names.items():
        h5.put(group, name, value_of(variable))


def _weights_of(layer: Any) -> list[Variable]:
    """In the order of Keras 2, which for a model within is not that of `weights`."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


# --- reading -----------------------------------------------------------------------------


def load(
    path: Path, custom_objects: Mapping[str, Any] | None, compile: bool, safe_mode: bool | None
) -> Any:
    """The model in a file.

    Raises:
        FileError: the file is damaged, or holds what is not loaded from files.
    """
    with h5.reading(path) as file, CustomObjectScope(custom_objects):
        entry = _json(file, "model_config")
        if entry is None:
            raise h5.FileError(
                f"{path} has no model_config: it holds weights alone. Make the model as when they "
                "were saved, and call model.load_weights(path)."
            )
        group = file.find("model_weights")
        if group is None:
            raise h5.FileError(f"{path} is damaged: it has no group model_weights.")
        version = file.attribute("keras_version")
        with building(path, group.count()):
            entry = readable(entry, version, file.attribute("backend"))
            entry = lambdas.with_functions(entry, safe_mode, custom_objects)
            model = model_from_entry(entry)
        config = _json(file, "training_config") if compile else None
        with building(path, group.count(), compiling=True):
            _read_in_order(model, group, skip=False, reshape=False)
            if config is not None:
                check_tables(config)
                compile_from_training_config(model, config)
                _read_optimizer(model, file)
    return model


def _json(file: h5.Reader, name: str) -> dict[str, Any] | None:
    text = file.attribute(name)
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise h5.FileError(f"{file.file_name}: {name} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise h5.FileError(f"{file.file_name}: {name} must hold an object.")
    return found


def is_legacy(file: h5.Reader) -> bool:
    """Whether an HDF5 file has the layout of Keras 2."""
    return file.attribute("layer_names") is not None or file.find("model_weights") is not None


def load_weights(
    model: Any, file: h5.Reader, by_name: bool, skip_mismatch: bool, reshape: bool = False
) -> None:
    """Sets the weights of a model from a file of weights or of a whole model.

    Args:
        model: built.
        file: the open file.
        by_name: whether layers are matched by their names, and those without match are left alone.
        skip_mismatch: whether to warn of weights that do not fit, and leave them as they are.
        reshape: whether a weight of another shape fits if it has as many numbers.

    Raises:
        FileError: something does not fit; the model is unchanged then.
    """
    group = file if file.attribute("layer_names") is not None else file.find("model_weights")
    if group is None:
        raise h5.FileError(f"{file.file_name}: there are no weights in the file.")
    (_read_by_name if by_name else _read_in_order)(model, group, skip_mismatch, reshape)


def _stored_layers(group: h5.Reader) -> Iterator[tuple[str, h5.Reader, list[str]]]:
    """The layers in the file that have weights: name, group, names of the weights."""
    for name in group.attribute("layer_names") or []:
        inner = group.find(name)
        names = inner.attribute("weight_names") if inner is not None else None
        if inner is None or names is None:
            raise h5.FileError(f"{group.file_name} is damaged: it has no weights for layer {name}.")
        if names:
            yield name, inner, names


def _read_in_order(model: Any, group: h5.Reader, skip: bool, reshape: bool) -> None:
    stored = list(_stored_layers(group))
    layers = [layer for layer in model.layers if layer.weights]
    if len(stored) != len(layers):
        raise h5.FileError(
            f"{group.file_name} has weights for {len(stored)} layers "
            f"({', '.join(name for name, _, _ in stored[:5])} ...), but the model {model.name} has "
            f"{len(layers)} layers with weights. Layers can be matched by_name=True."
        )
    pairs = [(layer, *rest) for layer, (_, *rest) in zip(layers, stored, strict=True)]
    _assign(pairs, group, skip, reshape, model)


def _read_by_name(model: Any, group: h5.Reader, skip: bool, reshape: bool) -> None:
    named = {layer.name: layer for layer in model.layers}
    pairs = [(named[name], *rest) for name, *rest in _stored_layers(group) if name in named]
    _assign(pairs, group, skip, reshape, model)


def _assign(pairs: list[Any], group: h5.Reader, skip: bool, reshape: bool, model: Any) -> None:
    source = _source(group)
    actions: list[Callable[[], None]] = []
    for layer, inner, names in pairs:
        try:
            actions += _actions(layer, _weights_of(layer), inner, names, source, reshape)
        except h5.FileError as error:
            if not skip:
                raise
            warnings.warn(f"Skipped the weights of layer {layer.name}: {error}", stacklevel=5)
    _warn_of_kernels([layer for layer, *_ in pairs], source)
    top = group.find("top_level_model_weights")
    if top is not None and top.attribute("weight_names"):
        own = model._own_variables()
        actions += _actions(model, own, top, top.attribute("weight_names"), source)
    for action in actions:
        action()


def _warn_of_kernels(layers: list[Any], source: Source) -> None:
    """Files of Keras 1 don't say which way round their kernels are."""
    if not source.is_keras1 or source.backend is not None:
        return
    owners = [inner for layer in layers for inner in layer._flatten_layers()]
    names = [owner.name for owner in owners if is_turned_on_theano(owner)]
    if names:
        warnings.warn(
            f"The file is of Keras 1, which does not say on which engine the model was trained. "
            f"TensorFlow is assumed. If it was Theano, the kernels of {', '.join(names[:3])} ... "
            f"are the other way round. {origins.HOW_TO_SAY}",
            stacklevel=6,
        )


def _source(group: h5.Reader) -> Source:
    """Which Keras wrote the weights: files of whole models of Keras 1 say it at the top only."""
    version, backend = (group.attribute(name) for name in ("keras_version", "backend"))
    if version is None:
        above = group.top()
        version, backend = above.attribute("keras_version"), above.attribute("backend")
    version = version if isinstance(version, str) else None
    return Source(version, origins.engine_of(version, backend))


def _actions(
    layer: Any,
    variables: list[Variable],
    group: h5.Reader,
    names: list[str],
    source: Source,
    reshape: bool = False,
) -> list[Callable[[], None]]:
    """Checks now, reads later: no more than one array is held besides the model's."""
    stored = [group.planned(name, layer.name) for name in names]
    found = shares(layer, variables, [item.shape for item in stored], source)
    expected = sum(share.size for share in found)
    if len(names) != expected:
        raise h5.FileError(
            f"{group.file_name}: layer {layer.name} ({type(layer).__name__}) has "
            f"{expected} weights, but the file has {len(names)} for it: {names[:5]}."
        )
    actions: list[Callable[[], None]] = []
    rest = iter(zip(stored, names, strict=True))
    for share in found:
        own = list(itertools.islice(rest, share.size))
        if share.convert is None:
            pairs = zip(share.variables, own, strict=True)
            actions += [_assignment(v, item, group, name, reshape) for v, (item, name) in pairs]
        elif own:
            actions += _converted(share, [item for item, _ in own], group, own[0][1])
    return actions


def _assignment(
    variable: Variable, stored: h5.Planned, group: h5.Reader, name: str, reshape: bool = False
) -> Callable[[], None]:
    shape: Any = variable.shape
    if reshape and math.prod(stored.shape) == math.prod(shape):
        return lambda: variable.adopt(stored.read().reshape(shape))
    _check_shape(variable, stored.shape, group, name)
    return lambda: variable.adopt(stored.read())


def _converted(
    share: Share, stored: list[h5.Planned], group: h5.Reader, name: str
) -> list[Callable[[], None]]:
    """Weights in another layout than ours are read at once, to see what they become."""
    try:
        values = share.convert(share.layer, [item.read() for item in stored])  # type: ignore[misc]
    except (ValueError, IndexError) as error:
        raise h5.FileError(
            f"{group.file_name}: the weights of layer {share.layer.name} are in no known layout: "
            f"{error} ({name} ...)."
        ) from error
    for variable, value in zip(share.variables, values, strict=True):
        _check_shape(variable, value.shape, group, name)
    return [
        functools.partial(variable.adopt, value)
        for variable, value in zip(share.variables, values, strict=True)
    ]


def _check_shape(variable: Variable, found: Any, group: h5.Reader, name: str) -> None:
    if tuple(found) != variable.shape:
        raise h5.FileError(
            f"{group.file_name}: the weight {variable.path} has shape {variable.shape}, but the "
            f"file has {tuple(found)} ({name})."
        )


# --- the optimizer -----------------------------------------------------------------------


def _read_optimizer(model: Any, file: h5.Reader) -> None:
    """Its state. A model without it is of use too, so what does not fit is only warned of."""
    group = file.find("optimizer_weights")
    names = group.attribute("weight_names") if group is not None else None
    if group is None or not names:
        return
    optimizer = model.optimizer
    if len(names) > len(_in_stored_order(optimizer, names)):
        optimizer.build(model.trained_variables())
    try:
        variables = _in_stored_order(optimizer, names)
        if len(names) > len(variables) and type(optimizer).__name__ in _LAVISH:
            names = names[: len(variables)]
        product: Any = getattr(optimizer, "_product", None)
        recalled = product is not None and len(names) == len(variables) - 1
        if recalled:
            variables = [v for v in variables if v is not product]
        if len(names) != len(variables):
            raise h5.FileError(f"it has {len(variables)} parts, but the file has {len(names)}.")
        pairs = zip(variables, names, strict=True)
        for action in [_assignment(v, group.planned(n, v.path), group, n) for v, n in pairs]:
            action()
        if recalled:
            product.assign(_nadam_product(optimizer))
    except h5.FileError as error:
        warnings.warn(
            f"The state of the optimizer was not loaded, so it starts afresh: {error}", stacklevel=4
        )


def _nadam_product(nadam: Any) -> Any:
    """The product of the momentum of all steps, which tf.keras does not write; it soon is 0."""
    steps = np.arange(1, 1 + min(int(nadam.iterations), 10_000))
    return np.prod(nadam.beta_1 * (1.0 - 0.5 * 0.96 ** (steps * nadam.schedule_decay)))


def _optimizer_state(optimizer: Any) -> list[tuple[str, Any]]:
    """The variables with names: for optimizers of Keras 2 as it writes them, and as tf.keras reads
    them where a config does not say otherwise."""
    if type(optimizer).__name__ not in _CLASSIC:
        return [(str(v._name), v) for v in optimizer.variables]
    steps, *rest = _in_stored_order(optimizer, [])
    found: list[tuple[str, Any]] = [("iterations", steps), *((str(v._name), v) for v in rest)]
    if type(optimizer).__name__ == "Adam" and not optimizer.amsgrad:
        found += [(f"vhat_{i}", np.zeros(1, "float32")) for i in range(len(rest) // 2)]
    return found


def _without_rate(optimizer: Any) -> list[Variable]:
    """The variables as tf.keras writes them: the learning rate is in the config."""
    return [v for v in optimizer.variables if v is not optimizer._rate]


def _in_stored_order(optimizer: Any, names: list[str]) -> list[Variable]:
    """The optimizer's variables in the order of the file.

    Keras 3 has the learning rate among them, and goes variable by variable. So does tf.keras since
    2.11, without the rate. Older ones go slot by slot.
    """
    variables = optimizer.variables
    last = [name.removesuffix(":0").rpartition("/")[2] for name in names]
    if "learning_rate" in last:
        return variables
    plain = _without_rate(optimizer)
    if "iteration" in last:  # older ones have "iterations" or "iter"
        return plain
    slots = list(optimizer._slots.values())
    by_slot = [own[key] for key in (slots[0] if slots else ()) for own in slots]
    chosen = {id(v) for v in by_slot}
    return [*(v for v in plain if id(v) not in chosen), *by_slot]
