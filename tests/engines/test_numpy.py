"""The NumPy engine: its plans must compute what the definitions say, and nothing else.

What each operation means is tested by the tables in `tests/cases`. Here a program runs both
planned (buffers reused, chains in pieces, updates in place) and by the definitions alone.
"""

import math
import random
import tracemalloc

import numpy as np
import pytest

from kerasish import engines, ops
from kerasish.engines.numpy import chain, create, table
from kerasish.graph import trace
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients
from kerasish.graph.tensor import Placeholder
from kerasish.graph.variable import Variable
from kerasish.ops.random import SeedGenerator, dropout, normal, uniform
from kerasish.ops.selection import take_p


class Runs:
    """One program on two engines: planned on the first, by definition on the second."""

    def __init__(self, inputs, outputs, updates=()):
        self.planned, self.defined = create(), create()
        function = Function(inputs, outputs, updates, name="f")
        specs = [t.spec for t in inputs]
        self.program, self.variables = function.lower(specs, self.planned)
        for variable in self.variables:
            self.planned.write(variable.key, variable.numpy())
            self.defined.write(variable.key, variable.numpy())
        self.executable = self.planned.compile(self.program)

    def __call__(self, *arrays, counter=0):
        """Runs both, compares all results and variables, and returns the planned results."""
        results = self.executable(arrays, counter)
        expected = self.defined.evaluate(self.program, arrays, counter)
        close(results, expected, self.program)
        close(
            [self.planned.read(v.key) for v in self.variables],
            [self.defined.read(v.key) for v in self.variables],
            self.program,
        )
        return results

    def value(self, variable):
        return self.planned.read(variable.key)


def close(results, expected, program=""):
    for result, wanted in zip(results, expected, strict=True):
        assert result.dtype == wanted.dtype
        np.testing.assert_allclose(result, wanted, rtol=2e-4, atol=2e-4, err_msg=str(program))


