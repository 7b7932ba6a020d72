"""Quantization: floats as whole numbers of few bits and a scale, in the names of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerasish import ops
from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.tensor import Tensor
from kerasish.saving.serialization import Configurable, Registry, serialize_keras_object

__all__ = [
    "AWQConfig",
    "AbsMaxQuantizer",
    "Float8QuantizationConfig",
    "GPTQConfig",
    "Int4QuantizationConfig",
    "Int8QuantizationConfig",
    "QuantizationConfig",
    "Quantizer",
    "abs_max_quantize",
    "abs_max_quantize_grouped_with_zero_point",
    "compute_float8_amax_history",
    "compute_float8_scale",
    "deserialize",
    "fake_quant_with_min_max_vars",
    "get",
    "pack_int4",
    "quantize_and_dequantize",
    "serialize",
    "unpack_int4",
]


# --- whole numbers -----------------------------------------------------------------------


def abs_max_quantize(
    inputs: Any,
    axis: Any,
    value_range: tuple[float, float] = (-127, 127),
    dtype: str = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[Any, Any]:
    """Whole numbers that the largest is the end of the range of: inputs * scale, rounded.

    Args:
        inputs: floats.
        axis: an int or several: the axes that share a scale; None for all.
        value_range: the smallest and the largest number.
        dtype: of the result.
        epsilon: added to the largest absolute value, so that zeros have a scale.
        to_numpy: whether the results are arrays, computed now.

    Returns:
        The numbers, and the scale, in the dtype of the inputs, with 1 for each shared axis.

    >>> numbers, scale = abs_max_quantize(np.array([[1.0, -0.5]], "float32"), axis=-1)
    >>> numbers.numpy(), scale.numpy().round(3)
    (array([[127, -63]], dtype=int8), array([[127.]], dtype=float32))
    """
    x = _floats(inputs, "abs_max_quantize")
    largest = ops.max(ops.abs(x), axis=axis, keepdims=True)
    scale = ops.cast(value_range[1] / ops.add(largest, epsilon), x.dtype)
    rounded = ops.clip(ops.round(x * scale), value_range[0], value_range[1])
    numbers = ops.cast(rounded, dtype)
    return (numbers.numpy(), scale.numpy()) if to_numpy else (numbers, scale)


def abs_max_quantize_grouped_with_zero_point(
    inputs: Any,
    block_size: int,
    value_range: tuple[float, float] = (-8, 7),
    dtype: str = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[Any, Any, Any]:
    """Whole numbers of blocks of rows, each with a scale and a zero: inputs / scale + zero.

    Args:
        inputs: floats (rows, columns).
        block_size: how many rows share a scale per column. The last block is filled up with zeros.
        value_range: the smallest and the largest number.
        dtype: of the numbers and zeros.
        epsilon: numbers that differ by less are taken as equal.
        to_numpy: whether the results are arrays, computed now.

    Returns:
        The numbers (rows, columns), the scales and the zeros (blocks, columns).

    Raises:
        ValueError: the inputs have not two axes, or the block size is no number above 0.

    >>> x = np.array([[0.0], [15.0]], "float32")
    >>> [part.numpy().tolist() for part in abs_max_quantize_grouped_with_zero_point(x, 2)]
    [[[-8], [7]], [[1.0]], [[-8]]]
    """
    x = _floats(inputs, "abs_max_quantize_grouped_with_zero_point")
    if x.ndim != 2 or not isinstance(block_size, int) or block_size < 1:
        raise ValueError(
            "abs_max_quantize_grouped_with_zero_point takes inputs (rows, columns) and a "
            f"block_size above 0, but got {x.ndim} axes and block_size={block_size!r}."
        )
    rows, columns = x.shape
    blocks = -(-rows // block_size)  # type: ignore[operator]
    filled = ops.pad(x, ((0, blocks * block_size - rows), (0, 0)))  # type: ignore[operator]
    grouped = ops.reshape(filled, (blocks, block_size, columns))
    least, most = ops.min(grouped, axis=1), ops.max(grouped, axis=1)
    flat = ops.cast(most - least < epsilon, x.dtype)
    least, most = least - flat, most + flat
    low, high = value_range
    scale = (most - least) / (high - low)
    zero = ops.clip(ops.round(low - least / scale), low, high)
    numbers = ops.round(grouped / scale[:, None]) + zero[:, None]
    numbers = ops.reshape(ops.clip(numbers, low, high), (blocks * block_size, columns))[:rows]
    results = (ops.cast(numbers, dtype), scale, ops.cast(zero, dtype))
    return tuple(t.numpy() for t in results) if to_numpy else results


def pack_int4(
    arr: Any, axis: int = 0, dtype: str = "int8"
) -> tuple[Tensor, tuple[int | None, ...], int]:
    """Pairs of numbers of 4 bits in one byte each, the first in the lower half.

    Args:
        arr: int8 from -8 to 7, or uint8 from 0 to 15.
        axis: along which neighbours make pairs; a last one alone gets a 0.
        dtype: "int8" or "uint8", that of `arr`.

    Returns:
        The bytes, their shape, and the size of the axis before.

    Raises:
        ValueError: for another dtype.
        TypeError: the numbers are not of it.

    >>> packed, shape, length = pack_int4(np.array([1, -1, 7], "int8"))
    >>> packed.numpy(), shape, length
    (array([-15,   7], dtype=int8), (2,), 3)
    """
    x = _bytes(arr, dtype, "pack_int4")
    length = x.shape[axis]
    x = ops.moveaxis(ops.cast(x, "int32"), axis, 0)
    x = ops.pad(x, ((0, length % 2), *((0, 0),) * (x.ndim - 1)))  # type: ignore[operator]
    both = ops.bitwise_and(x[0::2], 15) + 16 * ops.bitwise_and(x[1::2], 15)
    packed = ops.cast(_signed(both, 8) if dtype == "int8" else both, dtype)
    packed = ops.moveaxis(packed, 0, axis)
    return packed, packed.shape, length  # type: ignore[return-value]


def unpack_int4(packed: Any, orig_len: int, axis: int = 0, dtype: str = "int8") -> Tensor:
    """The numbers of 4 bits that `pack_int4` made bytes of.

    Args:
        packed: the bytes.
        orig_len: the size of the axis before.
        axis: as of `pack_int4`.
        dtype: likewise.

    Raises:
        ValueError: for another dtype.
        TypeError: the bytes are not of it.

    >>> unpack_int4(np.array([-15, 7], "int8"), 3).numpy()
    array([ 1, -1,  7], dtype=int8)
    """
    x = ops.moveaxis(ops.cast(_bytes(packed, dtype, "unpack_int4"), "int32"), axis, 0)
    pair = ops.stack([ops.bitwise_and(x, 15), ops.bitwise_and(ops.floor_divide(x, 16), 15)], 1)
    numbers = ops.reshape(pair, (-1, *x.shape[1:]))[:orig_len]
    numbers = _signed(numbers, 4) if dtype == "int8" else numbers
    return ops.moveaxis(ops.cast(numbers, dtype), 0, axis)


def _signed(x: Tensor, bits: int) -> Tensor:
    """Numbers from 0 on as those of two's complement."""
    return ops.where(x >= 2 ** (bits - 1), x - 2**bits, x)


