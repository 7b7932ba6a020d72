"""Python's operators on tensors: each is the operation of its name."""

from __future__ import annotations

from typing import Any

from kerasish.graph.tensor import Tensor
from kerasish.ops import array, elementwise, linalg, reduce


def _reflected(operation: Any) -> Any:
    return lambda self, other: operation(other, self)


_BINARY = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "floordiv": elementwise.floor_divide,
    "mod": elementwise.mod,
    "pow": elementwise.power,
    "matmul": linalg.matmul,
    "and": elementwise.logical_and,
    "or": elementwise.logical_or,
    "xor": elementwise.logical_xor,
}
_COMPARISON = {
    "eq": elementwise.equal,
    "ne": elementwise.not_equal,
    "lt": elementwise.less,
    "le": elementwise.less_equal,
    "gt": elementwise.greater,
    "ge": elementwise.greater_equal,
}
_UNARY = {
    "neg": elementwise.negative,
    "pos": lambda x: x,
    "abs": elementwise.abs,
    "invert": elementwise.logical_not,
}
_METHODS = {
    "sum": reduce.sum,
    "mean": reduce.mean,
    "max": reduce.max,
    "min": reduce.min,
    "reshape": array.reshape,
    "transpose": array.transpose,
    "astype": elementwise.cast,
    "flatten": array.flatten,
}


def install() -> None:
    """Gives Tensor its operators; called once, when `kerasish.ops` is imported."""
    for name, operation in (_BINARY | _COMPARISON | _UNARY).items():
        setattr(Tensor, f"__{name}__", operation)
    for name, operation in _BINARY.items():
        setattr(Tensor, f"__r{name}__", _reflected(operation))
    for name, operation in _METHODS.items():
        setattr(Tensor, name, operation)
    Tensor.__getitem__ = array.getitem  # type: ignore[attr-defined]
    Tensor.T = property(array.transpose)  # type: ignore[attr-defined]
