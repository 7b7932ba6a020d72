"""The shades of images, spread evenly."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.graph import dtypes
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import per_axis, positive
from kerasish.layers.preprocessing.images import (
    ImageLayer,
    as_floats,
    at_known_sizes_p,
    checked_range,
    narrowed,
    with_range,
)


class AutoContrast(ImageLayer):
    """Stretches each channel of each image to the whole range of values.

    Args:
        value_range: the least and the largest value of a pixel.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> AutoContrast()(np.array([[[10.0], [20.0], [30.0]]])).numpy().ravel()
    array([  0. , 127.5, 255. ], dtype=float32)
    """

    only_training = False

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any):
        super().__init__(**kwargs)
        self.value_range = checked_range(value_range, "AutoContrast")

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """Stretched; channels of one value stay as they are."""
        x = self._cast(images)
        whole = with_range(as_floats(x), self.value_range, (0, 255))
        low = ops.min(whole, axis=self._axes[:2], keepdims=True)
        high = ops.max(whole, axis=self._axes[:2], keepdims=True)
        some = high > low
        scale = 255.0 / ops.where(some, high - low, 1.0)
        stretched = ops.clip(whole * scale - low * scale, 0.0, 255.0)
        stretched = with_range(stretched, (0, 255), self.value_range)
        return ops.where(some, narrowed(stretched, x.dtype), x)


class Equalization(ImageLayer):
    """Changes shades such that all are about equally frequent, for each channel.

    As in Keras, the shades of all images of a batch are counted together. Acts while training,
    and when called by itself.

    Args:
        value_range: the least and the largest value of a pixel.
        bins: how many shades are told apart.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> Equalization()(np.array([[[10.0], [20.0], [30.0]]])).numpy().ravel()
    array([  0., 128., 255.], dtype=float32)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = checked_range(value_range, "Equalization")
        self.bins = positive(bins, "Equalization: bins")

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """Equalised."""
        x = self._cast(images)
        if not training:
            return x
        axis = self._axes[2]
        # Fewer bits confuse neighbouring shades.
        wide = ops.cast(x, dtypes.result_type(x.dtype, "float32"))
        channels = [self._equalized(part) for part in ops.unstack(wide, x.shape[axis], axis=axis)]
        return narrowed(ops.stack(channels, axis=axis), x.dtype)

    def _equalized(self, channel: Tensor) -> Tensor:
        whole = with_range(channel, self.value_range, (0, 255))
        last = self.bins - 1
        shades = ops.cast(ops.clip(whole * last / 255.0, 0.0, last), "int32")
        counts = ops.bincount(ops.reshape(shades, (-1,)), minlength=self.bins)
        sums = ops.cumsum(counts)
        several = ops.sum(ops.cast(counts > 0, "int32")) > 1
        # Before the first shade that occurs, the sums are 0.
        first = ops.min(ops.where(sums > 0, sums, sums[-1]))
        rest = ops.maximum(sums[-1] - first, 1)
        table = ops.cast(sums - first, whole.dtype) * 255.0 / ops.cast(rest, whole.dtype)
        table = ops.clip(ops.round(table), 0.0, 255.0)
        new = ops.where(several, ops.take(table, shades, axis=0), whole)
        return with_range(new, (0, 255), self.value_range)


