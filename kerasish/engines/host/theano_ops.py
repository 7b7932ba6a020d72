"""Theano's lowerings: one for each operation that Theano has.  Python 3.6 syntax.

They take and return Theano's variables, which carry their shapes in `tag.sizes`. Convolution and
pooling are channels first, see layout.
"""

import numpy as np
import theano.tensor as T
from theano.scalar import minimum
from theano.tensor.elemwise import CAReduce
from theano.tensor.nnet import abstract_conv
from theano.tensor.signal.pool import AveragePoolGrad, Pool

from . import layout
from .definitions import table, window_counts
from .theano_pool import FirstMaxPool, FirstMaxPoolGrad
from .theano_sum import SumAround


def pattern(shape):
    return tuple(n == 1 for n in shape)


def tagged(x, spec, first=False):
    """x with its broadcast pattern and its shape known, which Theano often loses."""
    shape = layout.shape_first(spec.shape) if first else spec.shape
    if x.broadcastable != pattern(shape):
        x = T.patternbroadcast(x, pattern(shape))
    x.tag.sizes = shape
    return x


def _sizes(x):
    return x.tag.sizes


def cast(x, dtype):
    return x if x.dtype == dtype else T.cast(x, dtype)


def _wide(x):
    """x as what it can be added up in: not in 16 bits."""
    return cast(x, "float32") if x.dtype == "float16" else x


def transpose(x, axes):
    y = x.dimshuffle(*axes)
    y.tag.sizes = tuple(_sizes(x)[a] for a in axes)
    return y


def reshape(x, shape):
    y = T.reshape(x, shape, ndim=len(shape))
    y = T.patternbroadcast(y, pattern(shape))
    y.tag.sizes = tuple(shape)
    return y


# ---------------------------------------------------------------- arrays


def _broadcast_to(x, shape):
    return T.alloc(x, *shape)


def _slice_grad(g, shape, **bounds):
    zeros = T.zeros(shape, g.dtype)
    return T.set_subtensor(zeros[table.slices(**bounds)], g)


def _pad(x, widths, value):
    if any(low or high for low, high in widths):
        shape = [n + low + high for n, (low, high) in zip(_sizes(x), widths)]
        inside = tuple(slice(low, low + n) for n, (low, _) in zip(_sizes(x), widths))
        full = T.alloc(np.asarray(value, x.dtype), *shape)
        y = T.set_subtensor(full[inside], x)
        y.tag.sizes = tuple(shape)
        return y
    return x


def _take(x, indices, axis):
    sizes = _sizes(x)
    axes = (axis,) + tuple(a for a in range(len(sizes)) if a != axis)
    rows = T.flatten(indices) if indices.ndim != 1 else indices
    y = (x if axis == 0 else x.dimshuffle(*axes))[rows]
    if axis:
        y = y.dimshuffle(*np.argsort(axes))
    return T.reshape(y, sizes[:axis] + _sizes(indices) + sizes[axis + 1 :])


def _take_grad(g, indices, shape, axis):
    axes = (axis,) + tuple(a for a in range(len(shape)) if a != axis)
    rows = T.flatten(indices) if indices.ndim != 1 else indices
    count = int(np.prod(_sizes(indices)))
    g = T.reshape(g, tuple(shape[:axis]) + (count,) + tuple(shape[axis + 1 :]), ndim=len(shape))
    g = _wide(g)
    zeros = T.zeros([shape[a] for a in axes], g.dtype)
    y = T.inc_subtensor(zeros[rows], g.dimshuffle(*axes))
    return y.dimshuffle(*np.argsort(axes))


