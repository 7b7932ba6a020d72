"""A U-Net finds round things in noisy pictures, pixel by pixel.

On the way down it sees ever more of the picture, on the way up it gets back where everything was
from what it saw on the way down.

Source: Ronneberger et al., 2015, arXiv:1505.04597

    python examples/unet.py
"""

import numpy as np

import kerasish as keras
from kerasish import layers

SIZE = 16


def pictures(count, seed):
    """Noisy pictures of discs and, to be told from them, crosses; and where the discs are."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    places = rng.uniform(3, SIZE - 3, (count, 2, 2, 1, 1))
    down, right = np.abs(rows - places[:, :, 0]), np.abs(columns - places[:, :, 1])
    discs = np.hypot(down[:, 0], right[:, 0]) < 3
    crosses = (np.minimum(down[:, 1], right[:, 1]) < 1) & (np.maximum(down[:, 1], right[:, 1]) < 4)
    noisy = (discs | crosses) + rng.normal(0, 0.3, discs.shape)
    return noisy[..., None].astype("float32"), discs[..., None].astype("float32")


def twice(x, filters):
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x


def unet(filters=8, depth=2):
    """A model from pictures to the probability of each pixel."""
    inputs = x = layers.Input((SIZE, SIZE, 1))
    seen = []
    for level in range(depth):
        seen.append(twice(x, filters * 2**level))
        x = layers.MaxPooling2D()(seen[-1])
    x = twice(x, filters * 2**depth)
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(filters * 2**level, 2, strides=2)(x)
        x = twice(layers.Concatenate()([x, seen[level]]), filters * 2**level)
    return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))


def main(epochs=8):
    """Trains it; returns how well found and true discs overlap: shared pixels over all of both."""
    keras.utils.set_random_seed(1)
    model = unet()
    model.compile(keras.optimizers.Adam(3e-3), "binary_crossentropy")
    model.fit(*pictures(1000, seed=1), batch_size=32, epochs=epochs, verbose=2)

    x, true = pictures(200, seed=2)
    found, true = model.predict(x, verbose=0) > 0.5, true > 0.5
    overlap = float((found & true).sum() / (found | true).sum())
    print(f"Found and true discs overlap by {overlap:.1%}.")
    return overlap


if __name__ == "__main__":
    main()
