"""CNTK 2.7: the operations.  Python 3.6 syntax; runs in the worker.

Where CNTK lacks one, it is put together from those it has.
"""

import numpy as np

from .cntk_boot import C
from .definitions import table, window_counts

BLOCK = 256  # elements whose cumulative sums are one product
NEGATIVE = -1e30  # less than any number that a maximum is taken of


def carrier(dtype):
    """The dtype in which CNTK carries values of a program's dtype."""
    return np.float64 if dtype in ("float64", "int64", "uint64") else np.float32


def shaped(x, shape):
    return C.reshape(x, tuple(shape))


def array(values, dtype):
    values = np.asarray(values, dtype)
    return C.constant(values, shape=values.shape, dtype=values.dtype)


# ---------------------------------------------------------------- elementwise


def _sign(x):
    return C.greater(x, 0) - C.less(x, 0)


def _relu(x):
    """Twice as fast as CNTK's own, and its gradient five times."""
    return C.stop_gradient(C.greater(x, 0)) * x


def _log(x):
    """CNTK's own is -85 at and below 0."""
    outside = C.element_select(C.less(x, 0), array(np.nan, x.dtype), array(-np.inf, x.dtype))
    return C.element_select(C.greater(x, 0), C.log(x), outside)


def _sqrt(x):
    """CNTK's own is 0 below 0."""
    return C.element_select(C.less(x, 0), array(np.nan, x.dtype), C.sqrt(x))


def _log1p(x):
    small = x * (1 - x * (1 / 2.0 - x * (1 / 3.0 - x * (1 / 4.0 - x * (1 / 5.0 - x / 6.0)))))
    return C.element_select(C.less(C.abs(x), 0.03), small, _log(1 + x))


def _expm1(x):
    small = x * (1 + x * (1 / 2.0 + x * (1 / 6.0 + x * (1 / 24.0 + x / 120.0))))
    return C.element_select(C.less(C.abs(x), 0.05), small, C.exp(x) - 1)


def _erf(x):
    """Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.6 and 7.1.26: to 1.5e-7."""
    square, size = x * x, C.abs(x)
    near = (2 / np.sqrt(np.pi)) * x * _polynomial(square, [1, -1 / 3, 1 / 10, -1 / 42, 1 / 216])
    t = 1 / (1 + 0.3275911 * size)
    series = t * _polynomial(t, [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429])
    return C.element_select(C.less(size, 0.4), near, _sign(x) * (1 - series * C.exp(-square)))


def _arctan2(y, x):
    """The gradient is written out: that of the angle between the axes would break down on them."""
    height, width = C.abs(y), C.abs(x)
    angle = C.atan(C.element_min(height, width) / C.element_max(height, width))
    angle = C.element_select(C.greater(height, width), np.pi / 2 - angle, angle)
    angle = C.element_select(C.less(x, 0), np.pi - angle, angle)
    angle = C.stop_gradient(C.element_select(C.less(y, 0), 0 - angle, angle))
    square = x * x + y * y
    return angle + _only_gradient(y, x / square) - _only_gradient(x, y / square)


def _only_gradient(x, slope):
    """Zero, whose gradient with respect to x is `slope`."""
    return (x - C.stop_gradient(x)) * C.stop_gradient(slope)


def _polynomial(x, coefficients):
    """The lowest power first."""
    result = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        result = result * x + float(coefficient)
    return result


def _round(x):
    """CNTK's own rounds halves up; halves go to the even neighbour here."""
    up = C.floor(x + 0.5)
    odd = up - 2 * C.floor(up * 0.5)
    return up - odd * C.equal(up - x, 0.5)


def _floor_divide(x, y):
    """CNTK divides by multiplying with the reciprocal, so the quotient may be one off."""
    q = C.floor(x / y)
    rest = (x - q * y) * _sign(y)
    return q + C.greater_equal(rest, C.abs(y)) - C.less(rest, 0)


def _mod(x, y):
    return x - _floor_divide(x, y) * y


def _where(condition, x, y):
    # Booleans are carried in 32 bits; CNTK wants all three in one dtype.
    fits = condition.dtype == x.dtype
    return C.element_select(condition if fits else C.cast(condition, x.dtype), x, y)


