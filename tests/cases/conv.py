"""Cases of kerasish.ops.conv, against loops over every window."""

import itertools

import numpy as np
from cases.case import Case, distinct, f32, normal, shared

from kerasish import ops
from kerasish.ops.conv import (
    avg_pool_grad_p,
    conv_input_grad_p,
    conv_kernel_grad_p,
    max_pool_grad_p,
)


def each(value, n):
    return (value,) * n if isinstance(value, int) else tuple(value)


def margins(sizes, window, strides, dilation, padding):
    """The padding of each axis by its definition: ceil(size / stride) windows fit."""
    if padding == "valid":
        return [(0, 0)] * len(sizes)
    pads = []
    for n, k, s, d in zip(sizes, window, strides, dilation, strict=True):
        reach = (k - 1) * d + 1
        total = max((int(np.ceil(n / s)) - 1) * s + reach - n, 0)
        pads.append((total // 2, total - total // 2))
    return (
        [(reach, 0) for reach in ((window[0] - 1) * dilation[0],)] if padding == "causal" else pads
    )


def positions(sizes, window, strides, dilation, pads):
    """For each output position and window element: where in the input it lies, if inside."""
    counts = [
        (n + lo + hi - (k - 1) * d - 1) // s + 1
        for n, k, s, d, (lo, hi) in zip(sizes, window, strides, dilation, pads, strict=True)
    ]
    for out in np.ndindex(*counts):
        met = []
        for place in np.ndindex(*window):
            at = tuple(
                o * s + p * d - lo
                for o, s, p, d, (lo, _) in zip(out, strides, place, dilation, pads, strict=True)
            )
            if all(0 <= a < n for a, n in zip(at, sizes, strict=True)):
                met.append((place, at))
        yield out, met


def conv_table(x_shape, kernel_shape, strides, padding, dilation):
    """(output position, kernel place, input position) of every product of a convolution."""
    n = len(kernel_shape) - 2
    window, sizes = kernel_shape[:n], x_shape[1:-1]
    strides, dilation = each(strides, n), each(dilation, n)
    pads = margins(sizes, window, strides, dilation, padding)
    return [
        (out, place, at)
        for out, met in positions(sizes, window, strides, dilation, pads)
        for place, at in met
    ]


def group_slices(channels, filters, groups):
    for i in range(groups):
        yield (
            slice(i * channels // groups, (i + 1) * channels // groups),
            slice(i * filters // groups, (i + 1) * filters // groups),
        )


def conv_loops(x, kernel, strides=1, padding="valid", dilation=1):
    """A convolution, one product of channels at a time; windows outside contribute nothing."""
    groups = x.shape[-1] // kernel.shape[-2]
    table = conv_table(x.shape, kernel.shape, strides, padding, dilation)
    n = kernel.ndim - 2
    window = [(k - 1) * d + 1 for k, d in zip(kernel.shape, each(dilation, n), strict=False)]
    pads = margins(x.shape[1:-1], kernel.shape[:n], each(strides, n), each(dilation, n), padding)
    sizes = [
        (size + sum(p) - w) // s + 1
        for size, p, w, s in zip(x.shape[1:-1], pads, window, each(strides, n), strict=True)
    ]
    y = np.zeros((x.shape[0], *sizes, kernel.shape[-1]))
    for (out, place, at), (c, f) in itertools.product(
        table, list(group_slices(x.shape[-1], kernel.shape[-1], groups))
    ):
        y[(slice(None), *out, f)] += x[(slice(None), *at, c)] @ kernel[(*place, slice(None), f)]
    return y


def conv_input_grad_loops(g, kernel, shape, **how):
    x = np.zeros(shape)
    groups = shape[-1] // kernel.shape[-2]
    for (out, place, at), (c, f) in itertools.product(
        conv_table(shape, kernel.shape, **how),
        list(group_slices(shape[-1], kernel.shape[-1], groups)),
    ):
        x[(slice(None), *at, c)] += g[(slice(None), *out, f)] @ kernel[(*place, slice(None), f)].T
    return x


def conv_kernel_grad_loops(x, g, shape, **how):
    kernel = np.zeros(shape)
    groups = x.shape[-1] // shape[-2]
    for (out, place, at), (c, f) in itertools.product(
        conv_table(x.shape, shape, **how), list(group_slices(x.shape[-1], shape[-1], groups))
    ):
        kernel[(*place, slice(None), f)] += x[(slice(None), *at, c)].T @ g[(slice(None), *out, f)]
    return kernel


def pool_loops(x, choose, size, strides=None, padding="valid"):
    """`choose` of each window's elements, those in the padding left out."""
    n = x.ndim - 2
    window, ones = each(size, n), (1,) * n
    strides = window if strides is None else each(strides, n)
    pads = margins(x.shape[1:-1], window, strides, ones, padding)
    table = list(positions(x.shape[1:-1], window, strides, ones, pads))
    y = np.zeros((x.shape[0], *(i + 1 for i in table[-1][0]), x.shape[-1]))
    for out, met in table:
        inside = [x[(slice(None), *at)] for _, at in met]
        y[(slice(None), *out)] = choose(np.stack(inside), axis=0)
    return y


def avg_pool_grad_loops(g, shape, window, strides, padding):
    x = np.zeros(shape)
    ones = (1,) * len(window)
    pads = margins(shape[1:-1], window, strides, ones, padding)
    for out, met in positions(shape[1:-1], window, strides, ones, pads):
        for _, at in met:
            x[(slice(None), *at)] += g[(slice(None), *out)] / len(met)
    return x


def max_pool_grad_loops(x, g, window, strides, padding):
    """Each window's gradient goes to the first of its largest elements."""
    grad = np.zeros(x.shape)
    ones = (1,) * len(window)
    pads = margins(x.shape[1:-1], window, strides, ones, padding)
    for out, met in positions(x.shape[1:-1], window, strides, ones, pads):
        for i, c in np.ndindex(x.shape[0], x.shape[-1]):
            values = [x[(i, *at, c)] for _, at in met]
            first = met[int(np.argmax(values))][1]
            grad[(i, *first, c)] += g[(i, *out, c)]
    return grad


CONVS = [
    # what, input, kernel, strides, padding, dilation
    ("1d", (2, 6, 2), (3, 2, 3), 1, "valid", 1),
    ("1d same strided", (2, 6, 2), (3, 2, 2), 2, "same", 1),
    ("1d causal dilated", (2, 6, 2), (2, 2, 3), 1, "causal", 2),
    ("2d", (2, 5, 4, 2), (3, 2, 2, 3), 1, "valid", 1),
    ("2d same", (2, 5, 4, 2), (3, 2, 2, 3), 1, "same", 1),
    ("2d same strided", (2, 5, 6, 1), (3, 3, 1, 2), (2, 2), "same", 1),
    ("2d valid strided", (2, 7, 6, 1), (3, 2, 1, 2), (2, 3), "valid", 1),
    ("2d dilated", (2, 6, 6, 2), (2, 2, 2, 2), 1, "valid", (2, 3)),
    ("2d same dilated", (1, 5, 5, 2), (3, 3, 2, 2), 1, "same", 2),
    ("2d groups", (2, 4, 4, 4), (2, 2, 2, 4), 1, "valid", 1),
    ("2d depthwise", (2, 4, 4, 3), (3, 3, 1, 6), 1, "same", 1),
    ("2d pointwise", (2, 3, 3, 4), (1, 1, 4, 2), 1, "valid", 1),
    ("3d", (1, 3, 4, 3, 2), (2, 2, 2, 2, 2), 1, "valid", 1),
    ("3d same strided", (1, 3, 4, 3, 1), (2, 3, 2, 1, 2), 2, "same", 1),
]
POOLS = [
    ("1d", (2, 6, 2), 2, None, "valid"),
    ("1d same", (2, 5, 2), 2, None, "same"),
    ("2d", (2, 4, 4, 2), 2, None, "valid"),
    ("2d same overlapping", (2, 5, 4, 2), (3, 2), (2, 1), "same"),
    ("2d valid overlapping", (1, 5, 5, 2), 3, 1, "valid"),
    ("2d with a rest", (1, 5, 5, 2), 2, None, "valid"),
    ("3d", (1, 4, 4, 2, 2), 2, None, "valid"),
    ("3d same", (1, 3, 3, 3, 1), 2, 2, "same"),
]
# The gradients by themselves, as a second differentiation meets them.
GRADS = [
    ("1d", (2, 6, 2), (3, 2, 3), (2,), "same", (1,)),
    ("2d", (2, 5, 4, 2), (3, 2, 2, 3), (2, 1), "same", (1, 1)),
    ("2d dilated", (2, 6, 5, 1), (2, 2, 1, 2), (1, 1), "valid", (2, 2)),
    ("2d groups", (2, 4, 4, 4), (2, 2, 2, 4), (1, 1), "valid", (1, 1)),
    ("3d", (1, 3, 4, 3, 1), (2, 2, 2, 1, 2), (1, 1, 1), "valid", (1, 1, 1)),
]


def _conv(strides, padding, dilation):
    return lambda x, k: ops.conv(x, k, strides, padding, dilation_rate=dilation)


def _conv_reference(*how):
    return lambda x, k: conv_loops(x, k, *how)


def _pool(op, *how):
    return lambda x: op(x, *how)


def _pool_reference(choose, *how):
    return lambda x: pool_loops(x, choose, *how)


def _grad_cases(what, shape, kernel, strides, padding, dilation):
    """The case of a convolution's gradient in its input, and of that in its kernel."""
    pads = tuple(margins(shape[1:-1], kernel[:-2], strides, dilation, padding))
    options = {
        "strides": strides,
        "padding": pads,
        "dilation": dilation,
        "groups": shape[-1] // kernel[-2],
    }
    how = {"strides": strides, "padding": padding, "dilation": dilation}
    x, k = (shared(what, normal(*sizes)) for sizes in (shape, kernel))
    g = normal(*conv_loops(x, k, **how).shape)
    yield Case(
        f"conv_input_grad {what}",
        lambda g, k: conv_input_grad_p(g, k, shape=shape, **options),
        (g, k),
        lambda g, k: conv_input_grad_loops(g, k, shape, **how),
        batch=(),
    )
    yield Case(
        f"conv_kernel_grad {what}",
        lambda x, g: conv_kernel_grad_p(x, g, shape=kernel, **options),
        (x, g),
        lambda x, g: conv_kernel_grad_loops(x, g, kernel, **how),
        batch=(),
    )


OVERLAP = {"window": (3, 2), "strides": (2, 1), "padding": ((1, 1), (0, 1))}
TIES = f32([1, 2, 2, 1], [2, 2, 1, 0], [0, 0, 3, 3], [0, 0, 3, 3])[None, ..., None]

CASES = [
    *(
        Case(f"conv {what}", _conv(*how), (normal(*x), normal(*k)), _conv_reference(*how))
        for what, x, k, *how in CONVS
    ),
    *(
        Case(
            f"{name} {what}",
            _pool(getattr(ops, name), *how),
            (distinct(*x),),
            _pool_reference(choose, *how),
        )
        for name, choose in (("max_pool", np.max), ("average_pool", np.mean))
        for what, x, *how in POOLS
    ),
    Case(
        "average_pool of ints",
        lambda x: ops.average_pool(x, 2),
        (np.arange(8, dtype="int32").reshape(1, 2, 4, 1),),
        lambda x: np.float32([2.5, 4.5]).reshape(1, 1, 2, 1),
    ),
    Case(
        "conv channels first",
        lambda x, k: ops.conv(x, k, np.int64(1), "same", data_format="channels_first"),
        (normal(2, 2, 5, 4), normal(3, 3, 2, 3)),
        lambda x, k: np.moveaxis(conv_loops(np.moveaxis(x, 1, -1), k, 1, "same"), -1, 1),
    ),
    Case(
        "max_pool channels first",
        lambda x: ops.max_pool(x, np.int64(2), data_format="channels_first"),
        (distinct(2, 2, 4, 5),),
        lambda x: np.moveaxis(pool_loops(np.moveaxis(x, 1, -1), np.max, 2), -1, 1),
    ),
    Case(
        "max_pool of ties",
        lambda x: ops.max_pool(x, 2),
        (TIES,),
        lambda x: pool_loops(x, np.max, 2),
        gradient=lambda w, x: [max_pool_grad_loops(x, w, (2, 2), (2, 2), "valid")],
    ),
    *(case for row in GRADS for case in _grad_cases(*row)),
    Case(
        "avg_pool_grad",
        lambda g: avg_pool_grad_p(g, shape=(2, 5, 4, 2), **OVERLAP),
        (normal(2, 3, 4, 2),),
        lambda g: avg_pool_grad_loops(g, (2, 5, 4, 2), (3, 2), (2, 1), "same"),
        batch=(),
    ),
    Case(
        "max_pool_grad",
        lambda x, g: max_pool_grad_p(x, ops.max_pool(x, (3, 2), (2, 1), "same"), g, **OVERLAP),
        (distinct(2, 5, 4, 2), normal(2, 3, 4, 2)),
        lambda x, g: max_pool_grad_loops(x, g, (3, 2), (2, 1), "same"),
        batch=(),
        grad=False,
    ),
    Case(
        "max_pool differentiated twice",
        lambda x, w: ops.gradients(ops.sum(ops.max_pool(x, (3, 2), (2, 1), "same") * w), x),
        (distinct(2, 5, 4, 2), normal(2, 3, 4, 2)),
        lambda x, w: max_pool_grad_loops(x, w, (3, 2), (2, 1), "same"),
    ),
]
