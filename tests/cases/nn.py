"""Cases of kerasish.ops.nn."""

import math

import numpy as np
from cases.case import (
    Case,
    f32,
    i32,
    integers,
    nonzero,
    normal,
    positive,
    probabilities,
    unit,
)
from cases.elementwise import logistic

from kerasish import ops

EPSILON = 1e-7
LABELS = np.array([0, 2, 1], "int32")


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def softplus(x):
    return np.logaddexp(0, x)


def crossentropy(target, p, axis=-1):
    p = np.clip(p / p.sum(axis, keepdims=True), EPSILON, 1 - EPSILON)
    return -(target * np.log(p)).sum(axis)


def binary(target, p):
    p = np.clip(p, EPSILON, 1 - EPSILON)
    return -(target * np.log(p) + (1 - target) * np.log(1 - p))


def _picked(labels, p):
    return -np.log(p[np.arange(len(labels)), labels])


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(x))


def celu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(x / alpha))


def _normal_distribution(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def sparsemax(x):
    """By sorting: the longest head of the sorted numbers that stays positive when shifted."""
    ordered = np.sort(x)[:, ::-1]
    tau = (np.cumsum(ordered, -1) - 1) / np.arange(1, x.shape[-1] + 1)
    length = (ordered > tau).sum(-1, keepdims=True)
    return np.maximum(x - np.take_along_axis(tau, length - 1, -1), 0)


ACTIVATIONS = [
    ("elu", elu),
    ("selu", lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772)),
    ("leaky_relu", lambda x: np.where(x > 0, x, 0.2 * x)),
    ("relu6", lambda x: np.clip(x, 0, 6)),
    ("silu", lambda x: x * logistic(x)),
    ("gelu", lambda x: 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))),
    ("softsign", lambda x: x / (1 + np.abs(x))),
    ("hard_sigmoid", lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    ("mish", lambda x: x * np.tanh(softplus(x))),
    ("log_sigmoid", lambda x: -softplus(-x)),
    ("celu", elu),
    ("swish", lambda x: x * logistic(x)),
    ("hard_swish", lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    ("hard_silu", lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    ("hard_tanh", lambda x: np.clip(x, -1, 1)),
    ("hard_shrink", lambda x: np.where(np.abs(x) > 0.5, x, 0)),
    ("soft_shrink", lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0)),
    ("tanh_shrink", lambda x: x - np.tanh(x)),
    ("squareplus", lambda x: (x + np.sqrt(x * x + 4)) / 2),
    ("sparse_plus", lambda x: np.where(np.abs(x) < 1, (x + 1) ** 2 / 4, np.maximum(x, 0))),
    ("sparse_sigmoid", lambda x: np.clip((x + 1) / 2, 0, 1)),
    ("glu", lambda x: x[:, :2] * logistic(x[:, 2:])),
    ("sparsemax", sparsemax),
    ("softmax", softmax),
    ("log_softmax", lambda x: np.log(softmax(x))),
]
NORM = {"axis": -1, "epsilon": 1e-3}

CASES = [
    *(Case(name, getattr(ops, name), (nonzero(2, 4) * 1.3,), ref) for name, ref in ACTIVATIONS),
    *(
        Case(
            f"{name} at 0",
            getattr(ops, name),
            (f32(0, 1),),
            lambda x: x,
            gradient=lambda w, x: [w],
        )
        for name in ("elu", "celu")
    ),
    Case(
        "elu next to 0",
        lambda x: 1e6 * ops.elu(x),
        (f32(-1e-6, -1e-8),),
        lambda x: np.float32(1e6) * np.expm1(x),
        grad=False,
    ),
    Case(
        "sparsemax of infinities",
        ops.sparsemax,
        (f32([1, 0.5, -np.inf]),),
        lambda x: f32([0.75, 0.25, 0]),
        grad=False,
    ),
    Case("celu by alpha", lambda x: ops.celu(x, 2.0), (nonzero(5),), lambda x: celu(x, 2.0)),
    Case(
        "glu of an axis",
        lambda x: ops.glu(x, axis=1),
        (normal(2, 4, 3),),
        lambda x: x[:, :2] * logistic(x[:, 2:]),
    ),
    Case(
        "threshold",
        lambda x: ops.threshold(x, 0.7, -3),
        (f32(0.5, 0.9, -2),),
        lambda x: np.where(x > 0.7, x, -3),
    ),
    Case("soft_shrink of ints", ops.soft_shrink, (i32(-2, 0, 3),), lambda x: i32(-1, 0, 2)),
    Case(
        "multi_hot",
        lambda x: ops.multi_hot(x, 4),
        (i32([0, 1], [2, 2], [-1, 9]),),
        lambda x: f32([1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]),
    ),
    Case(
        "multi_hot of nothing",
        lambda: ops.multi_hot(np.zeros((2, 0), "int32"), 3),
        (),
        lambda: f32([0, 0, 0], [0, 0, 0]),
    ),
    Case(
        "multi_hot of one sample",
        lambda x: ops.multi_hot(x, 3, dtype="int32"),
        (i32(0, 2),),
        lambda x: i32(1, 0, 1),
    ),
    Case("relu6 beyond", ops.relu6, (f32(-2, 3, 7),), lambda x: np.clip(x, 0, 6)),
    Case(
        "hard_sigmoid beyond",
        ops.hard_sigmoid,
        (f32(-4, -1, 1, 4),),
        lambda x: np.clip(x / 6 + 0.5, 0, 1),
    ),
    Case(
        "elu by alpha",
        lambda x: ops.elu(x, 0.5),
        (f32(-90, -1, 2, 90),),
        lambda x: elu(x, 0.5),
        tolerance=1e-4,
    ),
    Case(
        "leaky_relu by slope",
        lambda x: ops.leaky_relu(x, 0.1),
        (nonzero(5),),
        lambda x: np.where(x > 0, x, 0.1 * x),
    ),
    Case(
        "gelu exact",
        lambda x: ops.gelu(x, approximate=False),
        (nonzero(2, 3),),
        lambda x: x * _normal_distribution(x),
    ),
    Case("log_sigmoid far out", ops.log_sigmoid, (f32(-200, 200),), lambda x: f32(-200, 0)),
    Case("silu of ints", ops.silu, (integers(-3, 3, 4),), lambda x: x * logistic(x)),
    Case(
        "softmax of attention",  # its gradient goes by the shorter rows of the product
        lambda x, v: ops.matmul(ops.softmax(x), v),
        (normal(2, 3, 5), normal(2, 5, 2)),
        lambda x, v: softmax(x) @ v,
    ),
    Case(
        "softmax axis 1",
        lambda x: ops.softmax(x, axis=1),
        (normal(2, 3, 2),),
        lambda x: softmax(x, 1),
    ),
    Case(
        "softmax over the batch",
        lambda x: ops.softmax(x, axis=0),
        (normal(3, 2),),
        lambda x: softmax(x, 0),
    ),
    Case(
        "softmax over two axes",
        lambda x: ops.softmax(x, axis=(0, 2)),
        (normal(2, 3, 4),),
        lambda x: softmax(x, (0, 2)),
    ),
    Case("softmax far out", ops.softmax, (f32([1000, 0], [-1000, -1000]),), softmax),
    Case(
        "log_softmax axis 1",
        lambda x: ops.log_softmax(x, axis=1),
        (normal(2, 3, 2),),
        lambda x: np.log(softmax(x, 1)),
    ),
    Case(
        "log_softmax far out",
        ops.log_softmax,
        (f32([1000, 0], [0, 0]),),
        lambda x: f32([0, -1000], [-0.6931472, -0.6931472]),
    ),
    Case(
        "categorical_crossentropy",
        ops.categorical_crossentropy,
        (probabilities(3, 4), unit(3, 4)),
        crossentropy,
        batch=(0, 1),
    ),
    Case(
        "categorical_crossentropy axis 1",
        lambda t, p: ops.categorical_crossentropy(t, p, axis=1),
        (unit(2, 3, 2), unit(2, 3, 2)),
        lambda t, p: crossentropy(t, p, 1),
    ),
    Case(
        "categorical_crossentropy from logits",
        lambda t, x: ops.categorical_crossentropy(t, x, from_logits=True),
        (probabilities(3, 4), normal(3, 4)),
        lambda t, x: -(t * np.log(softmax(x))).sum(-1),
        batch=(0, 1),
    ),
    Case(
        "categorical_crossentropy from logits axis 1",
        lambda t, x: ops.categorical_crossentropy(t, x, from_logits=True, axis=1),
        (unit(2, 3, 2), normal(2, 3, 2)),
        lambda t, x: -(t * np.log(softmax(x, 1))).sum(1),
    ),
    Case(
        "categorical_crossentropy of softmax",
        lambda t, x: ops.categorical_crossentropy(t, ops.softmax(x)),
        (probabilities(2, 3), f32([100, 0, -100], [0, 1, 2])),
        lambda t, x: -(t * np.log(np.maximum(softmax(x.astype("float64")), 1e-300))).sum(-1),
    ),
    Case(
        "sparse_categorical_crossentropy",
        ops.sparse_categorical_crossentropy,
        (LABELS, probabilities(3, 4)),
        _picked,
        batch=(0, 1),
    ),
    Case(
        "sparse_categorical_crossentropy of a column",
        ops.sparse_categorical_crossentropy,
        (LABELS[:, None], probabilities(3, 4)),
        lambda t, p: _picked(t[:, 0], p),
    ),
    Case(
        "sparse_categorical_crossentropy on axis 1",
        lambda t, x: ops.sparse_categorical_crossentropy(t, x, from_logits=True, axis=1),
        (integers(0, 4, 2, 1, 3), normal(2, 4, 3)),
        lambda t, x: -np.take_along_axis(np.log(softmax(x, 1)), t, 1)[:, 0],
        batch=(0, 1),
    ),
    Case(
        "sparse_categorical_crossentropy from logits",
        lambda t, x: ops.sparse_categorical_crossentropy(t, x, from_logits=True),
        (LABELS.astype("float32"), normal(3, 4)),
        lambda t, x: _picked(t.astype(int), softmax(x)),
        gradient=lambda w, t, x: [
            np.zeros_like(t),
            w[:, None] * (softmax(x) - np.eye(4)[t.astype(int)]),
        ],
    ),
    Case("binary_crossentropy", ops.binary_crossentropy, (unit(3, 2), unit(3, 2)), binary),
    Case(
        "binary_crossentropy in 16 bits",
        lambda t, x: ops.isfinite(ops.binary_crossentropy(t, x)),
        (np.array([0, 1, 1, 0], "float16"), np.array([0, 0, 1, 1], "float16")),
        lambda t, x: np.full(4, True),
    ),
    Case(
        "binary_crossentropy from logits",
        lambda t, x: ops.binary_crossentropy(t, x, from_logits=True),
        (unit(3, 2), nonzero(3, 2)),
        lambda t, x: binary(t, logistic(x)),
        batch=(0, 1),
    ),
    Case(
        "binary_crossentropy of sigmoid",
        lambda t, x: ops.binary_crossentropy(t, ops.sigmoid(x)),
        (f32(1, 0, 1), f32(-50, 50, 1)),
        lambda t, x: f32(50, 50, 0.31326166),
    ),
    Case("moments", lambda x: ops.moments(x, 0), (normal(4, 3),), lambda x: (x.mean(0), x.var(0))),
    Case(
        "moments kept",
        lambda x: ops.moments(x, (0, 2), keepdims=True),
        (normal(2, 3, 2),),
        lambda x: (x.mean((0, 2), keepdims=True), x.var((0, 2), keepdims=True)),
    ),
    Case(
        "batch_normalization",
        lambda x, m, v: ops.batch_normalization(x, m, v, **NORM),
        (normal(4, 3), normal(3), positive(3)),
        lambda x, m, v: (x - m) / np.sqrt(v + 1e-3),
    ),
    Case(
        "batch_normalization scaled on axis 1",
        lambda x, m, v, o, s: ops.batch_normalization(x, m, v, 1, o, s, epsilon=0.1),
        (normal(2, 3, 2), normal(3), positive(3), normal(3), normal(3)),
        lambda x, m, v, o, s: (
            (x - m[:, None]) / np.sqrt(v + 0.1)[:, None] * s[:, None] + o[:, None]
        ),
    ),
    Case(
        "l2_normalize",
        ops.l2_normalize,
        (nonzero(2, 3),),
        lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True),
    ),
    Case(
        "l2_normalize of zeros",
        lambda x: ops.l2_normalize(x, axis=0),
        (f32(0, 0),),
        lambda x: x,
        grad=False,
    ),
]
