"""Arrays joined, cut apart, repeated, and with margins."""

from __future__ import annotations

import builtins
import itertools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kerasish.graph.primitive import as_tensor, primitive
from kerasish.graph.shapes import Dim, canonical_axis, canonical_shape, compatible
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.tensor import Constant, Tensor
from kerasish.ops.array import broadcast_to, expand_dims, flatten, flip, reshape, shape
from kerasish.ops.promotion import promoted
from kerasish.ops.selection import getitem, slice_p, take


@primitive
def concatenate_p(*xs: Spec, axis: int) -> Spec:
    first = xs[0]
    for other in xs[1:]:
        fits = first.rank == other.rank and first.dtype == other.dtype
        if not fits or any(
            a != b and None not in (a, b) and i != axis
            for i, (a, b) in enumerate(zip(first.shape, other.shape, strict=True))
        ):
            raise ValueError(
                f"all inputs must agree in dtype and in every axis but axis {axis}; got "
                f"{', '.join(map(str, xs))}."
            )
    sizes = [x.shape[axis] for x in xs]
    total = None if None in sizes else builtins.sum(sizes)  # type: ignore[arg-type]
    joined = tuple(
        total if i == axis else next((x.shape[i] for x in xs if x.shape[i] is not None), None)
        for i in range(first.rank)
    )
    return Spec(joined, first.dtype)


