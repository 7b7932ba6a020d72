"""Sizes behind tensors: what was computed of a shape that is not known yet is a size again."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.shapes import Dim
from kerasish.graph.tensor import Tensor


def size_behind(tensor: Tensor) -> Any:
    """The size that a scalar tensor is: an int or a Dim.

    Raises:
        ValueError: it depends on data, or is computed of sizes in a way that no size is.
    """
    return _Reader().read(tensor).item()


def is_size(tensor: Tensor) -> bool:
    """Whether a tensor is computed of sizes and ints, by operations that sizes have."""
    if tensor.node is None:
        return not tensor.is_symbolic
    name = tensor.node.primitive.name
    return name == "size" or (name in _OPERATIONS and all(map(is_size, tensor.node.inputs)))


class _Reader:
    """Computes tensors of sizes over arrays that hold ints and Dims."""

    def __init__(self) -> None:
        self.known: dict[int, np.ndarray] = {}

    def read(self, tensor: Tensor) -> np.ndarray:
        if id(tensor) not in self.known:
            self.known[id(tensor)] = self._computed(tensor)
        return self.known[id(tensor)]

    def _computed(self, tensor: Tensor) -> np.ndarray:
        if not tensor.is_symbolic and dtypes.is_int(tensor.dtype):
            return tensor.numpy().astype(object)
        node = tensor.node
        name = None if node is None else node.primitive.name
        if node is not None and name == "size":
            return np.array(node.attrs["size"], object)
        if node is None or name not in _OPERATIONS or not dtypes.is_int(tensor.dtype):
            tensor.numpy()  # raises, and says why
        arrays = [self.read(x) for x in node.inputs]  # type: ignore[union-attr]
        return np.asarray(_OPERATIONS[name](arrays, node.attrs), object)  # type: ignore[union-attr]


def _elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    whole = np.frompyfunc(function, 1 if function is operator.neg else 2, 1)
    return lambda arrays, attrs: whole(*arrays)


def _slice(arrays: Any, attrs: Any) -> Any:
    bounds = zip(attrs["start"], attrs["stop"], attrs["step"], strict=True)
    return arrays[0][tuple(slice(a, None if b < 0 else b, step) for a, b, step in bounds)]


def _larger(a: Any, b: Any) -> Any:
    return Dim(max, a, b) if isinstance(a, Dim) or isinstance(b, Dim) else max(a, b)


def _smaller(a: Any, b: Any) -> Any:
    return Dim(min, a, b) if isinstance(a, Dim) or isinstance(b, Dim) else min(a, b)


_OPERATIONS: dict[str | None, Callable[..., Any]] = {
    "add": _elementwise(operator.add),
    "broadcast_to": lambda arrays, attrs: np.broadcast_to(arrays[0], attrs["shape"]),
    "cast": lambda arrays, attrs: arrays[0],
    "concatenate": lambda arrays, attrs: np.concatenate(arrays, attrs["axis"]),
    "floor_divide": _elementwise(operator.floordiv),
    "identity": lambda arrays, attrs: arrays[0],
    "maximum": _elementwise(_larger),
    "minimum": _elementwise(_smaller),
    "mod": _elementwise(operator.mod),
    "multiply": _elementwise(operator.mul),
    "negative": _elementwise(operator.neg),
    "prod": lambda arrays, attrs: np.prod(arrays[0], attrs["axis"]),
    "reshape": lambda arrays, attrs: np.reshape(arrays[0], attrs["shape"]),
    "slice": _slice,
    "subtract": _elementwise(operator.sub),
    "sum": lambda arrays, attrs: np.sum(arrays[0], attrs["axis"]),
    "take": lambda arrays, attrs: np.take(arrays[0], arrays[1].astype(int), attrs["axis"]),
}
