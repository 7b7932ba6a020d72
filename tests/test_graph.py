"""The graph beneath the operations: Functions, variables, sizes and values."""

import gc
import re
import weakref

import numpy as np
import pytest
from cases.graphs import f32, placeholder, program_of

from kerasish import backend, config, ops
from kerasish.engines import current_engine
from kerasish.graph import function as functions
from kerasish.graph import values
from kerasish.graph import variable as variables
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Tensor
from kerasish.graph.trace import Trace
from kerasish.graph.variable import Variable
from kerasish.ops import random

# --- Functions -----------------------------------------------------------------------------


def test_function_computes_outputs_in_their_order(engine):
    x, y = placeholder(None, 2), placeholder(2, name="y")
    total, difference, again = Function([x, y], [x + y, x - y, x])(np.ones((3, 2)), [1, 2])
    np.testing.assert_array_equal(total, [[2, 3]] * 3)
    np.testing.assert_array_equal(difference, [[0, -1]] * 3)
    np.testing.assert_array_equal(again, np.ones((3, 2)))


def test_the_same_function_runs_on_every_shape_and_size(engine):
    x = placeholder(None, None)
    function = Function([x], [x * 2, ops.sum(x, axis=1)])
    for shape in [(1, 1), (4, 1), (4, 3), (1, 3), (4, 3)]:
        doubled, total = function(np.ones(shape))
        assert (doubled.shape, total.shape) == (shape, shape[:1])
        np.testing.assert_array_equal(total, np.full(shape[0], shape[1]))


@pytest.mark.parametrize("arrays", [(), (1, 2, 3)])
def test_wrong_number_of_arguments(arrays):
    function = Function([placeholder(name="a"), placeholder(name="b")], [], name="step")
    with pytest.raises(TypeError, match=rf"step takes 2 arguments \(a, b\), but got {len(arrays)}"):
        function(*arrays)


@pytest.mark.parametrize("shape", [(3,), (2, 4), (2, 3, 1), ()])
def test_wrong_shape_of_an_argument(shape):
    x = placeholder(None, 3, name="images")
    expected = (
        rf"step: argument images must have shape \(None, 3\), but got {re.escape(str(shape))}"
    )
    with pytest.raises(ValueError, match=expected):
        Function([x], [x], name="step")(np.zeros(shape))


def test_complex_numbers_are_not_cut_off():
    x, v = placeholder(2), Variable(f32(1, 2), name="bias")
    with pytest.raises(TypeError, match=r"function: argument x must be float32, but got complex"):
        Function([x], [x])(np.ones(2) * 1j)
    with pytest.raises(TypeError, match=r"bias holds float32, .* complex"):
        v.assign(np.ones(2) * 1j)


def test_arguments_are_cast(engine):
    x, i = placeholder(2), placeholder(2, dtype="int32", name="i")
    a, b = Function([x, i], [x + 0.5, i + 1])([1, 2], f32(1.9, -1.9))
    assert (a.dtype, a.tolist()) == ("float32", [1.5, 2.5])
    assert (b.dtype, b.tolist()) == ("int32", [2, 0])


def test_a_tensor_behind_no_input_is_an_error_that_names_it():
    x, forgotten = placeholder(2), placeholder(2, name="forgotten")
    with pytest.raises(ValueError, match="forgotten"):
        Function([x], [x + forgotten])([1, 2])


def test_inputs_may_be_any_tensor():
    x = placeholder(2)
    h = x * 2
    np.testing.assert_array_equal(Function([h], [h + 1])([1, 2])[0], [2, 3])


def test_specializations_are_kept_and_bounded(monkeypatch):
    monkeypatch.setattr(functions, "CACHE_SIZE", 2)
    x = placeholder(None)
    function = Function([x], [x + 1])
    first = function.specialize([Spec((1,), "float32")])
    assert function.specialize([Spec((1,), "float32")]) is first
    for n in (2, 3):
        function(np.zeros(n))
    assert function.program.inputs[0][1].shape == (3,)
    assert len(function._cache) == 2
    assert function.specialize([Spec((1,), "float32")]) is not first


def test_program_of_a_function_that_has_not_run():
    x = placeholder(4)
    assert "multiply" in str(Function([x], [x * 3]).program)


