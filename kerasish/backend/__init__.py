"""`keras.backend`: the names of older Keras (`K.dot`, `K.mean`, `K.function`), spelled in `ops`.

New programs are better off with `kerasish.ops`. What is here has the names, arguments and meanings
of Keras 2.3.1, the last release for several backends; where that one's backends differed, NumPy
decides. There are no sparse tensors and no sessions.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import Any as _Any

from kerasish.backend.axes import (
    arange,
    argmax,
    argmin,
    batch_flatten,
    cumprod,
    cumsum,
    expand_dims,
    flatten,
    gather,
    in_top_k,
    l2_normalize,
    one_hot,
    ones_like,
    permute_dimensions,
    repeat,
    repeat_elements,
    reshape,
    reverse,
    slice,
    squeeze,
    tile,
    transpose,
    unpack,
    zeros_like,
)
from kerasish.backend.convolutions import (
    conv1d,
    conv2d,
    conv2d_transpose,
    conv3d,
    conv3d_transpose,
    depthwise_conv2d,
    local_conv1d,
    local_conv2d,
    separable_conv1d,
    separable_conv2d,
)
from kerasish.backend.draws import (
    dropout,
    random_binomial,
    random_normal,
    random_uniform,
    truncated_normal,
)
from kerasish.backend.elements import (
    clip,
    elu,
    equal,
    greater,
    greater_equal,
    hard_sigmoid,
    identity,
    in_test_phase,
    in_train_phase,
    less,
    less_equal,
    maximum,
    minimum,
    not_equal,
    pow,
    relu,
    sqrt,
    switch,
)
from kerasish.backend.functions import (
    function,
    gradients,
    moving_average_update,
    stop_gradient,
    update,
    update_add,
    update_sub,
)
from kerasish.backend.naming import name_themselves as _name_themselves
from kerasish.backend.products import (
    batch_dot,
    dot,
)
from kerasish.backend.sequences import (
    ctc_batch_cost,
    ctc_decode,
    ctc_label_dense_to_sparse,
    foldl,
    foldr,
    map_fn,
    rnn,
)
from kerasish.backend.sessions import (
    control_dependencies,
    get_session,
    manual_variable_initialization,
    set_session,
)
from kerasish.backend.settings import (
    cast_to_floatx,
    clear_session,
    image_dim_ordering,
    learning_phase,
    name_scope,
    normalize_data_format,
    set_epsilon,
    set_floatx,
    set_image_dim_ordering,
    set_learning_phase,
    standardize_dtype,
)
from kerasish.backend.sizes import (
    cast,
    concatenate,
    prod,
    shape,
    stack,
)
from kerasish.backend.spatial import (
    asymmetric_temporal_padding,
    batch_normalization,
    bias_add,
    normalize_batch_in_training,
    pool2d,
    pool3d,
    resize_images,
    resize_volumes,
    spatial_2d_padding,
    spatial_3d_padding,
    temporal_padding,
)
from kerasish.backend.tensors import (
    count_params,
    dtype,
    int_shape,
    is_keras_tensor,
    is_placeholder,
    is_sparse,
    is_tensor,
    is_variable,
    print_tensor,
    size,
    to_dense,
)
from kerasish.backend.variables import (
    batch_get_value,
    batch_set_value,
    constant,
    eval,
    eye,
    get_value,
    ones,
    placeholder,
    random_normal_variable,
    random_uniform_variable,
    set_value,
    variable,
    zeros,
)
from kerasish.compat.modules import attributes as _older_attributes
from kerasish.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_image_data_format,
)
from kerasish.engines.kerases import LIBRARY as _LIBRARY
from kerasish.graph.dtypes import is_float as is_float_dtype
from kerasish.graph.dtypes import is_int as is_int_dtype
from kerasish.graph.dtypes import result_type
from kerasish.graph.variable import Variable
from kerasish.ops import (
    abs,
    all,
    any,
    binary_crossentropy,
    categorical_crossentropy,
    cos,
    exp,
    log,
    logsumexp,
    max,
    mean,
    min,
    ndim,
    round,
    sigmoid,
    sign,
    sin,
    softmax,
    softplus,
    softsign,
    sparse_categorical_crossentropy,
    square,
    std,
    sum,
    tanh,
    var,
)
from kerasish.utils.naming import get_uid, reset_uids

# Older names of the same.
pack = stack
get_variable_shape = int_shape
lesser, lesser_equal = less, less_equal

# fmt: off
__all__ = [
    "Variable", "abs", "all", "any", "arange", "argmax", "argmin", "asymmetric_temporal_padding",
    "backend", "batch_dot", "batch_flatten", "batch_get_value", "batch_normalization",
    "batch_set_value", "bias_add", "binary_crossentropy", "cast", "cast_to_floatx",
    "categorical_crossentropy", "clear_session", "clip", "concatenate", "constant",
    "control_dependencies", "conv1d", "conv2d", "conv2d_transpose", "conv3d", "conv3d_transpose",
    "cos", "count_params", "ctc_batch_cost", "ctc_decode", "ctc_label_dense_to_sparse", "cumprod",
    "cumsum", "depthwise_conv2d", "dot", "dropout", "dtype", "elu", "epsilon", "equal", "eval",
    "exp", "expand_dims", "eye", "flatten", "floatx", "foldl", "foldr", "function", "gather",
    "get_session", "get_uid", "get_value", "get_variable_shape", "gradients", "greater",
    "greater_equal", "hard_sigmoid", "identity", "image_data_format", "image_dim_ordering",
    "in_test_phase", "in_top_k", "in_train_phase", "int_shape", "is_float_dtype", "is_int_dtype",
    "is_keras_tensor", "is_placeholder", "is_sparse", "is_tensor", "is_variable", "l2_normalize",
    "learning_phase", "less", "less_equal", "lesser",
    "lesser_equal", "local_conv1d", "local_conv2d", "log", "logsumexp",
    "manual_variable_initialization", "map_fn", "max", "maximum", "mean", "min", "minimum",
    "moving_average_update", "name_scope", "ndim", "normalize_batch_in_training",
    "normalize_data_format", "not_equal", "one_hot", "ones", "ones_like", "pack",
    "permute_dimensions", "placeholder", "pool2d", "pool3d", "pow", "print_tensor", "prod",
    "random_binomial", "random_normal", "random_normal_variable", "random_uniform",
    "random_uniform_variable", "relu", "repeat", "repeat_elements", "reset_uids", "reshape",
    "resize_images", "resize_volumes", "result_type", "reverse", "rnn", "round", "separable_conv1d",
    "separable_conv2d", "set_epsilon", "set_floatx", "set_image_data_format",
    "set_image_dim_ordering", "set_learning_phase", "set_session", "set_value", "shape", "sigmoid",
    "sign", "sin", "size", "slice", "softmax", "softplus", "softsign",
    "sparse_categorical_crossentropy", "spatial_2d_padding", "spatial_3d_padding", "sqrt", "square",
    "squeeze", "stack", "standardize_dtype", "std", "stop_gradient", "sum", "switch", "tanh",
    "temporal_padding", "tile", "to_dense", "transpose", "truncated_normal", "unpack", "update",
    "update_add", "update_sub", "var", "variable", "zeros", "zeros_like",
]
# fmt: on

_name_themselves(globals())


def __getattr__(name: str) -> _Any:
    if name == "tf" and backend() == _LIBRARY:
        return _import_module(_LIBRARY)
    if name in ("tf", "T", "th", "C"):
        raise AttributeError(
            f"kerasish.backend has no {name!r}: it is the same for all engines. For the functions "
            "of one of them import the engine itself; `ops.native_call` puts them into a model."
        )
    return _older_attributes(__name__)(name)
