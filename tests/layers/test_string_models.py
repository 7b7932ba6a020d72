"""Models that begin with strings: layers that take them run on the host, before the engine."""

import copy

import numpy as np
import pytest

import kerasish
from kerasish import layers, models, ops

L = layers
TEXTS = np.array([["the cat sat"], ["a dog"], ["cat and dog and bird"], ["bird"]] * 3)
CLASSES = np.array([0, 1, 1, 0] * 3)
NUMBERS = np.linspace(0, 1, 24, dtype="float32").reshape(12, 2)


def vectorizer(length=4):
    layer = L.TextVectorization(output_sequence_length=length)
    layer.adapt(TEXTS)
    return layer


def classifier(length=4, **sizes):
    """Texts to a probability, by plain layers from an Input of strings on."""
    text = L.Input(shape=(1,), dtype="string", name="text", **sizes)
    x = L.Embedding(20, 3)(vectorizer(length)(text))
    y = L.Dense(1, "sigmoid")(L.GlobalAveragePooling1D()(x))
    return compiled(models.Model(text, y))


def compiled(model):
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model


def mixed():
    """Texts, categories and numbers; texts are crossed with categories."""
    text = L.Input((1,), dtype="string", name="text")
    kind = L.Input((1,), dtype="int64", name="kind")
    number = L.Input((2,), name="number")
    word = L.StringLookup(vocabulary=["bird", "a dog"], output_mode="one_hot", name="word")(text)
    crossed = L.HashedCrossing(5, output_mode="one_hot", name="crossed")([text, kind])
    merged = L.Concatenate()([word, crossed, number, ops.cast(kind, "float32")])
    return compiled(models.Model([text, kind, number], L.Dense(1, "sigmoid")(merged)))


MIXED = {"text": TEXTS[:, 0], "kind": np.arange(12) % 3, "number": NUMBERS}


def on_data(model, ids):
    """What the layers behind the vectorizer make of ids."""
    x = ops.convert_to_tensor(ids)
    for layer in model.layers[2:]:
        x = layer(x)
    return np.asarray(x)


def close(actual, desired):
    np.testing.assert_allclose(actual, desired, 1e-5, 1e-6)


# --- calls and predictions ---------------------------------------------------------------

