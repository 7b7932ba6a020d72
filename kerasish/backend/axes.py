"""Along axes: what is where, and in what shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasish import ops
from kerasish.graph.dtypes import standardize
from kerasish.graph.tensor import Tensor

# ---------------------------------------------------------------- along one axis


def argmax(x: Any, axis: int = -1) -> Tensor:
    """The index of the largest element along `axis`, the first of several.

    Args:
        x: a tensor of at least one axis.
        axis: the axis, which the result lacks.

    Returns:
        An int64 tensor of the shape of x without that axis.

    Raises:
        ValueError: if x has no such axis.

    >>> argmax([[1.0, 3.0], [2.0, 0.0]]).numpy()
    array([1, 0])
    """
    return ops.cast(ops.argmax(x, axis), "int64")


def argmin(x: Any, axis: int = -1) -> Tensor:
    """The index of the smallest element along `axis`, the first of several.

    Args:
        x: a tensor of at least one axis.
        axis: the axis, which the result lacks.

    Returns:
        An int64 tensor of the shape of x without that axis.

    Raises:
        ValueError: if x has no such axis.

    >>> argmin([[1.0, 3.0], [2.0, 0.0]]).numpy()
    array([0, 1])
    """
    return ops.cast(ops.argmin(x, axis), "int64")


def cumsum(x: Any, axis: int = 0) -> Tensor:
    """The running sum along `axis`.

    Args:
        x: a tensor of at least one axis, of numbers.
        axis: the axis to go along.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        ValueError: if x has no such axis.

    >>> cumsum([1, 2, 3]).numpy()
    array([1, 3, 6], dtype=int32)
    """
    return ops.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Tensor:
    """The running product along `axis`.

    Args:
        x: a tensor of at least one axis, of numbers.
        axis: the axis to go along.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        ValueError: if x has no such axis.

    >>> cumprod([1, 2, 3]).numpy()
    array([1, 2, 6], dtype=int32)
    """
    return ops.cumprod(x, axis)


def l2_normalize(x: Any, axis: Any = None) -> Tensor:
    """x over its Euclidean norm along `axis`.

    Args:
        x: a float tensor of any shape.
        axis: an axis, or several; None: the norm of all elements.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        ValueError: if x has no such axis.

    >>> l2_normalize([3.0, 4.0]).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    return ops.l2_normalize(x, axis)


def in_top_k(predictions: Any, targets: Any, k: int) -> Tensor:
    """Whether the class `targets` is among the k likeliest of `predictions`, per sample.

    Args:
        predictions: floats (samples, classes).
        targets: the numbers of classes, ints (samples,).
        k: how many of the classes count. With as many as there are, all do.

    Returns:
        A bool tensor (samples,).

    Raises:
        ValueError: if the shapes do not fit together.

    >>> in_top_k([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]], [2, 2], 2).numpy()
    array([ True, False])
    """
    return ops.in_top_k(targets, predictions, k)


def unpack(x: Any, axis: int = 0) -> list[Tensor]:
    """The tensors that `stack` would make x of.

    Args:
        x: a tensor whose size along `axis` is known.
        axis: the axis, which the results lack.

    Returns:
        A list of tensors of the dtype of x.

    Raises:
        ValueError: if the size is not known, or x has no such axis.

    >>> [float(x) for x in unpack([1.0, 2.0])]
    [1.0, 2.0]
    """
    return ops.unstack(x, axis=axis)


# ---------------------------------------------------------------- shapes


def expand_dims(x: Any, axis: int = -1) -> Tensor:
    """x with a new axis of size 1.

    Args:
        x: a tensor of any shape and dtype.
        axis: where the new axis is in the result.

    Returns:
        A tensor of the dtype of x, with one axis more.

    Raises:
        ValueError: if the result has no such axis.

    >>> expand_dims([1, 2]).shape
    (2, 1)
    """
    return ops.expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Tensor:
    """x without an axis of size 1.

    Args:
        x: a tensor of any dtype.
        axis: the axis.

    Returns:
        A tensor of the dtype of x, with one axis less.

    Raises:
        ValueError: if x has no such axis, or its size is not 1.

    >>> squeeze([[1, 2]], 0).numpy()
    array([1, 2], dtype=int32)
    """
    return ops.squeeze(x, axis)


