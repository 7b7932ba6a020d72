"""Says in words what is to be seen in a picture: "a large cross at the top left".

A convolutional network looks at the picture, and what it saw is where a recurrent one starts from,
which writes word by word.

Source: Vinyals et al., 2014, arXiv:1411.4555

    python examples/captioning.py
"""

import numpy as np

import kerasish as keras
from kerasish import layers

SIZE = 14
SIZES, SHAPES = ["small", "large"], ["square", "cross", "ring"]
ROWS, COLUMNS = ["top", "bottom"], ["left", "right"]
WORDS = ["<begin>", "a", "at", "the", *SIZES, *SHAPES, *ROWS, *COLUMNS]
LENGTH = 7


def drawn(size, shape, row, column, rng):
    """A noisy picture of a shape."""
    radius = 2 + size
    rows, columns = np.mgrid[:SIZE, :SIZE]
    down = np.abs(rows - 3 - 6 * row - rng.integers(0, 2))
    right = np.abs(columns - 3 - 6 * column - rng.integers(0, 2))
    inside = np.maximum(down, right) <= radius
    if SHAPES[shape] == "cross":
        inside &= np.minimum(down, right) == 0
    if SHAPES[shape] == "ring":
        inside &= np.maximum(down, right) == radius
    return inside + rng.normal(0, 0.1, inside.shape)


def captioned(count, seed):
    """Pictures and their captions, as numbers of words."""
    rng = np.random.default_rng(seed)
    what = np.stack([rng.integers(0, n, count) for n in (2, 3, 2, 2)], axis=1)
    x = np.stack([drawn(*features, rng) for features in what])[..., None].astype("float32")
    said = [f"a {SIZES[a]} {SHAPES[b]} at the {ROWS[c]} {COLUMNS[d]}" for a, b, c, d in what]
    return x, np.array([[WORDS.index(word) for word in text.split()] for text in said], "int32")


def shifted(y):
    """The words before each word."""
    return np.concatenate([np.zeros_like(y[:, :1]), y[:, :-1]], axis=1)


def captions(model, x):
    """What the model says, word by word."""
    y = np.zeros((len(x), LENGTH), "int32")
    for i in range(LENGTH):
        y[:, i] = model.predict([x, shifted(y)], verbose=0)[:, i].argmax(-1)
    return y


def main(epochs=10, units=48):
    """Trains it; returns the share of captions of new pictures that are all right."""
    keras.utils.set_random_seed(1)
    picture, words = layers.Input((SIZE, SIZE, 1)), layers.Input((LENGTH,), dtype="int32")
    seen = layers.Conv2D(16, 3, activation="relu")(picture)
    seen = layers.Conv2D(16, 3, activation="relu")(layers.MaxPooling2D()(seen))
    seen = layers.Dense(units, activation="tanh")(layers.Flatten()(seen))
    written = layers.Embedding(len(WORDS), 16)(words)
    written = layers.GRU(units, return_sequences=True)(written, initial_state=seen)
    model = keras.Model([picture, words], layers.Dense(len(WORDS), activation="softmax")(written))
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    x, y = captioned(1500, seed=1)
    model.fit([x, shifted(y)], y, batch_size=32, epochs=epochs, verbose=2)

    x, y = captioned(200, seed=2)
    said = captions(model, x)
    right = float((said == y).all(axis=1).mean())
    print(" ".join(WORDS[i] for i in said[0]))
    print(f"{right:.1%} of the captions of new pictures are right.")
    return right


if __name__ == "__main__":
    main()
