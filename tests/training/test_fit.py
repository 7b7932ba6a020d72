"""Training as a user does it: compile, fit, evaluate, predict, on the NumPy engine."""

import numpy as np
import pytest

from kerasish import layers, losses, metrics, models, ops, optimizers, tree
from kerasish.callbacks import Callback, EarlyStopping
from kerasish.metrics import MeanAbsoluteError
from kerasish.saving import serialize_keras_object as serialize
from kerasish.training.class_weights import weigh_classes
from kerasish.utils import set_random_seed


def blobs(n=200, classes=3, features=4, seed=0):
    """Points around one centre per class: (x, class numbers)."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(classes, features)) * 2
    y = rng.integers(0, classes, n)
    x = centres[y] + rng.normal(size=(n, features)) * 0.5
    return x.astype("float32"), y.astype("int32")


def classifier(optimizer="adam", loss="sparse_categorical_crossentropy", **compile_arguments):
    model = models.Sequential(
        [layers.Input((4,)), layers.Dense(16, activation="relu"), layers.Dense(3, "softmax")]
    )
    model.compile(optimizer, loss, **compile_arguments)
    return model


def one_hot(y, classes=3):
    return np.eye(classes, dtype="float32")[y]


def test_a_classifier_learns():
    set_random_seed(0)
    x, y = blobs()
    model = classifier(optimizers.Adam(0.02), metrics=["accuracy"])
    history = model.fit(x, y, epochs=10, batch_size=32, verbose=0).history
    assert sorted(history) == ["accuracy", "loss"]
    assert len(history["loss"]) == 10
    assert history["loss"][-1] < history["loss"][0] / 3
    _, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy > 0.95
    prediction = model.predict(x, verbose=0)
    assert prediction.shape == (200, 3)
    np.testing.assert_allclose(prediction.sum(axis=1), 1, rtol=1e-5)
    assert np.mean(prediction.argmax(axis=1) == y) == pytest.approx(accuracy)


@pytest.mark.parametrize("batch_size", [1, 7, 32, 200, 500])
def test_evaluate_does_not_depend_on_the_batch_size(batch_size):
    set_random_seed(0)
    x, y = blobs(50)
    model = classifier(metrics=["accuracy"])
    expected = model.evaluate(x, y, batch_size=50, verbose=0)
    assert model.evaluate(x, y, batch_size=batch_size, verbose=0) == pytest.approx(expected)
    np.testing.assert_allclose(
        model.predict(x, batch_size=batch_size, verbose=0), model.predict_on_batch(x), rtol=1e-5
    )


def test_fit_equals_the_same_steps_one_by_one():
    x, y = blobs(70)
    results = []
    for one_by_one in (False, True):
        set_random_seed(3)
        model = classifier("sgd")
        if one_by_one:
            for _ in range(2):
                for start in range(0, 70, 32):
                    model.train_on_batch(x[start : start + 32], y[start : start + 32])
        else:
            model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=0)
        results.append(model.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_one_seed_gives_one_training():
    x, y = blobs()
    losses = []
    for _ in range(2):
        set_random_seed(11)
        model = models.Sequential(
            [layers.Input((4,)), layers.Dense(8), layers.Dropout(0.3), layers.Dense(3, "softmax")]
        )
        model.compile("rmsprop", "sparse_categorical_crossentropy")
        losses.append(model.fit(x, y, epochs=2, verbose=0).history["loss"])
    assert losses[0] == losses[1]


def test_dropout_is_for_training_only():
    model = models.Sequential([layers.Input((100,)), layers.Dropout(0.5)])
    x = np.ones((4, 100), "float32")
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    trained = np.asarray(model(x, training=True))
    assert set(np.unique(trained)) == {0.0, 2.0}
    assert not np.array_equal(trained, np.asarray(model(x, training=True)))


def test_batch_normalization_keeps_moving_averages():
    model = models.Sequential([layers.Input((2,)), layers.BatchNormalization(momentum=0.5)])
    model.compile("sgd", "mse")
    x = np.array([[1.0, 10.0], [3.0, 30.0]], "float32")
    model.train_on_batch(x, x)
    moving_mean = model.layers[0].moving_mean.numpy()
    np.testing.assert_allclose(moving_mean, [1.0, 10.0])
    # Evaluation leaves them alone.
    model.evaluate(x, x, verbose=0)
    np.testing.assert_array_equal(model.layers[0].moving_mean.numpy(), moving_mean)


def test_validation_split_takes_the_end_and_is_not_trained_on():
    set_random_seed(0)
    x, y = blobs(100)
    y[80:] = (y[80:] + 1) % 3  # the end is labelled wrongly
    model = classifier(optimizers.Adam(0.05), metrics=["accuracy"])
    history = model.fit(x, y, validation_split=0.2, epochs=8, verbose=0).history
    assert history["accuracy"][-1] > 0.9
    assert history["val_accuracy"][-1] < 0.2


def test_validation_data_and_frequency():
    x, y = blobs(40)
    model = classifier()
    history = model.fit(
        x, y, validation_data=(x, y), validation_freq=2, epochs=4, verbose=0
    ).history
    assert len(history["loss"]) == 4
    assert len(history["val_loss"]) == 2
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)


def test_sample_weights_and_class_weights_weigh_the_loss():
    x, y = blobs(30)
    model = classifier()
    per_sample = [model.test_on_batch(x[i : i + 1], y[i : i + 1]) for i in range(30)]
    weights = np.linspace(0, 2, 30).astype("float32")
    expected = np.mean(np.array(per_sample) * weights)
    assert model.evaluate(x, y, sample_weight=weights, batch_size=30, verbose=0) == pytest.approx(
        expected, rel=1e-5
    )
    by_class = {0: 0.0, 1: 2.0}
    expected = np.mean(np.array(per_sample) * np.array([0.0, 2.0, 1.0])[y])
    got = model.fit(x, y, class_weight=by_class, batch_size=30, verbose=0).history["loss"][0]
    assert got == pytest.approx(expected, rel=1e-5)
    # One-hot targets know their class too.
    model = classifier(loss="categorical_crossentropy")
    model.fit(x, one_hot(y), class_weight=by_class, verbose=0)


CLASS_WEIGHTS = {0: 0.0, 2: 3.0}


def two_classifiers():
    x = layers.Input((4,))
    outputs = [layers.Dense(3, "softmax", name=name)(x) for name in ("left", "right")]
    model = models.Model(x, outputs)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("given", [{"right": CLASS_WEIGHTS}, [None, CLASS_WEIGHTS]])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_class_weights_of_several_outputs(given, named, own):
    x, y = blobs(20)
    targets = {"left": y, "right": 2 - y}
    own_weights = {"left": np.arange(20.0), "right": np.arange(20.0) + 1}
    by_class = np.array([0.0, 1.0, 3.0])[2 - y]
    weights = {"left": np.ones(20), "right": by_class}
    if own:
        weights = {name: weights[name] * own_weights[name] for name in weights}

    def history(class_weight, sample_weight):
        nested = [targets, sample_weight]
        if not named:
            nested = [None if part is None else list(part.values()) for part in nested]
        set_random_seed(1)
        more = {"class_weight": class_weight, "sample_weight": nested[1], "shuffle": False}
        return two_classifiers().fit(x, nested[0], 10, 2, verbose=0, **more).history

    losses = [history(given, own_weights if own else None), history(None, weights)]
    for name in losses[0]:
        np.testing.assert_allclose(losses[0][name], losses[1][name], rtol=1e-5)


@pytest.mark.parametrize(
    "given",
    [CLASS_WEIGHTS, {np.float32(0): 0.0, 2.0: 3.0}, [CLASS_WEIGHTS], {"out": CLASS_WEIGHTS}],
)
@pytest.mark.parametrize("wrapped", [lambda y: y, lambda y: [y], lambda y: {"out": y}])
def test_class_weights_of_one_output_may_be_written_in_many_ways(given, wrapped):
    y = np.array([0, 1, 2, 1, 0])
    weights = weigh_classes(wrapped(y), None, given, ["out"])
    (found,) = tree.flatten(weights)
    np.testing.assert_array_equal(found, [0, 1, 3, 1, 0])
    assert type(weights) is type(wrapped(y))


def test_class_weights_beside_weights_of_time_steps_and_of_negative_classes():
    """As many samples as time steps, so that a wrong multiplication would pass unseen."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 5, 2)), np.array([[1], [0], [1], [0], [-1]])
    steps = rng.random((5, 5))
    for own in (steps, steps[:, :1], steps[:, 0]):
        weights = weigh_classes(y, own, {-1: 4.0, 1: 2.0}, ["out"])
        by_class = np.array([2.0, 1, 2, 1, 4])
        expected = [w * c for w, c in zip(own, by_class, strict=True)]
        np.testing.assert_allclose(weights, expected, rtol=1e-6)
    model = models.Sequential([layers.Input((5, 2)), layers.Dense(1)])
    model.compile("sgd", "mse", sample_weight_mode="temporal")
    model.fit(x, np.repeat(y[:, None], 5, 1), sample_weight=steps, verbose=0)
    with pytest.raises(ValueError, match=r"more axes than the losses.* y the shape \(None, 5, 1\)"):
        model.fit(x, np.repeat(y, 5, 1), sample_weight=steps, verbose=0)


