"""Metrics over several batches, and activations, against those of Keras 3."""

import numpy as np
import pytest

from kerasish import activations, losses, metrics

keras = pytest.importorskip("keras", minversion="3")
# Raised inside Keras.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning", "ignore:Division by zero in Adjusted R2"
)

random = np.random.default_rng(6)
N, C = 12, 4
REAL = random.normal(size=(2, N, C)).astype("float32")
PROBABILITIES = random.dirichlet(np.ones(C), N).astype("float32")
# Predictions on a grid meet thresholds exactly.
SCORES = (random.integers(0, 11, (N, C)) / 10).astype("float32")
BINARY = random.integers(0, 2, (N, C)).astype("float32")
CLASSES = random.integers(0, C, N)
HOT = np.eye(C, dtype="float32")[CLASSES]
SORTED = np.argsort(-REAL[0])
W = [1.0, 2.0, 0.0, 1.0]
GUESSES = random.integers(0, C, N)

# name, targets, predictions, options
CASES = [
    ("Accuracy", CLASSES[:, None], GUESSES[:, None], {}),
    ("BinaryAccuracy", BINARY, SCORES, {}),
    ("BinaryAccuracy", BINARY[:, 0], SCORES[:, :1], {"threshold": 0.3}),
    ("CategoricalAccuracy", HOT, PROBABILITIES, {}),
    ("SparseCategoricalAccuracy", CLASSES, PROBABILITIES, {}),
    ("SparseCategoricalAccuracy", CLASSES[:, None], PROBABILITIES, {}),
    ("SparseCategoricalAccuracy", GUESSES.reshape(4, 3), PROBABILITIES.reshape(4, 3, C), {}),
    ("TopKCategoricalAccuracy", HOT, PROBABILITIES, {"k": 2}),
    ("SparseTopKCategoricalAccuracy", CLASSES, SCORES, {"k": 2}),
    ("SparseTopKCategoricalAccuracy", CLASSES, SORTED, {"k": 2, "from_sorted_ids": True}),
    *((name, REAL[0], REAL[1], {}) for name in (
        "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "LogCoshError",
        "MeanSquaredLogarithmicError", "CosineSimilarity", "RootMeanSquaredError",
        "PearsonCorrelation", "ConcordanceCorrelation", "R2Score",
    )),
    ("Hinge", BINARY, REAL[0], {}),
    ("SquaredHinge", BINARY, REAL[0], {}),
    ("CategoricalHinge", HOT, REAL[0], {}),
    ("KLDivergence", HOT, PROBABILITIES, {}),
    ("Poisson", BINARY, PROBABILITIES, {}),
    ("BinaryCrossentropy", BINARY, PROBABILITIES, {"label_smoothing": 0.1}),
    ("CategoricalCrossentropy", HOT, REAL[0], {"from_logits": True}),
    ("SparseCategoricalCrossentropy", CLASSES, PROBABILITIES, {}),
    ("R2Score", REAL[0], REAL[1], {"class_aggregation": None}),
    ("R2Score", REAL[0], REAL[1], {"class_aggregation": "variance_weighted_average"}),
    ("R2Score", REAL[0], REAL[1], {"num_regressors": 2}),
    ("R2Score", REAL[0], REAL[1], {"num_regressors": N * C - 1, "class_aggregation": None}),
    ("TruePositives", BINARY, SCORES, {}),
    ("TrueNegatives", BINARY, SCORES, {"thresholds": [0.2, 0.5]}),
    ("FalsePositives", BINARY, SCORES, {"thresholds": 0.7}),
    ("FalseNegatives", BINARY, SCORES, {}),
    ("Precision", BINARY, SCORES, {}),
    ("Precision", BINARY, SCORES, {"thresholds": [0.1, 0.4]}),
    ("Precision", BINARY, PROBABILITIES, {"top_k": 2}),
    ("Recall", BINARY, SCORES, {"class_id": 1}),
    ("Recall", BINARY, PROBABILITIES, {"top_k": 2, "class_id": 1}),
    ("SensitivityAtSpecificity", BINARY, SCORES, {"specificity": 0.4}),
    ("SpecificityAtSensitivity", BINARY, SCORES, {"sensitivity": 0.4, "num_thresholds": 5}),
    ("PrecisionAtRecall", BINARY, SCORES, {"recall": 0.4}),
    ("RecallAtPrecision", BINARY, SCORES, {"precision": 0.4}),
    ("AUC", BINARY, SCORES, {}),
    ("AUC", BINARY, PROBABILITIES, {"num_thresholds": 7, "summation_method": "minoring"}),
    ("AUC", BINARY, PROBABILITIES, {"summation_method": "majoring", "curve": "PR"}),
    ("AUC", BINARY, PROBABILITIES, {"curve": "pr", "summation_method": "Majoring"}),
    ("AUC", BINARY, PROBABILITIES, {"curve": "PR"}),
    ("AUC", BINARY, REAL[0], {"from_logits": True, "thresholds": [0.3, 0.6]}),
    ("AUC", BINARY, PROBABILITIES, {"multi_label": True}),
    ("AUC", BINARY, PROBABILITIES, {"multi_label": True, "num_labels": C, "label_weights": W}),
    ("IoU", CLASSES, GUESSES, {"num_classes": C, "target_class_ids": [0, 2]}),
    ("MeanIoU", CLASSES, GUESSES, {"num_classes": C}),
    ("MeanIoU", CLASSES, PROBABILITIES, {"num_classes": C, "sparse_y_pred": False}),
    ("BinaryIoU", BINARY, SCORES, {"threshold": 0.3}),
    ("OneHotIoU", HOT, PROBABILITIES, {"num_classes": C, "target_class_ids": [1]}),
    ("OneHotMeanIoU", HOT, PROBABILITIES, {"num_classes": C}),
    ("FBetaScore", HOT, PROBABILITIES, {"beta": 2.0}),
    ("FBetaScore", BINARY, SCORES, {"threshold": 0.4, "average": "weighted"}),
    ("F1Score", HOT, PROBABILITIES, {"average": "macro"}),
    ("F1Score", BINARY, SCORES, {"average": "micro", "threshold": 0.5}),
]  # fmt: skip


