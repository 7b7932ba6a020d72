"""Activations that Keras can't be asked about; the others: oracle/test_metrics_keras3.py."""

import numpy as np
import pytest

from kerasish import activations, ops
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients
from kerasish.graph.tensor import Placeholder


def nearest_probabilities(row):
    """The row moved down until what is above 0 sums up to 1, by bisection."""
    low, high = row.min() - 1.0, row.max()
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(row - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(row - low, 0)


@pytest.fixture
def rows():
    x = 1.5 * np.random.default_rng(2).normal(size=(6, 5))
    x[0, :3] = x[0].max()  # ties
    x[1] = 0.25
    return x


def test_sparsemax_is_the_nearest_distribution(rows, engine):
    wanted = np.stack([nearest_probabilities(row) for row in rows])
    x = rows.astype("float32")
    np.testing.assert_allclose(activations.sparsemax(x).numpy(), wanted, atol=1e-5)
    np.testing.assert_allclose(activations.sparsemax(x.T, axis=0).numpy(), wanted.T, atol=1e-5)


def test_gradient_of_sparsemax(rows, engine):
    x = Placeholder((4, 5), "float32")
    weights = np.arange(5.0)
    loss = ops.sum(activations.sparsemax(x) * weights.astype("float32"))
    (grad,) = Function([x], [gradients(loss, x)])(rows[2:])
    for row, found in zip(rows[2:], grad, strict=True):
        moved = [
            [nearest_probabilities(row + sign * 1e-6 * np.eye(5)[i]) @ weights for sign in (1, -1)]
            for i in range(5)
        ]
        np.testing.assert_allclose(found, np.subtract(*np.transpose(moved)) / 2e-6, atol=1e-4)
