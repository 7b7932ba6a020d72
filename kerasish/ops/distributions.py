"""Further distributions of random numbers, made from even and normal ones.

Their draws are constants to gradients.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import canonical_axis, canonical_shape
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.graph.values import has_value
from kerasish.ops.array import broadcast_to, expand_dims, shape
from kerasish.ops.binary import clip, maximum, where
from kerasish.ops.comparisons import logical_and
from kerasish.ops.elementwise import exp, floor, log, log1p, rsqrt, sigmoid, square, stop_gradient
from kerasish.ops.gaussian import erfinv
from kerasish.ops.joining import stack, unstack
from kerasish.ops.loops import scan
from kerasish.ops.promotion import at_least_single, cast
from kerasish.ops.random import draws, float_dtype, random_normal_p, random_uniform_p
from kerasish.ops.reduce import argmax, sum
from kerasish.ops.selection import take
from kerasish.ops.sorting import argsort


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers from a normal distribution, none more than two deviations away from its mean.

    Args:
        shape: the shape, which may hold run-time sizes of `ops.shape`.
        mean: the mean.
        stddev: the deviation, of the distribution before it is cut off.
        dtype: a float, floatx if None.
        seed: an int (the same numbers each time), a SeedGenerator, or None (the global one).

    Returns:
        A tensor of the given shape and dtype.

    Raises:
        ValueError: if dtype is not a float, or a size is negative.
        TypeError: if the shape is not made of ints, or the seed is of another kind.

    >>> bool(np.all(np.abs(truncated_normal((1000,), seed=1)) <= 2))
    True
    """
    name = float_dtype("truncated_normal", dtype)
    even = random_uniform_p(
        shape=canonical_shape(shape), dtype=at_least_single(name), **next(draws(seed))
    )
    # Where the distribution function is evenly distributed between its values at -2 and 2.
    reach = math.erf(math.sqrt(2))
    z = clip(math.sqrt(2) * erfinv(reach * (2 * even - 1)), -2, 2)
    return cast(stop_gradient(z) * stddev + mean, name)


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers from the gamma distribution with scale 1.

    Source: Marsaglia & Tsang, "A simple method for generating gamma variables", ACM
    Transactions on Mathematical Software 26 (2000).

    Args:
        shape: the shape, which may hold run-time sizes of `ops.shape`.
        alpha: the distribution's shape: positive numbers that broadcast to `shape`.
        dtype: a float, floatx if None.
        seed: an int (the same numbers each time), a SeedGenerator, or None (the global one).

    Returns:
        A tensor of the given shape and dtype.

    Raises:
        ValueError: if dtype is not a float, or alpha does not broadcast to the shape.
        TypeError: if the shape is not made of ints, or the seed is of another kind.

    >>> float(np.round(np.mean(gamma((10000,), 3.0, seed=1)), 1))
    3.0
    """
    name = float_dtype("gamma", dtype)
    sizes = canonical_shape(shape)
    return cast(exp(_log_gamma(sizes, cast(alpha, at_least_single(name)), draws(seed))), name)


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers from the beta distribution, between 0 and 1.

    Args:
        shape: the shape, which may hold run-time sizes of `ops.shape`.
        alpha: positive numbers that broadcast to `shape`.
        beta: likewise. The mean is alpha / (alpha + beta).
        dtype: a float, floatx if None.
        seed: an int (the same numbers each time), a SeedGenerator, or None (the global one).

    Returns:
        A tensor of the given shape and dtype.

    Raises:
        ValueError: if dtype is not a float, or alpha or beta does not broadcast to the shape.
        TypeError: if the shape is not made of ints, or the seed is of another kind.

    >>> float(np.round(np.mean(beta((10000,), 1.0, 3.0, seed=1)), 2))
    0.25
    """
    name = float_dtype("beta", dtype)
    sizes, streams = canonical_shape(shape), draws(seed)
    first, second = (
        _log_gamma(sizes, cast(a, at_least_single(name)), streams) for a in (alpha, beta)
    )
    return cast(sigmoid(first - second), name)


# One candidate is refused with a probability below 0.05.
_TRIES = 8


def _log_gamma(shape: tuple[Any, ...], alpha: Tensor, streams: Iterator[Any]) -> Tensor:
    """Logarithms of numbers from the gamma distribution."""
    alpha = broadcast_to(alpha, shape)
    how = {"shape": (_TRIES, *shape), "dtype": alpha.dtype}
    bell = random_normal_p(**how, **next(streams))
    even = random_uniform_p(**how, **next(streams))
    small = alpha < 1
    result = _log_gamma_from(where(small, alpha + 1, alpha), bell, even)
    # Below 1 it is one of alpha + 1, times an even number to the power of 1 / alpha.
    share = random_uniform_p(shape=shape, dtype=alpha.dtype, **next(streams))
    return stop_gradient(result + where(small, log1p(-share) / alpha, 0.0))


def _log_gamma_from(alpha: Tensor, bell: Tensor, even: Tensor) -> Tensor:
    """For alpha from 1 on, given candidates on the first axis."""
    d = alpha - 1 / 3
    root = 1 + bell * (rsqrt(d) / 3)
    positive = root > 0
    log_v = 3 * log(where(positive, root, 1.0))
    bound = 0.5 * square(bell) + d * (1 - exp(log_v) + log_v)
    taken = unstack(logical_and(positive, log1p(-even) < bound), _TRIES)
    found, *later = unstack(log_v, _TRIES)[::-1]
    for candidate, accepted in zip(later, taken[-2::-1], strict=True):
        found = where(accepted, candidate, found)
    return log(d) + found


