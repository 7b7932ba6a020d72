"""Recurrent layers give what those of Keras 3 give for equal weights and inputs."""

import numpy as np
import pytest
from cases.layers import data

from kerasish import layers, models, tree

keras = pytest.importorskip("keras", minversion="3")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = data((2, 5, 4))
MASK = np.array([[False, True, True, False, True], [True, True, False, False, False]])
STATES = [data((2, 3), seed=i) for i in range(4)]


def same(mine, theirs, tolerance=2e-5):
    """Equal structures of equal numbers (a list here may be a tuple there)."""
    a, b = tree.flatten(mine), tree.flatten(theirs)
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), tolerance, tolerance)


def pair(make):
    """A layer made of ours and one of Keras's, with equal weights."""
    mine, theirs = make(layers), make(keras.layers)
    mine(X), theirs(X)
    weights = [0.5 * data(w.shape, i) for i, w in enumerate(mine.get_weights())]
    mine.set_weights(weights)
    theirs.set_weights(weights)
    return mine, theirs


MAKE = {
    "simple": lambda L, **kw: L.SimpleRNN(3, **kw),
    "gru": lambda L, **kw: L.GRU(3, **kw),
    "gru_before": lambda L, **kw: L.GRU(3, reset_after=False, **kw),
    "lstm": lambda L, **kw: L.LSTM(3, **kw),
    "rnn": lambda L, **kw: L.RNN(L.LSTMCell(3), **kw),
    "stack": lambda L, **kw: L.RNN([L.LSTMCell(3), L.GRUCell(3), L.SimpleRNNCell(3)], **kw),
}
OPTIONS = [
    {"return_sequences": True, "return_state": True},
    {"return_state": True, "go_backwards": True},
    {"return_sequences": True, "zero_output_for_mask": True},
    {"return_sequences": True, "unroll": True, "go_backwards": True},
    {},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "plain")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", MAKE)
def test_options(name, options, masked):
    mine, theirs = pair(lambda L: MAKE[name](L, **options))
    x = data((2, 5, 4), seed=7)
    kwargs = {"mask": MASK} if masked else {}
    same(mine(x, **kwargs), theirs(x, **kwargs))


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize(
    "options",
    [
        {"return_sequences": True, "return_state": True},
        {"return_state": True, "zero_output_for_mask": True},
        {"return_sequences": True, "zero_output_for_mask": True, "go_backwards": True},
    ],
    ids="-".join,
)
def test_steps_written_out_with_a_mask(name, options):
    """As Keras's loop has it: its own unrolled steps differ from its loop where a mask is."""
    mine, theirs = pair(lambda L: MAKE[name](L, unroll=L is layers, **options))
    same(mine(X, mask=MASK), theirs(X, mask=MASK))


@pytest.mark.parametrize("name", ["gru", "lstm", "simple"])
@pytest.mark.parametrize("masked", [False, True])
def test_initial_states(name, masked):
    mine, theirs = pair(lambda L: MAKE[name](L, return_sequences=True, return_state=True))
    states = STATES[: 2 if name == "lstm" else 1]
    kwargs = {"mask": MASK} if masked else {}
    expected = theirs(X, initial_state=states, **kwargs)
    same(mine(X, initial_state=states, **kwargs), expected)
    same(mine([X, *states], **kwargs), expected)  # as in Keras 2


@pytest.mark.parametrize("name", ["gru", "lstm", "simple"])  # Keras can't reset a stack's
def test_states_kept_between_batches(name):
    mine, theirs = pair(lambda L: MAKE[name](L, stateful=True))
    for layer in (mine, theirs):
        layer.reset_state()
    for seed in (1, 2):
        x = data((2, 5, 4), seed=seed)
        same(mine(x), theirs(x))
    same([v.numpy() for v in mine.states], keras.tree.flatten(theirs.states))


MERGES = ["concat", "sum", "mul", "ave", None]


