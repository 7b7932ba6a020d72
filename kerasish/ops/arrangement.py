"""Arrangement: joining and splitting along certain axes, rolling, turning, choosing."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, primitive
from kerasish.graph.shapes import Dim, canonical_axes, canonical_axis
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.subgraph import varies
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import expand_dims, flatten, flip, reshape, shape, swapaxes
from kerasish.ops.binary import mod, where
from kerasish.ops.comparisons import equal, logical_not
from kerasish.ops.filling import arange
from kerasish.ops.joining import concatenate, cut, split
from kerasish.ops.promotion import cast, joined, promoted
from kerasish.ops.reduce import any
from kerasish.ops.rules import constant_gradient
from kerasish.ops.selection import take_p

# --- joining -----------------------------------------------------------------------------


def hstack(xs: Sequence[Any]) -> Tensor:
    """Tensors side by side: joined along the second axis (vectors along their only one).

    Args:
        xs: tensors; a number stands for (1,).

    Returns:
        A tensor of the dtype in which theirs combine; its second axis (of vectors: the first) is as
        long as theirs together, the other axes are theirs.

    Raises:
        ValueError: if xs is empty, or the tensors differ in another axis or in how many they have.
        TypeError: if one of them is no array of numbers, such as a string or None.

    >>> hstack([[1, 2], [3]]).numpy()
    array([1, 2, 3], dtype=int32)
    """
    tensors = [_with_axes(x, 1) for x in xs]
    return concatenate(tensors, axis=1 if tensors and tensors[0].rank > 1 else 0)


def vstack(xs: Sequence[Any]) -> Tensor:
    """Tensors on top of each other: joined along the first axis, vectors as rows.

    Args:
        xs: tensors; one axis stands for (1, n).

    Returns:
        A tensor of the dtype in which theirs combine; its first axis is as long as theirs together,
        the other axes are theirs.

    Raises:
        ValueError: if xs is empty, or the tensors differ in another axis or in how many they have.
        TypeError: if one of them is no array of numbers, such as a string or None.

    >>> vstack([[1, 2], [3, 4]]).numpy()
    array([[1, 2],
           [3, 4]], dtype=int32)
    """
    return concatenate([_with_axes(x, 2) for x in xs], axis=0)


def dstack(xs: Sequence[Any]) -> Tensor:
    """Tensors behind each other: joined along the third axis.

    Args:
        xs: tensors; one axis stands for (1, n, 1), two for (m, n, 1).

    Returns:
        A tensor of the dtype in which theirs combine; its third axis is as long as theirs together,
        the other axes are theirs.

    Raises:
        ValueError: if xs is empty, or the tensors differ in another axis or in how many they have.
        TypeError: if one of them is no array of numbers, such as a string or None.

    >>> dstack([[1, 2], [3, 4]]).numpy()
    array([[[1, 3],
            [2, 4]]], dtype=int32)
    """
    return concatenate([_with_axes(x, 3) for x in xs], axis=2)


def _with_axes(x: Any, rank: int) -> Tensor:
    """`x` with at least `rank` axes: rows first, then columns, then a last axis."""
    x = as_tensor(x)
    if x.rank == 0 and rank > 0:
        x = reshape(x, (1,))
    if x.rank == 1 and rank > 1:
        x = expand_dims(x, 0)
    return expand_dims(x, 2) if x.rank == 2 and rank > 2 else x


def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """x2 joined to the end of x1.

    Args:
        x1: a tensor.
        x2: another one.
        axis: the axis; if None both are flattened.

    Returns:
        A tensor of the dtype in which theirs combine: as long along `axis` as both together, or of
        one axis if that is None.

    Raises:
        ValueError: if there is no such axis, or they differ in another or in how many they have.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> append([[1, 2]], [[3, 4]], axis=0).numpy()
    array([[1, 2],
           [3, 4]], dtype=int32)
    """
    if axis is None:
        return concatenate([flatten(x1), flatten(x2)], axis=0)
    return concatenate([x1, x2], axis=axis)


# --- splitting ---------------------------------------------------------------------------


def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Like `split`, but into n parts that need not be equal: the first ones are longer by 1.

    Args:
        x: a tensor.
        indices_or_sections: how many parts, or the positions to cut at.
        axis: the axis.

    Returns:
        The parts in a list, of x's dtype and of its shape but for `axis`; empty parts where there
        are more of them than elements.

    Raises:
        ValueError: if x has no such axis, or there is to be less than one part.
        TypeError: if x is no array of numbers, such as a string or None, or a number or position
            is no int.

    >>> [part.numpy().tolist() for part in array_split([1, 2, 3, 4, 5], 2)]
    [[1, 2, 3], [4, 5]]
    """
    if np.ndim(indices_or_sections):
        return split(x, indices_or_sections, axis)
    x = as_tensor(x)
    axis, parts = canonical_axis(axis, x.rank), operator.index(indices_or_sections)
    length = x.shape[axis]
    if length is None or parts < 1:
        raise ValueError(
            f"array_split: expected a known size and at least one part, but axis {axis} of "
            f"{format_shape(x.shape)} was to be cut in {parts} parts."
        )
    whole, longer = divmod(length, parts)
    return cut(x, axis, (i * whole + builtins.min(i, longer) for i in range(1, parts)))


def hsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the second axis (the only one of a vector).

    Args:
        x: a tensor with at least one axis.
        indices_or_sections: how many equal parts, or the positions to cut at.

    Returns:
        The parts in a list, of x's dtype and of its shape but for that axis.

    Raises:
        ValueError: if x is a scalar, or the axis cannot be cut in so many equal parts.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> [part.shape for part in hsplit(np.zeros((2, 4)), 2)]
    [(2, 2), (2, 2)]
    """
    x = as_tensor(x)
    return split(x, indices_or_sections, axis=0 if x.rank == 1 else 1)


def vsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the first axis.

    Args:
        x: a tensor with at least one axis.
        indices_or_sections: how many equal parts, or the positions to cut at.

    Returns:
        The parts in a list, of x's dtype and of its shape but for that axis.

    Raises:
        ValueError: if x is a scalar, or the axis cannot be cut in so many equal parts.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> [part.shape for part in vsplit(np.zeros((4, 2)), 2)]
    [(2, 2), (2, 2)]
    """
    return split(x, indices_or_sections, axis=0)


def dsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the third axis.

    Args:
        x: a tensor with at least three axes.
        indices_or_sections: how many equal parts, or the positions to cut at.

    Returns:
        The parts in a list, of x's dtype and of its shape but for that axis.

    Raises:
        ValueError: if x has no third axis, or that cannot be cut in so many equal parts.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> [part.shape for part in dsplit(np.zeros((1, 2, 4)), 2)]
    [(1, 2, 2), (1, 2, 2)]
    """
    return split(x, indices_or_sections, axis=2)


# --- turning -----------------------------------------------------------------------------


def roll(x: Any, shift: Any, axis: Any = None) -> Tensor:
    """The elements moved along `axis`; those that leave at the end return at the start.

    Args:
        x: a tensor.
        shift: how far: an int or an integer tensor, or one per axis.
        axis: an axis or several; if None the flattened elements move.

    Returns:
        A tensor of x's shape and dtype.

    Raises:
        ValueError: if x has no such axis, or there are neither one shift nor as many as axes.
        TypeError: if x is no array of numbers, such as a string or None, or a shift is no int.

    >>> roll([1, 2, 3, 4], 1).numpy()
    array([4, 1, 2, 3], dtype=int32)
    """
    x = as_tensor(x)
    if axis is None:
        return reshape(_rolled(flatten(x), builtins.sum(_shifts(shift)), 0), shape(x))
    shifts, axes = _shifts(shift), np.atleast_1d(axis).tolist()
    count = builtins.max(len(shifts), len(axes))
    if {len(shifts), len(axes)} - {1, count}:
        raise ValueError(
            f"roll: expected one shift, or one per axis, but got {len(shifts)} for "
            f"{len(axes)} axes."
        )
    shifts, axes = (each * count if len(each) == 1 else each for each in (shifts, axes))
    for by, along in zip(shifts, axes, strict=True):
        x = _rolled(x, by, canonical_axis(along, x.rank))
    return x


def _shifts(shift: Any) -> list[Any]:
    """One shift or several: ints, or scalar tensors that are known only at run time."""
    if varies(shift):
        return list(shift) if shift.rank else [shift]
    several = shift if isinstance(shift, (list, tuple)) else np.atleast_1d(shift).tolist()
    return [by if varies(by) else operator.index(by) for by in several]


def _rolled(x: Tensor, shift: Any, axis: int) -> Tensor:
    n = x.shape[axis]
    if n is None or isinstance(shift, Tensor):
        size = Dim.of(x, axis)
        return take_p(x, mod(arange(size) - shift, size), axis=axis)
    if n == 0 or shift % n == 0:
        return x
    head, tail = split(x, [n - shift % n], axis)
    return concatenate([tail, head], axis)


def fliplr(x: Any) -> Tensor:
    """The second axis reversed.

    Args:
        x: a tensor with at least two axes; a scalar stays as it is.

    Returns:
        A tensor of x's shape and dtype.

    Raises:
        ValueError: if x has one axis only.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> fliplr([[1, 2], [3, 4]]).numpy()
    array([[2, 1],
           [4, 3]], dtype=int32)
    """
    x = as_tensor(x)
    return flip(x, 1) if x.rank else x


def flipud(x: Any) -> Tensor:
    """The first axis reversed.

    Args:
        x: a tensor; a scalar stays as it is.

    Returns:
        A tensor of x's shape and dtype.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> flipud([[1, 2], [3, 4]]).numpy()
    array([[3, 4],
           [1, 2]], dtype=int32)
    """
    x = as_tensor(x)
    return flip(x, 0) if x.rank else x


def rot90(array: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """A quarter turn, k times, from the first of two axes to the second.

    Args:
        array: a tensor with at least two axes.
        k: how often it turns.
        axes: the plane, from the first axis towards the second.

    Returns:
        A tensor of the array's dtype and shape, the two sizes swapped if k is odd.

    Raises:
        ValueError: if the array has no such axes, or both are the same one.
        TypeError: if axes are not two ints, k is no int, or the array is none of numbers.

    >>> rot90([[1, 2], [3, 4]]).numpy()
    array([[2, 4],
           [1, 3]], dtype=int32)
    """
    x = as_tensor(array)
    if len(axes) != 2 or len(canonical_axes(tuple(axes), x.rank)) != 2:
        raise ValueError(f"rot90: axes must be two different axes, but got {axes!r}.")
    a, b = axes
    turns = operator.index(k) % 4
    if turns == 0:
        return x
    if turns == 2:
        return flip(x, (a, b))
    return swapaxes(flip(x, b), a, b) if turns == 1 else flip(swapaxes(x, a, b), b)


# --- choosing ----------------------------------------------------------------------------


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """For each element, that of the first choice whose condition holds.

    Args:
        condlist: boolean tensors.
        choicelist: as many tensors.
        default: where no condition holds.

    Returns:
        A tensor of the shape to which all broadcast, and of the dtype in which those of the choices
        and the default combine.

    Raises:
        ValueError: if there are not as many conditions as choices, there are none, or their shapes
            do not broadcast.
        TypeError: if one of them is no array of numbers, such as a string or None.

    >>> select([[True, False, False], [True, True, False]], [[1, 1, 1], [2, 2, 2]], 9).numpy()
    array([1, 2, 9], dtype=int32)
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(
            f"select: expected as many conditions as choices, but got {len(condlist)} and "
            f"{len(choicelist)}."
        )
    *choices, result = promoted(*choicelist, default)
    for condition, choice in reversed(list(zip(condlist, choices, strict=True))):
        result = where(condition, choice, result)
    return result


