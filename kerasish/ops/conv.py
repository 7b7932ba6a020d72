"""Convolution and pooling over 1 to 3 spatial axes.

The primitives are channels last with explicit padding; the public functions take
"valid" or "same" and both data formats, and transpose where that is asked for.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

from kerasish import config
from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, primitive
from kerasish.graph.shapes import Dim, known, need_sizes, same_padding, window_output
from kerasish.graph.spec import Shape, Spec, format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import moveaxis, shape
from kerasish.ops.binary import where
from kerasish.ops.comparisons import equal, logical_and, logical_not, logical_or
from kerasish.ops.filling import zeros_like
from kerasish.ops.joining import pad, pad_p
from kerasish.ops.promotion import as_float, promoted
from kerasish.ops.selection import slice_p

Pads = tuple[tuple[Any, Any], ...]


def _spatial(
    x: Spec, window: tuple[Any, ...], strides: tuple[int, ...], padding: Pads, dilation: Any = None
) -> Shape:
    dilation = dilation or (1,) * len(window)
    sizes = tuple(
        None if isinstance(pads[0], Dim) else window_output(n, k, s, pads, d)
        for n, k, s, pads, d in zip(x.shape[1:-1], window, strides, padding, dilation, strict=True)
    )
    if any(n is not None and n < 1 for n in sizes):
        raise ValueError(
            f"a window of {format_shape(window)} does not fit into {format_shape(x.shape)} "
            f"with padding {padding}. Use smaller windows, less pooling, or padding='same'."
        )
    return sizes


@primitive
def conv_p(
    x: Spec,
    kernel: Spec,
    *,
    strides: tuple[int, ...],
    padding: Pads,
    dilation: tuple[int, ...],
    groups: int | Dim,
) -> Spec:
    *window, c_in, c_out = map(operator.index, kernel.shape)  # type: ignore[arg-type]
    spatial = _spatial(x, tuple(window), strides, padding, dilation)
    if isinstance(groups, Dim):
        return Spec((x.shape[0], *spatial, c_out), x.dtype)
    channels = x.shape[-1]
    if channels is not None and channels != c_in * groups:
        raise ValueError(
            f"the input has {channels} channels, but the kernel {format_shape(kernel.shape)} "
            f"with groups={groups} expects {c_in * groups}."
        )
    if c_out % groups:
        raise ValueError(f"{c_out} filters cannot be divided into {groups} groups.")
    return Spec((x.shape[0], *spatial, c_out), x.dtype)


@primitive
def conv_input_grad_p(
    g: Spec,
    kernel: Spec,
    *,
    shape: Shape,
    strides: tuple[int, ...],
    padding: Pads,
    dilation: tuple[int, ...],
    groups: int,
) -> Spec:
    return Spec(tuple(map(known, shape)), g.dtype)


@primitive
def conv_kernel_grad_p(
    x: Spec,
    g: Spec,
    *,
    shape: Shape,
    strides: tuple[int, ...],
    padding: Pads,
    dilation: tuple[int, ...],
    groups: int,
) -> Spec:
    return Spec(shape, g.dtype)


@primitive
def max_pool_p(
    x: Spec, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Pads
) -> Spec:
    return Spec((x.shape[0], *_spatial(x, window, strides, padding), x.shape[-1]), x.dtype)


@primitive
def max_pool_grad_p(
    x: Spec, y: Spec, g: Spec, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Pads
) -> Spec:
    return x


@primitive
def avg_pool_p(
    x: Spec, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Pads
) -> Spec:
    return Spec((x.shape[0], *_spatial(x, window, strides, padding), x.shape[-1]), x.dtype)


@primitive
def avg_pool_grad_p(
    g: Spec, *, shape: Shape, window: tuple[int, ...], strides: tuple[int, ...], padding: Pads
) -> Spec:
    return Spec(shape, g.dtype)


def per_axis(value: Any, count: int, name: str, least: int = 1) -> tuple[int, ...]:
    """One int per spatial axis, none below `least`; a single int counts for all."""
    kind = "a positive int" if least == 1 else f"an int of at least {least}"
    wrong = f"{name} must be {kind} or {count} of them, but got {value!r}."
    several = isinstance(value, (tuple, list, range)) or getattr(value, "ndim", 0) > 0
    given = tuple(value) if several else (value,) * count
    if not all(hasattr(size, "__index__") for size in given):
        raise TypeError(wrong)
    sizes = tuple(map(operator.index, given))
    if len(sizes) != count or any(size < least for size in sizes):
        raise ValueError(wrong)
    return sizes


def _padding(
    mode: str | Pads,
    x: Tensor,
    window: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Pads:
    """(before, after) per spatial axis; Dims where the size is not known yet."""
    if not isinstance(mode, str):
        return _pairs(mode, len(window))
    if mode.lower() == "valid":
        return ((0, 0),) * len(window)
    if mode.lower() != "same":
        raise ValueError(f'padding must be "valid" or "same", but got {mode!r}.')
    return tuple(
        _same(Dim.of(x, axis + 1), k, s, d)
        for axis, (k, s, d) in enumerate(zip(window, strides, dilation, strict=True))
    )


def _pairs(padding: Any, count: int) -> Pads:
    """Pairs (before, after), one per spatial axis, of ints of at least 0."""
    found = list(padding) if isinstance(padding, (list, tuple)) else []
    whole = [isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in found]
    if len(found) != count or not all(whole):
        raise ValueError(
            f'padding must be "valid", "same", or a pair (before, after) for each of {count} '
            f"spatial axes, but got {padding!r}."
        )
    pads = tuple(
        (per_axis(before, 1, "padding", 0)[0], per_axis(after, 1, "padding", 0)[0])
        for before, after in found
    )
    return pads


def _same(size: Any, window: int, stride: int, dilation: int) -> tuple[Any, Any]:
    if not isinstance(size, Dim) or stride == 1:
        # With stride 1 the padding does not depend on the size.
        return same_padding(1 if isinstance(size, Dim) else size, window, stride, dilation)
    return (
        Dim(lambda *a: same_padding(*a)[0], size, window, stride, dilation),
        Dim(lambda *a: same_padding(*a)[1], size, window, stride, dilation),
    )


def in_channels_last(
    x: Tensor, data_format: str | None, function: Callable[[Tensor], Tensor]
) -> Tensor:
    """Applies `function`, which wants the channels last, to `x` in either format."""
    if _is_last(data_format):
        return function(x)
    return moveaxis(function(moveaxis(x, 1, -1)), -1, 1)


def _is_last(data_format: str | None) -> bool:
    """Whether the channels are on the last axis, not on the second one."""
    data_format = data_format or config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f'data_format must be "channels_last" or "channels_first", but got {data_format!r}.'
        )
    return data_format == "channels_last"


def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str | Pads = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """Slides a kernel over the spatial axes (a cross-correlation, as all of deep learning does).

    Args:
        inputs: (batch, *sizes, channels), or (batch, channels, *sizes) for "channels_first".
        kernel: (*window, channels / groups, filters). The number of groups follows from the
            channels of the inputs.
        strides: step of the window, an int or one per spatial axis.
        padding: "valid" (none), "same" (as many outputs as inputs over stride), or for one
            spatial axis "causal" (all padding in front). Or a pair (before, after) of zeros to
            put in, for each spatial axis.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        dilation_rate: distance of the kernel's elements, an int or one per spatial axis.

    Returns:
        A tensor of the promoted dtype: (batch, *new sizes, filters), or (batch, filters, *new
        sizes) for "channels_first".

    Raises:
        ValueError: if there are not 1 to 3 spatial axes, the ranks or the channels do not fit
            together, the filters cannot be divided into the groups, the window is larger than what
            it slides over, a stride or dilation is not positive or not one per spatial axis, an
            option is unknown, "causal" meets several spatial axes, or a size of the kernel is
            unknown.
        TypeError: if inputs or kernel is no array of numbers, or a stride or dilation no int.

    >>> conv(np.ones((1, 4, 4, 1)), np.ones((2, 2, 1, 3))).shape
    (1, 3, 3, 3)
    """
    x, kernel = promoted(inputs, kernel)
    n = kernel.rank - 2
    if not 1 <= n <= 3:
        raise ValueError(
            "conv: the kernel must be (*window, channels, filters) with 1 to 3 spatial axes, but "
            f"got {format_shape(kernel.shape)}."
        )
    if x.rank != n + 2:
        raise ValueError(
            f"conv: a kernel of shape {format_shape(kernel.shape)} needs inputs of rank {n + 2}, "
            f"but got {format_shape(x.shape)}."
        )
    need_sizes("conv", "the kernel", kernel.shape)
    strides, dilation = per_axis(strides, n, "strides"), per_axis(dilation_rate, n, "dilation_rate")
    window = kernel.shape[:n]

    def apply(x: Tensor) -> Tensor:
        if isinstance(padding, str) and padding.lower() == "causal":
            x = _pad_causal(x, (window[0] - 1) * dilation[0])
            pads: Pads = ((0, 0),) * n
        else:
            pads = _padding(padding, x, window, strides, dilation)
        channels, taken = Dim.of(x, -1), kernel.shape[-2]
        if not isinstance(channels, Dim) and (not taken or channels % taken):
            raise ValueError(
                f"conv: the input has {channels} channels, but a kernel of shape "
                f"{format_shape(kernel.shape)} takes {taken}, or in groups a multiple of them."
            )
        groups = channels // taken
        return conv_p(x, kernel, strides=strides, padding=pads, dilation=dilation, groups=groups)

    return in_channels_last(x, data_format, apply)


def _pad_causal(x: Tensor, steps: int) -> Tensor:
    if x.rank != 3:
        raise ValueError('padding="causal" is for one spatial axis only.')
    return pad(x, ((0, 0), (steps, 0), (0, 0)))


def _pool(primitive_: Any, inputs: Any, pool_size: Any, strides: Any, padding: Any, data_format):
    x = as_tensor(inputs)
    n = x.rank - 2
    if not 1 <= n <= 3:
        raise ValueError(
            f"expected (batch, *sizes, channels) with 1 to 3 spatial axes, but got "
            f"{format_shape(x.shape)}."
        )
    window = per_axis(pool_size, n, "pool_size")
    strides = window if strides is None else per_axis(strides, n, "strides")

    def apply(x: Tensor) -> Tensor:
        pads = _padding(padding, x, window, strides, (1,) * n)
        if not isinstance(padding, str) and any(map(operator.ge, map(max, pads), window)):
            raise ValueError(
                f"padding must be smaller than the window {format_shape(window)}, which would "
                f"otherwise hold nothing else, but got {padding!r}."
            )
        return primitive_(x, window=window, strides=strides, padding=pads)

    return in_channels_last(x, data_format, apply)


def max_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str | Pads = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The maximum of each window; `strides` defaults to the window's size.

    Args:
        inputs: (batch, *sizes, channels), or (batch, channels, *sizes) for "channels_first".
        pool_size: the size of the window, an int or one per spatial axis.
        strides: its step, likewise; its size if None.
        padding: "valid", "same", or a pair (before, after) for each spatial axis.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        A tensor of the dtype of inputs: (batch, *new sizes, channels), or (batch, channels, *new
        sizes) for "channels_first".

    Raises:
        ValueError: if inputs have not 1 to 3 spatial axes, the window is larger than what it slides
            over or not larger than the padding, a size or stride is not positive or not one per
            spatial axis, or an option is unknown.
        TypeError: if inputs is no array of numbers, or a size or stride no int.

    >>> max_pool(np.ones((1, 4, 4, 1)), 2).shape
    (1, 2, 2, 1)
    """
    return _pool(max_pool_p, inputs, pool_size, strides, padding, data_format)


