"""More new arrays: spaced evenly, and what is built from a diagonal."""

from __future__ import annotations

import builtins
import math
import operator
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import Dim, broadcast_shapes, canonical_axis
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Constant, Tensor
from kerasish.ops.array import broadcast_to, expand_dims, flatten, moveaxis, reshape, shape
from kerasish.ops.binary import power, where
from kerasish.ops.comparisons import equal, less_equal
from kerasish.ops.elementwise import abs, exp, floor, log, sign
from kerasish.ops.filling import arange, eye, ones_like, whole, zeros, zeros_like
from kerasish.ops.joining import pad, stack
from kerasish.ops.promotion import at_least_single, cast, combined_dtype, promoted
from kerasish.ops.selection import getitem, take_p

# --- filled ------------------------------------------------------------------------------


def empty(shape: Any, dtype: Any = None) -> Tensor:
    """An array of `shape` whose values do not matter: zeros.

    Args:
        shape: the sizes, which may be run-time sizes of `ops.shape`.
        dtype: of the result; floatx if None.

    Returns:
        A tensor of `shape` and `dtype`.

    Raises:
        ValueError: if a size is negative, or no such dtype exists.
        TypeError: if `shape` is no int and no sequence of them.

    >>> empty((2,)).numpy()
    array([0., 0.], dtype=float32)
    """
    return zeros(shape, dtype)


def empty_like(x: Any, dtype: Any = None) -> Tensor:
    """An array of x's shape whose values do not matter: zeros.

    Args:
        x: a tensor.
        dtype: of the result; x's own if None.

    Returns:
        A tensor of the shape of x and of `dtype`.

    Raises:
        ValueError: if no such dtype exists.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> empty_like([1, 2]).numpy()
    array([0, 0], dtype=int32)
    """
    return zeros_like(x, dtype)


