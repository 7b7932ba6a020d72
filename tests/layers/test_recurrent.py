"""Recurrent layers: cells of any kind, states, masks, dropout, configs. Numbers: oracle/."""

import json

import numpy as np
import pytest
from cases.layers import data

from kerasish import layers, models, ops, tree
from kerasish.config import backend_scope
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients
from kerasish.saving import custom_object_scope

L = layers
X = data((2, 5, 4))
MASK = np.array([[False, True, True, False, True], [True, True, False, False, False]])


class Sums(L.Layer):
    """A user's cell: two states, one of them a matrix; the output is neither."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, (2, units)]
        self.output_size = units + 1

    def build(self, input_shape):
        if isinstance(input_shape, list):  # with the shapes of constants, as in Keras 2
            input_shape, *self.shapes_of_constants = input_shape
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))

    def call(self, inputs, states, constants=None):
        total, rows = states
        x = ops.matmul(inputs, self.kernel)
        x = x if constants is None else x + constants[0]
        total, rows = total + x, rows * 0.5 + ops.expand_dims(x, 1)
        output = ops.concatenate([total + rows[:, 0], x[:, :1]], axis=-1)
        return output, [total, rows]


class Plain:
    """A cell that isn't even a layer."""

    state_size = 4

    def call(self, inputs, states):
        new = states[0] * 0.5 + inputs
        return new, [new]


# name -> (layer, further inputs)
MAKE = {
    "sums": lambda **kw: L.RNN(Sums(), **kw),
    "plain": lambda **kw: L.RNN(Plain(), **kw),
    "stack": lambda **kw: L.RNN([L.GRUCell(2), Sums(), L.LSTMCell(3)], **kw),
    "bidirectional": lambda **kw: L.Bidirectional(L.RNN(Sums(), **kw)),
    "steps": lambda **kw: L.TimeDistributed(L.Dense(3)),
    "cudnn_gru": lambda **kw: L.CuDNNGRU(3, **kw),
    "cudnn_lstm": lambda **kw: L.CuDNNLSTM(3, **kw),
    "spectral": lambda **kw: L.SpectralNormalization(L.Conv1D(3, 2)),
    "norm": lambda **kw: L.SpectralNormalization(L.Dense(3)),
}


