"""Reductions over axes, and where the extreme lies."""

from __future__ import annotations

import builtins
import math
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.primitive import Primitive, as_tensor, composite, primitive
from kerasish.graph.shapes import canonical_axes, canonical_axis
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import broadcast_to, expand_dims, flip, reshape, shape, transpose
from kerasish.ops.binary import maximum, minimum
from kerasish.ops.comparisons import equal
from kerasish.ops.elementwise import exp, log, sqrt, square, stop_gradient
from kerasish.ops.joining import along, pad_p
from kerasish.ops.promotion import as_float, cast, promoted, widened


def _reduced(x: Spec, axis: tuple[int, ...], keepdims: bool, dtype: str | None = None) -> Spec:
    if keepdims:
        shape = tuple(1 if i in axis else size for i, size in enumerate(x.shape))
    else:
        shape = tuple(size for i, size in enumerate(x.shape) if i not in axis)
    return Spec(shape, dtype or x.dtype)


@primitive
def sum_p(x: Spec, *, axis: tuple[int, ...], keepdims: bool) -> Spec:
    return _reduced(x, axis, keepdims)


@primitive
def mean_p(x: Spec, *, axis: tuple[int, ...], keepdims: bool) -> Spec:
    return _reduced(x, axis, keepdims)


@primitive
def prod_p(x: Spec, *, axis: tuple[int, ...], keepdims: bool) -> Spec:
    return _reduced(x, axis, keepdims)


@primitive
def max_p(x: Spec, *, axis: tuple[int, ...], keepdims: bool) -> Spec:
    return _nonempty(x, axis, keepdims)


@primitive
def min_p(x: Spec, *, axis: tuple[int, ...], keepdims: bool) -> Spec:
    return _nonempty(x, axis, keepdims)


def _nonempty(x: Spec, axis: tuple[int, ...], keepdims: bool) -> Spec:
    if builtins.any(x.shape[i] == 0 for i in axis):
        raise ValueError("the extreme of an empty axis is not defined.")
    return _reduced(x, axis, keepdims)


@primitive
def any_p(x: Spec, *, axis: tuple[int, ...], keepdims: bool) -> Spec:
    return _reduced(x, axis, keepdims, "bool")


@primitive
def all_p(x: Spec, *, axis: tuple[int, ...], keepdims: bool) -> Spec:
    return _reduced(x, axis, keepdims, "bool")


@primitive
def argmax_p(x: Spec, *, axis: int) -> Spec:
    return _nonempty(x, (axis,), False)._replace(dtype="int32")


@primitive
def argmin_p(x: Spec, *, axis: int) -> Spec:
    return _nonempty(x, (axis,), False)._replace(dtype="int32")


@primitive
def cumsum_p(x: Spec, *, axis: int) -> Spec:
    return x


