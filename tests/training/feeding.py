"""Data for tests of training, and what they share."""

import threading

import numpy as np
import pytest

from kerasish import layers, models
from kerasish.callbacks import Callback
from kerasish.utils import Sequence

BATCH = 16
COUNT = 70  # the last batch is smaller
EPOCHS = 2


def blobs(n=COUNT):
    rng = np.random.default_rng(1)
    centres = np.random.default_rng(99).normal(size=(3, 4)) * 2
    y = rng.integers(0, 3, n)
    x = centres[y] + rng.normal(size=(n, 4)) * 0.5
    return x.astype("float32"), y.astype("int32")


def classifier():
    model = models.Sequential([layers.Input((4,)), layers.Dense(8, "relu"), layers.Dense(3)])
    model.add(layers.Softmax())
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


X, Y = blobs()
WEIGHTS = np.linspace(0.5, 1.5, COUNT).astype("float32")
STEPS = -(-COUNT // BATCH)


def batches(*arrays):
    for start in range(0, COUNT, BATCH):
        yield tuple(array[start : start + BATCH] for array in arrays)


def forever(*arrays):
    while True:
        yield from batches(*arrays)


class Batches(Sequence):
    def __init__(self, *arrays, **kwargs):
        super().__init__(**kwargs)
        self.arrays = arrays

    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        rows = slice(index * BATCH, (index + 1) * BATCH)
        return tuple(array[rows] for array in self.arrays)


def on_disk(path, name, array):
    h5py = pytest.importorskip("h5py")
    place = path / f"{name}{len(list(path.iterdir()))}.h5"
    with h5py.File(place, "w") as file:
        file[name] = array
    return h5py.File(place, "r")[name]


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.steps = []

    def on_epoch_begin(self, epoch, logs=None):
        self.steps.append(0)

    def on_train_batch_end(self, batch, logs=None):
        self.steps[-1] += 1


def input_threads():
    names = (t.name for t in threading.enumerate())
    # The thread of an engine's process stays as long as the process.
    return [n for n in names if n.startswith("kerasish-") and n != "kerasish-engine"]
