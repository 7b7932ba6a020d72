"""Cases of kerasish.ops.loops."""

import numpy as np
from cases.case import Case, f32, integers, nonzero, normal, positive, scalar, shared

from kerasish import ops
from kerasish.ops import random

DRAWN = {"XS": normal(4, 2, 3), "CARRY": normal(2, 3), "KERNEL": normal(3, 3, scale=0.5)}
XS, CARRY, KERNEL = (shared(name, draw) for name, draw in DRAWN.items())


def _recurrent(f):
    """A step of a simple recurrence, on tensors or arrays by `f`."""

    def step(carry, x, kernel, scale):
        new = f.tanh(f.matmul(carry, kernel) + x) * scale
        return new, new * x

    return step


def _rnn(f, xs, carry, kernel, scale, order):
    step, ys = _recurrent(f), [None] * len(xs)
    for i in order:
        carry, ys[i] = step(carry, xs[i], kernel, scale)
    return carry, np.stack(ys)


def _scanned(xs, carry, kernel, scale, **options):
    # kernel and scale are captured; scale only in a product that is the same in each step.
    return ops.scan(lambda c, x: _recurrent(ops)(c, x, kernel, scale * 2.0), carry, xs, **options)


def _scanned_reference(xs, carry, kernel, scale, order=1):
    return _rnn(np, xs, carry, kernel, scale * 2, range(len(xs))[::order])


SCANNED = (XS, CARRY, KERNEL, scalar(0.7))


def _structures(x):
    def step(carry, xs):
        total = carry["a"] + xs[0]
        return {"a": total, "b": (carry["b"][0] + 1,)}, [xs[1] * total, None]

    carry, ys = ops.scan(step, {"b": (0,), "a": ops.zeros(2)}, (x, [x * 2][0]))
    assert ys[1] is None
    return carry["a"], carry["b"][0], ys[0]


def _structures_reference(x):
    sums = np.cumsum(x, 0)
    return sums[-1], np.int32(len(x)), 2 * x * sums


def _nested(x, factor):
    """For each row, the running products of its elements with what came before."""

    def row(carry, xs):
        def element(c, v):
            return c * v + ops.sum(carry) * factor, c + v

        last, sums = ops.scan(element, ops.mean(carry), xs)
        return carry + last, sums * carry

    return ops.scan(row, ops.ones(3), x)


def _nested_reference(x, factor):
    carry, ys = np.ones(3, x.dtype), []
    for xs in x:
        c, sums = carry.mean(), []
        for v in xs:
            c, s = c * v + carry.sum() * factor, c + v
            sums.append(s)
        ys.append(np.array(sums) * carry)
        carry = carry + c
    return carry, np.stack(ys)


def _swap(x):
    (a, b), ys = ops.scan(lambda c, v: ((c[1], c[0] * v), c[0]), (ops.ones(2), ops.zeros(2)), x)
    return a, b, ys


def _swap_reference(x):
    a, b, ys = np.ones(2), np.zeros(2), []
    for v in x:
        ys.append(a)
        a, b = b, a * v
    return a, b, np.stack(ys).astype("float32")


def _newton(x):
    """Square roots."""
    return ops.while_loop(
        lambda y, i: ops.any(ops.abs(y * y - x) > 1e-5) & (i < 50),
        lambda y, i: ((y + x / y) / 2, i + 1),
        (x, 0),
    )[0]


def _draws(n, seed, f):
    return lambda: ops.scan(lambda c, _: (c, f((2, 500), seed=seed)), 0.0, length=n)[1]


def _all_differ(x):
    assert len(np.unique(x)) > 0.99 * x.size


def _all_equal(x):
    assert (x == x[0]).all()
    _all_differ(x[0])


def _dropped_in_steps(x):
    """The gradient (of the sum) is that of the very masks that were drawn."""
    v = x * 1.0
    total, masks = ops.scan(
        lambda c, row: (c * row + random.dropout(row, 0.5), c), ops.zeros(50), v
    )
    return total, ops.gradients(ops.sum(total), v), masks


def _check_dropped(total, grad, before):
    # d total / d row = mask * 2 + c before, all times the product of the later rows, 1 here.
    kept = (total[None] >= 0) & (grad - before == 2)
    assert 0.3 < kept.mean() < 0.7
    np.testing.assert_allclose(((grad - before) / 2).sum(0) * 2, total)
    assert len(np.unique(grad - before, axis=0)) == len(grad)


