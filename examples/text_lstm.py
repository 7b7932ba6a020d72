"""An LSTM that tells glad sentences from sad ones. The sentences are made up here.

What counts is the last word about the mood, unless "not" stands before it: a model has to read in
order to get this right.

    python examples/text_lstm.py
"""

import numpy as np

import kerasish as keras
from kerasish import layers

GLAD = ["good", "great", "lovely", "brilliant"]
SAD = ["bad", "awful", "dull", "sad"]
OTHER = ["the", "film", "was", "and", "its", "music", "plot", "seemed", "rather", "that", "ending"]
WORDS = ["", "not", *GLAD, *SAD, *OTHER]  # number 0 is padding
LENGTH = 20


def sentence(rng):
    """A sentence as a list of words, and whether it is glad."""
    words = list(rng.choice(OTHER, rng.integers(8, LENGTH)))
    places = np.sort(rng.choice(len(words) - 1, 2, replace=False))
    for place in places:
        glad = rng.random() < 0.5
        words[place] = rng.choice(GLAD if glad else SAD)
        if place and rng.random() < 0.5 and words[place - 1] in OTHER:
            words[place - 1] = "not"
            glad = not glad
    return words, glad


def sentences(count, seed):
    """Sentences as rows of word numbers, padded with 0, and their labels."""
    rng = np.random.default_rng(seed)
    x, y = np.zeros((count, LENGTH), "int32"), np.zeros((count, 1), "float32")
    number = {word: i for i, word in enumerate(WORDS)}
    for i in range(count):
        words, y[i, 0] = sentence(rng)
        x[i, : len(words)] = [number[word] for word in words]
    return x, y


def main(epochs=8):
    """Trains the model; returns its accuracy on new sentences."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            layers.Input((LENGTH,), dtype="int32"),
            layers.Embedding(len(WORDS), 16, mask_zero=True),
            layers.LSTM(32),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    model.fit(*sentences(4000, seed=1), epochs=epochs, batch_size=64, verbose=2)
    _, accuracy = model.evaluate(*sentences(1000, seed=2), verbose=0)
    print(f"Right about {accuracy:.1%} of new sentences.")
    return accuracy


if __name__ == "__main__":
    main()
