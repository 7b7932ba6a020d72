"""Attention layers give what those of Keras 3 give for equal weights and inputs."""

import numpy as np
import pytest
from cases.layers import data

from kerasish import layers, tree

keras = pytest.importorskip("keras", minversion="3")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Q, V, K = (data((2, n, 6), seed=n) for n in (4, 5, 5))
Q_MASK = np.array([[True, True, False, True], [True, False, False, False]])
V_MASK = np.array([[True, False, True, True, False], [False, True, True, True, True]])
BETWEEN = data((2, 4, 5), seed=3) > -0.5


def same(mine, theirs, tolerance=2e-5):
    for x, y in zip(tree.flatten(mine), tree.flatten(theirs), strict=True):
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), tolerance, tolerance)


def pair(make, *inputs, **kwargs):
    mine, theirs = make(layers), make(keras.layers)
    mine(*inputs, **kwargs), theirs(*inputs, **kwargs)
    weights = [0.5 * data(w.shape, i) for i, w in enumerate(mine.get_weights())]
    mine.set_weights(weights)
    theirs.set_weights(weights)
    return mine, theirs


HEADS = {
    "plain": lambda L: L.MultiHeadAttention(2, 3),
    "values": lambda L: L.MultiHeadAttention(2, 3, value_dim=4, output_shape=5, use_bias=False),
    "gate": lambda L: L.MultiHeadAttention(2, 3, use_gate=True),
    "window": lambda L: L.MultiHeadAttention(2, 3, sliding_window=2),
    "dropout": lambda L: L.MultiHeadAttention(2, 3, dropout=0.5),
    "groups": lambda L: L.GroupQueryAttention(3, 4, 2),
    "groups_gate": lambda L: L.GroupQueryAttention(3, 4, 2, use_gate=True, sliding_window=3),
}
CALLS = [
    {},
    {"key": K},
    {"value_mask": V_MASK},
    {"key_mask": V_MASK, "query_mask": Q_MASK},
    {"attention_mask": BETWEEN},
    {"attention_mask": BETWEEN[0]},
    {"use_causal_mask": True},
    {"attention_mask": BETWEEN, "value_mask": V_MASK, "return_attention_scores": True},
]


@pytest.mark.parametrize("call", CALLS, ids=lambda c: "-".join(c) or "plain")
@pytest.mark.parametrize("name", HEADS)
def test_heads(name, call):
    mine, theirs = pair(HEADS[name], Q, V)
    a, b = mine(Q, V, **call), theirs(Q, V, **call)
    if "query_mask" in call:
        # Of masked queries Keras says one thing if the mask is given, another if it is found.
        a, b = a.numpy()[Q_MASK], b.numpy()[Q_MASK]
    same(a, b)


@pytest.mark.parametrize("axes", [(2,), (1, 2), 1, None])
def test_axes_of_attention(axes):
    x = data((2, 3, 4, 5))
    mine, theirs = pair(lambda L: L.MultiHeadAttention(2, 3, attention_axes=axes), x, x)
    same(mine(x, x), theirs(x, x))
    scores = {"return_attention_scores": True}
    same(mine(x, x, **scores), theirs(x, x, **scores))


WITHOUT = {
    "dot": lambda L: L.Attention(use_scale=True),
    "concat": lambda L: L.Attention(use_scale=True, score_mode="concat"),
    "additive": lambda L: L.AdditiveAttention(),
}


@pytest.mark.parametrize("mask", [None, [Q_MASK, V_MASK], [None, V_MASK]])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", WITHOUT)
def test_without_heads(name, causal, mask):
    mine, theirs = pair(WITHOUT[name], [Q, V])
    options = {"mask": mask, "use_causal_mask": causal, "return_attention_scores": True}
    same(mine([Q, V, K], **options), theirs([Q, V, K], **options))


@pytest.mark.parametrize("make", HEADS.values(), ids=HEADS)
def test_configs_of_heads(make):
    mine = make(layers)
    theirs = keras.layers.deserialize(layers.serialize(mine))
    back = type(mine).from_config(theirs.get_config())
    assert back.get_config() == mine.get_config() | {"flash_attention": None}


def test_masks_of_embeddings_reach_the_heads():
    x = np.array([[1, 2, 0, 0], [3, 1, 2, 0]])

    def make(L):
        a, b = L.Embedding(4, 6, mask_zero=True), L.MultiHeadAttention(2, 3)
        embedded = a(x)
        return a, b, b(embedded, embedded)

    (table, heads, _), (table2, heads2, _) = make(layers), make(keras.layers)
    table.set_weights(table2.get_weights())
    heads.set_weights(heads2.get_weights())
    mine, theirs = heads(table(x), table(x)), heads2(table2(x), table2(x))
    same(mine, theirs)
    np.testing.assert_array_equal(mine.mask, x != 0)