def _bytes(x: Any, dtype: str, what: str) -> Tensor:
    if dtype not in ("int8", "uint8"):
        raise ValueError(f'{what}: dtype must be "int8" or "uint8", but got {dtype!r}.')
    x = as_tensor(x)
    if x.dtype != dtype:
        raise TypeError(f"{what} takes numbers of dtype {dtype}, but got {x.dtype}.")
    return x


def _floats(x: Any, what: str) -> Tensor:
    x = as_tensor(x)
    if not dtypes.is_float(x.dtype):
        raise TypeError(f"{what} takes floats, but got {x.dtype}.")
    return x


def fake_quant_with_min_max_vars(
    inputs: Any,
    min_vals: Any,
    max_vals: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Tensor:
    """Floats rounded to those that a number of bits can tell apart, for training with it.

    The range is moved a little, so that 0 is one of them. The gradient passes where inputs lie in
    the range; where they do not, it goes to the end of the range that they lie beyond.

    Args:
        inputs: floats.
        min_vals: the lower end: a number, or with `axis` one per index of it.
        max_vals: the upper end, likewise.
        num_bits: from 2 to 16.
        narrow_range: whether the lowest of the numbers is left out, so that there are as many
            on both sides of 0.
        axis: that has a range per index; None for one range.

    Raises:
        ValueError: for another number of bits.

    Source: Jacob et al., 2017, arXiv:1712.05877

    >>> x = np.array([0.0, 0.2, 9.0], "float32")
    >>> fake_quant_with_min_max_vars(x, 0.0, 3.0, num_bits=2).numpy()
    array([0., 0., 3.], dtype=float32)
    """
    if isinstance(num_bits, bool) or not isinstance(num_bits, int) or not 2 <= num_bits <= 16:
        raise ValueError(
            f"fake_quant_with_min_max_vars: num_bits must be from 2 to 16, but got {num_bits!r}."
        )
    x = _floats(inputs, "fake_quant_with_min_max_vars")
    shape: list[int | None] = [1] * x.ndim
    if axis is not None:
        shape[axis] = x.shape[axis]
    low, high = (as_tensor(ops.cast(v, x.dtype)) for v in (min_vals, max_vals))
    first, last = int(narrow_range), 2**num_bits - 1
    scale = (high - low) / (last - first)
    zero = ops.clip(ops.floor(first - low / scale + 0.5), first, last)
    ends = [ops.reshape((end - zero) * scale, shape) for end in (first, last)]
    step = ops.reshape(scale, shape)

    @ops.custom_gradient
    def rounded(x: Tensor, low: Tensor, high: Tensor) -> Any:
        steps = ops.floor((ops.clip(x, *ends) - ends[0]) / step + 0.5)
        below, above = x < ends[0], x > ends[1]
        others = None if axis is None else [i for i in range(x.ndim) if i != axis % x.ndim]

        def grad(upstream: Tensor) -> list[Tensor]:
            def of(where: Tensor) -> Tensor:
                return upstream * ops.cast(where, upstream.dtype)

            within = ops.logical_not(ops.logical_or(below, above))
            sums = (ops.sum(of(where), axis=others) for where in (below, above))
            return [of(within), *(ops.reshape(s, low.shape) for s in sums)]

        return steps * step + ends[0], grad

    return rounded(x, low, high)


# --- 8-bit floats ------------------------------------------------------------------------

# Largest number, exponent of the smallest normal one, bits behind the point.
_FLOAT8 = {"float8_e4m3fn": (448.0, -6, 3), "float8_e5m2": (57344.0, -14, 2)}


def quantize_and_dequantize(
    inputs: Any, scale: Any, quantized_dtype: str, compute_dtype: str
) -> Tensor:
    """Floats rounded to those of 8 bits, which are inputs / scale, and back.

    Args:
        inputs: floats.
        scale: a number.
        quantized_dtype: "float8_e4m3fn" or "float8_e5m2".
        compute_dtype: of the result.

    Raises:
        ValueError: for another quantized dtype.

    Source: Micikevicius et al., "FP8 Formats for Deep Learning", 2022, arXiv:2209.05433

    >>> quantize_and_dequantize(np.array([1.03, 999.0]), 1.0, "float8_e4m3fn", "float32").numpy()
    array([  1., 448.], dtype=float32)
    """
    if quantized_dtype not in _FLOAT8:
        raise ValueError(
            f"quantize_and_dequantize: quantized_dtype must be one of {sorted(_FLOAT8)}, but got "
            f"{quantized_dtype!r}."
        )
    largest, least, bits = _FLOAT8[quantized_dtype]
    factor = ops.cast(scale, "float32")
    x = ops.clip(ops.cast(inputs, "float32") / factor, -largest, largest)
    powers = [2.0**i for i in range(least + 1, 17)]
    exponent = ops.cast(ops.digitize(ops.abs(x), powers), "float32") + (least - bits)
    step = ops.power(2.0, exponent)
    return ops.cast(ops.round(x / step) * step * factor, compute_dtype)


def compute_float8_scale(amax: Any, scale: Any, dtype_max: float, margin: int = 0) -> Tensor:
    """The scale with which values up to `amax` fill an 8-bit float.

    Args:
        amax: the largest absolute value.
        scale: what it was before, which it stays where `amax` is 0 or not finite.
        dtype_max: the largest of the 8-bit floats.
        margin: how many times by 2 there shall be room above.

    >>> float(compute_float8_scale(224.0, 1.0, 448.0))
    0.5
    """
    amax, scale = as_tensor(amax), as_tensor(scale)
    usable = ops.logical_and(ops.isfinite(amax), amax > 0)
    fitting = ops.where(usable, amax, 1.0) * (2.0**margin / dtype_max)
    return ops.where(usable, ops.cast(fitting, scale.dtype), scale)


def compute_float8_amax_history(x: Any, amax_history: Any) -> Tensor:
    """The largest absolute values of the latest steps, with that of `x` in the first place.

    Args:
        x: floats.
        amax_history: (steps,).

    >>> compute_float8_amax_history(np.array([1.0, -5.0]), np.array([9.0, 1.0, 2.0])).numpy()
    array([5., 2., 9.])
    """
    history = as_tensor(amax_history)
    newest = ops.cast(ops.max(ops.abs(x)), history.dtype)
    return ops.concatenate([ops.reshape(newest, (1,)), history[2:], history[:1]])


# --- quantizers --------------------------------------------------------------------------


class Quantizer(Configurable):
    """The base of quantizers: one of one's own defines `__call__(x)`, which returns numbers and
    their scale.

    Args:
        output_dtype: of the numbers.
    """

    def __init__(self, output_dtype: str = "int8"):
        self.output_dtype = output_dtype

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(x).")


class AbsMaxQuantizer(Quantizer):
    """`abs_max_quantize` with its arguments.

    Args:
        axis: an int or several: the axes that share a scale; all if None.
        value_range: the smallest and the largest number.
        epsilon: as of the function.
        output_dtype: of the numbers.

    >>> AbsMaxQuantizer(axis=-1)(np.array([[1.0, 0.0]], "float32"))[0].numpy()
    array([[127,   0]], dtype=int8)
    """

    def __init__(
        self,
        axis: Any = None,
        value_range: tuple[float, float] = (-127, 127),
        epsilon: float = 1e-7,
        output_dtype: str = "int8",
    ):
        super().__init__(output_dtype)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.value_range = (value_range[0], value_range[1])
        self.epsilon = epsilon

    def __call__(self, x: Any, axis: Any = None, to_numpy: bool = False) -> tuple[Any, Any]:
        """The numbers and their scale; `axis` in place of the quantizer's own, if it is given."""
        axis = (self.axis or None) if axis is None else axis
        return abs_max_quantize(
            x, axis, self.value_range, self.output_dtype, self.epsilon, to_numpy
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not self.axis:
            del config["axis"]
        return config


# --- what is to be done with a layer -----------------------------------------------------


class QuantizationConfig(Configurable):
    """How a layer is quantized. Base of those for each mode.

    Args:
        weight_quantizer: of weights, the mode's own if None.
        activation_quantizer: of inputs, which stay as they are if None.
    """

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = None):
        self.weight_quantizer = get(weight_quantizer)
        self.activation_quantizer = get(activation_quantizer)

    @property
    def mode(self) -> str:
        """The name of the mode."""
        raise NotImplementedError(
            f"{type(self).__name__} has no mode: make an Int8QuantizationConfig, or one of the "
            "other modes."
        )

    @staticmethod
    def weight_quantizer_or_default(config: Any, default: Any) -> Any:
        """The quantizer of weights that a config (or None) names, `default` if it names none."""
        found = None if config is None else config.weight_quantizer
        return default if found is None else found

    @staticmethod
    def activation_quantizer_or_default(config: Any, default: Any) -> Any:
        """The quantizer of inputs of a config; `default` only where there is no config."""
        return default if config is None else config.activation_quantizer


class Int8QuantizationConfig(QuantizationConfig):
    """Weights and inputs in 8 bits.

    Args:
        weight_quantizer: of weights; one scale per output if None.
        activation_quantizer: of inputs; "default" for one scale per row; None leaves the inputs
            as they are.
    """

    mode = "int8"

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = "default"):
        default = activation_quantizer == "default"
        super().__init__(weight_quantizer, AbsMaxQuantizer() if default else activation_quantizer)


