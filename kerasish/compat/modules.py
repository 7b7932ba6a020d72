"""Where older Keras had its names: modules that are gone, found by `import` and as attributes.

`SOURCES` is all there is to say. An older module has no file: it is made when it is imported, and
looks each name up where that is now.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_PACKAGE = "kerasish"

# Module of older Keras -> where its names are now, in the order of looking. Modules that still
# exist stand here with the places of what they no longer have.
SOURCES = {
    "applications.mobilenetv2": "applications.mobilenet_v2",
    "backend": "compat.older_caches",
    "backend.common": "backend",
    "backend.tensorflow_backend": "backend",
    "callbacks.callbacks": "callbacks",
    "callbacks.experimental": "callbacks",
    "engine": "layers models compat.older_utils compat.older_nodes",
    "engine.base_layer": "layers compat.older_nodes",
    "engine.input_layer": "layers",
    "engine.keras_tensor": "compat.older_nodes",
    "engine.network": "compat.older_layers models compat.older_utils",
    "engine.saving": "models saving",
    "engine.sequential": "models",
    "engine.topology": "layers models compat.older_layers compat.older_utils compat.older_nodes",
    "engine.training": "models compat.older_utils",
    "experimental": "optimizers.schedules",
    "initializations": "compat.older_initializations",
    "layers": "compat.older_layers compat.older_recurrent compat.older_activations",
    "layers.advanced_activations": "layers compat.older_activations",
    "layers.convolutional": "layers compat.older_layers",
    "layers.convolutional_recurrent": "layers compat.older_layers compat.older_recurrent",
    "layers.core": "layers compat.older_layers",
    "layers.cudnn_recurrent": "layers compat.older_layers",
    "layers.embeddings": "layers compat.older_layers",
    "layers.experimental": "layers",
    "layers.experimental.preprocessing": "layers",
    "layers.merge": "layers compat.older_layers",
    "layers.noise": "layers compat.older_layers",
    "layers.pooling": "layers compat.older_layers",
    "layers.recurrent": "layers compat.older_layers compat.older_recurrent",
    "legacy": "",
    "legacy.interfaces": "compat.older_interfaces",
    "legacy.layers": "compat.older_layers compat.older_recurrent layers",
    "legacy.saving": "compat.older_saving",
    "mixed_precision.experimental": "mixed_precision",
    "objectives": "losses",
    "optimizers.experimental": "optimizers",
    "preprocessing": "utils.directories utils.data",
    "preprocessing.image": "compat.older_image_generator compat.older_image_iterators"
    " compat.older_image_files compat.older_image_transforms utils.images",
    "preprocessing.sequence": "utils.padding compat.older_sequences",
    "preprocessing.text": "compat.older_text",
    "regularizers": "compat.older_regularizers",
    "utils": "compat.older_utils compat.h5dict",
    "utils.conv_utils": "compat.older_utils",
    "utils.data_utils": "utils compat.older_utils",
    "utils.generic_utils": "compat.older_saving compat.older_utils utils",
    "utils.io_utils": "compat.older_utils compat.h5dict",
    "utils.layer_utils": "compat.older_utils utils",
    "utils.legacy": "compat.older_saving",
    "utils.np_utils": "utils",
    "utils.vis_utils": "utils",
    "utils.visualize_util": "compat.older_utils utils",
    "wrappers.scikit_learn": "compat.older_wrappers",
}


def attributes(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module that still exists, for the names that have left it.

    Args:
        module: its full name.
    """

    def find(name: str) -> Any:
        return _older(module, name)

    return find


def _older(module: str, name: str) -> Any:
    """What older Keras has under `name` in `module`; AttributeError if it is not known."""
    path = module.removeprefix(_PACKAGE).removeprefix(".")
    if not name.startswith("__"):  # else Python itself is asking
        if f"{path}.{name}".removeprefix(".") in SOURCES:
            return import_module(f"{module}.{name}")
        for source in SOURCES.get(path, "").split():
            found = import_module(f"{_PACKAGE}.{source}")
            names = getattr(found, "__all__", None)
            public = not name.startswith("_") if names is None else name in names
            if public and hasattr(found, name):
                return getattr(found, name)
    raise AttributeError(f"{module} has no attribute {name!r}.{_hint(module, name)}")


def _hint(module: str, name: str) -> str:
    if name.startswith("_"):  # Python itself is asking
        return ""
    from kerasish.utils.arguments import suggestion

    return suggestion(name, dir(sys.modules[module]))


def _public(module: ModuleType) -> list[str]:
    """The names that a module wants to be known for."""
    names = getattr(module, "__all__", None)
    return list(names) if names is not None else [n for n in dir(module) if not n.startswith("_")]


class OlderModule(ModuleType):
    """A module of older Keras."""

    def __getattr__(self, name: str) -> Any:
        return _older(self.__name__, name)

    @property
    def __all__(self) -> list[str]:
        return sorted(set(self._names()))

    def _names(self) -> Iterator[str]:
        path = self.__name__.removeprefix(f"{_PACKAGE}.")
        for source in SOURCES[path].split():
            yield from _public(import_module(f"{_PACKAGE}.{source}"))

    def __dir__(self) -> list[str]:
        return self.__all__


class _Merge(OlderModule):
    """`keras.layers.merge`: a module of Keras 2, and a function of Keras 1."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from kerasish.compat.older_layers import merge

        return merge(*args, **kwargs)


class _Finder(MetaPathFinder, Loader):
    """Finds older modules where Python has found none."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package != _PACKAGE or name not in SOURCES:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        kind = _Merge if spec.name == f"{_PACKAGE}.layers.merge" else OlderModule
        return kind(spec.name, "Names of older Keras: see kerasish.compat.modules.")

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is executed: names are looked up when they are used."""


def install() -> None:
    """Lets `import` find the older modules, behind everything that exists."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