def _matmul(a, b, transpose_a, transpose_b):
    rank_a, rank_b = a.ndim, b.ndim
    if rank_a == rank_b == 2:
        return T.dot(a.T if transpose_a else a, b.T if transpose_b else b)
    if rank_b == 2 and not transpose_a:
        rows = T.reshape(a, (int(np.prod(_sizes(a)[:-1])), _sizes(a)[-1]))
        y = T.dot(rows, b.T if transpose_b else b)
        columns = _sizes(b)[0 if transpose_b else 1]
        return T.reshape(y, _sizes(a)[:-1] + (columns,))
    leading = np.broadcast(np.empty(_sizes(a)[:-2]), np.empty(_sizes(b)[:-2])).shape
    y = T.batched_dot(_stack(a, leading, transpose_a), _stack(b, leading, transpose_b))
    rows = _sizes(a)[-1 if transpose_a else -2]
    columns = _sizes(b)[-2 if transpose_b else -1]
    return T.reshape(y, leading + (rows, columns))


def _stack(x, leading, transposed):
    """x as one stack of matrices."""
    matrix = _sizes(x)[-2:]
    if _sizes(x)[:-2] != leading:
        x = T.alloc(x, *(leading + matrix))
    x = T.reshape(x, (int(np.prod(leading)),) + matrix)
    return x.dimshuffle(0, 2, 1) if transposed else x


# ---------------------------------------------------------------- convolution and pooling


def _kernel(kernel):
    """[*K, in, out] -> [out, in, *K], with a first axis of 1 for one spatial dimension."""
    n = kernel.ndim
    axes = (n - 1, n - 2) + (("x",) if n == 3 else ()) + tuple(range(n - 2))
    return kernel.dimshuffle(*axes)


def _widen(x):
    """[N, C, L] -> [N, C, 1, L]; Theano convolves two or three dimensions."""
    return x.dimshuffle(0, 1, "x", 2) if x.ndim == 3 else x


def _options(strides, padding, dilation, groups):
    """Theano's own arguments."""
    if len(strides) == 1:
        strides, padding, dilation = (1,) + strides, ((0, 0),) + padding, (1,) + dilation
    if all(low == high for low, high in padding):
        padding = tuple(low for low, _ in padding)  # pairs are refused in three dimensions
    return {
        "border_mode": padding,
        "subsample": strides,
        "filter_dilation": dilation,
        "num_groups": groups,
        "filter_flip": False,
    }


_CONV = {2: abstract_conv.AbstractConv2d, 3: abstract_conv.AbstractConv3d}
_INPUT_GRAD = {
    2: abstract_conv.AbstractConv2d_gradInputs,
    3: abstract_conv.AbstractConv3d_gradInputs,
}
_KERNEL_GRAD = {
    2: abstract_conv.AbstractConv2d_gradWeights,
    3: abstract_conv.AbstractConv3d_gradWeights,
}


def _left_to_pad(padding):
    """(padding that has to be done by hand, padding that Theano does)."""
    zeros = ((0, 0),) * len(padding)
    uneven = any(low != high for low, high in padding)
    return (padding, zeros) if len(padding) == 3 and uneven else (zeros, padding)


def _conv(x, kernel, strides, padding, dilation, groups):
    own, padding = _left_to_pad(padding)
    options = _options(strides, padding, dilation, groups)
    x = _wide(_widen(_padded(x, own, 0)))
    y = _CONV[max(2, len(strides))](**options)(x, _kernel(_wide(kernel)))
    return y[:, :, 0] if len(strides) == 1 else y


def _conv_input_grad(g, kernel, shape, strides, padding, dilation, groups):
    own, padding = _left_to_pad(padding)
    options = _options(strides, padding, dilation, groups)
    spatial = tuple(n + low + high for n, (low, high) in zip(shape[1:-1], own))
    sizes = (shape[0], shape[-1]) + ((1,) if g.ndim == 3 else ()) + spatial
    op = _INPUT_GRAD[max(2, len(strides))](imshp=sizes, **options)
    x = op(_kernel(_wide(kernel)), _widen(_wide(g)), T.constant(sizes[2:], dtype="int64"))
    return x[:, :, 0] if g.ndim == 3 else _unpadded(x, own)


