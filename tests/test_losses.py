"""Losses: shapes, weights, masks and what goes wrong. Numbers: oracle/test_losses_keras3.py."""

import numpy as np
import pytest

from kerasish import losses, metrics, ops
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients
from kerasish.graph.tensor import Placeholder

HOT = np.eye(10, dtype="float32")[[1, 2, 3]]
TEN = np.full((3, 10), 0.1, "float32")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: losses.CategoricalCrossentropy()(np.array([1, 2, 3]), TEN),
            r"\(3, 10\).*\(3,\).*sparse_categorical_crossentropy.*to_categorical",
        ),
        (
            lambda: losses.categorical_crossentropy(np.array([[1], [2], [3]]), TEN),
            r"\(3, 1\).*sparse_categorical_crossentropy",
        ),
        (
            lambda: losses.sparse_categorical_crossentropy(HOT, TEN),
            r"class numbers.*\(3, 10\).*Use categorical_crossentropy",
        ),
        (
            lambda: losses.MeanSquaredError()(np.ones((3, 4)), TEN),
            r"mean_squared_error: y_true and y_pred.*\(3, 4\) and \(3, 10\)",
        ),
        (lambda: losses.BinaryCrossentropy(reduction="average"), "sum_over_batch_size"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=3)([[1]], [[0.5]]), "label_smoothing"),
        (lambda: losses.categorical_generalized_cross_entropy([1], [[1.0, 0.0]], q=2), "q must"),
    ],
)
def test_errors(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="smoothing"):
        losses.CategoricalCrossentropy(smoothing=0.1)


def test_probabilities_are_exact_behind_softmax():
    logits = Placeholder((None, 2), "float32")
    loss = losses.CategoricalCrossentropy()(np.array([[1.0, 0.0]]), ops.softmax(logits))
    f = Function([logits], [loss, gradients(loss, logits)])
    value, grad = f(np.array([[-200.0, 0.0]], "float32"))
    assert value == pytest.approx(200.0)
    assert grad.tolist() == [[-1.0, 1.0]]


def test_weights_of_samples_with_steps():
    y_true, y_pred = np.zeros((2, 3, 4)), np.ones((2, 3, 4)) * [[[1.0]], [[2.0]]]
    loss = losses.MeanSquaredError()
    assert float(loss(y_true, y_pred, [1.0, 0.5])) == pytest.approx((3 * 1 + 3 * 0.5 * 4) / 6)


def test_masks():
    y_pred = ops.convert_to_tensor(np.array([[[1.0]], [[3.0]]], "float32"))
    y_pred.mask = np.array([[True], [False]])
    assert float(losses.MeanSquaredError()(np.zeros((2, 1, 1)), y_pred)) == pytest.approx(1.0)
    assert float(losses.MeanSquaredError("sum")(np.zeros((2, 1, 1)), y_pred)) == 1.0


def test_masked_steps_with_a_weight_per_sample():
    y_pred = ops.convert_to_tensor(np.array([[[1.0], [5.0]], [[2.0], [3.0]]], "float32"))
    y_pred.mask = np.array([[True, False], [True, True]])
    zeros, weights = np.zeros((2, 2, 1)), np.array([2.0, 0.5])
    total = 2 * 1 + 0.5 * (4 + 9)
    assert float(losses.MeanSquaredError("sum")(zeros, y_pred, weights)) == pytest.approx(total)
    assert float(losses.MeanSquaredError()(zeros, y_pred, weights)) == pytest.approx(total / 3)


@pytest.mark.parametrize("axes", [(), (1,)], ids=["(batch, steps)", "(batch, steps, 1)"])
@pytest.mark.parametrize("weights", [None, [2.0, 0.5]])
def test_masked_steps_of_one_number(axes, weights):
    """One loss per step, also where the targets lack the last axis and there are as many steps
    as samples.
    """
    y_pred = ops.convert_to_tensor(np.array([[[1.0], [5.0]], [[2.0], [3.0]]], "float32"))
    y_pred.mask = np.array([[True, False], [True, True]])
    zeros, (a, b) = np.zeros((2, 2, *axes)), weights or (1.0, 1.0)
    loss = losses.MeanSquaredError("sum")(zeros, y_pred, weights)
    assert float(loss) == pytest.approx(a * 1 + b * (4 + 9))
    metric = metrics.MeanAbsoluteError()
    metric.update_state(zeros, y_pred, weights)
    assert float(metric.result()) == pytest.approx((a * 0.5 + b * 2.5) / (a * 0.5 + b * 1))


def test_batches_of_unknown_size():
    x = Placeholder((None, 3), "float32")
    y = Placeholder((None,), "int32")
    weight = Placeholder((None,), "float32")
    f = Function([x, y, weight], [losses.SparseCategoricalCrossentropy(True)(y, x, weight)])
    assert f(np.zeros((2, 3)), [0, 2], [1, 1])[0] == pytest.approx(np.log(3))
    assert f(np.zeros((4, 3)), [0, 2, 1, 1], [1, 1, 0, 0])[0] == pytest.approx(np.log(3) / 2)


def test_own_losses():
    class Bias(losses.Loss):
        def call(self, y_true, y_pred):
            return y_pred - y_true

    assert Bias().name == "bias"
    assert float(Bias(reduction="sum")([1, 2], [2.0, 5.0])) == 4.0
    wrapped = losses.as_loss(lambda y_true, y_pred: ops.abs(y_true - y_pred))
    assert float(wrapped([1, 2], [2.0, 5.0], [1, 0])) == 0.5
    assert losses.as_loss(None) is None


@pytest.mark.parametrize("name", ["mse", "MSE", "kld", "cosine_proximity", "huber_loss"])
def test_old_names(name):
    assert getattr(losses, name) is losses.get(name)
    with pytest.raises(AttributeError):
        losses.no_such_loss  # noqa: B018