def test_results_are_not_changed_by_later_runs(engine):
    x, v = placeholder(3), Variable(f32(1, 2, 3))
    function = Function([x], [x * 1.0, v + x], {v: v + 1})
    kept = function([1, 1, 1])
    first = [np.array(out) for out in kept]
    function([5, 5, 5])
    for before, now in zip(first, kept, strict=True):
        np.testing.assert_array_equal(before, now)


# --- variables and updates -----------------------------------------------------------------


def test_updates_are_applied_together(engine):
    a, b = Variable(f32(1, 2)), Variable(f32(3, 4))
    out = Function([], [a + b], [(a, b), (b, a * 10)])()[0]
    np.testing.assert_array_equal(out, [4, 6])
    np.testing.assert_array_equal(a.numpy(), [3, 4])
    np.testing.assert_array_equal(b.numpy(), [10, 20])


def test_outputs_show_variables_before_their_update(engine):
    v = Variable(f32(1, 2))
    out = Function([], [v], {v: v * 2})()[0]
    np.testing.assert_array_equal(out, [1, 2])
    np.testing.assert_array_equal(v.numpy(), [2, 4])


def test_state_goes_on_from_run_to_run(engine):
    v, x = Variable(0.0), placeholder()
    step = Function([x], [], {v: v + x})
    for n in range(5):
        step(n)
    assert float(v.numpy()) == 10
    v.assign(1)
    step(2)
    assert float(v.numpy()) == 3


def test_run_steps_is_many_calls(engine):
    """Rows are gathered by `order`, state goes from step to step, outputs can be collected."""
    x, v = placeholder(2, 3), Variable(np.zeros(3))
    step = Function([x], [ops.sum(x), v * 1], {v: v + ops.sum(x, 0)})
    rows = np.arange(12, dtype="float32").reshape(4, 3)
    order = np.array([[0, 3], [1, 1], [2, 0]], "int32")
    data = [engine.put(rows)]
    total, before = step.run_steps(data, order, collect=True)
    sums = rows[order].sum(1)
    np.testing.assert_array_equal(total, sums.sum(-1))
    np.testing.assert_array_equal(before, np.cumsum(sums, 0) - sums)
    np.testing.assert_array_equal(v.numpy(), sums.sum(0))
    last_total, last_before = step.run_steps(data, order)
    np.testing.assert_array_equal(last_total, sums[-1].sum())
    np.testing.assert_array_equal(last_before, 2 * sums.sum(0) - sums[-1])


def test_values_move_between_engines(engine):
    v = Variable(f32(1, 2), name="weights")
    double = Function([], [], {v: v * 2})
    for name in ("numpy", engine.name, "numpy", engine.name):
        config.set_backend(name)
        double()
    np.testing.assert_array_equal(v.numpy(), [16, 32])
    assert v._engine is engine


def test_engines_forget_variables_that_are_gone():
    v = Variable(f32(1, 2))
    key = v.key
    Function([], [v])()
    assert current_engine().holds(key)
    for _ in range(3):
        v.assign([0, 0])
        v.place_on(current_engine())
    del v
    gc.collect()
    assert not current_engine().holds(key)


def test_variables_copy_what_they_are_given():
    array = f32(1, 2)
    v = Variable(array)
    array[:] = 0
    v.numpy()[:] = 0
    assert v.numpy().tolist() == [1, 2]
    v.assign(array)
    array[:] = 7
    assert v.numpy().tolist() == [0, 0]


def test_dtype_of_variables():
    assert Variable(np.zeros(2)).dtype == "float32"
    assert Variable(np.zeros(2), dtype="float64").dtype == "float64"
    assert Variable(3).dtype == "int32"
    assert Variable([True]).dtype == "bool"


def test_variables_of_an_initializer():
    calls = []

    def initializer(shape, dtype):
        calls.append((shape, dtype))
        return np.ones(shape)

    assert Variable(initializer, shape=2).shape == (2,)
    calls.clear()
    v = Variable(initializer, shape=(2, 3))
    np.testing.assert_array_equal(v.numpy(), np.ones((2, 3)))
    assert (v.spec, calls) == (Spec((2, 3), "float32"), [((2, 3), "float32")])
    with pytest.raises(ValueError, match="needs a shape"):
        Variable(initializer)
    with pytest.raises(ValueError, match=r"v: the shape is to be \(4,\), but .* \(3,\)"):
        Variable(np.zeros(3), shape=4, name="v")