def identity(n: int, dtype: Any = None) -> Tensor:
    """The n x n identity matrix.

    Args:
        n: the number of rows and columns.
        dtype: of the result; floatx if None.

    Returns:
        A tensor of shape (n, n) and of `dtype`.

    Raises:
        ValueError: if n is negative, or no such dtype exists.
        TypeError: if n is no int.

    >>> identity(2).numpy()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    return eye(n, dtype=dtype)


# --- evenly spaced -----------------------------------------------------------------------


def _ends(start: Any, stop: Any, dtype: str) -> tuple[Tensor, Tensor]:
    """Both ends as floats of `dtype`, of one shape, on a new first axis."""
    a, b = (cast(end, dtype) for end in promoted(start, stop, to=dtypes.floating))
    both = broadcast_shapes(a.shape, b.shape, where="linspace")
    if None in both:
        return expand_dims(a + zeros_like(b), 0), expand_dims(b + zeros_like(a), 0)
    return tuple(expand_dims(broadcast_to(t, both), 0) for t in (a, b))  # type: ignore[return-value]


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Numbers spaced evenly from `start` to `stop`.

    Args:
        start: the first number or tensor.
        stop: the last one, or the one after the last.
        num: how many.
        endpoint: whether `stop` is the last.
        retstep: whether to return the distance between two numbers too.
        dtype: of the result; if None a float.
        axis: where the new axis of size `num` goes.

    Returns:
        A tensor of the shape to which start and stop broadcast, with a new axis of size `num`, and
        of `dtype`; if that is None, of the dtype of both if it is a float, else of floatx. With
        retstep a pair: that tensor, and the distance as a float.

    Raises:
        ValueError: if num is negative, the shapes do not broadcast, the result has no such axis, or
            no such dtype exists.
        TypeError: if start or stop is no array of numbers, or num no int.

    >>> linspace(0.0, 1.0, 5).numpy()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    if num < 0:
        raise ValueError(f"linspace: num must not be negative, but it is {num}.")
    own = dtypes.floating(combined_dtype(start, stop))
    name = own if dtype is None else dtypes.standardize(dtype)
    precision = name if dtypes.is_float(name) else own
    a, b = _ends(start, stop, at_least_single(precision))
    gaps = num - 1 if endpoint else num
    step = (b - a) / gaps if gaps > 0 else (b - a) * math.nan
    count = _counted(num, a)
    points = a + (count * step if gaps > 0 else count)
    if endpoint and num > 1:
        points = where(equal(count, num - 1), b, points)
    points = moveaxis(cast(points if dtypes.is_float(name) else floor(points), name), 0, axis)
    return (points, cast(step[0], precision)) if retstep else points


def _counted(num: int, like: Tensor) -> Tensor:
    """0, 1, 2 ... on the first of as many axes as `like` has, in its dtype."""
    return reshape(arange(num, dtype=like.dtype), (num,) + (1,) * (like.rank - 1))


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """base to the powers that `linspace` gives.

    Args:
        start: the first exponent.
        stop: the last one.
        num: how many numbers.
        endpoint: whether the last one is among them.
        base: of the powers, one number.
        dtype: of the result; if None a float.
        axis: where the new axis goes, if start and stop are no scalars.

    Returns:
        A tensor of the shape to which start and stop broadcast, with a new axis of size `num`, and
        of `dtype`; if that is None, of the dtype of both if it is a float, else of floatx.

    Raises:
        ValueError: if num is negative, the shapes do not broadcast, base is more than one number,
            the result has no such axis, or no such dtype exists.
        TypeError: if start or stop is no array of numbers, or num no int.

    >>> logspace(0.0, 2.0, 3).numpy()
    array([  1.,  10., 100.], dtype=float32)
    """
    if as_tensor(base).rank:
        raise ValueError(f"logspace: base must be one number, but got {base!r:.80}.")
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    points = power(cast(base, exponents.dtype), exponents)
    return points if dtype is None else cast(points, dtype)


def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """Numbers from `start` to `stop`, each the same multiple of the one before.

    Args:
        start: the first number or tensor, not 0.
        stop: the last one, of the same sign.
        num: how many.
        endpoint: whether `stop` is the last.
        dtype: of the result; if None a float.
        axis: where the new axis goes.

    Returns:
        A tensor of the shape to which start and stop broadcast, with a new axis of size `num`, and
        of `dtype`; if that is None, of floatx.

    Raises:
        ValueError: if num is negative, the shapes do not broadcast, the result has no such axis, no
            such dtype exists, or numbers that start and stop hold are 0 or differ in sign.
        TypeError: if start or stop is no array of numbers, or num no int.

    >>> geomspace(1.0, 8.0, 4).numpy().round(4)
    array([1., 2., 4., 8.], dtype=float32)
    """
    dtype, ends = dtypes.standardize(dtype), [as_tensor(start), as_tensor(stop)]
    a, b = (cast(end, at_least_single(dtypes.floating(dtype))) for end in ends)
    sizes = linspace(log(abs(a)), log(abs(b)), num, endpoint)
    signs = [np.sign(end.value.astype("float64")) for end in ends if isinstance(end, Constant)]
    if len(signs) == 2 and (signs[0] * signs[1] <= 0).any():
        raise ValueError(
            f"geomspace: start and stop must be of one sign and not 0, but got {start!r:.80} and "
            f"{stop!r:.80}."
        )
    points = exp(sizes) * sign(a)
    count = _counted(num, points)
    points = where(equal(count, 0), a, points)  # the ends come as they were given
    if endpoint and num > 1:
        points = where(equal(count, num - 1), b, points)
    return cast(moveaxis(points, 0, axis), dtype)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of `x` as columns, from the N-1st (by default, as many as x has) down to 0.

    Args:
        x: a tensor with one axis.
        N: the number of columns; as many as rows if None.
        increasing: whether powers grow from left to right.

    Returns:
        A tensor of shape (size of x, N) and of the dtype of x.

    Raises:
        ValueError: if x does not have one axis, or N is negative.
        TypeError: if x is no array of numbers, such as a string or None, or N no int.

    >>> vander([2, 3], 3).numpy()
    array([[4, 2, 1],
           [9, 3, 1]], dtype=int32)
    """
    x = as_tensor(x)
    if x.rank != 1:
        raise ValueError(f"vander: x must have one axis, but its shape is {format_shape(x.shape)}.")
    count = len(x) if N is None else operator.index(N)
    if count < 0:
        raise ValueError(f"vander: N must not be negative, but it is {count}.")
    if count == 0:
        return zeros((Dim.of(x, 0), 0), x.dtype)
    columns = [ones_like(x)]
    while len(columns) < count:
        columns.append(columns[-1] * x)
    return stack(columns if increasing else columns[::-1], axis=1)


