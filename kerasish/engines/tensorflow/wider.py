"""Lowerings computed in wider dtypes than those of their inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kerasish.engines.tensorflow.library import tf

Lowering = Callable[..., Any]

# Many kernels add up in 16 bits, where a sum of tenths never gets past 256, or past 32.
HALVES = {"float16": "float32", "bfloat16": "float32"}

# Where the kernels know only 32 and 64 bits; what overflows there wraps around here too.
WIDE_INTS = {
    "bool": "int32",
    "int8": "int32",
    "int16": "int32",
    "uint8": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "int64",
}


def through(function: Lowering, wider: Mapping[str, str], result: bool = True) -> Lowering:
    """`function`, computed in another dtype where its kernels do badly in that of the first input.

    Args:
        function: a lowering.
        wider: dtype -> the dtype to compute in.
        result: whether the result has the dtype of the first input.
    """

    def wrapped(*inputs: Any, **attrs: Any) -> Any:
        dtype = inputs[0].dtype.name
        if dtype not in wider:
            return function(*inputs, **attrs)
        same = (tf.cast(x, wider[dtype]) if x.dtype.name == dtype else x for x in inputs)
        computed = function(*same, **attrs)
        return tf.cast(computed, dtype) if result else computed

    return wrapped
