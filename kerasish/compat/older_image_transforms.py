"""Changing single images, as `keras.preprocessing.image` of Keras 1 and 2 does.

All take and return one image as an array. Turning, moving and the like need SciPy, brightness
needs Pillow. The `random_` functions draw from `numpy.random`. Since Keras 3, layers such as
`layers.RandomRotation` do this inside of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.compat.arguments import older_keywords
from kerasish.utils.images import array_to_img, img_to_array, pillow
from kerasish.utils.optional import needed

__all__ = [
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "apply_transform",
    "flip_axis",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "transform_matrix_offset_center",
]

# Keras 1's names of the axes.
_axes_of_keras_1 = older_keywords(
    row_index="row_axis", col_index="col_axis", channel_index="channel_axis"
)


# ---------------------------------------------------------------- where pixels are


def apply_affine_transform(
    x: np.ndarray,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 0,
    col_axis: int = 1,
    channel_axis: int = 2,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """Turns, moves, shears and zooms an image around its middle (`pip install scipy`).

    Args:
        x: one image, with three axes.
        theta: degrees to turn.
        tx: how many rows to move up.
        ty: how many columns to move to the left.
        shear: degrees to shear.
        zx: how many rows of the image there are in the place of one; above 1 it becomes smaller.
        zy: the same of columns.
        row_axis: where rows are.
        col_axis: where columns are.
        channel_axis: where channels are.
        fill_mode: what is around the image: "nearest", "constant", "reflect", "wrap" or another
            mode of `scipy.ndimage`.
        cval: around the image where fill_mode is "constant".
        order: of the spline between pixels, 0 (nearest) to 5.

    Raises:
        ImportError: SciPy is missing.

    >>> x = np.arange(3.0).reshape(1, 3, 1)
    >>> apply_affine_transform(x, ty=1, fill_mode="constant", cval=9).ravel()
    array([1., 2., 9.])
    """
    angle, slant = np.deg2rad(theta), np.deg2rad(shear)
    rows_and_columns = np.eye(3)
    if theta:
        cos, sin = np.cos(angle), np.sin(angle)
        rows_and_columns = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    if tx or ty:
        rows_and_columns = rows_and_columns @ [[1, 0, tx], [0, 1, ty], [0, 0, 1]]
    if shear:
        sheared = [[1, -np.sin(slant), 0], [0, np.cos(slant), 0], [0, 0, 1]]
        rows_and_columns = rows_and_columns @ sheared
    if zx != 1 or zy != 1:
        rows_and_columns = rows_and_columns @ np.diag([zx, zy, 1])
    if np.array_equal(rows_and_columns, np.eye(3)):
        return x
    matrix = transform_matrix_offset_center(rows_and_columns, x.shape[row_axis], x.shape[col_axis])
    # Rows come before columns in each channel.
    if row_axis > col_axis:
        matrix = matrix[[1, 0, 2]][:, [1, 0, 2]]
    return apply_transform(x, matrix, channel_axis, fill_mode, cval, order)


def apply_transform(
    x: np.ndarray,
    transform_matrix: np.ndarray,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """An image whose pixels are found by a matrix (`pip install scipy`).

    Args:
        x: one image, with three axes.
        transform_matrix: (3, 3): makes (row, column, 1) of the result to that of the image.
        channel_axis: where channels are.
        fill_mode, cval, order: see `apply_affine_transform`.

    Raises:
        ImportError: SciPy is missing.

    >>> apply_transform(np.eye(2)[None], np.array([[0, 1, 0], [-1, 0, 1], [0, 0, 1]]))[0]
    array([[0., 1.],
           [1., 0.]])
    """
    ndimage = needed("scipy.ndimage", "apply_affine_transform", "scipy")
    matrix, offset = transform_matrix[:2, :2], transform_matrix[:2, 2]
    channels = [
        ndimage.affine_transform(channel, matrix, offset, order=order, mode=fill_mode, cval=cval)
        for channel in np.moveaxis(x, channel_axis, 0)
    ]
    return np.stack(channels, axis=channel_axis)


def transform_matrix_offset_center(matrix: np.ndarray, x: int, y: int) -> np.ndarray:
    """The same transformation around the middle of an image, not around its first pixel.

    The middle is where Keras 2.3 sees it: one pixel below and to the right of it.

    Args:
        matrix: (3, 3).
        x: the number of rows.
        y: the number of columns.

    >>> transform_matrix_offset_center(np.diag([-1, -1, 1]), 2, 2)[:, 2]
    array([3., 3., 1.])
    """
    to, back = np.eye(3), np.eye(3)
    to[:2, 2] = (x + 1) / 2, (y + 1) / 2
    back[:2, 2] = -to[:2, 2]
    return to @ matrix @ back


def flip_axis(x: np.ndarray, axis: int) -> np.ndarray:
    """An image turned around along an axis.

    >>> flip_axis(np.arange(3), 0)
    array([2, 1, 0])
    """
    return np.flip(x, axis)


@_axes_of_keras_1
def random_rotation(
    x: np.ndarray,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Turns an image by up to `rg` degrees. For what else it takes see `apply_affine_transform`."""
    return apply_affine_transform(
        x,
        theta=np.random.uniform(-rg, rg),
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


@_axes_of_keras_1
def random_shift(
    x: np.ndarray,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Moves an image by up to these parts of its width and height.

    For what else it takes see `apply_affine_transform`.
    """
    return apply_affine_transform(
        x,
        tx=np.random.uniform(-hrg, hrg) * x.shape[row_axis],
        ty=np.random.uniform(-wrg, wrg) * x.shape[col_axis],
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


@_axes_of_keras_1
def random_shear(
    x: np.ndarray,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Shears an image by up to so many degrees. See `apply_affine_transform`."""
    return apply_affine_transform(
        x,
        shear=np.random.uniform(-intensity, intensity),
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


@_axes_of_keras_1
def random_zoom(
    x: np.ndarray,
    zoom_range: Sequence[float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Zooms the rows and columns of an image by factors between two bounds.

    For what else it takes see `apply_affine_transform`.

    Raises:
        ValueError: zoom_range is not two numbers.
    """
    zx, zy = random_zooms("random_zoom", zoom_range)
    return apply_affine_transform(
        x,
        zx=zx,
        zy=zy,
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


def random_zooms(user: str, zoom_range: Sequence[float]) -> tuple[float, float]:
    """Factors of rows and columns; nothing is drawn where none are asked for."""
    low, high = two_numbers(user, "zoom_range", zoom_range)
    return (1, 1) if low == high == 1 else tuple(np.random.uniform(low, high, 2))


def two_numbers(user: str, name: str, value: Any) -> tuple[float, float]:
    """The bounds of a range; ValueError if they are not two."""
    if np.shape(value) != (2,):
        raise ValueError(f"{user}: {name} must be two numbers, but got {value!r}.")
    return value[0], value[1]


# ---------------------------------------------------------------- what they hold


def apply_channel_shift(x: np.ndarray, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """Adds a number to all pixels of an image, which stay within its least and largest one.

    Args:
        x: one image.
        intensity: the number.
        channel_axis: makes no difference; programs may give it.

    >>> apply_channel_shift(np.array([[0.0, 3.0, 5.0]]), 1)
    array([[1., 4., 5.]])
    """
    shifted = (x if np.issubdtype(x.dtype, np.floating) else x.astype("float64")) + intensity
    return np.clip(shifted, x.min(), x.max())


@_axes_of_keras_1
def random_channel_shift(
    x: np.ndarray, intensity_range: float, channel_axis: int = 0
) -> np.ndarray:
    """`apply_channel_shift` with a number from -intensity_range to intensity_range."""
    intensity = np.random.uniform(-intensity_range, intensity_range)
    return apply_channel_shift(x, intensity, channel_axis)


def apply_brightness_shift(
    x: np.ndarray,
    brightness: float,
    scale: bool = True,
    data_format: str | None = "channels_last",
) -> np.ndarray:
    """Makes an image brighter or darker (`pip install pillow`).

    Args:
        x: one image.
        brightness: 0 makes it black, 1 leaves it as it is.
        scale: whether the image is first brought to the range from 0 to 255. Else that is done
            only where it leaves that range, and undone.
        data_format: "channels_last" or "channels_first".

    Shapes:
        the shape of x, float

    Raises:
        ImportError: Pillow is missing.

    >>> apply_brightness_shift(np.array([[[0.0], [4.0]]]), 0.5).ravel()
    array([  0., 127.], dtype=float32)
    """
    pillow("apply_brightness_shift")
    from PIL import ImageEnhance

    low, high = np.min(x), np.max(x)
    outside = bool(low < 0 or high > 255)
    img = array_to_img(x, data_format, scale=scale or outside)
    img = ImageEnhance.Brightness(img).enhance(brightness)
    found = img_to_array(img, data_format)
    return found / 255 * (high - low) + low if outside and not scale else found


def random_brightness(
    x: np.ndarray, brightness_range: Sequence[float], scale: bool = True
) -> np.ndarray:
    """`apply_brightness_shift` by a number from a range.

    Raises:
        ValueError: brightness_range is not two numbers.
        ImportError: Pillow is missing.
    """
    low, high = two_numbers("random_brightness", "brightness_range", brightness_range)
    return apply_brightness_shift(x, np.random.uniform(low, high), scale)
