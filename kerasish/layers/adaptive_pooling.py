"""Adaptive pooling: windows laid out so that a given number of outputs results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import data_format as checked_format
from kerasish.layers.checks import per_axis
from kerasish.layers.input_spec import InputSpec


class _AdaptivePooling(Layer):
    """Subclasses say over how many axes (`rank`) and how (`pool`)."""

    rank: int
    pool: ClassVar[Callable[..., Tensor]]

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        name = type(self).__name__
        self.output_size = per_axis(output_size, self.rank, f"{name}: output_size")
        self.data_format = checked_format(data_format, name)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The maximum or mean of each window."""
        return type(self).pool(inputs, self.output_size, self.data_format)


class AdaptiveAveragePooling1D(_AdaptivePooling):
    """The mean of each of so many windows of a sequence.

    Args:
        output_size: how many outputs there are: an int, or one per spatial axis.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, steps, channels) -> (batch, output_size, channels)

    >>> AdaptiveAveragePooling1D(3)(np.ones((1, 7, 3))).shape
    (1, 3, 3)
    """

    rank = 1
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling2D(_AdaptivePooling):
    """The mean of each of so many windows of an image.

    Args: as those of `AdaptiveAveragePooling1D`.

    Shapes:
        (batch, height, width, channels) -> (batch, *output_size, channels)

    >>> AdaptiveAveragePooling2D(2)(np.ones((1, 7, 5, 3))).shape
    (1, 2, 2, 3)
    """

    rank = 2
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling3D(_AdaptivePooling):
    """The mean of each of so many windows of a volume.

    Args: as those of `AdaptiveAveragePooling1D`.

    Shapes:
        (batch, a, b, c, channels) -> (batch, *output_size, channels)

    >>> AdaptiveAveragePooling3D(2)(np.ones((1, 4, 3, 5, 3))).shape
    (1, 2, 2, 2, 3)
    """

    rank = 3
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveMaxPooling1D(_AdaptivePooling):
    """The maximum of each of so many windows of a sequence.

    Args: as those of `AdaptiveAveragePooling1D`.

    Shapes:
        (batch, steps, channels) -> (batch, output_size, channels)

    >>> AdaptiveMaxPooling1D(3)(np.ones((1, 7, 3))).shape
    (1, 3, 3)
    """

    rank = 1
    pool = staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling2D(_AdaptivePooling):
    """The maximum of each of so many windows of an image.

    Args: as those of `AdaptiveAveragePooling1D`.

    Shapes:
        (batch, height, width, channels) -> (batch, *output_size, channels)

    >>> AdaptiveMaxPooling2D(2)(np.ones((1, 7, 5, 3))).shape
    (1, 2, 2, 3)
    """

    rank = 2
    pool = staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling3D(_AdaptivePooling):
    """The maximum of each of so many windows of a volume.

    Args: as those of `AdaptiveAveragePooling1D`.

    Shapes:
        (batch, a, b, c, channels) -> (batch, *output_size, channels)

    >>> AdaptiveMaxPooling3D(2)(np.ones((1, 4, 3, 5, 3))).shape
    (1, 2, 2, 2, 3)
    """

    rank = 3
    pool = staticmethod(ops.adaptive_max_pool)
