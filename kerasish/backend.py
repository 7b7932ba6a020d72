"""`keras.backend`: the names of older Keras (`K.dot`, `K.mean`, `K.function`), spelled in `ops`.

New programs are better off with `kerasish.ops`. Nothing here does more than pass arguments on
under the names and in the order that older programs use. What is not here (loops and recurrence
such as `map_fn` and `rnn`, sparse tensors, sessions) does not exist yet.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish import activations, config, ops
from kerasish.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from kerasish.graph.dtypes import is_float as is_float_dtype
from kerasish.graph.dtypes import is_int as is_int_dtype
from kerasish.graph.dtypes import result_type, standardize
from kerasish.graph.function import Function
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.graph.variable import Variable
from kerasish.ops import (
    abs,
    all,
    any,
    binary_crossentropy,
    cast,
    categorical_crossentropy,
    cos,
    dot,
    elu,
    equal,
    exp,
    flatten,
    gradients,
    greater,
    greater_equal,
    in_train_phase,
    less,
    less_equal,
    log,
    logsumexp,
    max,
    maximum,
    mean,
    min,
    minimum,
    ndim,
    not_equal,
    prod,
    reshape,
    round,
    shape,
    sigmoid,
    sign,
    sin,
    softmax,
    softplus,
    softsign,
    sparse_categorical_crossentropy,
    sqrt,
    square,
    squeeze,
    stack,
    std,
    stop_gradient,
    sum,
    tanh,
    tile,
    transpose,
    var,
)
from kerasish.ops import random as _random
from kerasish.utils.naming import get_uid, reset_uids

# fmt: off
__all__ = [
    "Variable", "abs", "all", "any", "arange", "argmax", "argmin", "backend", "batch_flatten",
    "batch_get_value", "batch_normalization", "batch_set_value", "bias_add", "binary_crossentropy",
    "cast", "cast_to_floatx", "categorical_crossentropy", "clear_session", "clip", "concatenate",
    "constant", "conv1d", "conv2d", "conv3d", "cos", "count_params", "cumsum", "dot", "dropout",
    "dtype", "elu", "epsilon", "equal", "eval", "exp", "expand_dims", "eye", "flatten", "floatx",
    "function", "gather", "get_uid", "get_value", "gradients", "greater", "greater_equal",
    "hard_sigmoid", "identity", "image_data_format", "in_test_phase", "in_train_phase",
    "int_shape", "is_float_dtype", "is_int_dtype", "is_keras_tensor", "is_placeholder",
    "is_sparse", "is_tensor", "is_variable", "l2_normalize", "less", "less_equal", "log",
    "logsumexp", "max", "maximum", "mean", "min", "minimum", "moving_average_update", "ndim",
    "normalize_data_format", "not_equal", "one_hot", "ones", "ones_like", "permute_dimensions",
    "placeholder", "pool2d", "pool3d", "pow", "prod", "random_normal", "random_normal_variable",
    "random_uniform", "random_uniform_variable", "relu", "repeat", "repeat_elements", "reset_uids",
    "reshape", "result_type", "reverse", "round", "set_epsilon", "set_floatx",
    "set_image_data_format", "set_value", "shape", "sigmoid", "sign", "sin", "size", "slice",
    "softmax", "softplus", "softsign", "sparse_categorical_crossentropy", "spatial_2d_padding",
    "spatial_3d_padding", "sqrt", "square", "squeeze", "stack", "standardize_dtype", "std",
    "stop_gradient", "sum", "switch", "tanh", "temporal_padding", "tile", "transpose", "update",
    "update_add", "update_sub", "var", "variable", "zeros", "zeros_like",
]
# fmt: on


# ---------------------------------------------------------------- settings and names


def standardize_dtype(dtype: Any) -> str:
    """The canonical name of a dtype; None is floatx."""
    return standardize(dtype)


def cast_to_floatx(x: Any) -> Any:
    """A tensor or an array in dtype floatx.

    >>> cast_to_floatx([1, 2]).dtype
    dtype('float32')
    """
    return ops.cast(x, floatx()) if isinstance(x, Tensor) else np.asarray(x, floatx())


def normalize_data_format(value: str | None) -> str:
    """`value`, or `image_data_format()` if it is None."""
    if value not in (None, *config.IMAGE_DATA_FORMATS):
        raise ValueError(f"data_format must be one of {config.IMAGE_DATA_FORMATS}; got {value!r}.")
    return value or image_data_format()


def clear_session() -> None:
    """Starts the numbers in the names of layers over. Models are freed as other objects are."""
    reset_uids()


# ---------------------------------------------------------------- variables and functions


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Any:
    """A Variable that starts with `value`.

    >>> eval(variable([1, 2], dtype="float32"))
    array([1., 2.], dtype=float32)
    """
    made = Variable(value, dtype=dtype, name=name)
    made.constraint = constraint
    return made


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor with a fixed value, spread over `shape` if that is given."""
    made = ops.convert_to_tensor(value, None if dtype is None else standardize(dtype))
    made = made if shape is None else ops.broadcast_to(made, shape)
    made.name = name or made.name
    return made