def floats(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def placeholders(*shapes):
    return [Placeholder(shape, "float32") for shape in shapes]


# --- plans against definitions -----------------------------------------------------------

UNARY = (ops.relu, ops.sigmoid, ops.softplus, ops.tanh, ops.negative, ops.square, ops.erf, ops.abs)
BINARY = (ops.add, ops.multiply, ops.subtract, ops.maximum, ops.greater_equal)
RESHAPING = (
    lambda a: ops.transpose(a),
    lambda a: ops.reshape(a, (2, -1)),
    lambda a: ops.flip(a),
    lambda a: ops.sum(a, axis=0),
    lambda a: ops.stop_gradient(a),
    lambda a: ops.broadcast_to(a[:1], (6, 6)),
)


def random_graph(seed):
    """Inputs, outputs and updates: views, broadcasting and updates in any combination."""
    choose = random.Random(seed)
    variables = [Variable(floats(6, 6, seed=i)) for i in range(3)]
    inputs = placeholders((6, 6), (6,))
    pool = [*inputs, *variables]
    for _ in range(choose.randint(5, 30)):
        a, b, c = choose.choice(pool[-8:]), choose.choice(pool), choose.choice(pool)
        kind = choose.random()
        try:
            if kind < 0.3:
                new = choose.choice(UNARY)(a)
            elif kind < 0.6:
                new = ops.cast(choose.choice(BINARY)(a, b), "float32")
            elif kind < 0.7:
                new = ops.where(a > b, b, c)
            elif kind < 0.75:
                new = ops.matmul(a, b)
            else:
                new = choose.choice(RESHAPING)(a)
        except (ValueError, IndexError):
            continue  # shapes that do not fit: try another operation
        # Kept small, or products would soon be infinite.
        pool.append(ops.tanh(new) if kind < 0.6 and choose.random() < 0.5 else new)
    square = [t for t in pool if t.shape == (6, 6)]
    updates = [(v, choose.choice(square)) for v in variables if choose.random() < 0.8]
    return inputs, [pool[-1], *choose.choices(pool, k=2)], updates


@pytest.mark.parametrize("piece", [2, 7, 1 << 14])
def test_random_graphs(monkeypatch, piece):
    monkeypatch.setattr(chain, "PIECE", piece)
    for seed in range(100):
        runs = Runs(*random_graph(seed))
        kept = [(runs(floats(6, 6, seed=i), floats(6, seed=i))) for i in range(3)]
        copies = [[a.copy() for a in results] for results in kept]
        runs(floats(6, 6, seed=9), floats(6, seed=9))
        for results, copied in zip(kept, copies, strict=True):
            close(results, copied)  # a later run must not write over earlier results


def conv_case(sizes, kernel, **attrs):
    def build(x):
        k = Variable(floats(*kernel, seed=1))
        out = ops.conv(x, k, **attrs)
        return [out, *ops.gradients(ops.sum(out * ops.sin(out)), [x, k])]

    return sizes, build


def pool_case(sizes, pool, *args):
    def build(x):
        out = pool(x, *args)
        return [out, ops.gradients(ops.sum(ops.square(out)), x)]

    return sizes, build


def gradient_case(sizes, function):
    def build(x):
        out = function(x)
        return [out, ops.gradients(ops.sum(ops.sin(out)), x)]

    return sizes, build


QUICK_FORMS = {
    "conv 1D, dilated": conv_case((2, 9, 3), (3, 3, 4), dilation_rate=2),
    "conv 1D, causal": conv_case((2, 9, 3), (3, 3, 4), padding="causal"),
    "conv 2D": conv_case((2, 6, 7, 20), (3, 2, 20, 5)),
    "conv 2D, one element": conv_case((2, 6, 7, 3), (1, 1, 3, 5)),
    "conv 2D, same, strides": conv_case((3, 6, 7, 3), (3, 3, 3, 5), strides=2, padding="same"),
    "conv 2D, groups": conv_case((2, 6, 6, 4), (3, 3, 2, 6), padding="same"),
    "conv 2D, depthwise": conv_case((2, 6, 6, 3), (3, 3, 1, 3), padding="same"),
    "conv 2D, two filters each": conv_case((2, 6, 6, 3), (3, 2, 1, 6), strides=2),
    "conv 3D": conv_case((2, 4, 5, 4, 2), (2, 3, 2, 2, 3), padding="same"),
    "max pool": pool_case((2, 6, 6, 3), ops.max_pool, 2),
    "max pool, overlapping, padded": pool_case((2, 7, 6, 3), ops.max_pool, 3, 2, "same"),
    "average pool": pool_case((2, 6, 6, 3), ops.average_pool, 2),
    "average pool, padded": pool_case((2, 7, 6, 3), ops.average_pool, 3, 2, "same"),
    "take": gradient_case((5, 4, 3), lambda x: ops.take(x, [[0, 3], [3, -1]], axis=1)),
    "take rows": gradient_case((5, 4), lambda x: x[np.array([1, 1, 4])]),
    "pad": gradient_case((3, 4), lambda x: ops.pad(x, ((1, 2), (0, 3)))),
    "slice": gradient_case((6, 5), lambda x: x[4:0:-2, ::3]),
    "concatenate": gradient_case((3, 4), lambda x: ops.concatenate([x, x * x], axis=1)),
    "sums of rows": gradient_case((3, 4, 5), lambda x: ops.sum(x * x, axis=(0, 1))),
    "other sums": gradient_case((3, 4, 5), lambda x: ops.mean(x * x, axis=(0, 2), keepdims=True)),
    "max": gradient_case((3, 4, 5), lambda x: ops.max(x, axis=1)),
    "cumsum": gradient_case((3, 4), lambda x: ops.cumsum(x, axis=0)),
    "product of odd strides": gradient_case(
        (3, 4, 5), lambda x: ops.transpose(x, (1, 2, 0)) @ ops.flip(x, 2)[:1, :3, ::2]
    ),
    "product of broadcast": gradient_case(
        (1, 5), lambda x: ops.matmul(ops.broadcast_to(x, (4, 5)), ops.transpose(x))
    ),
}


@pytest.mark.parametrize("name", QUICK_FORMS)
def test_quick_forms(name):
    sizes, build = QUICK_FORMS[name]
    (x,) = placeholders(sizes)
    runs = Runs([x], build(x))
    for seed in range(2):
        runs(floats(*sizes, seed=seed))


def test_half_precision_adds_up_in_float32():
    x = Placeholder((4096,), "float16")
    (total,) = Runs([x], [ops.sum(x)])(np.full(4096, 0.1, "float16"))
    assert total.dtype == np.float16
    assert abs(total - 409.5) < 1


def test_erf_is_exact():
    x = np.concatenate([np.linspace(-7, 7, 1001), np.logspace(-9, 0, 50)])
    exact = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(table.erf(x), exact, rtol=1e-15)
    (p,) = placeholders(x.shape)
    (quick,) = Runs([p], [ops.erf(p)])(x.astype("float32"))
    np.testing.assert_allclose(quick, exact, rtol=1e-6)


# --- state -------------------------------------------------------------------------------


def test_updates_are_applied_together():
    a, b = Variable(floats(3, seed=1)), Variable(floats(3, seed=2))
    runs = Runs([], [a, b], [(a, b), (b, a)])
    first = [a.numpy(), b.numpy()]
    close(runs(), first)
    close(runs(), first[::-1])
    runs = Runs([], [a + b], [(a, b + 1), (b, a * 2)])
    runs()
    close([runs.value(a), runs.value(b)], [first[1] + 1, first[0] * 2])


def test_old_values_that_are_still_needed_are_kept():
    w = Variable(floats(8, 8))
    (x,) = placeholders((8, 8))
    new = w * 2
    # The product comes after the new value, and reads the old one through a view.
    runs = Runs([x], [new, ops.matmul(x + new, ops.transpose(w)), w], [(w, new)])
    for _ in range(2):
        runs(floats(8, 8))


def test_two_variables_may_get_one_value():
    a, b = Variable(floats(3)), Variable(floats(3))
    runs = Runs([], [], [(a, a + b), (b, a + b)])
    runs()
    runs()


def test_one_value_returned_twice_gives_two_arrays():
    (x,) = placeholders((3,))
    first, second, same = Runs([x], [x + 1, x + 1, x])(floats(3))
    first[:] = 0
    assert second.any()
    assert same.any()


def mlp_step(batch=64, rate=0.1):
    x, y = placeholders((batch, 100), (batch, 10))
    weights = [Variable(floats(100, 300) * 0.1), Variable(floats(300)), Variable(floats(300, 10))]
    hidden = dropout(ops.relu(x @ weights[0] + weights[1]), 0.3, seed=SeedGenerator(1))
    loss = ops.mean(ops.categorical_crossentropy(y, hidden @ weights[2], from_logits=True))
    grads = ops.gradients(loss, weights)
    slots = [Variable(np.zeros(w.shape, "float32")) for w in weights]
    speeds = [0.9 * s - rate * g for s, g in zip(slots, grads, strict=True)]
    updates = [*zip(slots, speeds, strict=True)]
    updates += [(w, w + s) for w, s in zip(weights, speeds, strict=True)]
    return [x, y], [loss], updates


def test_training_is_in_place_and_allocates_nothing_large():
    runs = Runs(*mlp_step(batch=256))
    assert runs.executable.plan.commits == []
    arrays = [floats(256, 100), ops.softmax(floats(256, 10)).numpy()]
    runs(*arrays)
    tracemalloc.start()
    runs.executable(arrays, 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000  # one hidden activation takes 307,200 bytes


def test_programs_share_buffers():
    engine = create()

    def compiled(size):
        (x,) = placeholders((size, 1000))
        function = Function([x], [ops.sum(ops.sin(x) @ ops.transpose(ops.cos(x)))])
        return engine.compile(function.lower([x.spec], engine)[0])

    tracemalloc.start()
    kept = [compiled(1000)]
    before, _ = tracemalloc.get_traced_memory()
    kept += [compiled(1000 - i) for i in range(5)]
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after < 1.2 * before
    x = floats(1000, 1000)
    first = kept[0]([x], 0)
    kept[1]([x], 0)
    close(kept[0]([x], 0), first)


def test_a_variable_written_again_reaches_programs_compiled_before():
    engine = create()
    w = Variable(np.float32(1))
    program, _ = Function([], [w * 2]).lower([], engine)
    engine.write(w.key, np.float32(1))
    run = engine.compile(program)
    assert run([], 0)[0] == 2
    engine.delete(w.key)
    assert not engine.holds(w.key)
    engine.write(w.key, np.float32(5))
    assert run([], 0)[0] == 10


# --- many steps --------------------------------------------------------------------------


@pytest.mark.parametrize("collect", [False, True])
def test_run_steps_equals_single_runs(collect):
    inputs, outputs, updates = mlp_step(batch=4)
    bulk, single = Runs(inputs, outputs, updates), Runs(inputs, outputs, updates)
    data = [floats(20, 100), ops.softmax(floats(20, 10)).numpy()]
    order = np.random.default_rng(0).permutation(20).reshape(5, 4).astype("int32")
    resident = [bulk.planned.put(d) for d in data]
    losses = bulk.executable.run_steps(resident, order, 7, collect)[0]
    expected = [
        single.executable([d[rows] for d in data], 7 + i)[0] for i, rows in enumerate(order)
    ]
    close([losses], [np.stack(expected) if collect else expected[-1]])
    for variable in bulk.variables:
        close([bulk.value(variable)], [single.value(variable)])


def test_data_of_another_dtype_is_cast_as_it_is_gathered():
    (x,) = placeholders((2, 3))
    runs = Runs([x], [x / 2])
    data = np.arange(12, dtype="uint8").reshape(4, 3)
    out = runs.executable.run_steps([data], np.array([[3, 0]], "int32"), 0, False)[0]
    close([out], [data[[3, 0]].astype("float32") / 2])


# --- random numbers ----------------------------------------------------------------------

DRAWS = {
    "uniform": lambda seed: uniform((1000,), seed=seed),
    "normal": lambda seed: normal((1000,), seed=seed),
    "half": lambda seed: uniform((1000,), dtype="float16", seed=seed),
    "dropout": lambda seed: dropout(np.ones(1000, "float32"), 0.3, seed=seed),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws_follow_from_stream_and_counter(name):
    x = Placeholder((), "float32")  # so that the draw is not computed beforehand
    with trace.symbolic():  # as with an input among the arguments
        counted = Runs([x], [DRAWS[name](SeedGenerator(3))])
    zero = np.float32(0)
    (first,), (again,), (other,) = (counted(zero, counter=i) for i in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    fixed = Runs([x], [DRAWS[name](3)])
    np.testing.assert_array_equal(fixed(zero, counter=5)[0], fixed(zero, counter=6)[0])


def test_dropout_keeps_the_mean():
    mask = dropout(np.ones(200_000, "float32"), 0.3, seed=1).numpy()
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / 0.7)}
    assert abs(mask.mean() - 1) < 0.01


# --- errors ------------------------------------------------------------------------------


def test_errors_name_the_operation_and_its_place():
    x, indices = Placeholder((3, 2), "float32"), Placeholder((2,), "int32")
    runs = Runs([x, indices], [ops.sin(take_p(x, indices, axis=0))])
    bad = [floats(3, 2), np.array([0, 3], "int32")]
    message = r"f: take\(float32\(3, 2\), int32\(2,\)\).*test_numpy\.py:\d+.*"
    with pytest.raises(ValueError, match=message + "from -3 to 2"):
        runs.executable(bad, 0)
    with pytest.raises(ValueError, match=message + "out of bounds"):
        runs.defined.evaluate(runs.program, bad, 0)
    runs(floats(3, 2), np.array([0, 2], "int32"))  # the engine is as usable as before


def test_wrong_inputs_are_refused():
    (x,) = placeholders((2, 3))
    runs = Runs([x], [x + 1])
    with pytest.raises(ValueError, match=r"f: expected an input of shape \(2, 3\), but got \(3,\)"):
        runs.executable([floats(3)], 0)
    with pytest.raises(ValueError, match="at least one step"):
        runs.executable.run_steps([floats(4, 3)], np.zeros((0, 2), "int32"), 0, False)
    with pytest.raises(IndexError, match="from -4 to 3"):
        runs.executable.run_steps([floats(4, 3)], np.array([[0, 4]], "int32"), 0, False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_are_counted_from_the_end_too(dtype):
    (x,) = placeholders((1, 2))
    data = np.arange(6, dtype=dtype).reshape(3, 2)
    (row,) = Runs([x], [x * 1.0]).executable.run_steps([data], np.array([[-1]]), 0, False)
    np.testing.assert_array_equal(row, data[-1:])


def test_infinity_and_nan_are_values():
    (x,) = placeholders((2,))
    log, root = Runs([x], [ops.log(x), ops.sqrt(x)])(np.array([0, -1], "float32"))
    assert np.isneginf(log[0])
    assert np.isnan(root[1])


def test_the_reference_applies_single_operations():
    reference = engines.reference()
    assert reference is engines.reference()
    (index,) = reference.apply("argmax", [np.array([1.0, 3.0, 2.0])], {"axis": 0})
    assert index.dtype == np.int32
    assert index == 1


def test_a_stretched_number_is_not_written_over():
    x, y = Placeholder((), "float32"), Placeholder((1,), "float32")
    function = Function([x, y], [ops.broadcast_to(ops.exp(x), (1,)) * y])
    for _ in range(3):  # once by the definitions, then compiled
        assert function(np.float32(0), np.float32([2.0]))[0] == 2.0


def test_gradients_and_factors_of_nothing():
    x = Placeholder((0, 3), "float32")
    taken = ops.take(x, np.zeros(2, "int32"), axis=1)
    for function in (
        Function([x], gradients(ops.sum(ops.log_softmax(x)), [x])),
        Function([x], gradients(ops.sum(taken), [x])),
    ):
        for _ in range(3):
            assert function(np.zeros((0, 3), "float32"))[0].shape == (0, 3)
    assert ops.lu_factor(np.zeros((2, 0, 0), "float32"))[0].shape == (2, 0, 0)
