"""Images flipped, moved, turned, stretched and bent at random."""

from __future__ import annotations

import math
from typing import Any

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import one_of
from kerasish.layers.preprocessing import boxes
from kerasish.layers.preprocessing.images import (
    RandomImageLayer,
    Transformation,
    bounds_of,
)

INTERPOLATIONS = ("nearest", "bilinear")
FILL_MODES = ("reflect", "wrap", "constant", "nearest")


class RandomFlip(RandomImageLayer):
    """Mirrors each image with probability 1/2.

    Acts while training, and when called by itself.

    Args:
        mode: "horizontal" (left becomes right), "vertical" or "horizontal_and_vertical".
        seed: an int, for the same choices in each run of the program.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        **kwargs: `bounding_box_format`, and what all layers take.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> float(RandomFlip("vertical")(np.ones((1, 4, 4, 3))).numpy().sum())
    48.0
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        modes = ("horizontal", "vertical", "horizontal_and_vertical")
        self.mode = one_of(mode, modes, "RandomFlip: mode")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """Which images are mirrored, and their size."""
        drawn: Transformation = {"sizes": self._sizes(data)}
        if training:
            values = self._uniform((self._batch(data), 1, 1, 1), (0.0, 1.0), seed)
            drawn["flips"] = ops.less_equal(values, 0.5)
        return drawn

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """Mirrored where the transformation says so."""
        return self._flipped(self._cast(images), transformation, training)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Tensor:
        """As the images are."""
        return self._flipped(segmentation_masks, transformation, training)

    def _flipped(self, x: Any, transformation: Any, training: bool) -> Any:
        if not training:
            return x
        rows, columns, _ = self._axes
        axes = {"horizontal": (columns,), "vertical": (rows,)}.get(self.mode, (rows, columns))
        return ops.where(transformation["flips"], ops.flip(x, axes), x)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """As the images are."""
        if not training:
            return bounding_boxes
        height, width = transformation["sizes"]
        corners = self._corners(bounding_boxes["boxes"], height, width)
        left, top, right, bottom = ops.unstack(corners, 4, axis=-1)
        if self.mode != "vertical":
            across = ops.cast(width, corners.dtype)
            left, right = across - right, across - left
        if self.mode != "horizontal":
            down = ops.cast(height, corners.dtype)
            top, bottom = down - bottom, down - top
        flipped = ops.stack([left, top, right, bottom], axis=-1)
        moved = ops.where(ops.squeeze(transformation["flips"], -1), flipped, corners)
        return self._boxed(bounding_boxes, moved, height, width)


class Warp(RandomImageLayer):
    """Bends images by a linear or projective map. Subclasses draw it and write `_matrix`."""

    def __init__(
        self,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        what = type(self).__name__
        self.interpolation = one_of(interpolation, INTERPOLATIONS, f"{what}: interpolation")
        self.fill_mode = one_of(fill_mode, FILL_MODES, f"{what}: fill_mode")
        self.fill_value = fill_value

    def _matrix(self, transformation: Transformation, height: Any, width: Any) -> Tensor:
        """(batch, 8): where the pixels of the new images come from."""
        raise NotImplementedError

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """Bent as the transformation says."""
        x = self._cast(images)
        return self._warped(x, transformation, self.interpolation) if training else x

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """As the images are; each pixel is one of the old ones."""
        if not training:
            return segmentation_masks
        return self._warped(segmentation_masks, transformation, "nearest")

    def _warped(self, images: Any, transformation: Transformation, interpolation: str) -> Tensor:
        return ops.image.affine_transform(
            images,
            self._matrix(transformation, *self._sizes(images)),
            interpolation,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """The boxes around the bent boxes."""
        if not training:
            return bounding_boxes
        height, width = transformation["sizes"]
        corners = self._corners(bounding_boxes["boxes"], height, width)
        moved = self._moved(corners, transformation, height, width)
        return self._boxed(bounding_boxes, moved, height, width)

    def _moved(
        self, corners: Tensor, transformation: Transformation, height: Any, width: Any
    ) -> Tensor:
        return boxes.bent(corners, self._matrix(transformation, height, width))


def _rows(*numbers: Any) -> Tensor:
    """(batch, 8) of 8 numbers, each one per image or one for all."""
    like = next(n for n in numbers if isinstance(n, Tensor))
    filled = [n if isinstance(n, Tensor) else ops.full_like(like, n) for n in numbers]
    return ops.stack(filled, axis=-1)


class RandomTranslation(Warp):
    """Moves each image by a share of its size that is drawn.

    Acts while training, and when called by itself.

    Args:
        height_factor: the share of the height, from -1 (up) to 1 (down): two numbers to draw
            between, or one, for from its opposite to it.
        width_factor: the share of the width, from -1 (left) to 1 (right), likewise.
        fill_mode: what comes in from outside: "reflect" (the image mirrored), "wrap" (the image
            again), "constant" (`fill_value`) or "nearest" (its last pixel).
        interpolation: "bilinear" or "nearest".
        seed: an int, for the same numbers in each run of the program.
        fill_value: for "constant".
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        **kwargs: `bounding_box_format`, and what all layers take.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> layer = RandomTranslation((0.5, 0.5), 0.0, fill_mode="constant")
    >>> layer(np.ones((4, 1, 1))).numpy().ravel()
    array([0., 0., 1., 1.], dtype=float32)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            interpolation, fill_mode, fill_value, seed=seed, data_format=data_format, **kwargs
        )
        self.height_factor, self.width_factor = height_factor, width_factor
        self._down = bounds_of(height_factor, "RandomTranslation: height_factor")
        self._across = bounds_of(width_factor, "RandomTranslation: width_factor")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """By how many pixels each image is moved, (batch, 2), and the size of the images."""
        height, width = self._sizes(data)
        drawn: Transformation = {"sizes": (height, width)}
        if training:
            shape = (self._batch(data), 1)
            down = self._uniform(shape, self._down, seed) * ops.cast(height, "float32")
            across = self._uniform(shape, self._across, seed) * ops.cast(width, "float32")
            drawn["translations"] = ops.concatenate([across, down], axis=1)
        return drawn

    def _matrix(self, transformation: Transformation, height: Any, width: Any) -> Tensor:
        by = transformation["translations"]
        return _rows(1.0, 0.0, -by[:, 0], 0.0, 1.0, -by[:, 1], 0.0, 0.0)


