"""Metrics: state, traces, choice by shape. Numbers: oracle/test_metrics_keras3.py."""

import numpy as np
import pytest

from kerasish import metrics, ops
from kerasish.graph import trace
from kerasish.graph.function import Function
from kerasish.graph.tensor import Placeholder
from kerasish.graph.variable import Variable


@pytest.mark.parametrize(
    ("y_true", "y_pred", "name"),
    [
        ((None, 1), (None, 1), "binary"),
        ((None,), (None, 1), "binary"),
        ((None, 10), (None, 10), "categorical"),
        ((None,), (None, 10), "sparse_categorical"),
        ((None, 1), (None, 10), "sparse_categorical"),
        ((None, 5), (None, 5, 10), "sparse_categorical"),
        ((None, 5, 10), (None, 5, 10), "categorical"),
    ],
)
def test_accuracy_by_shape(y_true, y_pred, name):
    assert metrics.get_accuracy(y_true, y_pred).name == f"{name}_accuracy"
    assert metrics.get_crossentropy(y_true, y_pred).name == f"{name}_crossentropy"


@pytest.mark.parametrize("weight", [2.0, [1.0, 3.0], [[1.0], [3.0]]])
def test_regions_take_one_weight_per_sample(weight):
    true, pred = np.array([[0, 1, 1], [1, 0, 0]]), np.array([[0, 1, 0], [1, 1, 0]])
    wanted, found = metrics.MeanIoU(2), metrics.MeanIoU(2)
    every = np.broadcast_to(np.reshape(weight, (-1, 1)), true.shape)
    wanted.update_state(true, pred, sample_weight=every)
    found.update_state(true, pred, sample_weight=weight)
    np.testing.assert_array_equal(found.total_cm.numpy(), wanted.total_cm.numpy())


def test_results_stay_when_the_state_changes():
    class Largest(metrics.Metric):
        def __init__(self):
            super().__init__(name="largest")
            self.most = self.add_variable((), "zeros")

        def update_state(self, y_true, y_pred):
            self.most.assign(ops.maximum(self.most, ops.max(y_pred)))

        def result(self):
            return {"largest": ops.convert_to_tensor(self.most), "twice": self.most * 2}

    kept = []
    made = (metrics.Mean(), metrics.Sum(), metrics.TruePositives(), metrics.MeanSquaredError())
    for metric in made:
        for value in (1.0, 0.0):
            data = ([value],) if metric in made[:2] else ([1.0], [value])
            metric.update_state(*data)
            kept.append(metric.result())
        metric.reset_state()
    assert [float(x) for x in kept] == [1, 0.5, 1, 1, 1, 1, 0, 0.5]
    largest = Largest()
    first, second = largest([0], [1.0]), largest([0], [5.0])
    assert {name: float(x) for name, x in first.items()} == {"largest": 1, "twice": 2}
    assert {name: float(x) for name, x in second.items()} == {"largest": 5, "twice": 10}


def test_inside_a_function():
    """The state is updated by the same call that computes, and survives it."""
    y_true, y_pred = Placeholder((None,), "int32"), Placeholder((None, 3), "float32")
    own = [metrics.SparseCategoricalAccuracy(), metrics.Mean(), metrics.AUC(num_thresholds=3)]
    with trace.Trace() as traced:
        own[0].update_state(y_true, y_pred)
        own[1].update_state(ops.max(y_pred, axis=-1))
        own[2].update_state(ops.equal(y_true, 1), y_pred[:, 1])
        results = [m.result() for m in own]
    step = Function([y_true, y_pred], results, traced.updates)
    first = np.array([[1, 0, 0], [0, 1, 0]], "float32")
    assert step([0, 1], first)[:2] == [1.0, 1.0]
    accuracy, mean, area = step([0, 1, 2, 2], np.eye(3, dtype="float32")[[1, 1, 1, 1]] / 2)
    assert accuracy == pytest.approx(3 / 6)
    assert mean == pytest.approx(4 / 6)
    assert [float(m.result()) for m in own] == [float(v) for v in (accuracy, mean, area)]
    for metric in own:
        metric.reset_states()
        assert all((v.numpy() == 0).all() for v in metric.variables)


def test_masks_count():
    y_pred = ops.convert_to_tensor(np.array([[0.1, 0.9], [0.1, 0.9]]))
    y_pred.mask = np.array([True, False])
    assert float(metrics.SparseCategoricalAccuracy()([1, 0], y_pred)) == 1.0
    assert float(metrics.Precision()([[0, 1], [1, 0]], y_pred)) == 1.0


