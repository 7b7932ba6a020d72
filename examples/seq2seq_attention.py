"""An encoder and a decoder with attention turn dates into another form: "3 mar 2024" to 2024-03-03.

The decoder writes one character at a time. For each it looks back at what the encoder read, and
attention says where.

Source: Luong et al., 2015, arXiv:1508.04025

    python examples/seq2seq_attention.py
"""

import numpy as np

import kerasish as keras
from kerasish import layers

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
READ = " 0123456789" + "".join(sorted(set("".join(MONTHS))))
WRITTEN = "^0123456789-"  # what comes first stands for the beginning
LONGEST, LENGTH = len("31 dec 2029"), len("2029-12-31")


def numbered(texts, characters):
    return np.array([[characters.index(c) for c in text] for text in texts], "int32")


def dates(count, seed):
    """Dates as they are read, and as they are to be written."""
    rng = np.random.default_rng(seed)
    parts = rng.integers([1, 0, 1950], [29, 12, 2050], (count, 3))
    read = [f"{day} {MONTHS[month]} {year}".ljust(LONGEST) for day, month, year in parts]
    written = [f"{year}-{month + 1:02}-{day:02}" for day, month, year in parts]
    return numbered(read, READ), numbered(written, WRITTEN)


def shifted(y):
    """What the decoder has written before each character."""
    return np.concatenate([np.zeros_like(y[:, :1]), y[:, :-1]], axis=1)


def written(model, x):
    """What the model writes, character by character."""
    y = np.zeros((len(x), LENGTH), "int32")
    for i in range(LENGTH):
        y[:, i] = model.predict([x, shifted(y)], verbose=0)[:, i].argmax(-1)
    return y


def main(epochs=10, units=64):
    """Trains it; returns the share of new dates that come out right."""
    keras.utils.set_random_seed(1)
    source, target = layers.Input((LONGEST,), dtype="int32"), layers.Input((LENGTH,), dtype="int32")
    encoded = layers.Embedding(len(READ), 16)(source)
    encoded, state = layers.GRU(units, return_sequences=True, return_state=True)(encoded)
    decoded = layers.Embedding(len(WRITTEN), 16)(target)
    decoded = layers.GRU(units, return_sequences=True)(decoded, initial_state=state)
    found = layers.Attention(use_scale=True)([decoded, encoded])
    outputs = layers.Dense(len(WRITTEN), activation="softmax")(
        layers.Dense(units, activation="tanh")(layers.Concatenate()([decoded, found]))
    )
    model = keras.Model([source, target], outputs)
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    x, y = dates(6000, seed=1)
    model.fit([x, shifted(y)], y, batch_size=64, epochs=epochs, verbose=2)

    x, y = dates(200, seed=2)
    found = written(model, x)
    right = float((found == y).all(axis=1).mean())
    print("".join(READ[i] for i in x[0]), "->", "".join(WRITTEN[i] for i in found[0]))
    print(f"{right:.1%} of new dates come out right.")
    return right


if __name__ == "__main__":
    main()