def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinates of the points of a grid.

    Args:
        *x: the coordinates along each axis; flattened.
        indexing: "xy" gives the second axis to the first sequence, "ij" the first axis.

    Returns:
        A list with a tensor per sequence, in its dtype. All have one shape: the lengths of the
        sequences in their order, the first two of them swapped for "xy".

    Raises:
        ValueError: if `indexing` is another string.
        TypeError: if one of x is no array of numbers, such as a string or None.

    >>> [g.numpy().tolist() for g in meshgrid([1, 2], [3, 4])]
    [[[1, 2], [1, 2]], [[3, 3], [4, 4]]]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f'meshgrid: indexing must be "xy" or "ij", not {indexing!r}.')
    lines = [flatten(one) for one in x]
    places = list(range(len(lines)))
    if indexing == "xy" and len(lines) > 1:
        places[:2] = 1, 0
    sizes: list[Any] = [Dim.of(lines[places.index(i)], 0) for i in range(len(lines))]
    return [
        broadcast_to(reshape(line, tuple(-1 if i == p else 1 for i in range(len(lines)))), sizes)
        for line, p in zip(lines, places, strict=True)
    ]


# --- triangles and diagonals -------------------------------------------------------------


def _triangle(rows: Any, columns: Any, k: int) -> Tensor:
    """Where column <= row + k."""
    return less_equal(arange(columns), expand_dims(arange(rows), 1) + k)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on and below the k-th diagonal of an N x M matrix of zeros.

    Args:
        N: the number of rows.
        M: the number of columns; N if None.
        k: the last diagonal with ones, above the main one if positive.
        dtype: of the result; floatx if None.

    Returns:
        A tensor of shape (N, M) and of `dtype`.

    Raises:
        ValueError: if no such dtype exists.
        TypeError: if N or M is no int, or k no number.

    >>> tri(2, 3).numpy()
    array([[1., 0., 0.],
           [1., 1., 0.]], dtype=float32)
    """
    rows = whole("N", N)
    columns = rows if M is None else whole("M", M)
    return cast(_triangle(rows, columns, k), dtypes.standardize(dtype))


def _matrix(x: Any, name: str) -> Tensor:
    x = as_tensor(x)
    if x.rank < 2:
        raise ValueError(
            f"{name}: expected a matrix or a stack of them, but got the shape "
            f"{format_shape(x.shape)}."
        )
    return x


def tril(x: Any, k: int = 0) -> Tensor:
    """`x` with zeros above the k-th diagonal of its last two axes.

    Args:
        x: a tensor with at least two axes, matrices on the last two.
        k: the diagonal that is the last to be kept, above the main one if positive.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        ValueError: if x has fewer than two axes.
        TypeError: if x is no array of numbers, such as a string or None, or k no number.

    >>> tril([[1, 2], [3, 4]]).numpy()
    array([[1, 0],
           [3, 4]], dtype=int32)
    """
    x = _matrix(x, "tril")
    lower = _triangle(Dim.of(x, -2), Dim.of(x, -1), k)
    return where(lower, x, as_tensor(0, x.dtype))


def triu(x: Any, k: int = 0) -> Tensor:
    """`x` with zeros below the k-th diagonal of its last two axes.

    Args:
        x: a tensor with at least two axes, matrices on the last two.
        k: the diagonal that is the first to be kept, above the main one if positive.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        ValueError: if x has fewer than two axes.
        TypeError: if x is no array of numbers, such as a string or None, or k no number.

    >>> triu([[1, 2], [3, 4]]).numpy()
    array([[1, 2],
           [0, 4]], dtype=int32)
    """
    x = _matrix(x, "triu")
    below = _triangle(Dim.of(x, -2), Dim.of(x, -1), k - 1)
    return where(below, as_tensor(0, x.dtype), x)


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonal of the matrices on two axes, as a new last axis.

    Args:
        x: a tensor with at least two axes.
        offset: which diagonal: above the main one if positive.
        axis1: the axis of the rows.
        axis2: the axis of the columns.

    Returns:
        A tensor of the dtype of x, and of its shape without the two axes, with the length of the
        diagonal at the end: 0 if there is no such diagonal.

    Raises:
        ValueError: if x has fewer than two axes or not these ones, or both are the same.
        TypeError: if x is no array of numbers, such as a string or None, or offset no int.

    >>> diagonal([[1, 2], [3, 4]]).numpy()
    array([1, 4], dtype=int32)
    """
    x = _matrix(x, "diagonal")
    rows, columns = canonical_axis(axis1, x.rank), canonical_axis(axis2, x.rank)
    if rows == columns:
        raise ValueError(f"diagonal: axis1 and axis2 are the same axis, {rows}.")
    x = moveaxis(x, (rows, columns), (-2, -1))
    n, m = shape(x)[-2:]
    if isinstance(m, Dim):
        # The step of a slice must be known.
        flat, length = reshape(x, (*shape(x)[:-2], n * m)), Dim(_diagonal_length(offset), n, m)
        first = -offset * m if offset < 0 else offset
        places = arange(length) * as_tensor(m + 1) + as_tensor(first)
        return take_p(flat, places, axis=flat.rank - 1)
    start = offset if offset >= 0 else -offset * m
    flat = reshape(x, (*shape(x)[:-2], n * m))
    length = _diagonal_length(offset)
    last = (Dim(length, n, m) if isinstance(n, Dim) else length(n, m)) * (m + 1)
    return getitem(flat, (..., slice(start, start + last, m + 1)))


