"""Arrays without an engine: labels and norms."""

import numpy as np
import pytest

from kerasish import config
from kerasish.utils.numerical import normalize, to_categorical


@pytest.mark.parametrize(
    ("labels", "num_classes", "shape"),
    [
        ([0, 2, 1], None, (3, 3)),
        ([0, 2, 1], 5, (3, 5)),
        ([[0], [2]], None, (2, 3)),  # a last axis of 1 is dropped
        ([[0, 1], [2, 3]], None, (2, 2, 4)),
        ([[[1]]], 2, (1, 1, 2)),
        (1, 3, (3,)),
        ([1.0, 0.0], None, (2, 2)),
        (np.array([1, 0], "uint8"), None, (2, 2)),
        ([True, False], None, (2, 2)),
        ([], 3, (0, 3)),
    ],
)
def test_to_categorical(labels, num_classes, shape):
    result = to_categorical(labels, num_classes)
    assert result.shape == shape
    assert result.dtype == config.floatx()
    np.testing.assert_array_equal(result.sum(-1), 1 if result.size else [])
    np.testing.assert_array_equal(result.argmax(-1).ravel(), np.ravel(labels))


def test_to_categorical_dtype():
    assert to_categorical([0, 1], 2, "int8").dtype == "int8"


def test_to_categorical_by_older_names():
    assert to_categorical(y=[1], nb_classes=2).tolist() == [[0, 1]]
    with pytest.raises(TypeError, match="'x' twice: 'y' is an older name"):
        to_categorical(x=[1], y=[1])


@pytest.mark.parametrize(
    ("labels", "num_classes", "message"),
    [
        ([0, 3, 1], 3, r"from 0 to 2 .* got 3 at index \(1\)"),
        ([[0, 1], [-1, 0]], 2, r"got -1 at index \(1, 0\)"),
        ([[0], [9]], 2, r"got 9 at index \(1, 0\)"),
        ([-1], None, r"got -1 at index \(0\)"),
        ([0.5], 2, r"whole numbers .* got 0\.5"),
        ([np.nan], 2, "got nan"),
        ([], None, "no labels"),
        ([0], 0, "num_classes=0"),
    ],
)
def test_to_categorical_refuses(labels, num_classes, message):
    with pytest.raises(ValueError, match=message):
        to_categorical(labels, num_classes)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("order", [1, 2, np.inf])
def test_normalize(axis, order):
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    result = normalize(x, axis, order)
    assert result.shape == x.shape
    assert result.dtype == x.dtype
    np.testing.assert_allclose(np.linalg.norm(result, order, axis), 1, rtol=1e-6)
    np.testing.assert_allclose(result * np.linalg.norm(x, order, axis, keepdims=True), x, rtol=1e-6)


def test_normalize_keeps_zeros_and_takes_integers():
    np.testing.assert_allclose(normalize([[3, 4], [0, 0]]), [[0.6, 0.8], [0, 0]])


def test_normalize_refuses_a_missing_axis():
    with pytest.raises(ValueError, match="axis 2 is out of bounds"):
        normalize(np.ones((2, 2)), axis=2)
