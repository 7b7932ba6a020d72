"""Theano 1.0.5: the operations, and programs as Theano functions.

Runs in the worker; Python 3.6 syntax.  What is carried how: every dtype of a program is Theano's
own.  Convolutions are channels first (see layout).  Random numbers are drawn by NumPy and handed
in (see common).
"""

import numpy as np
import theano
import theano.gradient
import theano.tensor as T
from theano.tensor.nnet import abstract_conv
from theano.tensor.signal.pool import Pool

from . import layout
from .common import RANDOM, Draws, note, slices
from .theano_compile import compile_with_precompiled_headers, leave_scalars_to_python
from .theano_pool import FirstMaxPool, FirstMaxPoolGrad
from .theano_python import INTERPRETED, seconds, use_numpy

use_numpy()
if theano.config.cxx:
    compile_with_precompiled_headers()
    leave_scalars_to_python()


# It would compute a product of matrices once more just to have it times a number.
COMPILED = theano.compile.get_default_mode().excluding("local_dot22_to_dot22scalar")


class Engine:
    """Holds the variables and compiles programs."""

    name = "theano"
    version = theano.__version__
    device = "cpu"
    native_gradients = True
    higher_gradients = True

    def __init__(self):
        self.gaps = {}
        self.table = TABLE
        self.variables = {}

    def write(self, key, value):
        known = self.variables.get(key)
        if (
            known is not None
            and known.get_value(borrow=True).dtype == value.dtype
            and (known.broadcastable == _pattern(value.shape))
        ):
            known.set_value(value, borrow=True)
        else:
            self.variables[key] = theano.shared(
                value, broadcastable=_pattern(value.shape), borrow=True
            )

    def read(self, key):
        return self.variables[key].get_value(borrow=True)

    def delete(self, key):
        self.variables.pop(key, None)

    def compile(self, program, once=False):
        """A function of (inputs, counter) that returns the outputs and applies the updates."""
        if once or program.jit is False or not theano.config.cxx:
            return self.function(program, INTERPRETED)
        if program.jit:
            return self.function(program, COMPILED)
        return Patient(self, program)

    def function(self, program, mode):
        """The program as a Theano function."""
        inputs = [_input(spec) for spec in program.inputs.values()]
        draws = Draws(program)
        random = [_input(i.specs[0]) for i in draws.instructions]
        values = layout.Values(program.specs, _transpose, _reshape)
        values.plain.update(zip(program.inputs, inputs))
        values.plain.update((i.outputs[0], r) for i, r in zip(draws.instructions, random))
        for i, variable in program.variables.items():
            values.plain[i] = _tagged(self.variables[variable.key], variable.spec)
        for i, array in program.constants.items():
            values.plain[i] = _tagged(_constant(array), program.specs[i])
        apart = {x for i in program.instructions if i.op == "gradients" for x in i.inputs[1:]}
        for instruction in program.instructions:
            _lower(values, instruction, apart)
        if mode is COMPILED:
            note("compiling %s" % program.name)
        function = theano.function(
            [theano.In(x, borrow=True) for x in inputs + random],
            [values.get(i) for i in program.outputs],
            updates=[(self.variables[key], values.get(i)) for key, i in program.updates],
            on_unused_input="ignore",
            mode=mode,
            name=program.name,
        )
        function.trust_input = True
        note("")
        dtypes = [spec.dtype for spec in program.inputs.values()]

        def run(arrays, counter):
            arrays = [np.asarray(a, dtype) for a, dtype in zip(arrays, dtypes)]
            return function(*(arrays + draws(counter)))

        return run


class Patient:
    """A program that is interpreted at first and compiled once it has run for long enough.

    So what runs a few times only, such as the smaller last batch of an epoch, waits for nothing.
    How long it has run is estimated, not measured, for two runs of the same program to be equal.
    """

    PATIENCE = 3.0  # seconds; a compilation takes some even if all of its parts are known

    def __init__(self, engine, program):
        self.engine, self.program = engine, program
        self.run = engine.function(program, INTERPRETED)
        self.seconds = seconds(program)
        self.compiled = False
        self.spent = 0.0

    def __call__(self, arrays, counter):
        if not self.compiled:
            self.spent += self.seconds
            if self.spent > self.PATIENCE:
                self.run = self.engine.function(self.program, COMPILED)
                self.compiled = True
        return self.run(arrays, counter)


