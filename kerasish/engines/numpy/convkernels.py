"""Convolution and pooling for compiled programs: binders, as in `kernels`.

A convolution copies the windows of some samples into the rows of a matrix that stays in the
cache, and lets BLAS multiply it with the kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from kerasish.engines.numpy import conv
from kerasish.engines.numpy.conv import Pads, Sizes
from kerasish.engines.numpy.kernels import Array, Scratch, Step, both, is_wide

# How large the matrix of windows may be, in bytes.
_MATRIX_BYTES = 1 << 20
# Windows whose rows are shorter are copied element by element, along the positions.
_SHORT_ROW = 16


def _with_margin(
    scratch: Scratch, x: Array, padding: Pads, value: Any = 0
) -> tuple[Array, Step | None]:
    """`x` with its padding, and the step that fills it in (None if there is no padding)."""
    if not any(map(any, padding)):
        return x, None
    wide = scratch(conv.padded_shape(x.shape, padding), x.dtype)
    inside = conv.unpadded(wide, x.shape, padding)

    def run() -> None:
        wide.fill(value)
        np.copyto(inside, x)

    return wide, run


def _samples(count: int, bytes_each: int) -> list[slice]:
    """Cuts the samples into parts whose windows fit into the matrix."""
    size = max(1, _MATRIX_BYTES // max(bytes_each, 1))
    return [slice(i, min(i + size, count)) for i in range(0, count, size)]


class _Columns:
    """The windows of `x` as rows of a matrix, some samples at a time.

    Attributes:
        parts: which samples each part holds.
    """

    def __init__(
        self,
        scratch: Scratch,
        x: Array,
        window: Sizes,
        positions: Sizes,
        strides: Sizes,
        dilation: Sizes,
    ):
        n = len(window)
        self.width = math.prod(window) * x.shape[-1]
        self.rows = math.prod(positions)
        self.parts = _samples(len(x), self.rows * self.width * x.itemsize)
        largest = self.parts[0].stop if self.parts else 0
        self.matrix = scratch((largest, *positions, *window, x.shape[-1]), x.dtype)
        self.plain = self.width == x.shape[-1] and set(strides) == {1} and x.flags.c_contiguous
        self.x = x
        view = conv.windows(x, window, strides, dilation)
        self.view = np.moveaxis(view, n + 1, -1)
        self.offsets = None
        if window[-1] * x.shape[-1] < _SHORT_ROW:
            self.offsets = list(conv.offsets(window, positions, strides, dilation))

    def fill(self, part: slice) -> Array:
        """The matrix for a part: (samples * positions, window * channels)."""
        if self.plain:  # each window is one element: the input is the matrix
            return self.x[part].reshape(-1, self.width)
        matrix = self.matrix[: part.stop - part.start]
        if self.offsets is None:
            np.copyto(matrix, self.view[part])
        else:
            n = len(self.offsets[0][0])
            for place, met in self.offsets:
                matrix[(slice(None),) * (n + 1) + place] = self.x[part][met]
        return matrix.reshape(-1, self.width)


def _conv(
    scratch: Scratch,
    out: Array,
    x: Array,
    kernel: Array,
    *,
    strides: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int,
) -> Step | None:
    if not is_wide(out):
        return None
    window = kernel.shape[:-2]
    x, margin = _with_margin(scratch, x, padding)
    kernel, compact = _contiguous(scratch, kernel)
    margin = both(margin, compact)
    if groups > 1:
        if kernel.shape[-2] > 1:
            return None
        return both(margin, _depthwise(scratch, out, x, kernel, strides, dilation))
    columns = _Columns(scratch, x, window, out.shape[1:-1], strides, dilation)
    weights = kernel.reshape(columns.width, -1)

    def run() -> None:
        for part in columns.parts:
            np.matmul(columns.fill(part), weights, out[part].reshape(-1, out.shape[-1]))

    return both(margin, run)


def _conv_kernel_grad(
    scratch: Scratch,
    out: Array,
    x: Array,
    g: Array,
    *,
    shape: Sizes,
    strides: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int,
) -> Step | None:
    if not is_wide(out) or (groups > 1 and shape[-2] > 1):
        return None
    x, margin = _with_margin(scratch, x, padding)
    g, compact = _contiguous(scratch, g)
    margin = both(margin, compact)
    if groups > 1:
        return both(margin, _depthwise_kernel_grad(scratch, out, x, g, strides, dilation))
    columns = _Columns(scratch, x, shape[:-2], g.shape[1:-1], strides, dilation)
    total = out.reshape(columns.width, -1)
    share = scratch(total.shape, total.dtype)

    def run() -> None:
        total.fill(0)
        for part in columns.parts:
            rows = g[part].reshape(-1, g.shape[-1])
            np.matmul(columns.fill(part).T, rows, share)
            np.add(total, share, total)

    return both(margin, run)


def _conv_input_grad(
    scratch: Scratch,
    out: Array,
    g: Array,
    kernel: Array,
    *,
    shape: Sizes,
    strides: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int,
) -> Step | None:
    if not is_wide(out) or (groups > 1 and kernel.shape[-2] > 1):
        return None
    g, compact_g = _contiguous(scratch, g)
    kernel, compact_kernel = _contiguous(scratch, kernel)
    compact = both(compact_g, compact_kernel)
    wide, crop = _cropped(scratch, out, padding)
    window = kernel.shape[:-2]
    offsets = list(conv.offsets(window, g.shape[1:-1], strides, dilation))
    if groups > 1:
        step = _depthwise_input_grad(scratch, wide, g, kernel, offsets)
        return both(compact, both(step, crop))
    channels, filters = kernel.shape[-2:]
    parts = _samples(len(g), math.prod(g.shape[1:-1]) * channels * len(offsets) * g.itemsize)
    largest = parts[0].stop if parts else 0
    # One product for each element of the window: their rows are added in one sweep each.
    shares = scratch((len(offsets), largest, *g.shape[1:-1], channels), g.dtype)
    weights = kernel.reshape(-1, channels, filters).swapaxes(1, 2)

    def run() -> None:
        for part in parts:
            count = part.stop - part.start
            rows = g[part].reshape(-1, filters)
            target = wide[part]
            target.fill(0)
            for (_, met), weight, share in zip(offsets, weights, shares, strict=True):
                some = share[:count]
                np.matmul(rows, weight, some.reshape(-1, channels))
                np.add(target[met], some, target[met])

    return both(compact, both(run, crop))


def _contiguous(scratch: Scratch, x: Array) -> tuple[Array, Step | None]:
    if x.flags.c_contiguous:
        return x, None
    copy = scratch(x.shape, x.dtype)
    return copy, partial(np.copyto, copy, x)


def _cropped(scratch: Scratch, out: Array, padding: Pads) -> tuple[Array, Step | None]:
    """Where to build the gradient of a padded input, and the step that takes its inside."""
    if not any(map(any, padding)):
        return out, None
    wide = scratch(conv.padded_shape(out.shape, padding), out.dtype)
    return wide, partial(np.copyto, out, conv.unpadded(wide, out.shape, padding))


# --- one kernel per channel --------------------------------------------------------------
# The filters of a channel lie beside each other: (..., channels, filters of each).


def _per_channel(kernel: Array, channels: int) -> Array:
    return kernel.reshape(*kernel.shape[:-2], channels, -1)


def _depthwise(
    scratch: Scratch, out: Array, x: Array, kernel: Array, strides: Sizes, dilation: Sizes
) -> Step:
    weights = _per_channel(kernel, x.shape[-1])
    offsets = list(conv.offsets(kernel.shape[:-2], out.shape[1:-1], strides, dilation))
    target = out.reshape(*out.shape[:-1], *weights.shape[-2:])
    share = scratch(target.shape[1:], out.dtype)

    def run() -> None:
        for sample, total in zip(x, target, strict=True):
            total.fill(0)
            for place, met in offsets:
                np.multiply(sample[met[1:]][..., None], weights[place], share)
                np.add(total, share, total)

    return run


def _depthwise_input_grad(
    scratch: Scratch, wide: Array, g: Array, kernel: Array, offsets: list[Any]
) -> Step:
    weights = _per_channel(kernel, wide.shape[-1])
    g = g.reshape(*g.shape[:-1], *weights.shape[-2:])
    share = scratch(g.shape[1:-1], g.dtype)

    def run() -> None:
        for sample, grad in zip(wide, g, strict=True):
            sample.fill(0)
            for place, met in offsets:
                np.einsum("...cm,cm->...c", grad, weights[place], out=share)
                sample[met[1:]] += share

    return run


def _depthwise_kernel_grad(
    scratch: Scratch, out: Array, x: Array, g: Array, strides: Sizes, dilation: Sizes
) -> Step:
    target = _per_channel(out, x.shape[-1])
    offsets = list(conv.offsets(out.shape[:-2], g.shape[1:-1], strides, dilation))
    g = g.reshape(*g.shape[:-1], *target.shape[-2:])
    axes = "xyz"[: len(strides)]
    sums = f"{axes}c,{axes}cm->cm"

    def run() -> None:
        target.fill(0)
        for sample, grad in zip(x, g, strict=True):
            for place, met in offsets:
                target[place] += np.einsum(sums, sample[met[1:]], grad)

    return run


# --- pooling -----------------------------------------------------------------------------


def _max_pool(
    scratch: Scratch, out: Array, x: Array, *, window: Sizes, strides: Sizes, padding: Pads
) -> Step:
    x, margin = _with_margin(scratch, x, padding, conv.lowest(x.dtype))
    offsets = conv.offsets(window, out.shape[1:-1], strides, (1,) * len(window))
    first, *others = [x[met] for _, met in offsets]

    def run() -> None:
        np.copyto(out, first)
        for other in others:
            np.maximum(out, other, out=out)

    return both(margin, run)


def _max_pool_grad(
    scratch: Scratch,
    out: Array,
    x: Array,
    y: Array,
    g: Array,
    *,
    window: Sizes,
    strides: Sizes,
    padding: Pads,
) -> Step:
    x, margin = _with_margin(scratch, x, padding, conv.lowest(x.dtype))
    wide, crop = _cropped(scratch, out, padding)
    offsets = conv.offsets(window, y.shape[1:-1], strides, (1,) * len(window))
    places = [met[1:] for _, met in offsets]
    open_ = scratch(y.shape[1:], np.dtype(bool))  # windows whose maximum was not met yet
    hit = scratch(y.shape[1:], np.dtype(bool))
    share = scratch(y.shape[1:], g.dtype)

    def run() -> None:
        for inputs, top, grad, total in zip(x, y, g, wide, strict=True):
            total.fill(0)
            open_.fill(True)
            for place in places:
                np.equal(inputs[place], top, hit)
                np.logical_and(hit, open_, hit)
                np.not_equal(open_, hit, open_)
                np.multiply(grad, hit, share)
                np.add(total[place], share, total[place])

    return both(margin, both(run, crop))


def _avg_pool(
    scratch: Scratch, out: Array, x: Array, *, window: Sizes, strides: Sizes, padding: Pads
) -> Step | None:
    if not is_wide(out):
        return None
    counts = conv.window_counts(x.shape, window, strides, padding).astype(out.dtype)
    x, margin = _with_margin(scratch, x, padding)
    offsets = conv.offsets(window, out.shape[1:-1], strides, (1,) * len(window))
    first, *others = [x[met] for _, met in offsets]

    def run() -> None:
        np.copyto(out, first)
        for other in others:
            np.add(out, other, out)
        np.divide(out, counts, out)

    return both(margin, run)


def _avg_pool_grad(
    scratch: Scratch,
    out: Array,
    g: Array,
    *,
    shape: Sizes,
    window: Sizes,
    strides: Sizes,
    padding: Pads,
) -> Step | None:
    if not is_wide(out):
        return None
    counts = conv.window_counts(shape, window, strides, padding).astype(g.dtype)
    wide, crop = _cropped(scratch, out, padding)
    offsets = conv.offsets(window, g.shape[1:-1], strides, (1,) * len(window))
    targets = [wide[met] for _, met in offsets]
    share = scratch(g.shape, g.dtype)

    def run() -> None:
        np.divide(g, counts, share)
        wide.fill(0)
        for target in targets:
            np.add(target, share, target)

    return both(run, crop)


BINDERS: dict[str, Callable[..., Step | None]] = {
    "conv": _conv,
    "conv_input_grad": _conv_input_grad,
    "conv_kernel_grad": _conv_kernel_grad,
    "max_pool": _max_pool,
    "max_pool_grad": _max_pool_grad,
    "avg_pool": _avg_pool,
    "avg_pool_grad": _avg_pool_grad,
}