@pytest.mark.parametrize("dtype", ["bool", "float32"])
def test_values_stay_when_variables_change(dtype):
    v = Variable([1, 0], dtype=dtype)
    with Trace() as effects:
        before = v.value
        v.assign([0, 0])
        seen = [before * 1, v.value * 1]
    out = Function([], seen, effects.updates)()
    assert [x.tolist() for x in (*out, v.value)] == [[1, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize("value", [0.0, [1, 2], np.zeros((3, 1))])
def test_wrong_shape_of_a_new_value(value):
    v = Variable(np.zeros(3), name="bias")
    with pytest.raises(ValueError, match=r"bias has shape \(3,\), but .* shape \("):
        v.set_value(value)
    with Trace(), pytest.raises(ValueError, match=r"bias has shape \(3,\), but is assigned"):
        v.assign(value)


def test_assignment_outside_of_a_trace_is_now():
    v = Variable(f32(1, 2))
    v.assign_add([10, 20])
    v.assign_sub(1)
    assert v.numpy().tolist() == [10, 21]


def test_assignment_inside_a_trace_is_an_update(engine):
    v, x = Variable(f32(1, 2)), placeholder(2)
    with Trace() as effects:
        v.assign(x)
        v.assign_add(x)
        seen = v * 10
    np.testing.assert_array_equal(v.numpy(), [1, 2])
    out = Function([x], [seen, v * 1], effects.updates)([3, 4])
    np.testing.assert_array_equal(out[0], [60, 80])
    np.testing.assert_array_equal(out[1], [1, 2])
    np.testing.assert_array_equal(v.numpy(), [6, 8])


# --- the training flag ---------------------------------------------------------------------


def test_training_flag(engine):
    x = placeholder(2)
    y = ops.in_train_phase(lambda: x * 2, x)
    assert Function([x], [y], training=True)([1, 2])[0].tolist() == [2, 4]
    assert Function([x], [y])([1, 2])[0].tolist() == [1, 2]


@pytest.mark.parametrize("training", [True, False])
def test_training_flag_of_a_trace(training):
    x = placeholder(2)
    with Trace(training=training):
        y = ops.in_train_phase(x * 2, x)
    function = Function([x], [y], training=not training)
    assert function([1, 2])[0].tolist() == ([2, 4] if training else [1, 2])


def test_the_branch_not_taken_is_not_computed():
    x = placeholder(2)
    y = ops.in_train_phase(ops.exp(x), ops.sin(x))
    assert program_of([y], [x]).ops == ["sin"]


def test_in_train_phase_joins_dtypes_and_shapes():
    x = placeholder(None, 2)
    y = ops.in_train_phase(x, 1)
    assert y.spec == Spec((None, 2), "float32")
    np.testing.assert_array_equal(Function([x], [y])(np.zeros((3, 2)))[0], np.ones((3, 2)))


# --- sizes known at run time ---------------------------------------------------------------

X = np.arange(24, dtype="float32").reshape(3, 8)
SIZES = [
    ("reshape", lambda x, n: ops.reshape(x, (n, 2, -1)), X.reshape(3, 2, 4), (None, 2, 4)),
    ("reshape the rest", lambda x, n: ops.reshape(x, (n, -1)), X, (None, 8)),
    ("reshape size first", lambda x, n: ops.reshape(x, (-1, n)), X.reshape(8, 3), (8, None)),
    ("reshape None", lambda x, n: ops.reshape(x, (None, 4)), X.reshape(6, 4), (None, 4)),
    ("reshape half", lambda x, n: ops.reshape(x, (2 * n, 4)), X.reshape(6, 4), (None, 4)),
    ("there and back", lambda x, n: ops.reshape(ops.flatten(x), ops.shape(x)), X, (None, 8)),
    ("ones", lambda x, n: ops.ones((n, 2)), np.ones((3, 2)), (None, 2)),
    ("one more", lambda x, n: ops.zeros(n + 1), np.zeros(4), (None,)),
    ("arithmetic", lambda x, n: ops.zeros((7 - n) // 2 * 3 % 4), np.zeros(2), (None,)),
    ("broadcast", lambda x, n: ops.broadcast_to(f32(1, 2), (n, 2)), [[1, 2]] * 3, (None, 2)),
    ("arange", lambda x, n: ops.arange(1, n), [1, 2], (None,)),
    ("arange by twos", lambda x, n: ops.arange(0, n, 2), [0, 2], (None,)),
    ("arange of less than nothing", lambda x, n: ops.arange(n - 5), [], (None,)),
    ("arange down", lambda x, n: ops.arange(n, 0, -2), [3, 1], (None,)),
    ("slice to", lambda x, n: ops.arange(9)[:n], [0, 1, 2], (None,)),
    ("slice from", lambda x, n: ops.arange(5)[n - 1 :], [2, 3, 4], (None,)),
    ("index", lambda x, n: ops.arange(5)[n], 3, ()),
    ("divide", lambda x, n: ops.sum(x) / n, X.sum() / 3, ()),
    ("divide by it", lambda x, n: n / ops.sum(x), 3 / X.sum(), ()),
    ("add to a tensor", lambda x, n: n + ops.mean(x), 3 + X.mean(), ()),
    ("subtract", lambda x, n: n - ops.mean(x) - n, -X.mean(), ()),
    ("times", lambda x, n: n * ops.ones(2), [3, 3], (2,)),
    ("power", lambda x, n: ops.power(2.0, n), 8, ()),
    ("as a float", lambda x, n: ops.cast(n, "float32"), 3, ()),
    ("compare", lambda x, n: ops.less(ops.arange(4), n), [True, True, True, False], (4,)),
    ("numpy int", lambda x, n: ops.ones(n * np.int64(2)), np.ones(6), (None,)),
    ("tile", lambda x, n: ops.tile(f32(1, 2), n), [1, 2] * 3, (None,)),
    ("size of a slice", lambda x, n: ops.zeros(ops.shape(x[1:])[0]), np.zeros(2), (None,)),
    ("from the end", lambda x, n: x[-1], X[-1], (8,)),
    ("from the end on", lambda x, n: x[-2:, ::-3], X[-2:, ::-3], (None, 3)),
    ("backwards", lambda x, n: x[::-2], X[::-2], (None, 8)),
    ("inner part", lambda x, n: x[1:-1, 1:-1], X[1:-1, 1:-1], (None, 6)),
    ("size of all", lambda x, n: ops.size(x) * ops.ones(()), 24, ()),
]


@pytest.mark.parametrize(
    ("make", "expected", "shape"), [row[1:] for row in SIZES], ids=[row[0] for row in SIZES]
)
def test_sizes_known_at_run_time(make, expected, shape):
    x = placeholder(None, 8)
    y = make(x, ops.shape(x)[0])
    assert y.shape == shape
    (value,) = Function([x], [y])(X)
    np.testing.assert_allclose(value, expected, rtol=1e-6)


@pytest.mark.parametrize("make", [lambda s: random.normal(s), lambda s: random.uniform(s, -1, 1)])
def test_random_shapes_known_at_run_time(engine, make):
    x = placeholder(None, 2)
    (value,) = Function([x], [make(ops.shape(x))])(np.zeros((5, 2)))
    assert value.shape == (5, 2)


def test_reshape_keeps_what_it_can_know():
    x = placeholder(None, None, 6)
    batch, time = ops.shape(x)[:2]
    shapes = {
        (batch, -1): (None, None),
        (batch, time, 2, -1): (None, None, 2, 3),
        (-1, time, 6): (None, None, 6),
        (batch, -1, 6): (None, None, 6),
        (-1, 6): (None, 6),
        (-1,): (None,),
    }
    for target, expected in shapes.items():
        y = ops.reshape(x, target)
        assert y.shape == expected
        (value,) = Function([x], [y])(np.ones((2, 4, 6)))
        assert value.size == 48


def test_a_reshape_that_cannot_be_is_an_error_at_run_time():
    x = placeholder(None, 3, name="x")
    function = Function([x], [ops.reshape(x, (-1, 2))])
    assert function(np.zeros((4, 3)))[0].shape == (6, 2)
    with pytest.raises(ValueError, match=r"reshape.*\(3, 3\) .*9 elements"):
        function(np.zeros((3, 3)))


def test_an_index_out_of_range_is_an_error():
    x = placeholder(None, 3)
    function = Function([x], [x[4], x[-4]])
    assert len(function(np.zeros((5, 3)))) == 2
    with pytest.raises(ValueError, match="index 4 is out of range for an axis of size 4"):
        function(np.zeros((4, 3)))
    with pytest.raises(IndexError, match="index 3 is out of range for axis 1 of size 3"):
        x[:, 3]


@pytest.mark.parametrize("use", [int, range, lambda n: [0][n], lambda n: np.zeros(n)])
def test_a_size_is_no_python_int_yet(use):
    n = ops.shape(placeholder(None))[0]
    with pytest.raises(TypeError, match=r"known only when the graph runs|Dim"):
        use(n)


# --- values on demand ----------------------------------------------------------------------


def test_tensors_without_inputs_have_values(engine):
    t = ops.add([1.0, 2.0], 0.5) * 2
    assert np.asarray(t).tolist() == t.numpy().tolist() == [3, 5]
    assert (float(t[0]), int(t[1]), bool(t[0] > 2)) == (3.0, 5, True)
    assert np.asarray(t, "float64").dtype == "float64"
    assert "value=[3. 5.]" in repr(t)
    assert ops.convert_to_numpy(t).tolist() == [3, 5]
    assert [10, 20][ops.argmax(t)] == 20
    assert f"{ops.sum(t).numpy():.1f}" == "8.0"


def _assigned(v):
    v.assign(5)


def _updated(v):
    Function([], [], {v: v + 4})()


@pytest.mark.parametrize("change", [_assigned, _updated])
def test_what_was_made_of_variables_stays_when_they_change(engine, change):
    v, w = Variable(1.0), Variable(3.0)
    early, seen = v * w, v + w
    assert float(seen) == 4
    change(v)
    late = early + v  # of both values
    v.assign(7)
    assert (float(seen), float(early), float(late)) == (4, 3, 8)
    # A graph that is run has the newest values, as in Keras 2.
    assert Function([], [early, late])() == [21, 28]
    assert backend.eval(late) == 28


def test_gradients_are_of_what_a_loss_was_made_of(engine):
    v = Variable([1.0, 2.0])
    loss = ops.sum(v * v * v)
    v.assign([10.0, 10.0])
    assert gradients(loss, v).numpy().tolist() == [3, 12]
    (found,) = Function([], [gradients(loss, v)])()
    assert found.tolist() == [300, 300]


@pytest.mark.parametrize(
    "copy",
    [
        ops.convert_to_tensor,
        lambda v: ops.cast(v, "float32"),
        lambda v: ops.reshape(v, (1, 1)),
        lambda v: ops.stop_gradient(v),
        lambda v: v[:],
        lambda v: v.value,
    ],
    ids="convert cast reshape stop_gradient slice value".split(),
)
def test_a_tensor_of_a_variable_stays(copy):
    v = Variable([[1.0]])
    t = copy(v)
    v.assign([[5.0]])
    assert t.numpy() == 1


def test_what_has_been_computed_is_not_computed_again():
    """A loop that looks at something in each round does not begin from the start each time."""
    v, x, known = Variable(0.5), ops.convert_to_tensor([1.0, 2.0]), []
    for _ in range(5):
        x = ops.sin(x * v) + 1
        assert x[0].numpy() > 1  # x itself is not looked at
        known.append(x)
    sizes = [len(values._unknown([t * 2])[0]) for t in known]
    assert sizes == [1] * 5
    slope = gradients(ops.sum(known[-1]), known[-2])
    np.testing.assert_allclose(slope, np.cos(known[-2].numpy() * 0.5) * 0.5, rtol=1e-6)
    v.assign(0)
    assert (gradients(ops.sum(known[-1]), v).numpy() != 0).all()


def test_variables_keep_nothing_alive_that_reads_them():
    v = Variable(1.0)
    assert not v.readers
    t = v + 1
    assert v.readers
    del t
    gc.collect()
    assert not v.readers


def test_a_random_value_stays_what_it_is():
    t = random.normal((4,))
    np.testing.assert_array_equal(t.numpy(), t.numpy())
    assert (random.normal((4,)).numpy() != t.numpy()).all()


def test_graphs_and_programs_keep_no_values():
    v, x = Variable(1.0), placeholder(2)
    gc.disable()
    try:
        Function([x], [ops.sigmoid(x) * v])(np.ones(2))
        assert not v.readers
    finally:
        gc.enable()


def test_values_kept_for_nobody_are_let_go(monkeypatch):
    monkeypatch.setattr(variables, "_COLLECTED_AFTER", 10_000)
    v, made = Variable(np.zeros(1000)), []
    gc.disable()
    try:
        for _ in range(20):
            made.append(weakref.ref((v + 1).node))
            v.assign_add(np.ones(1000))
    finally:
        gc.enable()
    assert sum(node() is not None for node in made) < 6


def test_all_that_is_made_of_a_random_value_sees_the_same():
    t = random.normal((4,))
    double = (t + t).numpy()
    np.testing.assert_array_equal(double, 2 * t.numpy())
    np.testing.assert_array_equal((t * 2).numpy(), double)
    (anew,) = Function([], [t])()
    assert (anew != t.numpy()).all()


def test_tensors_behind_inputs_have_no_value():
    x = placeholder(None, 2)
    y = x + 1
    for look in (np.asarray, float, y.__class__.numpy):
        with pytest.raises(ValueError, match=r"shape \(None, 2\) has no value yet"):
            look(y)
    assert repr(y).endswith("shape=(None, 2) dtype=float32>")


def test_truth_of_a_symbolic_tensor():
    x = placeholder()
    with pytest.raises(TypeError, match=r"known only when the graph runs.*ops\.where"):
        bool(x > 0)
    assert not (ops.convert_to_tensor(1.0) > 2)


def test_iteration_and_length():
    x = placeholder(3, 2)
    assert len(x) == 3
    assert [row.shape for row in x] == [(2,)] * 3
    assert [float(v) for v in ops.convert_to_tensor([1.0, 2.0])] == [1, 2]
    _, b = ops.convert_to_tensor([[1, 2], [3, 4]])
    assert b.numpy().tolist() == [3, 4]
    for bad in (placeholder(None, 2), placeholder()):
        with pytest.raises(TypeError, match=r"len\(\)"):
            len(bad)
        with pytest.raises(TypeError, match=r"len\(\)|iterate over a scalar"):
            list(bad)


# --- operators -----------------------------------------------------------------------------

A, B = f32(5, -3, 2), f32(2, 2, -1.5)
OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: abs(a) ** b,
    "@": lambda a, b: a @ b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "&": lambda a, b: (a > 0) & (b > 0),
    "|": lambda a, b: (a > 0) | (b > 0),
    "^": lambda a, b: (a > 0) ^ (b > 0),
}


@pytest.mark.parametrize("symbol", OPERATORS)
def test_operators_are_numpys(symbol):
    """With tensors, arrays and lists on either side; an array on the left gives a tensor too."""
    operator = OPERATORS[symbol]
    right = operator(A, B)
    a, b = ops.convert_to_tensor(A), ops.convert_to_tensor(B)
    lists = [(a, B.tolist()), (A.tolist(), b)] if symbol in "+-*/@" else []
    for left, other in [(a, b), (a, B), (A, b), *lists]:
        result = operator(left, other)
        assert isinstance(result, Tensor)
        np.testing.assert_allclose(result.numpy(), right, rtol=1e-6)


@pytest.mark.parametrize("number", [2, 2.0, np.float32(2), np.int32(2), np.ones(()) * 2])
def test_numbers_on_either_side(number):
    t = ops.convert_to_tensor(A)
    for result, right in [
        (t * number, A * 2),
        (number * t, A * 2),
        (number - t, 2 - A),
        (number > t, A < 2),
    ]:
        assert isinstance(result, Tensor)
        np.testing.assert_array_equal(result.numpy(), right)


def test_unary_operators_and_methods():
    t = ops.convert_to_tensor(A)
    np.testing.assert_array_equal((-t).numpy(), -A)
    np.testing.assert_array_equal((+t).numpy(), A)
    np.testing.assert_array_equal(abs(t).numpy(), abs(A))
    np.testing.assert_array_equal((~(t > 0)).numpy(), ~(A > 0))
    assert float(t.sum()) == float(t.mean() * 3) == 4
    assert t.reshape((3, 1)).T.shape == (1, 3)
    assert t.astype("int32").dtype == "int32"
    assert {t: 1}[t] == 1  # hashable, although == compares elements
