"""Inception blocks look at a picture through windows of several sizes at once.

Here they tell textures apart: stripes and checks, fine ones and coarse ones.

Source: Szegedy et al., 2014, arXiv:1409.4842

    python examples/inception.py
"""

import numpy as np

import kerasish as keras
from kerasish import layers

SIZE = 16
CLASSES = 6


def textures(count, seed):
    """Noisy stripes across, stripes down, and checks, each 2 or 4 pixels wide; and which it is."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, CLASSES, count)
    shift = rng.integers(0, 8, (count, 2, 1, 1))
    rows, columns = np.mgrid[:SIZE, :SIZE]
    width = np.where(kind % 2, 4, 2)[:, None, None]
    across = (rows + shift[:, 0]) // width % 2
    down = (columns + shift[:, 1]) // width % 2
    pattern = np.choose((kind // 2)[:, None, None], [across, down, across ^ down])
    noisy = pattern + rng.normal(0, 0.4, pattern.shape)
    return noisy[..., None].astype("float32"), kind.astype("int32")


def convolution(x, filters, size):
    return layers.Conv2D(filters, size, padding="same", activation="relu")(x)


def inception(x, filters):
    """Windows of 1, 3 and 5 pixels and the largest neighbour, side by side."""
    pooled = layers.MaxPooling2D(3, strides=1, padding="same")(x)
    return layers.Concatenate()(
        [
            convolution(x, filters, 1),
            convolution(convolution(x, filters // 2, 1), filters, 3),
            convolution(convolution(x, filters // 2, 1), filters, 5),
            convolution(pooled, filters, 1),
        ]
    )


def main(epochs=8):
    """Trains it; returns its accuracy on new pictures."""
    keras.utils.set_random_seed(1)
    inputs = layers.Input((SIZE, SIZE, 1))
    x = inception(inputs, 8)
    x = inception(layers.MaxPooling2D()(x), 8)
    x = layers.GlobalMaxPooling2D()(x)
    model = keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))
    model.compile(
        keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(*textures(1500, seed=1), batch_size=32, epochs=epochs, verbose=2)
    _, accuracy = model.evaluate(*textures(500, seed=2), verbose=0)
    print(f"Right about {accuracy:.1%} of new textures.")
    return accuracy


if __name__ == "__main__":
    main()