def average_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str | Pads = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The mean of each window, padding not counted; `strides` defaults to the window's size.

    Args:
        inputs: (batch, *sizes, channels), or (batch, channels, *sizes) for "channels_first".
        pool_size: the size of the window, an int or one per spatial axis.
        strides: its step, likewise; its size if None.
        padding: "valid", "same", or a pair (before, after) for each spatial axis.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        A tensor of the dtype of inputs if that is a float, else of floatx: (batch, *new sizes,
        channels), or (batch, channels, *new sizes) for "channels_first".

    Raises:
        ValueError: if inputs have not 1 to 3 spatial axes, the window is larger than what it slides
            over or not larger than the padding, a size or stride is not positive or not one per
            spatial axis, or an option is unknown.
        TypeError: if inputs is no array of numbers, or a size or stride no int.

    >>> average_pool(np.ones((1, 4, 4, 1)), 2).shape
    (1, 2, 2, 1)
    """
    return _pool(avg_pool_p, as_float(inputs), pool_size, strides, padding, data_format)


@conv_p.vjp
def _(g, x, kernel, **attrs):
    return (
        conv_input_grad_p(g, kernel, shape=x.shape, **attrs),
        conv_kernel_grad_p(x, g, shape=kernel.shape, **attrs),
    )


@conv_input_grad_p.vjp
def _(g, x, kernel, *, shape, **attrs):
    return conv_p(g, kernel, **attrs), conv_kernel_grad_p(g, x, shape=kernel.shape, **attrs)


@conv_kernel_grad_p.vjp
def _(g, x, y, *, shape, **attrs):
    return conv_input_grad_p(y, g, shape=x.shape, **attrs), conv_p(x, g, **attrs)


@max_pool_p.vjp
def _(g, x, **attrs):
    return max_pool_grad_p(x, max_pool_p(x, **attrs), g, **attrs)


@max_pool_grad_p.vjp
def _(g, x, y, values, *, window, strides, padding):
    return None, None, _at_first_maximum(x, y, g, window, strides, padding)


def _at_first_maximum(
    x: Tensor, y: Tensor, values: Tensor, window: Any, strides: Any, padding: Pads
) -> Tensor:
    """For each window the element of `values` that stands where x has its first maximum."""
    around = ((0, 0), *padding, (0, 0))
    x = pad_p(x, widths=around, value=dtypes.lowest(x.dtype))
    values = pad_p(values, widths=around, value=0)
    batch, *counts, channels = shape(y)
    found, result = as_tensor(False), zeros_like(y)
    for corner in itertools.product(*map(range, window)):
        part = {
            "start": (0, *corner, 0),
            "stop": (
                batch,
                *(k + (n - 1) * s + 1 for k, n, s in zip(corner, counts, strides, strict=True)),
                channels,
            ),
            "step": (1, *strides, 1),
        }
        here = logical_and(equal(slice_p(x, **part), y), logical_not(found))
        result = where(here, slice_p(values, **part), result)
        found = logical_or(found, here)
    return result


@avg_pool_p.vjp
def _(g, x, **attrs):
    return avg_pool_grad_p(g, shape=x.shape, **attrs)


@avg_pool_grad_p.vjp
def _(g, x, *, shape, **attrs):
    return avg_pool_p(g, **attrs)
