"""Embedding: a vector for each of a number of things."""

from __future__ import annotations

from typing import Any

from kerasish import compat, ops
from kerasish.graph import dtypes
from kerasish.graph.shapes import compatible
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import positive
from kerasish.layers.quantized import Quantizable


@compat.older_names(
    init="embeddings_initializer",
    W_regularizer="embeddings_regularizer",
    W_constraint="embeddings_constraint",
    dropout=compat.left_out("put a SpatialDropout1D behind the layer instead"),
)
class Embedding(Quantizable):
    """Turns whole numbers into vectors, which are learnt.

    Args:
        input_dim: how many things there are; inputs lie from 0 to input_dim - 1. Others are taken
            as by `ops.take`: those below 0 count from the end, those beyond give NaN. In data for
            a model whose input goes straight into the layer they are errors.
        output_dim: the length of the vectors.
        embeddings_initializer: of the table, of shape (input_dim, output_dim).
        embeddings_regularizer: adds a loss computed from the table.
        embeddings_constraint: a projection of the table after each step.
        mask_zero: whether 0 stands for padding, which later layers skip.
        quantization_config: of a layer that is made of the config of a quantized one.
        **kwargs: also `input_length`, the fixed length of sequences, and `weights`, the table.

    Shapes:
        (batch, ...) -> (batch, ..., output_dim)

    >>> Embedding(10, 4)(np.array([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    _table = "embeddings"

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        length = kwargs.pop("input_length", None)
        if length is not None:
            _set_length(kwargs, length)
        if kwargs.get("weights") is not None and not isinstance(kwargs["weights"], (list, tuple)):
            kwargs["weights"] = [kwargs["weights"]]
        super().__init__(**kwargs)
        self._keep_quantization(quantization_config)
        self.input_dim = positive(input_dim, "Embedding: input_dim")
        self.output_dim = positive(output_dim, "Embedding: output_dim")
        self._keep_rules(
            "embeddings", embeddings_initializer, embeddings_regularizer, embeddings_constraint
        )
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False  # a large number does not survive in float16

    def build(self, input_shape: Any) -> None:
        """Makes the table."""
        self._add_table((self.input_dim, self.output_dim))

    def call(self, inputs: Tensor) -> Tensor:
        """The vectors of the inputs."""
        indices = inputs if dtypes.is_int(inputs.dtype) else ops.cast(inputs, "int32")
        vectors = ops.cast(ops.take(self.embeddings, indices, axis=0), self.compute_dtype)
        if self.quantization_mode is None:
            return vectors
        scale = ops.take(self.embeddings_scale, indices, axis=0)
        return vectors / ops.cast(ops.expand_dims(scale, -1), self.compute_dtype)

    def _reduced_axes(self) -> tuple[int, ...]:
        return (1,)

    def compute_mask(self, inputs: Tensor, mask: Any = None) -> Tensor | None:
        """True where the input is not 0, if `mask_zero`."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("autocast", None)
        return config


class ReversibleEmbedding(Embedding):
    """An embedding that also turns vectors back into a score for each thing.

    Source: Press & Wolf, 2016, arXiv:1608.05859

    Args:
        input_dim: how many things there are.
        output_dim: the length of the vectors.
        tie_weights: whether one table serves both ways.
        embeddings_initializer: of the tables.
        embeddings_regularizer: adds a loss computed from the tables.
        embeddings_constraint: a projection of the tables after each step.
        mask_zero: whether 0 stands for padding, which later layers skip.
        reverse_dtype: of the computation on the way back; the layer's if None.
        logit_soft_cap: keeps scores within plus and minus this number by tanh.

    Shapes:
        (batch, ...) -> (batch, ..., output_dim); with `reverse=True` (batch, ..., output_dim)
        -> (batch, ..., input_dim)

    >>> layer = ReversibleEmbedding(10, 4)
    >>> layer(layer(np.array([[1, 2, 3]])), reverse=True).shape
    (1, 3, 10)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer,
            embeddings_regularizer,
            embeddings_constraint,
            mask_zero,
            **kwargs,
        )
        self.tie_weights = tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Any) -> None:
        """Makes the table(s)."""
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                name="reverse_embeddings",
                shape=(self.output_dim, self.input_dim),
                initializer=self.embeddings_initializer,
                regularizer=self.embeddings_regularizer,
                constraint=self.embeddings_constraint,
            )

    def call(self, inputs: Tensor, reverse: bool = False) -> Tensor:
        """The vectors of the inputs; with `reverse` the scores of all things."""
        if not reverse:
            return super().call(inputs)
        if self.tie_weights:
            kernel = ops.transpose(self.embeddings)
        else:
            kernel = ops.convert_to_tensor(self.reverse_embeddings)
        dtype = self.reverse_dtype or self.compute_dtype
        logits = ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype))
        cap = self.logit_soft_cap
        return logits if cap is None else ops.tanh(logits / cap) * cap

    def compute_mask(self, inputs: Tensor, mask: Any = None) -> Any:
        """True where the input is not 0, if `mask_zero`; that of the vectors on the way back."""
        if dtypes.is_int(inputs.dtype):
            return super().compute_mask(inputs, mask)
        return mask


def _set_length(kwargs: dict[str, Any], length: Any) -> None:
    """The shape of inputs of a fixed length, if it is not given; else they must agree."""
    sizes = tuple(length) if isinstance(length, (list, tuple)) else (length,)
    if not {"input_shape", "batch_input_shape"} & kwargs.keys():
        kwargs["input_shape"] = sizes
        return
    given = kwargs.get("input_shape") or tuple(kwargs.get("batch_input_shape") or ())[1:]
    given = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    if not compatible(given, sizes):
        raise ValueError(
            f"Embedding: input_length={length!r} contradicts the shape of inputs {given}. Give one "
            "of them."
        )
