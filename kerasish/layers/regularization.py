"""Regularisation by noise while training, and by a penalty on outputs."""

from __future__ import annotations

import math
from typing import Any

from kerasish import compat, ops, regularizers
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import data_format as checked_format
from kerasish.layers.checks import fraction
from kerasish.layers.input_spec import InputSpec
from kerasish.ops import random


class _Noise(Layer):
    """Changes its inputs while training only. Subclasses write `noisy`."""

    supports_masking = True

    def __init__(self, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.built = True

    def noisy(self, inputs: Tensor) -> Tensor:
        """What the inputs become while training."""
        raise NotImplementedError

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The noisy inputs while training, the inputs otherwise."""
        x = self._floats(inputs)
        return ops.in_train_phase(lambda: self.noisy(x), x, training)


@compat.older_names(p="rate")
class Dropout(_Noise):
    """Sets elements to 0 at random while training, and scales the others to keep the sum.

    Source: Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html

    Args:
        rate: the share of elements to drop, from 0 to 1.
        noise_shape: the shape of the mask, with 1 where it is shared along an axis and None
            where it has the size of the inputs.
        seed: an int, for the same masks in each run of the program.

    Shapes:
        any -> the same

    >>> float(Dropout(0.5)(np.ones((2, 3))).sum())
    6.0
    """

    _may_drop_all = True

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(seed, **kwargs)
        self.rate = fraction(rate, f"{type(self).__name__}: rate", whole=self._may_drop_all)
        if noise_shape is not None and not isinstance(noise_shape, (list, tuple)):
            raise ValueError(
                f"{type(self).__name__}: noise_shape must be a shape or None, but got "
                f"{noise_shape!r}."
            )
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def noisy(self, inputs: Tensor) -> Tensor:
        """Dropped and scaled."""
        shape = self._mask_shape(inputs)
        return random.dropout(inputs, self.rate, shape, self.seed_generator)

    def _mask_shape(self, inputs: Tensor) -> Any:
        if self.noise_shape is not None and len(self.noise_shape) != inputs.rank:
            raise ValueError(
                f"Layer {self.name}: noise_shape {self.noise_shape} must have as many axes as the "
                f"inputs, {inputs.rank}."
            )
        return self.noise_shape


class _SpatialDropout(_Noise):
    """Drops whole channels. Subclasses say by `rank` how many spatial axes there are."""

    rank: int

    def __init__(
        self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(seed, **kwargs)
        self.rate = fraction(rate, f"{type(self).__name__}: rate")
        self.data_format = checked_format(data_format, type(self).__name__)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def noisy(self, inputs: Tensor) -> Tensor:
        """Dropped and scaled."""
        ones = (1,) * self.rank
        last = self.data_format == "channels_last"
        shape = (None, *ones, None) if last else (None, None, *ones)
        return random.dropout(inputs, self.rate, shape, self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.trainable:
            del config["trainable"]  # which this layer of Keras 3 doesn't take
        return config


@compat.older_names(p="rate")
class SpatialDropout1D(_SpatialDropout):
    """Drops whole channels of sequences.

    Source: Tompson et al., 2014, arXiv:1411.4280

    Args:
        rate: the share of channels to drop, from 0 to below 1.
        seed: an int, for the same masks in each run of the program.

    Shapes:
        (batch, steps, channels) -> the same

    >>> SpatialDropout1D(0.5)(np.ones((1, 4, 3))).shape
    (1, 4, 3)
    """

    rank = 1

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(rate, "channels_last", seed, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]  # not an argument of this one
        return config


@compat.older_names(p="rate", dim_ordering="data_format")
class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images.

    Source: Tompson et al., 2014, arXiv:1411.4280

    Args:
        rate: the share of channels to drop, from 0 to below 1.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        seed: an int, for the same masks in each run of the program.

    Shapes:
        (batch, height, width, channels) -> the same

    >>> SpatialDropout2D(0.5)(np.ones((1, 4, 4, 3))).shape
    (1, 4, 4, 3)
    """

    rank = 2


@compat.older_names(p="rate", dim_ordering="data_format")
class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes.

    Source: Tompson et al., 2014, arXiv:1411.4280

    Args:
        rate: the share of channels to drop, from 0 to below 1.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        seed: an int, for the same masks in each run of the program.

    Shapes:
        (batch, a, b, c, channels) -> the same

    >>> SpatialDropout3D(0.5)(np.ones((1, 2, 2, 2, 3))).shape
    (1, 2, 2, 2, 3)
    """

    rank = 3


@compat.older_names(sigma="stddev")
class GaussianNoise(_Noise):
    """Adds normally distributed noise while training.

    Args:
        stddev: its standard deviation.
        seed: an int, for the same noise in each run of the program.

    Shapes:
        any -> the same

    >>> float(GaussianNoise(0.1)(np.ones((2, 3))).sum())
    6.0
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(seed, **kwargs)
        if stddev < 0:
            raise ValueError(f"GaussianNoise: stddev must not be negative, but got {stddev!r}.")
        self.stddev = stddev

    def noisy(self, inputs: Tensor) -> Tensor:
        """The inputs plus noise."""
        shape = ops.shape(inputs)
        return inputs + random.normal(shape, 0.0, self.stddev, inputs.dtype, self.seed_generator)


@compat.older_names(p="rate")
class GaussianDropout(_Noise):
    """Multiplies by normally distributed noise of mean 1 while training.

    Source: Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html

    Args:
        rate: the noise has the standard deviation sqrt(rate / (1 - rate)), that of dropout.
        seed: an int, for the same noise in each run of the program.

    Shapes:
        any -> the same

    >>> float(GaussianDropout(0.5)(np.ones((2, 3))).sum())
    6.0
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(seed, **kwargs)
        self.rate = fraction(rate, "GaussianDropout: rate")

    def noisy(self, inputs: Tensor) -> Tensor:
        """The inputs times noise."""
        stddev = math.sqrt(self.rate / (1 - self.rate))
        shape = ops.shape(inputs)
        return inputs * random.normal(shape, 1.0, stddev, inputs.dtype, self.seed_generator)


class AlphaDropout(Dropout):
    """Dropout that keeps mean and variance of what SELU activations return.

    Dropped elements become the value that SELU has far below 0; then all are scaled and shifted.

    Source: Klambauer et al., 2017, arXiv:1706.02515

    Args:
        rate: the share of elements to drop, from 0 to below 1.
        noise_shape: the shape of the mask, as of `Dropout`.
        seed: an int, for the same masks in each run of the program.

    Shapes:
        any -> the same

    >>> float(AlphaDropout(0.5)(np.ones((2, 3))).sum())
    6.0
    """

    _may_drop_all = False  # of nothing there is no variance to keep

    def noisy(self, inputs: Tensor) -> Tensor:
        """Dropped, scaled and shifted."""
        low = -1.0507009873554805 * 1.6732632423543772
        keep = 1 - self.rate
        factor = (keep * (1 + self.rate * low**2)) ** -0.5
        ones = ops.ones_like(inputs)
        kept = random.dropout(ones, self.rate, self._mask_shape(inputs), self.seed_generator)
        mixed = ops.where(kept > 0, inputs, ops.cast(low, inputs.dtype))
        return factor * mixed - factor * self.rate * low


class ActivityRegularization(Layer):
    """Returns its inputs, and adds a penalty on them to the loss.

    Args:
        l1: factor of the sum of absolute values.
        l2: factor of the sum of squares.

    Shapes:
        any -> the same

    >>> ActivityRegularization(l2=0.1)(np.ones((2, 3))).shape
    (2, 3)
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)
        self.l1 = l1
        self.l2 = l2
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer", None)  # made of l1 and l2
        return config
