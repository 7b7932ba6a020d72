"""Products along an axis."""

from __future__ import annotations

import math
from typing import Any

from kerasish import ops
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor


def dot(x: Any, y: Any) -> Tensor:
    """The last axis of x with the second-to-last of y (its only one, for a vector).

    Args:
        x: a tensor (..., n) of numbers.
        y: likewise, (..., n, m) or (n,).

    Returns:
        A tensor (..., ..., m): the other axes of x, then those of y; of the common dtype.

    Raises:
        ValueError: if the two sizes n differ.

    >>> dot(np.ones((2, 3)), np.ones((4, 3, 5))).shape
    (2, 4, 5)
    """
    return ops.dot(x, y)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Tensor:
    """The products of x and y, sample by sample, summed over one axis of each.

    Args:
        x: of at least two axes, the first being that of the samples.
        y: likewise.
        axes: an axis of both, or an axis of x and one of y. If None the last axis of x, and of y
            the second-to-last, or the last if it has only two.

    Returns:
        A tensor of the common dtype: the samples, the other axes of x, the other axes of y;
        (samples, 1) if there are none.

    Raises:
        ValueError: for an axis that is not there, the axis of the samples, or sizes that differ.

    >>> batch_dot(np.ones((8, 20, 3)), np.ones((8, 30, 20)), axes=(1, 2)).shape
    (8, 3, 30)
    """
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    a, b = _batch_dot_axes(x, y, axes)
    free_x = [i for i in range(1, x.ndim) if i != a]
    free_y = [i for i in range(1, y.ndim) if i != b]
    sizes_x, sizes_y = ops.shape(x), ops.shape(y)
    rest_x, rest_y = [sizes_x[i] for i in free_x], [sizes_y[i] for i in free_y]
    rows = ops.reshape(
        ops.transpose(x, (0, *free_x, a)), (sizes_x[0], math.prod(rest_x), sizes_x[a])
    )
    columns = ops.reshape(
        ops.transpose(y, (0, b, *free_y)), (sizes_y[0], sizes_y[b], math.prod(rest_y))
    )
    return ops.reshape(ops.matmul(rows, columns), (sizes_x[0], *(rest_x + rest_y or [1])))


def _batch_dot_axes(x: Tensor, y: Tensor, axes: Any) -> tuple[int, int]:
    shapes = f"x {format_shape(x.shape)} and y {format_shape(y.shape)}"
    if min(x.ndim, y.ndim) < 2:
        raise ValueError(f"x and y need at least two axes, but got {shapes}.")
    if axes is None:
        axes = x.ndim - 1, (1 if y.ndim == 2 else y.ndim - 2)
    pair = tuple(axes) if isinstance(axes, (list, tuple)) else (axes, axes)
    if len(pair) != 2 or not all(isinstance(a, int) for a in pair):
        raise ValueError(f"axes must be an int or two of them, but got {axes!r}.")
    limits = list(zip(pair, (x.ndim, y.ndim), strict=True))
    if not all(-rank <= a < rank and a % rank for a, rank in limits):
        raise ValueError(
            f"axes must name an axis of x and one of y, but not the first, which is "
            f"that of the samples. Got axes={axes!r} for {shapes}."
        )
    a, b = (axis % rank for axis, rank in limits)
    for left, right in ((x.shape[0], y.shape[0]), (x.shape[a], y.shape[b])):
        if None not in (left, right) and left != right:
            raise ValueError(
                f"Sizes {left} and {right} must be equal, for {shapes} with axes {(a, b)}."
            )
    return a, b
