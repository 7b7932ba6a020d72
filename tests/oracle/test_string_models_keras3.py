"""Models that begin with strings predict what those of Keras 3 predict, and files go both ways."""

import numpy as np
import pytest

import kerasish

keras = pytest.importorskip("keras", minversion="3")
tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TEXTS = np.array([["a b c"], ["b a"], ["c c c d"], ["d"], ["A, b!"], ["e"]])
KINDS = np.array([[0], [1], [2], [3], [2**40], [0]])
NUMBERS = np.linspace(-1, 1, 12, dtype="float32").reshape(6, 2)


def model_of(library, length, cast):
    layers = library.layers
    text = library.Input((1,), dtype="string", name="text")
    kind = library.Input((1,), dtype="int64", name="kind")
    number = library.Input((2,), name="number")
    vectorize = layers.TextVectorization(output_sequence_length=length)
    vectorize.adapt(TEXTS)
    words = layers.GlobalAveragePooling1D()(layers.Embedding(10, 3)(vectorize(text)))
    categories = [
        layers.StringLookup(vocabulary=["d", "b a"], output_mode="multi_hot")(text),
        layers.Hashing(7, output_mode="one_hot")(kind),
        layers.HashedCrossing(5, output_mode="one_hot")([text, kind]),
    ]
    x = layers.Concatenate()([words, *map(cast, categories), number])
    return library.Model([text, kind, number], layers.Dense(1, activation="sigmoid")(x))


@pytest.mark.parametrize("length", [5, None])
def test_predictions_and_files(length, tmp_path):
    theirs = model_of(keras, length, lambda x: keras.ops.cast(x, "float32"))
    ours = model_of(kerasish, length, lambda x: x)
    ours.set_weights(theirs.get_weights())
    data = {"text": TEXTS, "kind": KINDS, "number": NUMBERS}
    batches = tf.data.Dataset.from_tensor_slices((data,)).batch(2)
    expected = theirs.predict(batches, verbose=0)

    def close(found):
        np.testing.assert_allclose(found, expected, 1e-5, 1e-6)

    close(ours.predict(data, batch_size=2, verbose=0))
    close(ours.predict(batches, verbose=0))
    theirs.save(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    read = kerasish.models.load_model(tmp_path / "theirs.keras")
    close(read.predict(data, batch_size=2, verbose=0))
    close(keras.models.load_model(tmp_path / "ours.keras").predict(batches, verbose=0))
