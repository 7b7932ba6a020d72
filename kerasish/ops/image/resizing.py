"""Images of another size: along each axis a product with a matrix of weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import canonical_axis, compatible, known
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.conv import per_axis
from kerasish.ops.image.layout import each_image, known_sizes
from kerasish.ops.promotion import at_least_single, promoted, widened

# --- kernels: the weight of a pixel at a distance, written for NumPy and for ops alike ----


def _triangle(lib: Any, x: Any) -> Any:
    return lib.maximum(1 - x, 0)


def _cubic(lib: Any, x: Any) -> Any:
    """R. Keys, 1981, https://doi.org/10.1109/TASSP.1981.1163711"""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return lib.where(x >= 2, 0.0, lib.where(x >= 1, far, near))


def _lanczos(radius: float) -> Callable[[Any, Any], Any]:
    def kernel(lib: Any, x: Any) -> Any:
        angle = math.pi * lib.where(x > 1e-3, x, 1.0)
        weight = radius * lib.sin(angle) * lib.sin(angle / radius) / (angle * angle)
        return lib.where(x > radius, 0.0, lib.where(x > 1e-3, weight, 1.0))

    return kernel


_KERNELS = {
    **dict.fromkeys(("linear", "bilinear", "trilinear", "triangle"), _triangle),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), _cubic),
    "lanczos3": _lanczos(3.0),
    "lanczos5": _lanczos(5.0),
}


def _weights(
    lib: Any, inputs: int, outputs: int, scale: Any, shift: Any, method: str, antialias: bool
) -> Any:
    """[inputs, outputs]: how much of each pixel goes into each new one.

    Args:
        lib: NumPy, or `ops` where `scale` and `shift` are tensors.
        scale: size of a pixel in new ones.
        shift: where the first pixel begins, in new ones.
    """
    inverse = 1 / scale
    # Where many pixels become one, all of them count.
    widening = lib.maximum(inverse, 1) if antialias else 1
    centres = (np.arange(outputs, dtype="float32") + 0.5) * inverse - shift * inverse - 0.5
    places = np.arange(inputs, dtype="float32")[:, None]
    weights = _KERNELS[method](lib, lib.abs(centres[None, :] - places) / widening)
    total = lib.sum(weights, axis=0, keepdims=True)
    some = lib.abs(total) > 1000 * float(np.finfo("float32").eps)
    weights = lib.where(some, weights / lib.where(some, total, 1.0), 0.0)
    inside = lib.logical_and(centres >= -0.5, centres <= inputs - 0.5)
    return lib.where(inside[None, :], weights, 0.0)


def _area_weights(inputs: int, outputs: int) -> np.ndarray:
    """The share of each pixel in the stretch that a new one covers."""
    ends = np.arange(outputs + 1) * (inputs / outputs)
    places = np.arange(inputs)[:, None]
    covered = np.minimum(ends[1:], places + 1) - np.maximum(ends[:-1], places)
    return np.maximum(covered, 0) * (outputs / inputs)


def weights_of(inputs: int, outputs: int, interpolation: str, antialias: bool) -> np.ndarray:
    """[inputs, outputs]: how much of each pixel goes into each new one, along a resized axis."""
    if interpolation == "area":
        return _area_weights(inputs, outputs)
    return _weights(np, inputs, outputs, outputs / inputs, 0.0, interpolation, antialias)


def nearest_of(inputs: int, outputs: int) -> np.ndarray:
    """[outputs]: the number of the pixel that is nearest to each new one."""
    nearest = (np.arange(outputs) + 0.5) * (inputs / outputs)
    return np.minimum(np.floor(nearest), inputs - 1).astype("int32")


def _along(x: Tensor, axis: int, weights: Any) -> Tensor:
    moved = ops.matmul(ops.moveaxis(x, axis, -1), ops.cast(weights, x.dtype))
    return ops.moveaxis(moved, -1, axis)


# --- resize ------------------------------------------------------------------------------

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")


