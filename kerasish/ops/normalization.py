"""Normalisations: to a norm, to mean 0 and variance 1; and how like two signals are."""

from __future__ import annotations

import math
from typing import Any

from kerasish import config
from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.shapes import canonical_axes, canonical_axis, compatible, size_of
from kerasish.graph.spec import Shape, format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import reshape, shape
from kerasish.ops.binary import maximum
from kerasish.ops.elementwise import log, rsqrt, square
from kerasish.ops.norms import norm
from kerasish.ops.promotion import as_float, cast, plain, promoted, widened
from kerasish.ops.reduce import mean, reshape_without, sum


def normalize(x: Any, axis: Any = -1, order: float = 2, epsilon: float | None = None) -> Tensor:
    """x over its norm along `axis`.

    Args:
        x: a tensor; a scalar counts as one of shape (1,).
        axis: an axis, or several, which for orders other than 2 are two: those of matrices.
        order: which norm: 2 (Euclidean), 1, any other positive number, or infinity; of matrices,
            those that `norm` has.
        epsilon: the least that is divided by; config.epsilon() if None.

    Returns:
        A tensor of x's shape, (1,) for a scalar; of x's dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x has no such axis, the order is not above 0, or there is no such norm of
            matrices.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> normalize([[3.0, 4.0]]).numpy()
    array([[0.6, 0.8]], dtype=float32)
    """
    x = _with_axis(as_float(x))
    if not order > 0:
        raise ValueError(f"normalize: order must be a positive number, but got {order!r}.")
    order, epsilon = plain(order), config.epsilon() if epsilon is None else plain(epsilon)
    if order == 2:
        return l2_normalize(x, axis, epsilon**2)
    wide = widened(x)
    return cast(wide / maximum(norm(wide, order, axis, keepdims=True), epsilon), x.dtype)


def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Any = -1,
    epsilon: float | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, over `axis` of each sample.

    Source: Ba et al., 2016, arXiv:1607.06450.

    Args:
        x: a tensor.
        gamma: the scale, of the shape of x on `axis`; 1 if None.
        beta: the offset, likewise; 0 if None.
        axis: the axis or axes over which mean and variance are taken.
        epsilon: added to the variance; config.epsilon() if None.

    Returns:
        A tensor of the shape and dtype of x, computed in 32 bits at least.

    Raises:
        ValueError: if x has no such axis, or gamma or beta does not fit x.
        TypeError: if x, gamma or beta is no array of numbers.

    >>> layer_normalization([[1.0, 3.0]]).numpy()
    array([[-1.,  1.]], dtype=float32)
    """
    x = as_tensor(x)
    axes = canonical_axes(axis, x.rank)
    wide = widened(x)
    epsilon = config.epsilon() if epsilon is None else epsilon
    y = standardize_p(wide, axes=axes, epsilon=float(epsilon))
    y = y if gamma is None else y * _on_axes(gamma, x, axes, "gamma", wide.dtype)
    y = y if beta is None else y + _on_axes(beta, x, axes, "beta", wide.dtype)
    return cast(y, x.dtype)


@composite
def standardize_p(x: Tensor, *, axes: tuple[int, ...], epsilon: float) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon), over `axes`."""
    return _standardized(x, axes, epsilon)[0]


@standardize_p.own_vjp
def _(g: Tensor, x: Tensor, *, axes: tuple[int, ...], epsilon: float) -> Tensor:
    """In closed form: half as many walks over the array as through mean and variance."""
    y, scale = _standardized(x, axes, epsilon)
    along = mean(g * y, axis=axes, keepdims=True)
    return (g - mean(g, axis=axes, keepdims=True) - y * along) * scale


def _standardized(x: Tensor, axes: tuple[int, ...], epsilon: float) -> tuple[Tensor, Tensor]:
    apart = x - mean(x, axis=axes, keepdims=True)
    scale = rsqrt(mean(square(apart), axis=axes, keepdims=True) + epsilon)
    return apart * scale, scale