def test_class_weights_of_outputs_in_a_dict_go_by_its_keys():
    x, y = blobs(20)
    inputs = layers.Input((4,))
    outputs = {key: layers.Dense(3, "softmax")(inputs) for key in ("left", "right")}
    model = models.Model(inputs, outputs)
    model.compile(optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    targets = {"left": y, "right": y}
    weights = {"right": np.array([0.0, 1.0, 3.0])[y]}
    found = model.fit(x, targets, class_weight={"right": CLASS_WEIGHTS}, verbose=0).history
    wanted = model.fit(x, targets, sample_weight=weights, verbose=0).history
    assert {name: pytest.approx(values, rel=1e-5) for name, values in found.items()} == wanted


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({0: 1.0}, "several outputs.*'left'.*the key 0"),
        ({"rihgt": {}}, "'rihgt'.*right"),
        ([{0: 1.0}], "1 entries, but the model has 2 outputs"),
        ([{0: 1.0}, 3], "must be a dict"),
    ],
)
def test_class_weights_of_several_outputs_explain(given, words):
    x, y = blobs(4)
    with pytest.raises((TypeError, ValueError), match=words):
        two_classifiers().fit(x, [y, y], class_weight=given, verbose=0)


FROZEN = {
    "all layers": lambda: [layers.Dense(3, "softmax", trainable=False)],
    "no weights": lambda: [layers.Lambda(lambda x: x[:, :3]), layers.Softmax()],
    "normalized": lambda: [layers.BatchNormalization(trainable=False), layers.Dense(3, "softmax")],
}


