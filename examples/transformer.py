"""A Transformer learns to sort.

Each place of the answer looks at all places of the question, several times over.

Source: Vaswani et al., 2017, arXiv:1706.03762

    python examples/transformer.py
"""

import numpy as np

import kerasish as keras
from kerasish import layers, ops

LENGTH = 8
SYMBOLS = 10


class Block(layers.Layer):
    """Attention, then two dense layers at each place; both add to what is there.

    Args:
        heads: how many things each place may look for at once.
        width: of the dense layer within.
    """

    def __init__(self, heads, width, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.width = heads, width

    def build(self, shape):
        features = shape[-1]
        self.attention = layers.MultiHeadAttention(self.heads, features // self.heads)
        self.inner = layers.Dense(self.width, activation="gelu")
        self.outer = layers.Dense(features)
        self.norms = [layers.LayerNormalization(), layers.LayerNormalization()]

    def call(self, x):
        y = self.norms[0](x)
        x = x + self.attention(y, y)
        return x + self.outer(self.inner(self.norms[1](x)))


class Embedded(layers.Layer):
    """A vector for each symbol, and one for each place, added."""

    def __init__(self, symbols, features, **kwargs):
        super().__init__(**kwargs)
        self.symbols, self.features = symbols, features
        self.symbol = layers.Embedding(symbols, features)

    def build(self, shape):
        self.place = self.add_weight(shape=(shape[1], self.features), name="place")

    def call(self, x):
        return self.symbol(x) + ops.expand_dims(self.place, 0)


def questions(count, seed):
    x = np.random.default_rng(seed).integers(0, SYMBOLS, (count, LENGTH)).astype("int32")
    return x, np.sort(x, axis=1)


def main(epochs=8, features=32):
    """Trains it; returns the share of new sequences that it sorts without a mistake."""
    keras.utils.set_random_seed(1)
    inputs = layers.Input((LENGTH,), dtype="int32")
    x = Embedded(SYMBOLS, features)(inputs)
    for _ in range(2):
        x = Block(4, 4 * features)(x)
    outputs = layers.Dense(SYMBOLS)(layers.LayerNormalization()(x))
    model = keras.Model(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), loss)
    model.fit(*questions(6000, seed=1), batch_size=64, epochs=epochs, verbose=2)

    x, y = questions(500, seed=2)
    right = float((model.predict(x, verbose=0).argmax(-1) == y).all(axis=1).mean())
    print(f"{right:.1%} of new sequences come out sorted.")
    return right


if __name__ == "__main__":
    main()
