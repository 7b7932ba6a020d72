"""Cases of kerasish.ops.control and kerasish.ops.remat."""

import numpy as np
from cases.case import Case, integers, normal, positive, scalar, shared

from kerasish import ops
from kerasish.ops.remat import remat

X = shared("control", normal(3, 2))


def _doubled_in_training(x):
    return ops.in_train_phase(lambda: 2 * x, x)


def _chosen(p, x, y):
    """Both branches use what is outside, and one draws on nothing else."""
    z = x * 2
    first, second = ops.cond(
        p > 0, lambda: (z * y, {"n": ops.ones(2)}), lambda: [ops.sin(z), {"n": y[0]}]
    )
    return first, second["n"]


def _chosen_reference(p, x, y):
    return (2 * x * y, np.ones(2)) if p > 0 else (np.sin(2 * x), y[0])


def _safe_sqrt(x):
    """Of the sum, whose gradient is infinite at 0: the other branch must not run."""
    total = ops.sum(x)
    return ops.cond(total > 0, lambda: ops.sqrt(total), lambda: total * 0)


def _within_scan(x, y):
    def step(carry, v):
        flat = ops.cond(ops.sum(v) > 0, lambda: carry * v, lambda: carry + y)
        return flat, ops.switch(ops.cast(v[0] > 0, "int32"), [lambda t: t, lambda t: -t], flat)

    return ops.scan(step, y, x)


def _within_scan_reference(x, y):
    carry, ys = y, []
    for v in x:
        carry = carry * v if v.sum() > 0 else carry + y
        ys.append(-carry if v[0] > 0 else carry)
    return carry, np.stack(ys)


BRANCHES = [lambda x, y: x + y, lambda x, y: x * y, lambda x, y: ops.exp(x)]


def _switched(i, x, y):
    return ops.switch(i, BRANCHES, x, y)


def _switched_reference(i, x, y):
    return [x + y, x * y, np.exp(x)][min(max(int(i), 0), 2)]


@ops.custom_gradient
def _log1pexp(x):
    e = ops.exp(x)

    def grad(*args, upstream=None):
        if upstream is None:
            (upstream,) = args
        return upstream * (1.0 - 1.0 / (1 + e))

    return ops.log(1 + e), grad


@ops.custom_gradient
def _reversed_gradient(pair, n):
    """Two results from nested arguments, one of which has no gradient."""
    a, b = pair
    return (a * b, a + ops.cast(n, a.dtype)), lambda g, h: (-g * b, 10.0 * h, None)


def _softplus_scan(x, s):
    carry, ys = np.ones(2), []
    for v in x:
        ys.append(carry)
        carry = np.log1p(np.exp(carry * v)) * s
    return carry.astype("float32"), np.stack(ys).astype("float32")


def _nested_choice(p, x):
    """Branches within branches, one of which is a loop."""
    return ops.cond(
        p > 0,
        lambda: ops.cond(p > 1, lambda: ops.map(lambda row: row * ops.sum(row), x), lambda: x * p),
        lambda: ops.fori_loop(0, 2, lambda i, y: y * x, ops.ones_like(x)),
    )


def _nested_choice_reference(p, x):
    if p > 0:
        return x * x.sum(-1, keepdims=True) if p > 1 else x * p
    return x * x


STRUCTURES = [
    lambda t: {"a": t["x"] * 2, "b": (t["y"],)},
    lambda t: {"a": t["y"] + t["x"], "b": (t["x"] * t["y"],)},
]


def _switched_structures(i, x, y):
    found = ops.switch(i, STRUCTURES, {"x": x, "y": y})
    return found["a"], found["b"][0]


