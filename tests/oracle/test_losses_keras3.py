"""Losses, regularizers and constraints, against those of Keras 3."""

import numpy as np
import pytest

from kerasish import constraints, losses, regularizers

keras = pytest.importorskip("keras", minversion="3")
# Raised inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

random = np.random.default_rng(5)
REAL = random.normal(size=(2, 4, 3)).astype("float32")
RIGHT = random.normal(size=(4, 3)).astype("float32")
LOGITS = (3 * random.normal(size=(4, 3))).astype("float32")
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
BINARY = random.integers(0, 2, (4, 3))
CLASSES = np.array([0, 2, 1, 2])
HOT = np.eye(3, dtype="float32")[CLASSES]
UNIT = RIGHT / np.linalg.norm(RIGHT, axis=1, keepdims=True)
DEEP = np.repeat(PROBABILITIES[:, None], 5, 1)

# name, targets, predictions, options
CASES = [
    *(
        (name, REAL[0], RIGHT, {})
        for name in (
            "MeanSquaredError",
            "MeanAbsoluteError",
            "MeanAbsolutePercentageError",
            "MeanSquaredLogarithmicError",
            "CosineSimilarity",
            "Huber",
            "LogCosh",
            "Hinge",
        )
    ),
    ("MeanSquaredError", REAL, REAL[::-1], {}),
    ("MeanSquaredError", RIGHT[:, 0], RIGHT[:, 1:2], {}),
    ("CosineSimilarity", REAL, REAL[::-1], {"axis": 1}),
    ("Huber", REAL[0], RIGHT, {"delta": 0.3}),
    ("Hinge", BINARY, RIGHT, {}),
    ("SquaredHinge", BINARY, RIGHT, {}),
    ("SquaredHinge", 2 * BINARY - 1, RIGHT, {}),
    ("CategoricalHinge", HOT, RIGHT, {}),
    ("KLDivergence", HOT, PROBABILITIES, {}),
    ("Poisson", BINARY, PROBABILITIES, {}),
    ("BinaryCrossentropy", BINARY, PROBABILITIES, {}),
    ("BinaryCrossentropy", BINARY, LOGITS, {"from_logits": True}),
    ("BinaryCrossentropy", BINARY, PROBABILITIES, {"label_smoothing": 0.2}),
    ("BinaryCrossentropy", BINARY[:, 0], PROBABILITIES[:, :1], {}),
    ("BinaryFocalCrossentropy", BINARY, PROBABILITIES, {"label_smoothing": 0.1}),
    ("BinaryFocalCrossentropy", BINARY, LOGITS, {"from_logits": True, "gamma": 1.5}),
    ("BinaryFocalCrossentropy", BINARY, PROBABILITIES, {"apply_class_balancing": True}),
    ("CategoricalCrossentropy", HOT, PROBABILITIES, {}),
    ("CategoricalCrossentropy", HOT, 2 * PROBABILITIES, {"label_smoothing": 0.3}),
    ("CategoricalCrossentropy", HOT, LOGITS, {"from_logits": True}),
    ("CategoricalCrossentropy", HOT.T, LOGITS.T, {"from_logits": True, "axis": 0}),
    ("CategoricalFocalCrossentropy", HOT, PROBABILITIES, {"alpha": 0.4}),
    ("CategoricalFocalCrossentropy", HOT, LOGITS, {"from_logits": True, "gamma": 3.0}),
    ("CategoricalGeneralizedCrossEntropy", CLASSES, PROBABILITIES, {"q": 0.7}),
    ("SparseCategoricalCrossentropy", CLASSES, PROBABILITIES, {}),
    ("SparseCategoricalCrossentropy", CLASSES[:, None], LOGITS, {"from_logits": True}),
    ("SparseCategoricalCrossentropy", CLASSES, PROBABILITIES, {"ignore_class": 2}),
    ("SparseCategoricalCrossentropy", np.tile(CLASSES[:, None], 5), DEEP, {"ignore_class": 0}),
    ("Dice", BINARY, PROBABILITIES, {}),
    ("Dice", BINARY, PROBABILITIES, {"axis": (1,)}),
    ("Tversky", BINARY, PROBABILITIES, {"alpha": 0.3, "beta": 0.8}),
    ("Circle", CLASSES, UNIT, {}),
    ("Circle", CLASSES[:, None], UNIT, {"gamma": 10.0, "margin": 0.2, "remove_diagonal": False}),
    ("Circle", np.arange(4), UNIT, {}),
    ("CTC", np.array([[1, 2, 0], [2, 2, 1]]), random.normal(size=(2, 6, 4)).astype("float32"), {}),
]
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def _close(got, wanted):
    np.testing.assert_allclose(np.asarray(got), np.asarray(wanted), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "y_true", "y_pred", "options"), CASES)