class ContrastLimitedAdaptiveHistogramEqualization(ImageLayer):
    """Changes shades such that all are about equally frequent in each part of each image.

    Whole numbers stay whole numbers where the layer is called on data; in models and datasets they
    become floats, as in Keras.

    Source: Pizer et al., 1987, https://doi.org/10.1016/S0734-189X(87)80186-X

    Args:
        value_range: the least and the largest value of a pixel.
        clip_limit: how many times more often than on average a shade may be counted in a part;
            no limit if 0.
        tile_grid_size: into how many parts images are divided, (down, across).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, height, width, channels) -> the same; single images likewise; or a dict with
        "images" and what belongs to them

    >>> ContrastLimitedAdaptiveHistogramEqualization()(np.ones((1, 16, 16, 3))).shape
    (1, 16, 16, 3)
    """

    only_training = False

    def __init__(
        self,
        value_range: Any = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: Any = (8, 8),
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = checked_range(value_range, type(self).__name__)
        self.clip_limit = clip_limit
        self.tile_grid_size = per_axis(tile_grid_size, 2, f"{type(self).__name__}: tile_grid_size")

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """Equalised, in the same dtype."""
        x = self._given(images)
        dtype = x.dtype
        x = with_range(ops.cast(x, "float32"), self.value_range, (0, 255))
        x = x if self.data_format == "channels_last" else ops.moveaxis(x, 1, -1)
        x = at_known_sizes_p(x, function=self._equalized)
        x = x if self.data_format == "channels_last" else ops.moveaxis(x, -1, 1)
        return narrowed(with_range(x, (0, 255), self.value_range), dtype)

    def _equalized(self, x: Tensor) -> Tensor:
        height, width, _ = self._inner(x)
        down, across = self.tile_grid_size
        tiles = [-(-height // down), -(-width // across)]
        shades = ops.cast(ops.clip(x, 0.0, 255.0), "int32")
        table = self._table(self._in_tiles(shades, tiles), tiles[0] * tiles[1])
        return self._looked_up(shades, table, tiles)

    @staticmethod
    def _inner(x: Tensor) -> Any:
        """Height, width and channels, with channels last."""
        return x.shape[1:]

    def _in_tiles(self, shades: Tensor, tiles: list[int]) -> Tensor:
        """(batch * down * across * channels, pixels), mirrored where a part is not whole."""
        height, width, channels = self._inner(shades)
        down, across = self.tile_grid_size
        for axis, size, length in ((1, height, tiles[0] * down), (2, width, tiles[1] * across)):
            # Not by `pad`, which mirrors an image once: there may be more parts than pixels.
            places = np.pad(np.arange(size, dtype="int32"), (0, length - size), mode="symmetric")
            shades = ops.take(shades, places, axis=axis)
        parts = ops.reshape(shades, (-1, down, tiles[0], across, tiles[1], channels))
        return ops.reshape(ops.transpose(parts, (0, 1, 3, 5, 2, 4)), (-1, tiles[0] * tiles[1]))

    def _table(self, parts: Tensor, pixels: int) -> Tensor:
        """The new shade for each old one, part after part, flat."""
        counts = ops.cast(ops.bincount(parts, minlength=256), "float32")
        if self.clip_limit > 0:
            kept = ops.minimum(counts, self.clip_limit * pixels / 256.0)
            counts = kept + ops.sum(counts - kept, axis=-1, keepdims=True) / 256.0
        sums = ops.cumsum(counts, axis=-1)
        first = ops.min(sums, axis=-1, keepdims=True)
        rest = pixels - first
        rest = ops.where(ops.equal(rest, 0.0), 1.0, rest)
        return ops.reshape(ops.clip((sums - first) * 255.0 / rest, 0.0, 255.0), (-1,))

    def _looked_up(self, shades: Tensor, table: Tensor, tiles: list[int]) -> Tensor:
        """Between the middles of four parts, a mean of their new shades."""
        height, width, channels = self._inner(shades)
        rows, columns = (
            _around(size, tile, count)
            for size, tile, count in zip((height, width), tiles, self.tile_grid_size, strict=True)
        )
        down, across = self.tile_grid_size
        batch = ops.reshape(ops.arange(ops.shape(shades)[0]), (-1, 1, 1, 1)) * (down * across)
        channel = np.arange(channels, dtype="int32")
        total: Any = 0.0
        for row, above in rows:
            for column, beside in columns:
                place = row[:, None, None] * across + column[None, :, None]
                at = ((batch + place) * channels + channel) * 256 + shades
                weight = above[:, None, None] * beside[None, :, None]
                total = total + ops.take(table, at, axis=0) * weight
        return total


def _around(size: Any, tile: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The parts before and after each pixel, along one axis, and how much each of them counts."""
    place = (np.arange(size) - tile / 2) / tile
    before = np.floor(place)
    share = (place - before).astype("float32")
    ends = [np.clip(before + i, 0, count - 1).astype("int32") for i in (0, 1)]
    return [(ends[0], 1 - share), (ends[1], share)]
