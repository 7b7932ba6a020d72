"""Layers that change shapes: reorder, repeat, pad, crop and enlarge."""

from __future__ import annotations

import math
from typing import Any

from kerasish import compat, ops
from kerasish.compat import older_images
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import data_format as checked_format
from kerasish.layers.checks import one_of, pairs_per_axis, per_axis, positive
from kerasish.layers.input_spec import InputSpec


class Flatten(Layer):
    """Puts all elements of each sample on one axis.

    Args:
        data_format: "channels_first" moves the channels to the end first, so that weights
            trained with "channels_last" fit; config.image_data_format() if None.

    Shapes:
        (batch, ...) -> (batch, product of the rest)

    >>> Flatten()(np.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = checked_format(data_format, "Flatten")
        self.input_spec = InputSpec(min_ndim=1)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs with two axes."""
        if self.data_format == "channels_first" and inputs.rank > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        batch, *rest = ops.shape(inputs)
        return ops.reshape(inputs, (batch, math.prod(rest)))


class Reshape(Layer):
    """Gives each sample another shape.

    Args:
        target_shape: without the batch axis; one size may be -1, or None: whatever is left.

    Shapes:
        (batch, ...) -> (batch, *target_shape)

    >>> Reshape((2, -1))(np.ones((5, 6))).shape
    (5, 2, 3)
    """

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        given = (target_shape,) if isinstance(target_shape, int) else target_shape
        sizes = tuple(-1 if size is None else size for size in given)
        if sum(size == -1 for size in sizes) > 1 or any(size < -1 for size in sizes):
            raise ValueError(
                f"Reshape: target_shape holds sizes, and at most one -1, but got {target_shape!r}."
            )
        self.target_shape = sizes
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs in the other shape."""
        sizes = ops.shape(inputs)
        return ops.reshape(inputs, (sizes[0], *self._target(inputs)))

    def _target(self, inputs: Tensor) -> list[Any]:
        """The target shape without -1."""
        fixed = math.prod(size for size in self.target_shape if size != -1)
        sizes = ops.shape(inputs)[1:]
        total = math.prod(sizes)
        if None not in inputs.shape[1:]:
            fits = total == fixed or (-1 in self.target_shape and fixed and total % fixed == 0)
            if not fits:
                raise ValueError(
                    f"Layer {self.name} cannot reshape samples of shape "
                    f"{format_shape(inputs.shape[1:])} ({total} elements) to "
                    f"{format_shape(self.target_shape)}."
                )
        return [total // fixed if size == -1 else size for size in self.target_shape]


class Permute(Layer):
    """Reorders the axes of each sample.

    Args:
        dims: for each axis of the output, which axis of the input it is, counted from 1.

    Shapes:
        (batch, ...) -> (batch, ...) in the order of `dims`

    >>> Permute((2, 1))(np.ones((5, 3, 4))).shape
    (5, 4, 3)
    """

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = (dims,) if isinstance(dims, int) else tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Permute: dims must be an order of the axes 1 to {len(self.dims)} (the batch "
                f"axis stays first and isn't named), but got {dims!r}."
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs in the other order."""
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Repeats each sample along a new axis.

    Args:
        n: how often.

    Shapes:
        (batch, features) -> (batch, n, features)

    >>> RepeatVector(3)(np.ones((2, 4))).shape
    (2, 3, 4)
    """

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n = positive(n, "RepeatVector: n")
        self.input_spec = InputSpec(ndim=2)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs, n times."""
        batch, features = ops.shape(inputs)
        return ops.broadcast_to(ops.expand_dims(inputs, 1), (batch, self.n, features))


class _Spatial(Layer):
    """A layer over the spatial axes of images, sequences or volumes.

    Subclasses say by `rank` how many spatial axes there are.
    """

    rank: int

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = checked_format(data_format, type(self).__name__)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    @property
    def _first_axis(self) -> int:
        return 2 if self.data_format == "channels_first" else 1


_older = compat.older_names(dim_ordering="data_format")


