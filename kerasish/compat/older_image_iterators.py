"""Batches of images from arrays, as `keras.preprocessing.image` of Keras 2 has them."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator as IteratorOf
from typing import Any

import numpy as np

from kerasish import config
from kerasish.compat.arguments import older_keywords
from kerasish.utils.images import array_to_img, is_channels_last
from kerasish.utils.sequence import PyDataset

__all__ = ["Iterator", "NumpyArrayIterator"]

# What the names of image files end in.
ENDINGS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")


class Iterator(PyDataset):
    """Batches without end, which also have numbers: `next(batches)`, `batches[3]`, `fit(batches)`.

    Derive from it and write `_get_batches_of_transformed_samples(index_array)`, which makes the
    batch of the samples with these numbers.

    Args:
        n: the number of samples.
        batch_size: samples in a batch; the last one of each epoch may have fewer.
        shuffle: whether each epoch has another random order.
        seed: of `numpy.random`, which is set for each batch; None leaves it alone.
    """

    white_list_formats = ENDINGS
    goes_round = True  # where `fit` is told of more steps than there are batches
    # Where batches are written to, if anywhere, for a look at them.
    save_to_dir: Any = None
    save_prefix = ""
    save_format = "png"
    data_format: str | None = None

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None):
        super().__init__()
        self.n, self.batch_size, self.shuffle, self.seed = n, batch_size, shuffle, seed
        self.batch_index = self.total_batches_seen = 0
        self.index_array: np.ndarray | None = None
        self._prepare()

    def _prepare(self) -> None:
        self.lock = threading.Lock()
        self.index_generator = self._flow_index()

    def __getstate__(self) -> dict[str, Any]:
        """For worker processes, which need no lock and take batches by number."""
        return {k: v for k, v in vars(self).items() if k not in ("lock", "index_generator")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare()

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        if index >= len(self):
            raise IndexError(f"There are {len(self)} batches, no number {index}.")
        self._set_seed()
        self.total_batches_seen += 1
        if self.index_array is None:
            self._set_index_array()
        assert self.index_array is not None
        rows = self.index_array[self.batch_size * index :][: self.batch_size]
        return self._get_batches_of_transformed_samples(rows)

    def __iter__(self) -> Any:
        """All batches, in every epoch anew: there is no end."""
        return self

    def __next__(self) -> Any:
        with self.lock:
            rows = next(self.index_generator)
        return self._get_batches_of_transformed_samples(rows)

    def next(self) -> Any:
        """The next batch."""
        return self.__next__()

    def reset(self) -> None:
        """Begins with the first batch again."""
        self.batch_index = 0

    def on_epoch_begin(self) -> None:
        """Draws the first order, before worker processes would draw one each."""
        if self.index_array is None:
            self._set_seed()
            self._set_index_array()

    def on_epoch_end(self) -> None:
        """Draws the order of the next epoch."""
        self._set_index_array()

    def _set_seed(self) -> None:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)

    def _set_index_array(self) -> None:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _flow_index(self) -> IteratorOf[np.ndarray]:
        """The numbers of the samples in one batch after the other."""
        self.reset()
        while True:
            self._set_seed()
            if self.batch_index == 0:
                self._set_index_array()
            assert self.index_array is not None
            start = self.batch_size * self.batch_index
            is_last = start + self.batch_size >= self.n
            self.batch_index = 0 if is_last else self.batch_index + 1
            self.total_batches_seen += 1
            yield self.index_array[start : start + self.batch_size]

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} needs a method _get_batches_of_transformed_samples(index_array)"
        )

    def _save(self, images: np.ndarray, rows: np.ndarray) -> None:
        for image, row in zip(images, rows, strict=True):
            name = f"{self.save_prefix}_{row}_{np.random.randint(10**7)}.{self.save_format}"
            path = os.path.join(self.save_to_dir, name)
            array_to_img(image, self.data_format).save(path)


def transformed(generator: Any, x: np.ndarray) -> np.ndarray:
    """An image as an `ImageDataGenerator` changes it; as it is if there is none."""
    if generator is None:
        return x
    parameters = generator.get_random_transform(x.shape)
    return generator.standardize(generator.apply_transform(x, parameters))


def warn_of_channels(user: str, channels: int) -> None:
    """Warns of what is probably another data format."""
    if channels not in (1, 3, 4):
        warnings.warn(
            f"{user}: images have 1, 3 or 4 channels, but got {channels}. Is that their "
            "data_format?",
            stacklevel=3,
        )


def check_subset(user: str, subset: str | None) -> None:
    if subset not in (None, "training", "validation"):
        raise ValueError(
            f'{user}: subset must be "training", "validation" or None, but got {subset!r}.'
        )


class NumpyArrayIterator(Iterator):
    """Batches of images in an array, transformed; `ImageDataGenerator.flow` makes it.

    Args:
        x: (samples, height, width, channels), or with channels first; or a pair of that and
            another array or a list of them, which pass unchanged.
        y: targets, or None.
        image_data_generator: what transforms images.
        batch_size: images in a batch.
        shuffle: whether each epoch has another order.
        sample_weight: a weight for each image, or None.
        seed: of all that is random.
        data_format: "channels_last" or "channels_first"; `config.image_data_format()` if None.
        save_to_dir: a directory to write all images to, for a look at them.
        save_prefix: what their names begin with.
        save_format: what kind of files they are.
        subset: "validation" for the first part of the images, by the generator's
            `validation_split`, "training" for the others, None for all.
        dtype: of the images; `config.floatx()` if None.
        ignore_class_split: whether the two subsets may have different targets.

    Yields:
        x, (x, y) or (x, y, sample_weight); x is a list if there was a pair.

    Raises:
        ValueError: arrays of different lengths, no images, or for another subset.
    """

    @older_keywords(X="x", dim_ordering="data_format")
    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        dtype: Any = None,
        ignore_class_split: bool = False,
    ):
        self.dtype = dtype or config.floatx()
        others: Any = []
        if isinstance(x, (tuple, list)):
            if len(x) != 2:
                raise ValueError(
                    "NumpyArrayIterator: x must be an array, or a pair of images and other arrays, "
                    f"but got a {type(x).__name__} of {len(x)}."
                )
            x, others = x
            others = others if isinstance(others, list) else [others]
        self.x = np.asarray(x, dtype=self.dtype)
        self.x_misc = [np.asarray(other) for other in others]
        self.y = None if y is None else np.asarray(y)
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        self._check_lengths()
        if subset is not None:
            fraction = image_data_generator._validation_split
            self._keep(subset, int(len(self.x) * fraction), ignore_class_split)
        self.data_format = data_format
        last = is_channels_last("NumpyArrayIterator", data_format)
        if self.x.ndim != 4:
            raise ValueError(
                "NumpyArrayIterator: x must have 4 axes, of samples, rows, columns and channels, "
                f"but got {self.x.shape}."
            )
        warn_of_channels("NumpyArrayIterator", self.x.shape[3 if last else 1])
        self.image_data_generator = image_data_generator
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _check_lengths(self) -> None:
        named = {"y": self.y, "sample_weight": self.sample_weight}
        named |= {f"array {i} beside x": other for i, other in enumerate(self.x_misc)}
        for name, array in named.items():
            if array is not None and len(array) != len(self.x):
                raise ValueError(
                    f"NumpyArrayIterator: x and {name} must be equally long, but got "
                    f"{len(self.x)} and {len(array)}."
                )

    def _keep(self, subset: str, border: int, ignore_class_split: bool) -> None:
        """Keeps only the samples of a subset; those of validation are before the border."""
        check_subset("NumpyArrayIterator", subset)
        if self.y is not None and not ignore_class_split:
            before, behind = np.unique(self.y[:border]), np.unique(self.y[border:])
            if not np.array_equal(before, behind):
                raise ValueError(
                    "NumpyArrayIterator: the subsets for training and validation have different "
                    f"targets: validation has the first {border} of {len(self.y)}. Shuffle the "
                    "samples if they are in order, or say ignore_class_split=True."
                )
        part = slice(border) if subset == "validation" else slice(border, None)
        self.x, self.x_misc = self.x[part], [other[part] for other in self.x_misc]
        self.y = None if self.y is None else self.y[part]
        self.sample_weight = None if self.sample_weight is None else self.sample_weight[part]

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        generator = self.image_data_generator
        images = [transformed(generator, self.x[row].copy()) for row in index_array]
        batch = np.array(images, dtype=self.dtype).reshape(len(images), *self.x.shape[1:])
        if self.save_to_dir:
            self._save(batch, index_array)
        x = [batch, *(other[index_array] for other in self.x_misc)] if self.x_misc else batch
        if self.y is None:
            return x
        if self.sample_weight is None:
            return x, self.y[index_array]
        return x, self.y[index_array], self.sample_weight[index_array]
