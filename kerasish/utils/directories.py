"""Data sets of the files in a directory that has one for each class."""

from __future__ import annotations

import os
import wave
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish.engines.datasets import offered
from kerasish.utils.data import Items
from kerasish.utils.images import COLOR_MODES, img_to_array, is_channels_last, load_img, middle

__all__ = [
    "audio_dataset_from_directory",
    "image_dataset_from_directory",
    "text_dataset_from_directory",
]

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5")


class Files(Items):
    """Batches of what files hold, read when they are asked for.

    Attributes:
        file_paths: the paths of the files, in the order in which they first come.
        class_names: the names of the classes, None without labels.
    """

    def __init__(
        self,
        read: Callable[[str], Any],
        batched: Callable[[list[Any]], np.ndarray],
        paths: Sequence[str],
        labels: np.ndarray | None,
        class_names: Sequence[str] | None,
        batch_size: int | None,
        order: np.random.RandomState | None,
    ):
        super().__init__()
        self.file_paths, self.class_names = list(paths), class_names
        self._read, self._batched = read, batched
        self._labels, self._batch_size = labels, batch_size
        self._order, self._rows = order, np.arange(len(paths))

    def __len__(self) -> int:
        return -(-len(self._rows) // (self._batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"There are {len(self)} batches, no number {index}.")
        size = self._batch_size
        rows = self._rows[index] if size is None else self._rows[index * size :][:size]
        if size is None:
            x = self._read(self.file_paths[rows])
        else:
            x = self._batched([self._read(self.file_paths[row]) for row in rows])
        return x if self._labels is None else (x, self._labels[rows])

    def on_epoch_end(self) -> None:
        """The next epoch has another order, if there is any shuffling."""
        if self._order is not None:
            self._rows = self._order.permutation(self._rows)


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Batches of the images in a directory that has one for each class (`pip install pillow`).

    Args:
        directory: its path.
        labels: "inferred" from the names of directories; None for no labels; or a list of ints,
            one for each file, in the order of the files' paths.
        label_mode: what labels are: "int"; "categorical", one-hot; "binary", 0.0 or 1.0 in a row
            of one; None for no labels.
        class_names: the names of the directories, in the order of their numbers; alphabetical if
            None. Only where labels are inferred.
        color_mode: "grayscale", "rgb" or "rgba".
        batch_size: images in a batch; None for single ones.
        image_size: (height, width) that all images are brought to, or one int for both.
        shuffle: whether the images come in a random order, another one in each epoch that is
            trained; else by class and name.
        seed: of that order; drawn from `numpy.random` if None.
        validation_split: the part of the images, the last of that order, for validation.
        subset: "training" or "validation", where there is a split, or "both" for a pair of them.
        interpolation: "bilinear", "nearest", "bicubic", "area", "lanczos3" or "lanczos5".
        follow_links: whether links to directories are followed.
        crop_to_aspect_ratio: whether to cut off what does not fit the new proportions, instead
            of distorting.
        pad_to_aspect_ratio: whether to add a black margin to fit the new proportions.
        data_format: "channels_last" or "channels_first"; `config.image_data_format()` if None.
        format: "tf". (The other one of Keras, "grain", is a library that is not supported.)
        verbose: whether to print how many files there are.

    Returns:
        A PyDataset of images, float32 from 0 to 255 and (batch, height, width, channels), or of
        (images, labels). `file_paths` and `class_names` are its attributes, and `take(1)` is its
        first batch, as tensors.

    Raises:
        ImportError: Pillow is missing.
        ValueError: there are no images, or arguments contradict each other.

    Example:
        >>> train, test = image_dataset_from_directory(
        ...     "pictures", validation_split=0.2, subset="both", seed=1
        ... )  # doctest: +SKIP
        >>> model.fit(train, validation_data=test)  # doctest: +SKIP
    """
    name = "image_dataset_from_directory"
    last = is_channels_last(name, data_format)
    size: Any = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    _one_of(name, "color_mode", color_mode, tuple(COLOR_MODES))
    _one_of(name, "interpolation", interpolation, _INTERPOLATIONS)
    if len(size) != 2:
        raise ValueError(f"{name}: image_size must be (height, width), but got {image_size!r}.")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(f"{name}: only one of crop_ and pad_to_aspect_ratio may be chosen.")

    def read(path: str) -> np.ndarray:
        x = img_to_array(load_img(path, color_mode=color_mode), "channels_last", "float32")
        if crop_to_aspect_ratio:
            left, top, right, bottom = middle(len(x), x.shape[1], *size)
            x = x[top:bottom, left:right]
        change = _padded if pad_to_aspect_ratio else _resized
        x = change(x, size, interpolation)
        return x if last else x.transpose(2, 0, 1)

    found = _Listing(name, directory, _IMAGES, labels, label_mode, class_names, follow_links)
    return found.dataset(read, batch_size, shuffle, seed, validation_split, subset, format, verbose)


def _padded(x: np.ndarray, size: Sequence[int], interpolation: str) -> np.ndarray:
    """As large as it can be within these sizes, and around it 0."""
    sizes = list(zip(x.shape[:2], size, strict=True))
    # The scale as a fraction: a float may make an edge that fits exactly one pixel too short.
    length, outer = max(sizes, key=lambda pair: pair[0] / pair[1])
    inner = [max(inputs * outer // length, 1) for inputs, _ in sizes]
    before = [(edge * length - inputs * outer) // (2 * length) for inputs, edge in sizes]
    x = _resized(x, inner, interpolation)
    margins = [
        (first, edge - first - inputs)
        for first, edge, inputs in zip(before, size, inner, strict=True)
    ]
    return np.pad(x, [*margins, (0, 0)])


def _resized(x: np.ndarray, size: Sequence[int], interpolation: str) -> np.ndarray:
    """What `ops.image.resize` does, without an engine: this runs beside the training."""
    from kerasish.ops.image.resizing import nearest_of, weights_of

    for axis, outputs in enumerate(size):
        inputs = x.shape[axis]
        if inputs == outputs:
            continue
        if interpolation == "nearest":
            x = x.take(nearest_of(inputs, outputs), axis)
        else:
            weights = weights_of(inputs, outputs, interpolation, antialias=False).astype(x.dtype)
            x = np.moveaxis(np.tensordot(x, weights, (axis, 0)), -1, axis)
    return x


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Batches of the texts, in files `.txt`, in a directory that has one for each class.

    Args:
        directory: its path.
        max_length: how many bytes of a text are read, as UTF-8; None for all.
        labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset,
            follow_links, format, verbose: see `image_dataset_from_directory`.

    Returns:
        A PyDataset of strings (batch,), or of (strings, labels), as
        `image_dataset_from_directory` returns one of images.

    Raises:
        ValueError: there are no texts, a file is not in UTF-8, or arguments contradict each other.

    Example:
        >>> texts = text_dataset_from_directory("reviews", labels=None)  # doctest: +SKIP
        >>> layers.TextVectorization().adapt(texts)  # doctest: +SKIP
    """
    name = "text_dataset_from_directory"

    def read(path: str) -> str:
        with open(path, "rb") as file:
            content = file.read()
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{name}: {path} is no text in UTF-8: {error}.") from None
        return text if max_length is None else content[:max_length].decode(errors="ignore")

    found = _Listing(name, directory, (".txt",), labels, label_mode, class_names, follow_links)
    return found.dataset(read, batch_size, shuffle, seed, validation_split, subset, format, verbose)


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """Batches of the sounds, in files `.wav`, in a directory that has one for each class.

    Args:
        directory: its path.
        sampling_rate: samples per second that all files must have; None for any. (Keras brings
            other files to it.)
        output_sequence_length: how many samples of each sound are taken; where there are fewer, 0
            follows. If None, as many as the longest sound in the batch has.
        ragged: False: all sounds in a batch are equally long.
        labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset,
            follow_links, verbose: see `image_dataset_from_directory`.

    Returns:
        A PyDataset of sounds, float32 from -1 to 1 and (batch, samples, channels), or of
        (sounds, labels), as `image_dataset_from_directory` returns one of images.

    Raises:
        ValueError: there are no sounds, a file holds no samples of 16 bits or has another sampling
            rate, or arguments contradict each other.

    Example:
        >>> train = audio_dataset_from_directory("words", batch_size=8)  # doctest: +SKIP
    """
    name = "audio_dataset_from_directory"
    if ragged:
        raise ValueError(f"{name}: ragged must be False; shorter sounds are followed by 0.")
    for what, value in (
        ("sampling_rate", sampling_rate),
        ("output_sequence_length", output_sequence_length),
    ):
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ValueError(f"{name}: {what} must be a positive int, but got {value!r}.")

    def read(path: str) -> np.ndarray:
        x, rate = _samples(name, path)
        if sampling_rate is not None and rate != sampling_rate:
            raise ValueError(
                f"{name}: {path} has {rate} samples per second, but sampling_rate={sampling_rate}."
            )
        return x if output_sequence_length is None else _as_long(x, output_sequence_length)

    def batched(sounds: list[np.ndarray]) -> np.ndarray:
        longest = max(map(len, sounds))
        return np.array([_as_long(x, longest) for x in sounds])

    found = _Listing(name, directory, (".wav",), labels, label_mode, class_names, follow_links)
    return found.dataset(
        read, batch_size, shuffle, seed, validation_split, subset, "tf", verbose, batched
    )


def _samples(user: str, path: str) -> tuple[np.ndarray, int]:
    """(samples, channels) of a file, and how many samples there are in a second."""
    try:
        with wave.open(path, "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            content = file.readframes(file.getnframes())
        if len(content) % (width * channels):
            raise EOFError("it ends within a sample")
    except (wave.Error, EOFError, RuntimeError) as error:
        reason = str(error) or "it is damaged"
        raise ValueError(f"{user}: {path} can't be read: {reason}.") from None
    if width != 2:
        raise ValueError(
            f"{user}: samples must have 16 bits, but those of {path} have {8 * width}."
        )
    return np.frombuffer(content, "<i2").reshape(-1, channels).astype("float32") / 2**15, rate


def _as_long(x: np.ndarray, length: int) -> np.ndarray:
    """So many samples, where there are fewer followed by 0."""
    return np.pad(x[:length], [(0, max(length - len(x), 0)), (0, 0)])


def _one_of(user: str, name: str, value: Any, allowed: Sequence[Any]) -> None:
    if value not in allowed:
        raise ValueError(
            f"{user}: {name} must be one of {', '.join(map(str, allowed))}, but got {value!r}."
        )


class _Listing:
    """The files in a directory, and their labels.

    Attributes:
        paths: of the files.
        labels: theirs, (files, ...), or None.
        class_names: the names of the classes, or None.
    """

    def __init__(
        self,
        user: str,
        directory: Any,
        endings: tuple[str, ...],
        labels: Any,
        label_mode: str | None,
        class_names: Sequence[str] | None,
        follow_links: bool,
    ):
        self._user = user
        _one_of(user, "label_mode", label_mode, ("int", "categorical", "binary", None))
        inferred = isinstance(labels, str) and labels == "inferred"
        if not inferred and not isinstance(labels, (list, tuple, type(None))):
            raise ValueError(
                f'{user}: labels must be "inferred", None or a list of ints, but got {labels!r}.'
            )
        if class_names is not None and not inferred:
            raise ValueError(f"{user}: class_names are for labels that are inferred.")
        numbers: Any = None
        if inferred and label_mode is not None:
            names = _directories(directory) if class_names is None else class_names
            places = [os.path.join(directory, name) for name in names]
            missing = [place for place in places if not os.path.isdir(place)]
            if missing:
                raise ValueError(f"{user}: there is no directory {missing[0]} for its class.")
            each = [files_within(place, endings, follow_links) for place in places]
            self.paths = [path for paths in each for path in paths]
            numbers = np.repeat(np.arange(len(names)), [len(paths) for paths in each])
            self.class_names: list[str] | None = list(names)
        else:
            self.paths = files_within(directory, endings, follow_links)
            self.class_names = None
            if labels is not None and label_mode is not None:
                numbers = np.asarray(labels)
                self.class_names = [str(label) for label in sorted(set(labels))]
        if not self.paths:
            raise ValueError(f"{user}: there are no files {', '.join(endings)} in {directory}.")
        if numbers is not None and len(numbers) != len(self.paths):
            raise ValueError(
                f"{user}: there must be a label for each of the {len(self.paths)} files in "
                f"{directory}, but got {len(numbers)}."
            )
        self.labels = None if numbers is None else self._as_labels(numbers, label_mode)

    def _as_labels(self, numbers: np.ndarray, label_mode: str | None) -> np.ndarray:
        assert self.class_names is not None
        if label_mode == "int":
            return numbers.astype("int32")
        count = len(self.class_names)
        if not np.isin(numbers, np.arange(count)).all():
            raise ValueError(
                f"{self._user}: with label_mode={label_mode!r}, labels of {count} classes must be "
                f"the ints from 0 to {count - 1}, but got {', '.join(self.class_names[:10])}."
            )
        if label_mode == "categorical":
            return np.eye(count, dtype="float32")[numbers]
        if count != 2:
            raise ValueError(
                f'{self._user}: with label_mode="binary", there must be 2 classes, but got '
                f"{count}: {', '.join(self.class_names[:10])}."
            )
        return numbers.astype("float32")[:, None]

    def dataset(
        self,
        read: Callable[[str], Any],
        batch_size: int | None,
        shuffle: bool,
        seed: int | None,
        validation_split: float | None,
        subset: str | None,
        format: str,
        verbose: bool,
        batched: Callable[[list[Any]], np.ndarray] = np.array,
    ) -> Any:
        """The data set of a subset of these files, or two of them."""
        _one_of(self._user, "format", format, ("tf",))
        self._check_split(shuffle, seed, validation_split, subset)
        count = len(self.paths)
        if verbose:
            among = (
                "" if self.class_names is None else f" belonging to {len(self.class_names)} classes"
            )
            print(f"Found {count} files{among}.")
        seed = int(np.random.randint(10**6)) if seed is None else seed
        rows = np.random.RandomState(seed).permutation(count) if shuffle else np.arange(count)
        border = count - int((validation_split or 0) * count)
        parts = {None: rows, "training": rows[:border], "validation": rows[border:]}
        names = ("training", "validation") if subset == "both" else (subset,)
        sets = []
        for name in names:
            part = parts[name]
            if verbose and name:
                print(f"Using {len(part)} files for {name}.")
            paths = [self.paths[row] for row in part]
            labels = None if self.labels is None else self.labels[part]
            order = np.random.RandomState(seed) if shuffle else None
            files = Files(read, batched, paths, labels, self.class_names, batch_size, order)
            sets.append(offered(files))
        return sets if subset == "both" else sets[0]

    def _check_split(
        self,
        shuffle: bool,
        seed: int | None,
        validation_split: float | None,
        subset: str | None,
    ) -> None:
        _one_of(self._user, "subset", subset, ("training", "validation", "both", None))
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(
                f"{self._user}: validation_split must be between 0 and 1, but got "
                f"{validation_split!r}."
            )
        if bool(validation_split) != bool(subset):
            raise ValueError(
                f"{self._user}: validation_split and subset need each other, but got "
                f"{validation_split!r} and {subset!r}."
            )
        if subset in ("training", "validation") and shuffle and seed is None:
            raise ValueError(
                f"{self._user}: to split shuffled files give a seed, the same for both subsets."
            )


def _directories(directory: Any) -> list[str]:
    """The names of those within it, without the hidden ones."""
    found = [entry.name for entry in os.scandir(directory) if entry.is_dir()]
    return sorted(name for name in found if not name.startswith("."))


def files_within(directory: Any, endings: tuple[str, ...], follow_links: bool = False) -> list[str]:
    """The paths of all files in a directory and in those within it, in the order of their names.

    Args:
        directory: its path.
        endings: what their names end in, in small letters: (".png", ".jpg").
        follow_links: whether links to directories are followed.
    """
    return [
        os.path.join(root, name)
        for root, _, names in sorted(os.walk(directory, followlinks=follow_links))
        for name in sorted(names)
        if name.lower().endswith(endings)
    ]
