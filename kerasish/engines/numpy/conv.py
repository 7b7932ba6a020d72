"""Convolution and pooling by their definitions: channels last, 1 to 3 spatial axes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Array = np.ndarray
Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


def lowest(dtype: np.dtype) -> Any:
    """What is below everything: the padding of a maximum."""
    return np.iinfo(dtype).min if dtype.kind in "iu" else dtype.type(-np.inf)


def padded(x: Array, padding: Pads, value: Any = 0) -> Array:
    return np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=value)


def windows(x: Array, window: Sizes, strides: Sizes, dilation: Sizes) -> Array:
    """A view of shape (batch, *positions, channels, *window)."""
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    view = sliding_window_view(x, reach, axis=tuple(range(1, len(window) + 1)))
    steps = [slice(None, None, s) for s in strides]
    inside = [slice(None, None, d) for d in dilation]
    index = (slice(None), *steps, slice(None), *inside)
    return view[index]


def offsets(
    window: Sizes, positions: Sizes, strides: Sizes, dilation: Sizes
) -> Iterator[tuple[Sizes, Any]]:
    """For each element of the window, in order: its place, and the index of what it meets."""
    for place in itertools.product(*map(range, window)):
        met = [
            slice(p * d, p * d + (n - 1) * s + 1, s)
            for p, n, s, d in zip(place, positions, strides, dilation, strict=True)
        ]
        yield place, (slice(None), *met)


def padded_shape(shape: Sizes, padding: Pads) -> Sizes:
    inner = (n + lo + hi for n, (lo, hi) in zip(shape[1:-1], padding, strict=True))
    return (shape[0], *inner, shape[-1])


def unpadded(x: Array, shape: Sizes, padding: Pads) -> Array:
    inner = (slice(lo, lo + n) for n, (lo, _) in zip(shape[1:-1], padding, strict=True))
    index = (slice(None), *inner)
    return x[index]


def conv(
    x: Array, kernel: Array, *, strides: Sizes, padding: Pads, dilation: Sizes, groups: int
) -> Array:
    n = len(strides)
    inner = [*range(n + 2, 2 * n + 2), n + 1]  # the window and the channels of a view
    return np.concatenate(
        [
            np.tensordot(windows(part, k.shape[:n], strides, dilation), k, (inner, range(n + 1)))
            for part, k in zip(
                np.split(padded(x, padding), groups, -1), np.split(kernel, groups, -1), strict=True
            )
        ],
        -1,
    )


def conv_input_grad(
    g: Array,
    kernel: Array,
    *,
    shape: Sizes,
    strides: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int,
) -> Array:
    n = len(strides)
    grad = np.zeros(padded_shape(shape, padding), g.dtype)
    parts = [np.split(a, groups, -1) for a in (grad, g, kernel)]  # of grad: views
    for grad_part, g_part, k in zip(*parts, strict=True):
        for place, met in offsets(k.shape[:n], g.shape[1:-1], strides, dilation):
            grad_part[met] += np.tensordot(g_part, k[place], (-1, -1))
    return unpadded(grad, shape, padding)


def conv_kernel_grad(
    x: Array,
    g: Array,
    *,
    shape: Sizes,
    strides: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int,
) -> Array:
    n = len(strides)
    everywhere = range(n + 1)
    return np.concatenate(
        [
            np.moveaxis(
                np.tensordot(
                    windows(part, shape[:n], strides, dilation), g_part, (everywhere, everywhere)
                ),
                0,
                -2,
            )
            for part, g_part in zip(
                np.split(padded(x, padding), groups, -1), np.split(g, groups, -1), strict=True
            )
        ],
        -1,
    )


def _pooling_windows(x: Array, window: Sizes, strides: Sizes) -> tuple[Array, Sizes]:
    n = len(window)
    return windows(x, window, strides, (1,) * n), tuple(range(-n, 0))


def max_pool(x: Array, *, window: Sizes, strides: Sizes, padding: Pads) -> Array:
    view, inside = _pooling_windows(padded(x, padding, lowest(x.dtype)), window, strides)
    return view.max(inside)


def max_pool_grad(
    x: Array, y: Array, g: Array, *, window: Sizes, strides: Sizes, padding: Pads
) -> Array:
    """The first maximum of a window takes all of its gradient."""
    x, shape = padded(x, padding, lowest(x.dtype)), x.shape
    grad = np.zeros(x.shape, g.dtype)
    open_ = np.ones(y.shape, bool)  # windows whose maximum was not met yet
    for _, met in offsets(window, y.shape[1:-1], strides, (1,) * len(window)):
        hit = open_ & (x[met] == y)
        grad[met] += np.where(hit, g, 0)
        open_ &= ~hit
    return unpadded(grad, shape, padding)


def window_counts(shape: Sizes, window: Sizes, strides: Sizes, padding: Pads) -> Array:
    """How many elements that are not padding each window holds: (1, *positions, 1)."""
    ones = padded(np.ones((1, *shape[1:-1], 1), "float32"), padding)
    view, inside = _pooling_windows(ones, window, strides)
    return view.sum(inside)


def avg_pool(x: Array, *, window: Sizes, strides: Sizes, padding: Pads) -> Array:
    view, inside = _pooling_windows(padded(x, padding), window, strides)
    counts = window_counts(x.shape, window, strides, padding)
    return view.sum(inside) / counts.astype(x.dtype)


def avg_pool_grad(g: Array, *, shape: Sizes, window: Sizes, strides: Sizes, padding: Pads) -> Array:
    share = g / window_counts(shape, window, strides, padding).astype(g.dtype)
    grad = np.zeros(padded_shape(shape, padding), g.dtype)
    for _, met in offsets(window, g.shape[1:-1], strides, (1,) * len(window)):
        grad[met] += share
    return unpadded(grad, shape, padding)