def close(actual, desired, tolerance=1e-5):
    for a, b in zip(tree.flatten(actual), tree.flatten(desired), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


@pytest.mark.parametrize("name", [name for name in MAKE if name != "plain"])
def test_a_config_makes_an_equal_layer(name):
    layer = MAKE[name]()
    y = layer(X)
    config = json.loads(json.dumps(L.serialize(layer)))
    with custom_object_scope({"Sums": Sums}):
        twin = L.deserialize(config)
        again = L.deserialize(config)
    assert twin.get_config() == again.get_config()
    twin(X)
    twin.set_weights(layer.get_weights())
    close(twin(X), y, 0)


@pytest.mark.parametrize("name", MAKE)
def test_shapes_and_gradients(name):
    layer = MAKE[name](dtype="float64") if name in ("sums", "plain") else MAKE[name]()
    x = L.Input((None, 4))
    y = layer(x)
    (value,) = Function([x], [y])(X)
    assert y.shape[0] is None
    assert y.shape[2:] == value.shape[2:]
    assert np.abs(value).sum() > 0
    weights = layer.trainable_weights
    loss = ops.sum(ops.square(y))
    grads = Function([x], gradients(loss, [x, *weights]))(X)
    assert all(np.abs(g).sum() > 0 for g in grads)


@pytest.mark.parametrize("masked", [False, True])
def test_a_loop_is_its_steps(masked):
    """RNN against the same cell called step by step in plain Python."""
    layer = L.RNN(Sums(), return_sequences=True, return_state=True)
    kwargs = {"mask": MASK} if masked else {}
    outputs, *states = layer(X, **kwargs)
    cell, total, rows = layer.cell, np.zeros((2, 3)), np.zeros((2, 2, 3))
    previous = np.zeros((2, 4))
    for t in range(5):
        counts = MASK[:, t] if masked else np.array([True, True])
        out, (new_total, new_rows) = cell(X[:, t], [total.astype("f4"), rows.astype("f4")])
        previous = np.where(counts[:, None], out, previous)
        total = np.where(counts[:, None], new_total, total)
        rows = np.where(counts[:, None, None], new_rows, rows)
        close(outputs[:, t], previous)
    close(states, [total, rows])


WAYS = [
    {},
    {"return_sequences": True, "return_state": True},
    {"return_sequences": True, "go_backwards": True, "zero_output_for_mask": True},
]


@pytest.mark.parametrize("options", WAYS, ids=lambda o: "-".join(o) or "plain")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", ["sums", "plain", "stack", "bidirectional"])
def test_steps_written_out_are_the_loop(name, masked, options):
    loop, unrolled = (MAKE[name](unroll=unroll, **options) for unroll in (False, True))
    kwargs = {"mask": MASK} if masked else {}
    expected = loop(X, **kwargs)
    unrolled(X)
    unrolled.set_weights(loop.get_weights())
    close(unrolled(X, **kwargs), expected)


def test_cells_called_by_themselves():
    for cell, count in ((L.SimpleRNNCell(3), 1), (L.GRUCell(3), 1), (L.LSTMCell(3), 2)):
        states = cell.get_initial_state(batch_size=2)
        assert len(states) == count
        output, after = cell(X[:, 0], states)
        close(output, after[0])
        close(L.RNN(cell)(X[:, :1]), output)
    output, after = L.GRUCell(3)(X[:, 0], np.zeros((2, 3), "f4"))
    assert after.shape == (2, 3)


def test_constants_reach_each_step():
    constant = np.ones((2, 3), "f4")
    layer = L.RNN(Sums())
    plain, shifted = layer(X), layer(X, constants=[constant])
    close((shifted - plain)[:, :3], 5 + sum(0.5**i for i in range(5)))
    # Keras 2 has them behind the inputs and the states.
    states = [np.zeros((2, 3), "f4"), np.zeros((2, 2, 3), "f4")]
    close(layer([X, *states, constant]), shifted)
    x, c = L.Input((5, 4)), L.Input((3,))
    model = models.Model([x, c], layer(x, constants=c))
    close(model.predict([X, constant], verbose=0), shifted)
    with custom_object_scope({"Sums": Sums}):
        twin = models.Model.from_config(json.loads(json.dumps(model.get_config())))
    twin.set_weights(model.get_weights())
    close(twin.predict([X, constant], verbose=0), shifted)


class Louder(L.LSTMCell):
    """A cell of the library whose call, and start, a user has written anew."""

    def call(self, inputs, states, training=None):
        output, after = super().call(inputs, states, training=training)
        return output * 2, after

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        return [ops.ones((batch_size, self.units), dtype=dtype) for _ in range(2)]


@pytest.mark.parametrize("mask", [None, MASK])
@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"unroll": True}])
def test_subclasses_of_cells_compute_what_they_say(options, mask):
    louder, plain = L.RNN(Louder(3), **options), L.RNN(L.LSTMCell(3), **options)
    ones = [np.ones((2, 3), "f4")] * 2
    found = louder(X, mask=mask)
    plain(X)
    plain.set_weights(louder.get_weights())
    close(found, 2 * np.asarray(plain(X, mask=mask, initial_state=ones)))
    stacked = L.RNN([Louder(3), L.GRUCell(2)])
    assert stacked(X, mask=mask).shape == (2, 2)


class Both(L.Layer):
    """A cell with two outputs, one of them a matrix."""

    state_size = 4

    def call(self, inputs, states):
        new = states[0] + inputs
        return (new[:, :2], {"rows": ops.expand_dims(new, 1)}), [new]


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("mask", [None, MASK])
def test_cells_with_several_outputs(mask, unroll):
    new = np.cumsum(X if mask is None else X * MASK[:, :, None], axis=1)
    both, state = L.RNN(Both(), return_state=True, unroll=unroll)(X, mask=mask)
    close(both, (new[:, -1, :2], {"rows": new[:, -1:]}))
    close(state, new[:, -1])
    outputs = L.RNN(Both(), return_sequences=True, unroll=unroll)(X, mask=mask)
    if mask is not None:  # before the first step that counts there is no output
        new = new * (np.cumsum(MASK, axis=1) > 0)[:, :, None]
    close(outputs, (new[:, :, :2], {"rows": new[:, :, None]}))
    x = L.Input((5, 4))
    found = models.Model(x, L.RNN(Both(), go_backwards=True)(x)).predict(X, verbose=0)
    close(found, (X.sum(1)[:, :2], {"rows": X.sum(1)[:, None]}))


class FromOnes(L.GRU):
    """A layer, with the start of its sequences written anew as of Keras 3 ..."""

    def get_initial_state(self, batch_size):
        return [ops.ones((batch_size, self.units))]


