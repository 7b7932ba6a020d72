"""Distillation: its losses, and the training of a student."""

import numpy as np
import pytest

from kerasish import Sequential, layers, losses, metrics, models, ops, optimizers, saving
from kerasish.distillation import (
    DistillationLoss,
    Distiller,
    FeatureDistillation,
    LogitsDistillation,
)

rng = np.random.RandomState(0)
X = rng.normal(size=(32, 4)).astype("float32")
CLASSES = rng.randint(0, 3, 32)
A, B = rng.normal(size=(2, 5, 3)).astype("float32")


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def divergence(a, b):
    return (softmax(a) * np.log(softmax(a) / softmax(b))).sum(axis=-1).mean()


def network(units=5, outputs=3, name=None, **options):
    hidden = layers.Dense(units, "tanh", name="hidden", **options)
    return Sequential([layers.Input((4,)), hidden, layers.Dense(outputs)], name=name)


def distiller(distillation=None, compiled=None, **options):
    made = Distiller(network(5), network(5), distillation or LogitsDistillation(2.0), **options)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(**({"optimizer": optimizers.SGD(0.1), "loss": loss} | (compiled or {})))
    return made


@saving.register_keras_serializable()
def difference(teacher, student):
    return teacher - student


SQUARED = np.mean((A - B) ** 2)
BOTH = LogitsDistillation(2.0, {"p": "mse", "q": None, "r": losses.KLDivergence()})


@pytest.mark.parametrize(
    ("loss", "teacher", "student", "expected"),
    [
        (LogitsDistillation(1.0), A, B, divergence(A, B)),
        (LogitsDistillation(), A, B, 9 * divergence(A / 3, B / 3)),
        (LogitsDistillation(3, losses.kl_divergence), A, B, 9 * divergence(A / 3, B / 3)),
        (LogitsDistillation(2.0, "mse"), A, B, SQUARED / 4),
        (LogitsDistillation(2.0, difference), A, B, np.mean(A - B) / 2),
        (LogitsDistillation(1.0, "mse"), [A, B], [B, B], SQUARED),
        (BOTH, [A, A, A], [B, B, B], SQUARED / 4 + 4 * divergence(A / 2, B / 2)),
        (FeatureDistillation(), A, B, SQUARED),
        (FeatureDistillation(losses.MeanSquaredError("sum")), A, B, SQUARED * 5),
        (FeatureDistillation(["mse", "mae"]), [A, B], [B, A], SQUARED + np.abs(A - B).mean()),
    ],
)
def test_losses(loss, teacher, student, expected):
    np.testing.assert_allclose(loss.compute_loss(teacher, student), expected, rtol=1e-5)
    again = type(loss).from_config(saving.deserialize_keras_object(loss.get_config()))
    assert again.get_config() == loss.get_config()


class Distance(DistillationLoss):
    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        return ops.mean((teacher_outputs - student_outputs) ** 2)


FEATURES = FeatureDistillation("mse", "hidden", "hidden")


