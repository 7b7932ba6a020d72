"""Regularizers: penalties on weights or activities that are added to the loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kerasish import ops
from kerasish.compat.modules import attributes as older_attributes
from kerasish.graph.shapes import Dim
from kerasish.graph.tensor import Tensor
from kerasish.saving.serialization import Configurable, Registry
from kerasish.utils.arguments import reject_unknown


class Regularizer(Configurable):
    """Base class: an object that is called with a tensor and returns a scalar to add.

    >>> class Biggest(Regularizer):
    ...     def __call__(self, x):
    ...         return ops.max(ops.abs(x))
    >>> float(Biggest()([1.0, -3.0]))
    3.0
    """

    def __call__(self, x: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(x).")


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x^2).

    Args:
        l1: the factor of the absolute values; None is 0.
        l2: the factor of the squares, likewise.

    >>> float(L1L2(l1=1.0, l2=0.5)([1.0, -2.0]))
    5.5
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0):
        self.l1 = _factor(self, "l1", 0.0 if l1 is None else l1)
        self.l2 = _factor(self, "l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Any) -> Tensor:
        return _l1_l2(x, self.l1, self.l2)


class L1(Regularizer):
    """l1 * sum(|x|).

    Args:
        l1: the factor.
        l: Keras 2's name of it.

    >>> float(L1(0.5)([1.0, -2.0]))
    1.5
    """

    def __init__(self, l1: float = 0.01, **old: float):
        self.l1 = _factor(self, "l1", _old_name(self, old, l1))

    def __call__(self, x: Any) -> Tensor:
        return _l1_l2(x, self.l1, 0.0)


class L2(Regularizer):
    """l2 * sum(x^2).

    Args:
        l2: the factor.
        l: Keras 2's name of it.

    >>> float(L2(0.5)([1.0, -2.0]))
    2.5
    """

    def __init__(self, l2: float = 0.01, **old: float):
        self.l2 = _factor(self, "l2", _old_name(self, old, l2))

    def __call__(self, x: Any) -> Tensor:
        return _l1_l2(x, 0.0, self.l2)


def _l1_l2(x: Any, l1: float, l2: float) -> Tensor:
    x = ops.convert_to_tensor(x)
    terms = [l1 * ops.sum(ops.abs(x))] if l1 else []
    terms += [l2 * ops.sum(ops.square(x))] if l2 else []
    return sum(terms[1:], start=terms[0]) if terms else ops.zeros((), x.dtype)


def _old_name(owner: Regularizer, old: dict[str, float], value: float) -> float:
    value = old.pop("l", value)
    reject_unknown(old, type(owner), type(owner).__name__)
    return value


def _factor(owner: Regularizer, name: str, value: Any) -> float:
    """The factor as a float, as a config needs it."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(
            f"{type(owner).__name__}: {name} must be a finite number, but got {value!r}."
        )
    return number


class OrthogonalRegularizer(Regularizer):
    """Draws the rows (or columns) of a matrix towards right angles.

    The penalty is `factor` times the mean absolute cosine between each two of them.

    Args:
        factor: the factor.
        mode: "rows" or "columns".

    >>> float(OrthogonalRegularizer(1.0)([[1.0, 0.0], [0.0, 2.0]]))
    0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        if mode not in ("rows", "columns"):
            raise ValueError(
                f'OrthogonalRegularizer: mode must be "rows" or "columns", but got {mode!r}.'
            )
        self.factor, self.mode = _factor(self, "factor", factor), mode

    def __call__(self, x: Any) -> Tensor:
        x = ops.convert_to_tensor(x)
        if x.rank != 2:
            raise ValueError(f"OrthogonalRegularizer: expected a matrix, but got shape {x.shape}.")
        rows = x if self.mode == "rows" else ops.transpose(x)
        rows = ops.l2_normalize(rows, axis=1)
        count: Any = Dim.of(rows, 0)
        cosines = ops.matmul(rows, ops.transpose(rows)) * (1 - ops.eye(count, dtype=x.dtype))
        pairs = ops.cast(ops.convert_to_tensor(count * (count - 1) // 2), x.dtype)
        return self.factor * 0.5 * ops.sum(ops.abs(cosines)) / pairs


registry = Registry(
    "regularizer",
    [L1, L2, L1L2, OrthogonalRegularizer],
    {"l1_l2": "L1L2", "orthogonal": "OrthogonalRegularizer"},
)
l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer


def get(identifier: Any) -> Any:
    """The regularizer that a name, a config, a function or an instance stands for; None for None.

    >>> get("l2")
    <L2>
    """
    if isinstance(identifier, Mapping) and identifier and "class_name" not in identifier:
        plain = {k: v for k, v in identifier.items() if k != "name"}  # as Keras 1 writes it
        if plain.keys() <= {"l1", "l2"}:
            return L1L2(**plain)
    return registry.get(identifier)


serialize = registry.serialize
deserialize = registry.deserialize

# Of Keras 1.
__getattr__ = older_attributes(__name__)
