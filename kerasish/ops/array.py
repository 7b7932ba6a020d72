"""Arrays: their shape, and the order of their axes and elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.graph.primitive import as_tensor, primitive
from kerasish.graph.shapes import (
    Dim,
    broadcast_shapes,
    canonical_axes,
    canonical_axis,
    canonical_shape,
    known,
    same_size,
    size_of,
)
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.rules import sum_to


@primitive
def reshape_p(x: Spec, *, shape: tuple[Any, ...]) -> Spec:
    target = tuple(map(known, shape))
    old, new = size_of(x.shape), size_of(target)
    if old is not None and new is not None and old != new:
        raise ValueError(
            f"cannot reshape {format_shape(x.shape)} ({old} elements) to "
            f"{format_shape(target)} ({new} elements)."
        )
    return Spec(target, x.dtype)


@primitive
def transpose_p(x: Spec, *, axes: tuple[int, ...]) -> Spec:
    return Spec(tuple(x.shape[i] for i in axes), x.dtype)


def whole_sizes(shape: tuple[Any, ...]) -> tuple[int | None, ...]:
    """What a Spec says of a shape that is asked for, in which no size may be negative."""
    if None in shape:
        raise TypeError(f"every size must be given, but the shape is {format_shape(shape)}.")
    sizes = tuple(map(known, shape))
    if any(n is not None and n < 0 for n in sizes):
        raise ValueError(f"no size may be negative, but the shape is {format_shape(sizes)}.")
    return sizes


@primitive
def broadcast_to_p(x: Spec, *, shape: tuple[Any, ...]) -> Spec:
    target = whole_sizes(shape)
    if len(target) < x.rank:
        raise ValueError(
            f"cannot broadcast {format_shape(x.shape)} to {format_shape(target)}, which has "
            "fewer axes."
        )
    result = broadcast_shapes(x.shape, target)
    if any(t is not None and r != t for r, t in zip(result, target, strict=True)):
        raise ValueError(f"cannot broadcast {format_shape(x.shape)} to {format_shape(target)}.")
    return Spec(target, x.dtype)


def shape(x: Any) -> tuple[Any, ...]:
    """The sizes of `x`: ints, and `Dim`s where they are known only at run time.

    A Dim may be used in shapes and in ops like an int.

    Args:
        x: a tensor.

    Returns:
        A tuple of as many sizes as x has axes.

    Raises:
        TypeError: for what holds no numbers.

    >>> shape(np.zeros((2, 3)))
    (2, 3)
    """
    x = as_tensor(x)
    return tuple(Dim.of(x, i) for i in range(x.rank))


def ndim(x: Any) -> int:
    """The number of axes.

    Args:
        x: a tensor.

    Returns:
        An int.

    Raises:
        TypeError: for what holds no numbers.

    >>> ndim([[1, 2], [3, 4]])
    2
    """
    return as_tensor(x).rank


def size(x: Any) -> Any:
    """The number of elements.

    Args:
        x: a tensor.

    Returns:
        An int, or a Dim where it is known only at run time.

    Raises:
        TypeError: for what holds no numbers.

    >>> size([[1, 2], [3, 4]])
    4
    """
    return math.prod(shape(x))


def reshape(x: Any, newshape: Any) -> Tensor:
    """The elements of `x`, in their order, in another shape; one size may be -1.

    Args:
        x: a tensor.
        newshape: the sizes, which may be run-time sizes of `ops.shape`; None counts as -1.

    Returns:
        A tensor of the new shape and the dtype of x.

    Raises:
        ValueError: if the shape has another number of elements, more than one -1, or another
            negative size.
        TypeError: if x holds no numbers, or a size is no int.

    >>> reshape(np.arange(6), (2, -1)).shape
    (2, 3)
    """
    x = as_tensor(x)
    target = [-1 if s is None else s for s in canonical_shape(newshape)]
    unknown = [i for i, s in enumerate(target) if not isinstance(s, Dim) and s == -1]
    if any(not isinstance(s, Dim) and s < -1 for s in target):
        raise ValueError(f"reshape: no size but one -1 may be negative, but got {tuple(target)}.")
    if len(unknown) > 1:
        raise ValueError(f"reshape: only one size may be -1, but got {tuple(target)}.")
    if unknown:
        target[unknown[0]] = _remaining(x, target, unknown[0])
    if tuple(target) == x.shape:
        return x
    return reshape_p(x, shape=tuple(target))


def _remaining(x: Tensor, target: list[Any], position: int) -> Any:
    """The size that -1 stands for."""
    mine: list[Any] = [Dim.of(x, i) for i in range(x.rank)]
    theirs = []
    # Sizes that are the same on both sides cancel; often that leaves ints only.
    for size in (s for i, s in enumerate(target) if i != position):
        twin = next((i for i, m in enumerate(mine) if same_size(m, size)), None)
        if twin is None:
            theirs.append(size)
        else:
            del mine[twin]
    total, rest = math.prod(mine), math.prod(theirs)
    if not theirs:
        return total
    fixed = not isinstance(total, Dim) and not isinstance(rest, Dim)
    if fixed and (rest == 0 or total % rest):
        raise ValueError(
            f"reshape: {format_shape(x.shape)} cannot become "
            f"{format_shape(tuple(map(known, target)))}: {total} is not a multiple of {rest}."
        )
    return total // rest


def flatten(x: Any) -> Tensor:
    """All elements on one axis.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of shape (elements,) and the dtype of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> flatten([[1, 2], [3, 4]]).numpy()
    array([1, 2, 3, 4], dtype=int32)
    """
    return reshape(x, (-1,))


ravel = flatten


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order; reversed if `axes` is None.

    Args:
        x: a tensor.
        axes: each axis once.

    Returns:
        A tensor of the sizes of x in that order, and of its dtype.

    Raises:
        ValueError: if `axes` does not name each axis once.
        TypeError: if x holds no numbers, or an axis is no int.

    >>> transpose(np.zeros((2, 3, 4)), (0, 2, 1)).shape
    (2, 4, 3)
    """
    x = as_tensor(x)
    order = tuple(reversed(range(x.rank))) if axes is None else tuple(axes)
    order = tuple(canonical_axis(a, x.rank) for a in order)
    if sorted(order) != list(range(x.rank)):
        raise ValueError(f"transpose: axes {order} are not an order of {x.rank} axes.")
    return x if order == tuple(range(x.rank)) else transpose_p(x, axes=order)