@pytest.mark.parametrize("name", FROZEN)
@pytest.mark.parametrize("eager", [False, True])
def test_models_with_nothing_to_train(name, eager):
    """Their losses are computed, so that a baseline can be had by the same calls."""
    x, y = blobs(20)
    model = models.Sequential([layers.Input((4,)), *FROZEN[name]()])
    model.layers[-1].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"], run_eagerly=eager)
    before = model.get_weights()
    expected = model.evaluate(x, y, verbose=0)
    with pytest.warns(UserWarning, match="no trainable weights"):
        history = model.fit(x, y, batch_size=10, epochs=2, verbose=0).history
    np.testing.assert_allclose([history[k][1] for k in ("loss", "accuracy")], expected, rtol=1e-5)
    np.testing.assert_allclose(model.train_on_batch(x, y), expected, rtol=1e-5)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def two_headed():
    a, b = layers.Input((3,), name="a"), layers.Input((2,), name="b")
    h = layers.Concatenate()([layers.Dense(4)(a), b])
    p = layers.Dense(1, name="price")(h)
    k = layers.Dense(3, "softmax", name="kind")(h)
    return models.Model(inputs=[a, b], outputs=[p, k])


def two_headed_data(n=20):
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(n, 3)).astype("float32"), rng.normal(size=(n, 2)).astype("float32")]
    return x, [x[0][:, :1] * 2, rng.integers(0, 3, n).astype("int32")]


@pytest.mark.parametrize("named", [False, True])
def test_several_inputs_and_outputs(named):
    model = two_headed()
    x, y = two_headed_data()
    losses = ["mse", "sparse_categorical_crossentropy"]
    metrics = [["mae"], ["accuracy"]]
    if named:
        x = dict(zip(["a", "b"], x, strict=True))
        y = dict(zip(["price", "kind"], y, strict=True))
        losses = dict(zip(["price", "kind"], losses, strict=True))
        metrics = {"price": ["mae"], "kind": ["accuracy"]}
    model.compile("adam", losses, metrics=metrics, loss_weights=[0.5, 2.0])
    history = model.fit(x, y, epochs=2, verbose=0).history
    # By name, as in Keras 3.
    assert list(history) == ["kind_accuracy", "kind_loss", "loss", "price_loss", "price_mae"]
    logs = model.evaluate(x, y, return_dict=True, verbose=0)
    assert logs["loss"] == pytest.approx(0.5 * logs["price_loss"] + 2 * logs["kind_loss"], rel=1e-5)
    predictions = model.predict(x, verbose=0)
    assert [p.shape for p in predictions] == [(20, 1), (20, 3)]