def _conv_kernel_grad(x, g, shape, strides, padding, dilation, groups):
    own, padding = _left_to_pad(padding)
    options = _options(strides, padding, dilation, groups)
    spatial = (1,) + shape[:-2] if len(shape) == 3 else shape[:-2]
    op = _KERNEL_GRAD[max(2, len(strides))](kshp=(shape[-1], shape[-2]) + spatial, **options)
    x, g = _wide(_widen(_padded(x, own, 0))), _wide(_widen(g))
    kernel = op(x, g, T.constant(spatial, dtype="int64"))
    if len(shape) == 3:
        kernel = kernel[:, :, 0]
    return kernel.dimshuffle(*(tuple(range(2, len(shape))) + (1, 0)))


def _pool(x, window, strides, mode):
    n = len(window)
    return Pool(ignore_border=True, mode=mode, ndim=n)(x, window, strides, (0,) * n)


def _padded(x, padding, value):
    return _pad(x, ((0, 0), (0, 0)) + tuple(padding), value)


def _below(x):
    return table.conv.lowest(np.dtype(x.dtype))


def _max_pool(x, window, strides, padding):
    return FirstMaxPool(window, strides)(_padded(x, padding, _below(x)))


def _max_pool_grad(x, y, g, window, strides, padding):
    grad = FirstMaxPoolGrad(window, strides)(_padded(x, padding, _below(x)), y, g)
    return _unpadded(grad, padding)


def _avg_pool(x, window, strides, padding):
    counts = window_counts(_sizes(x)[2:], window, strides, padding)
    x = _wide(_padded(x, padding, 0))
    return _pool(x, window, strides, "sum") / counts.astype(x.dtype)


def _avg_pool_grad(g, shape, window, strides, padding):
    sizes, g = layout.shape_first(shape), _wide(g)
    g = g / window_counts(sizes[2:], window, strides, padding).astype(g.dtype)
    padded = sizes[:2] + tuple(n + low + high for n, (low, high) in zip(sizes[2:], padding))
    n = len(window)
    backwards = AveragePoolGrad(ignore_border=True, mode="sum", ndim=n)
    total = backwards(T.zeros(padded, g.dtype), g, window, strides, (0,) * n)
    return _unpadded(total, padding)


def _unpadded(x, padding):
    return x[
        (slice(None), slice(None))
        + tuple(slice(low, -high if high else None) for low, high in padding)
    ]


# ---------------------------------------------------------------- the table


def _zero(x):
    return np.zeros((), x.dtype)


def _not(x):
    return T.eq(x, np.array(False))


def _to(x, dtype):
    """C++ says nothing about negative floats as unsigned integers; NumPy goes by way of int64."""
    if dtype == "bool":
        return T.neq(x, 0)
    if dtype[0] == "u" and x.dtype in T.float_dtypes:
        return T.switch(x < 0, T.cast(T.cast(x, "int64"), dtype), T.cast(x, dtype))
    return T.cast(x, dtype)


def _mod(x, y):
    if x.dtype.startswith("int"):  # the smallest one divided by -1 ends the process
        y = T.switch(T.eq(y, -1), np.ones((), y.dtype), y)
    return x % y


def _widest(x):
    """What to add up x in: NumPy's sums of integers have 64 bits, halves would lose too much."""
    return {"float16": "float32", "float32": "float32", "float64": "float64"}.get(x.dtype, "int64")


def _min(x, axis, keepdims):
    """Theano's own is -max(-x), but the smallest integer has no opposite."""
    if not axis:
        return x
    y = CAReduce(minimum, axis)(x)
    return T.makeKeepDims(x, y, axis) if keepdims else y


