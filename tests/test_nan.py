"""find_nan names the place."""

import numpy as np
import pytest

from kerasish import layers, models, ops
from kerasish.utils import find_nan

pytestmark = pytest.mark.filterwarnings("ignore:.*(invalid value|divide by zero).*:RuntimeWarning")


class Root(layers.Layer):
    def call(self, x):
        return ops.sqrt(x)


def _model():
    model = models.Sequential(
        [
            layers.Input((2,)),
            layers.Dense(2, name="first", kernel_initializer="identity"),
            Root(name="root"),
            layers.Dense(1, name="last"),
        ],
        name="model",
    )
    model.compile("sgd", "mse")
    return model


GOOD = np.ones((3, 2), "float32")


def test_layer_and_operation():
    found = find_nan(_model(), np.where(np.eye(3, 2), -1, GOOD))
    assert "result of sqrt in model/root (" in found
    assert "test_nan.py" in found
    assert found.endswith("2 of its 6 numbers.")
    assert find_nan(_model(), GOOD, np.ones((3, 1))) is None


def test_inputs_weights_and_gradients():
    model = _model()
    assert find_nan(model, np.full((3, 2), np.nan)) == "NaN is in x already: 6 of its 6 numbers."
    # At 0 the root has a value, but no derivative: 0 * inf.
    model.layers[-1].kernel.assign(np.zeros((2, 1)))
    assert find_nan(model, 0 * GOOD) is None
    found = find_nan(model, 0 * GOOD, np.ones((3, 1)))
    assert found.startswith("The first NaN is the gradient of ")
    assert "first/kernel" in found
    model.layers[-1].kernel.assign([[np.nan], [1.0]])
    assert "in the weight " in find_nan(model, GOOD)
    assert "last/kernel already: 1 of its 2 numbers" in find_nan(model, GOOD)


def test_loss():
    model = models.Sequential([layers.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", lambda t, p: ops.log(-p))
    assert find_nan(model, GOOD) is None
    assert "result of log in the loss (" in find_nan(model, GOOD, np.ones((3, 1)))