@pytest.mark.parametrize(
    "distillation",
    [LogitsDistillation(2.0), FEATURES, [LogitsDistillation(), FEATURES], Distance()],
    ids=["logits", "features", "both", "own"],
)
def test_a_student_learns(distillation, engine):
    model = distiller(distillation, {"metrics": ["accuracy"]}, student_loss_weight=0.3)
    taught = model.teacher.get_weights()
    history = model.fit(X, CLASSES, epochs=20, batch_size=8, verbose=0).history
    names = ["accuracy", "distillation_loss", "loss", "student_loss", "total_loss"]
    assert sorted(history) == names
    assert history["distillation_loss"][-1] < history["distillation_loss"][0] / 2
    for before, after in zip(taught, model.teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    logs = model.evaluate(X, CLASSES, verbose=0, return_dict=True)
    assert list(logs) == ["loss", "accuracy", "student_loss", "distillation_loss", "total_loss"]
    whole = 0.3 * logs["student_loss"] + 0.7 * logs["distillation_loss"]
    assert logs["loss"] == pytest.approx(whole, rel=1e-5)
    np.testing.assert_array_equal(model.predict(X, verbose=0), model.student.predict(X, verbose=0))


def test_weights_of_the_losses():
    both = [LogitsDistillation(1.0, "mse"), LogitsDistillation(2.0, "mse")]
    model = distiller(both, distillation_loss_weights=[1, 4])
    logs = model.evaluate(X, CLASSES, verbose=0, return_dict=True)
    outputs = [m.predict(X, verbose=0) for m in (model.teacher, model.student)]
    error = np.mean((outputs[0] - outputs[1]) ** 2)
    assert logs["distillation_loss"] == pytest.approx(2 * error, rel=1e-5)
    assert model.evaluate(X, CLASSES, np.size(CLASSES), 0, np.full(32, 2.0), return_dict=True)[
        "student_loss"
    ] == pytest.approx(2 * logs["student_loss"], rel=1e-5)


@pytest.mark.parametrize(("share", "zero"), [(0, "student_loss"), (1, "distillation_loss")])
def test_parts_of_weight_zero_are_not_computed(share, zero):
    model = distiller(student_loss_weight=share)
    logs = model.evaluate(X, CLASSES, verbose=0, return_dict=True)
    assert logs[zero] == 0
    assert logs["loss"] == pytest.approx(logs["student_loss"] + logs["distillation_loss"])


def test_training_on_the_teacher_alone():
    model = distiller(compiled={"loss": None}, student_loss_weight=0)
    history = model.fit(X, epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_regularizers_of_the_student_count_and_those_of_the_teacher_do_not():
    ones = {"kernel_initializer": "ones", "kernel_regularizer": "l2"}
    busy = {"activity_regularizer": "l2"}
    logs = []
    for of_teacher, of_student in (({}, {}), ({**ones, **busy}, {}), ({}, ones)):
        student = network(**({"kernel_initializer": "ones"} | of_student))
        student.layers[-1].set_weights([np.ones((5, 3)), np.zeros(3)])
        model = Distiller(network(**of_teacher), student, LogitsDistillation())
        model.compile("sgd", "mse")
        logs.append(model.evaluate(X, np.zeros((32, 3)), verbose=0, return_dict=True))
    without, of_teacher, of_student = (log["student_loss"] for log in logs)
    assert of_teacher == pytest.approx(without, rel=1e-6)
    assert of_student == pytest.approx(without + 0.01 * 20, rel=1e-5)


def test_the_teacher_infers_and_so_does_the_student_in_evaluation():
    def noisy():
        ones = {"kernel_initializer": "ones", "name": "hidden"}
        return Sequential([layers.Input((4,)), layers.Dropout(0.9), layers.Dense(3, **ones)])

    features = FeatureDistillation("mse", "hidden", "hidden")
    model = Distiller(noisy(), noisy(), features, student_loss_weight=0)
    model.compile(optimizers.SGD(0.0), loss="mse")
    ones, zeros = np.ones((512, 4)), np.zeros((512, 3))
    loss = model.fit(ones, zeros, verbose=0).history["loss"][0]
    assert 30 < loss < 42  # the student's variance is 36; with the teacher's it were 72
    assert model.evaluate(ones, zeros, verbose=0, return_dict=True)["loss"] == 0


class Own(models.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x)


def test_models_that_are_classes_of_their_own():
    model = Distiller(Own(), Own(), LogitsDistillation())
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(X, CLASSES, verbose=0)
    assert (len(model.weights), len(model.trainable_weights)) == (4, 2)


def with_two_outputs(nested):
    x = layers.Input((4,))
    p, q = layers.Dense(2, name="p")(x), layers.Dense(3, name="q")(x)
    return models.Model(x, {"p": p, "q": q} if nested else [p, q])


@pytest.mark.parametrize("nested", [True, False])
def test_several_outputs(nested):
    loss = {"p": "kl_divergence", "q": "mse"} if nested else ["kl_divergence", "mse"]
    model = Distiller(
        with_two_outputs(nested), with_two_outputs(nested), LogitsDistillation(2, loss)
    )
    model.compile("sgd", loss={"p": "mse", "q": "mse"})
    targets = {"p": np.zeros((32, 2)), "q": np.zeros((32, 3))}
    assert {"p_loss", "q_loss"} <= set(model.fit(X, targets, verbose=0).history)


def test_saved_and_loaded(tmp_path):
    model = distiller(
        [LogitsDistillation(2.0), FEATURES], {"metrics": ["accuracy"]}, student_loss_weight=0.25
    )
    model.fit(X, CLASSES, verbose=0)
    model.save(tmp_path / "distiller.keras")
    again = saving.load_model(tmp_path / "distiller.keras")
    assert isinstance(again, Distiller)
    assert again.get_config() == model.get_config()
    assert again.evaluate(X, CLASSES, verbose=0) == model.evaluate(X, CLASSES, verbose=0)
    again.fit(X, CLASSES, verbose=0)
    model.student.save(tmp_path / "student.keras")
    assert isinstance(saving.load_model(tmp_path / "student.keras"), Sequential)


def test_files_of_keras_lack_the_loss():
    model = Distiller(network(), network(), LogitsDistillation())
    with pytest.warns(UserWarning, match="lacks the student's loss"):
        model.compile_from_config({"optimizer": "sgd", "loss": None})
    assert not model.compiled


@pytest.mark.parametrize(
    ("act", "error", "complaint"),
    [
        (lambda: LogitsDistillation(0.0), ValueError, "a number above 0, but got 0.0"),
        (lambda: LogitsDistillation("hot"), ValueError, "a number above 0, but got 'hot'"),
        (lambda: LogitsDistillation(loss=[None]), ValueError, r"must name a loss, .*\[None\]"),
        (lambda: FeatureDistillation("mes"), ValueError, "Did you mean 'mse'"),
        (lambda: DistillationLoss().compute_loss(A, B), NotImplementedError, "must define"),
        (lambda: LogitsDistillation().compute_loss([A], [B, B]), ValueError, "structures differ"),
        (
            lambda: LogitsDistillation(loss=["mse"]).compute_loss([A, A], [B, B]),
            ValueError,
            "a loss for each of 2 outputs, but loss has 1",
        ),
        (lambda: distiller(student_loss_weight=1.5), ValueError, "from 0 to 1, but got 1.5"),
        (lambda: distiller("mse"), ValueError, "DistillationLosses, but got 'mse'"),
        (lambda: distiller(distillation_loss_weights=[1, 2]), ValueError, r"got 1 loss\(es\) and"),
        (lambda: distiller(compiled={"loss": None}), ValueError, "needs the student's loss"),
        (lambda: Distiller(3, network(), FEATURES), ValueError, "teacher must be a Model"),
        (
            lambda: Distiller(network(), network(outputs=2), FEATURES),
            ValueError,
            r"outputs of the same shapes, .* \(None, 3\), the student's \(None, 2\)",
        ),
        (
            lambda: distiller(FeatureDistillation("mse", "hidden", "hiden")),
            ValueError,
            r"the student sequential\w* has no layer 'hiden'\. It has \['hidden'",
        ),
        (
            lambda: Distiller(Own(), Own(), FEATURES),
            ValueError,
            "teacher_layer_name='hidden' needs a Sequential or functional teacher",
        ),
    ],
)
def test_mistakes(act, error, complaint):
    with pytest.raises(error, match=complaint):
        act()


def test_metrics_of_a_compiled_teacher_stay_out():
    teacher = network()
    teacher.compile("sgd", "mse", metrics=[metrics.MeanAbsoluteError(name="its_own")])
    model = Distiller(teacher, network(), LogitsDistillation())
    assert "its_own" not in model.metrics_names
