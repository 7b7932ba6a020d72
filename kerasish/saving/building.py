"""Models made from what a file says, within the bounds of what the file has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.graph import dtypes
from kerasish.graph.tensor import Placeholder
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


@contextmanager
def building(path: Path | str, count: int | None = None) -> Iterator[None]:
    """Where objects are made of the configs in a file.

    Args:
        path: of the file, for messages.
        count: how many numbers the weights in the file have. The model may not have many more:
            a config can ask for more memory than there is. The weights start as zeros, since
            those of the file take their place; no time goes into random numbers. None if
            no weights are made.

    Raises:
        FileError: something could not be made, or is too large.
    """
    with ExitStack() as stack:
        if count is not None:
            stack.enter_context(initialized_by(_Budget(path, count)))
        try:
            yield
        except _SYMPTOMS as error:
            raise FileError(
                f"{path}: the config in the file could not be made into a model "
                f"({type(error).__name__}: {error})."
            ) from error


class _Budget:
    """Makes zeros in the place of initial weights, up to a total."""

    def __init__(self, path: Path | str, count: int):
        self.path, self.count, self.left = path, count, count + _SLACK

    def __call__(self, shape: Any, dtype: str) -> np.ndarray:
        size = 1
        for length in shape:
            size *= length
        if size < 0 or size > self.left:
            raise FileError(
                f"{self.path}: the config asks for a weight of shape {tuple(shape)}, but the file "
                f"has only {self.count} numbers for all weights."
            )
        self.left -= size
        # One zero in all places: it takes no memory, and those of the file come in its place.
        zero: np.ndarray = np.zeros((), dtypes.numpy_dtype(dtype))
        return np.broadcast_to(zero, shape)


def model_from_entry(entry: Mapping[str, Any]) -> Any:
    """The model of a {"class_name", "config"}, built if the entry says for what shape.

    Raises:
        FileError: the entry is of something else.
    """
    from kerasish.models.model import Model

    if not isinstance(entry, Mapping) or "class_name" not in entry:
        raise FileError(f"Expected the config of a model, but found {str(entry)[:100]}.")
    if entry["class_name"] == "Model" and not entry.get("module"):
        entry = {**entry, "module": "keras.models"}
    model = deserialize_keras_object(entry)
    if not isinstance(model, Model):
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
    """The shapes of tensors in lists and dicts, as plain data."""
    return tree.map_structure(lambda x: list(x.shape), inputs)
