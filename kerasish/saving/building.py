"""Models made from what a file says, within the bounds of what the file has."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.graph import dtypes
from kerasish.graph.tensor import Placeholder, at_most
from kerasish.graph.variable import initialized_by
from kerasish.saving.h5 import FileError
from kerasish.saving.hooks import overrides
from kerasish.saving.serialization import deserialize_keras_object

# What code that expects a sound config raises for another one.
_SYMPTOMS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    TypeError,
)
# Weights beyond those in the file: a state that only one of the two Kerases has.
_SLACK = 1 << 16
# Operations of a model: far more than hundreds of layers, some of them unrolled, take.
_MOST_NODES = 1 << 17
# Numbers that optimizers and metrics may have: some for each weight, and tables of their own.
_SLOTS, _STATES = 8, 1 << 24
# Sizes for which layers and metrics make tables at once, and what no table has.
_TABLES = {"height", "width", "size", "num_mel_bins", "fft_length", "frame_length"}
_TABLES |= {"num_thresholds", "output_size"}
_LARGEST = 1 << 20


@contextmanager
def building(path: Path | str, count: int | None = None, compiling: bool = False) -> Iterator[None]:
    """Where objects are made of the configs in a file.

    Args:
        path: of the file, for messages.
        count: how many numbers the weights in the file have. The model may not have many more:
            a config can ask for more memory than there is. The weights start as zeros, since
            those of the file take their place; no time goes into random numbers. If None, the
            memory of the computer is the bound.
        compiling: whether it is the model's optimizer and metrics that are made, which have more
            numbers, and begin with others than zeros.

    Raises:
        FileError: something could not be made, or is too large.
    """
    with ExitStack() as stack:
        limit = _Memory(path) if count is None else _Budget(path, count, compiling)
        stack.enter_context(initialized_by(limit))
        stack.enter_context(at_most(_MOST_NODES))
        try:
            yield
        except _SYMPTOMS as error:
            raise FileError(
                f"{path}: the config in the file could not be made into a model "
                f"({type(error).__name__}: {error})."
            ) from error


class _Budget:
    """Makes zeros in the place of initial weights, up to a total; for compiling it only counts."""

    def __init__(self, path: Path | str, count: int, compiling: bool):
        self.path, self.count, self.compiling = path, count, compiling
        self.left = _SLOTS * count + _STATES if compiling else count + _SLACK

    def __call__(self, shape: Any, dtype: str) -> np.ndarray | None:
        size = math.prod(shape)
        if size < 0 or size > self.left:
            raise FileError(
                f"{self.path}: the config asks for a weight of shape {tuple(shape)}, but the file "
                f"has only {self.count} numbers for all weights."
            )
        self.left -= size
        if self.compiling:
            return None
        # One zero in all places: it takes no memory, and those of the file come in its place.
        zero: np.ndarray = np.zeros((), dtypes.numpy_dtype(dtype))
        return np.broadcast_to(zero, shape)


class _Memory:
    """Leaves initial weights as they are, as long as they fit into the memory of the computer."""

    def __init__(self, path: Path | str):
        self.path, self.left = path, memory()

    def __call__(self, shape: Any, dtype: str) -> None:
        self.left -= math.prod(shape) * dtypes.numpy_dtype(dtype).itemsize
        if self.left < 0:
            raise FileError(
                f"{self.path} asks for a weight of shape {tuple(shape)}; with the others, that is "
                f"more than the {memory():.3g} bytes of memory that there are."
            )


def memory() -> float:
    """How many bytes the computer has, where that can be asked for."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", ()):
        return math.inf
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_tables(config: Any) -> None:
    """Refuses sizes for which a layer or metric would fill all memory with a table."""
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            for name in _TABLES:
                sizes = item.get(name)
                for size in sizes if isinstance(sizes, (list, tuple)) else [sizes]:
                    if isinstance(size, (int, float)) and size > _LARGEST:
                        raise FileError(
                            f"The config has {name}={size}; it may be {_LARGEST} at most."
                        )
        if isinstance(item, (Mapping, list, tuple)):
            waiting += item.values() if isinstance(item, Mapping) else item


def model_from_entry(entry: Mapping[str, Any]) -> Any:
    """The model of a {"class_name", "config"}, built if the entry says for what shape.

    Raises:
        FileError: the entry is of something else.
    """
    from kerasish.layers.preprocessing.feature_space import FeatureSpace
    from kerasish.models.model import Model

    if not isinstance(entry, Mapping) or "class_name" not in entry:
        raise FileError(f"Expected the config of a model, but found {str(entry)[:100]}.")
    if entry["class_name"] == "Model" and not entry.get("module"):
        entry = {**entry, "module": "keras.models"}
    check_tables(entry)
    model = deserialize_keras_object(entry)
    if not isinstance(model, (Model, FeatureSpace)):
        raise FileError(f"Expected a model, but the config is of {type(model).__name__}.")
    if overrides(model, "build_from_config") and entry.get("build_config"):
        model.build_from_config(entry["build_config"])
        model.built = True
    shapes = (entry.get("build_config") or {}).get("input_shape")
    if not model.built and shapes is not None:
        model.compute_output_spec(_placeholders(shapes, model.dtype))
    return model


def _placeholders(shapes: Any, dtype: str) -> Any:
    """Inputs of a shape, or of several in lists and dicts."""
    if isinstance(shapes, Mapping):
        return {key: _placeholders(value, dtype) for key, value in shapes.items()}
    if any(isinstance(item, (list, tuple, Mapping)) for item in shapes):
        return [_placeholders(item, dtype) for item in shapes]
    return Placeholder(tuple(shapes), dtype)


def shapes_of(inputs: Any) -> Any:
    """The shapes of tensors in lists and dicts, as plain data; None for what is none."""
    return tree.map_structure(lambda x: list(x.shape) if hasattr(x, "shape") else None, inputs)
