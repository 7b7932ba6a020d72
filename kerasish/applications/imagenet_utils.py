"""Both ends of the models of `kerasish.applications`: pixels, and the names of classes."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import config, ops
from kerasish.datasets.sources import wrong_file
from kerasish.graph.tensor import Tensor
from kerasish.utils.files import get_file

CLASSES = 1000
CLASS_INDEX_URL = (
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
)
CLASS_INDEX_HASH = "c2c37ea517e94d9795004a39431a14cb"

# What the pixels become: blue, green, red around 0; -1 to 1; standardized by channel.
CAFFE, TF, TORCH = MODES = tuple("caffe tf torch".split())

# Of the images of ImageNet: blue, green and red of 0..255; red, green and blue of 0..1.
_BGR_MEAN = (103.939, 116.779, 123.68)
RGB_MEAN, RGB_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Pixels as a model was trained on them.

    Args:
        x: images, RGB from 0 to 255: an array or tensor of shape (batch, height, width, 3), or
            (height, width, 3), with the channels where `data_format` has them. An array of floats
            is written over, as in Keras; give a copy if the images are needed again.
        data_format: "channels_last" or "channels_first"; the one of `keras.json` if None.
        mode: "caffe": BGR, less the mean of each channel; "tf": from -1 to 1; "torch": from 0 to 1,
            then less the mean of each channel and divided by its standard deviation.

    Returns:
        The same shape in floats.

    Raises:
        ValueError: for another `mode` or `data_format`, or images that have not three channels.

    Example:
        >>> white = np.full((1, 2, 2, 3), 255)
        >>> float(preprocess_input(white, mode="tf").max())
        1.0
    """
    if mode not in MODES:
        raise ValueError(f"preprocess_input(mode=...) must be one of {MODES}, got {mode!r}.")
    if data_format not in (None, *config.IMAGE_DATA_FORMATS):
        raise ValueError(
            "preprocess_input(data_format=...) must be one of "
            f"{config.IMAGE_DATA_FORMATS}, got {data_format!r}."
        )
    if not isinstance(x, Tensor):
        x = np.asarray(x)
    axis = -3 if (data_format or config.image_data_format()) == "channels_first" else -1
    if len(x.shape) not in (3, 4) or (mode != TF and x.shape[axis] not in (3, None)):
        raise ValueError(
            f"preprocess_input needs images of shape (batch, height, width, 3) or (height, width, "
            f"3), or with the channels first, by data_format; got shape {tuple(x.shape)}."
        )
    if isinstance(x, Tensor):
        if "float" not in x.dtype:
            x = ops.cast(x, config.floatx())
        return _of_tensor(x, axis, mode)
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(config.floatx())
    return _in_place(x, axis, mode)


def _by_channel(numbers: tuple[float, ...], axis: int, dtype: Any) -> np.ndarray:
    """Three numbers in a shape in which they go with the channels."""
    return np.array(numbers, dtype).reshape((3,) + (1,) * (-1 - axis))


def _in_place(x: np.ndarray, axis: int, mode: str) -> np.ndarray:
    if mode == TF:
        x /= 127.5
        x -= 1.0
    elif mode == CAFFE:
        x = np.flip(x, axis)  # a view, so that what is written goes to the caller's array
        x -= _by_channel(_BGR_MEAN, axis, x.dtype)
    else:
        x /= 255.0
        x -= _by_channel(RGB_MEAN, axis, x.dtype)
        x /= _by_channel(RGB_DEVIATION, axis, x.dtype)
    return x


def _of_tensor(x: Tensor, axis: int, mode: str) -> Tensor:
    if mode == TF:
        return x / 127.5 - 1.0
    if mode == CAFFE:
        return ops.flip(x, axis) - _by_channel(_BGR_MEAN, axis, x.dtype)
    centred = x / 255.0 - _by_channel(RGB_MEAN, axis, x.dtype)
    return centred / _by_channel(RGB_DEVIATION, axis, x.dtype)


def preprocessing(module: str, mode: str | None) -> Callable[..., Any]:
    """The `preprocess_input` of a module of models.

    Args:
        module: its name.
        mode: what its models were trained on; None if they take the pixels as they are.
    """

    def preprocess_input_of_module(x: Any, data_format: str | None = None) -> Any:
        return x if mode is None else preprocess_input(x, data_format, mode)

    function = preprocess_input_of_module
    function.__name__ = function.__qualname__ = "preprocess_input"
    function.__module__ = module
    what = "Nothing: these models take RGB from 0 to 255 as it is."
    if mode is not None:
        what = (
            f'`imagenet_utils.preprocess_input` with the mode "{mode}", on which these models were '
            "trained.\n\n    Args:\n        x: images, RGB from 0 to 255; an array of floats is "
            "written over.\n        data_format: where the channels are; the format of "
            "`keras.json` if None.\n"
        )
    function.__doc__ = what
    return function


@functools.cache
def class_index() -> list[tuple[str, str]]:
    """The classes of ImageNet's competition, from a file that is downloaded unless it is there.

    Returns:
        For each of the thousand its number in WordNet and its name: ("n01440764", "tench") ...

    Raises:
        DownloadError: if the file can't be had.
        HashError: if another file came.
    """
    path = get_file(
        "imagenet_class_index.json",
        CLASS_INDEX_URL,
        cache_subdir="models",
        file_hash=CLASS_INDEX_HASH,
    )
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        return [(found[str(i)][0], found[str(i)][1]) for i in range(CLASSES)]
    except (ValueError, LookupError, TypeError) as error:
        raise wrong_file(path, "the list of ImageNet's classes", error) from error


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, Any]]]:
    """The names of the likeliest classes.

    Args:
        preds: what a model with its top says of images, (batch, 1000).
        top: how many classes are wanted for each.

    Returns:
        For each image a list of (number in WordNet, name, score), the highest score first.

    Raises:
        ValueError: for predictions of another shape.
        DownloadError: if the list of the classes is not there and can't be had.

    Example:
        >>> decode_predictions(model.predict(images), top=1)  # doctest: +SKIP
        [[('n02504458', 'African_elephant', 0.9094213)]]
    """
    preds = np.asarray(preds)
    if preds.ndim != 2 or preds.shape[1] != CLASSES:
        raise ValueError(
            "decode_predictions needs the predictions of a model for the classes of ImageNet, "
            f"(batch, {CLASSES}); got shape {preds.shape}."
        )
    if isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1:
        raise ValueError(f"decode_predictions(top=...) must be a positive integer, got {top!r}.")
    names = class_index()
    best = np.argsort(-preds, axis=1, kind="stable")[:, :top]
    return [[(*names[i], scores[i]) for i in row] for row, scores in zip(best, preds, strict=True)]
