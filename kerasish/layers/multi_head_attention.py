"""Attention with heads: each looks for something else."""

from __future__ import annotations

import math
from typing import Any

from kerasish import ops
from kerasish.graph import dtypes
from kerasish.graph.shapes import canonical_axis
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import fraction, positive
from kerasish.layers.einsum_dense import EinsumDense
from kerasish.ops import random


class _HeadAttention(Layer):
    """Projections, attention within heads, and the projection of what they found.

    Subclasses say how many heads there are, and how large.
    """

    supports_masking = True
    _query_heads: int
    _key_heads: int
    _key_size: int
    _value_size: int

    def __init__(
        self,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        use_gate: bool,
        seed: int | None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        name = type(self).__name__
        self.dropout = fraction(dropout, f"{name}: dropout")
        self.use_bias = use_bias
        self.sliding_window = sliding_window
        if sliding_window is not None:
            positive(sliding_window, f"{name}: sliding_window")
        self.flash_attention = flash_attention
        self._keep_rules("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._keep_rules("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.use_gate = use_gate
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self._axes: Any = (1,)
        self._result_shape: Any = None

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        """Makes the projections."""
        key_shape = value_shape if key_shape is None else key_shape
        rank = len(query_shape)
        if rank < 3:
            raise ValueError(
                f"Layer {self.name}: query, value and key must have at least the axes (batch, "
                f"length, features), but the query has shape {format_shape(query_shape)}."
            )
        if not rank == len(value_shape) == len(key_shape):
            raise ValueError(
                f"Layer {self.name}: query, value and key must have one rank, but have shapes "
                f"{format_shape(query_shape)}, {format_shape(value_shape)} and "
                f"{format_shape(key_shape)}."
            )
        axes = range(1, rank - 1) if self._axes is None else self._axes
        self._axes = tuple(canonical_axis(axis, rank) for axis in axes)
        q, k = self._query_heads, self._key_heads
        self._query_dense = self._heads("query", query_shape, q, self._key_size)
        self._key_dense = self._heads("key", key_shape, k, self._key_size)
        if self.use_gate:
            self._gate_dense = self._heads("gate", query_shape, q, self._value_size)
        self._value_dense = self._heads("value", value_shape, k, self._value_size)
        out = self._result_shape or (query_shape[-1],)
        letters = "defgh"[: len(out)]
        self._output_dense = self._projection(
            "attention_output", f"...ab,ab{letters}", letters, out
        )
        self._output_dense.build((*query_shape[:-1], q, self._value_size))

    def _heads(self, name: str, shape: Any, heads: int, size: int) -> EinsumDense:
        """A projection of features to heads."""
        layer = self._projection(name, "...a,abc", "bc", (heads, size))
        layer.build(shape)
        return layer

    def _projection(self, name: str, terms: str, letters: str, sizes: Any) -> EinsumDense:
        return EinsumDense(
            f"{terms}->...{letters}",
            sizes,
            bias_axes=letters if self.use_bias else None,
            kernel_initializer=_clone(self.kernel_initializer),
            bias_initializer=_clone(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self.activity_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self._dtype_policy,  # perhaps one that knows the layers within by their paths
            name=name,
        )

    def call(
        self,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """What the heads found for each query.

        Args:
            query: (batch, targets, features).
            value: (batch, sources, features).
            key: (batch, sources, features); the value if None.
            query_mask: (batch, targets), False where a query does not count.
            value_mask: (batch, sources), False where a value is not to be looked at.
            key_mask: likewise.
            attention_mask: (batch, targets, sources), False where a target must not look at a
                source; the batch's axis may be missing, or one of heads come after it.
            return_attention_scores: whether to return the weights (batch, heads, targets,
                sources) too.
            training: whether weights are dropped.
            use_causal_mask: whether a target looks only at sources that are not after it.
        """
        key = value if key is None else key
        allowed = self._allowed(query, value, attention_mask, use_causal_mask)
        for mask, of_targets in ((query_mask, True), (value_mask, False), (key_mask, False)):
            if mask is not None:
                spread = self._spread(mask, of_targets)
                allowed = spread if allowed is None else ops.logical_and(allowed, spread)
        heads = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        plain = not return_attention_scores and not self.dropout and query.rank == 3
        if plain:
            found = ops.dot_product_attention(
                *heads, mask=allowed, flash_attention=self.flash_attention
            )
            weights = None
        else:
            found, weights = self._attend(*heads, allowed, training)
        if self.use_gate:
            found = found * ops.sigmoid(self._gate_dense(query))
        outputs = self._output_dense(found)
        return (outputs, weights) if return_attention_scores else outputs

    def _allowed(self, query: Tensor, value: Tensor, mask: Any, causal: bool) -> Tensor | None:
        """Where targets may look, broadcasting to (batch, ..., heads, *targets, *sources)."""
        allowed, n = None, len(self._axes)
        if mask is not None:
            allowed = ops.cast(mask, "bool")
            missing = query.rank + n - allowed.rank
            if missing < 0 or allowed.rank < 2 * n:
                raise ValueError(
                    f"Layer {self.name}: attention_mask must be (targets, sources), (batch, "
                    "targets, sources) or (batch, heads, targets, sources), but has shape "
                    f"{format_shape(allowed.shape)}."
                )
            at = allowed.rank - 2 * n
            allowed = ops.expand_dims(allowed, tuple(range(at, at + missing)))
        if causal or self.sliding_window is not None:
            near = self._near(query, value, causal)
            allowed = near if allowed is None else ops.logical_and(allowed, near)
        return allowed

    def _near(self, query: Tensor, value: Tensor, causal: bool) -> Tensor:
        """(targets, sources): True where the source is neither too far away nor too late."""
        if len(self._axes) > 1:
            raise ValueError(
                f"Layer {self.name}: use_causal_mask and sliding_window need an order of the "
                f"sources, but attention_axes={self._axes} are several."
            )
        (axis,) = self._axes
        targets = ops.expand_dims(ops.arange(ops.shape(query)[axis]), 1)
        distance = targets - ops.arange(ops.shape(value)[axis])
        late = distance < 0
        if self.sliding_window is None:
            return ops.logical_not(late)
        far = ops.abs(distance) >= self.sliding_window
        return ops.logical_not(ops.logical_or(far, late) if causal else far)

    def _spread(self, mask: Any, of_targets: bool) -> Tensor:
        """A mask of targets or sources as one of (batch, ..., heads, *targets, *sources)."""
        mask, n = ops.cast(mask, "bool"), len(self._axes)
        free = [axis for axis in range(1, mask.rank) if axis not in self._axes]
        if mask.rank - 1 - len(free) != n:
            raise ValueError(
                f"Layer {self.name}: a mask of shape {format_shape(mask.shape)} does not cover "
                f"the axes {self._axes} of the inputs."
            )
        mask = ops.transpose(mask, (0, *free, *self._axes))
        heads = 1 + len(free)
        others = heads + 1 + (n if of_targets else 0)
        return ops.expand_dims(mask, (heads, *range(others, others + n)))

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, allowed: Any, training: bool | None
    ) -> tuple[Tensor, Tensor]:
        """The weighted means, and the weights."""
        groups = self._query_heads // self._key_heads
        if groups > 1:
            key, value = ops.repeat(key, groups, axis=-2), ops.repeat(value, groups, axis=-2)
        first, second = _equations(query.rank, self._axes)
        logits = ops.einsum(first, query * (1 / math.sqrt(self._key_size)), key)
        if allowed is not None:
            logits = ops.where(allowed, logits, 0.7 * dtypes.lowest(logits.dtype))
        sources = tuple(range(-len(self._axes), 0))
        weights = ops.exp(logits - ops.logsumexp(logits, axis=sources, keepdims=True))
        if allowed is not None:
            # What may look nowhere finds nothing.
            weights = weights * ops.cast(allowed, weights.dtype)
        used = weights
        if self.dropout:
            dropped = random.dropout(weights, self.dropout, seed=self.seed_generator)
            used = ops.in_train_phase(dropped, weights, training)
        return ops.einsum(second, used, value), weights


def _clone(initializer: Any) -> Any:
    """Another one, so that each weight draws numbers of its own."""
    return initializer.clone() if hasattr(initializer, "clone") else initializer


def _equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str]:
    """Einstein sums: query and key to logits; weights and values to outputs.

    Queries, keys and values are (batch, *between, heads, size), logits and weights
    (batch, *between without the axes of attention, heads, *targets, *sources).

    >>> _equations(4, (1,))
    ('btyz,bsyz->byts', 'byts,bsyz->btyz')
    """
    between = range(1, rank - 2)
    free = {axis: "klmn"[axis - 1] for axis in between if axis not in axes}
    targets = {axis: "tuvw"[i] for i, axis in enumerate(axes)}
    sources = {axis: "srqp"[i] for i, axis in enumerate(axes)}
    query = "b" + "".join((free | targets)[axis] for axis in between) + "yz"
    key = "b" + "".join((free | sources)[axis] for axis in between) + "yz"
    letters = [*free.values(), "y", *targets.values(), *sources.values()]
    weights = "b" + "".join(letters)
    return f"{query},{key}->{weights}", f"{weights},{key}->{query}"


class MultiHeadAttention(_HeadAttention):
    """Attention in several heads, each with projections of its own.

    Source: Vaswani et al., 2017, arXiv:1706.03762

    Args:
        num_heads: the number of heads.
        key_dim: the size of queries and keys in each head.
        value_dim: the size of values in each head; `key_dim` if None.
        dropout: the share of the weights to drop while training.
        use_bias: whether the projections have biases.
        output_shape: the size(s) of the outputs; that of the queries if None.
        attention_axes: the axes of targets and sources; all but the first and last if None.
        sliding_window: how far sources may be from a target: at most one less than this.
        flash_attention: whether to demand a fused kernel; see `ops.dot_product_attention`.
        kernel_initializer: of the projections.
        bias_initializer: of their biases.
        kernel_regularizer: adds a loss computed from each kernel.
        bias_regularizer: adds a loss computed from each bias.
        activity_regularizer: adds a loss computed from the outputs of each projection.
        kernel_constraint: a projection of each kernel after each step.
        bias_constraint: a projection of each bias after each step.
        use_gate: whether what the heads found is multiplied by a gate computed from the query
            (Qiu et al., 2025, arXiv:2505.06708).
        seed: an int, for the same masks in each run of the program.

    Shapes:
        query (batch, targets, features) and value (batch, sources, features) -> (batch,
        targets, features)

    >>> MultiHeadAttention(2, key_dim=4)(np.ones((1, 3, 8)), np.ones((1, 5, 8))).shape
    (1, 3, 8)
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        self.num_heads = positive(num_heads, "MultiHeadAttention: num_heads")
        self.key_dim = positive(key_dim, "MultiHeadAttention: key_dim")
        self.value_dim = key_dim if value_dim is None else value_dim
        positive(self.value_dim, "MultiHeadAttention: value_dim")
        self._query_heads = self._key_heads = self.num_heads
        self._key_size, self._value_size = self.key_dim, self.value_dim
        super().__init__(
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            kernel_constraint,
            bias_constraint,
            use_gate,
            seed,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        if axes is not None and not all(isinstance(axis, int) for axis in axes):
            raise TypeError(
                "MultiHeadAttention: attention_axes must be an int or several, but got "
                f"{attention_axes!r}."
            )
        self.attention_axes = None if axes is None else tuple(axes)
        self._axes = self.attention_axes
        shape = (output_shape,) if isinstance(output_shape, int) else output_shape
        self._result_shape = None if shape is None else tuple(shape)

    @property
    def query_dense(self) -> EinsumDense:
        """The projection of the queries."""
        return self._query_dense

    @property
    def key_dense(self) -> EinsumDense:
        """The projection of the keys."""
        return self._key_dense

    @property
    def value_dense(self) -> EinsumDense:
        """The projection of the values."""
        return self._value_dense

    @property
    def output_dense(self) -> EinsumDense:
        """The projection of what the heads found."""
        return self._output_dense

    def _regularize_activity(self, outputs: Any) -> None:
        """The projections do it."""

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"output_shape": self._result_shape}


class GroupedQueryAttention(_HeadAttention):
    """Attention in several heads, of which groups share their keys and values.

    Source: Ainslie et al., 2023, arXiv:2305.13245

    Args:
        head_dim: the size of queries, keys and values in each head.
        num_query_heads: the number of heads.
        num_key_value_heads: the number of groups; it divides that of the heads.
        dropout: the share of the weights to drop while training.
        use_bias: whether the projections have biases.
        sliding_window: how far sources may be from a target: at most one less than this.
        flash_attention: whether to demand a fused kernel; see `ops.dot_product_attention`.
        kernel_initializer: of the projections.
        bias_initializer: of their biases.
        kernel_regularizer: adds a loss computed from each kernel.
        bias_regularizer: adds a loss computed from each bias.
        activity_regularizer: adds a loss computed from the outputs of each projection, and once
            more from those of the layer.
        kernel_constraint: a projection of each kernel after each step.
        bias_constraint: a projection of each bias after each step.
        use_gate: whether what the heads found is multiplied by a gate computed from the query.
        seed: an int, for the same masks in each run of the program.

    Shapes:
        query (batch, targets, features) and value (batch, sources, features) -> (batch,
        targets, features)

    >>> GroupedQueryAttention(4, 6, 2)(np.ones((1, 3, 8)), np.ones((1, 5, 8))).shape
    (1, 3, 8)
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        name = "GroupedQueryAttention"
        self.head_dim = positive(head_dim, f"{name}: head_dim")
        self.num_query_heads = positive(num_query_heads, f"{name}: num_query_heads")
        self.num_key_value_heads = positive(num_key_value_heads, f"{name}: num_key_value_heads")
        self._query_heads, self._key_heads = num_query_heads, num_key_value_heads
        self._key_size = self._value_size = head_dim
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                f"{name}: num_query_heads must be a multiple of num_key_value_heads, but got "
                f"{num_query_heads} and {num_key_value_heads}."
            )
        super().__init__(
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            kernel_constraint,
            bias_constraint,
            use_gate,
            seed,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
