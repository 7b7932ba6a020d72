"""A training that can be killed: run by test_backup.py as a program of its own.

Arguments: folder of the backup, file for the final weights, kind of data, where to be killed.
"""

import os
import resource
import signal
import sys
import threading
import time

import numpy as np

from kerasish import callbacks, layers, models, utils


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class KillAt(callbacks.Callback):
    """Kills the process after so many batches, or at the end of an epoch.

    "epoch" is for backups after epochs only, "end" for those after batches, "time" kills after so
    many milliseconds, of a training that takes some hundred.
    """

    def __init__(self, where):
        self.kind, _, number = where.partition(":")
        self.left = int(number or 0)
        if self.kind == "time":
            timer = threading.Timer(self.left / 1000, die)
            timer.daemon = True
            timer.start()

    def on_train_batch_end(self, batch, logs=None):
        if self.kind == "time":
            time.sleep(0.008)
        self._count("batch")

    def on_epoch_end(self, epoch, logs=None):
        self._count("epoch")
        self._count("end")

    def _count(self, kind):
        if kind == self.kind:
            self.left -= 1
            if not self.left:
                die()


def kill_while_writing(number):
    """Kills the process when the `number`-th backup is written, but not yet in its place."""
    done = []
    replace = os.replace

    def instead(source, target):
        done.append(target)
        if len(done) == number:
            die()
        replace(source, target)

    os.replace = instead


def die_inside_of_a_write(number):
    """Lets the system end the process in the middle of writing the `number`-th backup."""
    done = []
    replace = os.replace
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

    def limit():
        if len(done) == number - 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1500, resource.RLIM_INFINITY))

    def instead(source, target):
        replace(source, target)
        done.append(target)
        limit()

    os.replace = instead
    limit()


class Numbered(utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 5

    def __getitem__(self, i):
        return self.x[i * 8 : i * 8 + 8], self.y[i * 8 : i * 8 + 8]


def endless(x, y):
    while True:
        for i in range(0, 40, 8):
            yield x[i : i + 8], y[i : i + 8]


def main(folder, result, kind, where):
    utils.set_random_seed(3)
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 6)).astype("float32")
    y = x[:, :1] * 2 + 1
    model = models.Sequential(
        [layers.Input((6,)), layers.Dense(8, "relu"), layers.Dropout(0.3), layers.Dense(1)]
    )
    model.compile("adam", "mse", metrics=["mae"])
    if where.startswith("write:"):
        kill_while_writing(int(where[6:]))
    if where.startswith("inside:"):
        die_inside_of_a_write(int(where[7:]))
    data = {
        "arrays": (x, y),
        "many": (x, y),
        "sequence": (Numbered(x, y),),
        "generator": (endless(x, y),),
    }[kind]
    options = {"arrays": {"batch_size": 8}, "sequence": {}, "generator": {"steps_per_epoch": 4}}
    options["many"] = {"batch_size": 1}  # more steps than an engine interprets before it compiles
    history = model.fit(
        *data,
        epochs=6,
        verbose=0,
        callbacks=[
            callbacks.BackupAndRestore(folder, save_freq="epoch" if "epoch" in where else 2),
            callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.5),
            KillAt(where),
        ],
        **options[kind],
    )
    values = [np.ravel(v) for v in history.history.values()]
    np.savez(result, *model.get_weights(), *values)


if __name__ == "__main__":
    main(*sys.argv[1:])
