"""The colours of images, changed at random."""

from __future__ import annotations

import math
from typing import Any

from kerasish import config, ops
from kerasish.graph.tensor import Tensor
from kerasish.layers.preprocessing.images import (
    RandomImageLayer,
    Transformation,
    as_floats,
    bounds_of,
    checked_range,
    narrowed,
    per_image,
    with_range,
)


class Colour(RandomImageLayer):
    """Changes colours only: labels, boxes and masks stay. Subclasses write `_coloured`."""

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """What becomes of a batch of images."""
        x = self._cast(images)
        if not training:
            return x
        return narrowed(self._coloured(as_floats(x), transformation), x.dtype)

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        """What becomes of a batch of images of floats."""
        raise NotImplementedError

    def _clip(self, x: Tensor) -> Tensor:
        low, high = self.value_range
        return ops.clip(x, low, high)

    def _drawn(
        self, name: str, data: Any, bounds: Any, seed: Any, training: bool = True, rank: int = 4
    ) -> Transformation:
        """One number per image."""
        if not training:
            return {}
        shape = (self._batch(data), *(1,) * (rank - 1))
        return {name: self._uniform(shape, bounds, seed)}


class RandomBrightness(Colour):
    """Makes each image brighter or darker by an amount that is drawn.

    Acts while training, and when called by itself.

    Args:
        factor: the amount as a share of the range of values, from -1 (black) to 1 (white): two
            numbers to draw between, or one, for from its opposite to it.
        value_range: the least and the largest value of a pixel.
        seed: an int, for the same numbers in each run of the program.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomBrightness((0.2, 0.2))(np.zeros((1, 1, 3))).numpy().ravel()
    array([51., 51., 51.], dtype=float32)
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ):
        super().__init__(seed=seed, **kwargs)
        self.factor = bounds_of(factor, "RandomBrightness: factor")
        self.value_range = checked_range(value_range, "RandomBrightness")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """What is added to the pixels of each image."""
        size = self.value_range[1] - self.value_range[0]
        bounds = (self.factor[0] * size, self.factor[1] * size)
        return self._drawn("rgb_delta", data, bounds, seed, training)

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        return self._clip(x + ops.cast(transformation["rgb_delta"], x.dtype))


class RandomContrast(Colour):
    """Multiplies the distance of each pixel to the mean of its channel by a factor drawn.

    Acts while training, and when called by itself.

    Args:
        factor: two numbers a, from 0 to 1, and b, not below a: the factor is drawn between 1 - a
            and 1 + b. One number from 0 to 1 counts as (0, factor).
        value_range: the least and the largest value of a pixel.
        seed: an int, for the same numbers in each run of the program.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomContrast(0.5)(np.ones((1, 2, 2, 3))).shape
    (1, 2, 2, 3)
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ):
        super().__init__(seed=seed, **kwargs)
        most = math.inf if isinstance(factor, (list, tuple)) else 1.0
        self.factor = bounds_of(factor, "RandomContrast: factor", 0.0, most)
        if self.factor[0] > 1:
            raise ValueError(
                f"RandomContrast: the lower factor must be from 0 to 1, but got {factor!r}."
            )
        self.value_range = checked_range(value_range, "RandomContrast")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The factors."""
        bounds = (1.0 - self.factor[0], 1.0 + self.factor[1])
        return self._drawn("contrast_factor", data, bounds, seed, training)

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        mean = ops.mean(x, axis=self._axes[:2], keepdims=True)
        factor = ops.cast(transformation["contrast_factor"], x.dtype)
        return self._clip((x - mean) * factor + mean)


class RandomColorDegeneration(Colour):
    """Takes a share of the colour out of each image, which is drawn.

    Acts while training, and when called by itself.

    Args:
        factor: the share, from 0 (nothing) to 1 (grey): two numbers to draw between, or one, for
            from its opposite (more colour) to it.
        value_range: the least and the largest value of a pixel.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        seed: an int, for the same numbers in each run of the program.

    Shapes:
        (batch, height, width, 3) -> the same; single images likewise; or a dict with "images"
        and what belongs to them

    >>> RandomColorDegeneration((1.0, 1.0))(np.array([[[255.0, 0.0, 0.0]]])).numpy().round()
    array([[[76., 76., 76.]]], dtype=float32)
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
        self.factor = bounds_of(factor, "RandomColorDegeneration: factor")
        self.value_range = checked_range(value_range, "RandomColorDegeneration")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The shares."""
        return self._drawn("factor", data, self.factor, seed, training)

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        grey = ops.image.rgb_to_grayscale(x, data_format=self.data_format)
        return self._clip(x + ops.cast(transformation["factor"], x.dtype) * (grey - x))


class RandomGrayscale(Colour):
    """Takes the colour out of each image with a probability. It keeps its 3 channels.

    Acts while training, and when called by itself.

    Args:
        factor: the probability.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        seed: an int, for the same choices in each run of the program.

    Shapes:
        (batch, height, width, 3) -> the same; single images likewise; or a dict with "images"
        and what belongs to them

    >>> RandomGrayscale(1.0)(np.array([[[255.0, 0.0, 0.0]]])).numpy().round()
    array([[[76., 76., 76.]]], dtype=float32)
    """

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if not 0 <= factor <= 1:
            raise ValueError(f"RandomGrayscale: factor must be from 0 to 1, but got {factor!r}.")
        self.factor = factor

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """Which images become grey."""
        drawn = self._drawn("should_apply", data, (0.0, 1.0), seed, training)
        return {name: ops.less(values, self.factor) for name, values in drawn.items()}

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        grey = ops.image.rgb_to_grayscale(x, data_format=self.data_format)
        return ops.where(transformation["should_apply"], grey, x)


class RandomHue(Colour):
    """Turns the colours of each image on the colour wheel by an angle that is drawn.

    Acts while training, and when called by itself.

    Args:
        factor: the share of half a turn, from -1 to 1, to either side: two numbers to draw
            between, or one, for from 0 to it.
        value_range: the least and the largest value of a pixel.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        seed: an int, for the same numbers in each run of the program.

    Shapes:
        (batch, height, width, 3) -> the same; single images likewise; or a dict with "images"
        and what belongs to them

    >>> RandomHue((1.0, 1.0))(np.array([[[255.0, 0.0, 0.0]]])).numpy().round()
    array([[[  0., 255., 255.]]], dtype=float32)
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
        self.factor = bounds_of(factor, "RandomHue: factor", start=0.0)
        self.value_range = checked_range(value_range, "RandomHue")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The shares of a whole turn."""
        if not training:
            return {}
        shape = (self._batch(data),)
        back = self._uniform(shape, (0.0, 1.0), seed) > 0.5
        half = 0.5 * self._uniform(shape, self.factor, seed)
        return {"factor": ops.where(back, -half, half)}

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        unit = with_range(x, self.value_range, (0, 1))
        hue, saturation, value = _hsv(unit, self._axes[2], self.data_format)
        hue = hue + ops.cast(per_image(transformation["factor"], 3), hue.dtype)
        hue = ops.where(hue > 1.0, hue - 1.0, ops.where(hue < 0.0, hue + 1.0, hue))
        rgb = _rgb([hue, saturation, value], self._axes[2], self.data_format)
        return with_range(ops.clip(rgb, 0.0, 1.0), (0, 1), self.value_range)


def _hsv(x: Tensor, axis: int, data_format: str) -> list[Tensor]:
    return ops.unstack(ops.image.rgb_to_hsv(x, data_format=data_format), 3, axis=axis)


def _rgb(parts: list[Tensor], axis: int, data_format: str) -> Tensor:
    return ops.image.hsv_to_rgb(ops.stack(parts, axis=axis), data_format=data_format)


class RandomSaturation(Colour):
    """Makes the colours of each image stronger or weaker, by a factor that is drawn.

    Acts while training, and when called by itself.

    Args:
        factor: 0.5 changes nothing, 0 leaves grey, towards 1 colours grow without limit: they
            are multiplied by f / (1 - f). Two numbers to draw f between, or one, for from its
            opposite to it.
        value_range: the least and the largest value of a pixel.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        seed: an int, for the same numbers in each run of the program.

    Shapes:
        (batch, height, width, 3) -> the same; single images likewise; or a dict with "images"
        and what belongs to them

    >>> RandomSaturation((0.0, 0.0))(np.array([[[255.0, 0.0, 0.0]]])).numpy()
    array([[[255., 255., 255.]]], dtype=float32)
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
        self.factor = bounds_of(factor, "RandomSaturation: factor", high=math.inf)
        self.value_range = checked_range(value_range, "RandomSaturation")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """What saturations are multiplied by."""
        if not training:
            return {}
        share = self._uniform((self._batch(data),), self.factor, seed)
        return {"factor": share / (1.0 - share + config.epsilon())}

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        hue, saturation, value = _hsv(x, self._axes[2], self.data_format)
        factor = ops.cast(per_image(transformation["factor"], 3), x.dtype)
        parts = [hue, self._clip(saturation * factor), value]
        return _rgb(parts, self._axes[2], self.data_format)


