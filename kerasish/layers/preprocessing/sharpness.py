"""Images made sharper, or blurred, at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import per_axis
from kerasish.layers.preprocessing.colour import Colour
from kerasish.layers.preprocessing.images import (
    Transformation,
    bounds_of,
    checked_range,
    per_image,
)


class RandomSharpness(Colour):
    """Makes each image sharper or smoother, by a factor that is drawn.

    Acts while training, and when called by itself.

    Args:
        factor: from 0 (smooth) by way of 0.5 (as it is) to 1 (sharp), below 0 smoother still: two
            numbers from -1 to 1 to draw between, or one, for from 0 to it.
        value_range: the least and the largest value of a pixel.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        seed: an int, for the same numbers in each run of the program.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomSharpness((0.5, 0.5))(np.ones((1, 4, 4, 3))).shape
    (1, 4, 4, 3)
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = bounds_of(factor, "RandomSharpness: factor", start=0.0)
        self.value_range = checked_range(value_range, "RandomSharpness")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The factors."""
        return self._drawn("factor", data, self.factor, seed, training, rank=1)

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        first = self.data_format == "channels_first"
        images = ops.moveaxis(x, 1, -1) if first else x
        weights = np.full((3, 3, 1, 1), 1 / 13)
        weights[1, 1] = 5 / 13
        channels = images.shape[-1]
        if channels is None:
            raise ValueError(f"Layer {self.name}: the number of channels must be known.")
        kernel = np.repeat(weights, channels, axis=2)
        smooth = ops.depthwise_conv(
            images, ops.cast(kernel, x.dtype), padding="same", data_format="channels_last"
        )
        smooth = ops.moveaxis(smooth, -1, 1) if first else smooth
        factor = ops.cast(per_image(transformation["factor"]) * 2, x.dtype)
        return self._clip(x + (1.0 - factor) * (smooth - x))


class RandomGaussianBlur(Colour):
    """Blurs each image with a probability.

    Acts while training, and when called by itself.

    Args:
        factor: the probability, from 0 to 1: two numbers to draw it between, or one, for from 0
            to it.
        kernel_size: the size of the window, an odd number or two of them.
        sigma: the deviations of the normal distribution, from 0 on, for both axes: two numbers to
            draw between, or one, for from 0 to it.
        value_range: the least and the largest value of a pixel.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        seed: an int, for the same numbers in each run of the program.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomGaussianBlur()(np.ones((1, 4, 4, 3))).shape
    (1, 4, 4, 3)
    """

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = bounds_of(factor, "RandomGaussianBlur: factor", 0.0)
        self.kernel_size = per_axis(kernel_size, 2, "RandomGaussianBlur: kernel_size")
        if any(n % 2 == 0 for n in self.kernel_size):
            raise ValueError(
                "RandomGaussianBlur: kernel_size must be an odd number or two of them, but got "
                f"{kernel_size!r}."
            )
        self.sigma = bounds_of(sigma, "RandomGaussianBlur: sigma", 0.0, math.inf)
        self.value_range = checked_range(value_range, "RandomGaussianBlur")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """Which images are blurred, and the deviations for both axes."""
        if not training:
            return {}
        chosen = self._chosen(self._batch(data), self.factor, seed)
        spread = self._uniform((2,), self.sigma, seed) + 1e-6
        return {"should_apply_blur": chosen, "blur_factor": spread}

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        sigma = transformation["blur_factor"]
        blurred = ops.image.gaussian_blur(x, self.kernel_size, sigma, self.data_format)
        chosen = per_image(transformation["should_apply_blur"])
        return self._clip(ops.where(chosen, blurred, x))
