"""Two networks play against each other until one of them makes points that lie on a ring.

The discriminator learns to tell true points from made ones. The generator learns, through a frozen
discriminator, to make points that pass for true.

Source: Goodfellow et al., 2014, arXiv:1406.2661

    python examples/gan.py
"""

import warnings

import numpy as np

import kerasish as keras
from kerasish import layers

NOISE = 4
RADIUS = 2.0


def ring(count, rng):
    """True points: near a circle."""
    angle = rng.uniform(0, 2 * np.pi, count)
    radius = rng.normal(RADIUS, 0.1, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype("float32")


def network(inputs, outputs, name, activation=None):
    return keras.Sequential(
        [
            layers.Input((inputs,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(outputs, activation=activation),
        ],
        name=name,
    )


def main(steps=2500, batch=64):
    """Trains both; returns how far from the ring points are, and the share of it they cover."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    generator = network(NOISE, 2, "generator")
    discriminator = network(2, 1, "discriminator", "sigmoid")
    discriminator.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), "binary_crossentropy")

    # What trains is settled by compile: the discriminator goes on training by itself, on purpose.
    warnings.filterwarnings("ignore", "Model discriminator: `trainable` was changed")
    discriminator.trainable = False
    gan = keras.Sequential([generator, discriminator])
    gan.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), "binary_crossentropy")

    true, made = np.ones((batch, 1)), np.zeros((batch, 1))
    for _ in range(steps):
        noise = rng.normal(size=(2 * batch, NOISE)).astype("float32")
        points = np.concatenate([ring(batch, rng), generator.predict_on_batch(noise[:batch])])
        discriminator.train_on_batch(points, np.concatenate([0.9 * true, made]))
        gan.train_on_batch(noise, np.concatenate([true, true]))

    points = generator.predict(rng.normal(size=(1000, NOISE)), verbose=0)
    distance = float(np.abs(np.hypot(*points.T) - RADIUS).mean())
    sectors = np.floor(np.arctan2(*points.T) / (2 * np.pi) * 16).astype(int)
    covered = len(set(sectors.tolist())) / 16
    print(f"Made points are {distance:.2f} from the ring on average; they cover {covered:.0%}.")
    return distance, covered


if __name__ == "__main__":
    main()
