"""Under which names programs import Keras: packages of its own, and parts of TensorFlow."""

from __future__ import annotations

import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from kerasish.engines import registry

# The library that has Keras inside of it.
LIBRARY = "tensorflow"

# Keras's own names in its generations, and the library's.
PACKAGES = ("keras", "keras_core", "tf_keras", f"{LIBRARY}.keras")

# Other names -> where that is in Keras. Parts of Keras 2 were packages of their own.
_PLACES = {
    # Where Keras 2 and 3 keep their files; editors write imports of these.
    **{
        f"{package}.{inner}": ""
        for package in ("keras", f"{LIBRARY}.keras")
        for inner in ("_tf_keras.keras", "_tf_keras", "api._v2.keras", "api._v2", "api", "src")
    },
    **dict.fromkeys(PACKAGES, ""),
    "keras_applications": ".applications",
    "keras_preprocessing": ".preprocessing",
}


def path_in_keras(module: str) -> str | None:
    """Where a module is within Keras: "" for Keras itself, None if it is no part of it.

    >>> path_in_keras("keras.layers.core"), path_in_keras("keras"), path_in_keras("kerastuner")
    ('.layers.core', '', None)
    >>> path_in_keras("keras.src.engine.base_layer")
    '.engine.base_layer'
    """
    for package, place in _PLACES.items():
        if module == package or module.startswith(f"{package}."):
            return place + _public(module.removeprefix(package))
    return None


# Where Keras itself, and TensorFlow, keep what has public names.
_INSIDE = (".api._v2.keras", ".api", ".src", "._tf_keras.keras")


def _public(path: str) -> str:
    for inside in _INSIDE:
        if path == inside or path.startswith(f"{inside}."):
            return path.removeprefix(inside)
    return path


def library_spec(keras: ModuleType) -> ModuleSpec:
    """How to import the library with `keras` in its Keras's place, whether it is there or not.

    Args:
        keras: what its attribute `keras` is to be.
    """
    spec = PathFinder.find_spec(LIBRARY)
    if spec is None or spec.loader is None or spec.origin is None:
        return ModuleSpec(LIBRARY, _StandIn(keras), is_package=True)
    spec.loader = _WithKeras(spec.loader, keras)
    return spec


class _WithKeras(Loader):
    """The loader of a module that gets another `keras`."""

    def __init__(self, loader: Loader, keras: ModuleType) -> None:
        self._loader, self._keras = loader, keras

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        if "kerasish.engines.tensorflow" not in sys.modules:  # else that is what imports it here
            from kerasish.engines.tensorflow import loops

            loops.teach()
        module.keras = self._keras  # type: ignore[attr-defined]


class _KerasAlone(ModuleType):
    """The library where it is not installed: Keras is all that it has."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # Python itself is asking
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        raise AttributeError(
            f"the program uses {self.__name__}.{name}, but here is only {self.__name__}.keras: "
            f"{registry.installed(self.__name__)[1]}"
        )


class _StandIn(Loader):
    def __init__(self, keras: ModuleType) -> None:
        self._keras = keras

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _KerasAlone(spec.name, "Keras, where the library around it is not installed.")

    def exec_module(self, module: ModuleType) -> None:
        module.keras = self._keras  # type: ignore[attr-defined]