def reshape(x: Any, shape: Any) -> Tensor:
    """x with another shape.

    Args:
        x: a tensor of any shape and dtype.
        shape: sizes, of which one may be -1: what is left for it.

    Returns:
        A tensor of that shape and the dtype of x.

    Raises:
        ValueError: if that makes another number of elements.

    >>> reshape([1, 2, 3, 4], (2, -1)).numpy()
    array([[1, 2],
           [3, 4]], dtype=int32)
    """
    return ops.reshape(x, shape)


def transpose(x: Any) -> Tensor:
    """x with its axes in the opposite order.

    Args:
        x: a tensor of any shape and dtype.

    Returns:
        A tensor of the dtype of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> transpose([[1, 2], [3, 4]]).numpy()
    array([[1, 3],
           [2, 4]], dtype=int32)
    """
    return ops.transpose(x)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Tensor:
    """x with its axes in the order of `pattern`.

    Args:
        x: a tensor of any shape and dtype.
        pattern: the axes of x, each once.

    Returns:
        A tensor of the dtype of x.

    Raises:
        ValueError: if `pattern` is no order of the axes.

    >>> permute_dimensions(np.ones((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    return ops.transpose(x, pattern)


def reverse(x: Any, axes: Any) -> Tensor:
    """x with the order along `axes` reversed.

    Args:
        x: a tensor of any shape and dtype.
        axes: an axis, or a list of them.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        ValueError: if x has no such axis.

    >>> reverse([1, 2, 3], 0).numpy()
    array([3, 2, 1], dtype=int32)
    """
    return ops.flip(x, axes)


def flatten(x: Any) -> Tensor:
    """x with all its axes made one.

    Args:
        x: a tensor of any shape and dtype.

    Returns:
        A tensor (elements,) of the dtype of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> flatten([[1, 2], [3, 4]]).numpy()
    array([1, 2, 3, 4], dtype=int32)
    """
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Tensor:
    """x with all axes but the first made one.

    Args:
        x: a tensor (samples, ...) of any dtype.

    Returns:
        A tensor (samples, elements of each) of the dtype of x.

    Raises:
        ValueError: for a scalar.

    >>> batch_flatten([[[1, 2], [3, 4]]]).numpy()
    array([[1, 2, 3, 4]], dtype=int32)
    """
    x = ops.convert_to_tensor(x)
    if not x.ndim:
        raise ValueError("x has no axis of samples: it is a scalar.")
    return ops.reshape(x, (ops.shape(x)[0], math.prod(ops.shape(x)[1:])))


def tile(x: Any, n: Any) -> Tensor:
    """x repeated along its axes.

    Args:
        x: a tensor of any shape and dtype.
        n: how many times, an int per axis; or an int for a vector.

    Returns:
        A tensor of the dtype of x, whose sizes are those of x times n.

    Raises:
        TypeError: for what holds no numbers.

    >>> tile([1, 2], 2).numpy()
    array([1, 2, 1, 2], dtype=int32)
    """
    return ops.tile(x, n)


def repeat(x: Any, n: int) -> Tensor:
    """Each row of a matrix n times.

    Args:
        x: a tensor (samples, features) of any dtype.
        n: how many times.

    Returns:
        A tensor (samples, n, features) of the dtype of x.

    Raises:
        ValueError: if x has another number of axes.

    >>> repeat([[1, 2]], 2).numpy()
    array([[[1, 2],
            [1, 2]]], dtype=int32)
    """
    x = ops.convert_to_tensor(x)
    if x.ndim != 2:
        raise ValueError(f"x must be (samples, features), but has {x.ndim} axes.")
    return ops.repeat(ops.expand_dims(x, 1), n, 1)


def repeat_elements(x: Any, rep: int, axis: int) -> Tensor:
    """Each element `rep` times in a row along `axis`.

    Args:
        x: a tensor of any dtype.
        rep: how many times, an int.
        axis: the axis, which becomes `rep` times as long.

    Returns:
        A tensor of the dtype of x.

    Raises:
        ValueError: if x has no such axis.

    >>> repeat_elements([1, 2], 2, 0).numpy()
    array([1, 1, 2, 2], dtype=int32)
    """
    return ops.repeat(x, rep, axis)


# ---------------------------------------------------------------- parts


def slice(x: Any, start: Sequence[int], size: Sequence[int]) -> Tensor:
    """A block of x.

    Args:
        x: a tensor of any dtype.
        start: where the block begins, an int per axis.
        size: how many elements it has along each axis; -1: all up to the end.

    Returns:
        A tensor of the dtype of x.

    Raises:
        ValueError: if `start` and `size` do not have an int for each axis, or the block is not
            within x.

    >>> slice([1, 2, 3, 4], [1], [2]).numpy()
    array([2, 3], dtype=int32)
    """
    x = ops.convert_to_tensor(x)
    starts, counts, sizes = list(start), list(size), ops.shape(x)
    if not len(starts) == len(counts) == x.ndim:
        raise ValueError(
            f"start and size must have {x.ndim} numbers each, but have {len(starts)} and "
            f"{len(counts)}."
        )
    rest = (n - i for n, i in zip(sizes, starts, strict=True))
    counts = [left if n == -1 else n for n, left in zip(counts, rest, strict=True)]
    return ops.slice(x, starts, counts)


def gather(reference: Any, indices: Any) -> Tensor:
    """The rows of `reference` at `indices`.

    Args:
        reference: a tensor of at least one axis, of any dtype.
        indices: ints of any shape.

    Returns:
        A tensor (*shape of indices, *shape of a row) of the dtype of `reference`.

    Raises:
        ValueError: for a scalar `reference`.

    >>> gather([10, 20, 30], [2, 0]).numpy()
    array([30, 10], dtype=int32)
    """
    return ops.take(reference, ops.cast(indices, "int32"), axis=0)


# ---------------------------------------------------------------- made of indices and shapes


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Tensor:
    """Evenly spaced numbers.

    Args:
        start: the first number, or the end if `stop` is None.
        stop: the end, which is left out.
        step: the distance.
        dtype: of the result.

    Returns:
        A tensor of one axis.

    Raises:
        ValueError: for a distance of 0.

    >>> arange(2, 8, 3).numpy()
    array([2, 5], dtype=int32)
    """
    return ops.arange(start, stop, step, dtype)


def one_hot(indices: Any, num_classes: int) -> Tensor:
    """Rows with a 1 at the index; of zeros for indices out of range.

    Args:
        indices: ints of any shape.
        num_classes: the size of the new last axis.

    Returns:
        A tensor (*shape of indices, num_classes) of dtype floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> one_hot([0, 2], 3).numpy()
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    return ops.one_hot(indices, num_classes)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape of x.

    Args:
        x: a tensor of any shape.
        dtype: of the result; floatx if None.
        name: accepted from older programs.

    Returns:
        A tensor of the shape of x.

    Raises:
        ValueError: for an unknown dtype.

    >>> zeros_like([1.0, 2.0]).numpy()
    array([0., 0.], dtype=float32)
    """
    return ops.zeros_like(x, standardize(dtype))


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape of x.

    Args:
        x: a tensor of any shape.
        dtype: of the result; floatx if None.
        name: accepted from older programs.

    Returns:
        A tensor of the shape of x.

    Raises:
        ValueError: for an unknown dtype.

    >>> ones_like([1.0, 2.0]).numpy()
    array([1., 1.], dtype=float32)
    """
    return ops.ones_like(x, standardize(dtype))