class FromOnes2(L.GRU):
    """... and as of Keras 2."""

    def get_initial_state(self, inputs):
        return [1 + state for state in super().get_initial_state(inputs)]


@pytest.mark.parametrize("cls", [FromOnes, FromOnes2])
def test_layers_with_a_start_of_their_own(cls):
    layer = cls(3)
    found = layer(X)
    plain = L.GRU(3)
    plain(X)
    plain.set_weights(layer.get_weights())
    close(found, plain(X, initial_state=np.ones((2, 3), "f4")))
    x = L.Input((None, 4))
    close(models.Model(x, layer(x)).predict(X, verbose=0), found)


def test_states_are_reset_to_what_the_cell_starts_with():
    layer = L.RNN(Louder(3), stateful=True)
    first = layer(X).numpy()
    assert np.abs(layer(X).numpy() - first).max() > 1e-3
    layer.reset_states()
    close(layer(X), first)


@pytest.mark.parametrize("form", ["arrays", "tensors", "file"])
@pytest.mark.parametrize("wrap", [lambda x: x, L.Bidirectional])
def test_cells_are_built_for_constants(form, wrap):
    cells = [L.GRUCell(4), Sums()]  # of which the first one takes none
    layer = wrap(L.RNN(cells))
    shapes = (2, 5, 4), (2, 3)
    if form == "arrays":
        layer(X, constants=np.ones((2, 3)))
    elif form == "file":
        layer = wrap(L.RNN(cells, num_constants=1))
        layer.build([shapes[0], (2, 4), (2, 3), (2, 2, 3), shapes[1]])
    else:
        x, c = (L.Input(batch_shape=shape) for shape in shapes)
        layer(x, constants=c)
    assert getattr(layer, "layer", layer).cell.cells[1].shapes_of_constants == [(2, 3)]


def test_states_as_inputs_of_a_model():
    """An encoder whose states start a decoder."""
    a, b = L.Input((None, 4)), L.Input((None, 4))
    _, h, c = L.LSTM(3, return_state=True)(a)
    model = models.Model([a, b], L.LSTM(3, return_sequences=True)(b, initial_state=[h, c]))
    y = model.predict([X, X], verbose=0)
    twin = models.Model.from_config(json.loads(json.dumps(model.get_config())))
    twin.set_weights(model.get_weights())
    close(twin.predict([X, X], verbose=0), y)
    other = model.predict([-X, X], verbose=0)
    assert np.abs(other - y).max() > 1e-3


def test_masks_given_by_hand_stay_in_the_model():
    x, m = L.Input((5, 4)), L.Input((5,), dtype="bool")
    model = models.Model([x, m], L.GRU(3)(x, mask=m))
    one = model.predict([X, MASK], verbose=0)
    assert np.abs(one - model.predict([X, ~MASK], verbose=0)).max() > 1e-3


def test_masks_go_on():
    x = L.Masking()(X * MASK[:, :, None])
    close(L.LSTM(3, return_sequences=True)(x).mask, MASK)
    assert getattr(L.LSTM(3)(x), "mask", None) is None
    output, state = L.GRU(3, return_sequences=True, return_state=True)(x)
    close(output.mask, MASK)
    assert getattr(state, "mask", None) is None
    close(L.Bidirectional(L.GRU(3, return_sequences=True))(x).mask, MASK)
    close(L.TimeDistributed(L.Dense(3))(x).mask, MASK)


def test_names_in_both_directions():
    def names(layer):
        layer(X)
        parts = [w.path.split("/") for w in layer.weights]
        return list(dict.fromkeys(part[1] for part in parts))

    assert names(L.Bidirectional(L.GRU(2, name="x"))) == ["forward_x", "backward_x"]
    # One that is given keeps its own, as in Keras 3.
    other = L.GRU(2, go_backwards=True, name="y")
    assert names(L.Bidirectional(L.GRU(2, name="x"), backward_layer=other)) == ["forward_x", "y"]


# --- states between batches --------------------------------------------------------------


@pytest.mark.parametrize("make", [L.SimpleRNN, L.GRU, L.LSTM], ids=lambda c: c.__name__)
def test_stateful_layers_go_on_where_they_were(make):
    layer = make(3, stateful=True)
    first, second = layer(X).numpy(), layer(X[:, :2]).numpy()
    whole = make(3)
    whole(X)
    whole.set_weights(layer.get_weights())
    close(first, whole(X))
    close(second, whole(np.concatenate([X, X[:, :2]], 1)))
    layer.reset_states()
    close(layer(X), first)
    layer.reset_states([np.ones((2, 3))] * len(layer.states))
    assert np.abs(layer(X).numpy() - first).max() > 1e-3