def _apply(op: Primitive, x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    axes = canonical_axes(axis, x.rank)
    return op(x, axis=axes, keepdims=bool(keepdims)) if axes else x


def _summable(x: Any) -> Tensor:
    """Sums of booleans and of small integers are taken in 32 bits."""
    x = as_tensor(x)
    if x.dtype in ("bool", "int8", "int16"):
        return cast(x, "int32")
    return cast(x, "uint32") if x.dtype in ("uint8", "uint16") else x


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over `axis` (an int, several, or None for all).

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x (int32
        or uint32 for booleans and smaller ints).

    Raises:
        ValueError: if x has no such axis.

    >>> float(sum([[1.0, 2.0], [3.0, 4.0]]))
    10.0
    """
    return _apply(sum_p, _summable(x), axis, keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The arithmetic mean over `axis`, as a float.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x if
        that is a float, else of floatx.

    Raises:
        ValueError: if x has no such axis.

    >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=0).numpy()
    array([2., 3.], dtype=float32)
    """
    return _apply(mean_p, as_float(x), axis, keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The product over `axis`.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.
        dtype: of the result; if None x's own, int32 or uint32 for booleans and smaller ints.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of that dtype.

    Raises:
        ValueError: if x has no such axis, or there is no such dtype.
        TypeError: if x holds no numbers, or an axis is no int.

    >>> prod([[1, 5], [3, 2]], axis=1).numpy()
    array([5, 6], dtype=int32)
    """
    x = _summable(x) if dtype is None else cast(x, dtype)
    return _apply(prod_p, x, axis, keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The maximum over `axis`, and of `initial` if it is given. Ties share the gradient equally.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.
        initial: no result is smaller than this; None if there is no such bound.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x.

    Raises:
        ValueError: if x has no such axis, without `initial` there is no element along it, or
            `initial` is no single number.
        OverflowError: if `initial` is an int that the dtype of x does not hold.
        TypeError: if x or `initial` holds no numbers, or an axis is no int.

    >>> max([[1, 5], [3, 2]], axis=1).numpy()
    array([5, 3], dtype=int32)
    """
    return _extreme(max_p, maximum, x, axis, keepdims, initial)


def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The minimum over `axis`, and of `initial` if it is given. Ties share the gradient equally.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.
        initial: no result is larger than this; None if there is no such bound.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x.

    Raises:
        ValueError: if x has no such axis, without `initial` there is no element along it, or
            `initial` is no single number.
        OverflowError: if `initial` is an int that the dtype of x does not hold.
        TypeError: if x or `initial` holds no numbers, or an axis is no int.

    >>> min([[1, 5], [3, 2]], axis=1).numpy()
    array([1, 2], dtype=int32)
    """
    return _extreme(min_p, minimum, x, axis, keepdims, initial)


def _extreme(op: Primitive, pair: Any, x: Any, axis: Any, keepdims: bool, initial: Any) -> Tensor:
    x = as_tensor(x)
    if initial is None:
        return _apply(op, x, axis, keepdims)
    axes, keepdims = canonical_axes(axis, x.rank), bool(keepdims)
    initial = cast(promoted(x, initial)[1], x.dtype)
    if initial.rank:
        raise ValueError(
            f"initial must be a single number, but has shape {format_shape(initial.shape)}."
        )
    if builtins.any(x.shape[i] is None for i in axes):
        return extreme_from_p(x, initial, which=op.name, axis=axes, keepdims=keepdims)
    if builtins.any(x.shape[i] == 0 for i in axes):
        # Of nothing, the initial value is the extreme.
        left = [(i, size) for i, size in enumerate(shape(x)) if keepdims or i not in axes]
        return broadcast_to(initial, tuple(1 if i in axes else size for i, size in left))
    return pair(_apply(op, x, axes, keepdims), initial)


def _extreme_from(
    x: Tensor, initial: Tensor, *, which: str, axis: tuple[int, ...], keepdims: bool
) -> Tensor:
    """The extreme with an initial value, once it is known whether there are elements."""
    return (max if which == "max" else min)(x, axis, keepdims, initial)


def _extreme_from_rule(
    x: Spec, initial: Spec, *, which: str, axis: tuple[int, ...], keepdims: bool
) -> Spec:
    return _reduced(x, axis, keepdims)


_extreme_from.__name__ = "extreme_from"
extreme_from_p = composite(_extreme_from, _extreme_from_rule)


def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The maximum over `axis`: another name of `max`.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x.

    Raises:
        ValueError: if x has no such axis, or there is no element along it.
        TypeError: if x holds no numbers, or an axis is no int.

    >>> amax([[1, 5], [3, 2]], axis=1).numpy()
    array([5, 3], dtype=int32)
    """
    return max(x, axis, keepdims)


def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The minimum over `axis`: another name of `min`.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x.

    Raises:
        ValueError: if x has no such axis, or there is no element along it.
        TypeError: if x holds no numbers, or an axis is no int.

    >>> amin([[1, 5], [3, 2]], axis=1).numpy()
    array([1, 2], dtype=int32)
    """
    return min(x, axis, keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether any element over `axis` is true.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A bool tensor without the reduced axes, or with size 1 there.

    Raises:
        ValueError: if x has no such axis.

    >>> any([[True, False], [False, False]], axis=1).numpy()
    array([ True, False])
    """
    return _apply(any_p, cast(x, "bool"), axis, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether all elements over `axis` are true.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A bool tensor without the reduced axes, or with size 1 there.

    Raises:
        ValueError: if x has no such axis.

    >>> all([[True, False], [True, True]], axis=1).numpy()
    array([False,  True])
    """
    return _apply(all_p, cast(x, "bool"), axis, keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The variance over `axis`: the mean squared distance from the mean.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x if
        that is a float, else of floatx.

    Raises:
        ValueError: if x has no such axis.

    >>> float(var([1.0, 3.0]))
    1.0
    """
    x = as_float(x)
    return cast(_variance(x, axis, keepdims), x.dtype)


def _variance(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    wide = widened(x)
    apart = wide - mean(wide, axis=axis, keepdims=True)
    return mean(square(apart), axis=axis, keepdims=keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The standard deviation over `axis`.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x if
        that is a float, else of floatx.

    Raises:
        ValueError: if x has no such axis.

    >>> float(std([1.0, 3.0]))
    1.0
    """
    x = as_float(x)
    return cast(sqrt(_variance(x, axis, keepdims)), x.dtype)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over `axis`, without overflow; -infinity of no elements.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x if
        that is a float, else of floatx.

    Raises:
        ValueError: if x has no such axis.

    >>> np.round(logsumexp([0.0, 0.0]), 3)
    np.float32(0.693)
    """
    x = as_float(x)
    wide = widened(x)
    # Finite, so that infinity minus infinity does not come up.
    least, most = dtypes.lowest(wide.dtype), dtypes.highest(wide.dtype)
    top = stop_gradient(minimum(max(wide, axis=axis, keepdims=True, initial=least), most))
    result = cast(log(sum(exp(wide - top), axis=axis, keepdims=True)) + top, x.dtype)
    return result if keepdims else reshape_without(result, canonical_axes(axis, x.rank))


def reshape_without(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """`x` without the given axes of size 1."""
    return reshape(x, tuple(size for i, size in enumerate(shape(x)) if i not in axes))


def argmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Where the (first) maximum lies along `axis`; in the flattened input for None.

    Args:
        x: a tensor.
        axis: an axis; the flattened tensor if None.
        keepdims: whether the axis stays, with size 1.

    Returns:
        An int32 tensor without the axis, or with size 1 there; for None a scalar, or all sizes 1.

    Raises:
        ValueError: if x has no such axis, or there is no element along it.
        TypeError: if x holds no numbers, or axis is no int.

    >>> int(argmax([1.0, 3.0, 2.0]))
    1
    """
    return _arg(argmax_p, x, axis, keepdims)


def argmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Where the (first) minimum lies along `axis`; in the flattened input for None.

    Args:
        x: a tensor.
        axis: an axis; the flattened tensor if None.
        keepdims: whether the axis stays, with size 1.

    Returns:
        An int32 tensor without the axis, or with size 1 there; for None a scalar, or all sizes 1.

    Raises:
        ValueError: if x has no such axis, or there is no element along it.
        TypeError: if x holds no numbers, or axis is no int.

    >>> argmin([[3, 1], [0, 2]], axis=1).numpy()
    array([1, 0], dtype=int32)
    """
    return _arg(argmin_p, x, axis, keepdims)


def _arg(op: Primitive, x: Any, axis: Any, keepdims: bool) -> Tensor:
    x = as_tensor(x)
    if axis is None:
        rank, x, axis = x.rank, reshape(x, (-1,)), 0
        result = op(x, axis=0)
        return reshape(result, (1,) * rank) if keepdims else result
    axis = canonical_axis(axis, x.rank)
    result = op(x, axis=axis)
    return expand_dims(result, axis) if keepdims else result


def cumsum(x: Any, axis: Any = None, dtype: Any = None) -> Tensor:
    """The cumulative sum along `axis` (of the flattened input if None).

    Args:
        x: a tensor.
        axis: an axis; the flattened tensor if None.
        dtype: of the result; if None x's own. Booleans become int32.

    Returns:
        A tensor of the shape of x, or (elements,) if axis is None, and of that dtype.

    Raises:
        ValueError: if x has no such axis, or there is no such dtype.
        TypeError: if x holds no numbers, or axis is no int.

    >>> cumsum([1.0, 2.0, 3.0]).numpy()
    array([1., 3., 6.], dtype=float32)
    """
    return _along(cumsum_p, x, axis, dtype)


@composite
def cumprod_p(x: Tensor, *, axis: int) -> Tensor:
    # In each round every element takes in the product that lies twice as far back. Exact for
    # zeros, and so are its gradients.
    dtype, reach = x.dtype, 1
    x = widened(x) if dtypes.is_float(dtype) else x
    while reach < (x.shape[axis] or 0):
        before = along(x, axis, builtins.slice(None, -reach))
        widths = tuple((reach if i == axis else 0, 0) for i in range(x.rank))
        x = x * pad_p(before, widths=widths, value=1)
        reach *= 2
    return cast(x, dtype)


def cumprod(x: Any, axis: Any = None, dtype: Any = None) -> Tensor:
    """The cumulative product along `axis` (of the flattened input if None).

    Args:
        x: a tensor.
        axis: an axis; the flattened tensor if None.
        dtype: of the result; if None x's own. Booleans become int32.

    Returns:
        A tensor of the shape of x, or (elements,) if axis is None, and of that dtype.

    Raises:
        ValueError: if x has no such axis, or there is no such dtype.
        TypeError: if x holds no numbers, or axis is no int.

    >>> cumprod([1.0, 2.0, 3.0]).numpy()
    array([1., 2., 6.], dtype=float32)
    """
    return _along(cumprod_p, x, axis, dtype)


def _along(op: Primitive, x: Any, axis: Any, dtype: Any) -> Tensor:
    x = as_tensor(x) if dtype is None else cast(x, dtype)
    x = cast(x, "int32") if x.dtype == "bool" else x
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    return op(x, axis=canonical_axis(axis, x.rank))


def _restored(g: Tensor, x: Tensor, axis: tuple[int, ...], keepdims: bool) -> Tensor:
    """`g` of a reduced shape, with the reduced axes back as axes of size 1."""
    if keepdims:
        return g
    return reshape(g, tuple(1 if i in axis else size for i, size in enumerate(shape(x))))


@sum_p.vjp
def _(g, x, *, axis, keepdims):
    return broadcast_to(_restored(g, x, axis, keepdims), shape(x))


@mean_p.vjp
def _(g, x, *, axis, keepdims):
    count = math.prod(shape(x)[i] for i in axis)  # maybe more than float16 holds
    share = cast(widened(_restored(g, x, axis, keepdims)) / count, x.dtype)
    return broadcast_to(share, shape(x))


@prod_p.vjp
def _(g, x, *, axis, keepdims):
    # Products of the others, exact for zeros too: before times after, along a flat axis.
    order = tuple(i for i in range(x.rank) if i not in axis) + axis
    moved = transpose(x, order)
    last = x.rank - len(axis)
    flat = reshape(moved, (*shape(moved)[:last], math.prod(shape(moved)[last:])))
    others = _before(flat, last) * flip(_before(flip(flat, last), last), last)
    back = tuple(order.index(i) for i in range(x.rank))
    return transpose(reshape(others, shape(moved)), back) * _restored(g, x, axis, keepdims)


def _before(x: Tensor, axis: int) -> Tensor:
    """The products of all elements before each one along the last axis, `axis`."""
    widths = tuple((int(i == axis), 0) for i in range(x.rank))
    return cumprod_p(pad_p(x, widths=widths, value=1), axis=axis)[..., :-1]


def _extreme_vjp(g, x, y, axis, keepdims):
    hits = equal(x, _restored(y, x, axis, keepdims))
    wide = widened(_restored(g, x, axis, keepdims))
    share = wide / sum(cast(hits, wide.dtype), axis=axis, keepdims=True)
    return cast(hits, x.dtype) * cast(share, x.dtype)


@max_p.vjp
def _(g, x, *, axis, keepdims):
    return _extreme_vjp(g, x, max_p(x, axis=axis, keepdims=keepdims), axis, keepdims)


@min_p.vjp
def _(g, x, *, axis, keepdims):
    return _extreme_vjp(g, x, min_p(x, axis=axis, keepdims=keepdims), axis, keepdims)


@cumsum_p.vjp
def _(g, x, *, axis):
    return flip(cumsum(flip(g, axis), axis), axis)


def no_gradient(g, *inputs, **attrs):
    """As `rules.constant_gradient`, of primitives with attributes."""
    return (None,) * len(inputs)


for _flat in (any_p, all_p, argmax_p, argmin_p):
    _flat.vjp(no_gradient)