class RandomRotation(Warp):
    """Turns each image by an angle that is drawn.

    Acts while training, and when called by itself.

    Args:
        factor: the share of a whole turn, from -1 to 1 (counterclockwise): two numbers to draw
            between, or one, for from its opposite to it.
        fill_mode: what comes in from outside: "reflect" (the image mirrored), "wrap" (the image
            again), "constant" (`fill_value`) or "nearest" (its last pixel).
        interpolation: "bilinear" or "nearest".
        seed: an int, for the same numbers in each run of the program.
        fill_value: for "constant".
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        **kwargs: `bounding_box_format`, and what all layers take.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomRotation((0.5, 0.5))(np.array([[[1.0], [2.0]]])).numpy().round(3).ravel()
    array([2., 1.], dtype=float32)
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            interpolation, fill_mode, fill_value, seed=seed, data_format=data_format, **kwargs
        )
        self.factor = bounds_of(factor, "RandomRotation: factor")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The angles in degrees, and the size of the images."""
        drawn: Transformation = {"sizes": self._sizes(data)}
        if training:
            bounds = (self.factor[0] * 360.0, self.factor[1] * 360.0)
            drawn["angle"] = self._uniform((self._batch(data),), bounds, seed)
        return drawn

    def _matrix(self, transformation: Transformation, height: Any, width: Any) -> Tensor:
        angle = transformation["angle"] * (math.pi / 180)
        cos, sin = ops.cos(angle), ops.sin(angle)
        x, y = (0.5 * (ops.cast(n, "float32") - 1) for n in (width, height))
        return _rows(cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos, 0.0, 0.0)


