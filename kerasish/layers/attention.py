"""Attention without heads: Attention and AdditiveAttention."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import fraction, one_of
from kerasish.ops import random


class Attention(Layer):
    """For each query a mean of the values, weighted by how well their keys fit the query.

    Source: Luong et al., 2015, arXiv:1508.04025

    Args:
        use_scale: whether the scores are multiplied by a learnt number.
        score_mode: how well a key fits: "dot" (product with the query) or "concat" (the sum of
            tanh(query + key), times a learnt number).
        dropout: the share of the weights to drop while training.
        seed: an int, for the same masks in each run of the program.

    Shapes:
        [query (batch, targets, size), value (batch, sources, value size)] or [query, value, key
        (batch, sources, size)] -> (batch, targets, value size); the key is the value if absent

    >>> Attention()([np.ones((1, 2, 3)), np.ones((1, 4, 3))]).shape
    (1, 2, 3)
    """

    supports_masking = True

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        name = type(self).__name__
        self.use_scale = use_scale
        self.score_mode = one_of(score_mode, ("dot", "concat"), f"{name}: score_mode")
        self.dropout = fraction(dropout, f"{name}: dropout")
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        """Makes the learnt numbers, if any."""
        self._check_shapes(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                name="concat_score_weight", shape=(), initializer="ones"
            )

    def _check_shapes(self, shapes: Any) -> None:
        fits = isinstance(shapes, (list, tuple)) and len(shapes) in (2, 3)
        if not fits or not all(isinstance(shape, (list, tuple)) for shape in shapes):
            raise ValueError(
                f"Layer {self.name} ({type(self).__name__}) takes a list [query, value] or "
                f"[query, value, key], but got inputs of shape {shapes}."
            )
        query, key = shapes[0], shapes[-1]
        if None not in (query[-1], key[-1]) and query[-1] != key[-1]:
            raise ValueError(
                f"Layer {self.name} ({type(self).__name__}): query and key must have one size on "
                f"the last axis, but have shapes {format_shape(query)} and {format_shape(key)}."
            )

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The weighted means.

        Args:
            inputs: [query, value] or [query, value, key].
            mask: a list of the masks of query and value, or None: outputs of masked queries
                are 0, masked values are not looked at.
            training: whether weights are dropped.
            return_attention_scores: whether to return the weights (batch, targets, sources) too.
            use_causal_mask: whether a target looks only at sources that are not after it.
        """
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        masks = self._masks(mask, (query, value))
        logits = self._scores(query, key)
        allowed = _allowed(masks[1], use_causal_mask, logits)
        if allowed is not None:
            # Far below every logit, yet finite, so that a row without any True stays a number.
            lowest = 65504.0 if logits.dtype == "float16" else 1e9
            logits = logits - lowest * ops.cast(ops.logical_not(allowed), logits.dtype)
        weights = ops.softmax(logits)
        if self.dropout:
            dropped = random.dropout(weights, self.dropout, seed=self.seed_generator)
            weights = ops.in_train_phase(dropped, weights, training)
        outputs = ops.matmul(weights, value)
        if masks[0] is not None:
            outputs = outputs * ops.expand_dims(ops.cast(masks[0], outputs.dtype), -1)
        return (outputs, weights) if return_attention_scores else outputs

    def _masks(self, mask: Any, tensors: tuple[Tensor, Tensor]) -> list[Any]:
        """Those of query and value, each None if there is none."""
        if mask is None:
            return [None, None]
        if not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3):
            raise ValueError(
                f"Layer {self.name} ({type(self).__name__}): mask must be a list [query mask, "
                f"value mask], with None where there is none, but got {mask!r:.100}."
            )
        for one, x, name in zip(mask, tensors, ("query", "value"), strict=False):
            if one is not None and not compatible(tuple(one.shape[-1:]), x.shape[-2:-1]):
                raise ValueError(
                    f"Layer {self.name} ({type(self).__name__}): the mask of the {name} must have "
                    f"its shape without the last axis, {format_shape(x.shape[:-1])}, but has "
                    f"{format_shape(tuple(one.shape))}."
                )
        return list(mask)

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        """How well each key fits each query: (batch, targets, sources)."""
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores * self.scale if self.use_scale else scores
        both = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        both = both * self.scale if self.use_scale else both
        return ops.sum(ops.tanh(both), axis=-1) * self.concat_score_weight

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the query."""
        return mask[0] if isinstance(mask, (list, tuple)) and mask else None


def _allowed(value_mask: Any, causal: bool, logits: Tensor) -> Tensor | None:
    """Where a target may look: booleans that broadcast to the logits; None: everywhere."""
    allowed = None if value_mask is None else ops.expand_dims(ops.cast(value_mask, "bool"), -2)
    if not causal:
        return allowed
    targets, sources = ops.shape(logits)[-2:]
    earlier = ops.expand_dims(ops.arange(targets), 1) >= ops.arange(sources)
    earlier = ops.expand_dims(earlier, 0)
    return earlier if allowed is None else ops.logical_and(allowed, earlier)


class AdditiveAttention(Attention):
    """Attention whose scores are sums of tanh(query + key), each feature with its own weight.

    Source: Bahdanau et al., 2014, arXiv:1409.0473

    Args:
        use_scale: whether features have learnt weights; if not they all count the same.
        dropout: the share of the weights to drop while training.
        **kwargs: also `seed`.

    Shapes:
        as those of `Attention`

    >>> AdditiveAttention()([np.ones((1, 2, 3)), np.ones((1, 4, 3))]).shape
    (1, 2, 3)
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any):
        super().__init__(use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        """Makes the weights of the features."""
        self._check_shapes(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(
                name="scale", shape=(input_shape[0][-1],), initializer="glorot_uniform"
            )

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        both = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(both * self.scale if self.use_scale else both, axis=-1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]  # not an argument of this one
        return config