GIVEN = {
    "array": TEXTS,
    "objects": TEXTS.astype(object),
    "bytes": np.char.encode(TEXTS),
    "lists": TEXTS.tolist(),
    "vector": TEXTS[:, 0],
    "list": TEXTS[:, 0].tolist(),
    "dict": {"text": TEXTS},
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_texts_are_taken_in_all_forms(given, engine):
    model = classifier()
    expected = on_data(model, model.layers[1](TEXTS))
    close(model.predict(given, verbose=0), expected)
    close(model.predict_on_batch(given), expected)
    close(model(given), expected)


def test_training_is_that_on_ids(engine):
    model = classifier()
    twin = compiled(models.Sequential([L.Input((4,), dtype="int32"), *model.layers[2:]]))
    twin = models.clone_model(twin)
    twin.set_weights(model.get_weights())
    compiled(twin)
    ids = np.asarray(model.layers[1](TEXTS))
    for fitted, x in ((model, TEXTS), (twin, ids)):
        fitted.fit(x, CLASSES, 5, epochs=3, verbose=0, shuffle=False, validation_split=0.25)
    close(model.get_weights()[0], twin.get_weights()[0])
    assert model.history.history["val_loss"] == pytest.approx(twin.history.history["val_loss"])
    assert model.evaluate(TEXTS, CLASSES, verbose=0) == pytest.approx(
        twin.evaluate(ids, CLASSES, verbose=0)
    )
    assert model.train_on_batch(TEXTS, CLASSES) == pytest.approx(twin.train_on_batch(ids, CLASSES))


def test_texts_are_padded_batch_by_batch():
    model = classifier(length=None)
    expected = [on_data(model, model.layers[1](TEXTS[i : i + 2])) for i in range(0, 12, 2)]
    close(model.predict(TEXTS, 2, verbose=0), np.concatenate(expected))
    history = model.fit(TEXTS, CLASSES, 2, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


class Batches(kerasish.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        return TEXTS[rows], CLASSES[rows]


def test_sources_of_batches(engine):
    model = classifier()
    expected = model.evaluate(TEXTS, CLASSES, 4, verbose=0)
    dataset = Batches()
    assert model.evaluate(dataset, verbose=0) == pytest.approx(expected)
    assert model.evaluate((dataset[i] for i in range(3)), verbose=0) == pytest.approx(expected)
    close(model.predict(dataset, verbose=0), model.predict(TEXTS, verbose=0))
    assert len(model.fit(dataset, epochs=2, verbose=0).history["loss"]) == 2


def test_tensorflow_strings():
    tf = pytest.importorskip("tensorflow")
    model = classifier()
    expected = model.predict(TEXTS, verbose=0)
    close(model.predict(tf.constant(TEXTS), verbose=0), expected)
    close(model(tf.constant(TEXTS)), expected)
    dataset = tf.data.Dataset.from_tensor_slices((TEXTS, CLASSES)).batch(4)
    close(model.predict(dataset, verbose=0), expected)
    assert model.evaluate(dataset, verbose=0) == pytest.approx(
        model.evaluate(TEXTS, CLASSES, 4, verbose=0)
    )


def test_eager_steps_and_generators_of_dicts():
    model = mixed()
    model.compile("sgd", "mse", run_eagerly=True)
    loss = model.evaluate(MIXED, CLASSES, verbose=0)
    model.compile("sgd", "mse")
    assert model.evaluate(((MIXED, CLASSES) for _ in range(1)), verbose=0) == pytest.approx(loss)


# --- several inputs ----------------------------------------------------------------------


def test_strings_beside_numbers(engine):
    model = mixed()
    expected = model.predict(MIXED, verbose=0)
    close(model(MIXED), expected)
    close(model.predict([MIXED[name] for name in model.input_names], verbose=0), expected)
    first = model.fit(MIXED, CLASSES, epochs=3, verbose=0).history["loss"]
    assert first[-1] < first[0]
    kernel, bias = model.get_weights()
    kind = MIXED["kind"][:, None]
    words, crossed = (model.get_layer(name) for name in ("word", "crossed"))
    x = np.concatenate([words(TEXTS), crossed([TEXTS, kind]), NUMBERS, kind], axis=1)
    close(model.predict(MIXED, verbose=0), 1 / (1 + np.exp(-(x @ kernel + bias))))


def test_dicts_of_inputs_have_keys_of_their_own():
    text, number = L.Input((1,), dtype="string"), L.Input((None,))
    word = ops.cast(L.StringLookup(vocabulary=["bird"])(text), "float32")
    total = ops.sum(number, axis=-1, keepdims=True)
    model = models.Model({"t": text, "n": number}, word + total)
    for size in (2, 3, 4):
        found = model.predict({"n": np.ones((2, size)), "t": ["bird", "a"]}, verbose=0)
        assert found.tolist() == [[size + 1], [size]]


def test_whole_numbers_reach_the_host_as_they_are():
    number = L.Input((1,), dtype="int64")
    model = models.Model(number, L.Hashing(1000)(number))
    large = np.array([[2**40 + 1], [2**40 + 2]])
    np.testing.assert_array_equal(model.predict(large, verbose=0), L.Hashing(1000)(large))


# --- models of models --------------------------------------------------------------------


def preparing():
    text = L.Input((1,), dtype="string")
    return models.Model(text, vectorizer()(text), name="preparing")


def wrapped_by_sequential(model):
    return models.Sequential([L.Input((1,), dtype="string"), model])


def behind_a_preparing_model(model):
    text = L.Input((1,), dtype="string")
    x = preparing()(text)
    for layer in model.layers[2:]:
        x = layer(x)
    return models.Model(text, x)


def numeric_model_wrapped(model):
    ids = L.Input((4,), dtype="int32")
    x = ids
    for layer in model.layers[2:]:
        x = layer(x)
    trained = models.Model(ids, x)
    return models.Sequential([L.Input((1,), dtype="string"), vectorizer(), trained])


def sequential(model):
    return models.Sequential(model.layers)


def twice_wrapped(model):
    return wrapped_by_sequential(behind_a_preparing_model(model))


def without_an_input(model):
    return models.Sequential(model.layers[1:])


def in_a_pipeline(model):
    layer = L.Pipeline([vectorizer()])
    return models.Sequential([L.Input((1,), dtype="string"), layer, *model.layers[2:]])


ARRANGED = [
    sequential,
    wrapped_by_sequential,
    behind_a_preparing_model,
    numeric_model_wrapped,
    twice_wrapped,
    without_an_input,
    in_a_pipeline,
]


@pytest.mark.parametrize("arrange", ARRANGED)
def test_models_of_models_are_saved_and_cloned(arrange, tmp_path):
    model = classifier()
    expected = model.predict(TEXTS, verbose=0)
    other = arrange(model)
    close(other(TEXTS), expected)
    close(other.predict(TEXTS, verbose=0), expected)
    other.save(tmp_path / "model.keras")
    read = models.load_model(tmp_path / "model.keras")
    twin = models.clone_model(other)
    twin.set_weights(other.get_weights())
    for again in (read, twin, copy.deepcopy(other)):
        close(again.predict(TEXTS.tolist(), verbose=0), expected)
    lines = []
    other.summary(print_fn=lines.append)
    assert "(None, 1)" in "\n".join(lines)
    compiled(other).fit(TEXTS, CLASSES, verbose=0)
    assert np.abs(other.predict(TEXTS, verbose=0) - expected).max() > 0


def test_a_model_within_takes_numbers_of_the_engine_too():
    inner = mixed()
    text, kind = L.Input((1,), dtype="string"), L.Input((1,), dtype="int64")
    number = L.Input((3,))
    dense = L.Dense(2)
    outer = models.Model([text, kind, number], inner([text, kind, dense(number)]))
    numbers = np.ones((12, 3), "float32")
    given = [MIXED["text"], MIXED["kind"], numbers]
    expected = inner.predict([*given[:2], np.asarray(dense(numbers))], verbose=0)
    close(outer.predict(given, verbose=0), expected)


def test_adapted_after_the_model_was_made():
    layer = L.TextVectorization(output_sequence_length=2)
    text = L.Input((1,), dtype="string")
    model = models.Model(text, layer(text))
    layer.adapt(["b", "b", "a"])
    np.testing.assert_array_equal(model.predict([["b a"]], verbose=0), [[2, 3]])


# --- strings as outputs ------------------------------------------------------------------

NAMES = ["bird", "cat", "dog"]


def naming():
    """Numbers to the name of a class, and the probabilities."""
    number = L.Input((2,))
    scores = L.Dense(4, "softmax")(number)
    name = L.StringLookup(vocabulary=NAMES, invert=True)(ops.argmax(scores, -1))
    return models.Model(number, {"name": name, "scores": scores}, name="naming")


def test_names_of_classes_as_outputs(engine, tmp_path):
    model = naming()
    scores = np.asarray(model.layers[1](NUMBERS))
    expected = [["[UNK]", *NAMES][i] for i in scores.argmax(-1)]
    model.save(tmp_path / "model.keras")
    for other in (model, models.load_model(tmp_path / "model.keras"), copy.deepcopy(model)):
        batches = other.predict(NUMBERS, 5, verbose=0)
        for found in (batches, other.predict_on_batch(NUMBERS), other(NUMBERS)):
            assert found["name"].tolist() == expected
            close(found["scores"], scores)


def test_texts_to_names():
    ids = L.StringLookup(vocabulary=NAMES)
    back = L.StringLookup(vocabulary=NAMES, invert=True)
    double = L.Lambda(lambda x: 2 * x)
    for model in (
        models.Sequential([L.Input((1,), dtype="string"), ids, double, back]),
        models.Sequential([ids, double, back]),
    ):
        found = model.predict([["bird"], ["cow"]], verbose=0)
        assert found.tolist() == [["cat"], ["[UNK]"]]
    text = L.Input((1,), dtype="string")
    assert models.Model(text, back(ids(text)))([["dog"], ["x"]]).tolist() == [["dog"], ["[UNK]"]]


# --- what cannot be ----------------------------------------------------------------------


def of_engine():
    x = L.Dense(1)(L.Input((1,)))
    return L.Hashing(3, name="h")(x)


def strings_only():
    text = L.Input((1,), dtype="string", name="text")
    ids = L.StringLookup(vocabulary=["a"])(text)
    models.Model(text, [ids, text]).predict([["a"]], verbose=0)


def strings_within():
    model = naming()
    model(L.Input((2,)))


def joined_strings():
    text = L.Input((1,), dtype="string", name="text")
    word = ops.reshape(text, (-1,))
    models.Model(text, L.StringLookup(vocabulary=["a"])(word))


MISTAKES = [
    (of_engine, TypeError, "Layer h .Hashing. runs on the host, .* computed by the engine"),
    (strings_only, TypeError, "text holds strings, which engines have not"),
    (strings_within, TypeError, "Model naming has outputs of strings, so it cannot be a part"),
    (joined_strings, TypeError, "runs on the host, before the engine"),
    (
        lambda: L.Flatten(name="f")(L.Input((1,), dtype="string", name="text")),
        TypeError,
        "Layer f .Flatten. takes numbers, but got the strings text",
    ),
    (
        lambda: classifier().predict(np.ones((2, 1)), verbose=0),
        TypeError,
        "input text takes strings, but got .* float64",
    ),
    (
        lambda: classifier().predict(np.array([["a", "b"]]), verbose=0),
        ValueError,
        r"input text must have shape \(None, 1\), but got \(1, 2\)",
    ),
    (
        lambda: mixed().predict({**MIXED, "number": TEXTS}, verbose=0),
        TypeError,
        "input number takes numbers",
    ),
]


@pytest.mark.parametrize(("make", "error", "message"), MISTAKES)
def test_mistakes(make, error, message):
    with pytest.raises(error, match=message):
        make()