def _cast(x, dtype):
    if dtype == "bool":
        return C.not_equal(x, 0)
    if "int" in dtype:
        return C.element_select(C.less(x, 0), C.ceil(x), C.floor(x))
    return x


# ---------------------------------------------------------------- reductions


def _reduce(function):
    return lambda x, axis, keepdims: function(x, axis=list(axis)) if axis else x


def _shared(wins):
    """Equal numbers share the gradient; CNTK's own would give the second one all of it."""

    def lowering(x, y):
        tied = C.element_select(wins(y, x), y, x * 0.5 + y * 0.5)
        return C.element_select(wins(x, y), x, tied)

    return lowering


def _extreme(function):
    """Equal extremes share the gradient; CNTK would give each all of it."""
    reduced = _reduce(function)

    def lowering(x, axis, keepdims):
        if not axis:
            return x
        y = reduced(x, axis, keepdims)
        hits = C.stop_gradient(C.equal(x, y))
        zero = C.element_select(hits, x - C.stop_gradient(x), array(0, x.dtype))
        return C.stop_gradient(y) + C.reduce_sum(
            zero / _reduce(C.reduce_sum)(hits, axis, True), axis=list(axis)
        )

    return lowering


def _prod(x, axis, keepdims):
    """Halves multiplied: CNTK's own divides by the factors for its gradient, which may be 0."""
    for a in axis:
        while x.shape[a] > 1:
            half = x.shape[a] // 2
            y = C.slice(x, a, 0, half) * C.slice(x, a, half, 2 * half)
            rest = C.slice(x, a, 2 * half, x.shape[a]) if x.shape[a] % 2 else None
            x = y if rest is None else C.splice(y, rest, axis=a)
    return x


def _cumsum(x, axis):
    n = x.shape[axis]
    axes = tuple(a for a in range(len(x.shape)) if a != axis) + (axis,)
    last = C.transpose(x, axes) if len(axes) > 1 else x
    y = shaped(_cumsum_of_rows(shaped(last, (-1, n))), last.shape)
    return C.transpose(y, _inverse(axes)) if len(axes) > 1 else y


