"""Augmentation by several changes, and by mixing images."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import ops, tree
from kerasish.graph import dtypes
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import one_of, positive
from kerasish.layers.preprocessing.colour import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    RandomPosterization,
    Solarization,
)
from kerasish.layers.preprocessing.histograms import AutoContrast, Equalization
from kerasish.layers.preprocessing.images import (
    ImageLayer,
    RandomImageLayer,
    Transformation,
    above_zero,
    as_floats,
    bounds_of,
    checked_range,
    drawn_now,
    narrowed,
    per_image,
)
from kerasish.layers.preprocessing.sharpness import RandomSharpness
from kerasish.layers.preprocessing.warps import (
    INTERPOLATIONS,
    RandomRotation,
    RandomShear,
    RandomTranslation,
)
from kerasish.ops import distributions, random


def _draw(distribution: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
    return drawn_now(distribution(*args, **kwargs))


class _Several(RandomImageLayer):
    """Draws which out of several layers to apply."""

    def _make_layers(self, factor: tuple[float, float], all_ops: bool, dtype: Any) -> None:
        common: dict[str, Any] = {
            "data_format": self.data_format,
            "bounding_box_format": self.bounding_box_format,
            "dtype": dtype,
        }
        drawn = common | {"seed": self.seed}
        valued = {"value_range": self.value_range}
        bent = drawn | {"interpolation": self.interpolation}
        bits = max(1, int(8 * factor[1]))
        layers: list[ImageLayer] = [
            RandomShear(factor, factor, **bent),
            RandomTranslation(factor, factor, **bent),
            RandomRotation(factor, **bent),
            RandomPosterization(bits, **valued, **drawn),
            Solarization(factor, factor, **valued, **drawn),
            AutoContrast(**valued, **common),
            Equalization(**valued, **common),
        ]
        if all_ops:
            kinds = (RandomBrightness, RandomColorDegeneration, RandomContrast, RandomSharpness)
            layers += [kind(factor, **valued, **drawn) for kind in kinds]
        self._changes = layers

    def _choice(self, data: Any, count: int, seed: Any) -> Transformation:
        """The number of a layer below `count`, and what each layer draws."""
        index = ops.floor(self._uniform((), (0.0, float(count)), seed))
        layers = self._changes
        return {
            "index": ops.cast(index, "int32"),
            "drawn": [layer.get_random_transformation(data, True, seed) for layer in layers],
        }

    def _applied(self, method: str, value: Any, choice: Transformation) -> Any:
        """What the chosen layer makes of images, masks or boxes; beyond the last, nothing."""
        result = value
        for i, (layer, drawn) in enumerate(zip(self._changes, choice["drawn"], strict=True)):
            changed = getattr(layer, method)(value, drawn)
            if changed is not value:
                chosen = ops.equal(choice["index"], i)
                result = tree.map_structure(_choosing(chosen), changed, result)
        return result


def _choosing(chosen: Tensor) -> Callable[[Any, Any], Any]:
    return lambda new, old: ops.where(chosen, new, old)


class RandAugment(_Several):
    """Applies some of eleven changes, drawn for each batch: slants, shades, colours ...

    Acts while training, and when called by itself.

    Source: Cubuk et al., 2019, arXiv:1909.13719

    Args:
        value_range: the least and the largest value of a pixel.
        num_ops: how many changes, one after the other.
        factor: how strong they are, from 0 to 1: two numbers to draw between, or one, for from 0
            to it.
        interpolation: "bilinear" or "nearest".
        seed: an int, for the same numbers in each run of the program.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        **kwargs: `bounding_box_format`, and what all layers take.

    Shapes:
        (batch, height, width, 3) -> the same; single images likewise; or a dict with "images"
        and what belongs to them

    >>> RandAugment(num_ops=1)(np.ones((1, 8, 8, 3))).shape
    (1, 8, 8, 3)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_ops: int = 2,
        factor: Any = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = checked_range(value_range, "RandAugment")
        self.num_ops = positive(num_ops, "RandAugment: num_ops")
        self.factor = bounds_of(factor, "RandAugment: factor", 0.0)
        self.interpolation = one_of(interpolation, INTERPOLATIONS, "RandAugment: interpolation")
        self._make_layers(self.factor, True, kwargs.get("dtype"))

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """Which changes, and what they draw."""
        if not training:
            return {}
        generator = self.seed_generator if seed is None else seed
        count = len(self._changes)
        return {"steps": [self._choice(data, count, generator) for _ in range(self.num_ops)]}

    def _all(self, method: str, value: Any, transformation: Any, training: bool) -> Any:
        for choice in transformation["steps"] if training else ():
            value = self._applied(method, value, choice)
        return value

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """Changed by one layer after the other."""
        return self._all("transform_images", self._cast(images), transformation, training)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """As the images are."""
        method = "transform_segmentation_masks"
        return self._all(method, segmentation_masks, transformation, training)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """As the images are."""
        return self._all("transform_bounding_boxes", bounding_boxes, transformation, training)