@pytest.mark.parametrize("merge_mode", MERGES)
@pytest.mark.parametrize(
    "options",
    [{}, {"return_sequences": True}, {"return_sequences": True, "return_state": True}],
    ids=lambda o: "-".join(o) or "plain",
)
def test_both_directions(merge_mode, options):
    def make(L):
        return L.Bidirectional(L.LSTM(3, **options), merge_mode=merge_mode)

    mine, theirs = pair(make)
    same(mine(X, mask=MASK), theirs(X, mask=MASK))
    same(mine(X, initial_state=STATES), theirs(X, initial_state=STATES))


def test_time_distributed():
    mine, theirs = pair(lambda L: L.TimeDistributed(L.Dense(3, activation="tanh")))
    same(mine(X), theirs(X))
    x = data((2, 3, 5, 4))

    def make(L):
        layer = L.TimeDistributed(L.GRU(3))
        layer(x)
        return layer

    mine, theirs = make(layers), make(keras.layers)
    mine.set_weights(theirs.get_weights())
    same(mine(x), theirs(x))


def test_spectral_normalization():
    mine, theirs = pair(lambda L: L.SpectralNormalization(L.Dense(3), power_iterations=2))
    same(mine(X), theirs(X))
    same(mine(X, training=True), theirs(X, training=True))
    same(mine.get_weights(), theirs.get_weights())


def test_reversible_embedding():
    x = np.array([[1, 0, 2], [3, 3, 0]])
    for options in ({}, {"tie_weights": False, "logit_soft_cap": 2.0}):
        mine = layers.ReversibleEmbedding(4, 3, **options)
        theirs = keras.layers.ReversibleEmbedding(4, 3, **options)
        mine(x), theirs(x)
        mine.set_weights(theirs.get_weights())
        same(mine(x), theirs(x))
        same(mine(mine(x), reverse=True), theirs(theirs(x), reverse=True))


def text_model(L, M):
    x = L.Input((6,), dtype="int32", name="x")
    h = L.Embedding(9, 4, mask_zero=True, name="embedding")(x)
    h = L.Bidirectional(L.LSTM(3, return_sequences=True, name="inner"), name="both")(h)
    h, state = L.GRU(3, return_sequences=True, return_state=True, name="gru")(h)
    cells = [L.LSTMCell(2, name="first"), L.SimpleRNNCell(2, name="second")]
    cells = L.StackedRNNCells(cells, name="cells")
    h = L.RNN(cells, name="stack")(L.TimeDistributed(L.Dense(3, name="d"), name="steps")(h))
    return M.Model(x, L.Concatenate(name="joined")([h, state]), name="text")


@pytest.mark.parametrize("read", ["theirs", "built"])
def test_a_model_with_masks_and_its_config(read):
    theirs = text_model(keras.layers, keras)
    mine = text_model(layers, models)
    if read == "theirs":
        mine = models.Model.from_config(theirs.get_config())
    x = np.array([[1, 2, 0, 3, 0, 0], [4, 5, 6, 7, 8, 1]])
    mine.set_weights(theirs.get_weights())
    same(mine(x), theirs(x))
    same(mine.predict(x, verbose=0), theirs(x))
    assert [v.path for v in mine.weights] == [v.path for v in theirs.weights]
    again = keras.Model.from_config(mine.get_config())
    again.set_weights(mine.get_weights())
    same(mine(x), again(x))


def test_a_training_step_changes_weights_alike():
    x, y = data((8, 5, 4)), data((8, 3), seed=1)
    results = []
    for library, L in ((models, layers), (keras, keras.layers)):
        model = library.Sequential(
            [L.Input((5, 4)), L.Masking(), L.LSTM(4, return_sequences=True), L.GRU(3)]
        )
        model.compile("sgd", loss="mse")
        weights = [0.3 * data(w.shape, i) for i, w in enumerate(model.get_weights())]
        model.set_weights(weights)
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        results.append(model.get_weights())
    same(results[0], results[1])