def test_losses(name, y_true, y_pred, options):
    _close(
        getattr(losses, name)(**options)(y_true, y_pred),
        getattr(keras.losses, name)(**options)(y_true, y_pred),
    )
    ours, theirs = (getattr(m, name)(reduction="none", **options) for m in (losses, keras.losses))
    _close(ours(y_true, y_pred), theirs(y_true, y_pred))
    # Keras leaves some options out.
    assert ours.get_config() == {**ours.get_config(), **theirs.get_config()}
    back = losses.deserialize(keras.losses.serialize(theirs))
    assert type(back) is type(ours)


def test_circle_with_references():
    arguments = {"ref_labels": CLASSES[:2], "ref_embeddings": UNIT[:2], "remove_diagonal": False}
    _close(
        losses.circle(CLASSES, UNIT, **arguments), keras.losses.circle(CLASSES, UNIT, **arguments)
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", [(4,), (4, 5)])
def test_weights_and_masks(reduction, weighted, masked, shape):
    y_true, y_pred = random.normal(size=(2, *shape, 3)).astype("float32")
    weight = random.uniform(size=shape).astype("float32") if weighted else None
    mask = random.integers(0, 2, shape).astype(bool) if masked else None
    theirs = keras.ops.convert_to_tensor(y_pred)
    ours = losses.loss.ops.convert_to_tensor(y_pred)
    if masked:
        theirs._keras_mask, ours.mask = keras.ops.convert_to_tensor(mask), mask
    _close(
        losses.MeanSquaredError(reduction)(y_true, ours, weight),
        keras.losses.MeanSquaredError(reduction)(y_true, theirs, weight),
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(), (1,), (4, 1), (1, 5), (4, 5, 1)])
def test_weights_that_are_broadcast(reduction, shape):
    """(4,) is left out: a weight per sample here, which Keras takes for one per step."""
    y_true, y_pred = random.normal(size=(2, 4, 5, 3)).astype("float32")
    weight = random.uniform(0.5, 2, size=shape).astype("float32")
    ours, theirs = (m.MeanSquaredError(reduction) for m in (losses, keras.losses))
    _close(ours(y_true, y_pred, weight), theirs(y_true, y_pred, weight))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [0.5, [0.5], [1.0, 2.0, 0.5, 0.0]])
def test_weights_of_one_number(reduction, weight):
    """Of a loss that is one for the whole batch."""
    ours, theirs = (m.Dice(reduction) for m in (losses, keras.losses))
    _close(ours(BINARY, PROBABILITIES, weight), theirs(BINARY, PROBABILITIES, weight))


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize(
    "name", ["categorical_crossentropy", "categorical_focal_crossentropy", "binary_crossentropy"]
)
def test_label_smoothing_along_other_axes(name, axis):
    labels = np.moveaxis(HOT[:, :, None] * np.ones((1, 1, 2), "float32"), 1, axis)
    scores = random.uniform(0.1, 1, labels.shape).astype("float32")
    ours, theirs = (getattr(m, name) for m in (losses, keras.losses))
    options = {"label_smoothing": 0.2, "axis": axis}
    _close(ours(labels, scores, **options), theirs(labels, scores, **options))


def test_names():
    for name in sorted({*losses.ALIASES, *(n for n in losses.registry.names if n[0].islower())}):
        try:
            theirs = keras.losses.get(name)
        except ValueError:
            continue
        assert losses.get(name).__name__ == theirs.__name__, name


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("L1", {}),
        ("L2", {"l2": 0.3}),
        ("L1L2", {"l1": 0.1, "l2": 0.2}),
        ("L1L2", {}),
        ("OrthogonalRegularizer", {}),
        ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
    ],
)
def test_regularizers(name, options):
    ours, theirs = (getattr(m, name)(**options) for m in (regularizers, keras.regularizers))
    _close(ours(RIGHT), theirs(keras.ops.convert_to_tensor(RIGHT)))
    assert ours.get_config() == pytest.approx(theirs.get_config())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("MaxNorm", {"max_value": 0.8}),
        ("MaxNorm", {"axis": [0, 1]}),
        ("MinMaxNorm", {"min_value": 0.5, "max_value": 0.8, "rate": 0.3, "axis": 1}),
        ("NonNeg", {}),
        ("UnitNorm", {"axis": -1}),
    ],
)
def test_constraints(name, options):
    ours, theirs = (getattr(m, name)(**options) for m in (constraints, keras.constraints))
    _close(ours(RIGHT), theirs(keras.ops.convert_to_tensor(RIGHT)))
    assert ours.get_config() == theirs.get_config()
