"""Batches of images from files, as `keras.preprocessing.image` of Keras 2 has them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish import config
from kerasish.compat.older_image_iterators import ENDINGS, Iterator, check_subset, transformed
from kerasish.utils.directories import files_within
from kerasish.utils.images import COLOR_MODES, img_to_array, is_channels_last, load_img

__all__ = ["DataFrameIterator", "DirectoryIterator", "list_pictures"]

# With these, targets are not classes.
_WITHOUT_CLASSES = ("input", "multi_output", "raw", None)


def list_pictures(directory: Any, ext: str | Sequence[str] = ENDINGS) -> list[str]:
    """The paths of all images in a directory and in those within it.

    Args:
        directory: its path.
        ext: what the names of images end in.
    """
    return files_within(directory, _endings((ext,) if isinstance(ext, str) else ext))


def _endings(formats: Sequence[str]) -> tuple[str, ...]:
    return tuple(f".{name}" for name in formats)


class _FileIterator(Iterator):
    """Batches of the images in files.

    A class derived from it says what `filepaths`, `labels` and `sample_weight` are, has a
    `class_mode`, an `image_data_generator` and a `dtype`, and calls `set_processing_attrs`.
    """

    allowed_class_modes: tuple[str | None, ...]
    image_data_generator: Any
    class_mode: str | None
    dtype: Any
    class_indices: dict[str, int]

    @property
    def filepaths(self) -> list[str]:
        """The paths of all images."""
        raise NotImplementedError(f"{type(self).__name__} needs a property filepaths.")

    @property
    def labels(self) -> Any:
        """What goes with each of them: numbers of classes, or targets."""
        raise NotImplementedError(f"{type(self).__name__} needs a property labels.")

    @property
    def sample_weight(self) -> Any:
        """Their weights, or None."""
        raise NotImplementedError(f"{type(self).__name__} needs a property sample_weight.")

    def set_processing_attrs(
        self,
        image_data_generator: Any,
        target_size: Sequence[int],
        color_mode: str,
        data_format: str | None,
        save_to_dir: Any,
        save_prefix: str,
        save_format: str,
        subset: str | None,
        interpolation: str,
        keep_aspect_ratio: bool = False,
    ) -> None:
        """How images are read. For the arguments see `DirectoryIterator`."""
        name = type(self).__name__
        if color_mode not in COLOR_MODES:
            raise ValueError(
                f"{name}: color_mode must be one of {', '.join(COLOR_MODES)}, but got "
                f"{color_mode!r}."
            )
        check_subset(name, subset)
        last, channels = is_channels_last(name, data_format), COLOR_MODES[color_mode][1]
        self.image_data_generator, self.subset = image_data_generator, subset
        self.target_size, self.color_mode = tuple(target_size), color_mode
        self.data_format = "channels_last" if last else "channels_first"
        self.image_shape = (*target_size, channels) if last else (channels, *target_size)
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        self.interpolation, self.keep_aspect_ratio = interpolation, keep_aspect_ratio
        fraction = getattr(image_data_generator, "_validation_split", 0.0)
        # From which part of the files to which.
        self.split = {"validation": (0, fraction), "training": (fraction, 1)}.get(subset or "")

    def _in_subset(self, items: Sequence[Any]) -> Sequence[Any]:
        first, last = self.split or (0, 1)
        return items[int(first * len(items)) : int(last * len(items))]

    def _check_class_mode(self) -> None:
        if self.class_mode not in self.allowed_class_modes:
            known = ", ".join(map(str, self.allowed_class_modes))
            raise ValueError(
                f"{type(self).__name__}: class_mode must be one of {known}, but got "
                f"{self.class_mode!r}."
            )

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        paths = self.filepaths
        images = [transformed(self.image_data_generator, self._read(paths[i])) for i in index_array]
        batch = np.array(images, dtype=self.dtype).reshape(len(images), *self.image_shape)
        if self.save_to_dir:
            self._save(batch, index_array)
        if self.class_mode is None:
            return batch
        targets = batch.copy() if self.class_mode == "input" else self._targets_of(index_array)
        if self.sample_weight is None:
            return batch, targets
        return batch, targets, self.sample_weight[index_array]

    def _read(self, path: str) -> np.ndarray:
        img = load_img(
            path,
            color_mode=self.color_mode,
            target_size=self.target_size,
            interpolation=self.interpolation,
            keep_aspect_ratio=self.keep_aspect_ratio,
        )
        return img_to_array(img, self.data_format)

    def _targets_of(self, rows: np.ndarray) -> Any:
        if self.class_mode == "multi_output":
            return [output[rows] for output in self.labels]
        if self.class_mode == "raw":
            return self.labels[rows]
        labels = [self.labels[row] for row in rows]
        if self.class_mode in ("binary", "sparse"):
            return np.array(labels, dtype=self.dtype)
        targets = np.zeros((len(rows), len(self.class_indices)), dtype=self.dtype)
        for target, label in zip(targets, labels, strict=True):
            target[label] = 1  # there may be several
        return targets


class DirectoryIterator(_FileIterator):
    """Batches of images in a directory that has one for each class.

    `ImageDataGenerator.flow_from_directory` makes it.

    Args:
        directory: its path.
        image_data_generator: what transforms images; None to leave them as they are.
        target_size: (height, width) that all images are brought to.
        color_mode: "grayscale", "rgb" or "rgba".
        classes: the names of the directories; in alphabetical order if None.
        class_mode: what targets are: "categorical" (one-hot), "binary" or "sparse" (the number of
            the class), "input" (the images themselves); None for no targets.
        batch_size: images in a batch.
        shuffle: whether each epoch has another order; else it is by class and name.
        seed: of all that is random.
        data_format: "channels_last" or "channels_first"; `config.image_data_format()` if None.
        save_to_dir: a directory to write all images to, for a look at them.
        save_prefix: what their names begin with.
        save_format: what kind of files they are.
        follow_links: whether links to directories are followed.
        subset: "validation" for the first images of each class, by the generator's
            `validation_split`, "training" for the others, None for all.
        interpolation: see `utils.load_img`.
        dtype: of the images; `config.floatx()` if None.
        keep_aspect_ratio: see `utils.load_img`.

    Attributes:
        class_indices: class -> its number.
        classes: the number of each image's class.
        filenames: the images' paths within the directory.
        samples: how many there are.

    Raises:
        ValueError: for another class_mode, color_mode or subset.
    """

    allowed_class_modes = ("categorical", "binary", "sparse", "input", None)

    def __init__(
        self,
        directory: Any,
        image_data_generator: Any,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        dtype: Any = None,
        keep_aspect_ratio: bool = False,
    ):
        self.set_processing_attrs(
            image_data_generator,
            target_size,
            color_mode,
            data_format,
            save_to_dir,
            save_prefix,
            save_format,
            subset,
            interpolation,
            keep_aspect_ratio,
        )
        self.directory, self.class_mode = directory, class_mode
        self.dtype = dtype or config.floatx()
        self._check_class_mode()
        if not classes:
            found = sorted(os.scandir(directory), key=lambda entry: entry.name)
            classes = [entry.name for entry in found if entry.is_dir()]
        self.num_classes = len(classes)
        self.class_indices = {name: i for i, name in enumerate(classes)}
        self.filenames: list[str] = []
        numbers: list[int] = []
        for name, number in self.class_indices.items():
            within = os.path.join(directory, name)
            paths = files_within(within, _endings(self.white_list_formats), follow_links)
            kept = [os.path.relpath(path, directory) for path in self._in_subset(paths)]
            self.filenames += kept
            numbers += [number] * len(kept)
        self.classes = np.array(numbers, dtype="int32")
        self.samples = len(self.filenames)
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        self._filepaths = [os.path.join(directory, name) for name in self.filenames]
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def filepaths(self) -> list[str]:
        return self._filepaths

    @property
    def labels(self) -> np.ndarray:
        return self.classes

    @property
    def sample_weight(self) -> None:
        """Images in directories have no weights."""
        return None


class DataFrameIterator(_FileIterator):
    """Batches of the images that a table names.

    `ImageDataGenerator.flow_from_dataframe` makes it.

    Args:
        dataframe: a pandas DataFrame.
        directory: what the paths in it start from; None if they are whole.
        image_data_generator: what transforms images; None to leave them as they are.
        x_col: the column with the paths of images.
        y_col: the column with targets, or several.
        weight_col: the column with a weight for each image, or None.
        target_size: (height, width) that all images are brought to.
        color_mode: "grayscale", "rgb" or "rgba".
        classes: those that count; all, in alphabetical order, if None. Other images are left out.
        class_mode: what targets are: "categorical" (one-hot; of an image that has a list of
            classes, several are 1), "binary" or "sparse" (the number of the class), "raw" (the
            values of the columns), "multi_output" (a list with an array for each column), "input"
            (the images themselves); None for no targets.
        batch_size: images in a batch.
        shuffle: whether each epoch has another order.
        seed: of all that is random.
        data_format: "channels_last" or "channels_first"; `config.image_data_format()` if None.
        save_to_dir: a directory to write all images to, for a look at them.
        save_prefix: what their names begin with.
        save_format: what kind of files they are.
        subset: "validation" for the first rows, by the generator's `validation_split`,
            "training" for the others, None for all.
        interpolation: see `utils.load_img`.
        dtype: of the images; `config.floatx()` if None.
        validate_filenames: whether rows are left out, with a warning, whose image is missing.
        keep_aspect_ratio: see `utils.load_img`.

    Attributes:
        class_indices: class -> its number.
        classes: the number of each image's class, or a list of them.
        filenames: the images' paths as the table has them.
        samples: how many there are.

    Raises:
        ValueError: for another class_mode, color_mode or subset, or "binary" without two classes.
        TypeError: a column holds what it should not.
    """

    allowed_class_modes = (
        "binary",
        "categorical",
        "input",
        "multi_output",
        "raw",
        "sparse",
        None,
    )

    def __init__(
        self,
        dataframe: Any,
        directory: Any = None,
        image_data_generator: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = "channels_last",
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        dtype: Any = "float32",
        validate_filenames: bool = True,
        keep_aspect_ratio: bool = False,
    ):
        self.set_processing_attrs(
            image_data_generator,
            target_size,
            color_mode,
            data_format,
            save_to_dir,
            save_prefix,
            save_format,
            subset,
            interpolation,
            keep_aspect_ratio,
        )
        self.directory, self.class_mode = directory or "", class_mode
        self.dtype = dtype or config.floatx()
        self._check_class_mode()
        _check_columns(dataframe, x_col, y_col, weight_col, class_mode, classes)
        if validate_filenames:
            dataframe = self._with_images(dataframe, x_col)
        if class_mode not in _WITHOUT_CLASSES:
            dataframe, classes = _with_classes(dataframe, y_col, classes)
            self.num_classes = len(classes)
            self.class_indices = {name: i for i, name in enumerate(classes)}
        dataframe = dataframe.iloc[self._in_subset(range(len(dataframe)))]
        if class_mode not in _WITHOUT_CLASSES:
            self.classes = self.get_classes(dataframe, y_col)
        elif class_mode == "multi_output":
            self._targets: Any = [np.array(dataframe[column].tolist()) for column in y_col]
        elif class_mode == "raw":
            self._targets = dataframe[y_col].to_numpy()
        self.filenames = dataframe[x_col].tolist()
        self._filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        self._sample_weight = dataframe[weight_col].to_numpy() if weight_col else None
        self.samples = len(self.filenames)
        what = "validated" if validate_filenames else "non-validated"
        among = (
            "" if class_mode in _WITHOUT_CLASSES else f" belonging to {self.num_classes} classes"
        )
        print(f"Found {self.samples} {what} image filenames{among}.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _with_images(self, dataframe: Any, x_col: str) -> Any:
        """The rows whose image is there."""
        paths = [os.path.join(self.directory, name) for name in dataframe[x_col]]
        endings = _endings(self.white_list_formats)
        there = [path.lower().endswith(endings) and os.path.isfile(path) for path in paths]
        missing = [path for path, is_there in zip(paths, there, strict=True) if not is_there]
        if missing:
            warnings.warn(
                f"DataFrameIterator: {len(missing)} of {len(paths)} rows are left out: column "
                f"{x_col!r} does not name an image that is there. The first is {missing[0]!r}.",
                stacklevel=3,
            )
        return dataframe[np.array(there, dtype=bool)]

    def get_classes(self, df: Any, y_col: str) -> list[Any]:
        """The numbers of the classes in a column: for each row one, or a list."""
        return [
            [self.class_indices[name] for name in found]
            if isinstance(found, (list, tuple))
            else self.class_indices[found]
            for found in df[y_col]
        ]

    @property
    def filepaths(self) -> list[str]:
        return self._filepaths

    @property
    def labels(self) -> Any:
        return self._targets if self.class_mode in ("multi_output", "raw") else self.classes

    @property
    def sample_weight(self) -> np.ndarray | None:
        return self._sample_weight


def _with_classes(
    dataframe: Any, y_col: str, classes: Sequence[str] | None
) -> tuple[Any, list[str]]:
    """The rows that have one of the classes, and no others; and all classes."""
    if not classes:
        several = [c if isinstance(c, (list, tuple)) else [c] for c in dataframe[y_col]]
        return dataframe, sorted({name for names in several for name in names})

    # The order of a set is another one in each process.
    wanted = sorted(classes) if isinstance(classes, set) else list(dict.fromkeys(classes))

    def known(found: Any) -> Any:
        if isinstance(found, (list, tuple)):
            return [name for name in found if name in wanted]
        return found if found in wanted else None

    kept = [known(found) for found in dataframe[y_col]]
    rows = [i for i, found in enumerate(kept) if found]
    dataframe = dataframe.iloc[rows].assign(**{y_col: [kept[i] for i in rows]})
    return dataframe, wanted


def _check_columns(
    dataframe: Any,
    x_col: str,
    y_col: Any,
    weight_col: str | None,
    class_mode: str | None,
    classes: Any,
) -> None:
    def holds(column: Any, kinds: Any, wanted: str) -> None:
        wrong = next((value for value in dataframe[column] if not isinstance(value, kinds)), None)
        if wrong is not None:
            raise TypeError(
                f"DataFrameIterator: with class_mode={class_mode!r}, column {column!r} must hold "
                f"{wanted}, but it has {wrong!r}."
            )

    holds(x_col, str, "the paths of images")
    if class_mode in ("binary", "sparse"):
        holds(y_col, str, "names of classes")
    if class_mode == "categorical":
        holds(y_col, (str, list, tuple), "names of classes, or lists of them")
    if weight_col:
        holds(weight_col, (int, float, np.number), "numbers")
    if class_mode == "multi_output" and not isinstance(y_col, (list, tuple)):
        raise TypeError(
            "DataFrameIterator: with class_mode='multi_output', y_col must be a list of columns, "
            f"but got {y_col!r}."
        )
    if classes and not isinstance(classes, (list, tuple, dict, set)):
        raise TypeError(f"DataFrameIterator: classes must be a list, but got {classes!r}.")
    if class_mode == "binary":
        names = set(classes or dataframe[y_col])
        if len(names) != 2:
            raise ValueError(
                "DataFrameIterator: with class_mode='binary', there must be 2 classes, but got "
                f"{len(names)}: {sorted(names)[:10]}."
            )
