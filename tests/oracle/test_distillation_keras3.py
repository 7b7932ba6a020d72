"""Histories of a `Distiller`, and its files, against Keras 3's with equal weights."""

import numpy as np
import pytest

import kerasish

keras = pytest.importorskip("keras", minversion="3.12")
# Raised inside Keras.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*compile.. was not called:UserWarning"),
]

rng = np.random.default_rng(0)
X = rng.normal(size=(32, 4)).astype("float32")
CLASSES = rng.integers(0, 3, 32)
WEIGHTS = [
    [rng.normal(size=shape).astype("float32") for shape in ((4, 5), (5,), (5, 3), (3,))]
    for model in ("teacher", "student")
]


def models(library):
    layers = library.layers
    for weights in WEIGHTS:
        stack = [layers.Input((4,)), layers.Dense(5, "tanh", name="h"), layers.Dense(3)]
        made = library.Sequential(stack)
        made.set_weights(weights)
        yield made


def logits(library):
    return library.distillation.LogitsDistillation(2.0, library.losses.KLDivergence())


def features(library):
    return library.distillation.FeatureDistillation("mse", "h", "h")


CASES = {
    "logits": ([logits], {}),
    "features": ([features], {"student_loss_weight": 0.2}),
    "both": ([logits, features], {"distillation_loss_weights": [0.5, 2.0]}),
    "teacher alone": ([logits], {"student_loss_weight": 0.0}),
    "data alone": ([logits], {"student_loss_weight": 1.0}),
}


def distiller(library, losses, options):
    made = library.distillation.Distiller(*models(library), [f(library) for f in losses], **options)
    loss = library.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(library.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return made


@pytest.mark.parametrize("case", CASES)
def test_training(case):
    logs = []
    for library in (keras, kerasish):
        model = distiller(library, *CASES[case])
        history = model.fit(X, CLASSES, batch_size=8, epochs=3, shuffle=False, verbose=0).history
        found = model.evaluate(X, CLASSES, batch_size=8, verbose=0, return_dict=True)
        logs.append({**history, **{f"after_{name}": value for name, value in found.items()}})
    theirs, ours = logs
    assert sorted(ours) == sorted(theirs)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-4, atol=1e-5, err_msg=name)


def test_files(tmp_path):
    for writer, reader in ((keras, kerasish), (kerasish, keras)):
        model = distiller(writer, *CASES["both"])
        model.fit(X, CLASSES, verbose=0)
        path = tmp_path / f"{writer.__name__}.keras"
        model.save(path)
        again = reader.saving.load_model(path, compile=False)
        assert type(again) is reader.distillation.Distiller
        np.testing.assert_allclose(
            again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-6
        )
