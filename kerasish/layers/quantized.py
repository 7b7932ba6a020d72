"""Layers whose table of weights can be kept in 8 bits."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from kerasish import ops, quantizers
from kerasish.dtype_policies import QuantizedDTypePolicy
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.layers.base import Layer


class Quantizable(Layer):
    """The part of Dense, EinsumDense and Embedding that knows of quantization.

    A quantized layer has its table as int8, which does not train, and a scale for each output
    (for each thing, of an Embedding). It computes with numbers / scale, and with its inputs
    rounded likewise if the config says so; the gradient is that of the table so rounded.

    Subclasses make the table by `_add_table`, compute with `_table_now()`, and say which of its
    axes share a scale, and how the scale lies in files.
    """

    _table: str  # the name of the weight
    quantization_config: Any

    def _keep_quantization(self, config: Any) -> None:
        self.quantization_config = quantizers.get(config)

    def _reduced_axes(self) -> tuple[int, ...]:
        """The axes of the table that share a scale."""
        raise NotImplementedError

    def _stored_scale(self, scale: Any) -> Any:
        """A scale, which has 1 for each shared axis, in the shape of the weight."""
        return ops.squeeze(scale, self._reduced_axes())

    def _spread_scale(self, scale: Tensor) -> Tensor:
        """The reverse of `_stored_scale`."""
        return ops.expand_dims(scale, self._reduced_axes())

    def _add_table(self, shape: tuple[int, ...]) -> None:
        """Makes the table, and its scale if the layer is quantized from the start."""
        if self.quantization_mode is None:
            setattr(self, self._table, self.add_weight(name=self._table, shape=shape))
            return
        axes = self._reduced_axes()
        scale = self._stored_scale(np.ones([1 if i in axes else n for i, n in enumerate(shape)]))
        self._add_numbers(np.zeros(shape, "int8"), np.asarray(scale))

    def _add_numbers(self, numbers: np.ndarray, scale: np.ndarray) -> None:
        kept = {"trainable": False, "autocast": False}
        table = self.add_weight(
            name=self._table,
            shape=numbers.shape,
            dtype="int8",
            initializer=lambda shape, dtype: numbers,
            **kept,
        )
        table.regularizer = table.constraint = None
        name = f"{self._table}_scale"
        factor = self.add_weight(
            name=name, shape=scale.shape, initializer=lambda shape, dtype: scale, **kept
        )
        setattr(self, self._table, table)
        setattr(self, name, factor)

    def _table_now(self) -> Any:
        """The table to compute with, in the dtype of the computation."""
        table = getattr(self, self._table)
        if self.quantization_mode is None:
            return table
        scale = self._spread_scale(getattr(self, f"{self._table}_scale"))
        return ops.cast(table, self.compute_dtype) / ops.cast(scale, self.compute_dtype)

    def _rounded(self, inputs: Tensor, axes: tuple[int, ...]) -> Tensor:
        """The inputs of a quantized layer as its quantizer leaves them, with their own gradient."""
        config = self.quantization_config
        quantizer = quantizers.QuantizationConfig.activation_quantizer_or_default(
            config, quantizers.AbsMaxQuantizer()
        )
        if self.quantization_mode is None or quantizer is None:
            return inputs
        numbers, scale = quantizer(inputs, axis=axes)
        back = ops.cast(numbers, inputs.dtype) / scale
        return inputs + ops.stop_gradient(back - inputs)

    def quantize(
        self, mode: str | None = None, type_check: bool = True, config: Any = None
    ) -> None:
        """Keeps the table of weights as int8 from now on, a quarter of the memory.

        The numbers are those of Keras 3. The table does not train any more.

        Args:
            mode: "int8".
            type_check: whether subclasses, of whose computation nothing is known, are refused.
            config: a `quantizers.Int8QuantizationConfig`, in place of a mode or beside it.

        Raises:
            ValueError: the layer is not built, or is quantized already; or mode and config are
                missing, or contradict each other, or the mode is none.
            NotImplementedError: for other modes, and for subclasses.

        >>> from kerasish.layers import Dense
        >>> layer = Dense(3)
        >>> layer.build((None, 2))
        >>> layer.quantize("int8")
        >>> layer.kernel.dtype, layer.kernel_scale.shape
        ('int8', (3,))
        """
        where = f"Layer {self.name} ({type(self).__name__}): quantize"
        config = quantizers.get(config)
        _check_mode(mode, config, where)
        if type_check and "_table" not in type(self).__dict__:
            raise NotImplementedError(
                f"{where} knows what {type(self).__mro__[1].__name__} computes, not what a "
                "subclass of it does. Pass type_check=False if that is the same."
            )
        if not self.built:
            raise ValueError(f"{where} needs a layer that is built: call it on data first.")
        if self.quantization_mode is not None:
            raise ValueError(f"{where}: it is quantized already, as {self.dtype_policy.name}.")
        self.quantization_config = config or quantizers.Int8QuantizationConfig()
        default = quantizers.AbsMaxQuantizer(axis=self._reduced_axes())
        quantizer = self.quantization_config.weight_quantizer or default
        old: Variable = getattr(self, self._table)
        numbers, scale = quantizer(old.numpy())
        scale = np.asarray(self._stored_scale(scale))
        self._variables = [v for v in self._variables if v is not old]
        self.dtype_policy = QuantizedDTypePolicy("int8", self.dtype_policy.name)
        self._add_numbers(np.asarray(numbers), scale)
        table, factor = self._variables[-2:]
        table.path, factor.path = old.path, f"{old.path}_scale"

    def _stored_variables(self) -> list[Variable] | None:
        """The variables in the order of files: table, rest, scale; None if it is the usual one."""
        if self.quantization_mode is None:
            return None
        first, last = getattr(self, self._table), getattr(self, f"{self._table}_scale")
        rest = [v for v in self._own_variables() if v is not first and v is not last]
        return [first, *rest, last]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.quantization_config is None:
            config.pop("quantization_config", None)
        return config


def quantize_layers(model: Any, mode: str | None, config: Any, filters: Any) -> None:
    """Quantizes the layers within a model that can be.

    Args:
        model: what `Model.quantize` is called on.
        mode: as there.
        config: likewise.
        filters: likewise.
    """
    config = quantizers.get(config)
    _check_mode(mode, config, f"Model {model.name}: quantize")
    for layer in model._flatten_layers():
        known = isinstance(layer, Quantizable) and "_table" in type(layer).__dict__
        if known and layer.quantization_mode is None and _is_chosen(layer, filters):
            layer.quantize(mode, config=config)


def _is_chosen(layer: Layer, filters: Any) -> bool:
    if filters is None or callable(filters):
        return filters is None or bool(filters(layer))
    patterns = [filters] if isinstance(filters, str) else filters
    return any(re.search(pattern, layer.name) for pattern in patterns)


def _check_mode(mode: str | None, config: Any, where: str) -> None:
    wanted = mode if config is None else config.mode
    if wanted is None:
        raise ValueError(f"{where} needs a mode, or a config that has one.")
    if mode not in (None, wanted):
        raise ValueError(f"{where}: mode={mode!r} contradicts the config's, {wanted!r}.")
    if wanted in ("int4", "float8", "gptq", "awq"):
        raise NotImplementedError(
            f'{where}: of the modes only "int8" is supported, not {wanted!r}.'
        )
    if wanted != "int8":
        raise ValueError(f'{where}: the mode must be "int8", but got {wanted!r}.')
