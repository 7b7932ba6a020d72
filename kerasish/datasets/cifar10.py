"""CIFAR-10: 60,000 colour images of 32 x 32 pixels, of ten kinds of things (Krizhevsky)."""

from __future__ import annotations

from kerasish.datasets.cifar import Split, load_split
from kerasish.datasets.sources import unpacked


def load_data() -> tuple[Split, Split]:
    """The small images of CIFAR-10 (Krizhevsky, "Learning multiple layers of features from tiny
    images", 2009).

    Labels are: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship,
    9 truck.

    The archive is unpacked in `<KERAS_HOME>/datasets`. Where Keras 2 has left the directory
    `cifar-10-batches-py` there, or you have put it there, that is used as it is. Its files are
    pickles: they can name nothing but arrays, and what else they name is refused, not run.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8. Images have the shapes (50000, 32, 32, 3)
        and (10000, 32, 32, 3), or (50000, 3, 32, 32) and (10000, 3, 32, 32) where
        `config.image_data_format()` is "channels_first". Labels have (50000, 1) and (10000, 1).

    Raises:
        DownloadError: if the archive can't be had.
        HashError: if another file came.
        ArchiveError: if it can't be unpacked.
        ValueError: for files that are none of CIFAR's.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (50000, 32, 32, 3)
    """
    directory = unpacked("cifar-10-batches-py-target", "cifar-10-batches-py")
    names = "data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5"
    return (
        load_split(directory, names, "labels", "uint8"),
        load_split(directory, "test_batch", "labels", "uint8"),
    )
