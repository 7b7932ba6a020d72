"""Operations on tensors, in the names of `keras.ops`.

They take tensors, NumPy arrays, Python numbers and nested lists. Applied to an Input
they build the graph; applied to arrays they have a value, computed when it is looked at.
"""

from __future__ import annotations

from kerasish.graph.gradients import gradients
from kerasish.graph.primitive import as_tensor as convert_to_tensor
from kerasish.ops import operators
from kerasish.ops.array import (
    arange,
    broadcast_to,
    concatenate,
    expand_dims,
    eye,
    flatten,
    flip,
    full,
    full_like,
    moveaxis,
    ndim,
    one_hot,
    ones,
    ones_like,
    pad,
    ravel,
    repeat,
    reshape,
    shape,
    size,
    split,
    squeeze,
    stack,
    swapaxes,
    take,
    tile,
    transpose,
    unstack,
    zeros,
    zeros_like,
)
from kerasish.ops.control import in_train_phase
from kerasish.ops.conv import average_pool, conv, max_pool
from kerasish.ops.elementwise import (
    abs,
    absolute,
    add,
    cast,
    ceil,
    clip,
    cos,
    divide,
    divide_no_nan,
    equal,
    erf,
    exp,
    expm1,
    floor,
    floor_divide,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    mod,
    multiply,
    negative,
    not_equal,
    power,
    reciprocal,
    relu,
    round,
    rsqrt,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    square,
    stop_gradient,
    subtract,
    tanh,
    true_divide,
    where,
)
from kerasish.ops.linalg import dot, matmul, norm, outer, tensordot
from kerasish.ops.nn import (
    batch_normalization,
    binary_crossentropy,
    categorical_crossentropy,
    elu,
    gelu,
    hard_sigmoid,
    l2_normalize,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    moments,
    relu6,
    selu,
    silu,
    softmax,
    softsign,
    sparse_categorical_crossentropy,
)
from kerasish.ops.reduce import (
    all,
    any,
    argmax,
    argmin,
    cumsum,
    logsumexp,
    max,
    mean,
    min,
    prod,
    std,
    sum,
    var,
)

operators.install()


def convert_to_numpy(x):
    """The value of a tensor as a NumPy array."""
    return convert_to_tensor(x).numpy()
