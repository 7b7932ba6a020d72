"""CIFAR-100: 60,000 colour images of 32 x 32 pixels, of a hundred kinds of things (Krizhevsky)."""

from __future__ import annotations

from kerasish.datasets.cifar import Split, load_split
from kerasish.datasets.sources import unpacked


def load_data(label_mode: str = "fine") -> tuple[Split, Split]:
    """The small images of CIFAR-100 (Krizhevsky, "Learning multiple layers of features from tiny
    images", 2009).

    The 20 coarse kinds are: 0 aquatic mammals, 1 fish, 2 flowers, 3 food containers, 4 fruit and
    vegetables, 5 household electrical devices, 6 household furniture, 7 insects, 8 large
    carnivores, 9 large man-made outdoor things, 10 large natural outdoor scenes, 11 large omnivores
    and herbivores, 12 medium-sized mammals, 13 non-insect invertebrates, 14 people, 15 reptiles,
    16 small mammals, 17 trees, 18 vehicles 1, 19 vehicles 2. Each has five fine ones.

    The archive is unpacked in `<KERAS_HOME>/datasets`. Where Keras 2 has left the directory
    `cifar-100-python` there, or you have put it there, that is used as it is. Its files are
    pickles: they can name nothing but arrays, and what else they name is refused, not run.

    Args:
        label_mode: "fine" for labels from 0 to 99, "coarse" for labels from 0 to 19.

    Returns:
        `(x_train, y_train), (x_test, y_test)`. Images, uint8, have the shapes (50000, 32, 32, 3)
        and (10000, 32, 32, 3), or (50000, 3, 32, 32) and (10000, 3, 32, 32) where
        `config.image_data_format()` is "channels_first". Labels, int64, have (50000, 1) and
        (10000, 1).

    Raises:
        DownloadError: if the archive can't be had.
        HashError: if another file came.
        ArchiveError: if it can't be unpacked.
        ValueError: for files that are none of CIFAR's, or another `label_mode`.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data("coarse")  # doctest: +SKIP
        >>> y_train.max()  # doctest: +SKIP
        19
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"cifar100: label_mode must be 'fine' or 'coarse', got {label_mode!r}")
    directory = unpacked("cifar-100-python-target", "cifar-100-python")
    return (
        load_split(directory, "train", f"{label_mode}_labels", "int64"),
        load_split(directory, "test", f"{label_mode}_labels", "int64"),
    )
