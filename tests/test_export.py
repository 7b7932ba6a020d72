"""SavedModels: what other programs that have TensorFlow compute with them."""

import numpy as np
import pytest

import kerasish
from kerasish import Input, KerasTensor, Model, Sequential, layers, ops
from kerasish.export import ExportArchive

X = np.random.RandomState(0).normal(size=(40, 6, 2)).astype("float32")


def image_model():
    model = Sequential(
        [
            Input((6, 2), name="x"),
            layers.Conv1D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    random = np.random.RandomState(1)
    model.set_weights([random.uniform(0.5, 1, w.shape) for w in model.weights])
    return model


def test_served_models_compute_the_same(tmp_path, capsys):
    tf = pytest.importorskip("tensorflow")
    model = image_model()
    model.export(tmp_path / "model")
    assert "serve(float32(None, 6, 2))" in capsys.readouterr().out
    served = tf.saved_model.load(str(tmp_path / "model"))
    wanted = model.predict(X, verbose=0)
    for size in (0, 1, 33, 40):
        assert served.serve(X[:size]).numpy() == pytest.approx(wanted[:size], abs=1e-5)
    named = served.signatures["serving_default"](x=tf.constant(X))
    assert named["output_0"].numpy() == pytest.approx(wanted, abs=1e-5)
    counts = (len(served.trainable_variables), len(served.non_trainable_variables))
    assert counts == (len(model.trainable_weights), len(model.non_trainable_weights))


def test_dicts_of_inputs_and_outputs(tmp_path):
    tf = pytest.importorskip("tensorflow")
    a, b = Input((3,), name="a"), Input((2,), dtype="int32", name="b")
    vectors = layers.Flatten()(layers.Embedding(4, 2)(b))
    model = Model({"b": b, "a": a}, {"y": layers.Dense(1)(a), "x": ops.exp(vectors)})
    model.export(tmp_path / "model", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "model"))
    data = {"a": np.ones((5, 3), "float32"), "b": np.array([[0, 3]] * 5, "int32")}
    wanted = model.predict(data, verbose=0)
    named = {name: tf.constant(x) for name, x in data.items()}
    for found in (served.serve(data), served.signatures["serving_default"](**named)):
        for name, x in wanted.items():
            assert found[name].numpy() == pytest.approx(x, abs=1e-6)


def test_archives_of_functions(tmp_path):
    tf = pytest.importorskip("tensorflow")
    model = image_model()
    archive = ExportArchive()
    archive.track_and_add_endpoint("whole", model)
    signature = [KerasTensor((None, 6, 2)), tf.TensorSpec((None, 3), "float32")]
    archive.add_endpoint("error", lambda x, y: ops.abs(model(x) - y), signature)
    archive.add_variable_collection("kernels", [model.layers[0].kernel])
    archive.write_out(tmp_path / "archive", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "archive"))
    wanted = model.predict(X, verbose=0)
    assert served.whole(X).numpy() == pytest.approx(wanted, abs=1e-5)
    zeros = np.zeros((40, 3), "float32")
    assert served.error(X, zeros).numpy() == pytest.approx(np.abs(wanted), abs=1e-5)
    assert served.kernels[0].shape == (3, 2, 4)


def test_layers_of_exported_models(tmp_path):
    pytest.importorskip("tensorflow")
    model = Sequential([Input((6, 2)), layers.Dense(3, "tanh"), layers.BatchNormalization()])
    model.export(tmp_path / "model", verbose=False)
    with kerasish.backend_scope("tensorflow"):
        layer = layers.TFSMLayer(str(tmp_path / "model"))
        assert layer(X).numpy() == pytest.approx(model.predict(X, verbose=0), abs=1e-5)
        assert [w.shape for w in layer.trainable_weights] == [
            w.shape for w in model.trainable_weights
        ]


def of_batch():
    x = Input((2,))
    return Model(x, x - ops.mean(x, axis=0))


def of_text():
    x = Input((1,), dtype="string")
    return Model(
        x, layers.Dense(1)(layers.StringLookup(vocabulary=["a"], output_mode="one_hot")(x))
    )


def of_noise():
    x = Input((2,))
    return Model(x, layers.Dropout(0.5)(x, training=True))


def of_any_length():
    x = Input((None, 2))
    return Model(x, layers.LSTM(3)(x))


def with_state():
    x = Input(batch_shape=(1, 3, 2))
    return Model(x, layers.LSTM(3, stateful=True)(x))


def twice():
    archive = ExportArchive()
    archive.add_endpoint("a", ops.exp, [KerasTensor((None, 2))])
    archive.add_endpoint("a", ops.exp, [KerasTensor((None, 2))])


WRONG = [
    (lambda: of_batch().export("x"), ValueError, "depends on the others in its batch"),
    (lambda: of_text().export("x"), ValueError, "'serve' takes strings"),
    (lambda: of_noise().export("x"), ValueError, "'serve' draws random numbers"),
    (lambda: with_state().export("x"), ValueError, "'serve' changes .*, which a saved function"),
    (lambda: of_any_length().export("x"), ValueError, "must be known, but got .None, None, 2."),
    (lambda: of_batch().export("x", "onnx"), NotImplementedError, "'onnx' is not supported"),
    (lambda: of_batch().export("x", "zip"), ValueError, "knows the format 'tf_saved_model', but"),
    (lambda: Sequential([layers.Dense(1)]).export("x"), ValueError, "is not built"),
    (lambda: ExportArchive().write_out("x"), ValueError, "there is no endpoint"),
    (lambda: ExportArchive().write_out("x", options=3), ValueError, "options must be None"),
    (lambda: ExportArchive().track(3), ValueError, "takes a layer or model, but got 3"),
    (lambda: ExportArchive().add_endpoint("a", ops.exp), ValueError, "Give an input_signature"),
    (lambda: ExportArchive().add_endpoint("a", ops.exp, [3]), ValueError, "but got 3"),
    (twice, ValueError, "already an endpoint 'a'"),
]


@pytest.mark.parametrize(("make", "error", "message"), WRONG)
def test_mistakes(make, error, message):
    pytest.importorskip("tensorflow")
    with pytest.raises(error, match=message):
        make()