class _Unsupported(QuantizationConfig):
    """A mode that is known by name."""

    def __init__(self, *args: Any, **kwargs: Any):
        raise NotImplementedError(
            f"{type(self).__name__}: of the modes of quantization only int8 is supported, which "
            "Int8QuantizationConfig is for."
        )


class Int4QuantizationConfig(_Unsupported):
    """4 bits: making one is an error that says what is supported."""


class Float8QuantizationConfig(_Unsupported):
    """8-bit floats: making one is an error that says what is supported."""


class GPTQConfig(_Unsupported):
    """GPTQ: making one is an error that says what is supported."""


class AWQConfig(_Unsupported):
    """AWQ: making one is an error that says what is supported."""


registry = Registry(
    "quantizer",
    [
        AWQConfig,
        AbsMaxQuantizer,
        Float8QuantizationConfig,
        GPTQConfig,
        Int4QuantizationConfig,
        Int8QuantizationConfig,
        QuantizationConfig,
        Quantizer,
    ],
    {"abs_max_quantizer": "AbsMaxQuantizer"},
    callables=True,
)


def get(identifier: Any, **kwargs: Any) -> Any:
    """The quantizer that `identifier` stands for.

    Args:
        identifier: None (gives None), a name, a class, a config, or a quantizer.
        **kwargs: arguments for one that is named.

    >>> get("abs_max_quantizer", axis=0).axis
    (0,)
    """
    if kwargs and isinstance(identifier, str):
        return registry.find(identifier)(**kwargs)
    return registry.get(identifier)


def serialize(initializer: Any) -> Any:
    """A quantizer as plain data, in Keras 3's form.

    >>> serialize(AbsMaxQuantizer(axis=0))["config"]["axis"]
    (0,)
    """
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The quantizer of a config as of `serialize`."""
    return registry.deserialize(config, custom_objects)
