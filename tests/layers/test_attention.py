"""Attention layers and locally connected ones: contracts and messages. Numbers: oracle/."""

import json

import numpy as np
import pytest
from cases.layers import data

from kerasish import layers, models, ops
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients

L = layers
Q, V = data((2, 4, 6)), data((2, 5, 6), seed=1)

HEADS = [
    (L.MultiHeadAttention, {"num_heads": 2, "key_dim": 3, "value_dim": 4}),
    (L.MultiHeadAttention, {"num_heads": 2, "key_dim": 3, "dropout": 0.2, "use_gate": True}),
    (L.MultiHeadAttention, {"num_heads": 1, "key_dim": 3, "output_shape": 5}),
    (L.GroupQueryAttention, {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}),
]


@pytest.mark.parametrize(("cls", "arguments"), HEADS)
def test_heads(cls, arguments):
    layer = cls(**arguments)
    y = layer(Q, V)
    twin = L.deserialize(json.loads(json.dumps(L.serialize(layer))))
    assert twin.get_config() == layer.get_config()
    twin(Q, V)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(Q, V), y)
    q, v = L.Input((None, 6)), L.Input((5, 6))
    out = layer(q, v)
    assert out.shape == (None, None, *y.shape[2:])
    loss = ops.sum(ops.square(out))
    # A bias of the keys adds the same to all logits of a query, which the softmax takes away.
    weights = [w for w in layer.trainable_weights if w.path.split("/")[1:] != ["key", "bias"]]
    value, *grads = Function([q, v], [out, *gradients(loss, [q, v, *weights])])(Q, V)
    np.testing.assert_allclose(value, y, 1e-5, 1e-6)
    assert all(np.abs(g).sum() > 0 for g in grads)


def test_weights_are_drawn_apart():
    layer = L.MultiHeadAttention(2, 3)
    layer(Q, Q)
    assert (layer._query_dense.kernel.numpy() != layer._key_dense.kernel.numpy()).any()


def test_heads_in_a_model(tmp_path):
    x = L.Input((4,), dtype="int32")
    e = L.Embedding(9, 6, mask_zero=True)(x)
    h = L.MultiHeadAttention(2, 3, dropout=0.1)(e, e, use_causal_mask=True)
    model = models.Model(x, L.GlobalAveragePooling1D()(h))
    model.compile("adam", loss="mse")
    tokens = np.array([[1, 2, 0, 0], [3, 4, 5, 0], [1, 1, 1, 1]])
    model.fit(tokens, np.ones((3, 6)), epochs=2, verbose=0)
    expected = model.predict(tokens, verbose=0)
    model.save(tmp_path / "m.keras")
    twin = models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(twin.predict(tokens, verbose=0), expected, 1e-6)


def test_a_query_that_may_look_nowhere_finds_nothing():
    layer = L.MultiHeadAttention(2, 3)
    nothing = np.zeros((2, 4, 5), bool)
    _, scores = layer(Q, V, attention_mask=nothing, return_attention_scores=True)
    np.testing.assert_array_equal(scores, 0)


def test_only_the_mask_of_the_queries_goes_on():
    masked = L.Masking()(V * np.array([1, 0, 1, 1, 1])[:, None])
    layer = L.MultiHeadAttention(2, 3)
    assert getattr(layer(query=Q, value=masked), "mask", None) is None
    np.testing.assert_array_equal(layer(query=masked, value=Q).mask, masked.mask)
    assert layer.query_dense.kernel.shape == layer.key_dense.kernel.shape == (6, 2, 3)
    assert layer.output_dense.kernel.shape == (2, 3, 6)