def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """Axes moved from `source` to `destination`, the others kept in order.

    Args:
        x: a tensor.
        source: an axis or several.
        destination: where each of them goes.

    Returns:
        A tensor of the sizes of x in their new order, and of its dtype.

    Raises:
        ValueError: if x has no such axis, a source or a destination comes twice, or there are
            not as many destinations as sources.
        TypeError: if x holds no numbers, or an axis is no int.

    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = as_tensor(x)
    sources = [canonical_axis(a, x.rank) for a in np.atleast_1d(source)]
    targets = [canonical_axis(a, x.rank) for a in np.atleast_1d(destination)]
    if len(sources) != len(targets):
        raise ValueError(f"moveaxis: {len(sources)} sources but {len(targets)} destinations.")
    if len(set(sources)) < len(sources) or len(set(targets)) < len(targets):
        raise ValueError(
            "moveaxis: no axis may come twice, but the sources are "
            f"{source!r} and the destinations {destination!r}."
        )
    order = [i for i in range(x.rank) if i not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return transpose(x, order)


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged.

    Args:
        x: a tensor.
        axis1: an axis.
        axis2: another one.

    Returns:
        A tensor of the shape of x with the two sizes exchanged, and of its dtype.

    Raises:
        ValueError: if x has no such axis.
        TypeError: if x holds no numbers, or an axis is no int.

    >>> swapaxes(np.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    x = as_tensor(x)
    order = list(range(x.rank))
    a, b = canonical_axis(axis1, x.rank), canonical_axis(axis2, x.rank)
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


def expand_dims(x: Any, axis: Any) -> Tensor:
    """A new axis of size 1 at `axis` (or several).

    Args:
        x: a tensor.
        axis: where the new axis stands in the result; or several.

    Returns:
        A tensor of the shape of x with the new axes of size 1, and of its dtype.

    Raises:
        ValueError: if the result has no such axis, or `axis` names one twice.
        TypeError: if x holds no numbers, or an axis is no int.

    >>> expand_dims(np.zeros((2, 3)), -1).shape
    (2, 3, 1)
    """
    x = as_tensor(x)
    if axis is None:
        raise TypeError("expand_dims: axis must be an int or several, but got None.")
    count = np.size(axis)
    new = canonical_axes(axis, x.rank + count)
    sizes = iter(shape(x))
    return reshape(x, tuple(1 if i in new else next(sizes) for i in range(x.rank + count)))


def squeeze(x: Any, axis: Any = None) -> Tensor:
    """`x` without axes of size 1: those in `axis`, or all.

    Args:
        x: a tensor.
        axis: an axis or several, of size 1; all such axes if None.

    Returns:
        A tensor of the shape of x without those axes, and of its dtype.

    Raises:
        ValueError: if x has no such axis, its size is not 1, or `axis` names one twice.
        TypeError: if x holds no numbers, or an axis is no int.

    >>> squeeze(np.zeros((1, 2, 1)), 0).shape
    (2, 1)
    """
    x = as_tensor(x)
    if axis is None:
        gone = tuple(i for i, s in enumerate(x.shape) if s == 1)
    else:
        gone = canonical_axes(axis, x.rank)
    wrong = [i for i in gone if x.shape[i] not in (1, None)]
    if wrong:
        raise ValueError(
            f"squeeze: axis {wrong[0]} of {format_shape(x.shape)} has size "
            f"{x.shape[wrong[0]]}, not 1."
        )
    return reshape(x, tuple(s for i, s in enumerate(shape(x)) if i not in gone))


def broadcast_to(x: Any, shape: Any) -> Tensor:
    """`x` stretched to `shape` as NumPy broadcasts.

    Args:
        x: a tensor.
        shape: the sizes; x's own ones, 1 stretched to any, further ones in front.

    Returns:
        A tensor of that shape and the dtype of x.

    Raises:
        ValueError: if x does not broadcast to the shape, or a size is negative.
        TypeError: if x holds no numbers, or a size is no int.

    >>> broadcast_to([1, 2], (2, 2)).numpy()
    array([[1, 2],
           [1, 2]], dtype=int32)
    """
    x, target = as_tensor(x), canonical_shape(shape)
    return x if target == x.shape else broadcast_to_p(x, shape=target)


@reshape_p.vjp
def _(g, x, **_):
    return reshape(g, shape(x))


@transpose_p.vjp
def _(g, x, *, axes):
    return transpose(g, tuple(np.argsort(axes)))


@broadcast_to_p.vjp
def _(g, x, *, shape):
    return sum_to(g, x)


@primitive
def flip_p(x: Spec, *, axes: tuple[int, ...]) -> Spec:
    return x


def flip(x: Any, axis: Any = None) -> Tensor:
    """The elements along `axis` in reverse order.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        ValueError: if x has no such axis, or `axis` names one twice.
        TypeError: if x holds no numbers, or an axis is no int.

    >>> flip([1, 2, 3]).numpy()
    array([3, 2, 1], dtype=int32)
    """
    x = as_tensor(x)
    axes = canonical_axes(axis, x.rank)
    return flip_p(x, axes=axes) if axes else x


@flip_p.vjp
def _(g, x, *, axes):
    return flip_p(g, axes=axes)