def binomial(
    shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Tensor:
    """How many of `counts` attempts succeed, if each does with the given probability.

    Source: Relles, "A simple algorithm for generating binomial random variables when N is
    large", Journal of the American Statistical Association 67 (1972).

    Args:
        shape: the shape, which may hold run-time sizes of `ops.shape`.
        counts: whole numbers (floats or ints) that broadcast to `shape`.
        probabilities: numbers from 0 to 1 that broadcast to `shape`.
        dtype: a float, floatx if None.
        seed: an int (the same numbers each time), a SeedGenerator, or None (the global one).

    Returns:
        A tensor of the given shape and dtype, of whole numbers.

    Raises:
        ValueError: if dtype is not a float, or counts or probabilities do not broadcast to the
            shape.
        TypeError: if the shape is not made of ints, or the seed is of another kind.

    >>> float(np.round(np.mean(binomial((10000,), 10, 0.3, seed=1)), 1))
    3.0
    """
    name = float_dtype("binomial", dtype)
    sizes, streams = canonical_shape(shape), draws(seed)
    wide = at_least_single(name)
    n, p = (broadcast_to(cast(x, wide), sizes) for x in (counts, probabilities))
    found = cast(p * 0, wide)
    halvings = _halvings(counts)
    if halvings:
        how = {"shape": (halvings, 2, _TRIES, *sizes), "dtype": wide}
        bell = random_normal_p(**how, **next(streams))
        even = random_uniform_p(**how, **next(streams))
        (n, p, found), _ = scan(_halved, (n, p, found), (bell, even))
    tries = random_uniform_p(shape=(_FEW, *sizes), dtype=wide, **next(streams))
    successes = [cast(logical_and(u < p, n > i), wide) for i, u in enumerate(unstack(tries, _FEW))]
    return cast(stop_gradient(found + sum(stack(successes), axis=0)), name)


# So many attempts are made one by one.
_FEW = 15


def _halvings(counts: Any) -> int:
    """How often the attempts must be halved until only a few are left."""
    counts = as_tensor(counts)
    most = int(np.max(counts.numpy(), initial=0)) if has_value(counts) else 2**31
    return builtins.max(0, most.bit_length() - _FEW.bit_length())


def _halved(state: Any, random: Any) -> tuple[Any, None]:
    """Attempts are even numbers below p. The middle one of n says how half of them end."""
    n, p, found = state
    (bell_a, bell_b), (even_a, even_b) = (unstack(x, 2) for x in random)
    middle = maximum(floor((n + 1) / 2), 1.0)
    above = maximum(n + 1 - middle, 1.0)
    # The i-th smallest of n even numbers has the beta distribution (i, n + 1 - i).
    value = sigmoid(
        _log_gamma_from(middle, bell_a, even_a) - _log_gamma_from(above, bell_b, even_b)
    )
    value = clip(value, 1e-30, 1 - 1e-7)
    fails = value >= p
    many = n > _FEW
    next_n = where(fails, middle - 1, n - middle)
    next_p = clip(where(fails, p / value, (p - value) / (1 - value)), 0.0, 1.0)
    next_found = where(fails, found, found + middle)
    return (
        where(many, next_n, n),
        where(many, next_p, p),
        where(many, next_found, found),
    ), None


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Classes, drawn with the probabilities softmax(logits).

    Source: Gumbel, "Statistical theory of extreme values" (1954).

    Args:
        logits: floats (batch, classes).
        num_samples: how many to draw for each of the batch.
        dtype: of the class numbers, commonly an int.
        seed: an int (the same numbers each time), a SeedGenerator, or None (the global one).

    Returns:
        Class numbers (batch, num_samples) of the given dtype.

    Raises:
        ValueError: if the logits do not have two axes.
        TypeError: if the logits are no array of numbers, or the seed is of another kind.

    >>> categorical([[0.0, 100.0]], 3, seed=1).numpy()
    array([[1, 1, 1]], dtype=int32)
    """
    x = as_tensor(logits)
    name = dtypes.standardize(dtype)
    if x.rank != 2:
        raise ValueError(
            f"categorical: logits must be (batch, classes), but have shape {format_shape(x.shape)}."
        )
    batch, classes = shape(x)
    x = cast(x, at_least_single(x.dtype if dtypes.is_float(x.dtype) else "float32"))
    how = {"shape": (batch, num_samples, classes), "dtype": x.dtype}
    waits = maximum(-log1p(-random_uniform_p(**how, **next(draws(seed)))), 1e-37)
    return cast(argmax(expand_dims(x, 1) - log(waits), axis=-1), name)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Tensor:
    """The elements of `x` along `axis` in a random order.

    Args:
        x: a tensor with at least one axis.
        axis: the axis.
        seed: an int (the same order each time), a SeedGenerator, or None (the global one).

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        ValueError: if x has no such axis.
        TypeError: if x is no array of numbers, or the seed is of another kind.

    >>> np.sort(shuffle([1, 2, 3], seed=1)).tolist()
    [1, 2, 3]
    """
    x = as_tensor(x)
    axis = canonical_axis(axis, x.rank)
    keys = random_uniform_p(shape=(shape(x)[axis],), dtype="float32", **next(draws(seed)))
    return take(x, argsort(keys), axis)