def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Images of another size.

    Args:
        images: one image or a batch.
        size: (height, width) of the result, or one int for both.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3", "lanczos5" or "area".
        antialias: whether, where images become smaller, all pixels count.
        crop_to_aspect_ratio: whether to cut off what does not fit the new proportions, instead
            of distorting.
        pad_to_aspect_ratio: whether to add a margin to fit the new proportions.
        fill_mode: "constant", the only kind of margin.
        fill_value: what the margin holds.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        Images of the new height and width and of the same dtype; integers are rounded and kept
        within the dtype.

    Raises:
        ValueError: if images has neither rank 3 nor rank 4, if size is not one or two positive
            ints, if it is both to crop and to pad, if the table of weights would be too large, or
            for another interpolation, fill_mode or data_format.
        TypeError: if images is no array of numbers, or size is no int or several.

    >>> resize(np.zeros((1, 4, 4, 3)), (8, 6)).shape
    (1, 8, 6, 3)
    """
    rows, columns = per_axis(size, 2, "size")
    target = (rows, columns)
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"resize: interpolation must be one of {', '.join(INTERPOLATIONS)}, but got "
            f"{interpolation!r}."
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize: only one of crop_ and pad_to_aspect_ratio may be chosen.")
    if fill_mode != "constant":
        raise ValueError(f'resize: fill_mode must be "constant", but got {fill_mode!r}.')

    def apply(x: Tensor) -> Tensor:
        height, width = known_sizes("resize", x)
        if crop_to_aspect_ratio:
            x = _cropped(x, height, width, target)
        if pad_to_aspect_ratio:
            x = _padded(x, height, width, target, fill_value)
        return _resized(x, target, interpolation, antialias)

    return each_image("resize", images, data_format, apply)


def _cropped(x: Tensor, height: int, width: int, target: tuple[int, int]) -> Tensor:
    rows = max(min(height, width * target[0] // target[1]), 1)
    columns = max(min(width, height * target[1] // target[0]), 1)
    top, left = (height - rows) // 2, (width - columns) // 2
    return x[:, top : top + rows, left : left + columns]


def _padded(
    x: Tensor, height: int, width: int, target: tuple[int, int], fill_value: float
) -> Tensor:
    rows = max(height, width * target[0] // target[1])
    columns = max(width, height * target[1] // target[0])
    # The same margin on both sides, as Keras has it, even where one pixel is then missing.
    above, beside = (rows - height) // 2, (columns - width) // 2
    margins = [(0, 0), (above, above), (beside, beside), (0, 0)]
    return ops.pad(x, margins, constant_values=fill_value)


# Numbers of the table that says which pixels make which.
_LARGEST = 1 << 27


def _resized(x: Tensor, target: tuple[int, int], interpolation: str, antialias: bool) -> Tensor:
    if interpolation == "nearest":
        for axis, outputs in enumerate(target, 1):
            inputs: Any = x.shape[axis]
            at = nearest_of(inputs, outputs)
            x = x if inputs == outputs else ops.take(x, at, axis=axis)
        return x
    y = widened(x)
    for axis, outputs in enumerate(target, 1):
        inputs = x.shape[axis]
        if inputs == outputs:
            continue
        if inputs * outputs > _LARGEST:
            raise ValueError(
                f"resize: from {inputs} to {outputs} rows or columns by {interpolation!r} takes a "
                f"table of more than {_LARGEST} numbers. Resize by 'nearest', or smaller images."
            )
        weights = weights_of(inputs, outputs, interpolation, antialias)
        y = _along(y, axis, weights.astype(y.dtype))
    if dtypes.is_int(x.dtype):
        return ops.saturate_cast(ops.round(y), x.dtype)
    return ops.cast(y, x.dtype)


def scale_and_translate(
    images: Any,
    output_shape: Any,
    scale: Any,
    translation: Any,
    spatial_dims: Any,
    method: str,
    antialias: bool = True,
) -> Tensor:
    """A tensor stretched and moved along some axes.

    Args:
        images: a float tensor of any rank.
        output_shape: the shape of the result; None may stand for a size that stays.
        scale: how much larger things become, one number per axis of `spatial_dims`.
        translation: by how much they then move, one number per axis of `spatial_dims`.
        spatial_dims: the axes; on the others the shape stays as it is.
        method: "linear", "cubic", "lanczos3" or "lanczos5" (or as for images: "bilinear" ...).
        antialias: whether, where things become smaller, all elements count.

    Returns:
        A tensor as large on `spatial_dims` as `output_shape` says; 0 where nothing came to lie.
        Floats keep their dtype, integers become config.floatx().

    Raises:
        ValueError: if output_shape, scale or translation have other than one number per axis, if
            a size is not positive, if output_shape has another size than images outside of
            `spatial_dims`, if there is no such axis or one comes twice, or for another method.
        TypeError: if images, scale or translation is no array of numbers, or output_shape or
            spatial_dims no sequence of ints.

    >>> scale_and_translate(np.ones((4, 4)), (6, 4), [1.0], [2.0], (0,), "linear").numpy()[:, 0]
    array([0., 0., 1., 1., 1., 1.])
    """
    (x,) = promoted(images, to=dtypes.floating)
    axes = tuple(canonical_axis(a, x.rank) for a in spatial_dims)
    if len(output_shape) != x.rank or np.ndim(output_shape) != 1:
        raise ValueError(
            f"scale_and_translate: output_shape must have one size per axis of "
            f"{format_shape(x.shape)}, but it is {output_shape!r}."
        )
    if len(set(axes)) < len(axes):
        raise ValueError(f"scale_and_translate: spatial_dims names an axis twice: {axes}.")
    sizes = tuple(map(known, output_shape))
    if any(sizes[i] is not None and sizes[i] < 1 for i in axes):  # type: ignore[operator]
        raise ValueError(
            f"scale_and_translate: on the spatial_dims {axes} output_shape must be positive, but "
            f"it is {format_shape(sizes)}."
        )
    staying = [i for i in range(x.rank) if i not in axes]
    if not compatible(tuple(sizes[i] for i in staying), tuple(x.shape[i] for i in staying)):
        raise ValueError(
            f"scale_and_translate: outside of the spatial_dims {axes} output_shape must be that of "
            f"the images, {format_shape(x.shape)}, but it is {format_shape(sizes)}."
        )
    if method not in _KERNELS:
        raise ValueError(
            f"scale_and_translate: method must be one of {', '.join(_KERNELS)}, not {method!r}."
        )
    scale, shift = (ops.cast(as_tensor(v), at_least_single(x.dtype)) for v in (scale, translation))
    for v, name in ((scale, "scale"), (shift, "translation")):
        if not compatible(v.shape, (len(axes),)):
            raise ValueError(
                f"scale_and_translate: {name} must hold one number for each of the "
                f"{len(axes)} spatial_dims, but has shape {format_shape(v.shape)}."
            )
    for i, axis in enumerate(axes):
        inputs, outputs = x.shape[axis], sizes[axis]
        if inputs is None or outputs is None:
            raise ValueError(f"scale_and_translate: the size of axis {axis} must be known.")
        x = _along(x, axis, _weights(ops, inputs, outputs, scale[i], shift[i], method, antialias))
    return x