def rms_normalization(
    x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Tensor:
    """x / sqrt(mean(x^2) + epsilon) * scale, over `axis` of each sample.

    Source: Zhang & Sennrich, 2019, arXiv:1910.07467.

    Args:
        x: a tensor; a scalar counts as one of shape (1,).
        scale: of the shape of x on `axis`; 1 if None.
        axis: the axis or axes over which the mean is taken.
        epsilon: added to the mean; config.epsilon() if None.

    Returns:
        A tensor of the shape and dtype of x, (1,) for a scalar; computed in 32 bits at least.

    Raises:
        ValueError: if x has no such axis, or the scale does not fit x.
        TypeError: if x or the scale is no array of numbers.

    >>> np.round(rms_normalization([1.0, 1.0]), 3)
    array([1., 1.], dtype=float32)
    """
    x = _with_axis(as_tensor(x))
    axes = canonical_axes(axis, x.rank)
    wide = widened(x)
    epsilon = config.epsilon() if epsilon is None else plain(epsilon)
    y = wide * rsqrt(mean(square(wide), axis=axes, keepdims=True) + epsilon)
    y = y if scale is None else y * _on_axes(scale, x, axes, "scale", wide.dtype)
    return cast(y, x.dtype)


def _with_axis(x: Tensor) -> Tensor:
    return x if x.rank else reshape(x, (1,))


def _on_axes(value: Any, x: Tensor, axes: tuple[int, ...], name: str, dtype: str) -> Tensor:
    """A weight of the shape of x on `axes`, with axes of size 1 for the others."""
    weight = cast(value, dtype)
    right = tuple(x.shape[i] for i in axes)
    if weight.rank == len(axes) and compatible(weight.shape, right):
        sizes = iter(shape(weight))
        return reshape(weight, tuple(next(sizes) if i in axes else 1 for i in range(x.rank)))
    if weight.rank == len(axes) or not _stretches_to(weight.shape, x.shape):
        raise ValueError(
            f"{name} must have the shape of x {format_shape(x.shape)} on axes {axes}, but got "
            f"{format_shape(weight.shape)}."
        )
    return weight


def _stretches_to(small: Shape, large: Shape) -> bool:
    """Whether a tensor of the first shape broadcasts to the second one."""
    return len(small) <= len(large) and all(
        n in (1, None) or m in (n, None)
        for n, m in zip(reversed(small), reversed(large), strict=False)
    )


def psnr(x1: Any, x2: Any, max_val: float) -> Tensor:
    """The peak signal-to-noise ratio in decibel: 10 * log10(max_val^2 / mean((x1 - x2)^2)).

    Args:
        x1: a signal or image.
        x2: the other one, of the same shape.
        max_val: the largest value that signals can have.

    Returns:
        A scalar of the promoted dtype, of floatx if that is no float; infinite if both are equal.

    Raises:
        ValueError: if the shapes differ, or max_val is not above 0.
        TypeError: if x1 or x2 is no array of numbers, or max_val no number.

    >>> float(psnr([0.0, 0.0], [1.0, 1.0], 10.0))
    20.0
    """
    a, b = promoted(x1, x2, to=dtypes.floating)
    if not compatible(a.shape, b.shape):
        raise ValueError(
            f"psnr: both must have one shape, but got {format_shape(a.shape)} and "
            f"{format_shape(b.shape)}."
        )
    if not max_val > 0:
        raise ValueError(f"psnr: max_val must be above 0, but it is {max_val}.")
    error = mean(square(widened(a) - widened(b)))
    return cast(20 * math.log10(max_val) - log(error) * (10 / math.log(10)), a.dtype)


def moments(
    x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean and variance over `axes`.

    Args:
        x: a tensor; ints and booleans become floats.
        axes: an axis or several.
        keepdims: whether they stay, with size 1.
        synchronized: must be False; there is one device.

    Returns:
        Two tensors without the reduced axes, or with size 1 there, of x's dtype if that is a float,
        else of floatx.

    Raises:
        ValueError: if `synchronized` is True, or x has no such axis.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> [float(part) for part in moments([1.0, 3.0], 0)]
    [2.0, 1.0]
    """
    if synchronized:
        raise ValueError("moments: synchronized=True is not supported; there is one device.")
    x = as_float(x)
    wide = widened(x)
    centre = mean(wide, axis=axes, keepdims=True)
    variance = mean(square(wide - centre), axis=axes, keepdims=keepdims)
    if not keepdims:
        centre = reshape_without(centre, canonical_axes(axes, x.rank))
    return cast(centre, x.dtype), cast(variance, x.dtype)


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, per channel on `axis`.

    Source: Ioffe & Szegedy, 2015, arXiv:1502.03167.

    Args:
        x: a tensor.
        mean: the mean of each channel.
        variance: the variance of each channel.
        axis: the axis of the channels.
        offset: added to each channel at last; 0 if None.
        scale: what each channel is multiplied with before; 1 if None.
        epsilon: added to the variance.

    Returns:
        A tensor of x's shape, of the float dtype in which x and the others combine; floatx for
        ints.

    Raises:
        ValueError: if x has no such axis, or the others do not fit its size.
        TypeError: if x or one of the others is no array of numbers.

    >>> batch_normalization([[1.0, 3.0]], [1.0, 1.0], [1.0, 1.0], -1, epsilon=0.0).numpy()
    array([[0., 2.]], dtype=float32)
    """
    x = as_tensor(x)
    position = canonical_axis(axis, x.rank)
    given = {"mean": mean, "variance": variance, "offset": offset, "scale": scale}
    for name, value in given.items():
        if value is not None:
            _check_channels(name, as_tensor(value), x, position)
    along = tuple(-1 if i == position else 1 for i in range(x.rank))
    factor = rsqrt(as_tensor(variance) + plain(epsilon))
    factor = factor if scale is None else factor * scale
    shift = -as_tensor(mean) * factor
    shift = shift if offset is None else shift + offset
    return x * reshape(factor, along) + reshape(shift, along)


def _check_channels(name: str, value: Tensor, x: Tensor, axis: int) -> None:
    count, channels = size_of(value.shape), x.shape[axis]
    if count not in (None, 1) and channels not in (None, count):
        raise ValueError(
            f"{name} must hold one number for each of the {channels} channels on axis {axis} of "
            f"{format_shape(x.shape)}, but its shape is {format_shape(value.shape)}."
        )


def l2_normalize(x: Any, axis: Any = -1, epsilon: float = 1e-12) -> Tensor:
    """x over its Euclidean norm along `axis`.

    Args:
        x: a tensor; ints and booleans become floats.
        axis: an axis or several.
        epsilon: the least square of a norm that is divided by, so that 0 stays 0.

    Returns:
        A tensor of x's shape, of x's dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x has no such axis.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> l2_normalize([3.0, 4.0]).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    x = as_float(x)
    wide = widened(x)
    squares = sum(square(wide), axis=axis, keepdims=True)
    return cast(wide * rsqrt(maximum(squares, plain(epsilon))), x.dtype)
