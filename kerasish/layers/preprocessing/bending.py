"""Images bent at random: seen from another place, or drawn on rubber."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import one_of
from kerasish.layers.preprocessing import boxes
from kerasish.layers.preprocessing.images import (
    RandomImageLayer,
    Transformation,
    at_known_sizes_p,
    bounds_of,
    checked_range,
    drawn_now,
    per_image,
)
from kerasish.layers.preprocessing.warps import FILL_MODES, INTERPOLATIONS, Warp
from kerasish.ops import random
from kerasish.ops.image import filters, warping


class RandomPerspective(Warp):
    """Shows each image, with a probability, as if seen from another place.

    Acts while training, and when called by itself.

    Args:
        factor: the probability, from 0 to 1: two numbers to draw it between, or one, for from 0
            to it.
        scale: how far the corners move, from 0 to 1: by up to half of that share of their
            distance from the first pixel.
        interpolation: "bilinear" or "nearest".
        fill_value: what comes in from outside.
        seed: an int, for the same numbers in each run of the program.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        **kwargs: `bounding_box_format`, and what all layers take.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomPerspective(scale=0.3)(np.ones((1, 4, 4, 3))).shape
    (1, 4, 4, 3)
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            interpolation, "constant", fill_value, seed=seed, data_format=data_format, **kwargs
        )
        self.factor = bounds_of(factor, "RandomPerspective: factor", 0.0)
        if not 0 <= scale <= 1:
            raise ValueError(f"RandomPerspective: scale must be from 0 to 1, but got {scale!r}.")
        self.scale = scale

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """Which images change, where their corners were and go, and the size of the images."""
        height, width = self._sizes(data)
        drawn: Transformation = {"sizes": (height, width)}
        if training:
            batch = self._batch(data)
            drawn["apply_perspective"] = self._chosen(batch, self.factor, seed)
            bounds = (-0.5 * self.scale, 0.5 * self.scale)
            shares = self._uniform((batch, 4, 2), bounds, seed)
            right, below = (ops.cast(n - 1, "float32") for n in (width, height))
            start = ops.convert_to_tensor([[0, 0], [right, 0], [0, below], [right, below]])
            drawn["start_points"] = ops.broadcast_to(start, (batch, 4, 2))
            drawn["end_points"] = start + start * shares
        return drawn

    def _warped(self, images: Any, transformation: Transformation, interpolation: str) -> Tensor:
        changed = ops.image.perspective_transform(
            images,
            transformation["start_points"],
            transformation["end_points"],
            interpolation,
            self.fill_value,
            self.data_format,
        )
        return ops.where(per_image(transformation["apply_perspective"]), changed, images)

    def _moved(
        self, corners: Tensor, transformation: Transformation, height: Any, width: Any
    ) -> Tensor:
        start, end = transformation["start_points"], transformation["end_points"]
        moved = boxes.bent(corners, warping._through_points(start, end))
        return ops.where(per_image(transformation["apply_perspective"], 3), moved, corners)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["fill_mode"]  # not an argument of this one
        return config


class RandomElasticTransform(RandomImageLayer):
    """Bends each image, with a probability, as if it were drawn on rubber.

    Acts while training, and when called by itself. Bounding boxes are not supported.

    Source: Simard et al., 2003, https://doi.org/10.1109/ICDAR.2003.1227801

    Args:
        factor: the probability, from 0 to 1: two numbers to draw it between, or one, for from 0
            to it.
        scale: how strongly, from 0 to 1, likewise.
        interpolation: "bilinear" or "nearest".
        fill_mode: what comes in from outside: "reflect" or "mirror" (the image mirrored), "wrap"
            (the image again), "constant" (`fill_value`) or "nearest" (its last pixel).
        fill_value: for "constant".
        value_range: the least and the largest value of a pixel.
        seed: an int, for the same numbers in each run of the program.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomElasticTransform()(np.ones((1, 8, 8, 3))).shape
    (1, 8, 8, 3)
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        what = "RandomElasticTransform"
        self.factor = bounds_of(factor, f"{what}: factor", 0.0)
        self.scale = bounds_of(scale, f"{what}: scale", 0.0)
        self.interpolation = one_of(interpolation, INTERPOLATIONS, f"{what}: interpolation")
        self.fill_mode = one_of(fill_mode, (*FILL_MODES, "mirror"), f"{what}: fill_mode")
        self.fill_value = fill_value
        self.value_range = checked_range(value_range, what)

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """Which images are bent, and where each pixel comes from, (batch, height, width, 2)."""
        if not training or not self.scale[1] or not self.factor[1]:
            return {}
        height, width = self._sizes(data)
        batch = self._batch(data)
        amount = self._uniform((), self.scale, seed)
        generator = self.seed_generator if seed is None else seed
        noise = drawn_now(random.normal((batch, height, width, 2), seed=generator))
        return {
            "apply_transform": self._chosen(batch, self.factor, seed),
            "places": at_known_sizes_p(noise, amount, function=self._places),
        }

    def _places(self, noise: Tensor, amount: Tensor) -> Tensor:
        sizes: Any = noise.shape[1:3]
        sigma = 0.05 * min(sizes) * amount
        # As in Keras: over three whole deviations, as many as the strongest distortion needs.
        reach = 3 * int(0.05 * min(sizes) * self.scale[1])
        weights = filters.bell(2 * reach + 1, ops.maximum(sigma, 1e-6), "float32")
        near = np.abs(np.arange(-reach, reach + 1)) <= 3 * ops.floor(sigma)
        weights = ops.where(near, weights, 0.0)
        weights = weights / ops.sum(weights)
        # The numbers drawn have this deviation too.
        moves = filters.blur(noise * sigma, weights, weights, "same") * (0.1 * max(sizes) * amount)
        grid = np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), -1)
        return moves + grid.astype("float32")

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """Bent as the transformation says."""
        x = self._cast(images)
        if not training or not transformation:
            return x
        low, high = self.value_range
        return ops.clip(self._bent(x, transformation, self.interpolation), low, high)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """As the images are; each pixel is one of the old ones."""
        if not training or not transformation:
            return segmentation_masks
        return self._bent(segmentation_masks, transformation, "nearest")

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Raises NotImplementedError: boxes do not stay boxes."""
        raise NotImplementedError(
            f"Layer {self.name}: RandomElasticTransform does not support bounding boxes."
        )

    def _bent(self, x: Any, transformation: Transformation, interpolation: str) -> Tensor:
        images = x if self.data_format == "channels_last" else ops.moveaxis(x, 1, -1)

        def looked_up(images: Tensor, places: Tensor) -> Tensor:
            rows, columns = ops.unstack(places, 2, axis=-1)
            how = interpolation, self.fill_mode, self.fill_value
            return warping._sampled(images, rows, columns, *how)

        images, places = ops.cast(images, "float32"), transformation["places"]
        bent = at_known_sizes_p(images, places, function=looked_up)
        bent = bent if self.data_format == "channels_last" else ops.moveaxis(bent, -1, 1)
        chosen = per_image(transformation["apply_transform"])
        return ops.where(chosen, ops.cast(bent, x.dtype), x)
