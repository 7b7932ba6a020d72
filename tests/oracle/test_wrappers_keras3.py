"""Wrapped models learn and predict what those of Keras 3 do, from equal weights."""

import importlib
from importlib.util import find_spec

import numpy as np
import pytest

keras = pytest.importorskip("keras", minversion="3.9")
# Raised inside Keras.
pytestmark = [
    pytest.mark.skipif(find_spec("sklearn") is None, reason="needs scikit-learn"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 4))
SUMS = X.sum(axis=1)
NAMES = np.array(["low", "middle", "high"])[np.digitize(SUMS, [-1, 1])]
FIT = {"epochs": 3, "batch_size": 8, "shuffle": False, "verbose": 0}


def build(library, y, units):
    layers = library.layers
    model = library.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(5, "tanh"),
            layers.Dense(units, None if units == 1 else "softmax"),
        ]
    )
    weights = np.random.default_rng(1)
    model.set_weights([weights.normal(size=w.shape) for w in model.get_weights()])
    model.compile(library.optimizers.SGD(0.05), "mse" if units == 1 else "categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    ("kind", "y", "methods"),
    [
        ("Classifier", NAMES, ["predict", "decision_function"]),
        ("Classifier", SUMS > 0, ["predict", "decision_function"]),
        ("Regressor", SUMS, ["predict"]),
        ("Transformer", SUMS, ["transform", "predict"]),
    ],
)
def test_wrappers(kind, y, methods):
    found = []
    for library in ("keras", "kerasish"):
        module = importlib.import_module(library)
        wrapper = getattr(importlib.import_module(f"{library}.wrappers"), f"SKLearn{kind}")

        def make(X, y, units, module=module):
            return build(module, y, units)

        units = len(np.unique(y)) if kind == "Classifier" else 1
        made = wrapper(make, model_kwargs={"units": units}, fit_kwargs=FIT).fit(X, y)
        losses = made.history_.history["loss"]
        results = [getattr(made, method)(X) for method in methods]
        found.append([losses, *results, *([made.score(X, y)] if kind != "Transformer" else [])])
    for theirs, ours in zip(*found, strict=True):
        assert np.shape(ours) == np.shape(theirs)
        if np.asarray(theirs).dtype.kind in "US":
            np.testing.assert_array_equal(ours, theirs)
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
