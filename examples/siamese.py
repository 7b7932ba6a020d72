"""A siamese network learns whether two waves sound the same, and can tell for tones it never heard.

One and the same encoder looks at both. Training pulls codes of equal tones together and pushes
others apart.

Source: Hadsell et al., 2006, https://doi.org/10.1109/CVPR.2006.100

    python examples/siamese.py
"""

import numpy as np

import kerasish as keras
from kerasish import layers, ops

STEPS = 48


def waves(frequencies, rng):
    """Noisy waves that begin anywhere."""
    time = np.arange(STEPS) / STEPS
    phase = rng.uniform(0, 2 * np.pi, (len(frequencies), 1))
    wave = np.sin(2 * np.pi * np.asarray(frequencies)[:, None] * time + phase)
    return (wave + rng.normal(0, 0.1, wave.shape))[..., None].astype("float32")


def pairs(tones, count, seed):
    """Two waves each, and whether they are of one tone."""
    rng = np.random.default_rng(seed)
    first, second = rng.choice(tones, count), rng.choice(tones, count)
    second = np.where(rng.random(count) < 0.5, first, second)
    return [waves(first, rng), waves(second, rng)], (first == second).astype("float32")[:, None]


def contrastive(same, distance):
    """Small if equals are near each other, and others at least 1 apart."""
    apart = ops.square(ops.maximum(1 - distance, 0))
    return ops.mean(same * ops.square(distance) + (1 - same) * apart)


def distance_of(codes):
    a, b = codes
    return ops.sqrt(ops.sum(ops.square(a - b), axis=-1, keepdims=True) + 1e-6)


def main(epochs=12):
    """Trains it; returns the share of right answers about new tones."""
    keras.utils.set_random_seed(1)
    encoder = keras.Sequential(
        [
            layers.Input((STEPS, 1)),
            layers.Conv1D(32, 9, activation="relu"),
            layers.Conv1D(32, 9, strides=2, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16),
        ],
        name="encoder",
    )
    one, other = layers.Input((STEPS, 1)), layers.Input((STEPS, 1))
    distance = layers.Lambda(distance_of)([encoder(one), encoder(other)])
    model = keras.Model([one, other], distance)
    model.compile(keras.optimizers.Adam(3e-3), contrastive)
    model.fit(*pairs(np.arange(2, 14, 2), 3000, seed=1), batch_size=64, epochs=epochs, verbose=2)

    waves_of_new, same = pairs(np.arange(3, 13, 2), 1000, seed=2)
    right = float(((model.predict(waves_of_new, verbose=0) < 0.5) == same).mean())
    print(f"Right about {right:.1%} of pairs of new tones.")
    return right


if __name__ == "__main__":
    main()