def placeholder(
    shape: Any = None, ndim: int | None = None, dtype: Any = None, name: str | None = None
) -> Tensor:
    """A tensor that gets its value when a `function` is called."""
    if shape is None and ndim is None:
        raise ValueError("K.placeholder needs a shape or a number of axes (ndim).")
    return Placeholder(
        (None,) * int(ndim or 0) if shape is None else shape, standardize(dtype), name
    )


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A Variable of zeros, as in older Keras; `ops.zeros` makes a tensor."""
    return Variable(np.zeros(shape), dtype=standardize(dtype), name=name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A Variable of ones, as in older Keras; `ops.ones` makes a tensor."""
    return Variable(np.ones(shape), dtype=standardize(dtype), name=name)


def eye(size: int, dtype: Any = None, name: str | None = None) -> Variable:
    """A Variable with ones on the diagonal, as in older Keras; `ops.eye` makes a tensor."""
    return Variable(np.eye(size), dtype=standardize(dtype), name=name)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: Any = None, seed: Any = None
) -> Variable:
    """A Variable that starts with uniformly distributed numbers."""
    return Variable(_random.uniform(shape, low, high, dtype, seed).numpy(), name=name)


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: Any = None, seed: Any = None
) -> Variable:
    """A Variable that starts with normally distributed numbers."""
    return Variable(_random.normal(shape, mean, scale, dtype, seed).numpy(), name=name)


def function(inputs: Sequence[Any], outputs: Any, updates: Any = (), name: str = "function") -> Any:
    """A function of a list of arrays that computes `outputs` and then applies `updates`.

    Args:
        inputs: the tensors that get values.
        outputs: a tensor, or a list of them; the result is an array or a list likewise.
        updates: (variable, new value) pairs.
        name: for messages.

    >>> x = placeholder((None, 2))
    >>> function([x], [sum(x)])([np.ones((3, 2))])
    [array(6., dtype=float32)]
    """
    single = not isinstance(outputs, (list, tuple))
    compiled = Function(inputs, [outputs] if single else outputs, updates or (), name=name)

    def call(arrays: Sequence[Any]) -> Any:
        results = compiled(*arrays)
        return results[0] if single else results

    return call


def eval(x: Any) -> np.ndarray:
    """The value of a tensor."""
    return ops.convert_to_numpy(x)


def get_value(x: Any) -> np.ndarray:
    """The value of a variable."""
    return ops.convert_to_numpy(x)


def set_value(x: Variable, value: Any) -> None:
    """Changes the value of a variable."""
    x.set_value(value)


def batch_get_value(variables: Sequence[Any]) -> list[np.ndarray]:
    """The values of several variables."""
    return [get_value(x) for x in variables]