def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of x1 is one of the elements of x2.

    Args:
        x1: a tensor.
        x2: a tensor, compared as a whole with each element.
        assume_unique: a promise that neither repeats an element. It makes no difference.
        invert: whether to return where it is not.

    Returns:
        Booleans of the shape of x1.

    Raises:
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> isin([1, 2, 3], [3, 1]).numpy()
    array([ True, False,  True])
    """
    x, known_ones = joined(x1, x2)
    found = any(equal(expand_dims(x, -1), flatten(known_ones)), axis=-1)
    return logical_not(found) if invert else found


def array(x: Any, dtype: Any = None) -> Tensor:
    """`x` as a tensor.

    Args:
        x: a tensor, an array, numbers or nested lists of them.
        dtype: of the result; x's own if None.

    Returns:
        A tensor of x's shape.

    Raises:
        ValueError: if there is no such dtype.
        TypeError: if x is no array of numbers, such as a string, None or lists of unequal lengths.

    >>> array([1, 2]).numpy()
    array([1, 2], dtype=int32)
    """
    x = as_tensor(x)
    return x if dtype is None else cast(x, dtype)


def copy(x: Any) -> Tensor:
    """`x`. Tensors never change, so that one is as good as a copy.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of x's shape and dtype.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> copy([1, 2]).numpy()
    array([1, 2], dtype=int32)
    """
    return as_tensor(x)


# --- the same bits -----------------------------------------------------------------------


@primitive
def view_p(x: Spec, *, dtype: str) -> Spec:
    """The bytes of the last axis read as another dtype."""
    old, new = _width(x.dtype), _width(dtype)
    if old == new:
        return Spec(x.shape, dtype)
    if not x.shape:
        raise ValueError(f"a scalar {x.dtype} has no axis to become {dtype}, of another width.")
    last = x.shape[-1]
    if last is not None and last * old % new:
        raise ValueError(f"{last} numbers of {old} bytes are no whole number of {new} bytes.")
    return Spec((*x.shape[:-1], None if last is None else last * old // new), dtype)


view_p.vjp(constant_gradient)


def _width(dtype: str) -> int:
    return dtypes.numpy_dtype(dtype).itemsize


def view(x: Any, dtype: Any = None) -> Tensor:
    """The bits of `x` read as another dtype; the last axis grows or shrinks with its width.

    Args:
        x: a tensor.
        dtype: of the result; x's own if None.

    Returns:
        A tensor of x's shape but for the last axis, which has as many bytes as before.

    Raises:
        ValueError: if there is no such dtype, its width does not divide the bytes of the last axis,
            or x is a scalar and the widths differ.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> view(np.float32([1.0]), "int32").numpy()
    array([1065353216], dtype=int32)
    """
    x = as_tensor(x)
    name = x.dtype if dtype is None else dtypes.standardize(dtype)
    return x if name == x.dtype else view_p(x, dtype=name)
