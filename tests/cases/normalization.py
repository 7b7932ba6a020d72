"""Cases of kerasish.ops.normalization and attention."""

import numpy as np
from cases.case import Case, booleans, i32, normal, positive

from kerasish import ops

EPSILON = 1e-7
CAUSAL = np.tril(np.ones((4, 4), bool))


def standardized(x, axis=(-1,), epsilon=EPSILON):
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + epsilon)


def rms(x, axis=(-1,), epsilon=EPSILON):
    return x / np.sqrt((x * x).mean(axis, keepdims=True) + epsilon)


def over_norm(x, axis, order):
    return x / np.linalg.norm(x, order, axis, keepdims=True)


def attention(q, k, v, allowed=True, bias=0.0, scale=None, cap=None):
    """Head by head, query by query."""
    out = np.zeros((*q.shape[:3], v.shape[3]))
    shape = (q.shape[0], q.shape[2], q.shape[1], k.shape[1])
    allowed, bias = np.broadcast_to(allowed, shape), np.broadcast_to(bias, shape)
    for b, h, t in np.ndindex(*shape[:3]):
        shared = h * k.shape[2] // q.shape[2]
        logits = k[b, :, shared] @ q[b, t, h] * (q.shape[3] ** -0.5 if scale is None else scale)
        logits = logits if cap is None else cap * np.tanh(logits / cap)
        logits = logits + bias[b, h, t]
        e = np.where(allowed[b, h, t], np.exp(logits - logits.max()), 0)
        out[b, t, h] = e @ v[b, :, shared] / e.sum()
    return out


def heads(length, count=2, size=3):
    return normal(2, length, count, size)


CASES = [
    *(
        Case(
            f"normalize order {order}",
            lambda x, order=order: ops.normalize(x, order=order),
            (normal(3, 4),),
            lambda x, order=order: over_norm(x, -1, order),
        )
        for order in (1, 2, 3, np.inf)
    ),
    Case(
        "normalize axis 0",
        lambda x: ops.normalize(x, 0),
        (normal(3, 4),),
        lambda x: over_norm(x, 0, 2),
    ),
    Case(
        "normalize near 0",
        lambda x: ops.normalize(x, epsilon=0.5),
        (np.full((1, 4), 0.1, "float32"),),
        lambda x: x / 0.5,
    ),
    Case("layer_normalization", ops.layer_normalization, (normal(3, 4),), standardized),
    Case(
        "layer_normalization with weights",
        lambda x, g, b: ops.layer_normalization(x, g, b, epsilon=1e-3),
        (normal(2, 3, 4), positive(4), normal(4)),
        lambda x, g, b: standardized(x, epsilon=1e-3) * g + b,
    ),
    Case(
        "layer_normalization over two axes",
        lambda x, g, b: ops.layer_normalization(x, g, b, axis=(1, -1)),
        (normal(2, 3, 4), positive(3, 4), normal(3, 4)),
        lambda x, g, b: standardized(x, (1, 2)) * g + b,
        batch=(0,),
    ),
    Case(
        "layer_normalization of an inner axis",
        lambda x, g: ops.layer_normalization(x, g, axis=1),
        (normal(2, 3, 4), positive(3)),
        lambda x, g: standardized(x, (1,)) * g[:, None],
    ),
    Case("rms_normalization", ops.rms_normalization, (normal(3, 4),), rms),
    Case(
        "rms_normalization with scale",
        lambda x, s: ops.rms_normalization(x, s, epsilon=0.1),
        (normal(3, 4), positive(4)),
        lambda x, s: rms(x, epsilon=0.1) * s,
    ),
    Case(
        "rms_normalization of ints",
        ops.rms_normalization,
        (i32([1, 7], [-2, 14]),),
        lambda x: np.trunc(rms(x)).astype("int32"),
    ),
    Case(
        "psnr",
        lambda x, y: ops.psnr(x, y, 2.0),
        (normal(3, 4), normal(3, 4)),
        lambda x, y: 10 * np.log10(4 / np.mean((x - y) ** 2)),
        batch=(),
    ),
    Case(
        "dot_product_attention",
        ops.dot_product_attention,
        (heads(4), heads(5), heads(5)),
        attention,
        batch=(0, 1, 2),
    ),
    Case(
        "dot_product_attention causal",
        lambda q, k, v: ops.dot_product_attention(q, k, v, is_causal=True),
        (heads(4), heads(4), heads(4)),
        lambda q, k, v: attention(q, k, v, CAUSAL),
        batch=(0, 1, 2),
    ),
    Case(
        "dot_product_attention masked",
        lambda q, k, v, m: ops.dot_product_attention(q, k, v, mask=m, is_causal=True, scale=0.7),
        (heads(4), heads(4), heads(4), booleans(2, 1, 4, 4) | np.eye(4, dtype=bool)),
        lambda q, k, v, m: attention(q, k, v, CAUSAL & m, scale=0.7),
        batch=(0, 1, 2, 3),
    ),
    Case(
        "dot_product_attention with bias",
        lambda q, k, v, b: ops.dot_product_attention(q, k, v, b, attn_logits_soft_cap=0.9),
        (heads(3), heads(4), heads(4), normal(1, 2, 3, 4)),
        lambda q, k, v, b: attention(q, k, v, bias=b, cap=0.9),
        batch=(0, 1, 2),
    ),
    Case(
        "dot_product_attention with shared keys",
        ops.dot_product_attention,
        (heads(3, 4), heads(4), heads(4)),
        attention,
        batch=(0, 1, 2),
    ),
]