def _sines_gradient(x):
    """Of sin(x[2] * sin(x[1] * sin(x[0] * 0.9)))."""
    carries = [0.9]
    for v in x:
        carries.append(np.sin(carries[-1] * v))
    grads, g = [], 1.0
    for v, c in zip(x[::-1], carries[-2::-1], strict=True):
        g = g * np.cos(c * v)
        grads.append(g * c)
        g = g * v
    return np.array(grads[::-1])


def _products_reference(x):
    out = [x[0]]
    for m in x[1:]:
        out.append(out[-1] @ m)
    return np.stack(out)


def _combined(a, b):
    """Linear recurrences y = m x + b, as an associative operation on pairs."""
    return a[0] * b[0], a[1] * b[0] + b[1]


def _recurrence_reference(m, b):
    y, ys = np.zeros_like(b[:, 0]), []
    for i in range(b.shape[1]):
        y = m[:, i] * y + b[:, i]
        ys.append(y)
    return np.cumprod(m, 1), np.stack(ys, 1)


def _named(carry, xs):
    """A step on structures, of tensors or of arrays."""
    total = carry["sum"] + xs["x"] * xs["more"][0]
    return {"sum": total, "last": [xs["x"]]}, (total * carry["last"][0], {"x": xs["x"] + total})


def _scanned_names(x, y):
    carry = {"sum": ops.zeros(2), "last": [ops.ones(2)]}
    last, (first, second) = ops.scan(_named, carry, {"x": x, "more": (y,)}, reverse=True)
    return last["sum"], last["last"][0], first, second["x"]


def _scanned_names_reference(x, y):
    carry, ys = {"sum": np.zeros(2, "float32"), "last": [np.ones(2, "float32")]}, []
    for a, b in zip(x[::-1], y[::-1], strict=True):
        carry, (first, second) = _named(carry, {"x": a, "more": (b,)})
        ys.insert(0, (first, second["x"]))
    return carry["sum"], carry["last"][0], *map(np.stack, zip(*ys, strict=True))


def _sums_in_a_loop(x, y):
    """Running sums, summed again and again."""

    def step(i, carry):
        _, sums = ops.scan(lambda c, v: (c + v, c + v), ops.zeros(2), carry["x"])
        return {"x": sums * carry["y"][0], "y": carry["y"]}

    return ops.fori_loop(0, 3, step, {"x": x, "y": [y]})["x"]


def _sums_in_a_loop_reference(x, y):
    for _ in range(3):
        x = np.cumsum(x, 0) * y
    return x