@pytest.mark.parametrize(
    ("metrics", "weighted", "names"),
    [
        (["mae", "mae"], None, ["mae", "mae_1"]),
        (["mae"], ["mae", "mae"], ["mae", "weighted_mae", "weighted_mae_1"]),
        (None, ["mae"], ["mae"]),
        ([MeanAbsoluteError("loss")], None, ["loss_1"]),
    ],
)
def test_metrics_of_one_name_all_have_a_place_in_the_logs(metrics, weighted, names):
    model = models.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=metrics, weighted_metrics=weighted)
    x, weights = np.ones((4, 2)), np.array([0.0, 0.0, 0.0, 1.0])
    y = np.array([1.0, 2.0, 3.0, 40.0])
    logs = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    assert list(logs) == ["loss", *names]
    prediction = model.predict(x, verbose=0)[:, 0]
    for name in names:
        plain = "weighted" not in name and not (weighted and not metrics)
        wanted = np.average(np.abs(prediction - y), weights=None if plain else weights)
        assert logs[name] == pytest.approx(wanted, rel=1e-5)


def test_outputs_in_a_dict_go_by_its_keys():
    inputs = layers.Input((3,))
    outputs = {"b": layers.Dense(2, name="one")(inputs), "a": layers.Dense(1, name="two")(inputs)}
    model = models.Model(inputs, outputs)
    model.compile("sgd", {"a": "mse", "b": "mae"}, metrics={"b": ["mse"]})
    x = np.ones((8, 3), "float32")
    history = model.fit(x, {"a": x[:, :1], "b": x[:, :2]}, verbose=0).history
    assert list(history) == ["a_loss", "b_loss", "b_mse", "loss"]
    assert {name: p.shape for name, p in model.predict(x, verbose=0).items()} == {
        "a": (8, 1),
        "b": (8, 2),
    }