class RandomInvert(Colour):
    """Turns each image into its negative with a probability.

    Acts while training, and when called by itself.

    Args:
        factor: the probability, from 0 to 1: two numbers to draw it between, or one, for from 0
            to it.
        value_range: the least and the largest value of a pixel.
        seed: an int, for the same choices in each run of the program.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomInvert((1.0, 1.0))(np.zeros((1, 1, 3))).numpy().ravel()
    array([255., 255., 255.], dtype=float32)
    """

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = bounds_of(factor, "RandomInvert: factor", 0.0)
        self.value_range = checked_range(value_range, "RandomInvert")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """Which images are inverted."""
        if not training:
            return {}
        return {"apply_inversion": self._chosen(self._batch(data), self.factor, seed)}

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        chosen = per_image(transformation["apply_inversion"])
        return ops.where(chosen, self.value_range[1] - x, x)


class RandomPosterization(Colour):
    """Leaves fewer shades in each image: so many bits per pixel, a number that is drawn.

    Acts while training, and when called by itself.

    Args:
        factor: the bits, from 1 to 8: two numbers to draw between, without the larger, or one,
            for from 1 on.
        value_range: the least and the largest value of a pixel.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        seed: an int, for the same numbers in each run of the program.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomPosterization((2, 2))(np.array([[[10.0], [100.0], [255.0]]])).numpy().ravel()
    array([  0.,  64., 192.], dtype=float32)
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
        self.factor = bounds_of(factor, "RandomPosterization: factor", 1, 8)
        self.value_range = checked_range(value_range, "RandomPosterization")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """How many bits of each pixel become 0."""
        drawn = self._drawn("shift_factor", data, self.factor, seed, training, rank=1)
        return {name: 8 - ops.floor(bits) for name, bits in drawn.items()}

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        step = ops.power(2.0, ops.cast(per_image(transformation["shift_factor"]), x.dtype))
        whole = with_range(x, self.value_range, (0, 255))
        return with_range(ops.floor(whole / step) * step, (0, 255), self.value_range)


class Solarization(Colour):
    """Inverts the pixels of each image from a threshold on, which is drawn.

    Acts while training, and when called by itself.

    Args:
        addition_factor: what is added to the pixels before, as a share of their range, from 0 to
            1: two numbers to draw between, or one, for from 0 to it.
        threshold_factor: the threshold as such a share, likewise.
        value_range: the least and the largest value of a pixel.
        seed: an int, for the same numbers in each run of the program.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> Solarization(threshold_factor=(0.5, 0.5))(np.array([[[100.0], [200.0]]])).numpy().ravel()
    array([100.,  55.], dtype=float32)
    """

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = bounds_of(addition_factor, "Solarization: addition_factor", 0.0)
        self.threshold_factor = bounds_of(threshold_factor, "Solarization: threshold_factor", 0.0)
        self.value_range = checked_range(value_range, "Solarization")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """What is added, and the thresholds, both for pixels from 0 to 255."""
        if not training:
            return {}
        pairs = {"additions": self.addition_factor, "thresholds": self.threshold_factor}
        shape = (self._batch(data), 1, 1, 1)
        return {
            name: self._uniform(shape, (255.0 * low, 255.0 * high), seed)
            for name, (low, high) in pairs.items()
        }

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        added, threshold = (
            ops.cast(transformation[name], x.dtype) for name in ("additions", "thresholds")
        )
        whole = ops.clip(with_range(x, self.value_range, (0, 255)) + added, 0.0, 255.0)
        result = ops.where(whole < threshold, whole, 255.0 - whole)
        return with_range(result, (0, 255), self.value_range)


class RandomColorJitter(Colour):
    """Changes brightness, contrast, saturation and hue of each image, in this order.

    Acts while training, and when called by itself.

    Args:
        value_range: the least and the largest value of a pixel.
        brightness_factor: the `factor` of `RandomBrightness`; None leaves brightness as it is.
        contrast_factor: that of `RandomContrast`, likewise.
        saturation_factor: that of `RandomSaturation`, likewise.
        hue_factor: that of `RandomHue`, likewise.
        seed: an int, for the same numbers in each run of the program.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, height, width, 3) -> the same; single images likewise; or a dict with "images"
        and what belongs to them

    >>> RandomColorJitter(brightness_factor=(0.2, 0.2))(np.zeros((1, 1, 3))).numpy().ravel()
    array([51., 51., 51.], dtype=float32)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = checked_range(value_range, "RandomColorJitter")
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        common: dict[str, Any] = {
            "value_range": self.value_range,
            "data_format": self.data_format,
            "dtype": kwargs.get("dtype"),
            "seed": seed,
        }
        kinds: list[tuple[Any, Any]] = [
            (RandomBrightness, brightness_factor),
            (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor),
            (RandomHue, hue_factor),
        ]
        self._changes: list[Colour] = [
            kind(factor, **common) for kind, factor in kinds if factor is not None
        ]

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """What all the layers within draw."""
        generator = self.seed_generator if seed is None else seed
        changes = self._changes if training else []
        return {
            str(i): layer.get_random_transformation(data, training, generator)
            for i, layer in enumerate(changes)
        }

    def _coloured(self, x: Tensor, transformation: Transformation) -> Tensor:
        for i, layer in enumerate(self._changes):
            x = layer.transform_images(x, transformation[str(i)])
        return x