class _ZeroPadding(_Spatial):
    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.padding = pairs_per_axis(padding, self.rank, f"{type(self).__name__}: padding")

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs with a margin of zeros."""
        widths = [(0, 0)] * inputs.rank
        widths[self._first_axis : self._first_axis + self.rank] = self.padding
        return ops.pad(inputs, widths)


class ZeroPadding1D(_ZeroPadding):
    """Puts zeros before and after a sequence.

    Args:
        padding: how many: an int, or (before, after).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, steps, channels) -> (batch, before + steps + after, channels)

    >>> ZeroPadding1D((1, 2))(np.ones((1, 4, 3))).shape
    (1, 7, 3)
    """

    rank = 1

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"padding": self.padding[0]}


@_older
class ZeroPadding2D(_ZeroPadding):
    """Puts zeros around images.

    Args:
        padding: an int, (height, width), or ((top, bottom), (left, right)).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, height, width, channels) -> (batch, padded height, padded width, channels)

    >>> ZeroPadding2D(((1, 0), 2))(np.ones((1, 4, 4, 3))).shape
    (1, 5, 8, 3)
    """

    rank = 2


@_older
class ZeroPadding3D(_ZeroPadding):
    """Puts zeros around volumes.

    Args:
        padding: an int, one per axis, or a (before, after) pair per axis.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, a, b, c, channels) -> (batch, padded a, padded b, padded c, channels)

    >>> ZeroPadding3D(1)(np.ones((1, 2, 2, 2, 3))).shape
    (1, 4, 4, 4, 3)
    """

    rank = 3


class _Cropping(_Spatial):
    def __init__(self, cropping: Any = 0, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.cropping = pairs_per_axis(cropping, self.rank, f"{type(self).__name__}: cropping")

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs without their margin."""
        key = [slice(None)] * inputs.rank
        for axis, (before, after) in enumerate(self.cropping, start=self._first_axis):
            size = inputs.shape[axis]
            if size is not None and before + after >= size:
                raise ValueError(
                    f"Layer {self.name}: cropping {before} + {after} leaves nothing of axis "
                    f"{axis} of {format_shape(inputs.shape)}."
                )
            key[axis] = slice(before, -after if after else None)
        return inputs[tuple(key)]


class Cropping1D(_Cropping):
    """Cuts off the beginning and the end of a sequence.

    Args:
        cropping: how many steps: an int, or (before, after).

    Shapes:
        (batch, steps, channels) -> (batch, steps - before - after, channels)

    >>> Cropping1D((1, 2))(np.ones((1, 8, 3))).shape
    (1, 5, 3)
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(cropping, "channels_last", **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | {"cropping": self.cropping[0]}
        del config["data_format"]  # not an argument of this one
        return config


@_older
class Cropping2D(_Cropping):
    """Cuts off the margins of images.

    Args:
        cropping: an int, (height, width), or ((top, bottom), (left, right)).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, height, width, channels) -> (batch, cropped height, cropped width, channels)

    >>> Cropping2D(1)(np.ones((1, 4, 5, 3))).shape
    (1, 2, 3, 3)
    """

    rank = 2


@_older
class Cropping3D(_Cropping):
    """Cuts off the margins of volumes.

    Args:
        cropping: an int, one per axis, or a (before, after) pair per axis.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, a, b, c, channels) -> (batch, cropped a, cropped b, cropped c, channels)

    >>> Cropping3D(1)(np.ones((1, 4, 4, 4, 3))).shape
    (1, 2, 2, 2, 3)
    """

    rank = 3

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


class _UpSampling(_Spatial):
    def __init__(self, size: Any = 2, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.size = per_axis(size, self.rank, f"{type(self).__name__}: size")

    def call(self, inputs: Tensor) -> Tensor:
        """Each element, repeated."""
        for axis, times in enumerate(self.size, start=self._first_axis):
            inputs = ops.repeat(inputs, times, axis=axis) if times > 1 else inputs
        return inputs


@compat.older_names(length="size")
class UpSampling1D(_UpSampling):
    """Repeats each time step.

    Args:
        size: how often.

    Shapes:
        (batch, steps, channels) -> (batch, size * steps, channels)

    >>> UpSampling1D(3)(np.ones((1, 4, 2))).shape
    (1, 12, 2)
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(size, "channels_last", **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | {"size": self.size[0]}
        del config["data_format"]  # not an argument of this one
        return config


_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "keras2_bilinear")


@_older
class UpSampling2D(_UpSampling):
    """Enlarges images.

    Args:
        size: the factors: an int, or (height, width).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        interpolation: "nearest" repeats rows and columns; "bilinear", "bicubic", "lanczos3" and
            "lanczos5" draw smooth lines between them. "keras2_bilinear" is what Keras 2.3 called
            bilinear: pixels stay where they are.

    Shapes:
        (batch, height, width, channels) -> (batch, a * height, b * width, channels)

    >>> UpSampling2D((2, 3))(np.ones((1, 4, 4, 3))).shape
    (1, 8, 12, 3)
    """

    rank = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ):
        super().__init__(size, data_format, **kwargs)
        self.interpolation = one_of(interpolation, _INTERPOLATIONS, "UpSampling2D: interpolation")

    def call(self, inputs: Tensor) -> Tensor:
        """The enlarged images."""
        if self.interpolation == "nearest":
            return super().call(inputs)
        first = self._first_axis
        if self.interpolation == "keras2_bilinear":
            return older_images.enlarged(inputs, self.size, first)
        sizes = ops.shape(inputs)[first : first + 2]
        size = [n * times for n, times in zip(sizes, self.size, strict=True)]
        return ops.image.resize(inputs, size, self.interpolation, data_format=self.data_format)


@_older
class UpSampling3D(_UpSampling):
    """Enlarges volumes by repeating slices along each axis.

    Args:
        size: the factors: an int, or one per axis.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, a, b, c, channels) -> (batch, i * a, j * b, k * c, channels)

    >>> UpSampling3D(2)(np.ones((1, 2, 2, 2, 3))).shape
    (1, 4, 4, 4, 3)
    """

    rank = 3
