"""Pooling: the maximum or mean of windows, or of everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from kerasish import compat, ops
from kerasish.compat.modules import attributes as older_attributes
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import data_format as checked_format
from kerasish.layers.checks import padding as checked_padding
from kerasish.layers.checks import per_axis
from kerasish.layers.input_spec import InputSpec


class _Pooling(Layer):
    """Pooling of windows. Subclasses say over how many axes (`rank`) and how (`pool`)."""

    rank: int
    pool: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        name = type(self).__name__
        self.pool_size = per_axis(pool_size, self.rank, f"{name}: pool_size")
        strides = self.pool_size if strides is None else strides
        self.strides = per_axis(strides, self.rank, f"{name}: strides")
        self.padding = checked_padding(padding, ("valid", "same"), self.rank, f"{name}: padding")
        self.data_format = checked_format(data_format, name)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The maximum or mean of each window."""
        return type(self).pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


_older = compat.older_names(
    pool_length="pool_size", stride="strides", border_mode="padding", dim_ordering="data_format"
)


@_older
class MaxPooling1D(_Pooling):
    """The maximum of each window of a sequence.

    Args:
        pool_size: how many steps a window covers.
        strides: by how many steps it moves on; `pool_size` if None.
        padding: "valid" (none) or "same" (as many outputs as steps over the stride).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, steps, channels) -> (batch, new steps, channels)

    >>> MaxPooling1D()(np.ones((1, 8, 3))).shape
    (1, 4, 3)
    """

    rank = 1
    pool = staticmethod(ops.max_pool)


@_older
class MaxPooling2D(_Pooling):
    """The maximum of each window of an image.

    Args:
        pool_size: height and width of a window; one int for both.
        strides: by how much it moves on; `pool_size` if None.
        padding: "valid" (none) or "same" (as many outputs as places over the stride).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, height, width, channels) -> (batch, new height, new width, channels)

    >>> MaxPooling2D()(np.ones((1, 8, 8, 3))).shape
    (1, 4, 4, 3)
    """

    rank = 2
    pool = staticmethod(ops.max_pool)


@_older
class MaxPooling3D(_Pooling):
    """The maximum of each window of a volume.

    Args: as those of `MaxPooling2D`, with three spatial axes.

    Shapes:
        (batch, a, b, c, channels) -> (batch, new a, new b, new c, channels)

    >>> MaxPooling3D()(np.ones((1, 4, 4, 4, 3))).shape
    (1, 2, 2, 2, 3)
    """

    rank = 3
    pool = staticmethod(ops.max_pool)


@_older
class AveragePooling1D(_Pooling):
    """The mean of each window of a sequence; padding does not count.

    Args: as those of `MaxPooling1D`.

    Shapes:
        (batch, steps, channels) -> (batch, new steps, channels)

    >>> AveragePooling1D()(np.ones((1, 8, 3))).shape
    (1, 4, 3)
    """

    rank = 1
    pool = staticmethod(ops.average_pool)


@_older
class AveragePooling2D(_Pooling):
    """The mean of each window of an image; padding does not count.

    Args: as those of `MaxPooling2D`.

    Shapes:
        (batch, height, width, channels) -> (batch, new height, new width, channels)

    >>> AveragePooling2D()(np.ones((1, 8, 8, 3))).shape
    (1, 4, 4, 3)
    """

    rank = 2
    pool = staticmethod(ops.average_pool)


@_older
class AveragePooling3D(_Pooling):
    """The mean of each window of a volume; padding does not count.

    Args: as those of `MaxPooling2D`, with three spatial axes.

    Shapes:
        (batch, a, b, c, channels) -> (batch, new a, new b, new c, channels)

    >>> AveragePooling3D()(np.ones((1, 4, 4, 4, 3))).shape
    (1, 2, 2, 2, 3)
    """

    rank = 3
    pool = staticmethod(ops.average_pool)


class _GlobalPooling(Layer):
    """Pooling of all places. Subclasses say over how many axes (`rank`) and how (`pool`)."""

    rank: int
    pool: ClassVar[Callable[..., Tensor]]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = checked_format(data_format, type(self).__name__)
        self.keepdims = bool(keepdims)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    @property
    def _axes(self) -> tuple[int, ...]:
        first = 2 if self.data_format == "channels_first" else 1
        return tuple(range(first, first + self.rank))

    def call(self, inputs: Tensor) -> Tensor:
        """The maximum or mean over all places."""
        return type(self).pool(inputs, axis=self._axes, keepdims=self.keepdims)


_older_global = compat.older_names(dim_ordering="data_format")


@_older_global
class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum of a whole sequence.

    Args:
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        keepdims: whether to keep the axis of the steps, with size 1.

    Shapes:
        (batch, steps, channels) -> (batch, channels)

    >>> GlobalMaxPooling1D()(np.ones((1, 8, 3))).shape
    (1, 3)
    """

    rank = 1
    pool = staticmethod(ops.max)


@_older_global
class GlobalMaxPooling2D(_GlobalPooling):
    """The maximum of a whole image.

    Args: as those of `GlobalMaxPooling1D`.

    Shapes:
        (batch, height, width, channels) -> (batch, channels)

    >>> GlobalMaxPooling2D()(np.ones((1, 4, 4, 3))).shape
    (1, 3)
    """

    rank = 2
    pool = staticmethod(ops.max)


@_older_global
class GlobalMaxPooling3D(_GlobalPooling):
    """The maximum of a whole volume.

    Args: as those of `GlobalMaxPooling1D`.

    Shapes:
        (batch, a, b, c, channels) -> (batch, channels)

    >>> GlobalMaxPooling3D()(np.ones((1, 2, 2, 2, 3))).shape
    (1, 3)
    """

    rank = 3
    pool = staticmethod(ops.max)


@_older_global
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of a whole sequence; masked steps do not count.

    Args: as those of `GlobalMaxPooling1D`.

    Shapes:
        (batch, steps, channels) -> (batch, channels)

    >>> GlobalAveragePooling1D()(np.ones((1, 8, 3))).shape
    (1, 3)
    """

    rank = 1
    pool = staticmethod(ops.mean)
    supports_masking = True

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        """The mean over the steps that count."""
        if mask is None:
            return super().call(inputs)
        (axis,) = self._axes
        weights = ops.expand_dims(ops.cast(mask, inputs.dtype), 3 - axis)
        total = ops.sum(inputs * weights, axis=axis, keepdims=self.keepdims)
        return total / ops.sum(weights, axis=axis, keepdims=self.keepdims)

    def compute_mask(self, inputs: Tensor, mask: Any = None) -> None:
        """No steps are left, so there is no mask."""


@_older_global
class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of a whole image.

    Args: as those of `GlobalMaxPooling1D`.

    Shapes:
        (batch, height, width, channels) -> (batch, channels)

    >>> GlobalAveragePooling2D()(np.ones((1, 4, 4, 3))).shape
    (1, 3)
    """

    rank = 2
    pool = staticmethod(ops.mean)


@_older_global
class GlobalAveragePooling3D(_GlobalPooling):
    """The mean of a whole volume.

    Args: as those of `GlobalMaxPooling1D`.

    Shapes:
        (batch, a, b, c, channels) -> (batch, channels)

    >>> GlobalAveragePooling3D()(np.ones((1, 2, 2, 2, 3))).shape
    (1, 3)
    """

    rank = 3
    pool = staticmethod(ops.mean)


# Older Keras has more layers under the name of this module.
__getattr__ = older_attributes(__name__)
