"""What the tables of cases do not reach: when the TensorFlow engine compiles, and how."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from kerasish import config, ops
from kerasish.engines import patience as patience_module
from kerasish.engines import registry
from kerasish.graph.function import Function, run_counter
from kerasish.graph.gradients import gradients
from kerasish.graph.tensor import Placeholder
from kerasish.graph.variable import Variable
from kerasish.ops import optimize
from kerasish.ops.promotion import cast_p
from kerasish.ops.random import SeedGenerator, dropout
from kerasish.ops.selection import take_p

# How a program is run: op by op, as a traced function, and in a loop without and with XLA.
STYLES = ("eager", "traced", "loop", "xla")


@pytest.fixture(autouse=True)
def engine():
    there, problem = registry.installed("tensorflow")
    if not there:
        required = os.environ.get("KERASISH_REQUIRE_ENGINES", "").split(",")
        (pytest.fail if "tensorflow" in required else pytest.skip)(problem)
    config.set_backend("tensorflow")
    return registry.load("tensorflow")


@pytest.fixture
def style(request, monkeypatch):
    set_style(monkeypatch, getattr(request, "param", "eager"))
    return getattr(request, "param", "eager")


def set_style(monkeypatch, style):
    """Functions that are made from now on run in this style from their first step."""
    set_eager_steps(monkeypatch, 1000 if style == "eager" else 0)
    monkeypatch.setenv("KERASISH_TF_JIT", "1" if style == "xla" else "0")


def set_eager_steps(monkeypatch, count):
    from kerasish.engines.tensorflow import compile

    monkeypatch.setattr(compile, "_EAGER_CALLS", count)
    monkeypatch.setattr(compile, "_MOST_EAGER", count)


in_every_style = pytest.mark.parametrize("style", STYLES, indirect=True)


def run(engine, function, arrays, order, style, collect=False):
    """The outputs of the last step (or of all), taking the rows of `order` step by step."""
    if style in ("loop", "xla"):
        return function.run_steps([engine.put(a) for a in arrays], order, collect)
    steps = [function(*(a[row] for a in arrays)) for row in order]
    return [np.stack(o) for o in zip(*steps, strict=True)] if collect else steps[-1]


def training_step(update, slots):
    """A small network with dropout, trained by the optimizer step `update`."""
    rng = np.random.default_rng(1)
    x, y = Placeholder((8, 5), "float32"), Placeholder((8, 3), "float32")
    w1 = Variable(rng.normal(size=(5, 7)).astype("float32"))
    w2 = Variable(rng.normal(size=(7, 3)).astype("float32"))
    hidden = dropout(ops.relu(ops.matmul(x, w1)), 0.5, seed=SeedGenerator(3))
    logits = ops.matmul(hidden, w2)
    loss = ops.mean(ops.categorical_crossentropy(y, logits, from_logits=True))
    count, total = Variable(0), Variable(0.0)
    step = ops.cast(count + 1, "float32")
    updates = {count: count + 1, total: total + loss}
    for w, grad in zip((w1, w2), gradients(loss, [w1, w2]), strict=True):
        state = [w, *(Variable(np.zeros(w.shape, "float32")) for _ in range(slots))]
        new = update(*state, grad, Variable(0.1), step)
        updates.update(zip(state, new if isinstance(new, tuple) else (new,), strict=True))
    return Function([x, y], [loss, logits], updates, training=True), list(updates)


def sgd(w, grad, rate, step):
    return optimize.sgd_step_p(w, grad, rate)


def momentum(w, v, grad, rate, step):
    return optimize.momentum_step_p(w, v, grad, rate, momentum=0.9, nesterov=False)


def nesterov(w, v, grad, rate, step):
    return optimize.momentum_step_p(w, v, grad, rate, momentum=0.9, nesterov=True)


def rmsprop(w, a, grad, rate, step):
    return optimize.rmsprop_step_p(w, a, grad, rate, rho=0.9, epsilon=1e-3)


def adam(w, m, v, grad, rate, step):
    settings = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-3}
    return optimize.adam_step_p(w, m, v, grad, rate, step, **settings)


def adamax(w, m, v, grad, rate, step):
    settings = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-3}
    return optimize.adamax_step_p(w, m, v, grad, rate, step, **settings)


def adadelta(w, g, d, grad, rate, step):
    return optimize.adadelta_step_p(w, g, d, grad, rate, rho=0.9, epsilon=1e-3)


OPTIMIZERS = [(sgd, 0), (momentum, 1), (nesterov, 1), (rmsprop, 1), (adam, 2), (adamax, 2),
              (adadelta, 2)]  # fmt: skip


def trained(monkeypatch, engine, style, update, slots):
    """All that training for some steps leaves behind: outputs of each step, and state."""
    set_style(monkeypatch, style)
    run_counter.next = 5
    rng = np.random.default_rng(2)
    arrays = [
        rng.normal(size=(40, 5)).astype("float32"),
        np.eye(3, dtype="float32")[[0, 1, 2, 1] * 10],
    ]
    order = rng.integers(0, 40, (6, 8)).astype("int32")
    function, variables = training_step(update, slots)
    outputs = run(engine, function, arrays, order, style, collect=True)
    return [*outputs, *(v.numpy() for v in variables)]


@pytest.mark.parametrize(("update", "slots"), OPTIMIZERS, ids=[o.__name__ for o, _ in OPTIMIZERS])
def test_training_is_the_same_in_every_style(monkeypatch, engine, update, slots):
    """XLA runs the optimizer as expressions, the others its fused kernel where there is one."""
    styles = STYLES if update is adam else ("loop", "xla")
    found = [trained(monkeypatch, engine, style, update, slots) for style in styles]
    for others in found[1:]:
        for value, other in zip(found[0], others, strict=True):
            np.testing.assert_allclose(value, other, rtol=2e-4, atol=2e-5)


def test_training_recovers_from_nan_by_new_weights(monkeypatch, engine):
    """RMSprop's kernel keeps a slot that we don't have; it must not keep a NaN."""
    set_style(monkeypatch, "loop")
    x = Placeholder((1,), "float32")
    w, a = Variable([1.0]), Variable([0.0])
    new_w, new_a = rmsprop(w, a, x, Variable(0.5), None)
    function = Function([x], [w], {w: new_w, a: new_a})
    data = [engine.put(np.array([np.nan, 1.0], "float32"))]
    function.run_steps(data, np.array([[0]], "int32"))
    assert np.isnan(w.numpy()).all()
    w.assign([1.0])
    a.assign([0.0])
    function.run_steps(data, np.array([[1]], "int32"))
    np.testing.assert_allclose(w.numpy(), 1 - 0.5 / np.sqrt(0.1 + 1e-3), rtol=1e-5)


def test_fused_kernels_are_used_only_where_nobody_sees_between():
    from kerasish.engines.tensorflow.interpret import fused_steps

    config.set_backend("tensorflow")
    w, a, b = (Variable(np.ones(3, "float32")) for _ in range(3))
    new = sgd(w, w * 2, Variable(0.1), None)
    variants = {
        "stored": ([], {w: new}, 1),
        "also returned": ([new], {w: new}, 0),
        "also used": ([new * 2], {w: new}, 0),
        "stored elsewhere": ([], {a: new}, 0),
        "stored twice": ([], {a: new, b: new, w: new}, 0),
        "changed first": ([], {w: sgd(w * 1.5, w, Variable(0.1), None)}, 0),
    }
    for name, (outputs, updates, fused) in variants.items():
        program = Function([], outputs, updates).program
        assert len(fused_steps(program)) == fused, name


@in_every_style
def test_updates_are_applied_together_after_the_outputs(engine, style):
    x = Placeholder((1,), "float32")
    a, b, w = Variable([1.0]), Variable([2.0]), Variable([10.0])
    step = sgd(w, x, Variable(1.0), None)
    function = Function([x], [w + 0.0, a - b, w], {a: b, b: a, w: step})
    outputs = run(
        engine, function, [np.ones(3, "float32")], np.array([[0], [1], [2]], "int32"), style
    )
    assert [float(o[0]) for o in outputs] == [8.0, -1.0, 8.0]
    assert [float(v.numpy()[0]) for v in (a, b, w)] == [2.0, 1.0, 7.0]


@in_every_style
def test_gradients_of_gradients(engine, style):
    x = Placeholder((2,), "float32")
    w = Variable(np.array([2.0, 3.0], "float32"))
    first = gradients(ops.sum(x * w * w * w), w)  # 3 x w^2
    second = gradients(ops.sum(first * first), w)  # 36 x^2 w^3
    third = gradients(second, [w, x])  # 108 x^2 w^2, 72 x w^3
    function = Function([x], [first, second, *third])
    data = np.array([1.0, -2.0], "float32")
    found = run(engine, function, [data], np.array([[0, 1]], "int32"), style)
    v, u = w.numpy(), data
    right = (3 * u * v**2, 36 * u**2 * v**3, 108 * u**2 * v**2, 72 * u * v**3)
    for value, expected in zip(found, right, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5)


@in_every_style
def test_gradients_of_what_lies_between(engine, style):
    x = Placeholder((2,), "float32")
    y = cast_p(x, dtype="float32")  # a lowering that returns its input
    z = ops.square(y)
    unused = Variable(np.ones(4, "float32"))
    loss = ops.sum(z * z) + ops.sum(y) + 5 * ops.sum(x)
    function = Function([x], list(gradients(loss, [y, z, x, unused])))
    data = np.array([1.0, 2.0], "float32")
    by_y, by_z, by_x, by_unused = run(engine, function, [data], np.array([[0, 1]], "int32"), style)
    np.testing.assert_allclose(by_y, 4 * data**3 + 1)
    np.testing.assert_allclose(by_z, 2 * data**2)
    np.testing.assert_allclose(by_x, 4 * data**3 + 6)
    np.testing.assert_array_equal(by_unused, np.zeros(4))


def test_gradients_of_rows_taken_from_a_table_are_dense(engine):
    table = Variable(np.ones((5, 2), "float32"))
    taken = ops.take(table, np.array([1, 1, 4]), axis=0)
    (grad,) = Function([], [gradients(ops.sum(taken * 2), table)])()
    np.testing.assert_array_equal(grad[:, 0], [0, 4, 0, 0, 2])


@pytest.mark.parametrize("jit", ["0", "1"])
def test_one_compilation_serves_any_number_of_steps(monkeypatch, engine, jit):
    from kerasish.engines.tensorflow import compile
    from kerasish.engines.tensorflow.table import TABLE

    monkeypatch.setenv("KERASISH_TF_JIT", jit)
    set_eager_steps(monkeypatch, 3)
    monkeypatch.setattr(compile, "_XLA_STEPS", (4, 4))  # 9 steps are three native calls
    calls, tanh = [], TABLE["tanh"]
    monkeypatch.setitem(TABLE, "tanh", lambda x: calls.append(1) or tanh(x))

    x, total = Placeholder((2,), "float32"), Variable(np.zeros(2, "float32"))
    function = Function([x], [ops.tanh(x), total + x], {total: total + x})
    data = np.arange(20, dtype="float32")
    resident = [engine.put(data)]
    expected = np.zeros(2, "float32")
    for count in (2, 2, 9, 1, 5):
        order = np.random.default_rng(count).integers(0, 20, (count, 2)).astype("int32")
        value, sums = function.run_steps(resident, order, collect=True)
        np.testing.assert_allclose(value, np.tanh(data[order]), rtol=1e-5)
        np.testing.assert_allclose(sums, expected + np.cumsum(data[order], 0))
        expected = sums[-1]
    assert len(calls) == 3 + 1  # the steps that ran op by op, and one tracing


def test_a_program_that_xla_cannot_compile_runs_without_it(monkeypatch, engine):
    from kerasish.engines.tensorflow.library import tf
    from kerasish.engines.tensorflow.table import TABLE

    set_style(monkeypatch, "xla")

    def in_python(x):
        return tf.ensure_shape(tf.numpy_function(np.sin, [x], tf.float32), x.shape)

    monkeypatch.setitem(TABLE, "sin", in_python)
    x = Placeholder((2,), "float32")
    function = Function([x], [ops.sin(x)])
    data, order = np.arange(4, dtype="float32"), np.array([[0, 1], [2, 3]], "int32")
    with pytest.warns(UserWarning, match=r"without XLA: sin\(.*XLA lacks PyFunc"):
        (value,) = function.run_steps([engine.put(data)], order, collect=True)
    np.testing.assert_allclose(value, np.sin(data[order]), rtol=1e-6)


@pytest.mark.parametrize("style", ["eager", "traced", "loop"], indirect=True)
def test_errors_name_the_operation_and_where_it_comes_from(engine, style):
    x, rows = Placeholder((4, 3), "float32"), Placeholder((4,), "int32")
    function = Function([x, rows], [ops.exp(take_p(ops.square(x), rows, axis=0))])
    arrays = [np.ones((4, 3), "float32"), np.array([0, 1, 99, 2], "int32")]
    with pytest.raises(ValueError, match="take") as caught:
        run(engine, function, arrays, np.arange(4, dtype="int32")[None], style)
    message = str(caught.value)
    assert "take(float32(4, 3), int32(4,))" in message
    assert "test_tensorflow.py:" in message
    assert "indices[2] = 99 is not in [0, 4)" in message


@pytest.mark.parametrize("style", STYLES[1:], indirect=True)
def test_a_compilation_that_takes_long_is_announced(monkeypatch, engine, style, capfd):
    x = Placeholder((2,), "float32")
    order, data = np.array([[0, 1]] * 3, "int32"), [np.ones(4, "float32")]
    for patience, said in ((60, ""), (0, "TensorFlow is compiling slow, 1 instructions")):
        monkeypatch.setattr(patience_module, "PATIENCE", patience)
        function = Function([x], [ops.exp(x)], name="slow")
        capfd.readouterr()
        for _ in range(2):
            run(engine, function, data, order, style)
        lines = capfd.readouterr().err.splitlines()
        lines = [line for line in lines if "compiling" in line]
        assert len(lines) == bool(said)  # not for what is compiled already
        assert all(line.startswith(said) for line in lines)


def test_policy_of_xla(monkeypatch):
    """Dense programs run under XLA; convolutions and batched products are slower there."""
    from kerasish.engines.tensorflow.compile import wants_xla
    from kerasish.engines.tensorflow.library import tf

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("the policy is about the CPU")
    monkeypatch.delenv("KERASISH_TF_JIT", raising=False)
    x = Placeholder((2, 4, 4), "float32")
    kernel = Variable(np.ones((2, 4, 3), "float32"))
    programs = {
        "dense": ops.matmul(x, Variable(np.ones((4, 5), "float32"))),
        "batched": ops.matmul(x, x),
        "conv": ops.conv(x, kernel),
        "pool": ops.max_pool(x, 2),
    }
    found = {name: wants_xla(Function([x], [y]).program) for name, y in programs.items()}
    assert found == {"dense": True, "batched": False, "conv": False, "pool": False}


def test_resident_data_keeps_its_own_dtype(monkeypatch, engine):
    """Images may lie on the engine as bytes, for a Function of floats."""
    set_style(monkeypatch, "loop")
    x = Placeholder((2, 3), "float32")
    data = engine.put(np.arange(12, dtype="uint8").reshape(4, 3))
    assert (data.shape, data.dtype) == ((4, 3), "uint8")
    (half,) = Function([x], [x / 2]).run_steps([data], np.array([[3, 0]], "int32"))
    np.testing.assert_array_equal(half, [[4.5, 5, 5.5], [0, 0.5, 1]])


def test_random_numbers_depend_on_stream_and_run():
    from kerasish.engines.tensorflow import random

    def draw(stream, counter):
        return random.uniform(
            shape=(1000,), dtype="float32", stream=stream, counter=counter
        ).numpy()

    base = draw(1, 0)
    np.testing.assert_array_equal(base, draw(1, 0))
    for other in (draw(1, 1), draw(2, 0)):
        # Not even shifted: two runs of the generator share no numbers.
        assert len(np.intersect1d(base, other)) < 5


def test_importing_leaves_keras_to_its_users():
    """The engine keeps TensorFlow from importing Keras, not its user."""
    pytest.importorskip("keras")
    code = """
        import sys
        from kerasish.engines.tensorflow.library import tf
        assert "keras" not in sys.modules
        from tensorflow.keras import layers
        import keras
        assert tf.keras.optimizers.Adam is keras.optimizers.Adam
        assert layers.Dense(2)(tf.ones((1, 3))).shape == (1, 2)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("version", ["2.21.0", "2.19.1"])