@pytest.mark.parametrize(("rank", "strides"), [(1, 1), (1, 2), (2, (1, 2))])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_locally_connected_layers(rank, strides, data_format):
    """Equal kernels at all places make a convolution."""
    shape = (2, 7, 3) if rank == 1 else (2, 5, 6, 3)
    x = data(shape)
    conv = getattr(L, f"Conv{rank}D")(4, 2, strides=strides)
    expected = conv(x).numpy()
    kernel, bias = conv.get_weights()
    local = getattr(L, f"LocallyConnected{rank}D")(4, 2, strides=strides, data_format=data_format)
    if data_format == "channels_first":
        kernel = np.moveaxis(kernel, -2, 0)
        x = np.moveaxis(x, -1, 1)
    local(x)
    places = local.kernel.shape[0]
    kernels = np.broadcast_to(kernel.reshape(-1, 4), (places, kernel.size // 4, 4))
    local.set_weights([kernels, np.broadcast_to(bias, local.bias.shape)])
    y = local(x).numpy()
    y = np.moveaxis(y, 1, -1) if data_format == "channels_first" else y
    np.testing.assert_allclose(y, expected, 1e-5, 1e-5)
    twin = type(local).from_config(local.get_config())
    assert twin.get_config() == local.get_config()


MISTAKES = [
    (lambda: L.Attention(score_mode="sum"), "Attention: score_mode must be 'dot' or 'concat'"),
    (lambda: L.Attention(name="a")(Q), "Layer a .Attention. takes a list .query, value."),
    (lambda: L.Attention(name="a")([Q, V[..., :3]]), "a .* query and key must have one size"),
    (lambda: L.Attention(name="a")([Q, V], mask=np.ones((2, 5))), "a .*: mask must be a list"),
    (
        lambda: L.Attention(name="a")([Q, V], mask=[None, np.ones((2, 9))]),
        r"Layer a .*: the mask of the value must .* has \(2, 9\)",
    ),
    (
        lambda: L.MultiHeadAttention(2, 3, name="m")(Q, V, value_mask=np.ones((2, 9))),
        r"^Layer m \(MultiHeadAttention\): .* mask must broadcast",
    ),
    (lambda: L.MultiHeadAttention(0, 3), "MultiHeadAttention: num_heads must be a positive int"),
    (lambda: L.MultiHeadAttention(2, 3, dropout=1), "dropout must be a number from 0 to below 1"),
    (lambda: L.MultiHeadAttention(2, 3, attention_axes="1"), "attention_axes must be an int"),
    (lambda: L.MultiHeadAttention(2, 3, name="m")(Q[0], V[0]), "m: .* at least the axes .batch"),
    (lambda: L.MultiHeadAttention(2, 3, name="m")(Q, V[0]), "m: query, value and key must have"),
    (
        lambda: L.MultiHeadAttention(2, 3, name="m")(Q, V, attention_mask=np.ones(4)),
        r"m: attention_mask must be \(targets, sources\), .* has shape \(4,\)",
    ),
    (lambda: L.GroupQueryAttention(3, 4, 3), "num_query_heads must be a multiple of"),
    (lambda: L.EinsumDense("ab,bc", 3), "equation must name the axes"),
    (lambda: L.EinsumDense("ab,bc->ac", 3, bias_axes="x"), "'x' is not"),
    (lambda: L.EinsumDense("ab,bc->ac", (2, 3))(Q[0]), "outputs .* have 1 sizes"),
    (lambda: L.EinsumDense("ab,bc->ac", 3, name="e")(Q), "Layer e .*3 axes do not fit 'ab'"),
    (lambda: L.LocallyConnected1D(3, 2, padding="same"), "padding must be 'valid'"),
    (lambda: L.LocallyConnected1D(3, 9, name="l")(Q), "Layer l: a window of .9,. does not fit"),
    (lambda: L.Conv2DTranspose(3, 2, strides=2, output_padding=2)(data((1, 3, 3, 1))), "0 to 1"),
    (lambda: L.AdaptiveMaxPooling1D(0), "output_size must be a positive int"),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_messages(mistake, message):
    with pytest.raises((ValueError, TypeError), match=message):
        mistake()