def _lower(values, instruction, apart):
    """Add the native values of one instruction.

    Values with respect to which gradients are taken, those in `apart`, become variables of their
    own, even where the operation leaves its input as it is.
    """
    if instruction.op in RANDOM:
        return
    note("lowering %s of %s" % (instruction.op, instruction.source))
    if instruction.op == "gradients":
        _gradients(values, instruction)
        return
    spec = instruction.specs[0]
    lowering = TABLE[instruction.op]
    layout.apply(
        values, instruction, lambda *xs, **attrs: _cast(lowering(*xs, **attrs), spec.dtype)
    )
    (output,) = instruction.outputs
    first = output in values.first
    where = values.first if first else values.plain
    value = T.tensor_copy(where[output]) if output in apart else where[output]
    where[output] = _tagged(value, spec, first)


def _gradients(values, instruction):
    loss, xs = instruction.inputs[0], instruction.inputs[1:]
    first = [values.made_first(x) for x in xs]
    grads = theano.grad(
        T.sum(values.native(loss)), [values.native(x) for x in xs], disconnected_inputs="ignore"
    )
    for grad, output, spec, is_first in zip(grads, instruction.outputs, instruction.specs, first):
        where = values.first if is_first else values.plain
        where[output] = _tagged(_cast(grad, spec.dtype), spec, is_first)


def _constant(array):
    """A constant of its own: Theano's function gives the same one for equal values."""
    return T.TensorConstant(T.TensorType(array.dtype, _pattern(array.shape)), np.array(array))


def _pattern(shape):
    return tuple(n == 1 for n in shape)


def _input(spec):
    return _tagged(T.TensorType(spec.dtype, _pattern(spec.shape))(), spec)


def _tagged(x, spec, first=False):
    """x with its broadcast pattern and its shape known, which Theano often loses."""
    shape = layout.shape_first(spec.shape) if first else spec.shape
    if x.broadcastable != _pattern(shape):
        x = T.patternbroadcast(x, _pattern(shape))
    x.tag.sizes = shape
    return x


def _sizes(x):
    return x.tag.sizes


def _cast(x, dtype):
    return x if x.dtype == dtype else T.cast(x, dtype)


def _transpose(x, axes):
    y = x.dimshuffle(*axes)
    y.tag.sizes = tuple(_sizes(x)[a] for a in axes)
    return y


def _reshape(x, shape):
    y = T.reshape(x, shape, ndim=len(shape))
    y = T.patternbroadcast(y, _pattern(shape))
    y.tag.sizes = tuple(shape)
    return y


# ---------------------------------------------------------------- arrays


def _broadcast_to(x, shape):
    return T.alloc(x, *shape)


def _slice_grad(g, shape, **bounds):
    zeros = T.zeros(shape, g.dtype)
    return T.set_subtensor(zeros[slices(bounds)], g)


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
    y = _CONV[max(2, len(strides))](**options)(_widen(_padded(x, own, 0)), _kernel(kernel))
    return y[:, :, 0] if x.ndim == 3 else y


def _conv_input_grad(g, kernel, shape, strides, padding, dilation, groups):
    own, padding = _left_to_pad(padding)
    options = _options(strides, padding, dilation, groups)
    spatial = tuple(n + low + high for n, (low, high) in zip(shape[1:-1], own))
    sizes = (shape[0], shape[-1]) + ((1,) if g.ndim == 3 else ()) + spatial
    op = _INPUT_GRAD[max(2, len(strides))](imshp=sizes, **options)
    x = op(_kernel(kernel), _widen(g), T.constant(sizes[2:], dtype="int64"))
    return x[:, :, 0] if g.ndim == 3 else _unpadded(x, own)


def _conv_kernel_grad(x, g, shape, strides, padding, dilation, groups):
    own, padding = _left_to_pad(padding)
    options = _options(strides, padding, dilation, groups)
    spatial = (1,) + shape[:-2] if len(shape) == 3 else shape[:-2]
    op = _KERNEL_GRAD[max(2, len(strides))](kshp=(shape[-1], shape[-2]) + spatial, **options)
    kernel = op(_widen(_padded(x, own, 0)), _widen(g), T.constant(spatial, dtype="int64"))
    if len(shape) == 3:
        kernel = kernel[:, :, 0]
    return kernel.dimshuffle(*(tuple(range(2, len(shape))) + (1, 0)))


