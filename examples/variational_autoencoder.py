"""A variational autoencoder finds the two numbers behind pictures: where a spot of light is.

The layer that draws the code adds its own term to the loss: how far codes are from normally
distributed ones. So any code, not only those of known pictures, can be turned into a picture.

Source: Kingma & Welling, 2013, arXiv:1312.6114

    python examples/variational_autoencoder.py
"""

import numpy as np

import kerasish as keras
from kerasish import layers, ops

SIZE = 8
CODE = 2


def spots(count, seed):
    """Pictures of a spot of light at a random place."""
    at = np.random.default_rng(seed).uniform(1.5, SIZE - 2.5, (count, 2, 1, 1))
    rows, columns = np.mgrid[:SIZE, :SIZE]
    picture = np.exp(-((rows - at[:, 0]) ** 2 + (columns - at[:, 1]) ** 2) / 2)
    return picture.reshape(count, -1).astype("float32")


class Draw(layers.Layer):
    """Draws a code from the normal distribution that an encoder describes."""

    def __init__(self, weight, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.noise = keras.random.SeedGenerator(1)

    def call(self, inputs):
        mean, log_variance = inputs
        divergence = ops.square(mean) + ops.exp(log_variance) - log_variance - 1
        self.add_loss(self.weight * ops.mean(ops.sum(divergence, axis=-1)) / 2)
        noise = keras.random.normal(ops.shape(mean), seed=self.noise)
        return mean + ops.exp(log_variance / 2) * noise


def main(epochs=30):
    """Trains it; returns the error of pictures from their codes, as a share of their variance."""
    keras.utils.set_random_seed(1)
    picture = layers.Input((SIZE * SIZE,))
    hidden = layers.Dense(64, activation="relu")(picture)
    mean, log_variance = layers.Dense(CODE)(hidden), layers.Dense(CODE)(hidden)
    decoder = keras.Sequential(
        [
            layers.Input((CODE,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(SIZE * SIZE, activation="sigmoid"),
        ]
    )
    model = keras.Model(picture, decoder(Draw(2e-3)([mean, log_variance])))
    encoder = keras.Model(picture, mean)

    model.compile(keras.optimizers.Adam(3e-3), "mse")
    x = spots(4000, seed=1)
    model.fit(x, x, epochs=epochs, batch_size=64, verbose=2)

    new = spots(500, seed=2)
    codes = encoder.predict(new, verbose=0)
    error = float(np.square(decoder.predict(codes, verbose=0) - new).mean() / new.var())
    print(f"New pictures come back with {error:.1%} of their variance lost.")
    print(f"Their codes have the deviations {codes.std(axis=0).round(2)}.")
    return error, codes.std(axis=0)


if __name__ == "__main__":
    main()
