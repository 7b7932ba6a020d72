"""Images as files, as Pillow's images and as arrays."""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish import config
from kerasish.compat.arguments import by_name, is_bool, older_keywords
from kerasish.utils.arguments import reject_unknown
from kerasish.utils.optional import needed

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]

# Colour mode -> Pillow's name, and the number of channels.
COLOR_MODES = {"grayscale": ("L", 1), "rgb": ("RGB", 3), "rgba": ("RGBA", 4)}
_GREY = ("L", "I;16", "I")  # all that is read as it is for "grayscale"

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")

_KERAS_1 = {"tf": "channels_last", "th": "channels_first", "default": None}


def pillow(user: str) -> Any:
    """The module `PIL.Image`, for a function of this name."""
    return needed("PIL.Image", user, "pillow")


def is_channels_last(user: str, data_format: str | None) -> bool:
    """Whether channels come last, by a data format of any generation of Keras.

    >>> is_channels_last("example", None), is_channels_last("example", "th")
    (True, False)
    """
    found = _KERAS_1.get(data_format, data_format) if data_format else None
    found = found or config.image_data_format()
    if found not in config.IMAGE_DATA_FORMATS:
        raise ValueError(
            f"{user}: data_format must be {' or '.join(config.IMAGE_DATA_FORMATS)}, but got "
            f"{data_format!r}."
        )
    return found == "channels_last"


@older_keywords(dim_ordering="data_format")
def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """An image as an array.

    Args:
        img: one of Pillow's images; or an array, as `array_to_img` takes it or without channels.
        data_format: of the result, "channels_last" or "channels_first";
            `config.image_data_format()` if None.
        dtype: of the result; `config.floatx()` if None.

    Shapes:
        -> (height, width, channels) or (channels, height, width)

    Raises:
        ValueError: img has neither two axes nor three, or for another data_format.

    Example:
        >>> img_to_array(np.zeros((2, 5))).shape
        (2, 5, 1)
    """
    last = is_channels_last("img_to_array", data_format)
    x = np.array(img, dtype=dtype or config.floatx())
    if x.ndim not in (2, 3):
        raise ValueError(
            "img_to_array: img must have shape (height, width) or (height, width, channels), but "
            f"got {x.shape}."
        )
    x = x[..., None] if x.ndim == 2 else x
    return x if last else x.transpose(2, 0, 1)