def _close(got, wanted):
    np.testing.assert_allclose(np.asarray(got), np.asarray(wanted), rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize(("name", "y_true", "y_pred", "options"), CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics(name, y_true, y_pred, options, weighted):
    ours, theirs = getattr(metrics, name)(**options), getattr(keras.metrics, name)(**options)
    assert ours.name.rstrip("_0123456789") == theirs.name.rstrip("_0123456789")
    # Those of which Keras doesn't say whether more is better.
    if not name.endswith(("Positives", "Negatives")):
        assert ours._direction == theirs._direction
    half = len(y_true) // 2 + 1
    for part in (slice(half), slice(half, None)):
        batch = [y_true[part], y_pred[part]]
        weight = None
        if weighted:
            shape = np.shape(batch[0]) if "IoU" in name and "OneHot" not in name else len(batch[0])
            # Keras counts IoU in ints.
            weight = random.integers(1, 5, shape).astype("int32" if "IoU" in name else "float32")
        if weighted and _counts_elements(name) and "class_id" not in options:
            # Keras broadcasts these from the last axis.
            weight = np.broadcast_to(weight[:, None], batch[1].shape)
        ours.update_state(*batch, sample_weight=weight)
        theirs.update_state(*batch, sample_weight=weight)
    _close(ours.result(), theirs.result())
    if not weighted:
        mine, other = ours.get_config(), theirs.get_config()
        # Keras keeps the counts of IoU as ints, and writes AUC's thresholds all down.
        shared = {*mine} & {*other} - {"name", "dtype", "thresholds", "num_thresholds"}
        for key in shared - {"label_weights"}:
            assert mine[key] == (list(other[key]) if isinstance(other[key], range) else other[key])
        metrics.deserialize(keras.metrics.serialize(theirs)).update_state(y_true, y_pred)
    ours.reset_state()
    assert np.isfinite(ours.result()).all()
    assert all((v.numpy() == 0).all() for v in ours.variables)


def _counts_elements(name):
    counting = ("Positives", "Negatives", "Precision", "Recall", "ity", "AUC")
    return any(name.endswith(c) or name.startswith(c) for c in counting) and name not in (
        "CosineSimilarity",
    )


# The shape of targets and predictions without the batch, and that of weights.
WEIGHTS = [
    ((), ()),
    ((1,), ()),
    ((1,), (1,)),
    ((3,), ()),
    ((3,), (1,)),
    ((3,), (3,)),
    ((2, 3), ()),
    ((2, 3), (2,)),
    ((2, 3), (1, 1)),
    ((2, 3), (2, 3)),
]


@pytest.mark.parametrize(("shape", "weights"), WEIGHTS)
@pytest.mark.parametrize("name", ["Accuracy", "BinaryAccuracy", "MeanSquaredError"])
def test_weights_of_any_rank(name, shape, weights):
    """In two batches of different length. Errors have no last axis."""
    if name == "MeanSquaredError":
        shape = (*shape, 4)
    ours, theirs = (getattr(m, name)() for m in (metrics, keras.metrics))
    for size in (5, 8):
        y_true, y_pred = random.integers(0, 2, (2, size, *shape)).astype("float32")
        weight = random.uniform(size=(size, *weights)).astype("float32")
        for metric in (ours, theirs):
            metric.update_state(y_true, y_pred, sample_weight=weight)
    _close(ours.result(), theirs.result())


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.5, 3.0]])
def test_ignored_classes_count_in_means_without_weights(weight):
    found = [
        m.MeanMetricWrapper(fn.sparse_categorical_crossentropy, ignore_class=1)
        for m, fn in ((metrics, losses), (keras.metrics, keras.losses))
    ]
    arguments = [0, 1, 2, 1], PROBABILITIES[:4, :3]
    ours, theirs = (m(*map(np.asarray, arguments), sample_weight=weight) for m in found)
    _close(ours, theirs)


