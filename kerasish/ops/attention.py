"""Attention: each query gets a mean of the values, weighted by how well their keys fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.shapes import compatible, need_sizes
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.activations import softmax
from kerasish.ops.array import expand_dims, reshape, shape, transpose
from kerasish.ops.binary import where
from kerasish.ops.elementwise import tanh
from kerasish.ops.filling import arange
from kerasish.ops.joining import repeat
from kerasish.ops.matrices import matmul_p
from kerasish.ops.promotion import at_least_single, cast, promoted


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """softmax(query @ key^T * scale + bias) @ value, for each head.

    Source: Vaswani et al., 2017, arXiv:1706.03762.

    Args:
        query: (batch, targets, heads, size).
        key: (batch, sources, key heads, size), where the heads are a multiple of the key heads.
        value: (batch, sources, key heads, value size).
        bias: added to the logits; broadcast to (batch, heads, targets, sources).
        mask: booleans of such a shape: False where a target must not look at a source.
        scale: 1 / sqrt(size) if None.
        is_causal: whether a target looks only at sources that are not after it.
        flash_attention: whether to demand a fused kernel. No engine here has one to demand:
            True is an error, None and False compute as written above.
        attn_logits_soft_cap: keeps logits within plus and minus this number by tanh.

    Returns:
        (batch, targets, heads, value size), of the dtype in which those of query, key and value
        combine; floatx if that is no float.

    Raises:
        ValueError: if query, key and value have not four axes or do not fit together, bias or mask
            does not broadcast, attn_logits_soft_cap is not positive, or flash_attention is True.
        TypeError: if one of them is no array of numbers, such as a string.

    >>> x = np.ones((1, 3, 2, 4))
    >>> dot_product_attention(x, x, x, is_causal=True).shape
    (1, 3, 2, 4)
    """
    q, k, v = promoted(query, key, value, to=dtypes.floating)
    _check_shapes(q, k, v)
    if attn_logits_soft_cap is not None and attn_logits_soft_cap <= 0:
        raise ValueError(
            "dot_product_attention: attn_logits_soft_cap must be above 0, but got "
            f"{attn_logits_soft_cap}."
        )
    if flash_attention:
        raise ValueError(
            "dot_product_attention: flash_attention=True demands a fused kernel, which the "
            "engines here do not have. Leave it None."
        )
    groups = q.shape[2] // k.shape[2]  # type: ignore[operator]
    if groups > 1:
        k, v = repeat(k, groups, axis=2), repeat(v, groups, axis=2)
    # Scaling the queries takes less time than scaling the logits, which are more numbers.
    q = q * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)  # type: ignore[arg-type]
    q, k, v = (transpose(x, (0, 2, 1, 3)) for x in (q, k, v))
    logits = matmul_p(q, k, transpose_a=False, transpose_b=True)
    # In 16 bits the softmax would lose too much.
    logits = cast(logits, at_least_single(q.dtype))
    if attn_logits_soft_cap is not None:
        logits = tanh(logits / attn_logits_soft_cap) * attn_logits_soft_cap
    if bias is not None:
        logits = logits + _broadcastable("bias", cast(bias, logits.dtype), logits)
    allowed = _allowed(logits, mask, is_causal)
    if allowed is not None:
        # A large number instead of infinity: a row without any source must not become NaN.
        logits = where(allowed, logits, 0.7 * float(np.finfo(logits.dtype).min))
    weights = cast(softmax(logits), v.dtype)
    mixed = matmul_p(weights, v, transpose_a=False, transpose_b=False)
    return transpose(mixed, (0, 2, 1, 3))


def _check_shapes(q: Tensor, k: Tensor, v: Tensor) -> None:
    listed = ", ".join(format_shape(x.shape) for x in (q, k, v))
    if any(x.rank != 4 for x in (q, k, v)):
        raise ValueError(
            "dot_product_attention: query, key and value must have shape (batch, length, heads, "
            f"size), but got {listed}."
        )
    for name, x in (("query", q), ("key", k), ("value", v)):
        need_sizes("dot_product_attention", f"axis 2 (heads) of {name}", x.shape[2:3])
    heads, groups = q.shape[2], k.shape[2]
    if q.shape[3] != k.shape[3] or groups != v.shape[2] or not groups or heads % groups:  # type: ignore[operator]
        raise ValueError(
            "dot_product_attention: query and key must have one size, key and value one number of "
            f"heads, and the query's a multiple of it; got {listed}."
        )


def _broadcastable(name: str, x: Tensor, logits: Tensor) -> Tensor:
    """`x`, if it broadcasts to the logits."""
    missing = logits.rank - x.rank
    if missing < 0 or any(
        size != 1 and not compatible((size,), (logits.shape[missing + i],))
        for i, size in enumerate(x.shape)
    ):
        raise ValueError(
            f"dot_product_attention: {name} must broadcast to (batch, heads, targets, sources), "
            f"which is {format_shape(logits.shape)}, but its shape is {format_shape(x.shape)}."
        )
    return x


def _allowed(logits: Tensor, mask: Any, is_causal: bool) -> Tensor | None:
    """Where a target may look, as booleans that broadcast to the logits; None: everywhere."""
    allowed = None if mask is None else _broadcastable("mask", cast(mask, "bool"), logits)
    if not is_causal:
        return allowed
    targets, sources = shape(logits)[-2:]
    causal = expand_dims(arange(targets), 1) >= arange(sources)
    causal = reshape(causal, (1, 1, targets, sources))
    return causal if allowed is None else allowed & causal
