"""Embedding: a vector for each of a number of things."""

from __future__ import annotations

from typing import Any

from kerasish import compat, constraints, initializers, ops, regularizers
from kerasish.graph import dtypes
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import positive


@compat.older_names(
    init="embeddings_initializer",
    W_regularizer="embeddings_regularizer",
    W_constraint="embeddings_constraint",
)
class Embedding(Layer):
    """Turns whole numbers into vectors, which are learnt.

    Args:
        input_dim: how many things there are; inputs lie from 0 to input_dim - 1. What a number
            outside of this gives is up to the engine.
        output_dim: the length of the vectors.
        embeddings_initializer: of the table, of shape (input_dim, output_dim).
        embeddings_regularizer: adds a loss computed from the table.
        embeddings_constraint: a projection of the table after each step.
        mask_zero: whether 0 stands for padding, which later layers skip.
        **kwargs: also `input_length`, the fixed length of sequences, and `weights`, the table.

    Shapes:
        (batch, ...) -> (batch, ..., output_dim)

    >>> Embedding(10, 4)(np.array([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        **kwargs: Any,
    ):
        length = kwargs.pop("input_length", None)
        if length is not None and not {"input_shape", "batch_input_shape"} & kwargs.keys():
            kwargs["input_shape"] = length
        if kwargs.get("weights") is not None and not isinstance(kwargs["weights"], (list, tuple)):
            kwargs["weights"] = [kwargs["weights"]]
        super().__init__(**kwargs)
        self.input_dim = positive(input_dim, "Embedding: input_dim")
        self.output_dim = positive(output_dim, "Embedding: output_dim")
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False  # a large number does not survive in float16

    def build(self, input_shape: Any) -> None:
        """Makes the table."""
        shape = (self.input_dim, self.output_dim)
        self.embeddings = self.add_weight(name="embeddings", shape=shape)

    def call(self, inputs: Tensor) -> Tensor:
        """The vectors of the inputs."""
        indices = inputs if dtypes.is_int(inputs.dtype) else ops.cast(inputs, "int32")
        return ops.take(self.embeddings, indices, axis=0)

    def compute_mask(self, inputs: Tensor, mask: Any = None) -> Tensor | None:
        """True where the input is not 0, if `mask_zero`."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("autocast", None)
        return config
