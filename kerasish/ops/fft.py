"""Fourier transforms. Complex numbers are pairs (real part, imaginary part) of float tensors."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.complex import as_complex, is_complex
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import shape, swapaxes
from kerasish.ops.joining import pad, pad_p
from kerasish.ops.matrices import matmul
from kerasish.ops.patches import window_indices
from kerasish.ops.promotion import promoted
from kerasish.ops.selection import take, take_grad_p

Pair = tuple[Tensor, Tensor]

# Engines with a fast Fourier transform take these whole; for others they are products with the
# matrix of the transform.


def _waves(rows: int, columns: int, size: int, dtype: str) -> Pair:
    """cos and sin of 2 * pi * row * column / size."""
    # The angle is brought into one turn as an integer, where it is still exact.
    turns = np.arange(rows)[:, None] * np.arange(columns) % size
    angles = 2 * np.pi * turns / size
    return as_tensor(np.cos(angles), dtype), as_tensor(np.sin(angles), dtype)


@composite
def fft_p(real: Tensor, imaginary: Tensor, *, inverse: bool) -> Pair:
    """The transform along the last axis; the inverse one is divided by the size."""
    n: Any = real.shape[-1]
    cos, sin = _waves(n, n, n, real.dtype)
    if inverse:
        cos, sin = cos / n, -sin / n
    return (
        matmul(real, cos) + matmul(imaginary, sin),
        matmul(imaginary, cos) - matmul(real, sin),
    )


@composite
def rfft_p(x: Tensor) -> Pair:
    """The first half, n // 2 + 1 numbers, of the transform of real numbers."""
    n: Any = x.shape[-1]
    cos, sin = _waves(n, n // 2 + 1, n, x.dtype)
    return matmul(x, cos), -matmul(x, sin)


@composite
def irfft_p(real: Tensor, imaginary: Tensor, *, size: int) -> Tensor:
    """`size` real numbers, from the size // 2 + 1 of their transform."""
    count = size // 2 + 1
    cos, sin = _waves(count, size, size, real.dtype)
    share = _twice(count, size, real.dtype) / size
    return matmul(real * share, cos) - matmul(imaginary * share, sin)


def _twice(count: int, size: int, dtype: str) -> Tensor:
    """2 for what stands for two numbers of the whole transform, 1 for the ends that do not."""
    weights = np.full(count, 2.0)
    weights[0] = 1
    if size % 2 == 0:
        weights[-1] = 1
    return as_tensor(weights, dtype)


@fft_p.vjp
def _(g, real, imaginary, *, inverse):
    n = real.shape[-1]
    back_real, back_imaginary = fft_p(*g, inverse=not inverse)
    scale = 1 / n if inverse else n
    return back_real * scale, back_imaginary * scale


@rfft_p.vjp
def _(g, x):
    n = x.shape[-1]
    halves = _twice(n // 2 + 1, n, x.dtype)
    return irfft_p(g[0] / halves, g[1] / halves, size=n) * n


@irfft_p.vjp
def _(g, real, imaginary, *, size):
    share = _twice(size // 2 + 1, size, real.dtype) / size
    back_real, back_imaginary = rfft_p(g)
    return back_real * share, back_imaginary * share


# --- transforms --------------------------------------------------------------------------


def _pair(name: str, x: Any) -> Pair:
    x = tuple(as_complex(x)) if is_complex(x) else x
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"{name}: expected a pair (real part, imaginary part), not {x!r:.60}.")
    real, imaginary = promoted(*x, to=dtypes.floating)
    if real.shape != imaginary.shape:
        raise ValueError(
            f"{name}: real and imaginary part must have one shape, but got "
            f"{format_shape(real.shape)} and {format_shape(imaginary.shape)}."
        )
    _check_sizes(name, real, 1)
    return real, imaginary


def _check_sizes(name: str, x: Tensor, axes: int) -> None:
    if x.rank < axes:
        raise ValueError(f"{name}: at least {axes} axes are needed, got {format_shape(x.shape)}.")
    if None in x.shape[x.rank - axes :]:
        raise ValueError(
            f"{name}: the size of the last {axes} axes must be known, but got "
            f"{format_shape(x.shape)}."
        )


def fft(x: Sequence[Any]) -> Pair:
    """The Fourier transform along the last axis.

    Args:
        x: a pair (real part, imaginary part) of one shape (..., n), or complex numbers.

    Returns:
        Such a pair, of the parts' dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x is not two arrays, or they differ in shape or have no axis.
        TypeError: if x is no pair, or holds no numbers.

    >>> [part.numpy() for part in fft(([1.0, 0.0], [0.0, 0.0]))]
    [array([1., 1.], dtype=float32), array([0., 0.], dtype=float32)]
    """
    return fft_p(*_pair("fft", x), inverse=False)


def fft2(x: Sequence[Any]) -> Pair:
    """The Fourier transform along the last two axes.

    Args:
        x: a pair (real part, imaginary part) of one shape (..., m, n), or complex numbers.

    Returns:
        Such a pair, of the parts' dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x is not two arrays, or they differ in shape or have fewer than two axes.
        TypeError: if x is no pair, or holds no numbers.

    >>> [part.numpy().tolist() for part in fft2(([[1.0, 0.0]], [[0.0, 0.0]]))]
    [[[1.0, 1.0]], [[0.0, 0.0]]]
    """
    return _over_two_axes("fft2", x, inverse=False)


def ifft2(x: Sequence[Any]) -> Pair:
    """What `fft2` undoes: the inverse transform along the last two axes.

    Args:
        x: a pair (real part, imaginary part) of one shape (..., m, n), or complex numbers.

    Returns:
        Such a pair, of the parts' dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x is not two arrays, or they differ in shape or have fewer than two axes.
        TypeError: if x is no pair, or holds no numbers.

    >>> [part.numpy().tolist() for part in ifft2(([[2.0, 2.0]], [[0.0, 0.0]]))]
    [[[2.0, 0.0]], [[0.0, 0.0]]]
    """
    return _over_two_axes("ifft2", x, inverse=True)


def _over_two_axes(name: str, x: Any, inverse: bool) -> Pair:
    real, imaginary = _pair(name, x)
    _check_sizes(name, real, 2)
    for _ in range(2):
        parts = fft_p(real, imaginary, inverse=inverse)
        real, imaginary = (swapaxes(part, -1, -2) for part in parts)
    return real, imaginary


def rfft(x: Any, fft_length: int | None = None) -> Pair:
    """The Fourier transform of real numbers along the last axis.

    Args:
        x: (..., n).
        fft_length: x is cut, or filled with zeros, to this size first.

    Returns:
        The pair (real part, imaginary part) of the first half: (..., fft_length // 2 + 1),
        of the dtype of x if that is a float, else of floatx.

    Raises:
        ValueError: if x has no axis, its last one is empty, or fft_length is below 1.
        TypeError: if x is no array of numbers, such as a string or None, or fft_length no int.

    >>> rfft([1.0, 2.0, 1.0])[0].numpy()
    array([ 4. , -0.5], dtype=float32)
    """
    (x,) = promoted(x, to=dtypes.floating)
    _check_sizes("rfft", x, 1)
    if x.shape[-1] == 0:
        raise ValueError("rfft: the last axis has no elements, which no transform has.")
    return rfft_p(x if fft_length is None else _resized(x, fft_length))


def irfft(x: Sequence[Any], fft_length: int | None = None) -> Tensor:
    """The real numbers whose transform is x, along the last axis: what `rfft` undoes.

    Args:
        x: a pair (real part, imaginary part) of one shape (..., n), or complex numbers.
        fft_length: how many numbers come out; 2 * (n - 1) if None.

    Returns:
        A real tensor (..., fft_length), of the parts' dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x is not two arrays, they differ in shape or have no axis, or no number
            would come out.
        TypeError: if x is no pair, or holds no numbers.

    >>> irfft(([2.0, 2.0], [0.0, 0.0])).numpy()
    array([2., 0.], dtype=float32)
    """
    real, imaginary = _pair("irfft", x)
    size = 2 * (real.shape[-1] - 1) if fft_length is None else operator.index(fft_length)  # type: ignore[operator]
    if size < 1:
        raise ValueError(f"irfft: fft_length must be at least 1, but it is {size}.")
    count = size // 2 + 1
    return irfft_p(_resized(real, count), _resized(imaginary, count), size=size)


def _resized(x: Tensor, size: int) -> Tensor:
    """Cut, or filled with zeros, along the last axis."""
    have: Any = x.shape[-1]
    if size < 1:
        raise ValueError(f"a Fourier transform needs at least 1 number, but got {size}.")
    if have >= size:
        return x[..., :size] if have > size else x
    return pad_p(x, widths=((0, 0),) * (x.rank - 1) + ((0, size - have),), value=0)


# --- short-time transforms ---------------------------------------------------------------


def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Tensor:
    """Pieces of a signal, which may overlap.

    Args:
        x: (..., n).
        sequence_length: the length of the pieces.
        sequence_stride: the distance of their beginnings.

    Returns:
        (..., pieces, sequence_length) of the dtype of x; what is left at the end is dropped.

    Raises:
        ValueError: if x has no axis, no piece fits into it, or the length or distance is below 1.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> extract_sequences([1, 2, 3, 4, 5], 3, 2).numpy()
    array([[1, 2, 3],
           [3, 4, 5]], dtype=int32)
    """
    x = as_tensor(x)
    _check_sizes("extract_sequences", x, 1)
    length, stride = operator.index(sequence_length), operator.index(sequence_stride)
    indices = window_indices(x.shape[-1], length, stride, 1, (0, 0))
    return take(x, indices.T, axis=x.rank - 1)


def _window(window: Any, length: int, fft_length: int, dtype: str) -> np.ndarray:
    """The weights of a piece of `length`, in the middle of zeros: `fft_length` in all."""
    if not 0 < operator.index(length) <= fft_length:
        raise ValueError(
            f"sequence_length must be at least 1 and at most fft_length, but they are {length} "
            f"and {fft_length}."
        )
    if window is None:
        return np.ones(fft_length, dtype)
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(f'window must be "hann", "hamming" or a tensor, but got {window!r}.')
        share = 0.5 if window == "hann" else 0.54
        share = share if length > 1 else 1.0  # a lone element counts in full
        weights = share - (1 - share) * np.cos(2 * np.pi * np.arange(length) / length)
    else:
        weights = np.asarray(window)
        if weights.shape != (length,):
            raise ValueError(
                f"window must have the shape of a piece, ({length},), but got "
                f"{format_shape(weights.shape)}."
            )
    before = (fft_length - length) // 2
    return np.pad(weights, (before, fft_length - length - before)).astype(dtype)


def stft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> Pair:
    """The Fourier transforms of pieces of a signal.

    Args:
        x: real signals (..., n).
        sequence_length: the length of the pieces.
        sequence_stride: the distance of their beginnings.
        fft_length: the size of the transforms, at least the length of the pieces.
        window: the weights of a piece: "hann", "hamming", an array (sequence_length,), or None:
            pieces of fft_length, unweighted.
        center: whether the signal is mirrored at its ends, so that the i-th piece is the one
            around i * sequence_stride.

    Returns:
        The pair (real part, imaginary part), each (..., pieces, fft_length // 2 + 1), of the dtype
        of x if that is a float, else of floatx.

    Raises:
        ValueError: if x has no axis or is too short, sequence_length is not within 1 and
            fft_length, sequence_stride is below 1, or the window is none of these.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> stft(np.zeros(16, "float32"), 8, 4, 8)[0].shape
    (5, 5)
    """
    (x,) = promoted(x, to=dtypes.floating)
    _check_sizes("stft", x, 1)
    weights = _window(window, sequence_length, fft_length, x.dtype)
    if center:
        half = fft_length // 2
        x = pad(x, [(0, 0)] * (x.rank - 1) + [(half, half)], mode="reflect")
    return rfft_p(extract_sequences(x, fft_length, sequence_stride) * weights)


def istft(
    x: Sequence[Any],
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Tensor:
    """The signal whose `stft` is x: the pieces added up, each weighted by its window.

    Args:
        x: the pair (real part, imaginary part), each (..., pieces, fft_length // 2 + 1).
        sequence_length: as of `stft`.
        sequence_stride: as of `stft`.
        fft_length: as of `stft`.
        length: how long the signal is; None: as long as the pieces reach.
        window: as of `stft`.
        center: as of `stft`.

    Returns:
        A real tensor (..., length), of the parts' dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x is not two arrays, they differ in shape or have fewer than two axes,
            sequence_length is not within 1 and fft_length, sequence_stride or length is below 1, or
            the window is none of those of `stft`.
        TypeError: if x is no pair, or holds no numbers.

    >>> istft(stft(np.ones(16, "float32"), 8, 4, 8), 8, 4, 8).shape
    (16,)
    """
    pieces = irfft(x, fft_length)
    _check_sizes("istft", pieces, 2)
    weights = _window(window, sequence_length, fft_length, pieces.dtype)
    count: Any = pieces.shape[-2]
    total = fft_length + sequence_stride * (count - 1)
    indices = window_indices(total, fft_length, sequence_stride, 1, (0, 0)).T
    lead = shape(pieces)[:-2]
    added = take_grad_p(pieces * weights, indices, shape=(*lead, total), axis=pieces.rank - 2)
    squares = np.bincount(indices.ravel(), np.tile(weights.astype("float64") ** 2, count), total)
    signal = added / as_tensor(np.where(squares > 1e-10, squares, 1), pieces.dtype)
    start = fft_length // 2 if center else 0
    stop = total - start if length is None else min(start + length, total)
    signal = signal[..., start:stop]
    return signal if length is None else _resized(signal, length)