class RandomZoom(Warp):
    """Stretches each image about its middle by a factor that is drawn.

    Acts while training, and when called by itself.

    Args:
        height_factor: how much more rows are seen, above -1 to 1; negative numbers zoom in. Two
            numbers to draw between, or one, for from its opposite to it.
        width_factor: the same for columns; what was drawn for rows if None.
        fill_mode: what comes in from outside: "reflect" (the image mirrored), "wrap" (the image
            again), "constant" (`fill_value`) or "nearest" (its last pixel).
        interpolation: "bilinear" or "nearest".
        seed: an int, for the same numbers in each run of the program.
        fill_value: for "constant".
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        **kwargs: `bounding_box_format`, and what all layers take.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomZoom(0.2)(np.ones((1, 4, 4, 3))).shape
    (1, 4, 4, 3)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            interpolation, fill_mode, fill_value, seed=seed, data_format=data_format, **kwargs
        )
        self.height_factor, self.width_factor = height_factor, width_factor
        self._down = bounds_of(height_factor, "RandomZoom: height_factor")
        across = height_factor if width_factor is None else width_factor
        self._across = bounds_of(across, "RandomZoom: width_factor")
        for value in (height_factor, width_factor):
            if isinstance(value, (list, tuple)) and min(value) <= -1:
                raise ValueError(f"RandomZoom: the factors must be above -1, but got {value!r}.")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The factors, (batch, 1) each, and the size of the images."""
        drawn: Transformation = {"sizes": self._sizes(data)}
        if training:
            shape = (self._batch(data), 1)
            down = 1 + self._uniform(shape, self._down, seed)
            same = self.width_factor is None
            drawn["height_zoom"] = down
            drawn["width_zoom"] = down if same else 1 + self._uniform(shape, self._across, seed)
        return drawn

    def _matrix(self, transformation: Transformation, height: Any, width: Any) -> Tensor:
        across, down = transformation["width_zoom"][:, 0], transformation["height_zoom"][:, 0]
        x = (ops.cast(width, "float32") - 1) / 2 * (1 - across)
        y = (ops.cast(height, "float32") - 1) / 2 * (1 - down)
        return _rows(across, 0.0, x, 0.0, down, y, 0.0, 0.0)


class RandomShear(Warp):
    """Slants each image by an amount that is drawn.

    Acts while training, and when called by itself.

    Args:
        x_factor: by how many columns each row is moved against the one above, from 0 to 1: two
            numbers to draw between, or one, for from its opposite to it.
        y_factor: by how many rows each column is moved, likewise.
        interpolation: "bilinear" or "nearest".
        fill_mode: what comes in from outside: "reflect" (the image mirrored), "wrap" (the image
            again), "constant" (`fill_value`) or "nearest" (its last pixel).
        fill_value: for "constant".
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        seed: an int, for the same numbers in each run of the program.
        **kwargs: `bounding_box_format`, and what all layers take.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomShear(0.2, 0.1)(np.ones((1, 4, 4, 3))).shape
    (1, 4, 4, 3)
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            interpolation, fill_mode, fill_value, seed=seed, data_format=data_format, **kwargs
        )
        self.x_factor, self.y_factor = x_factor, y_factor
        self._across, self._down = (
            _both_ways(value, f"RandomShear: {name}_factor")
            for name, value in (("x", x_factor), ("y", y_factor))
        )

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The amounts, (batch, 2), and the size of the images."""
        drawn: Transformation = {"sizes": self._sizes(data)}
        if training:
            shape = (self._batch(data), 1)
            turned = self._uniform(shape, (0.0, 1.0), seed) > 0.5
            down = self._uniform(shape, self._down, seed)
            across = self._uniform(shape, self._across, seed)
            both = ops.concatenate([across, down], axis=1)
            drawn["shear_factor"] = ops.where(turned, -both, both)
        return drawn

    def _matrix(self, transformation: Transformation, height: Any, width: Any) -> Tensor:
        by = transformation["shear_factor"]
        return _rows(1.0, by[:, 0], 0.0, by[:, 1], 1.0, 0.0, 0.0, 0.0)


def _both_ways(value: Any, what: str) -> tuple[float, float]:
    """From 0 on, or to both sides alike: what is drawn is turned round half of the time."""
    low, high = bounds_of(value, what)
    if low < 0 and low != -high:
        raise ValueError(f"{what} must be from 0 to 1, or two such numbers, but got {value!r}.")
    return low, high
