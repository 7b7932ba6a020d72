"""Loops, branches and own gradients, beyond the values of single operations."""

import json

import numpy as np
import pytest
from cases.graphs import f32, placeholder, program_of

from kerasish import backend, layers, models, ops
from kerasish.engines import reference
from kerasish.engines.base import MissingOperationError
from kerasish.graph.function import Function
from kerasish.graph.trace import Trace
from kerasish.graph.variable import Variable
from kerasish.ops import random


def instructions(program, op):
    return [i for i in program.walk() if i.op == op]


def rnn(x, kernel, h):
    """The states (time first) of a simple recurrent network on x (time first)."""

    def step(h, v):
        h = ops.tanh(v + ops.matmul(h, kernel))
        return h, h

    return ops.scan(step, h, x)


class SimpleRNN(layers.Layer):
    """A recurrent layer as a user would write it."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dropout = layers.Dropout(0.1)

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, self.units), name="recurrent")

    def call(self, x):
        x = ops.swapaxes(ops.matmul(x, self.kernel), 0, 1)
        start = ops.zeros((ops.shape(x)[1], self.units))

        def step(h, v):
            return ops.tanh(v + ops.matmul(self.dropout(h), self.recurrent)), None

        return ops.scan(step, start, x)[0]


# --- models ------------------------------------------------------------------------------


@pytest.mark.parametrize("bulk", [True, False], ids=["in bulk", "eagerly"])
def test_a_recurrent_layer_learns(engine, bulk):
    """To tell whether the first of six numbers was positive."""
    if not engine.lowers("scan"):
        pytest.skip("reported by check(), see below")
    x = np.random.default_rng(0).normal(size=(256, 6, 1)).astype("float32")
    y = (x[:, 0] > 0).astype("float32")
    model = models.Sequential([layers.Input((None, 1)), SimpleRNN(8), layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"], run_eagerly=not bulk)
    model.optimizer.learning_rate = 0.02
    epochs = 25 if bulk else 2
    history = model.fit(x, y, batch_size=32, epochs=epochs, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    if bulk:
        assert history["accuracy"][-1] > 0.9
        assert model.predict(x[:3, :4], verbose=0).shape == (3, 1)


def test_an_engine_without_loops_says_so():
    class Other(type(reference())):
        def lowers(self, op):
            return op not in ("scan", "tanh") and super().lowers(op)

    x = placeholder(3, 2, 2)
    program = program_of([rnn(x, Variable(np.eye(2)), x[0])[0]], [x])
    with pytest.raises(MissingOperationError) as error:
        Other().check(program)
    assert "scan" in str(error.value)
    assert "tanh" in str(error.value), "operations within loops count"


def test_a_loop_between_layers_has_no_config():
    x = layers.Input((3, 2))
    model = models.Model(x, ops.map(lambda row: row * 2, x))
    assert model.predict(np.ones((2, 3, 2)), verbose=0).shape == (2, 3, 2)
    with pytest.raises(TypeError, match="holds a function"):
        model.get_config()


@ops.custom_gradient
def _tripled(x):
    return x * 1.0, lambda g: 3.0 * g


# On x (samples, 3, 2), and what each is without a loop.
BETWEEN_LAYERS = {
    "scan": (
        lambda x: ops.scan(lambda c, v: (c + v, None), ops.zeros((3, 2)), x)[0],
        lambda x: x.sum(0),
    ),
    "fori_loop": (lambda x: ops.fori_loop(0, 2, lambda i, y: y * x, x), lambda x: x**3),
    "cond": (
        lambda x: ops.cond(ops.sum(x) > 0, lambda: {"y": x * x}, lambda: {"y": -x})["y"],
        lambda x: x * x if x.sum() > 0 else -x,
    ),
    "switch": (
        lambda x: ops.switch(ops.shape(x)[0], [lambda t: t, lambda t: -t, lambda t: t * t], x),
        lambda x: [x, -x, x * x][min(len(x), 2)],
    ),
    "map": (
        lambda x: ops.map(lambda v: ops.sum(v) * v, x),
        lambda x: x.sum((1, 2), keepdims=1) * x,
    ),
    "vectorized_map": (
        lambda x: ops.vectorized_map(lambda v: ops.softmax(v), x),
        lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    ),
    "associative_scan": (
        lambda x: ops.associative_scan(ops.multiply, x, axis=1, reverse=True),
        lambda x: np.cumprod(x[:, ::-1], 1)[:, ::-1],
    ),
    "custom_gradient": (_tripled, lambda x: x),
    "while_loop": (
        lambda x: ops.stop_gradient(
            ops.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * 2), (0, x))[1]
        ),
        lambda x: x * 4,
    ),
}


def test_all_loops_between_layers(engine):
    """In a functional model, in a function of the backend, and the gradients through them."""
    if not engine.lowers("scan"):
        pytest.skip("reported by check(), see below")
    x = layers.Input((3, 2))
    outputs = [loop(x * 1.0) for loop, _ in BETWEEN_LAYERS.values()]
    data = np.random.default_rng(0).uniform(0.5, 1.5, (4, 3, 2)).astype("float32")
    right = [reference(data.astype("float64")) for _, reference in BETWEEN_LAYERS.values()]
    model = models.Model(x, outputs[1:])  # the first has no axis of samples
    loss = sum(ops.sum(ops.sin(y)) for y in outputs)
    run = backend.function([x], [*outputs, loss, *backend.gradients(loss, [x])])
    *values, _, grad = run([data])
    predicted = [values[0], *model.predict(data, verbose=0)]
    for name, a, b, value in zip(BETWEEN_LAYERS, values, predicted, right, strict=True):
        np.testing.assert_allclose(a, value, 1e-5, 1e-5, err_msg=name)
        np.testing.assert_allclose(b, value, 1e-5, 1e-5, err_msg=name)

    def loss_of(x):
        *ys, own, _ = [reference(x) for _, reference in BETWEEN_LAYERS.values()]
        return sum(np.sin(y).sum() for y in ys) + 3 * np.sin(own).sum()

    way = np.random.default_rng(1).normal(size=data.shape)
    up, down = (loss_of(data + step * way) for step in (1e-5, -1e-5))
    np.testing.assert_allclose((grad * way).sum(), (up - down) / 2e-5, rtol=1e-3)


# --- programs ----------------------------------------------------------------------------


def training_program(steps=5):
    x, kernel = placeholder(steps, 2, 3), Variable(np.eye(3), name="kernel")
    last, _ = rnn(x, kernel, ops.zeros((2, 3)))
    return program_of(ops.gradients(ops.sum(last), [x, kernel]), [x])


def test_the_gradient_keeps_what_the_loop_computed():
    """Two loops: one forward that keeps its states, one back with a single product each."""
    program = training_program()
    forward, back = instructions(program, "scan")
    assert back.attrs["reverse"] is True
    assert [i.op for i in forward.attrs["body"].instructions] == ["matmul", "add", "tanh"]
    (product,) = [i for i in back.attrs["body"].instructions if i.op == "matmul"]
    assert product.attrs["transpose_b"] is False, "the kernel is transposed anew in each step"
    assert "tanh" not in back.attrs["body"].ops
    # The kernel's gradient is one product of all steps, after the loop.
    assert program.instructions[-1].op == "matmul"
    assert program.instructions[-1].inputs[0] != program.instructions[-1].inputs[1]


def test_what_nobody_needs_is_not_computed():
    x, y = placeholder(4, 2), placeholder(4, 2)

    def step(carry, xs):
        a, b = carry
        return (a + xs[0], ops.exp(b) + xs[1]), (ops.sin(a), ops.cos(b))

    (last, _), (sines, _) = ops.scan(step, (ops.zeros(2), ops.zeros(2)), (x, y))
    (loop,) = program_of([last, sines], [x, y]).instructions[-1:]
    assert loop.attrs["body"].ops == ["add", "sin"]
    assert loop.attrs["carries"] == loop.attrs["sequences"] == 1
    _, kept = ops.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2), (0, x[0]))
    first, _ = ops.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2), (0, x[0]))
    assert instructions(program_of([first], [x]), "while")[0].attrs["states"] == 1
    assert instructions(program_of([kept], [x]), "while")[0].attrs["states"] == 2
    some, _ = ops.cond(x[0, 0] > 0, lambda: (x, ops.sin(y)), lambda: (x * 2, ops.cos(y)))
    assert "sin" not in program_of([some], [x, y]).ops


def test_what_is_the_same_in_each_step_is_computed_once():
    x, w = placeholder(4, 2), Variable(np.ones((2, 2)))
    total, _ = ops.scan(lambda c, v: (c + ops.matmul(v, ops.exp(w)), None), ops.zeros(2), x)
    program = program_of([total], [x])
    assert "exp" in [i.op for i in program.instructions]
    assert "exp" not in instructions(program, "scan")[0].attrs["body"].ops


def test_equal_loops_are_one():
    x, w = placeholder(4, 2), Variable(np.ones((2, 2)))
    last, ys = rnn(x[:, None], w, ops.zeros((1, 2)))
    first, second = ops.gradients(ops.sum(last), w), ops.gradients(ops.sum(ys * ys), w)
    loops = instructions(program_of([last, ys, first, second], [x]), "scan")
    assert sum(not loop.attrs["reverse"] for loop in loops) == 1


def test_programs_within_programs_print_and_become_json():
    x = placeholder(3, 2)
    w = f32([1, 2], [3, 4])

    def step(c, v):
        return ops.cond(ops.sum(v) > 0, lambda: c + v, lambda: c * 2 + w[1]), random.normal((2,))

    last, noise = ops.scan(step, ops.zeros(2), x)
    program = program_of([last, noise], [x])
    assert program.is_random
    text = str(program)
    for part in ("scan(", "\n        body: program test.body(", "then: program", "return"):
        assert part in text, text
    header, arrays = program.to_json()
    back = json.loads(json.dumps(header))
    (loop,) = [i for i in back["instructions"] if i[0] == "scan"]
    body = loop[2]["body"]["program"]
    assert body["variables"] == []
    assert {"cond", "random_normal"} <= {i[0] for i in body["instructions"]}
    count = json.dumps(back).count('"constants"')
    assert count == 4, "the program, the body and two branches"
    assert all(isinstance(a, np.ndarray) for a in arrays)

    def constants(header):
        inner = [
            v["program"]
            for i in header["instructions"]
            for v in i[2].values()
            if isinstance(v, dict)
        ]
        return len(header["constants"]) + sum(map(constants, inner))

    assert len(arrays) == constants(back)


# --- what is used from outside -----------------------------------------------------------


def test_captured_variables_and_tensors(engine):
    if not engine.lowers("scan"):
        return
    w, x = Variable(f32(1, 2)), placeholder(None, 2)
    scale = ops.sum(x) * w  # from outside, neither argument nor constant
    total, _ = ops.scan(lambda c, v: (c + v * w * scale, None), ops.zeros_like(w), x)
    function = Function([x], [total, *ops.gradients(ops.sum(total), [w, x])])
    data = f32([1, 2], [3, 4], [5, 6])
    value, in_w, in_x = function(data)
    s = data.sum()
    np.testing.assert_allclose(value, data.sum(0) * s * f32(1, 4))
    np.testing.assert_allclose(in_w, 2 * data.sum(0) * s * f32(1, 2))
    shared = (data.sum(0) * f32(1, 4)).sum()
    np.testing.assert_allclose(in_x, np.tile(shared + s * f32(1, 4), (3, 1)))
    w.set_value(f32(0, 1))
    np.testing.assert_allclose(function(data[:2])[0], [0, 60])


def test_values_assigned_before_are_used_and_sizes_of_what_is_outside():
    v, x = Variable(1.0), placeholder(None, 3)
    with Trace() as effects:
        v.assign(5.0)
        result = ops.map(lambda row: row * v + ops.cast(ops.shape(x)[0], "float32"), x)
    assert v in effects.updates
    np.testing.assert_array_equal(Function([x], [result])(np.ones((4, 3)))[0], np.full((4, 3), 9))


def test_random_streams_differ_between_loops_and_what_is_around_them(engine):
    if not engine.lowers("scan"):
        return
    seeds = random.SeedGenerator(3)
    with Trace():
        outside = random.normal((100,), seed=seeds)
        _, first = ops.scan(lambda c, _: (c, random.normal((100,), seed=seeds)), 0.0, length=2)
        nested = ops.map(
            lambda _: ops.map(lambda _: random.normal((100,), seed=seeds), ops.ones(2)), ops.ones(2)
        )
    function = Function([], [outside, first, nested])
    for _ in range(5):  # op by op, then compiled
        drawn = np.concatenate([np.ravel(r) for r in (*function(), *function())])
        assert len(np.unique(drawn)) > 0.99 * drawn.size


def test_a_layer_within_a_loop_has_its_weights():
    dense = layers.Dense(2)
    x = placeholder(3, 1, 2)
    ys = ops.map(dense, x)
    assert len(dense.weights) == 2
    data = np.ones((3, 1, 2), "float32")
    np.testing.assert_allclose(Function([x], [ys])(data)[0], data @ dense.kernel.numpy(), rtol=1e-6)


# --- errors ------------------------------------------------------------------------------


def test_carries_keep_their_specs():
    with pytest.raises(ValueError, match=r"number 0 comes in as float32\(2,\).*int32\(2,\)"):
        ops.scan(lambda c, x: (ops.cast(c, "int32"), x), ops.zeros(2), ops.ones(3))
    with pytest.raises(ValueError, match=r"number 1 comes in as float32\(\).*float32\(3,\)"):
        ops.while_loop(lambda i, x: i < 2, lambda i, x: (i + 1, x + ops.ones(3)), (0, 1.0))
    x = placeholder(None, 2)  # found out when the sizes are known
    last, _ = ops.scan(lambda c, _: (x, None), ops.zeros((3, 2)), length=2)
    with pytest.raises(ValueError, match=r"comes in as float32\(3, 2\).*returns float32\(4, 2\)"):
        Function([x], [last])(np.zeros((4, 2)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.scan(lambda c, x: c, 0.0, ops.ones(2)), "must return a carry and a result"),
        (lambda: ops.scan(lambda c, x: ((c, c), x), 0.0, ops.ones(2)), "keep its structure"),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0), "length must be given"),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0, 1.0), "need a first axis"),
        (
            lambda: ops.scan(lambda c, x: (c, x), 0.0, (ops.ones(2), ops.ones(3))),
            r"expected 2 elements .* \(2,\), \(3,\)",
        ),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0, ops.ones(2), unroll=0), "unroll must be"),
        (
            lambda: ops.while_loop(lambda x: x, lambda x: x, ops.ones(2)),
            r"scalar bool, but it is float32\(2,\)",
        ),
        (lambda: ops.cond(placeholder(2), lambda: 1, lambda: 2), r"but has shape \(2,\)"),
        (
            lambda: ops.cond(placeholder() > 0, lambda: 1, lambda: 2.0),
            r"first returns int32\(\) and the second float32\(\)",
        ),
        (lambda: ops.cond(placeholder() > 0, lambda: 1, lambda: (1, 2)), "the same structure"),
        (lambda: ops.switch(0.5, [lambda: 1]), "must be a scalar int"),
        (lambda: ops.switch(0, []), "at least one branch"),
        (lambda: ops.associative_scan(lambda a, b: a, []), "holds no tensor"),
        (
            lambda: ops.custom_gradient(lambda x: (x * 1, lambda g: (g, g)))(placeholder()),
            "one gradient for each of the 1 argument",
        ),
        (
            lambda: ops.custom_gradient(lambda x: (x * 1, lambda g: ops.ones(3)))(placeholder()),
            r"returned float32\(3,\) for an argument float32\(\)",
        ),
    ],
)
def test_misuse(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_nothing_outside_can_be_changed():
    v = Variable(1.0, name="count")
    with pytest.raises(ValueError, match="scan: its function assigns to count"):
        ops.scan(lambda c, x: (v.assign_add(1.0), x), 0.0, ops.ones(2))
    with Trace(), pytest.raises(ValueError, match="cond: its function assigns to count"):
        ops.cond(placeholder() > 0, lambda: v.assign(2.0), lambda: v * 1)
    assert float(v) == 1


def test_while_loop_has_no_gradient(engine):
    if not engine.lowers("while"):
        return
    x = placeholder()
    y = ops.while_loop(lambda y: y < 9, lambda y: y * 2, x)
    with pytest.raises(NotImplementedError, match=r"ops\.scan, or ops\.fori_loop"):
        Function([x], [ops.gradients(y, x)])(1.0)
    stopped = ops.stop_gradient(y) * x
    np.testing.assert_allclose(Function([x], [ops.gradients(stopped, x)])(1.0), 16)


def test_errors_within_a_loop_name_the_operation(engine):
    if engine.name != "numpy":  # elsewhere the result is NaN, or the message another
        return
    x = placeholder(1, 2, 2)
    function = Function([x], [ops.map(ops.cholesky, x)])
    with pytest.raises(ValueError, match=r"cholesky\(float32\(2, 2\)\).* failed on the numpy"):
        function(np.zeros((1, 2, 2)))