def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors joined along an axis that they have.

    Args:
        xs: tensors that agree in all sizes but those on `axis`.
        axis: the axis.

    Returns:
        A tensor of the dtype in which theirs combine, on `axis` as long as all of them together.

    Raises:
        ValueError: if there are none, if they differ in rank or in another size, or if they have no
            such axis.
        TypeError: if one of them is no array of numbers, such as a string or None.

    >>> concatenate([np.zeros((2, 1)), np.zeros((2, 3))], axis=1).shape
    (2, 4)
    """
    if not len(xs):
        raise ValueError("concatenate: expected at least one tensor, but got none.")
    tensors = promoted(*xs)
    axis = canonical_axis(axis, tensors[0].rank)
    return tensors[0] if len(tensors) == 1 else concatenate_p(*tensors, axis=axis)


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis.

    Args:
        x: tensors of one shape.
        axis: where the new axis goes.

    Returns:
        A tensor of the dtype in which theirs combine, with one axis more, as long as there are
        tensors.

    Raises:
        ValueError: if there are none, if their shapes differ, or if `axis` is out of range.
        TypeError: if one of them is no array of numbers, such as a string or None.

    >>> stack([[1, 2], [3, 4]], axis=1).numpy()
    array([[1, 3],
           [2, 4]], dtype=int32)
    """
    tensors = [as_tensor(one) for one in x]
    if any(not compatible(t.shape, tensors[0].shape) for t in tensors):
        listed = ", ".join(format_shape(t.shape) for t in tensors)
        raise ValueError(f"all inputs must have one shape, but got {listed}.")
    return concatenate([expand_dims(one, axis) for one in x], axis=axis)


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Cuts `x` along `axis`: into n equal parts, or before each of the given positions.

    Args:
        x: a tensor.
        indices_or_sections: how many equal parts, or the positions to cut at.
        axis: the axis.

    Returns:
        The parts in a list, of x's dtype and of its shape but for `axis`.

    Raises:
        ValueError: if x has no such axis, or its size no such number of equal parts.
        TypeError: if x is no array of numbers, such as a string or None, or a position is no int.

    >>> [part.numpy().tolist() for part in split([1, 2, 3, 4], 2)]
    [[1, 2], [3, 4]]
    """
    x = as_tensor(x)
    axis = canonical_axis(axis, x.rank)
    length = x.shape[axis]
    if np.ndim(indices_or_sections) == 0:
        parts = operator.index(indices_or_sections)
        if parts < 1:
            raise ValueError(f"split: expected at least one part, but got {parts}.")

        def part(n: int) -> int:
            if n % parts:
                raise ValueError(f"split: axis {axis} of size {n} has no {parts} equal parts.")
            return n // parts

        size = Dim(part, Dim.of(x, axis)) if length is None else part(length)
        return cut(x, axis, (i * size for i in range(1, parts)))
    return cut(x, axis, [operator.index(i) for i in indices_or_sections])


def cut(x: Tensor, axis: int, places: Iterable[Any]) -> list[Tensor]:
    """The parts of `x` between places on an axis, and before and after them."""
    where = itertools.chain([0], places, [None])
    return [along(x, axis, builtins.slice(a, b)) for a, b in itertools.pairwise(where)]


def along(x: Tensor, axis: int, key: Any) -> Tensor:
    """`x` indexed on one axis."""
    return getitem(x, (builtins.slice(None),) * axis + (key,))


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices along `axis`, each without it.

    Args:
        x: a tensor.
        num: how many slices; needed if the size of the axis is unknown.
        axis: the axis.

    Returns:
        The slices in a list, of x's dtype and of its shape without `axis`.

    Raises:
        ValueError: if x has no such axis, num is negative or not its size, or both are unknown.
        TypeError: if x is no array of numbers, such as a string or None, or num no int.

    >>> [part.numpy().tolist() for part in unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    x = as_tensor(x)
    axis = canonical_axis(axis, x.rank)
    size = x.shape[axis]
    count = size if num is None else operator.index(num)
    if count is None:
        raise ValueError("unstack: the axis has no known size; give num.")
    if count < 0 or size not in (count, None):
        raise ValueError(f"unstack: num is {count}, but axis {axis} has size {size}.")
    if size is None:
        x = reshape(x, tuple(count if i == axis else n for i, n in enumerate(shape(x))))
    return [along(x, axis, i) for i in range(count)]


def tile(x: Any, repeats: Any) -> Tensor:
    """`x` laid out `repeats` times along each axis.

    Args:
        x: a tensor.
        repeats: how often: an int, or one for each axis, further ones in front.

    Returns:
        A tensor of x's dtype, each size the one of x times its number.

    Raises:
        ValueError: if a number is negative.
        TypeError: if x is no array of numbers, such as a string or None, or a number is no int.

    >>> tile([1, 2], 2).numpy()
    array([1, 2, 1, 2], dtype=int32)
    """
    x = as_tensor(x)
    counts = canonical_shape(repeats)
    if any(not isinstance(n, Dim) and n < 0 for n in counts):
        raise ValueError(f"tile: repeats must not be negative, but are {repeats!r}.")
    rank = builtins.max(x.rank, len(counts))
    counts = (1,) * (rank - len(counts)) + counts
    sizes = (1,) * (rank - x.rank) + shape(x)
    apart = reshape(x, tuple(s for size in sizes for s in (1, size)))
    wide = broadcast_to(apart, tuple(s for n, m in zip(counts, sizes, strict=True) for s in (n, m)))
    return reshape(wide, tuple(n * m for n, m in zip(counts, sizes, strict=True)))


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element along `axis` repeated in place.

    Args:
        x: a tensor.
        repeats: how often: an int, or one for each element along `axis`.
        axis: an axis; if None the elements of the flattened input are repeated.

    Returns:
        A tensor of x's dtype and of its shape but for `axis`, or with one axis if `axis` is None.

    Raises:
        ValueError: if a number is negative, x has no such axis, or there are neither one number nor
            as many as it is long.
        TypeError: if x is no array of numbers, such as a string or None, or repeats is no ints.

    >>> repeat([1, 2], 2).numpy()
    array([1, 1, 2, 2], dtype=int32)
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = flatten(x), 0
    axis = canonical_axis(axis, x.rank)
    sizes = shape(x)
    if not isinstance(repeats, Dim):
        counts = np.asarray(repeats)
        counts = counts if counts.size else counts.astype("int32")
        if counts.ndim > 1 or counts.dtype.kind not in "iub":
            raise TypeError(f"repeat: repeats must be an int or several, but are {repeats!r}.")
        if np.any(counts < 0):
            raise ValueError(f"repeat: repeats must not be negative, but are {repeats!r}.")
        if counts.size != 1:
            if sizes[axis] != counts.size:
                raise ValueError(
                    f"repeat: {counts.size} counts do not fit axis {axis} of "
                    f"{format_shape(x.shape)}."
                )
            return take(x, np.repeat(np.arange(counts.size, dtype="int32"), counts), axis)
        repeats = int(counts.reshape(()))
    wide = (*sizes[: axis + 1], repeats, *sizes[axis + 1 :])
    stretched = broadcast_to(expand_dims(x, axis + 1), wide)
    return reshape(stretched, (*sizes[:axis], sizes[axis] * repeats, *sizes[axis + 1 :]))


@concatenate_p.vjp
def _(g, *xs, axis):
    ends = np.cumsum([x.shape[axis] for x in xs])[:-1]
    return tuple(split(g, [int(e) for e in ends], axis))


@primitive
def pad_p(x: Spec, *, widths: tuple[tuple[Any, Any], ...], value: float) -> Spec:
    return Spec(
        tuple(
            None if n is None or isinstance(lo, Dim) or isinstance(hi, Dim) else n + lo + hi
            for n, (lo, hi) in zip(x.shape, widths, strict=True)
        ),
        x.dtype,
    )


def pad(
    x: Any, pad_width: Any, mode: str = "constant", constant_values: float | None = None
) -> Tensor:
    """`x` with a margin.

    Args:
        x: a tensor.
        pad_width: (before, after) per axis; one pair or one int for all.
        mode: "constant", "reflect" (without the edge) or "symmetric" (with it).
        constant_values: what the margin holds in mode "constant", 0 if None.

    Returns:
        A tensor of x's dtype, each size the one of x and its margins.

    Raises:
        ValueError: if pad_width does not fit the axes, is negative or holds other than ints, if an
            axis is too short to be mirrored, if the mode is another one, or if it takes no
            constant_values.
        TypeError: if x or pad_width is no array of numbers, or constant_values no number.

    >>> pad([1.0, 2.0], (1, 2)).numpy()
    array([0., 1., 2., 0., 0.], dtype=float32)
    """
    x = as_tensor(x)
    widths = _pad_widths(pad_width, x.rank)
    if mode == "constant":
        value = as_tensor(constant_values or 0, x.dtype)
        if value.shape or not isinstance(value, Constant):
            raise TypeError(f"pad: constant_values must be a number, but it is {value!r}.")
        return pad_p(x, widths=widths, value=value.value.item()) if widths else x
    if constant_values is not None:
        raise ValueError(f'pad: constant_values is for mode="constant", but mode={mode!r}.')
    if mode not in ("reflect", "symmetric"):
        raise ValueError(f'pad: mode must be "constant", "reflect" or "symmetric", not {mode!r}.')
    for axis, (lo, hi) in ((a, w) for a, w in enumerate(widths) if any(w)):
        x = _pad_mirrored(x, axis, lo, hi, skip=1 if mode == "reflect" else 0)
    return x


def _pad_widths(pad_width: Any, rank: int) -> tuple[tuple[int, int], ...]:
    try:
        given = np.asarray(pad_width)
        if given.dtype.kind not in "iub":
            raise ValueError
        array = np.broadcast_to(given.astype("int64"), (rank, 2))
    except ValueError:
        raise ValueError(
            f"pad: pad_width must be one (before, after) pair per axis ({rank}), one pair, or "
            f"an int, but got {pad_width!r}."
        ) from None
    if (array < 0).any():
        raise ValueError(f"pad: pad_width must not be negative, but got {pad_width!r}.")
    return tuple((int(lo), int(hi)) for lo, hi in array)


def _pad_mirrored(x: Tensor, axis: int, lo: int, hi: int, skip: int) -> Tensor:
    widest = builtins.max(lo, hi)

    def long_enough(n: int) -> int:
        if widest > n - skip:
            raise ValueError(f"pad: axis {axis} of size {n} is too short to mirror {widest}.")
        return n

    size = Dim.of(x, axis)
    n = Dim(long_enough, size) if isinstance(size, Dim) else long_enough(size)
    head = flip(along(x, axis, builtins.slice(skip, skip + lo)), axis)
    tail = flip(along(x, axis, builtins.slice(n - skip - hi, n - skip)), axis)
    return concatenate([head, x, tail], axis)


@pad_p.vjp
def _(g, x, *, widths, value):
    return slice_p(
        g,
        start=tuple(lo for lo, _ in widths),
        stop=tuple(lo + n for (lo, _), n in zip(widths, x.shape, strict=True)),
        step=(1,) * x.rank,
    )