def _sum(x, axis, keepdims):
    sizes, rank = _sizes(x), x.ndim
    left = [a for a in range(rank) if a not in axis]
    begin, end = (left[0], left[-1] + 1) if left else (0, 0)
    quick = x.dtype in ("float32", "float64") and np.prod(sizes) >= 4096
    if not quick or not axis or len(left) < end - begin:
        return T.sum(x, axis=list(axis), keepdims=keepdims) if axis else x
    parts = (sizes[:begin], sizes[begin:end], sizes[end:])
    y = SumAround()(reshape(x, tuple(int(np.prod(part)) for part in parts)))
    shape = [(a, 1 if a in axis else n) for a, n in enumerate(sizes)]
    return reshape(y, tuple(n for a, n in shape if keepdims or a in left))


def _reduce(function):
    return lambda x, axis, keepdims: function(x, axis=list(axis), keepdims=keepdims) if axis else x


TABLE = {
    "negative": lambda x: -x,
    "abs": abs,
    "sign": T.sgn,
    "exp": T.exp,
    "expm1": T.expm1,
    "log": T.log,
    "log1p": T.log1p,
    "sqrt": T.sqrt,
    "rsqrt": lambda x: 1 / T.sqrt(x),
    "square": T.sqr,
    "sin": T.sin,
    "cos": T.cos,
    "tanh": T.tanh,
    "sigmoid": T.nnet.sigmoid,
    "relu": lambda x: T.switch(x < _zero(x), _zero(x), x),  # NaN stays
    "softplus": T.nnet.softplus,
    "erf": T.erf,
    "floor": T.floor,
    "ceil": T.ceil,
    "round": lambda x: T.round(x, "half_to_even"),
    "logical_not": _not,
    "isnan": T.isnan,
    "isfinite": lambda x: _not(T.or_(T.isnan(x), T.isinf(x))),
    "cast": _to,
    "stop_gradient": lambda x: x,
    "arctan2": T.arctan2,
    "arcsinh": T.arcsinh,
    "arccosh": T.arccosh,
    "bitwise_and": T.and_,
    "bitwise_or": T.or_,
    "bitwise_xor": T.xor,
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": lambda x, y: x**y,
    "maximum": T.maximum,
    "minimum": T.minimum,
    "floor_divide": lambda x, y: x // y,
    "mod": _mod,
    "equal": T.eq,
    "not_equal": T.neq,
    "less": T.lt,
    "less_equal": T.le,
    "greater": T.gt,
    "greater_equal": T.ge,
    "logical_and": T.and_,
    "logical_or": T.or_,
    "where": T.switch,
    "sum": _sum,
    "mean": _reduce(T.mean),
    "prod": _reduce(T.prod),
    "max": _reduce(T.max),
    "min": _min,
    "any": _reduce(T.any),
    "all": _reduce(T.all),
    "argmax": lambda x, axis: T.argmax(x, axis=axis),
    "argmin": lambda x, axis: T.argmin(x, axis=axis),
    "cumsum": lambda x, axis: T.cumsum(cast(x, _widest(x)), axis=axis),
    "cumprod": lambda x, axis: T.cumprod(cast(x, _widest(x)), axis=axis),
    "reshape": reshape,
    "transpose": transpose,
    "broadcast_to": _broadcast_to,
    "concatenate": lambda *xs, axis: T.concatenate(xs, axis=axis),
    "slice": lambda x, **bounds: x[table.slices(**bounds)],
    "slice_grad": _slice_grad,
    "pad": _pad,
    "flip": lambda x, axes: x[
        tuple(slice(None, None, -1 if a in axes else 1) for a in range(x.ndim))
    ],
    "take": _take,
    "take_grad": _take_grad,
    "full": lambda shape, value, dtype: T.alloc(np.asarray(value, dtype), *shape),
    "iota": lambda size, dtype: T.constant(np.arange(size, dtype=dtype)),
    "matmul": _matmul,
    "conv": _conv,
    "conv_input_grad": _conv_input_grad,
    "conv_kernel_grad": _conv_kernel_grad,
    "max_pool": _max_pool,
    "max_pool_grad": _max_pool_grad,
    "avg_pool": _avg_pool,
    "avg_pool_grad": _avg_pool_grad,
}
