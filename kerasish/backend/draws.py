"""Random numbers."""

from __future__ import annotations

import math
from typing import Any

from kerasish import ops
from kerasish.compat.arguments import older_keywords
from kerasish.graph.dtypes import standardize
from kerasish.graph.tensor import Tensor
from kerasish.ops import random


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """x with the share `level` of its elements set to 0, the others scaled up.

    Args:
        x: a float tensor.
        level: the share to drop.
        noise_shape: the shape of what is drawn, 1 where it is shared; x's if None.
        seed: an int (the same numbers each time), or None.

    Returns:
        A tensor of the shape and dtype of x. Each run drops others, unless `seed` is an int.

    Raises:
        ValueError: if level is not from 0 to 1.

    >>> np.unique(dropout(np.ones(100, "float32"), 0.5, seed=1))
    array([0., 2.], dtype=float32)
    """
    return random.dropout(x, level, noise_shape, seed)


@older_keywords(std="stddev")
def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed numbers.

    Args:
        shape: that of the result.
        mean: of the numbers.
        stddev: their deviation.
        dtype: a float; floatx if None.
        seed: an int (the same numbers each time), or None.

    Returns:
        A tensor of that shape and dtype. Each run draws other numbers, unless `seed` is an int.

    Raises:
        ValueError: for a dtype that is no float.

    >>> random_normal((2, 3), seed=1).shape
    (2, 3)
    """
    return random.normal(shape, mean, stddev, dtype, seed)


@older_keywords(low="minval", high="maxval")
def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Uniformly distributed numbers.

    Args:
        shape: that of the result.
        minval: the lower bound.
        maxval: the upper bound.
        dtype: a float; floatx if None.
        seed: an int (the same numbers each time), or None.

    Returns:
        A tensor of that shape and dtype. Each run draws other numbers, unless `seed` is an int.

    Raises:
        ValueError: for an unknown dtype.

    >>> random_uniform((2, 3), 0.0, 1.0, seed=1).shape
    (2, 3)
    """
    return random.uniform(shape, minval, maxval, dtype, seed)


def random_binomial(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """1 with probability `p`, else 0.

    Args:
        shape: that of the result.
        p: the probability of 1.
        dtype: a float; floatx if None.
        seed: an int (the same numbers each time), or None.

    Returns:
        A tensor of that shape and dtype. Each run draws other numbers, unless `seed` is an int.

    Raises:
        ValueError: for an unknown dtype.

    >>> np.unique(random_binomial((100,), 0.5, seed=1))
    array([0., 1.], dtype=float32)
    """
    drawn = random.uniform(shape, dtype="float32", seed=seed)
    return ops.cast(drawn < p, standardize(dtype))


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed numbers, none farther from the mean than two deviations.

    Args:
        shape: that of the result.
        mean: of the numbers.
        stddev: their deviation before the cut.
        dtype: a float; floatx if None.
        seed: an int (the same numbers each time), or None.

    Returns:
        A tensor of that shape and dtype. Each run draws other numbers, unless `seed` is an int.

    Raises:
        ValueError: for a dtype that is no float.

    >>> bool(np.max(np.abs(truncated_normal((100,), seed=1))) <= 2)
    True
    """
    # A uniform number between the probabilities of -2 and 2, turned into the number it belongs to.
    inside = math.erf(2 / math.sqrt(2))
    drawn = random.uniform(shape, -inside, inside, dtype, seed)
    return ops.erfinv(drawn) * math.sqrt(2) * stddev + mean
