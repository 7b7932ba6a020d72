"""Images of another size: stretched, or cut out."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.graph.primitive import composite
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import one_of, positive
from kerasish.layers.preprocessing.images import (
    ImageLayer,
    RandomImageLayer,
    Transformation,
    at_known_sizes_p,
)

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")


class Resizing(ImageLayer):
    """Images of another size.

    Whole numbers stay whole numbers where the layer is called on data; in models and datasets they
    become floats, as in Keras.

    Args:
        height: of the result.
        width: of the result.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3", "lanczos5" or "area".
        crop_to_aspect_ratio: whether to cut off what does not fit the new proportions, instead
            of distorting.
        pad_to_aspect_ratio: whether to add a margin to fit the new proportions.
        fill_mode: "constant", the only kind of margin.
        fill_value: what the margin holds.
        antialias: whether, where images become smaller, all pixels count.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        **kwargs: `bounding_box_format`, and what all layers take.

    Shapes:
        (batch, height, width, channels) -> the same with the new size; single images likewise;
        or a dict with "images" and what belongs to them

    >>> Resizing(2, 3)(np.ones((1, 8, 8, 3))).shape
    (1, 2, 3, 3)
    """

    only_training = False

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.height = positive(height, "Resizing: height")
        self.width = positive(width, "Resizing: width")
        self.interpolation = one_of(interpolation, _INTERPOLATIONS, "Resizing: interpolation")
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Resizing: only one of crop_ and pad_to_aspect_ratio may be chosen.")
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = one_of(fill_mode, ("constant",), "Resizing: fill_mode")
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The size of the images."""
        return {"sizes": self._sizes(data)}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """Images of the new size, in the same dtype."""
        return self._resized(self._given(images), self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """Each pixel is one of the old ones."""
        return self._resized(segmentation_masks, "nearest")

    def _resized(self, images: Any, interpolation: str) -> Tensor:
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Boxes for the new size; those of only -1 or 0, which fill up, become 0."""
        given = bounding_boxes["boxes"]
        moved = at_known_sizes_p(given, function=self._moved, sizes=transformation["sizes"])
        return self._boxed(bounding_boxes, moved, self.height, self.width)

    def _moved(self, given: Tensor, sizes: tuple[int, int]) -> Tensor:
        """The corners of boxes in the new images, those of old ones of a size."""
        height, width = sizes
        filler = ops.logical_or(ops.all(ops.equal(given, -1), -1), ops.all(ops.equal(given, 0), -1))
        corners = self._corners(given, height, width)
        down, across = self.height / height, self.width / width
        above = beside = 0.0
        if self.crop_to_aspect_ratio or self.pad_to_aspect_ratio:
            down = across = (max if self.crop_to_aspect_ratio else min)(down, across)
            # A margin that is added, or a part that is cut off.
            above, beside = (self.height - height * down) // 2, (self.width - width * across) // 2
            if self.crop_to_aspect_ratio:
                above = -((height * down - self.height) // 2)
                beside = -((width * across - self.width) // 2)
        scale = ops.cast([across, down, across, down], corners.dtype)
        moved = corners * scale + ops.cast([beside, above, beside, above], corners.dtype)
        return ops.where(ops.expand_dims(filler, -1), ops.zeros_like(moved), moved)


class _Window(ImageLayer):
    """Cuts out a window of a size; images that are too small are stretched."""

    height: int
    width: int
    centred: bool

    def _cut(self, images: Any, places: Any, interpolation: str, dtype: str) -> Tensor:
        x = ops.cast(images, dtype)
        return crop_window_p(
            x,
            *(() if places is None else (places,)),
            size=(self.height, self.width),
            axes=self._axes[:2],
            interpolation=interpolation,
            centred=self.centred,
        )

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """The windows."""
        return self._cut(images, transformation["places"], "bilinear", self.compute_dtype)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Tensor:
        """The same windows; where they are stretched, each pixel is one of the old ones."""
        dtype = ops.convert_to_tensor(segmentation_masks).dtype
        return self._cut(segmentation_masks, transformation["places"], "nearest", dtype)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Boxes within the windows."""
        places = transformation["places"]
        moved = at_known_sizes_p(
            bounding_boxes["boxes"],
            *(() if places is None else (places,)),
            function=self._moved,
            sizes=transformation["sizes"],
        )
        return self._boxed(bounding_boxes, moved, self.height, self.width)

    def _moved(self, given: Tensor, *places: Tensor, sizes: tuple[int, int]) -> Tensor:
        """The corners of boxes in the windows of images of a size."""
        corners = self._corners(given, *sizes)
        size = self.height, self.width
        where = places[0] if places else None
        top, left, rows, columns = _window_of(sizes, size, where, self.centred)
        start = ops.stack([ops.cast(n, corners.dtype) for n in (left, top, left, top)])
        across, down = self.width / columns, self.height / rows
        return (corners - start) * ops.cast([across, down, across, down], corners.dtype)


def _window_of(
    sizes: tuple[int, int], wanted: tuple[int, int], places: Tensor | None, centred: bool
) -> tuple[Any, Any, int, int]:
    """Where a window is cut out: top, left, height, width.

    Args:
        sizes: of the images.
        wanted: of the window, if the images are large enough.
        places: two numbers from 0 to 1 that say which window it is.
        centred: without places, whether it is the one in the middle; else, and of images that are
            too small, it is the largest one of the right proportions.
    """
    (height, width), (rows, columns) = sizes, wanted
    if height >= rows and width >= columns and (centred or places is not None):
        spare = height - rows, width - columns
        if places is None:
            return spare[0] // 2, spare[1] // 2, rows, columns
        counts = np.asarray(spare, "float32") + 1
        top, left = ops.unstack(ops.cast(ops.floor(places * counts), "int32"), 2)
        return top, left, rows, columns
    across = max(min(width, int(height * columns / rows)), 1)
    down = max(min(height, int(width * rows / columns)), 1)
    return int((height - down) / 2), int((width - across) / 2), down, across


def crop_window(
    x: Tensor,
    *places: Tensor,
    size: tuple[int, int],
    axes: tuple[int, int],
    interpolation: str,
    centred: bool,
) -> Tensor:
    """A window of each image; see `_window_of`."""
    sizes: Any = tuple(x.shape[axis] for axis in axes)
    top, left, rows, columns = _window_of(sizes, size, places[0] if places else None, centred)
    for axis, start, count in zip(axes, (top, left), (rows, columns), strict=True):
        x = ops.take(x, start + np.arange(count, dtype="int32"), axis=axis)
    if (rows, columns) == size:
        return x
    data_format = "channels_last" if axes == (1, 2) else "channels_first"
    return ops.image.resize(x, size, interpolation, data_format=data_format)


def _window_spec(x: Spec, *places: Spec, size: tuple[int, int], axes: Any, **how: Any) -> Spec:
    shape = [size[axes.index(i)] if i in axes else n for i, n in enumerate(x.shape)]
    return Spec(tuple(shape), x.dtype)


# Which window it is depends on sizes that may not be known before the graph runs.
crop_window_p = composite(crop_window, _window_spec)


class CenterCrop(_Window):
    """The middle of each image; where it is too small, as much as possible of it, stretched.

    Args:
        height: of the result.
        width: of the result.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        **kwargs: `bounding_box_format`, and what all layers take.

    Shapes:
        (batch, height, width, channels) -> the same with the new size; single images likewise;
        or a dict with "images" and what belongs to them

    >>> CenterCrop(2, 2)(np.arange(16.0).reshape(4, 4, 1)).numpy()[..., 0]
    array([[ 5.,  6.],
           [ 9., 10.]], dtype=float32)
    """

    only_training = False
    centred = True

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self.height = positive(height, "CenterCrop: height")
        self.width = positive(width, "CenterCrop: width")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The size of the images."""
        return {"sizes": self._sizes(data), "places": None}


class RandomCrop(_Window, RandomImageLayer):
    """A part of each image, at a place drawn for each batch.

    While testing, and where images are too small, it is the largest part in the middle that has
    the right proportions, stretched.

    Args:
        height: of the result.
        width: of the result.
        seed: an int, for the same places in each run of the program.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        **kwargs: `bounding_box_format`, and what all layers take.

    Shapes:
        (batch, height, width, channels) -> the same with the new size; single images likewise;
        or a dict with "images" and what belongs to them

    >>> RandomCrop(2, 3)(np.ones((1, 8, 8, 3))).shape
    (1, 2, 3, 3)
    """

    centred = False

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, seed=seed, name=name, **kwargs)
        self.height = positive(height, "RandomCrop: height")
        self.width = positive(width, "RandomCrop: width")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """Which window it is, if it is drawn, and the size of the images."""
        places = self._uniform((2,), (0.0, 1.0), seed) if training else None
        return {"sizes": self._sizes(data), "places": places}