def _pool(x, window, strides, mode):
    n = len(window)
    return Pool(ignore_border=True, mode=mode, ndim=n)(x, window, strides, (0,) * n)


def _padded(x, padding, value):
    return _pad(x, ((0, 0), (0, 0)) + tuple(padding), value)


def _max_pool(x, window, strides, padding):
    return FirstMaxPool(window, strides)(_padded(x, padding, -np.inf))


def _max_pool_grad(x, y, g, window, strides, padding):
    grad = FirstMaxPoolGrad(window, strides)(_padded(x, padding, -np.inf), y, g)
    return _unpadded(grad, padding)


def _avg_pool(x, window, strides, padding):
    counts = _counts(_sizes(x)[2:], window, strides, padding)
    return _pool(_padded(x, padding, 0), window, strides, "sum") / counts.astype(x.dtype)


def _avg_pool_grad(g, shape, window, strides, padding):
    sizes, out = _first_sizes(shape), _sizes(g)[2:]
    g = g / _counts(sizes[2:], window, strides, padding).astype(g.dtype)
    padded = sizes[:2] + tuple(n + low + high for n, (low, high) in zip(sizes[2:], padding))
    total = T.zeros(padded, g.dtype)
    for place in np.ndindex(*window):
        part = (slice(None), slice(None)) + tuple(
            slice(p, p + (n - 1) * s + 1, s) for p, n, s in zip(place, out, strides)
        )
        total = T.inc_subtensor(total[part], g)
    return _unpadded(total, padding)


def _first_sizes(shape):
    return (shape[0], shape[-1]) + tuple(shape[1:-1])


def _unpadded(x, padding):
    return x[
        (slice(None), slice(None))
        + tuple(slice(low, -high if high else None) for low, high in padding)
    ]


def _counts(sizes, window, strides, padding):
    """How many places of each window are not padding: [1, 1, *out]."""
    total = np.ones((1, 1))
    for n, w, s, (low, high) in zip(sizes, window, strides, padding):
        inside = np.pad(np.ones(n), (low, high), "constant")
        starts = range(0, len(inside) - w + 1, s)
        total = total[..., None] * np.array([inside[i : i + w].sum() for i in starts])
    return total


# ---------------------------------------------------------------- the table


def _not(x):
    return T.eq(x, np.array(False))


def _cumsum(x, axis):
    """Theano says int32 and NumPy, which it calls, gives int64."""
    return T.cumsum(x if x.dtype.startswith("float") else T.cast(x, "int64"), axis=axis)


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
    "relu": lambda x: T.switch(x > 0, x, 0),
    "softplus": T.nnet.softplus,
    "erf": T.erf,
    "floor": T.floor,
    "ceil": T.ceil,
    "round": lambda x: T.round(x, "half_to_even"),
    "logical_not": _not,
    "isnan": T.isnan,
    "isfinite": lambda x: _not(T.or_(T.isnan(x), T.isinf(x))),
    "cast": lambda x, dtype: T.neq(x, 0) if dtype == "bool" else T.cast(x, dtype),
    "stop_gradient": theano.gradient.disconnected_grad,
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": lambda x, y: x**y,
    "maximum": T.maximum,
    "minimum": T.minimum,
    "floor_divide": lambda x, y: x // y,
    "mod": lambda x, y: x % y,
    "equal": T.eq,
    "not_equal": T.neq,
    "less": T.lt,
    "less_equal": T.le,
    "greater": T.gt,
    "greater_equal": T.ge,
    "logical_and": T.and_,
    "logical_or": T.or_,
    "where": T.switch,
    "sum": _reduce(T.sum),
    "mean": _reduce(T.mean),
    "prod": _reduce(T.prod),
    "max": _reduce(T.max),
    "min": _reduce(T.min),
    "any": _reduce(T.any),
    "all": _reduce(T.all),
    "argmax": lambda x, axis: T.argmax(x, axis=axis),
    "argmin": lambda x, axis: T.argmin(x, axis=axis),
    "cumsum": _cumsum,
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast_to,
    "concatenate": lambda *xs, axis: T.concatenate(xs, axis=axis),
    "slice": lambda x, **bounds: x[slices(bounds)],
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
    "random_uniform": None,  # drawn by NumPy, see common
    "random_normal": None,
    "dropout_mask": None,
    "gradients": None,  # see _gradients
}
