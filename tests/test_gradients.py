"""Gradients, beyond those of single operations."""

import numpy as np
import pytest
from cases.graphs import f32, placeholder, program_of
from cases.run import refusal

from kerasish import ops
from kerasish.graph import passes
from kerasish.graph.concretize import concretize
from kerasish.graph.function import Function
from kerasish.graph.primitive import Primitive
from kerasish.graph.variable import Variable


def grads_of(loss, xs, inputs=(), values=()):
    return Function(list(inputs), ops.gradients(loss, list(xs)))(*values)


def test_gradients_of_unconnected_variables_are_zeros(engine):
    v, other, integers = Variable(f32(1, 2)), Variable(np.ones((2, 3))), Variable(3.0)
    loss = ops.sum(v * v) + ops.sum(ops.stop_gradient(integers) * v)
    a, b, c = grads_of(loss, [v, other, integers])
    np.testing.assert_array_equal(a, [5, 7])
    np.testing.assert_array_equal(b, np.zeros((2, 3)))
    np.testing.assert_array_equal(c, 0)


def test_gradients_of_what_is_behind_no_float():
    v = Variable(f32(1, 2))
    for loss in (ops.sum(ops.cast(ops.argmax(v), "float32")), ops.sum(ops.cast(v > 0, "float32"))):
        np.testing.assert_array_equal(grads_of(loss, [v])[0], [0, 0])


def test_gradients_in_inputs_intermediates_and_what_is_behind_them(engine):
    x = placeholder(2)
    h = x * x
    loss = ops.sum(h * h) + ops.sum(x)
    in_h, in_x, again = grads_of(loss, [h, x, x], [x], [[1, 2]])
    np.testing.assert_array_equal(in_h, [2, 8])
    np.testing.assert_array_equal(in_x, [5, 33])
    np.testing.assert_array_equal(again, in_x)


def test_gradients_in_the_loss_itself(engine):
    x = placeholder(2)
    loss = x * 3
    np.testing.assert_array_equal(grads_of(loss, [loss], [x], [[1, 2]])[0], [1, 1])


def test_gradients_in_constants_and_equal_expressions(engine):
    """Equal values are one only where no gradient tells them apart."""
    c, x = ops.convert_to_tensor(2.0), placeholder()
    np.testing.assert_allclose(grads_of(c * 2.0 + c * x, [c], [x], [5]), [7])
    a, b = x + 1, x + 1
    np.testing.assert_allclose(grads_of(a * b, [a], [x], [5]), [6])
    h = c * 3
    np.testing.assert_allclose(grads_of(h * h, [h]), [12])


def test_a_loss_that_is_no_scalar_is_summed(engine):
    x = placeholder(3)
    np.testing.assert_array_equal(grads_of(x * x, [x], [x], [[1, 2, 3]])[0], [2, 4, 6])


def test_single_and_no_variables():
    v = Variable(3.0)
    assert float(ops.gradients(v * v, v)) == 6
    assert ops.gradients(v * v, []) == []
    assert isinstance(ops.gradients(v * v, [v]), list)


def test_second_gradients(engine):
    x = placeholder(3)
    first = ops.gradients(ops.sum(x**3), x)
    second = ops.gradients(ops.sum(first * f32(1, 2, 3)), x)
    function = Function([x], [first, second])
    if refusal(engine, function.lower([x.spec], engine)[0]):
        return  # it differentiates once only, and said so
    one, two = function([1, 2, 3])
    np.testing.assert_allclose(one, [3, 12, 27], rtol=1e-5)
    np.testing.assert_allclose(two, [6, 24, 54], rtol=1e-5)