@older_keywords(dim_ordering="data_format")
def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Image:
    """An array as one of Pillow's images (`pip install pillow`).

    Args:
        x: (height, width, channels) or (channels, height, width), with 1 channel (grey), 3 (RGB)
            or 4 (RGBA).
        data_format: "channels_last" or "channels_first"; `config.image_data_format()` if None.
        scale: whether values are brought to the range from 0 to 255: the least becomes 0, the
            largest 255.
        dtype: to compute with; `config.floatx()` if None.

    Raises:
        ImportError: Pillow is missing.
        ValueError: for another shape or data_format.

    Example:
        >>> array_to_img(np.zeros((2, 5, 3))).size
        (5, 2)
    """
    image = pillow("array_to_img")
    last = is_channels_last("array_to_img", data_format)
    x = np.asarray(x, dtype=dtype or config.floatx())
    shape = x.shape
    if x.ndim == 3 and not last:
        x = x.transpose(1, 2, 0)
    if x.ndim != 3 or x.shape[-1] not in (1, 3, 4):
        order = "(height, width, channels)" if last else "(channels, height, width)"
        raise ValueError(
            f"array_to_img: x must have shape {order}, with 1, 3 or 4 channels, but got {shape}."
        )
    if scale:
        x = x - x.min()
        x = x / (x.max() or 1) * 255
    if x.shape[-1] > 1:
        # That of the number of channels: RGB or RGBA.
        return image.fromarray(x.astype("uint8"))
    deep = x.max() > 255
    return image.fromarray(x[..., 0].astype("int32" if deep else "uint8"))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array as an image file (`pip install pillow`).

    Args:
        path: of the file, or a file open for writing.
        x: as `array_to_img` takes it.
        data_format: see there.
        file_format: such as "png"; what the path ends in if None.
        scale: see there.
        **kwargs: for Pillow's `Image.save`.

    Raises:
        ImportError: Pillow is missing.
        ValueError: for an array that is no image, or a format that Pillow does not know.

    Example:
        >>> save_img("grey.png", np.zeros((2, 5, 1)))  # doctest: +SKIP
    """
    img = array_to_img(x, data_format=data_format, scale=scale)
    named = file_format or (Path(path).suffix[1:] if isinstance(path, (str, Path)) else "")
    if img.mode == "RGBA" and named.lower() in ("jpg", "jpeg"):
        warnings.warn(f"save_img: {named} has no place for the alpha channel.", stacklevel=2)
        img = img.convert("RGB")
    if img.mode == "I" and named.lower() == "png":
        img = img.convert("I;16")  # the most that the format has place for
    # To Pillow, the name of that format is JPEG.
    known = "jpeg" if file_format and file_format.lower() == "jpg" else file_format
    img.save(path, format=known, **kwargs)


def _as_in_older_keras(load: Callable[..., Any]) -> Callable[..., Any]:
    """In Keras 1 and 2 the second argument is `grayscale`, and what is behind it differs."""

    @functools.wraps(load)
    def wrapped(path: Any, *args: Any, **kwargs: Any) -> Any:
        if args and is_bool(args[0]):
            sized = len(args) > 1 and not isinstance(args[1], str)
            order = ("grayscale", *(() if sized else ("color_mode",)), "target_size")
            args, kwargs = (), by_name("load_img", (*order, "interpolation"), args, kwargs)
        if kwargs.pop("grayscale", False):
            kwargs["color_mode"] = "grayscale"
        return load(path, *args, **kwargs)

    return wrapped


@_as_in_older_keras
def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Sequence[int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Image:
    """Reads an image file as one of Pillow's images (`pip install pillow`).

    Args:
        path: of the file, or its content in an `io.BytesIO`.
        color_mode: "grayscale" (as deep as the file is), "rgb" or "rgba".
        target_size: (height, width) to bring the image to; its own if None.
        interpolation: how: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: whether to cut off what does not fit the new proportions, instead of
            distorting.

    Raises:
        ImportError: Pillow is missing.
        OSError: there is no such file, or it is damaged or no image.
        ValueError: for another color_mode or interpolation.

    Example:
        >>> load_img("cat.jpg", target_size=(224, 224)).size  # doctest: +SKIP
        (224, 224)
    """
    image = pillow("load_img")
    if color_mode not in COLOR_MODES:
        raise ValueError(
            f"load_img: color_mode must be one of {', '.join(COLOR_MODES)}, but got {color_mode!r}."
        )
    img = _opened(image, path, COLOR_MODES[color_mode][0])
    if target_size is None or (img.height, img.width) == tuple(target_size):
        return img
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"load_img: interpolation must be one of {', '.join(INTERPOLATIONS)}, but got "
            f"{interpolation!r}."
        )
    height, width = target_size
    box = middle(img.height, img.width, height, width) if keep_aspect_ratio else None
    return img.resize((width, height), getattr(image.Resampling, interpolation.upper()), box=box)


def _opened(image: Any, path: Any, mode: str) -> Image:
    """The image in a file, in a mode of Pillow's."""
    try:
        with image.open(path if isinstance(path, io.IOBase) else Path(path)) as file:
            as_it_is = file.mode == mode or (mode == "L" and file.mode in _GREY)
            return file.copy() if as_it_is else file.convert(mode)
    except Exception as error:
        if isinstance(path, (str, Path)) and len(error.args) == 1 and str(path) not in str(error):
            # Else nobody knows which one of many files is damaged.
            error.args = (f"load_img: {path}: {error.args[0]}",)
        raise


def middle(height: int, width: int, new_height: int, new_width: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the largest part with the proportions of a new size.

    >>> middle(20, 40, 5, 5)
    (10, 0, 30, 20)
    """
    columns = max(min(width, height * new_width // new_height), 1)
    rows = max(min(height, width * new_height // new_width), 1)
    left, top = (width - columns) // 2, (height - rows) // 2
    return left, top, left + columns, top + rows


def smart_resize(
    x: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    data_format: str | None = "channels_last",
    **kwargs: Any,
) -> Any:
    """Images of another size, whose proportions stay: what does not fit is cut off on both sides.

    Args:
        x: one image or a batch of equally large ones.
        size: (height, width) of the result.
        interpolation: see `ops.image.resize`.
        data_format: "channels_last" or "channels_first"; `config.image_data_format()` if None.
        **kwargs: `backend_module`, which older programs may give, chooses nothing here.

    Returns:
        An array if x is one, else a tensor.

    Raises:
        ValueError: size is not two ints, or x no image.

    Example:
        >>> smart_resize(np.zeros((20, 40, 3), "float32"), (5, 5)).shape
        (5, 5, 3)
    """
    from kerasish import ops

    kwargs.pop("backend_module", None)
    reject_unknown(kwargs, smart_resize, "smart_resize")
    if len(size) != 2:
        raise ValueError(f"smart_resize: size must be (height, width), but got {size!r}.")
    found = ops.image.resize(
        x, tuple(size), interpolation, crop_to_aspect_ratio=True, data_format=data_format
    )
    return found.numpy() if isinstance(x, np.ndarray) else found
