"""Cases of kerasish.ops.conv_transpose and patches, against loops over every window."""

import numpy as np
from cases.case import Case, distinct, integers, normal
from cases.conv import conv_input_grad_loops, conv_loops, each

from kerasish import ops


def grown(n, k, stride, dilation, padding, extra):
    """The size whose convolution makes `n`, as Keras chooses it."""
    reach = (k - 1) * dilation + 1
    if padding == "same":
        return n * stride if extra is None else (n - 1) * stride + reach % 2 + extra
    return (
        n * stride + max(reach - stride, 0) if extra is None else (n - 1) * stride + reach + extra
    )


def transpose_loops(x, kernel, strides=1, padding="valid", extra=None, dilation=1):
    n = kernel.ndim - 2
    rows = zip(x.shape[1:-1], kernel.shape, each(strides, n), each(dilation, n), strict=False)
    shape = (x.shape[0], *(grown(*row, padding, extra) for row in rows), kernel.shape[-2])
    how = {"strides": each(strides, n), "padding": padding, "dilation": each(dilation, n)}
    return conv_input_grad_loops(x, kernel, shape, **how)


def depthwise_loops(x, kernel, *how):
    *window, channels, multiplier = kernel.shape
    return conv_loops(x, kernel.reshape(*window, 1, channels * multiplier), *how)