@pytest.mark.parametrize("average", [None, "micro"])
def test_scores_compare_in_their_own_dtype(average):
    """0.3 in float32 is above 0.3 in float64."""
    y_true, y_pred = np.ones((3, 2), "float32"), np.full((3, 2), 0.3, "float32")
    options = {"average": average, "threshold": 0.3, "dtype": "float64"}
    ours, theirs = (m.F1Score(**options) for m in (metrics, keras.metrics))
    _close(ours(y_true, y_pred), theirs(y_true, y_pred))


@pytest.mark.parametrize("name", ["Mean", "Sum"])
@pytest.mark.parametrize(
    "weight", [None, [1.0, 0.5], [[1.0], [0.5]], [[1.0, 0.0, 2.0], [1.0, 1.0, 0.0]], 2.0]
)
def test_mean_and_sum(name, weight):
    values = np.arange(6, dtype="float32").reshape(2, 3)
    if name == "Sum" and np.ndim(weight) == 1:
        weight = np.reshape(weight, (2, 1))
    ours, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
    _close(ours(values, sample_weight=weight), theirs(values, sample_weight=weight))


# Tested with arguments; and by its definition (test_activations.py), which Keras's doesn't fit.
OTHERS = ("threshold", "sparsemax", "keras2_hard_sigmoid")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in activations.registry.names if name not in OTHERS),
        ("threshold", {"threshold": 0.2, "default_value": -3.0}),
        ("relu", {"negative_slope": 0.1, "max_value": 1.0}),
        ("relu", {"threshold": 0.5, "max_value": 1.0}),
        ("relu", {"threshold": 0.5, "negative_slope": 0.1}),
        ("leaky_relu", {"negative_slope": 0.3}),
        ("gelu", {"approximate": True}),
        ("elu", {"alpha": 0.5}),
        ("celu", {"alpha": 0.5}),
        ("softmax", {"axis": 0}),
    ],
)
def test_activations(name, options):
    x = np.linspace(-4, 4, 24, dtype="float32").reshape(6, 4)
    theirs = keras.activations.get(name)(keras.ops.convert_to_tensor(x), **options)
    _close(activations.get(name)(x, **options), theirs)