CASES = [
    Case("scan", _scanned, SCANNED, _scanned_reference),
    Case(
        "scan of unknown batch", _scanned, SCANNED, _scanned_reference, batch=(1,), tolerance=5e-5
    ),
    Case(
        "scan reversed",
        lambda *xs: _scanned(*xs, reverse=True),
        SCANNED,
        lambda *xs: _scanned_reference(*xs, order=-1),
    ),
    Case(
        "scan unrolled",
        lambda *xs: _scanned(*xs, unroll=True),
        SCANNED,
        _scanned_reference,
        batch=(),
    ),
    Case(
        "scan unrolled in part",
        lambda *xs: _scanned(*xs, unroll=3, reverse=True),
        SCANNED,
        lambda *xs: _scanned_reference(*xs, order=-1),
        batch=(),
    ),
    Case("scan of structures", _structures, (normal(3, 2),), _structures_reference),
    Case("scan of scans", _nested, (normal(2, 3), scalar(0.5)), _nested_reference, tolerance=1e-4),
    Case("scan that swaps", _swap, (normal(3, 2),), _swap_reference),
    Case(
        "scan of nothing",
        lambda x: ops.scan(lambda c, v: (c + v, c * v), x[0] * 0.0 + 1.0, x[1:]),
        (normal(1, 2),),
        lambda x: (np.ones(2), np.zeros((0, 2))),
        batch=(),
    ),
    Case(
        "scan of nothing reversed",
        lambda x: ops.scan(lambda c, v: (c * v, c + v), x[0] * 2.0, x[:0], reverse=True),
        (normal(1, 2),),
        lambda x: (x[0] * 2, np.zeros((0, 2))),
        batch=(),
    ),
    Case(
        "scan of names reversed",
        _scanned_names,
        (XS[:, 0, :2], XS[:, 1, :2]),
        _scanned_names_reference,
        batch=(),
    ),
    Case(
        "scan without xs",
        lambda x: ops.scan(lambda c, _: (c * x, c), 1.0, length=3),
        (scalar(1.5),),
        lambda x: (x**3, x ** np.arange(3)),
    ),
    Case(
        "scan for each sample",
        lambda x: ops.scan(lambda c, _: (c * x, None), ops.ones_like(x), length=ops.shape(x)[0])[0],
        (positive(3, 2),),
        lambda x: x**3,
    ),
    Case(
        "scan second gradient",
        lambda x: ops.gradients(ops.scan(lambda c, v: (ops.sin(c * v), None), 0.9, x)[0], x),
        (positive(3),),
        _sines_gradient,
    ),
    Case("scan draws", _draws(5, None, random.normal), (), check=_all_differ),
    Case("scan draws the same", _draws(5, 3, random.uniform), (), check=_all_equal),
    Case("scan dropout", _dropped_in_steps, (np.ones((6, 50), "float32"),), check=_check_dropped),
    Case(
        "map",
        lambda x: ops.map(lambda row: {"s": ops.sum(row), "t": row * row}, x)["s"],
        (normal(3, 2),),
        lambda x: x.sum(1),
    ),
    Case(
        "map of maps",
        lambda x: ops.map(lambda rows: ops.map(lambda row: [ops.max(row), row * row], rows), x),
        (normal(3, 2, 4),),
        lambda x: (x.max(-1), x * x),
    ),
    Case(
        "map of nothing",
        lambda x: (ops.map(lambda row: ops.sum(row) * row, x[:0]), x * 1),
        (normal(2, 3),),
        lambda x: (x[:0], x),
        batch=(),
    ),
    Case(
        "map second gradient",
        lambda x: ops.gradients(ops.sum(ops.map(lambda row: ops.sum(row**3), x)), x),
        (normal(3, 2),),
        lambda x: 3 * x**2,
    ),
    Case(
        "vectorized_map of nothing",
        lambda x: (ops.vectorized_map(lambda row: {"s": ops.sum(row) * row}, x[:0])["s"], x * 1),
        (normal(2, 3),),
        lambda x: (x[:0], x),
        batch=(),
    ),
    Case(
        "vectorized_map of branches",
        lambda x: ops.vectorized_map(
            lambda row: ops.cond(row[0] > 0, lambda: row * row, lambda: -row), x
        ),
        (nonzero(4, 2),),
        lambda x: np.where(x[:, :1] > 0, x * x, -x),
    ),
    Case(
        "vectorized_map",
        lambda x, y: ops.vectorized_map(lambda pair: pair[0] * pair[1], [x, y]),
        (normal(3, 2), normal(3, 2)),
        lambda x, y: x * y,
        batch=(0, 1),
    ),
    Case(
        "vectorized_map of gradients",
        lambda x, w: ops.vectorized_map(
            lambda row: ops.gradients(ops.sum(ops.tanh(ops.matmul(row, w))), row), x
        ),
        (normal(4, 3), normal(3, 2)),
        lambda x, w: (1 - np.tanh(x @ w) ** 2) @ w.T,
    ),
    Case(
        "vectorized_map of gradients through a phase",
        lambda x: ops.vectorized_map(
            lambda row: ops.gradients(ops.sum(ops.in_train_phase(row**2, row[0])), row), x
        ),
        (normal(4, 3),),
        lambda x: np.eye(3)[[0] * 4] * 3,
    ),
    Case(
        "vectorized_map by positions",
        lambda x, i: ops.vectorized_map(
            lambda pair: (ops.take(pair[0], pair[1], axis=0), ops.softmax(pair[0][::-1])), (x, i)
        ),
        (normal(3, 4, 2), integers(0, 4, 3, 5)),
        lambda x, i: (
            np.take_along_axis(x, i[..., None], 1),
            np.exp(x[:, ::-1]) / np.exp(x[:, ::-1]).sum(-1, keepdims=True),
        ),
        batch=(0, 1),
    ),
    Case(
        "vectorized_map of a loop",
        lambda x: ops.vectorized_map(lambda v: ops.fori_loop(0, 3, lambda i, y: y * v, v), x),
        (normal(3, 2),),
        lambda x: x**4,
    ),
    Case(
        "vectorize",
        ops.vectorize(lambda x, y: x * y + 1),
        (normal(3, 1), normal(2)),
        lambda x, y: x * y + 1,
    ),
    Case(
        "vectorize by signature",
        ops.vectorize(lambda x, y: ops.matmul(x, y), signature="(m,n),(n)->(m)"),
        (normal(4, 2, 3), normal(3)),
        lambda x, y: x @ y,
    ),
    Case("while_loop", _newton, (positive(4),), np.sqrt, grad=False, tolerance=1e-4),
    Case(
        "while_loop at most",
        lambda x: ops.while_loop(
            lambda y: ops.sum(y) < 1e9, lambda y: y * 2, x, maximum_iterations=3
        ),
        (positive(2),),
        lambda x: x * 8,
        grad=False,
    ),
    Case(
        "while_loop never",
        lambda x: ops.while_loop(lambda y: ops.sum(y) < -1, lambda y: y * 2, [x])[0],
        (positive(2),),
        lambda x: x,
        grad=False,
    ),
    Case(
        "while_loop of structures",
        lambda x, y: ops.while_loop(
            lambda i, pair: i < 4,
            lambda i, pair: (i + 1, {"x": pair["x"] * pair["y"][0], "y": pair["y"]}),
            (0, {"x": x, "y": [y]}),
        )[1]["x"],
        (normal(3), normal(3)),
        lambda x, y: x * y**4,
        grad=False,
    ),
    Case(
        "while_loop draws",
        lambda: ops.while_loop(
            lambda i, x, y: i < 3,
            lambda i, x, y: (i + 1, y, random.normal((500,))),
            (0, ops.zeros(500), ops.zeros(500)),
        )[1:],
        (),
        check=lambda x, y: _all_differ(np.stack([x, y])),
    ),
    Case(
        "fori_loop",
        lambda x: ops.fori_loop(1, 4, lambda i, y: y * x + ops.cast(i, y.dtype), x),
        (positive(3),),
        lambda x: ((x * x + 1) * x + 2) * x + 3,
    ),
    *(
        Case(
            f"fori_loop from 3 to {end}",
            lambda x, end=end: ops.fori_loop(3, end, lambda i, y: y * x, x * 2),
            (positive(3),),
            lambda x: x * 2,
        )
        for end in (3, 1)
    ),
    Case(
        "fori_loop of scans",
        _sums_in_a_loop,
        (normal(3, 2), normal(2)),
        _sums_in_a_loop_reference,
        tolerance=1e-4,
    ),
    Case(
        "fori_loop to a tensor",
        lambda n, x: ops.fori_loop(0, n, lambda i, y: y * 2, x),
        (scalar(3, "int32"), positive(3)),
        lambda n, x: x * 8,
        grad=False,
    ),
    Case(
        "fori_loop for each sample",
        lambda x: ops.fori_loop(0, ops.shape(x)[0], lambda i, y: y * x, ops.ones_like(x)),
        (positive(3),),
        lambda x: x**3,
    ),
    *(
        Case(
            f"associative_scan {n}",
            lambda x: ops.associative_scan(ops.matmul, x),
            (normal(n, 2, 2),),
            _products_reference,
            batch=(),
        )
        for n in (1, 2, 5, 8)
    ),
    Case(
        "associative_scan of unknown length",
        lambda x: ops.associative_scan(ops.matmul, x),
        (normal(4, 2, 2),),
        _products_reference,
    ),
    Case(
        "associative_scan of pairs on axis 1",
        lambda m, b: ops.associative_scan(_combined, (m, b), axis=1),
        (positive(2, 5), normal(2, 5)),
        _recurrence_reference,
        batch=(0, 1),
    ),
    Case(
        "associative_scan of pairs reversed on axis -2",
        lambda m, b: ops.associative_scan(_combined, (m, b), reverse=True, axis=-2),
        (positive(2, 5, 3), normal(2, 5, 3)),
        lambda m, b: tuple(t[:, ::-1] for t in _recurrence_reference(m[:, ::-1], b[:, ::-1])),
        batch=(0, 1),
    ),
    Case(
        "associative_scan of nothing",
        lambda x: (ops.associative_scan(ops.multiply, x[:0]), x * 1),
        (normal(2, 3),),
        lambda x: (x[:0], x),
        batch=(),
    ),
    Case(
        "associative_scan reversed",
        lambda x: ops.associative_scan(lambda a, b: a + b, x, reverse=True, axis=-1),
        (f32([1, 2, 3], [4, 5, 6]),),
        lambda x: np.cumsum(x[:, ::-1], 1)[:, ::-1],
    ),
]