def test_gradients_shared_over_branches_and_reused_values(engine):
    v = Variable(f32([1, 2], [3, 4]))
    x = placeholder(None, 2)
    h = ops.tanh(x @ v)
    loss = ops.mean(h @ v + h[:, ::-1])
    value = f32([0.1, 0.2], [0.3, -0.4], [0.5, 0.6])
    (grad,) = grads_of(loss, [v], [x], [value])
    w = np.array([[1.0, 2], [3, 4]])

    def f(w):
        h = np.tanh(value @ w)
        return np.mean(h @ w + h[:, ::-1])

    for i, j in np.ndindex(2, 2):
        step = np.zeros((2, 2))
        step[i, j] = 1e-5
        slope = (f(w + step) - f(w - step)) / 2e-5
        np.testing.assert_allclose(grad[i, j], slope, rtol=1e-4)


def test_ties_share_the_gradient():
    x, y = placeholder(3), placeholder(3, name="y")
    values = [[1, 2, 2], [1, 0, 3]]
    a, b = grads_of(ops.maximum(x, y), [x, y], [x, y], values)
    assert (a.tolist(), b.tolist()) == ([0.5, 1, 0], [0.5, 0, 1])
    assert grads_of(ops.max(x), [x], [x], values[:1])[0].tolist() == [0, 0.5, 0.5]


def test_what_is_1_everywhere_has_no_slope():
    """The power of 0: also at 0, where that of -1 is infinite."""
    x, y = placeholder(3), placeholder(3, name="y")
    for power, values in ((x**0, [[0, 1, 2]]), (x**y, [[0, 0, 2], [0, 2, 0]])):
        given = [x, y][: len(values)]
        assert grads_of(power, [x], given, values)[0].tolist() == [0, 0, 0]


def test_gradients_want_floats():
    x, i = placeholder(2), placeholder(2, dtype="int32")
    with pytest.raises(TypeError, match=r"gradients.*only a float"):
        ops.gradients(i, x)
    with pytest.raises(TypeError, match=r"gradients.*not int32"):
        ops.gradients(x, i)


# Not registered: they are no part of the library.
ruleless_p = Primitive("ruleless", lambda x: x)
product_p = Primitive("product", lambda x, y: x, expansion=lambda x, y: x * y * y)


def test_a_missing_gradient_rule_is_named():
    x = placeholder(2)
    loss = ops.sum(ruleless_p(x))
    with pytest.raises(NotImplementedError, match=r"ruleless has no gradient rule.*test_gradients"):
        program_of([ops.gradients(loss, x)], [x])
    np.testing.assert_array_equal(
        grads_of(ops.sum(x * ops.stop_gradient(x)), [x], [x], [[1, 2]])[0], [1, 2]
    )


def test_gradients_through_what_an_engine_differentiates_badly_are_spelled_out():
    class Engine:
        native_gradients = higher_gradients = True
        without_gradient = ("float16", "tanh")

        def lowers(self, op):
            return True

    x = placeholder(2)
    half = ops.cast(ops.cast(x, "float16") * 2, "float32")
    slope = ops.gradients(ops.sum(ops.sin(x)), x)
    for loss, left in [(ops.cos(x), 2), (half, 1), (ops.tanh(x), 1), (slope * half, 0)]:
        program = program_of([slope, ops.gradients(ops.sum(loss), x)], [x], Engine())
        assert [i.op for i in program.instructions].count("gradients") == left


def test_many_gradients_add_up_in_16_bits(engine):
    x = placeholder(3, dtype="float16")
    loss = sum(ops.sum(ops.cast(x * 0.1, "float32")) for _ in range(300))
    np.testing.assert_allclose(grads_of(loss, [x], [x], [[1, 2, 3]])[0], 30, rtol=1e-3)


@pytest.mark.parametrize("whole", [True, False])
def test_composites_without_a_rule_go_through_their_expansion(whole):
    """Also where one input is the other, or is computed from it."""

    class Engine:
        native_gradients = False
        higher_gradients = True
        without_gradient = ()

        def lowers(self, op):
            return whole or op != "product"

    x = placeholder()
    for y, right in [(product_p(x, x), 12), (product_p(x, 3 * x), 108), (product_p(x * x, x), 32)]:
        inputs, results = concretize([x], [x.spec], [ops.gradients(y, x)], False, Engine())
        results = passes.expand_composites(results, lambda op: op != "product")
        assert Function(inputs, results)(2)[0] == right