def _cumsum_of_rows(x):
    """Products with a triangle of ones: within blocks, and of the sums of the blocks."""
    rows, n = x.shape
    block = min(n, BLOCK)
    count = -(-n // block)
    x = _pad(x, ((0, 0), (0, count * block - n)), 0)
    y = C.times(shaped(x, (rows * count, block)), array(np.triu(np.ones((block, block))), x.dtype))
    if count == 1:
        return y
    y = shaped(y, (rows, count, block))
    sums = shaped(C.slice(y, 2, block - 1, block), (rows, count))
    before = C.pad(_cumsum_of_rows(sums), [(0, 0), (1, 0)], mode=C.ops.CONSTANT_PAD)
    y = y + shaped(C.slice(before, 1, 0, count), (rows, count, 1))
    return C.slice(shaped(y, (rows, count * block)), 1, 0, n)


def _inverse(axes):
    return tuple(int(a) for a in np.argsort(axes))


# ---------------------------------------------------------------- arrays


def _transpose(x, axes):
    if axes == tuple(range(len(axes))):
        return x
    if len(axes) < 6:
        return C.transpose(x, axes)
    # Too many for CNTK: one axis after the other moves to the end.
    order, sizes, shape = list(range(len(axes))), x.shape, tuple(x.shape[a] for a in axes)
    for axis in axes:
        at = order.index(axis)
        before = int(np.prod([sizes[a] for a in order[:at]]))
        x = C.transpose(shaped(x, (before, sizes[axis], -1)), (0, 2, 1))
        order.append(order.pop(at))
    return shaped(x, shape)


def _broadcast_to(x, shape):
    return x + C.constant(0, shape=shape, dtype=x.dtype)


def _slice(x, start, stop, step):
    for axis, (s, n) in enumerate(zip(table.slices(start, stop, step), x.shape)):
        first, end, by = s.indices(n)
        if len(range(first, end, by)) == 1:  # whose step CNTK may find too long
            end, by = first + 1, 1
        if by < 0:
            x = _select(x, range(first, end, by), axis)
        elif (first, end, by) != (0, n, 1):
            x = C.slice(x, [axis], [first], [end], [by])
    return x


def _slice_grad(g, shape, start, stop, step):
    for axis, (s, n) in enumerate(zip(table.slices(start, stop, step), shape)):
        places = list(range(n))[s]
        if places != list(range(n)):
            g = _spread(g, axis, n, places)
    return g


def _spread(g, axis, size, places):
    """Put what lies along an axis at evenly spaced `places` of a longer one, zeros elsewhere."""
    if len(places) > 1 and places[1] < places[0]:
        g = _select(g, range(len(places))[::-1], axis)
        places = places[::-1]
    by = places[1] - places[0] if len(places) > 1 else 1
    if by > 1:
        before, after = g.shape[:axis], g.shape[axis + 1 :]
        g = shaped(g, before + (len(places), 1) + after)
        g = _pad(g, _along(axis + 1, (0, by - 1), len(g.shape)), 0)
        g = shaped(g, before + (len(places) * by,) + after)
    # The last place has `by - 1` zeros behind it, which may be more than there is room for.
    after = size - places[0] - g.shape[axis]
    g = _pad(g, _along(axis, (places[0], max(after, 0)), len(g.shape)), 0)
    return C.slice(g, axis, 0, size) if after < 0 else g


def _along(axis, width, rank):
    return tuple(width if a == axis else (0, 0) for a in range(rank))


def _pad(x, widths, value):
    if not any(low or high for low, high in widths):
        return x
    return C.pad(x, list(widths), mode=C.ops.CONSTANT_PAD, constant_value=value)


def _flip(x, axes):
    for axis in axes:
        x = _select(x, range(x.shape[axis])[::-1], axis)
    return x


def _select(x, places, axis):
    """Known rows along an axis, by a product: gather's gradient fails here and there."""
    axes = (axis,) + tuple(a for a in range(len(x.shape)) if a != axis)
    chosen = np.asarray(places)[:, None] == np.arange(x.shape[axis])
    moved = _transpose(x, axes)
    y = C.times(array(chosen, x.dtype), shaped(moved, (x.shape[axis], -1)))
    return _transpose(shaped(y, (len(places),) + moved.shape[1:]), _inverse(axes))


def _rows(x, indices, axis):
    """Rows along an axis, by indices of rank 1: CNTK's gather knows the first axis only."""
    if len(x.shape) == 1:  # which would end the process
        return shaped(C.gather(shaped(x, x.shape + (1,)), indices), indices.shape)
    if axis == 0:
        return C.gather(x, indices)
    axes = (axis,) + tuple(a for a in range(len(x.shape)) if a != axis)
    return C.transpose(C.gather(C.transpose(x, axes), indices), _inverse(axes))


def _take(x, indices, axis):
    size = int(np.prod(indices.shape)) if indices.shape else 1
    flat = shaped(indices, (size,))
    if flat.dtype != x.dtype:
        flat = C.cast(flat, x.dtype)
    flat = flat + x.shape[axis] * C.less(flat, 0)
    y = _rows(x, flat, axis)
    return shaped(y, x.shape[:axis] + indices.shape + x.shape[axis + 1 :])


def _take_grad(g, indices, shape, axis):
    """A product with the indices' one-hot matrix."""
    count, size = int(np.prod(indices.shape)), shape[axis]
    flat = shaped(indices, (1, count))
    if flat.dtype != g.dtype:
        flat = C.cast(flat, g.dtype)
    flat = flat + size * C.less(flat, 0)
    hot = C.equal(flat, array(np.arange(size)[:, None], g.dtype))
    rows = shaped(g, shape[:axis] + (count,) + shape[axis + 1 :])
    axes = (axis,) + tuple(a for a in range(len(shape)) if a != axis)
    rows = _transpose(rows, axes)
    y = C.times(hot, shaped(rows, (count, -1)))
    y = shaped(y, tuple(shape[a] for a in axes))
    return _transpose(y, _inverse(axes))


# ---------------------------------------------------------------- products


def _matmul(a, b, transpose_a, transpose_b):
    if len(b.shape) == 2 and (len(a.shape) == 2 or not transpose_a):
        a = C.transpose(a, (1, 0)) if transpose_a else a
        return C.times_transpose(a, b) if transpose_b else C.times(a, b)
    leading = np.broadcast(np.empty(a.shape[:-2]), np.empty(b.shape[:-2])).shape
    a, b = _stack(a, leading, transpose_a), _stack(b, leading, False)
    product = C.times_transpose if transpose_b else C.times
    y = C.unpack_batch(product(C.to_batch(a), C.to_batch(b)))
    columns = b.shape[1 if transpose_b else 2]
    return shaped(y, leading + (a.shape[1], columns))


def _stack(x, leading, transposed):
    """x as one stack of matrices."""
    matrix = x.shape[-2:]
    if x.shape[:-2] != leading:
        x = _broadcast_to(x, leading + matrix)
    x = shaped(x, (int(np.prod(leading)),) + matrix)
    return C.transpose(x, (0, 2, 1)) if transposed else x


# ---------------------------------------------------------------- convolution and pooling


def _kernel(kernel, dilation):
    """[*K, in, out] -> [out, in, *K], with zeros between the taps of a dilated one."""
    n = len(kernel.shape)
    kernel = C.transpose(kernel, (n - 1, n - 2) + tuple(range(n - 2)))
    for axis, by in enumerate(dilation, 2):
        if by > 1:
            size = kernel.shape[axis]
            kernel = _spread(kernel, axis, (size - 1) * by + 1, list(range(0, size * by, by)))
    return kernel


def _conv(x, kernel, strides, padding, dilation, groups):
    if len(strides) == 1:
        y = _conv(
            shaped(x, x.shape[:2] + (1,) + x.shape[2:]),
            shaped(kernel, (1,) + kernel.shape),
            (1,) + strides,
            ((0, 0),) + padding,
            (1,) + dilation,
            groups,
        )
        return shaped(y, y.shape[:2] + y.shape[3:])
    return _unpacked(x, _conv_batch(C.to_batch(x), kernel, strides, padding, dilation, groups))


def _conv_batch(x, kernel, strides, padding, dilation, groups):
    """The same where x has a batch axis: a value for each sample, channels first."""
    kernel = _kernel(kernel, dilation)
    centred = tuple(((k - 1) // 2, k // 2) for k in kernel.shape[2:])
    # CNTK pads by itself where that is the same for sure, which is much quicker.
    own = padding == centred and all(
        s == 1 and k % 2 and k <= n for s, k, n in zip(strides, kernel.shape[2:], x.shape[1:])
    )
    if not own:
        x = _pad(x, ((0, 0),) + padding, 0)
    padded = [False] + [own] * len(strides)
    return C.convolution(kernel, x, strides=strides, auto_padding=padded, groups=groups)


def _unpacked(x, batch):
    """The batch as an ordinary axis, of the size that x has there."""
    return shaped(C.unpack_batch(batch), (x.shape[0],) + batch.shape[-len(x.shape) + 1 :])


def _conv_input_grad(g, kernel, shape, strides, padding, dilation, groups):
    if len(strides) == 1:
        x = _conv_input_grad(
            shaped(g, g.shape[:2] + (1,) + g.shape[2:]),
            shaped(kernel, (1,) + kernel.shape),
            (shape[0], 1) + shape[1:],
            (1,) + strides,
            ((0, 0),) + padding,
            (1,) + dilation,
            groups,
        )
        return shaped(x, x.shape[:2] + x.shape[3:])
    padded = tuple(n + low + high for n, (low, high) in zip(shape[1:-1], padding))
    kernel = _kernel(kernel, dilation)
    outputs, inputs = kernel.shape[0] // groups, kernel.shape[1]
    # What a stride leaves over at the end gets no gradient.
    reached = tuple((n - 1) * s + k for n, s, k in zip(g.shape[2:], strides, kernel.shape[2:]))
    parts = []
    for k in range(groups):
        part = C.slice(g, 1, k * outputs, (k + 1) * outputs) if groups > 1 else g
        own = C.slice(kernel, 0, k * outputs, (k + 1) * outputs) if groups > 1 else kernel
        parts.append(
            _unpacked(
                g,
                C.convolution_transpose(
                    own,
                    C.to_batch(part),
                    strides=strides,
                    auto_padding=[False],
                    output_shape=(inputs,) + reached,
                ),
            )
        )
    x = C.splice(*parts, axis=1) if groups > 1 else parts[0]
    x = _pad(x, ((0, 0), (0, 0)) + tuple((0, n - r) for n, r in zip(padded, reached)), 0)
    return _unpadded(x, padding)


def _unpadded(x, padding):
    for axis, (low, high) in enumerate(padding, 2):
        if low or high:
            x = C.slice(x, axis, low, x.shape[axis] - high)
    return x


def _conv_kernel_grad(x, g, shape, strides, padding, dilation, groups):
    """For every tap, a product of the inputs that it meets with the gradients of the outputs.

    Much slower than CNTK's own gradient of a convolution, which `gradients` leads to.
    """
    x = _pad(x, ((0, 0), (0, 0)) + padding, 0)
    last = (0,) + tuple(range(2, len(x.shape))) + (1,)
    x, g = C.transpose(x, last), C.transpose(g, last)
    out, count = g.shape[1:-1], int(np.prod(g.shape[:-1]))
    inputs, outputs = shape[-2], shape[-1] // groups
    g = shaped(g, (count, shape[-1]))
    taps = []
    for place in np.ndindex(*shape[:-2]):
        part = x
        for axis, (p, d, s, n) in enumerate(zip(place, dilation, strides, out), 1):
            part = C.slice(part, [axis], [p * d], [p * d + (n - 1) * s + 1], [s])
        rows = C.transpose(shaped(part, (count, inputs * groups)), (1, 0))
        products = [
            C.times(
                C.slice(rows, 0, k * inputs, (k + 1) * inputs),
                C.slice(g, 1, k * outputs, (k + 1) * outputs),
            )
            for k in range(groups)
        ]
        tap = C.splice(*products, axis=1) if groups > 1 else products[0]
        taps.append(shaped(tap, (1,) + tap.shape))
    return shaped(C.splice(*taps, axis=0) if len(taps) > 1 else taps[0], shape)


def _max_pool(x, window, strides, padding):
    return _unpacked(x, _max_pool_batch(C.to_batch(x), window, strides, padding))


def _max_pool_batch(x, window, strides, padding):
    x = _pad(x, ((0, 0),) + padding, NEGATIVE)
    return C.pooling(x, C.MAX_POOLING, window, strides, auto_padding=[False])


def _max_pool_grad(x, y, g, window, strides, padding):
    """Every place of the window in turn: where the maximum stands first, it takes the gradient."""
    x = _pad(x, ((0, 0), (0, 0)) + padding, NEGATIVE)
    left, total = g, None
    for place in np.ndindex(*window):
        bounds = _places(x.shape, place, y.shape, strides)
        hit = C.equal(_slice(x, **bounds), y)
        part = _slice_grad(hit * left, x.shape, **bounds)
        total = part if total is None else total + part
        left = left * (1 - hit)
    return _unpadded(total, padding)


def _places(sizes, place, out, strides):
    """The slice with what stands at one place of every window."""
    spatial = [(p, p + (n - 1) * s + 1, s) for p, n, s in zip(place, out[2:], strides)]
    start, stop, step = zip((0, sizes[0], 1), (0, sizes[1], 1), *spatial)
    return {"start": start, "stop": stop, "step": step}


def _avg_pool(x, window, strides, padding):
    return _unpacked(x, _avg_pool_batch(C.to_batch(x), window, strides, padding))


def _avg_pool_batch(x, window, strides, padding):
    share = _shares(x.shape[1:], window, strides, padding)
    padded = _pad(x, ((0, 0),) + padding, 0)
    y = C.pooling(padded, C.AVG_POOLING, window, strides, auto_padding=[False])
    return y * array(share[0], x.dtype) if any(map(any, padding)) else y


def _avg_pool_grad(g, shape, window, strides, padding):
    share = _shares(shape[1:-1], window, strides, padding)
    g = g * array(share / np.prod(window), g.dtype)
    padded = (shape[0], shape[-1]) + tuple(
        n + low + high for n, (low, high) in zip(shape[1:-1], padding)
    )
    total = None
    for place in np.ndindex(*window):
        part = _slice_grad(g, padded, **_places(padded, place, g.shape, strides))
        total = part if total is None else total + part
    return _unpadded(total, padding)


def _shares(sizes, window, strides, padding):
    """The size of each window over how much of it is not padding: [1, 1, *out]."""
    return np.prod(window) / window_counts(sizes, window, strides, padding)


# ---------------------------------------------------------------- the table


# Taken instead where the first input, whose batch is an axis of CNTK's own, is not 1-D in space.
BATCHED = {"conv": _conv_batch, "max_pool": _max_pool_batch, "avg_pool": _avg_pool_batch}
# Taken instead where a gradient passes.
WITH_GRADIENT = {"max": _extreme(C.reduce_max), "min": _extreme(C.reduce_min)}
TABLE = {
    "negative": lambda x: 0 - x,
    "abs": C.abs,
    "sign": _sign,
    "exp": C.exp,
    "expm1": _expm1,
    "log": _log,
    "log1p": _log1p,
    "sqrt": _sqrt,
    "rsqrt": lambda x: 1 / C.sqrt(x),
    "square": C.square,
    "sin": C.sin,
    "cos": C.cos,
    "arctan2": _arctan2,
    "tanh": C.tanh,
    "sigmoid": C.sigmoid,
    "relu": _relu,
    "softplus": C.softplus,
    "erf": _erf,
    "floor": C.floor,
    "ceil": C.ceil,
    "round": _round,
    "logical_not": lambda x: 1 - x,
    "isnan": lambda x: C.not_equal(x, x),
    "isfinite": lambda x: C.less_equal(C.abs(x), float(np.finfo(x.dtype).max)),
    "cast": _cast,
    "stop_gradient": C.stop_gradient,
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": C.pow,
    "maximum": _shared(C.greater),
    "minimum": _shared(C.less),
    "floor_divide": _floor_divide,
    "mod": _mod,
    "equal": C.equal,
    "not_equal": C.not_equal,
    "less": C.less,
    "less_equal": C.less_equal,
    "greater": C.greater,
    "greater_equal": C.greater_equal,
    "logical_and": lambda x, y: x * y,
    "logical_or": C.element_max,
    "where": _where,
    "sum": _reduce(C.reduce_sum),
    "mean": _reduce(C.reduce_mean),
    "prod": _prod,
    "max": _reduce(C.reduce_max),
    "min": _reduce(C.reduce_min),
    "any": _reduce(C.reduce_max),
    "all": _reduce(C.reduce_min),
    "argmax": lambda x, axis: C.argmax(x, axis=axis),
    "argmin": lambda x, axis: C.argmin(x, axis=axis),
    "cumsum": _cumsum,
    "reshape": shaped,
    "transpose": _transpose,
    "broadcast_to": _broadcast_to,
    "concatenate": lambda *xs, axis: C.splice(*xs, axis=axis),
    "slice": _slice,
    "slice_grad": _slice_grad,
    "pad": _pad,
    "flip": _flip,
    "take": _take,
    "take_grad": _take_grad,
    "full": lambda shape, value, dtype: C.constant(value, shape=shape, dtype=carrier(dtype)),
    "iota": lambda size, dtype: array(np.arange(size), carrier(dtype)),
    "matmul": _matmul,
    "conv": _conv,
    "conv_input_grad": _conv_input_grad,
    "conv_kernel_grad": _conv_kernel_grad,
    "max_pool": _max_pool,
    "max_pool_grad": _max_pool_grad,
    "avg_pool": _avg_pool,
    "avg_pool_grad": _avg_pool_grad,
}