def _diagonal_length(offset: int) -> Any:
    def length(n: int, m: int) -> int:
        rows, columns = n + builtins.min(offset, 0), m - builtins.max(offset, 0)
        return builtins.max(0, builtins.min(rows, columns))

    return length


def diag(x: Any, k: int = 0) -> Tensor:
    """A matrix with the vector `x` on its k-th diagonal; of a matrix, its k-th diagonal.

    Args:
        x: a tensor with one axis (the diagonal) or two (the matrix).
        k: which diagonal: 0 the main one, above it if positive.

    Returns:
        A tensor of the dtype of x: of a vector of size n a matrix of n + |k| rows and columns, of a
        matrix the vector on its diagonal.

    Raises:
        ValueError: if x has neither one axis nor two.
        TypeError: if x is no array of numbers, such as a string or None, or k no int.

    >>> diag([1, 2]).numpy()
    array([[1, 0],
           [0, 2]], dtype=int32)
    """
    x = as_tensor(x)
    if x.rank == 2:
        return diagonal(x, k)
    if x.rank != 1:
        raise ValueError(f"diag: expected a vector or a matrix, but got {format_shape(x.shape)}.")
    apart = builtins.abs(k)
    rows = pad(x, (apart, 0) if k < 0 else (0, apart))
    size = Dim.of(x, 0) + apart
    here = equal(expand_dims(arange(size), 1) + k, arange(size))
    return where(here, expand_dims(rows, 1), as_tensor(0, x.dtype))


def diagflat(x: Any, k: int = 0) -> Tensor:
    """A matrix with all elements of `x` on its k-th diagonal.

    Args:
        x: a tensor, which is flattened.
        k: which diagonal: 0 the main one, above it if positive.

    Returns:
        A tensor of the dtype of x, with n + |k| rows and columns where x has n elements.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None, or k no int.

    >>> diagflat([1, 2]).numpy()
    array([[1, 0],
           [0, 2]], dtype=int32)
    """
    return diag(flatten(x), k)
