"""Words that mean one thing in the configs of Keras 1 and 2, and another in those of Keras 3."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

# Under these keys of layers stand names of activations.
_KEYS = ("activation", "recurrent_activation", "inner_activation")
# Under this one of UpSampling2D stands how it enlarges.
_WAY = "interpolation"
# What a word means in files of a version -> what that is called here.
_STEEP = {"hard_sigmoid": "keras2_hard_sigmoid"}
_CORNERS = {"bilinear": "keras2_bilinear"}  # as on TensorFlow 1: see compat.older_images
_OLDEST_VERSION, OLD_VERSION, NEW_VERSION = "2.3.1", "2.15.0", "3.15.0"
_MEANT = {OLD_VERSION: _STEEP, NEW_VERSION: {}, _OLDEST_VERSION: _STEEP | _CORNERS}
_WARNINGS = {
    "hard_sigmoid": "Programs of Keras 2 that read the file compute hard_sigmoid in another way, "
    "by which it is steeper.",
    "bilinear": "Programs of Keras 2.2 and 2.3 that read the file enlarge images in another way, "
    "by which they are moved a little.",
}


def version_of(config: Any, version: Any = None) -> str:
    """The version of the Keras that wrote a config: what its file says, else it itself."""
    if isinstance(version, str):
        return version
    found = config.get("keras_version") if isinstance(config, Mapping) else None
    return found if isinstance(found, str) else ("3" if _has_modules(config) else "2")


def understood(config: Any, version: str) -> Any:
    """A config of any Keras with the names of Keras 3.

    Args:
        config: plain data.
        version: of the Keras that wrote it.
    """
    if version[:1] > "2":
        return config
    oldest = version.startswith(("2.2.", "2.3.")) and not version.endswith("-tf")  # of tf.keras
    return _renamed(config, _MEANT[_OLDEST_VERSION if oldest else OLD_VERSION])


def signed(config: Any) -> tuple[Any, str]:
    """A config of Keras 3 with the names of Keras 2, and the version to be written beside it.

    It is the version by which each word means what the model computes.

    Raises:
        ValueError: there is none, since the model does both of what one word means.
    """
    used = set(_words(config))
    older = used & {*_STEEP.values(), *_CORNERS.values()}
    fitting = [
        version
        for version, meant in _MEANT.items()
        if not used & meant.keys() and older <= {*meant.values()}
    ]
    if not fitting:
        words = sorted(older | used & (_STEEP | _CORNERS).keys())
        raise ValueError(
            f"The model has {' and '.join(words)}. In the files of Keras 2 today's and older ones "
            "have one and the same name. Save the model as .keras."
        )
    version = fitting[0]
    for word in sorted(used & _WARNINGS.keys()):
        warnings.warn(f"{_WARNINGS[word]} Save the model as .keras for Keras 3.", stacklevel=4)
    return _renamed(config, {here: word for word, here in _MEANT[version].items()}), version


def _has_modules(config: Any) -> bool:
    """Keras 3 says with each class where it is from."""
    return isinstance(config, Mapping) and "module" in config


def _renamed(config: Any, names: Mapping[str, str]) -> Any:
    return _changed(config, lambda name: names.get(name, name))


def _words(config: Any) -> list[str]:
    found: list[str] = []
    _changed(config, lambda word: found.append(word) or word)  # type: ignore[func-returns-value]
    return found


def _changed(value: Any, change: Callable[[str], str], keys: tuple[str, ...] = _KEYS) -> Any:
    """A config with the words under some keys replaced."""
    if isinstance(value, (list, tuple)):
        return [_changed(item, change) for item in value]
    if not isinstance(value, Mapping):
        return value
    enlarges = value.get("class_name") == "UpSampling2D"
    inner = {"config": (*_KEYS, _WAY)} if enlarges else {}
    return {
        key: change(item)
        if key in keys and isinstance(item, str)
        else _changed(item, change, inner.get(key, _KEYS))
        for key, item in value.items()
    }