class AugMix(_Several):
    """Mixes each image with versions of it that went through chains of changes.

    Acts while training, and when called by itself. Bounding boxes stay as they are.

    Source: Hendrycks et al., 2019, arXiv:1912.02781

    Args:
        value_range: the least and the largest value of a pixel.
        num_chains: how many versions.
        chain_depth: how many changes each goes through, none among them.
        factor: how strong they are, from 0 to 1: two numbers to draw between, or one, for from 0
            to it.
        alpha: how even the shares of the versions are.
        all_ops: whether to change brightness, colour, contrast and sharpness too.
        interpolation: "bilinear" or "nearest".
        seed: an int, for the same numbers in each run of the program.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, height, width, 3) -> the same; single images likewise; or a dict with "images"
        and what belongs to them

    >>> AugMix(num_chains=1, chain_depth=1)(np.ones((1, 8, 8, 3))).shape
    (1, 8, 8, 3)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Any = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = checked_range(value_range, "AugMix")
        self.num_chains = positive(num_chains, "AugMix: num_chains")
        self.chain_depth = positive(chain_depth, "AugMix: chain_depth")
        self.factor = bounds_of(factor, "AugMix: factor", 0.0)
        self.alpha = above_zero(alpha, "AugMix: alpha")
        self.all_ops = all_ops
        self.interpolation = one_of(interpolation, INTERPOLATIONS, "AugMix: interpolation")
        self._make_layers(self.factor, all_ops, kwargs.get("dtype"))

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The chains, the shares of their results, and the share of the image itself."""
        if not training:
            return {}
        generator = self.seed_generator if seed is None else seed
        shares = _draw(distributions.gamma, (self.num_chains,), self.alpha, "float32", generator)
        count = len(self._changes) + 1
        return {
            "chain_mixing_weights": shares / ops.sum(shares),
            "weight_sample": _draw(
                distributions.beta, (), self.alpha, self.alpha, "float32", generator
            ),
            "chains": [
                [self._choice(data, count, generator) for _ in range(self.chain_depth)]
                for _ in range(self.num_chains)
            ],
        }

    def _mixed(self, method: str, value: Tensor, transformation: Transformation) -> Tensor:
        shares = ops.cast(transformation["chain_mixing_weights"], value.dtype)
        own = ops.cast(transformation["weight_sample"], value.dtype)
        total: Any = 0.0
        for i, chain in enumerate(transformation["chains"]):
            version = value
            for choice in chain:
                version = self._applied(method, version, choice)
            total = total + version * shares[i]
        return own * value + (1.0 - own) * total

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """The mixtures."""
        x = self._cast(images)
        if not training:
            return x
        low, high = self.value_range
        mixed = ops.clip(self._mixed("transform_images", as_floats(x), transformation), low, high)
        return narrowed(mixed, x.dtype)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Mixed as the images are: shares of classes, as floats."""
        if not training:
            return segmentation_masks
        masks = as_floats(self._cast(segmentation_masks))
        return self._mixed("transform_segmentation_masks", masks, transformation)


# --- mixing images with others -----------------------------------------------------------


def _others(x: Tensor, transformation: Transformation) -> Tensor:
    return ops.take(x, transformation["permutation_order"], axis=0)


def _mixed_labels(labels: Any, transformation: Transformation) -> Tensor:
    """Labels as floats, in shares of both images."""
    x = ops.convert_to_tensor(labels)
    x = x if dtypes.is_float(x.dtype) else ops.cast(x, "float32")
    share = ops.cast(per_image(transformation["mix_weight"], x.ndim), x.dtype)
    return share * x + (1.0 - share) * _others(x, transformation)


class MixUp(RandomImageLayer):
    """Mixes each image with another of its batch, and their labels in the same shares.

    Acts while training, and when called by itself.

    Source: Zhang et al., 2017, arXiv:1710.09412

    Args:
        alpha: how even the shares are: they are drawn from a beta distribution.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        seed: an int, for the same numbers in each run of the program.
        **kwargs: `bounding_box_format`, and what all layers take. Images get the boxes of both,
            and while testing as many more of -1, so that a model knows their number.

    Shapes:
        (batch, height, width, channels) -> the same; or a dict with "images" and what belongs to
        them; "labels" are rows of shares, such as one-hot ones

    >>> MixUp()(np.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.alpha = above_zero(alpha, "MixUp: alpha")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The share of each image, and which other one it is mixed with."""
        if not training:
            return {}
        generator = self.seed_generator if seed is None else seed
        batch = self._batch(data)
        return {
            "permutation_order": _draw(distributions.shuffle, ops.arange(batch), seed=generator),
            "mix_weight": _draw(
                distributions.beta, (batch,), self.alpha, self.alpha, "float32", generator
            ),
        }

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """The mixtures."""
        x = self._cast(images)
        return narrowed(_mixed_labels(x, transformation), x.dtype) if training else x

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """Mixed in the same shares, as floats."""
        return _mixed_labels(labels, transformation) if training else labels

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Mixed in the same shares, as floats."""
        if not training:
            return segmentation_masks
        return _mixed_labels(segmentation_masks, transformation)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """The boxes of both images; while testing as many, of which the others are -1."""

        def doubled(values: Any) -> Tensor:
            x = ops.convert_to_tensor(values)
            others = _others(x, transformation) if training else ops.full_like(x, -1)
            return ops.concatenate([x, others], axis=1)

        return {key: doubled(x) for key, x in bounding_boxes.items()}


class _Patches(RandomImageLayer):
    """Draws a rectangle for each image."""

    def _interval(self, length: Any, share: Tensor, seed: Any) -> tuple[Tensor, Tensor]:
        """Begin and end of a share of a length, at any place."""
        whole = ops.cast(length, "float32")
        size = share * whole
        start = self._uniform(ops.shape(share), (0.0, 1.0), seed) * (whole - size)
        return start, start + size

    def _inside(self, box: tuple[Any, Any, Any, Any], height: Any, width: Any) -> Tensor:
        """True within the rectangles, in a shape that meets the images."""
        sizes, axes = (height, width), self._axes
        inside = None
        for axis, size, ends in zip(axes, sizes, (box[2:], box[:2]), strict=False):
            at = ops.reshape(
                ops.arange(size, dtype="float32"), [-1 if i == axis else 1 for i in range(4)]
            )
            begin, end = map(per_image, ends)
            along = ops.logical_and(ops.less_equal(begin, at), ops.less(at, end))
            inside = along if inside is None else ops.logical_and(inside, along)
        return inside  # type: ignore[return-value]


class CutMix(_Patches):
    """Replaces a rectangle of each image by that of another of its batch; labels get shares.

    Acts while training, and when called by itself. Bounding boxes are not supported.

    Source: Yun et al., 2019, arXiv:1905.04899

    Args:
        factor: how even the shares are: two numbers from 0 on to draw between, or one, for from
            0 to it. The shares are drawn from a beta distribution of this parameter.
        seed: an int, for the same numbers in each run of the program.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, height, width, channels) -> the same; or a dict with "images" and what belongs to
        them; "labels" are rows of shares, such as one-hot ones

    >>> CutMix()(np.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    def __init__(
        self,
        factor: Any = 1.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = bounds_of(factor, "CutMix: factor", 0.0, math.inf)

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The rectangles, the shares that stay, and where the other parts come from."""
        if not training:
            return {}
        generator = self.seed_generator if seed is None else seed
        height, width = self._sizes(data)
        batch = self._batch(data)
        alpha = self._uniform((), self.factor, seed) + 1e-6
        side = ops.sqrt(
            1.0 - _draw(distributions.beta, (batch,), alpha, alpha, "float32", generator)
        )
        left, right = self._interval(width, side, seed)
        top, bottom = self._interval(height, side, seed)
        area = ops.cast(width * height, "float32")
        return {
            "permutation_order": _draw(distributions.shuffle, ops.arange(batch), seed=generator),
            "batch_masks": self._inside((left, right, top, bottom), height, width),
            "mix_weight": 1.0 - (right - left) * (bottom - top) / area,
        }

    def _cut(self, x: Any, transformation: Transformation) -> Tensor:
        return ops.where(transformation["batch_masks"], _others(x, transformation), x)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """With parts of others."""
        x = self._cast(images)
        return self._cut(x, transformation) if training else x

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """Mixed in the shares of the areas, as floats."""
        return _mixed_labels(labels, transformation) if training else labels

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """As the images are."""
        return self._cut(segmentation_masks, transformation) if training else segmentation_masks

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Raises NotImplementedError: boxes do not stay boxes."""
        raise NotImplementedError(f"Layer {self.name}: CutMix does not support bounding boxes.")


class RandomErasing(_Patches):
    """Fills a rectangle of each image, with a probability.

    Acts while training, and when called by itself. Labels, boxes and masks stay.

    Source: Zhong et al., 2017, arXiv:1708.04896

    Args:
        factor: the probability, from 0 to 1: two numbers to draw it between, or one, for from 0
            to it.
        scale: the sides of the rectangle are the roots of shares drawn between these two numbers.
        fill_value: a number, or one per channel; noise if None.
        value_range: the least and the largest value of a pixel.
        seed: an int, for the same numbers in each run of the program.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> RandomErasing(scale=(1.0, 1.0), factor=(1, 1), fill_value=7)(np.ones((1, 1, 3))).numpy()
    array([[[7., 7., 7.]]], dtype=float32)
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = bounds_of(factor, "RandomErasing: factor", 0.0)
        self.scale = bounds_of(scale, "RandomErasing: scale", 0.0)
        if fill_value is not None and np.ndim(fill_value) > 1:
            raise ValueError(
                "RandomErasing: fill_value must be a number, one per channel, or None, but got "
                f"{fill_value!r}."
            )
        self.fill_value = fill_value
        self.value_range = checked_range(value_range, "RandomErasing")

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """The rectangles, which images they are filled in, and with what."""
        if not training:
            return {}
        height, width = self._sizes(data)
        batch = self._batch(data)
        sides = ops.sqrt(self._uniform((batch, 2), self.scale, seed))
        box = (
            *self._interval(width, sides[:, 0], seed),
            *self._interval(height, sides[:, 1], seed),
        )
        low, high = self.value_range
        return {
            "batch_masks": self._inside(box, height, width),
            "apply_erasing": self._chosen(batch, self.factor, seed),
            "fill_value": ops.clip(self._filling(data, seed), low, high),
        }

    def _filling(self, data: Any, seed: Any) -> Tensor:
        if self.fill_value is None:
            images = ops.convert_to_tensor(data["images"] if isinstance(data, dict) else data)
            generator = self.seed_generator if seed is None else seed
            return _draw(random.normal, ops.shape(images), seed=generator) * self.value_range[1]
        value = np.asarray(self.fill_value, "float32")
        if value.ndim:
            value = value.reshape([-1 if i == self._axes[2] else 1 for i in range(4)])
        return ops.convert_to_tensor(value)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """With filled rectangles."""
        x = self._cast(images)
        if not training:
            return x
        chosen = per_image(transformation["apply_erasing"])
        filled = ops.logical_and(chosen, transformation["batch_masks"])
        return ops.where(filled, ops.cast(transformation["fill_value"], x.dtype), x)


class MaxNumBoundingBoxes(ImageLayer):
    """Gives each image the same number of bounding boxes: leaves out the last, or fills up.

    Args:
        max_number: how many.
        fill_value: the numbers and the label of boxes that fill up.
        **kwargs: `bounding_box_format`, and what all layers take.

    Shapes:
        a dict with "images" and "bounding_boxes" -> the same

    >>> layer = MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
    >>> boxes = {"boxes": np.ones((1, 2, 4)), "labels": np.ones((1, 2))}
    >>> data = layer({"images": np.ones((1, 4, 4, 3)), "bounding_boxes": boxes})
    >>> data["bounding_boxes"]["labels"].numpy()
    array([[ 1.,  1., -1.]], dtype=float32)
    """

    only_training = False

    def __init__(self, max_number: int, fill_value: float = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.max_number = positive(max_number, "MaxNumBoundingBoxes: max_number")
        self.fill_value = fill_value

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """The images as they are."""
        return ops.convert_to_tensor(images)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """As many as wanted."""
        return {key: self._filled(x) for key, x in bounding_boxes.items()}

    def _filled(self, values: Any) -> Tensor:
        x = ops.convert_to_tensor(values)[:, : self.max_number]
        if x.shape[1] is None:
            raise ValueError(f"Layer {self.name}: the number of boxes must be known.")
        widths = [(0, 0), (0, self.max_number - x.shape[1])] + [(0, 0)] * (x.ndim - 2)
        return ops.pad(x, widths, constant_values=self.fill_value)