def batch_set_value(tuples: Sequence[tuple[Variable, Any]]) -> None:
    """Changes several variables, given as (variable, value) pairs."""
    for x, value in tuples:
        set_value(x, value)


def update(x: Variable, new_x: Any) -> Tensor:
    """Gives `x` a new value: inside a layer's `call` with each run, outside of one now."""
    return x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Tensor:
    """Adds to a variable, as `update` does."""
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: Any) -> Tensor:
    """Subtracts from a variable, as `update` does."""
    return x.assign_sub(decrement)


def moving_average_update(x: Variable, value: Any, momentum: float) -> Tensor:
    """x * momentum + value * (1 - momentum) as the new value of `x`."""
    return x.assign(x * momentum + value * (1 - momentum))


# ---------------------------------------------------------------- what a tensor is


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor, variables included."""
    return isinstance(x, Tensor)


def is_variable(x: Any) -> bool:
    """Whether `x` is a Variable."""
    return isinstance(x, Variable)


def is_placeholder(x: Any) -> bool:
    """Whether `x` gets its value from outside."""
    return isinstance(x, Placeholder)


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is an Input or comes from layers called on one."""
    return isinstance(x, Tensor) and x.is_symbolic


def is_sparse(tensor: Any) -> bool:
    """False: there are no sparse tensors."""
    return False


def dtype(x: Any) -> str:
    """The name of the dtype of `x`."""
    return ops.convert_to_tensor(x).dtype


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The shape of `x`, None where a size is not known yet."""
    return ops.convert_to_tensor(x).shape


def count_params(x: Any) -> int:
    """The number of elements of `x`, whose shape must be known."""
    return int(ops.size(x))


def size(x: Any, name: str | None = None) -> Any:
    """The number of elements of `x`, also where it is known only at run time."""
    return ops.size(x)


# ---------------------------------------------------------------- elements


def identity(x: Any, name: str | None = None) -> Tensor:
    """`x` as a tensor."""
    return ops.convert_to_tensor(x)


def pow(x: Any, a: Any) -> Tensor:
    """x to the power a."""
    return ops.power(x, a)


def clip(x: Any, min_value: Any, max_value: Any) -> Tensor:
    """x kept between two values."""
    return ops.clip(x, min_value, max_value)


def relu(
    x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """Rectified linear: x above `threshold`, alpha * (x - threshold) below, at most max_value."""
    return activations.relu(x, alpha, max_value, threshold)


def hard_sigmoid(x: Any) -> Tensor:
    """clip(0.2 * x + 0.5, 0, 1): older Keras's; `ops.hard_sigmoid` is less steep."""
    return ops.clip(ops.multiply(x, 0.2) + 0.5, 0, 1)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Tensor:
    """One of two tensors (or functions that make them), chosen by `condition`."""
    then, other = (e() if callable(e) else e for e in (then_expression, else_expression))
    condition = ops.convert_to_tensor(condition)
    extra = ops.convert_to_tensor(then).ndim - condition.ndim
    if extra > 0:
        condition = ops.reshape(condition, (*ops.shape(condition), *(1,) * extra))
    return ops.where(ops.cast(condition, "bool"), then, other)


def in_test_phase(x: Any, alt: Any, training: bool | None = None) -> Tensor:
    """`alt` while training, `x` otherwise."""
    return ops.in_train_phase(alt, x, training)


# ---------------------------------------------------------------- axes