@pytest.mark.parametrize("own", [None, "--xla_cpu_enable_fast_math=false"])
def test_xla_is_told_how_to_compile_and_nobody_else(monkeypatch, own, version):
    from kerasish.engines.tensorflow import xla

    monkeypatch.setattr(xla.tf, "__version__", version)
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    if own is not None:
        monkeypatch.setenv("XLA_FLAGS", own)
    with xla.compiling():
        flags = os.environ.get("XLA_FLAGS")
    assert os.environ.get("XLA_FLAGS") == own
    # A version for which they were not tried might not know the flags, and end the process.
    tried = own is None and version == "2.21.0"
    assert (flags is not None and "scheduler=false" in flags) if tried else flags == own


@in_every_style
def test_scalars_of_bfloat16_can_be_read(engine, style):
    x = Placeholder((2,), "bfloat16")
    data = np.array([1.5, 2.0, 9.0], "float32")
    outputs = run(engine, Function([x], [ops.sum(x)]), [data], np.array([[0, 1]]), style)
    assert np.asarray(outputs[0]).astype("float32") == 3.5


@pytest.mark.parametrize(
    ("operation", "x", "y", "wanted"),
    [
        (ops.power, [0.0, 2.0], [0.0, 0.0], [[0.0, 0.0], [0.0, np.log(2.0)]]),
        (ops.floor_divide, [1.0, 3.0], [0.0, 2.0], [[0.0, 0.0], [0.0, 0.0]]),
        (lambda x, y: ops.cbrt(x) + y, [0.0, 8.0], [0.0, 0.0], [[np.inf, 1 / 12], [1, 1]]),
    ],
)
def test_gradients_of_its_own_where_it_would_give_none(operation, x, y, wanted):
    x, y = Variable(np.array(x, "float32")), Variable(np.array(y, "float32"))
    for got, gradient in zip(gradients(ops.sum(operation(x, y)), [x, y]), wanted, strict=True):
        np.testing.assert_allclose(got.numpy(), gradient, rtol=1e-6)