@pytest.mark.parametrize("wrap", [lambda x: x, L.Bidirectional], ids=["alone", "both_ways"])
def test_stateful_models(wrap):
    model = models.Sequential([L.Input(batch_shape=(2, 3, 4)), wrap(L.LSTM(3, stateful=True))])
    model.compile("sgd", loss="mse")
    x = data((6, 3, 4))
    predicted = model.predict(x, batch_size=2, verbose=0)
    assert len(model.weights) == len(model.trainable_weights)
    layer = model.layers[0]
    kept = [v.numpy() for v in layer.states]
    again = model.predict(x, batch_size=2, verbose=0)
    assert np.abs(predicted - again).max() > 1e-4
    layer.reset_states()
    close(model.predict(x, batch_size=2, verbose=0), predicted)
    close([v.numpy() for v in layer.states], kept)
    model.fit(x, np.zeros_like(predicted), batch_size=2, shuffle=False, verbose=0)
    assert all(np.abs(v.numpy() - k).max() > 1e-6 for v, k in zip(layer.states, kept, strict=True))


# --- dropout -----------------------------------------------------------------------------


def test_drops_are_the_same_in_all_steps():
    layer = L.SimpleRNN(
        50, "linear", kernel_initializer="identity", recurrent_initializer="zeros", dropout=0.5,
        return_sequences=True,
    )  # fmt: skip
    x = np.ones((3, 6, 50), "f4")
    close(layer(x), x)
    y = layer(x, training=True).numpy()
    assert (y == y[:, :1]).all()
    np.testing.assert_allclose(np.unique(y), [0, 2])
    assert (y[0] != y[1]).any()
    assert (y != layer(x, training=True).numpy()).any()


@pytest.mark.parametrize("make", [L.SimpleRNN, L.GRU, L.LSTM], ids=lambda c: c.__name__)
def test_states_are_dropped_while_training(make):
    layer = make(8, recurrent_dropout=0.5, dropout=0.2)
    close(layer(X), layer(X, training=False))
    assert np.abs(layer(X, training=True).numpy() - layer(X).numpy()).max() > 1e-3
    x = L.Input((5, 4))
    y = layer(x)
    close(Function([x], [y])(X)[0], layer(X))
    train = Function([x], [y], training=True)
    assert np.abs(train(X)[0] - train(X)[0]).max() > 1e-3


# --- engines, files ----------------------------------------------------------------------


def recurrent_model():
    x = L.Input((5, 4))
    h = L.Masking()(x)
    h = L.Bidirectional(L.LSTM(3, return_sequences=True))(h)
    h = L.GRU(3, return_sequences=True, reset_after=False)(h)
    h = L.RNN([L.SimpleRNNCell(3), L.GRUCell(2)], go_backwards=True)(h)
    model = models.Model(x, L.Dense(1)(h))
    model.compile("adam", loss="mse")
    return model


def test_engines_agree(engine):
    if not engine.lowers("scan"):
        pytest.skip(f"{engine.name} has no loops")
    model = recurrent_model()
    x, y = data((8, 5, 4)), data((8, 1), seed=1)
    x[:, 3:] = 0
    first = model.get_weights()
    results = []
    for name in ("numpy", engine.name):
        with backend_scope(name):
            model.set_weights(first)
            model.compile("adam", loss="mse")
            model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
            results.append([*model.get_weights(), model.predict(x, verbose=0)])
    close(results[0], results[1], 1e-4)


def test_files(tmp_path):
    model = recurrent_model()
    expected = model.predict(X, verbose=0)
    model.save(tmp_path / "model.keras")
    close(models.load_model(tmp_path / "model.keras").predict(X, verbose=0), expected)


# --- messages ----------------------------------------------------------------------------