def adaptive(x, choose, counts):
    """Window by window."""
    y = np.zeros((x.shape[0], *counts, x.shape[-1]))
    for out in np.ndindex(*counts):
        inside = tuple(
            slice(i * n // c, -(-(i + 1) * n // c))
            for i, n, c in zip(out, x.shape[1:-1], counts, strict=True)
        )
        y[(slice(None), *out)] = choose(x[(slice(None), *inside)], tuple(range(1, x.ndim - 1)))
    return y


def unfolded(x, window, dilation=1, padding=0, stride=1):
    """Column by column."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    reach = [(k - 1) * dilation + 1 for k in window]
    columns = [
        x[:, :, i : i + reach[0] : dilation, j : j + reach[1] : dilation].reshape(len(x), -1)
        for i in range(0, x.shape[2] - reach[0] + 1, stride)
        for j in range(0, x.shape[3] - reach[1] + 1, stride)
    ]
    return np.stack(columns, -1)


def folded(x, size, window, *how):
    """What unfold is the transpose of: each image with one pixel tells where that goes."""
    channels = x.shape[1] // (window[0] * window[1])
    image = np.zeros((len(x), channels, *size))
    for at in np.ndindex(channels, *size):
        pixel = np.zeros((1, channels, *size))
        pixel[(0, *at)] = 1
        image[(slice(None), *at)] = (x * unfolded(pixel, window, *how)).sum((1, 2))
    return image


def blocks_to_depth(x, b):
    rows = [x[:, i::b, j::b] for i in range(b) for j in range(b)]
    return np.concatenate(rows, -1)


TRANSPOSES = [
    # what, input, kernel, strides, padding, output padding, dilation
    ("1d", (2, 4, 2), (3, 3, 2), 1, "valid", None, 1),
    ("1d strided", (2, 4, 2), (3, 3, 2), 2, "valid", None, 1),
    ("1d short window", (2, 3, 2), (2, 3, 2), 3, "valid", None, 1),
    ("2d same", (2, 3, 4, 2), (3, 3, 1, 2), (2, 2), "same", None, 1),
    ("2d uneven", (2, 3, 2, 1), (3, 2, 2, 1), (2, 1), "same", None, 1),
    ("2d output padding", (2, 3, 2, 1), (3, 3, 2, 1), 2, "valid", 1, 1),
    ("2d same output padding", (2, 3, 2, 1), (3, 3, 2, 1), 2, "same", 0, 1),
    ("2d dilated", (2, 3, 3, 1), (2, 2, 2, 1), 1, "valid", None, 2),
    ("2d same dilated", (1, 4, 4, 1), (3, 3, 1, 1), 1, "same", None, 2),
    ("3d", (1, 2, 3, 2, 1), (2, 2, 3, 2, 1), 2, "valid", None, 1),
]
DEPTHWISE = [
    ("1d", (2, 5, 2), (3, 2, 2), 1, "valid", 1),
    ("2d", (2, 4, 5, 3), (2, 3, 3, 1), 1, "same", 1),
    ("2d strided", (2, 5, 4, 2), (3, 2, 2, 2), 2, "same", 1),
    ("2d dilated", (1, 5, 5, 2), (2, 2, 2, 1), 1, "valid", 2),
]


def _transpose(*how):
    return lambda x, k: ops.conv_transpose(x, k, *how[:3], dilation_rate=how[3])


def _depthwise(strides, padding, dilation):
    return lambda x, k: ops.depthwise_conv(x, k, strides, padding, dilation_rate=dilation)


CASES = [
    *(
        Case(
            f"conv_transpose {what}",
            _transpose(*how),
            (normal(*x), normal(*k)),
            lambda x, k, how=how: transpose_loops(x, k, *how),
        )
        for what, x, k, *how in TRANSPOSES
    ),
    Case(
        "conv_transpose channels first",
        lambda x, k: ops.conv_transpose(x, k, 2, "same", data_format="channels_first"),
        (normal(2, 2, 3, 4), normal(3, 3, 1, 2)),
        lambda x, k: np.moveaxis(transpose_loops(np.moveaxis(x, 1, -1), k, 2, "same"), -1, 1),
    ),
    *(
        Case(
            f"depthwise_conv {what}",
            _depthwise(*how),
            (normal(*x), normal(*k)),
            lambda x, k, how=how: depthwise_loops(x, k, *how),
        )
        for what, x, k, *how in DEPTHWISE
    ),
    Case(
        "separable_conv",
        lambda x, d, p: ops.separable_conv(x, d, p, 2, "same"),
        (normal(2, 5, 4, 2), normal(3, 3, 2, 2), normal(1, 1, 4, 3)),
        lambda x, d, p: conv_loops(depthwise_loops(x, d, 2, "same"), p),
    ),
    Case(
        "separable_conv channels first",
        lambda x, d, p: ops.separable_conv(x, d, p, data_format="channels_first"),
        (normal(2, 2, 6), normal(3, 2, 1), normal(1, 2, 3)),
        lambda x, d, p: np.moveaxis(
            conv_loops(depthwise_loops(np.moveaxis(x, 1, -1), d), p), -1, 1
        ),
    ),
    *(
        Case(
            f"{name} {len(counts)}d",
            lambda x, name=name, counts=counts: getattr(ops, name)(x, counts),
            (distinct(*shape),),
            lambda x, choose=choose, counts=counts: adaptive(x, choose, counts),
        )
        for name, choose in (("adaptive_average_pool", np.mean), ("adaptive_max_pool", np.max))
        for shape, counts in (
            ((2, 7, 2), (3,)),
            ((1, 5, 6, 2), (3, 2)),
            ((1, 3, 4, 2, 1), (2, 4, 1)),
        )
    ),
    Case(
        "adaptive_max_pool of one size, channels first",
        lambda x: ops.adaptive_max_pool(x, 2, data_format="channels_first"),
        (distinct(1, 2, 5, 3),),
        lambda x: np.moveaxis(adaptive(np.moveaxis(x, 1, -1), np.max, (2, 2)), -1, 1),
    ),
    Case(
        "unfold",
        lambda x: ops.unfold(x, (2, 3)),
        (normal(2, 2, 4, 5),),
        lambda x: unfolded(x, (2, 3)),
    ),
    Case(
        "unfold strided",
        lambda x: ops.unfold(x, 2, 2, np.int64(1), 2),
        (integers(0, 9, 2, 1, 5, 6),),
        lambda x: unfolded(x, (2, 2), 2, 1, 2),
    ),
    Case(
        "fold",
        lambda x: ops.fold(x, (4, 5), (2, 3)),
        (normal(2, 12, 9),),
        lambda x: folded(x, (4, 5), (2, 3)),
    ),
    Case(
        "fold strided",
        lambda x: ops.fold(x, (5, 6), 2, 2, 1, 2),
        (normal(1, 4, 9),),
        lambda x: folded(x, (5, 6), (2, 2), 2, 1, 2),
    ),
    Case(
        "space_to_depth",
        lambda x: ops.space_to_depth(x, np.int64(2)),
        (normal(2, 4, 6, 3),),
        lambda x: blocks_to_depth(x, 2),
    ),
    Case(
        "depth_to_space",
        lambda x: ops.depth_to_space(x, 2),
        (normal(2, 2, 3, 8),),
        lambda x: np.stack([x[..., :4], x[..., 4:]], 2).reshape(2, 4, 3, 2, 2).reshape(2, 4, 6, 2),
    ),
    Case(
        "depth_to_space channels first",
        lambda x: ops.depth_to_space(
            ops.space_to_depth(x, 3, "channels_first"), 3, "channels_first"
        ),
        (normal(1, 2, 3, 6),),
        lambda x: x,
    ),
]
