"""Words that mean one thing in the configs of Keras 1 and 2, and another in those of Keras 3."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

# Under these keys of layers stand names of activations.
_KEYS = ("activation", "recurrent_activation", "inner_activation")
# What Keras 1 and 2 mean by a name -> what that is called here.
_MEANT = {"hard_sigmoid": "keras2_hard_sigmoid"}
_NAMES = {meant: name for name, meant in _MEANT.items()}
# As Keras 2 computed on TensorFlow 1: see compat.older_images.
_OLD_BILINEAR = "keras2_bilinear"
# The newest Kerases that read the files of either form.
OLD_VERSION, NEW_VERSION = "2.15.0", "3.15.0"


def understood(config: Any, version: Any) -> Any:
    """A config of any Keras with the names of Keras 3.

    Args:
        config: plain data.
        version: of the Keras that wrote it, if it is known.
    """
    if not isinstance(version, str):
        found = config.get("keras_version") if isinstance(config, Mapping) else None
        version = found if isinstance(found, str) else ("3" if _has_modules(config) else "2")
    if version[:1] > "2":
        return config
    found = _renamed(config, _MEANT)
    old = version.startswith(("2.2.", "2.3.")) and not version.endswith("-tf")  # of tf.keras
    return _with_old_bilinear(found) if old else found


def signed(config: Any) -> tuple[Any, str]:
    """A config of Keras 3 with the names of Keras 2, and the version to be written beside it.

    A name that means something else in Keras 2 stays, and the version says so.

    Raises:
        ValueError: it has such a name, and also one that must change to that.
    """
    used = set(_activations(config))
    newer, older = used & _MEANT.keys(), used & _NAMES.keys()
    if newer and older:
        raise ValueError(
            f"The model has both {newer.pop()} and {older.pop()}, which have one and the same name "
            "in the files of Keras 2. Save the model as .keras."
        )
    if newer:
        warnings.warn(
            f"Programs of Keras 2 that read the file compute {newer.pop()} in another way, by "
            "which it is steeper. Save the model as .keras for Keras 3.",
            stacklevel=4,
        )
        return config, NEW_VERSION
    return _renamed(config, _NAMES), OLD_VERSION


def _with_old_bilinear(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_old_bilinear(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    found = {key: _with_old_bilinear(item) for key, item in value.items()}
    enlarges = found.get("class_name") == "UpSampling2D" and isinstance(found.get("config"), dict)
    if enlarges and found["config"].get("interpolation") == "bilinear":
        found["config"]["interpolation"] = _OLD_BILINEAR
    return found


def _has_modules(config: Any) -> bool:
    """Keras 3 says with each class where it is from."""
    return isinstance(config, Mapping) and "module" in config


def _renamed(config: Any, names: Mapping[str, str]) -> Any:
    return _changed(config, lambda name: names.get(name, name))


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: change(item) if key in _KEYS and isinstance(item, str) else _changed(item, change)
        for key, item in value.items()
    }


def _activations(value: Any) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _activations(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key in _KEYS and isinstance(item, str):
                yield item
            else:
                yield from _activations(item)