def test_own_metric():
    class Worst(metrics.Metric):
        def __init__(self, scale=1.0, **kwargs):
            super().__init__(**kwargs)
            self.scale = scale
            self.inner = metrics.Sum()
            self.worst = self.add_weight("worst", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            error = ops.max(ops.abs(ops.subtract(y_true, y_pred)))
            self.worst.assign(ops.maximum(self.worst, error * self.scale))
            self.inner.update_state(error)

        def result(self):
            return {"worst": self.worst, "sum": self.inner.result()}

    metric = Worst(2.0, name="w")
    metric([1.0], [2.0])
    result = metric([1.0, 2.0], [4.0, 2.0])
    assert {k: float(v) for k, v in result.items()} == {"worst": 6.0, "sum": 4.0}
    assert len(metric.variables) == 2
    metric.reset_state()
    assert float(metric.result()["sum"]) == 0.0
    assert metric.get_config() == {"scale": 2.0, "dtype": "float32", "name": "w"}


def test_state_in_attributes():
    """Variables and metrics, also inside of lists and dicts, are reset and saved with the rest."""

    class Kept(metrics.Metric):
        def __init__(self, given, **kwargs):
            super().__init__(**kwargs)
            self.number = Variable(0.0)
            self.inner = {"sum": metrics.Sum(), "means": [metrics.Mean()]}

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.number.assign_add(1.0)
            for metric in (self.inner["sum"], *self.inner["means"]):
                metric.update_state(y_pred)

        def result(self):
            found = {"sum": self.inner["sum"].result(), "mean": self.inner["means"][0].result()}
            return {"number": self.number, **found}

    argument = metrics.Sum()
    argument.update_state([7.0])
    metric = Kept(argument)
    assert {k: float(v) for k, v in metric([0.0], [2.0]).items()} == {
        "number": 1.0,
        "sum": 2.0,
        "mean": 2.0,
    }
    assert len(metric.variables) == 4
    metric.reset_state()
    assert {float(v) for v in metric.result().values()} == {0.0}
    assert float(argument.result()) == 7.0


def test_weights_in_the_order_of_keras_2():
    metric = metrics.Mean()
    made = [
        metric.add_weight("a", (2,), "ones"),
        metric.add_weight("a", shape=(2,), initializer="ones"),
        metric.add_weight((2,), "ones", name="a"),
    ]
    for variable in made:
        assert variable.path == "mean/a"
        assert variable.numpy().tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match=r"mean\.add_weight got 'shape' twice"):
        metric.add_weight((2,), shape=(2,))


def test_metrics_without_state():
    metric, other = metrics.Precision(), metrics.Precision()
    state = metric.stateless_reset_state()
    for y_pred in ([0.9, 0.8, 0.1], [0.9, 0.1, 0.7]):
        other.update_state([1, 0, 1], y_pred)
        state = metric.stateless_update_state(state, [1, 0, 1], y_pred)
    assert float(metric.stateless_result(state)) == float(other.result()) == pytest.approx(3 / 4)
    assert float(metric.result()) == 0.0
    with pytest.raises(ValueError, match="There are 2 variables, but got 1 values"):
        metric.stateless_result(state[:1])


def test_weights_need_values_to_go_with():
    with pytest.raises(ValueError, match="broadcast"):
        metrics.MeanSquaredError()([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], sample_weight=[1.0, 2.0, 0.0])


def test_functions_become_metrics():
    def distance(y_true, y_pred):
        return ops.abs(y_true - y_pred)

    metric = metrics.as_metric(distance)
    metric.update_state([1.0, 2.0], [2.0, 4.0], sample_weight=[1.0, 3.0])
    assert metric.name == "distance"
    assert float(metric.result()) == pytest.approx(7 / 4)
    assert metrics.as_metric(lambda y_true, y_pred: y_pred).name == "lambda"
    assert metrics.MSE is metrics.mean_squared_error


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: metrics.AUC(curve="rock"), '"ROC" or "PR"'),
        (lambda: metrics.AUC(summation_method="x"), "interpolation"),
        (lambda: metrics.AUC(num_thresholds=1), "AUC: num_thresholds must be at least 2"),
        (lambda: metrics.Precision(thresholds=[2]), "Precision: thresholds .* from 0 to 1"),
        (lambda: metrics.Recall(thresholds=np.array([0.5, np.nan])), "from 0 to 1"),
        (lambda: metrics.Precision(top_k=0), "Precision: top_k must be at least 1"),
        (lambda: metrics.TopKCategoricalAccuracy(0), "Accuracy: k must be at least 1"),
        (lambda: metrics.AUC(label_weights=[1.0, 2.0]), "for multi_label=True only"),
        (lambda: metrics.MeanIoU(0), "MeanIoU: num_classes must be at least 1"),
        (lambda: metrics.PrecisionAtRecall(3), "from 0 to 1"),
        (lambda: metrics.IoU(2, [2]), "from 0 to 1"),
        (lambda: metrics.FBetaScore("mean"), "micro"),
        (lambda: metrics.F1Score()([1], [1]), r"\(batch, columns\)"),
        (lambda: metrics.R2Score("mean"), "uniform_average"),
        (lambda: metrics.CategoricalAccuracy()([1], [[0.0, 1.0]]), "sparse_categorical_accuracy"),
    ],
)
def test_errors(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(
    "make",
    [
        metrics.AUC,
        lambda: metrics.AUC(11, "PR", thresholds=[0.1, 0.5, 0.5, *np.linspace(0.6, 1, 9)]),
        lambda: metrics.SensitivityAtSpecificity(0.7, 50),
        lambda: metrics.Precision(list(np.linspace(0, 1, 12))),
        lambda: metrics.Recall(list(np.linspace(1, 0, 12))),
    ],
)
def test_many_predictions_per_sample_count_as_those_of_many_samples(make):
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(0, 2, (2, 1500)), rng.integers(0, 21, (2, 1500)) / 20
    weights = rng.integers(0, 3, (2, 1500))
    y_pred[0, :3] = np.nan, np.inf, -np.inf
    images, rows = make(), make()
    for _ in range(2):
        images.update_state(y_true, y_pred, weights)
        rows.update_state(y_true.ravel(), y_pred.ravel(), weights.ravel())
    for found, right in zip(images.variables, rows.variables, strict=True):
        np.testing.assert_array_equal(found.numpy(), right.numpy())
    np.testing.assert_allclose(images.result(), rows.result(), rtol=1e-6)


@pytest.mark.parametrize(("k", "hits"), [(1, 1), (2, 2), (3, 2), (4, 3), (9, 3)])
def test_the_first_of_equal_predictions_are_the_largest(k, hits):
    precision = metrics.Precision(top_k=k)
    precision.update_state([[1, 1, 0, 1]], [[0.5, 0.5, 0.5, 0.1]])
    assert float(precision.true_positives[0]) == hits
    assert float(precision.result()) == pytest.approx(hits / min(k, 4))