MISTAKES = [
    (lambda: L.RNN(3), r"RNN takes cells: .* has no `call`"),
    (lambda: L.LSTM(0), "LSTMCell: units must be a positive int, but got 0"),
    (lambda: L.LSTM(3, name="l")(X[0]), r"Layer l expects .* \(batch, steps, features\), but got"),
    (lambda: L.LSTM(3, name="l")(X, initial_state=[X[:, 0, :3]]), "l: its cell has 2 state.s."),
    (
        lambda: L.LSTM(3, name="l")(X, initial_state=[X[:, 0], X[:, 0, :3]]),
        r"state\(s\) of shape \(2, 3\), \(2, 3\), but .* has 2 of shape \(2, 4\), \(2, 3\)",
    ),
    (lambda: L.GRU(3, stateful=True, name="g")(L.Input((5, 4))), "g is stateful, so it needs a"),
    (lambda: L.GRU(3, name="g").reset_states(), "g has no states to reset since it is not"),
    (lambda: L.GRU(3, recurrent_dropout=2.0), "GRUCell: recurrent_dropout must be a number"),
    (lambda: L.Bidirectional(L.Dense(3)), "Bidirectional takes a recurrent layer such as LSTM"),
    (lambda: L.Bidirectional(L.GRU(3), merge_mode="max"), "Bidirectional: merge_mode must be"),
    (
        lambda: L.Bidirectional(L.GRU(3), backward_layer=L.GRU(3)),
        "backward_layer must be a recurrent layer that runs in the other direction",
    ),
    (lambda: L.TimeDistributed(L.Dense(3), name="t")(X[0]), "Layer t .TimeDistributed. expects"),
    (lambda: L.TimeDistributed(3), "TimeDistributed takes a Layer, but got 3"),
    (lambda: L.SpectralNormalization(L.Flatten(), name="s")(X), "Layer s .* has no weight called"),
    (lambda: L.GRU(3, name="g")(X, constants=[X]), "Cell gru_cell .GRUCell. takes no constants"),
    (lambda: L.GRU(3, name="g")(X, mask=MASK[:, 1:]), r"g: .* \(2, 5, 4\), but its .* \(2, 4\)"),
    (lambda: L.GRU(3, name="g")(X, mask=MASK[0]), "g: the mask must begin with the axes"),
    (lambda: L.CuDNNGRU(3, *["zeros"] * 14), "CuDNNGRU takes at most 13 positional arguments"),
    (lambda: L.ConvLSTM2D(3, 2, name="c")(X), "must have 2 spatial axes and a known number"),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_messages(mistake, message):
    with pytest.raises((ValueError, TypeError), match=message):
        mistake()


def test_older_names():
    layer = L.LSTM(output_dim=3, inner_activation="hard_sigmoid", dropout_U=0.1, implementation=1)
    config = layer.get_config()
    assert config["recurrent_activation"] == "hard_sigmoid"
    assert config["recurrent_dropout"] == 0.1
    assert layer.units == 3
    assert L.GRU(3).reset_after
    config = L.CuDNNLSTM(3, "ones", "ones", "ones", False, "l2").get_config()
    assert config["unit_forget_bias"] is False
    assert config["kernel_regularizer"] is not None


def test_a_mask_of_places():
    """As `Masking` makes one of images: each place of the states goes on, or stays."""
    x = data((1, 4, 3, 3, 2))
    mask = np.ones((1, 4, 3, 3), bool)
    mask[:, 2] = False
    layer = L.ConvLSTM2D(2, 1, padding="same")
    close(layer(x, mask=mask), layer(x, mask=mask[..., 0, 0]))
    mask[:, 2, 0] = True
    found = np.asarray(layer(x, mask=mask))
    close(found[:, 0], np.asarray(layer(x))[:, 0])
    close(found[:, 1:], np.asarray(layer(x, mask=mask[..., 1, 1]))[:, 1:])


def test_images_in_time_with_channels_first():
    x = data((2, 3, 4, 5, 2))
    last = L.ConvLSTM2D(3, 2, return_sequences=True)
    first = L.ConvLSTM2D(3, 2, return_sequences=True, data_format="channels_first")
    y = last(x).numpy()
    first(np.moveaxis(x, -1, 2))
    first.set_weights(last.get_weights())
    close(np.moveaxis(first(np.moveaxis(x, -1, 2)).numpy(), 2, -1), y)
    of_cell = L.ConvRNN2D(L.ConvLSTM2DCell(3, 2), return_sequences=True)
    of_cell = L.ConvRNN2D.from_config(of_cell.get_config())
    of_cell(x)
    of_cell.set_weights(last.get_weights())
    close(of_cell(x).numpy(), y)
    dropped = L.ConvLSTM2D(3, 2, dropout=0.3, recurrent_dropout=0.3, stateful=True)
    dropped(x, training=True)
    dropped.reset_states()
    assert dropped.states[0].shape == (2, 3, 4, 3)