CASES = [
    *(
        Case(f"cond {p}", _chosen, (scalar(p), normal(3, 2), normal(3, 2)), _chosen_reference)
        for p in (1.0, -1.0)
    ),
    Case(
        "cond of what would fail",
        _safe_sqrt,
        (np.zeros(2, "float32"),),
        lambda x: x[0] * 0,
        gradient=lambda g, x: (x,),
    ),
    Case("cond of what may fail", _safe_sqrt, (positive(2),), lambda x: np.sqrt(x.sum())),
    Case(
        "cond known",
        lambda x: (ops.cond(True, lambda: x, lambda: 0), ops.cond(0, lambda: "?", lambda: x)),
        (X,),
        lambda x: (x, x),
    ),
    Case(
        "cond and switch in a scan",
        _within_scan,
        (normal(6, 2), positive(2)),
        _within_scan_reference,
        tolerance=1e-4,
    ),
    *(
        Case(f"switch {i}", _switched, (scalar(i, "int32"), X, normal(3, 2)), _switched_reference)
        for i in (-3, 1, 2, 9)
    ),
    *(
        Case(
            f"switch of structures {i}",
            _switched_structures,
            (scalar(i, "int32"), X, normal(3, 2)),
            lambda i, x, y: (x + y, x * y) if i else (2 * x, y),
            batch=(1, 2),
        )
        for i in (0, 1)
    ),
    *(
        Case(f"cond in a cond {p}", _nested_choice, (scalar(p), X), _nested_choice_reference)
        for p in (2.0, 0.5, -1.0)
    ),
    Case("switch known", lambda x: ops.switch(1, BRANCHES, x, x), (X,), lambda x: x * x),
    Case(
        "custom_gradient",
        _log1pexp,
        (normal(3, 2),),
        lambda x: np.log1p(np.exp(x)),
    ),
    Case(
        "custom_gradient of structures",
        lambda a, b, n: _reversed_gradient([a * 1.0, b * 1.0], n),
        (X, normal(3, 2), integers(0, 5, 3, 2)),
        lambda a, b, n: (a * b, (a + n).astype("float32")),
        gradient=lambda g, h, a, b, n: (-g * b, 10 * h, None),
    ),
    Case(
        "custom_gradient in a scan",
        lambda x, s: ops.scan(lambda c, v: (_log1pexp(c * v) * s, c), ops.ones(2), x),
        (normal(3, 2), scalar(0.5)),
        _softplus_scan,
    ),
    Case(
        "custom_gradient in a cond",
        lambda p, x: ops.cond(p > 0, lambda: _log1pexp(x), lambda: x),
        (scalar(1.0), X),
        lambda p, x: np.log1p(np.exp(x)),
    ),
    Case(
        "custom_gradient in a map",
        lambda x: ops.map(_log1pexp, x),
        (normal(3, 2),),
        lambda x: np.log1p(np.exp(x)),
    ),
    Case(
        "custom_gradient in a vectorized_map",
        lambda x: ops.vectorized_map(_log1pexp, x),
        (normal(3, 2),),
        lambda x: np.log1p(np.exp(x)),
    ),
    Case("in_train_phase in training", _doubled_in_training, (X,), lambda x: 2 * x, training=True),
    Case("in_train_phase in use", _doubled_in_training, (X,), lambda x: x),
    Case(
        "in_train_phase decided",
        lambda x: ops.in_train_phase(x, 2 * x, training=True),
        (X,),
        lambda x: x,
    ),
    Case("in_train_phase broadcast", lambda x: ops.in_train_phase(x, 1), (X,), lambda x: 0 * x + 1),
    Case(
        "jvp",
        lambda x, v: ops.jvp(ops.tanh, (x,), (v,)),
        (normal(3, 2), normal(3, 2)),
        lambda x, v: (np.tanh(x), v * (1 - np.tanh(x) ** 2)),
        batch=(0, 1),
    ),
    Case(
        "jvp of several",
        lambda x, y, v: ops.jvp(lambda a, b: [a * b["y"], a], (x, {"y": y}), (v, {"y": 2 * v}))[1],
        (normal(3), normal(3), normal(3)),
        lambda x, y, v: (v * y + 2 * x * v, v),
        batch=(0, 1, 2),
    ),
    Case(
        "remat",  # y is captured
        lambda x, y: remat(lambda a: (ops.tanh(ops.sin(a) * y), a + y))(x),
        (normal(2, 3), normal(2, 3)),
        lambda x, y: (np.tanh(np.sin(x) * y), x + y),
        batch=(0, 1),
    ),
]