HUBER = {"class_name": "Huber", "config": {"delta": 0.5}}
NEAR = {"class_name": "BinaryAccuracy", "config": {"threshold": 0.3}}
# What compile is given as configs -> the same as objects.
CONFIGS = {
    "optimizer": ({"optimizer": {"class_name": "sgd", "config": {"learning_rate": 0.3}}}, {}),
    "loss": ({"loss": HUBER}, {"loss": losses.Huber(0.5)}),
    "loss in full": ({"loss": serialize(losses.Huber(0.5))}, {"loss": losses.Huber(0.5)}),
    "loss in a list": ({"loss": [HUBER]}, {"loss": losses.Huber(0.5)}),
    "loss by output": ({"loss": {"out": HUBER}}, {"loss": losses.Huber(0.5)}),
    "metric": ({"metrics": NEAR}, {"metrics": [metrics.BinaryAccuracy(threshold=0.3)]}),
    "metrics": (
        {"metrics": [NEAR, "mae"]},
        {"metrics": [metrics.BinaryAccuracy(threshold=0.3), "mae"]},
    ),
    "metrics by output": (
        {"metrics": {"out": [NEAR]}, "weighted_metrics": [[NEAR]]},
        {
            "metrics": [metrics.BinaryAccuracy(threshold=0.3)],
            "weighted_metrics": [metrics.BinaryAccuracy(threshold=0.3)],
        },
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_compile_takes_configs(name):
    x = np.linspace(0, 1, 24, dtype="float32").reshape(8, 3)

    def logs(given):
        inputs = layers.Input((3,))
        model = models.Model(inputs, layers.Dense(3, name="out", kernel_initializer="ones")(inputs))
        model.compile(**{"optimizer": optimizers.SGD(0.3), "loss": "mse", **given})
        model.fit(x, x > 0.5, shuffle=False, verbose=0)
        return model.evaluate(x, x > 0.5, return_dict=True, verbose=0)

    configs, objects = CONFIGS[name]
    assert logs(configs) == logs(objects)


def test_compile_names_the_config_that_is_of_nothing():
    model = models.Sequential([layers.Input((4,)), layers.Dense(3)])
    for key, kind in [("loss", "loss"), ("metrics", "metric"), ("optimizer", "optimizer")]:
        with pytest.raises(ValueError, match=f"Unknown {kind} 'Nope'"):
            model.compile(**{"loss": "mse", key: {"class_name": "Nope", "config": {}}})


def test_a_subclassed_model_trains():
    class Net(models.Model):
        def __init__(self):
            super().__init__()
            self.hidden = [layers.Dense(8, "relu"), layers.Dense(8, "relu")]
            self.head = layers.Dense(3, "softmax")

        def call(self, x):
            for layer in self.hidden:
                x = layer(x)
            return self.head(x)

    set_random_seed(0)
    x, y = blobs()
    model = Net()
    model.compile(optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["acc"])
    history = model.fit(x, y, epochs=10, verbose=0).history
    assert history["acc"][-1] > 0.9
    assert len(model.weights) == 6


def changed_by_fit(model):
    x, y = blobs(40)
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    return [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]


def test_frozen_layers_stay():
    model = classifier()
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    assert changed_by_fit(model) == [False, False, True, True]
    model.layers[0].trainable = True
    with pytest.warns(UserWarning, match="compile"):
        model.trained_variables()
    assert changed_by_fit(model) == [False, False, True, True]
    model.compile("adam", "sparse_categorical_crossentropy")
    assert changed_by_fit(model) == [True] * 4


def test_a_discriminator_frozen_inside_a_gan_still_trains_by_itself():
    x, y = blobs(8)
    discriminator = classifier()
    generator = models.Sequential([layers.Input((2,)), layers.Dense(4)])
    discriminator.trainable = False
    gan = models.Sequential([generator, discriminator])
    gan.compile("sgd", "sparse_categorical_crossentropy")
    before = discriminator.get_weights()
    gan.train_on_batch(x[:, :2], y)
    assert all(map(np.array_equal, before, discriminator.get_weights()))
    with pytest.warns(UserWarning, match="compile"):
        discriminator.train_on_batch(x, y)
    assert not any(map(np.array_equal, before, discriminator.get_weights()))


def test_regularizers_and_add_loss_count():
    x = np.ones((4, 2), "float32")
    model = models.Sequential(
        [
            layers.Input((2,)),
            layers.Dense(1, kernel_initializer="ones", kernel_regularizer="l2", use_bias=False),
        ]
    )
    model.compile("sgd", "mse")
    # mse((1 + 1) - 2) = 0; l2 is 0.01 * (1 + 1)
    assert model.test_on_batch(x, np.full((4, 1), 2.0)) == pytest.approx(0.02)

    class Shrink(layers.Layer):
        def call(self, inputs):
            self.add_loss(0.1 * ops.sum(inputs))
            return inputs

    model = models.Sequential([layers.Input((2,)), Shrink()])
    model.compile("sgd", "mse")
    assert model.test_on_batch(x, x) == pytest.approx(0.8)


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.losses = []
        self.batches = []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(batch)
        self.losses.append(logs["loss"])


def test_batch_hooks_see_every_step():
    x, y = blobs(70)
    recorder = Recorder()
    classifier().fit(x, y, batch_size=32, epochs=2, callbacks=[recorder], verbose=0)
    assert recorder.batches == [0, 1, 2, 0, 1, 2]
    assert len(set(recorder.losses)) == 6


def test_early_stopping_stops():
    x, y = blobs(40)
    stopper = EarlyStopping(monitor="loss", patience=0, min_delta=100)
    history = classifier().fit(x, y, epochs=20, callbacks=[stopper], verbose=0).history
    assert len(history["loss"]) == 2


def test_steps_per_epoch_and_initial_epoch():
    x, y = blobs(100)
    recorder = Recorder()
    model = classifier()
    model.fit(x, y, epochs=5, initial_epoch=3, steps_per_epoch=2, callbacks=[recorder], verbose=0)
    assert recorder.batches == [0, 1, 0, 1]


def test_uint8_images_go_in_as_they_are():
    x = np.random.default_rng(0).integers(0, 255, (20, 4, 4, 1), dtype="uint8")
    model = models.Sequential([layers.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((20, 2)), verbose=0)
    assert model.predict(x, verbose=0).dtype == np.float32


def test_run_eagerly_gives_the_same_numbers():
    x, y = blobs(50)
    losses = []
    for eagerly in (False, True):
        set_random_seed(5)
        model = classifier(run_eagerly=eagerly)
        losses.append(model.fit(x, y, epochs=2, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)
