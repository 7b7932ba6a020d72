"""Initializers: the first values of weights.

All numbers are drawn in NumPy, so that one seed gives the same weights on every engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.ops.random import SeedGenerator, global_seed
from kerasish.saving.serialization import Configurable, Registry
from kerasish.utils.kinds import Checked, check_kind, check_range
from kerasish.utils.optional import needed

# The standard deviation of a normal distribution cut off at two of its deviations.
_TRUNCATED_STDDEV = 0.87962566103423978


class Initializer(Checked, Configurable):
    """Base class: an object that is called with a shape and a dtype and returns an array.

    >>> class Halves(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return np.full(shape, 0.5, dtype)
    >>> Halves()((2,), "float32")
    array([0.5, 0.5], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        """An array of `shape` and `dtype` (floatx if None)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape, dtype).")

    def clone(self) -> Initializer:
        """Another initializer with the same config."""
        return type(self).from_config(self.get_config())


class Constant(Initializer):
    """One value everywhere.

    Args:
        value: a number, or an array that broadcasts to the shape.

    >>> Constant(2)((2,))
    array([2., 2.], dtype=float32)
    """

    def __init__(self, value: Any = 0.0):
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        return np.array(np.broadcast_to(self.value, tuple(shape)), _numpy_dtype(dtype))


class Zeros(Initializer):
    """Zeros.

    >>> Zeros()((2,))
    array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        return np.zeros(tuple(shape), _numpy_dtype(dtype))


class Ones(Initializer):
    """Ones.

    >>> Ones()((2,))
    array([1., 1.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        return np.ones(tuple(shape), _numpy_dtype(dtype))


class Identity(Initializer):
    """Ones on the diagonal of a matrix of zeros.

    Args:
        gain: what to multiply it by.

    >>> Identity()((2, 2))
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"Identity: expected the shape of a matrix, but got {tuple(shape)}.")
        rows, columns = shape
        return (self.gain * np.eye(rows, columns)).astype(_numpy_dtype(dtype))


class RandomInitializer(Initializer):
    """Base class of those that draw numbers.

    Args:
        seed: an int gives the same numbers at each call; a SeedGenerator, or None for the global
            seed (`kerasish.utils.set_random_seed`), gives new ones.
    """

    def __init__(self, seed: Any = None):
        if not isinstance(seed, SeedGenerator):
            check_kind(type(self).__name__, "seed", seed, frozenset({"int", "None"}))
        self.seed = seed

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """The numbers, as float64."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(random, shape).")

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        values = self.draw(np.random.default_rng(self._next_seed()), tuple(shape))
        return values.astype(_numpy_dtype(dtype))

    def _next_seed(self) -> int:
        if self.seed is None:
            return global_seed.next()
        if isinstance(self.seed, SeedGenerator):
            return self.seed.next_stream()
        return int(self.seed)


class RandomNormal(RandomInitializer):
    """A normal distribution.

    Args:
        mean: its centre.
        stddev: its standard deviation.
        seed: see `RandomInitializer`.

    >>> RandomNormal(seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        super().__init__(seed)
        check_range(self, 0, stddev=stddev)
        self.mean, self.stddev = mean, stddev

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return random.normal(self.mean, self.stddev, shape)


class RandomUniform(RandomInitializer):
    """Evenly distributed from `minval` to `maxval`.

    Args:
        minval: the lower bound.
        maxval: the upper bound.
        seed: see `RandomInitializer`.

    >>> bool((abs(RandomUniform(seed=1)((9,))) <= 0.05).all())
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None):
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return random.uniform(self.minval, self.maxval, shape)


class TruncatedNormal(RandomInitializer):
    """A normal distribution without what lies more than two deviations from its mean.

    Args:
        mean: its centre.
        stddev: the standard deviation before cutting off.
        seed: see `RandomInitializer`.

    >>> bool((abs(TruncatedNormal(seed=1)((99,))) <= 0.1).all())
    True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        super().__init__(seed)
        check_range(self, 0, stddev=stddev)
        self.mean, self.stddev = mean, stddev

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return self.mean + self.stddev * _truncated(random, shape)


def _truncated(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = random.standard_normal(shape)
    outside = np.abs(values) > 2
    while outside.any():
        values[outside] = random.standard_normal(int(outside.sum()))
        outside = np.abs(values) > 2
    return values


class VarianceScaling(RandomInitializer):
    """A variance of `scale` over the number of inputs, outputs, or their mean.

    Args:
        scale: a positive number.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (also called "normal"), "untruncated_normal", "uniform".
        seed: see `RandomInitializer`.
        input_axes: the axes that count as inputs, by the rule of `compute_fans` if None.
        output_axes: the axes that count as outputs.

    >>> VarianceScaling(mode="fan_avg", seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(seed)
        if not scale > 0:
            raise ValueError(f"VarianceScaling: scale must be above 0, but got {scale}.")
        distribution = {"normal": "truncated_normal"}.get(distribution, distribution)
        _one_of("mode", mode, ("fan_in", "fan_out", "fan_avg"))
        _one_of("distribution", distribution, ("truncated_normal", "untruncated_normal", "uniform"))
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        variance = self.scale / max(1.0, fans[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return random.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return random.normal(0.0, math.sqrt(variance), shape)
        return _truncated(random, shape) * (math.sqrt(variance) / _TRUNCATED_STDDEV)


def _one_of(
    argument: str, value: str, allowed: tuple[str, ...], owner: str = "VarianceScaling"
) -> None:
    if value not in allowed:
        raise ValueError(
            f"{owner}: {argument} must be one of {', '.join(allowed)}, but got {value!r}."
        )


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """How many inputs and outputs a weight of `shape` connects.

    The last axis counts as outputs, the one before as inputs, and the axes in front of them (the
    window of a convolution) multiply both.

    >>> compute_fans((3, 3, 4, 8))
    (36, 72)
    """
    if len(shape) < 2:
        fan_in = fan_out = shape[0] if shape else 1
    else:
        window = math.prod(shape[:-2])
        fan_in, fan_out = shape[-2] * window, shape[-1] * window
    if input_axes is not None:
        fan_in = math.prod(shape[i] for i in input_axes)
    if output_axes is not None:
        fan_out = math.prod(shape[i] for i in output_axes)
    return int(fan_in), int(fan_out)


class _FixedScaling(VarianceScaling):
    """VarianceScaling with the scale, mode and distribution of a paper."""

    fixed: tuple[float, str, str]

    def __init__(
        self,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(*self.fixed, seed, input_axes, output_axes)


class GlorotUniform(_FixedScaling):
    """Uniform, variance 2 / (inputs + outputs), also called Xavier's.

    Source: Glorot & Bengio, 2010, https://proceedings.mlr.press/v9/glorot10a.html

    >>> GlorotUniform(seed=1)((2, 3)).shape
    (2, 3)
    """

    fixed = (1.0, "fan_avg", "uniform")


class GlorotNormal(_FixedScaling):
    """Truncated normal, variance 2 / (inputs + outputs), also called Xavier's.

    Source: Glorot & Bengio, 2010, https://proceedings.mlr.press/v9/glorot10a.html
    """

    fixed = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_FixedScaling):
    """Uniform, variance 2 / inputs (He et al., 2015, arXiv:1502.01852)."""

    fixed = (2.0, "fan_in", "uniform")


class HeNormal(_FixedScaling):
    """Truncated normal, variance 2 / inputs (He et al., 2015, arXiv:1502.01852)."""

    fixed = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_FixedScaling):
    """Uniform, variance 1 / inputs.

    Source: LeCun et al., 1998, http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf
    """

    fixed = (1.0, "fan_in", "uniform")


class LecunNormal(_FixedScaling):
    """Truncated normal, variance 1 / inputs.

    Source: LeCun et al., 1998, http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf
    """

    fixed = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """A matrix whose rows, or columns if they are fewer, are orthonormal.

    The axes before the last count as one. Source: Saxe et al., 2013, arXiv:1312.6120.

    Args:
        gain: what to multiply it by.
        seed: see `RandomInitializer`.

    >>> w = Orthogonal(seed=1)((3, 2))
    >>> bool(np.allclose(w.T @ w, np.eye(2), atol=1e-6))
    True
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        super().__init__(seed)
        self.gain = gain

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: expected two or more axes, but got the shape {shape}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(random.standard_normal((max(rows, columns), min(rows, columns))))
        # The signs make the result evenly distributed among all orthogonal matrices.
        q *= np.where(np.diag(r) < 0, -1.0, 1.0)
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


class STFT(Initializer):
    """The kernel of a convolution that computes a short-time Fourier transform.

    Args:
        side: "real" or "imag": which part of the complex result.
        window: "hann", "hamming", the name of another one in `scipy.signal.windows` (which needs
            scipy), an array as long as the kernel, or None for none, which is not scaled either.
        scaling: "density" (the squares of the window sum up to 1), "spectrum" (its values do), or
            None.
        periodic: whether the window is periodic rather than symmetric.

    >>> STFT("real", None, None)((4, 1, 3))[:, 0, 1].round(1) + 0.0
    array([ 1.,  0., -1.,  0.], dtype=float32)
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ):
        _one_of("side", side, ("real", "imag"), "STFT")
        if scaling is not None:
            _one_of("scaling", scaling, ("density", "spectrum"), "STFT")
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        if len(shape) != 3 or shape[2] < 2:
            raise ValueError(
                "STFT: expected the shape (window length, 1, frequencies), frequencies at least 2, "
                f"but got {tuple(shape)}."
            )
        length, _, frequencies = shape
        window = _window(self.window, length, self.periodic)
        scaling = self.scaling if self.window is not None else None  # it is that of a window
        if scaling == "density":
            window = window / math.sqrt(np.sum(window**2))
        elif scaling == "spectrum":
            window = window / np.sum(window)
        angles = np.pi / (frequencies - 1) * np.outer(np.arange(length), np.arange(frequencies))
        waves = np.cos(angles) if self.side == "real" else -np.sin(angles)
        return (window[:, None] * waves)[:, None].astype(_numpy_dtype(dtype))


# Raised cosines: the part that is constant.
_WINDOWS = {"hann": 0.5, "hamming": 0.54}


def _window(window: Any, length: int, periodic: bool) -> np.ndarray:
    if window is None:
        return np.ones(length)
    if not isinstance(window, str):
        values = np.asarray(window, "float64")
        if values.shape != (length,):
            raise ValueError(
                f"STFT: the window must hold {length} numbers, as many as the kernel is long, but "
                f"has the shape {values.shape}."
            )
        return values
    if window in _WINDOWS:
        level, span = _WINDOWS[window], max(length - (not periodic), 1)
        return level - (1.0 - level) * np.cos(2 * np.pi * np.arange(length) / span)
    instead = f"Without it there are {sorted(_WINDOWS)}."
    signal = needed("scipy.signal", f"STFT: the window {window!r}", "scipy", instead=instead)
    return signal.get_window(window, length, fftbins=periodic)


def _numpy_dtype(dtype: Any) -> np.dtype:
    return dtypes.numpy_dtype(dtypes.standardize(dtype))


registry = Registry(
    "initializer",
    [
        Constant,
        GlorotNormal,
        GlorotUniform,
        HeNormal,
        HeUniform,
        Identity,
        LecunNormal,
        LecunUniform,
        Ones,
        Orthogonal,
        RandomNormal,
        RandomUniform,
        STFT,
        TruncatedNormal,
        VarianceScaling,
        Zeros,
    ],
    {
        "IdentityInitializer": "Identity",
        "OrthogonalInitializer": "Orthogonal",
        "STFTInitializer": "STFT",
        "normal": "RandomNormal",
        "one": "Ones",
        "uniform": "RandomUniform",
        "zero": "Zeros",
    },
)
constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = IdentityInitializer = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
normal = random_normal = RandomNormal
one = ones = Ones
orthogonal = OrthogonalInitializer = Orthogonal
uniform = random_uniform = RandomUniform
stft = STFTInitializer = STFT
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zero = zeros = Zeros


def get(identifier: Any) -> Callable[..., Any] | None:
    """The initializer that a name, config, class, array or function (shape, dtype) stands for.

    >>> get("glorot_uniform")
    <GlorotUniform>
    """
    return Constant(identifier) if isinstance(identifier, np.ndarray) else registry.get(identifier)


serialize = registry.serialize
deserialize = registry.deserialize
