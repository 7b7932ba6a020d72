"""Random numbers: Philox bits, addressed by stream and run counter.

The bits are the same op by op, in a graph and under XLA, which TensorFlow's own
stateless functions do not promise, and cost a third of theirs.
"""

from __future__ import annotations

import math
from typing import Any

from kerasish.engines.tensorflow.library import tf

_PHILOX = 1

# float dtype -> the unsigned integers of its size, the bits that do not fit into its
# fraction, and 1.0 as such an integer.
_LAYOUT = {
    "float16": ("uint16", 6, 0x3C00),
    "bfloat16": ("uint16", 9, 0x3F80),
    "float32": ("uint32", 9, 0x3F800000),
    "float64": ("uint64", 12, 0x3FF0000000000000),
}


def bits(count: int, dtype: str, stream: int, counter: Any) -> Any:
    """`count` random unsigned integers."""
    # The generator counts blocks in the low word, so runs are told apart by the high one.
    position = tf.stack([tf.constant(0, tf.uint64), tf.cast(counter, tf.uint64)])
    size = tf.as_dtype(dtype).size
    drawn = tf.uint64 if size == 8 else tf.uint32
    words = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[-(-count * size // drawn.size)],
        key=tf.constant([stream], tf.uint64),
        counter=position,
        alg=_PHILOX,
        dtype=drawn,
    )
    if size == drawn.size:
        return words
    return tf.reshape(tf.bitcast(words, dtype), [-1])[:count]


def uniform(*, shape: tuple[int, ...], dtype: str, stream: int, counter: Any) -> Any:
    """In [0, 1): random fractions put behind a 1, minus that 1."""
    unsigned, shift, one = _LAYOUT[dtype]
    drawn = bits(math.prod(shape), unsigned, stream, counter)
    fraction = tf.bitwise.right_shift(drawn, tf.constant(shift, unsigned))
    ones = tf.bitcast(tf.bitwise.bitwise_or(fraction, tf.constant(one, unsigned)), dtype)
    return tf.reshape(ones - tf.constant(1, dtype), shape)


def normal(*, shape: tuple[int, ...], dtype: str, stream: int, counter: Any) -> Any:
    """By Box and Muller, 1958, https://doi.org/10.1214/aoms/1177706645."""
    wide = "float64" if dtype == "float64" else "float32"
    half = (math.prod(shape) + 1) // 2
    u, v = tf.unstack(uniform(shape=(2, half), dtype=wide, stream=stream, counter=counter))
    radius, angle = tf.sqrt(-2 * tf.math.log(1 - u)), 2 * math.pi * v
    both = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], 0)
    return tf.cast(tf.reshape(both[: math.prod(shape)], shape), dtype)


def dropout_mask(
    *, shape: tuple[int, ...], rate: float, dtype: str, stream: int, counter: Any
) -> Any:
    """1 / (1 - rate) where kept, 0 elsewhere; few bits decide, for they are the cost."""
    unsigned, steps = ("uint8", 1 << 8) if (rate * 256).is_integer() else ("uint16", 1 << 16)
    limit = min(round(rate * steps), steps - 1)
    drawn = bits(math.prod(shape), unsigned, stream, counter)
    kept = tf.cast(drawn >= tf.constant(limit, unsigned), dtype)
    return tf.reshape(kept * tf.constant(1 / (1 - rate), dtype), shape)