def argmax(x: Any, axis: int = -1) -> Tensor:
    """The index of the largest element along `axis`."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Tensor:
    """The index of the smallest element along `axis`."""
    return ops.argmin(x, axis)


def cumsum(x: Any, axis: int = 0) -> Tensor:
    """The running sum along `axis`."""
    return ops.cumsum(x, axis)


def l2_normalize(x: Any, axis: Any = None) -> Tensor:
    """x over its Euclidean norm along `axis` (over all elements if None)."""
    return ops.l2_normalize(x, axis)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Tensor:
    """Evenly spaced numbers."""
    return ops.arange(start, stop, step, dtype)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Tensor:
    """The tensors one after the other along `axis`."""
    return ops.concatenate(tensors, axis)


def expand_dims(x: Any, axis: int = -1) -> Tensor:
    """x with a new axis of size 1."""
    return ops.expand_dims(x, axis)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Tensor:
    """x with its axes in the order of `pattern`."""
    return ops.transpose(x, pattern)


def reverse(x: Any, axes: Any) -> Tensor:
    """x with the order along `axes` reversed."""
    return ops.flip(x, axes)


def batch_flatten(x: Any) -> Tensor:
    """x with all axes but the first made one."""
    return ops.reshape(x, (ops.shape(x)[0], -1))


def repeat(x: Any, n: int) -> Tensor:
    """(samples, features) -> (samples, n, features)."""
    return ops.repeat(ops.expand_dims(x, 1), n, 1)


def repeat_elements(x: Any, rep: int, axis: int) -> Tensor:
    """Each element `rep` times in a row along `axis`."""
    return ops.repeat(x, rep, axis)


def slice(x: Any, start: Sequence[int], size: Sequence[int]) -> Tensor:
    """A block of `size` elements per axis that begins at `start`; a size of -1 goes to the end."""
    ends = (None if n == -1 else i + n for i, n in zip(start, size, strict=True))
    block = (builtins.slice(i, end) for i, end in zip(start, ends, strict=True))
    return ops.convert_to_tensor(x)[tuple(block)]


def gather(reference: Any, indices: Any) -> Tensor:
    """The rows of `reference` at `indices`."""
    return ops.take(reference, indices, axis=0)


def one_hot(indices: Any, num_classes: int) -> Tensor:
    """Rows with a 1 at the index."""
    return ops.one_hot(indices, num_classes)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape of x."""
    return ops.zeros_like(x, dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape of x."""
    return ops.ones_like(x, dtype)


# ---------------------------------------------------------------- layers' arithmetic


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Tensor:
    """x plus a bias per channel."""
    x, bias = ops.convert_to_tensor(x), ops.convert_to_tensor(bias)
    if bias.ndim == 1 and normalize_data_format(data_format) == "channels_first":
        bias = ops.reshape(bias, (-1, *(1,) * (x.ndim - 2)))
    return x + bias


def conv1d(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """A convolution; the number of spatial axes is that of the kernel."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


conv2d = conv3d = conv1d


def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:
    """Pooling, `pool_mode` "max" or "avg"; the number of spatial axes is that of x."""
    pools = {"max": ops.max_pool, "avg": ops.average_pool}
    if pool_mode not in pools:
        raise ValueError(f'pool_mode must be "max" or "avg", but got {pool_mode!r}.')
    return pools[pool_mode](x, pool_size, strides, padding, data_format)


pool3d = pool2d


def temporal_padding(x: Any, padding: Sequence[int] = (1, 1)) -> Tensor:
    """Zeros before and after along the axis of time."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def spatial_2d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None
) -> Tensor:
    """Zeros around images."""
    return _padded(x, padding, data_format)


def spatial_3d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
) -> Tensor:
    """Zeros around volumes."""
    return _padded(x, padding, data_format)


def _padded(x: Any, padding: Any, data_format: str | None) -> Tensor:
    first = normalize_data_format(data_format) == "channels_first"
    return ops.pad(x, ((0, 0), (0, 0), *padding) if first else ((0, 0), *padding, (0, 0)))


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Tensor:
    """(x - mean) / sqrt(var + epsilon) * gamma + beta."""
    return ops.batch_normalization(x, mean, var, axis, beta, gamma, epsilon)


# ---------------------------------------------------------------- random numbers


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """x with the share `level` of its elements set to 0, the others scaled up."""
    return _random.dropout(x, level, noise_shape, seed)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed numbers."""
    return _random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Uniformly distributed numbers."""
    return _random.uniform(shape, minval, maxval, dtype, seed)
