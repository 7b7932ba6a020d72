"""Lowerings beyond arithmetic: special functions, bits, order, segments."""

from __future__ import annotations

from typing import Any

from kerasish.engines.tensorflow.library import tf
from kerasish.engines.tensorflow.wider import HALVES, Lowering, through


def _of_numbers(function: Lowering) -> Lowering:
    """`function` of the first input, booleans taken as bytes."""

    def lowered(x: Any, *others: Any, **attrs: Any) -> Any:
        if x.dtype != tf.bool:
            return function(x, *others, **attrs)
        result = function(tf.cast(x, tf.uint8), *others, **attrs)
        return tf.cast(result, tf.bool) if result.dtype == tf.uint8 else result

    return lowered


def _nextafter(x: Any, y: Any) -> Any:
    if x.dtype.size > 2:
        return tf.math.nextafter(x, y)
    # There is no kernel for half precision: its bits, as numbers that ascend with the value.
    lowest = tf.int16.min
    bits = tf.bitcast(x + tf.zeros_like(y), tf.int16)
    place = tf.where(bits < 0, lowest - bits, bits)
    step = tf.cast(tf.sign(tf.cast(y, tf.float32) - tf.cast(x, tf.float32)), tf.int16)
    place = place + step
    moved = tf.bitcast(tf.where(place < 0, lowest - place, place), x.dtype)
    return tf.where(x == y, y + tf.zeros_like(x), tf.where(tf.math.is_nan(x + y), x + y, moved))


def _gcd(x: Any, y: Any) -> Any:
    shape = tf.broadcast_static_shape(x.shape, y.shape)
    signed = not x.dtype.is_unsigned
    a, b = (tf.broadcast_to(tf.abs(t) if signed else t, shape) for t in (x, y))

    def rest(a: Any, b: Any) -> tuple[Any, Any]:
        done = tf.equal(b, 0)
        left = tf.math.floormod(a, tf.where(done, tf.ones_like(b), b))
        return tf.where(done, a, b), tf.where(done, b, left)

    return tf.while_loop(lambda a, b: tf.reduce_any(tf.not_equal(b, 0)), rest, (a, b))[0]


def _argsort(x: Any, *, axis: int) -> Any:
    if x.dtype.is_floating:
        # NaN last: first in order of the numbers, then NaN after them, both in stable order.
        missing = tf.math.is_nan(x)
        order = tf.argsort(tf.where(missing, tf.zeros_like(x), x), axis, stable=True)
        late = _along(tf.cast(missing, tf.int32), order, axis)
        return _along(order, tf.argsort(late, axis, stable=True), axis)
    return tf.argsort(x, axis, stable=True)


def _along(x: Any, indices: Any, axis: int) -> Any:
    """The elements that `indices` names in each line along `axis`."""
    last = x.shape.rank - 1
    order = [i for i in range(last + 1) if i != axis] + [axis]
    back = [order.index(i) for i in range(last + 1)]
    lines = tf.gather(
        tf.transpose(x, order), tf.transpose(indices, order), axis=last, batch_dims=last
    )
    return tf.transpose(lines, back)


def _sort(x: Any, *, axis: int) -> Any:
    return _along(x, _argsort(x, axis=axis), axis) if x.dtype.is_floating else tf.sort(x, axis)


def _top_k(x: Any, *, k: int) -> Any:
    return tuple(tf.math.top_k(x, k))


def _searchsorted(sorted_sequence: Any, values: Any, *, right: bool) -> Any:
    flat = tf.reshape(values, [-1])
    found = tf.searchsorted(sorted_sequence, flat, "right" if right else "left")
    return tf.reshape(found, values.shape)


def _segment(function: Lowering) -> Lowering:
    def lowered(data: Any, ids: Any, *, count: int) -> Any:
        return function(data, ids, count)

    return _of_numbers(lowered)


def _view(x: Any, *, dtype: str) -> Any:
    if x.dtype == tf.bool:
        x = tf.cast(x, tf.uint8)
    target = tf.uint8 if dtype == "bool" else tf.as_dtype(dtype)
    if target.size > x.dtype.size:
        parts = target.size // x.dtype.size
        x = tf.reshape(x, [*x.shape[:-1], x.shape[-1] // parts, parts])
    result = tf.bitcast(x, target)
    if target.size < x.dtype.size:
        result = tf.reshape(result, [*x.shape[:-1], x.shape[-1] * (x.dtype.size // target.size)])
    return tf.cast(result, tf.bool) if dtype == "bool" else result


TABLE: dict[str, Lowering] = {
    "arctan2": tf.atan2,
    "arcsinh": tf.asinh,
    "arccosh": tf.acosh,
    "nextafter": _nextafter,
    "bitwise_and": tf.bitwise.bitwise_and,
    "bitwise_or": tf.bitwise.bitwise_or,
    "bitwise_xor": tf.bitwise.bitwise_xor,
    "left_shift": tf.bitwise.left_shift,
    "right_shift": tf.bitwise.right_shift,
    "gcd": _gcd,
    "argsort": _of_numbers(_argsort),
    "sort": _of_numbers(_sort),
    "top_k": _top_k,
    "searchsorted": _searchsorted,
    "segment_max": _segment(tf.math.unsorted_segment_max),
    "segment_min": _segment(tf.math.unsorted_segment_min),
    "segment_prod": through(_segment(tf.math.unsorted_segment_prod), HALVES),
    "view": _view,
}
