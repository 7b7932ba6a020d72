"""Windows: weights that fade out towards both ends of a piece of a signal."""

from __future__ import annotations

import builtins
import math
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.tensor import Tensor
from kerasish.graph.values import has_value
from kerasish.ops.elementwise import abs, cos, sqrt, square
from kerasish.ops.filling import arange, ones
from kerasish.ops.promotion import cast
from kerasish.ops.special import i0


def _window(x: Any, name: str, shape_of: Any) -> Tensor:
    """`shape_of(position, last)` for each of x points; of one point it is 1."""
    length = as_tensor(x)
    if not has_value(length) or length.rank > 1 or (length.rank and len(length) != 1):
        raise ValueError(f"{name}: expected the length of the window, but got {x!r}.")
    number = float(length.numpy().reshape(()))
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected the length of the window, but got {x!r}.")
    count = int(number)
    if count <= 1:
        return ones(builtins.max(count, 0))
    return shape_of(arange(count, dtype=dtypes.standardize(None)), count - 1)


def bartlett(x: Any) -> Tensor:
    """The triangular window of x points.

    Args:
        x: how many points, an int.

    Returns:
        A tensor of shape (x,), or (0,) if x is negative, of floatx.

    Raises:
        ValueError: if x is more than one number, not finite, or not known before the graph runs.
        TypeError: if x is no number.

    >>> bartlett(3).numpy()
    array([0., 1., 0.], dtype=float32)
    """
    return _window(x, "bartlett", lambda n, last: 1 - abs(n * (2 / last) - 1))


def hanning(x: Any) -> Tensor:
    """The Hann window of x points, 0.5 - 0.5 cos(2 pi n / (x - 1)).

    Args:
        x: how many points, an int.

    Returns:
        A tensor of shape (x,), or (0,) if x is negative, of floatx.

    Raises:
        ValueError: if x is more than one number, not finite, or not known before the graph runs.
        TypeError: if x is no number.

    >>> hanning(3).numpy()
    array([0., 1., 0.], dtype=float32)
    """
    return _window(x, "hanning", lambda n, last: 0.5 - 0.5 * cos(n * (2 * math.pi / last)))


def hamming(x: Any) -> Tensor:
    """The Hamming window of x points, 0.54 - 0.46 cos(2 pi n / (x - 1)).

    Args:
        x: how many points, an int.

    Returns:
        A tensor of shape (x,), or (0,) if x is negative, of floatx.

    Raises:
        ValueError: if x is more than one number, not finite, or not known before the graph runs.
        TypeError: if x is no number.

    >>> hamming(3).numpy().round(4)
    array([0.08, 1.  , 0.08], dtype=float32)
    """
    return _window(x, "hamming", lambda n, last: 0.54 - 0.46 * cos(n * (2 * math.pi / last)))


def blackman(x: Any) -> Tensor:
    """The Blackman window of x points.

    Args:
        x: how many points, an int.

    Returns:
        A tensor of shape (x,), or (0,) if x is negative, of floatx.

    Raises:
        ValueError: if x is more than one number, not finite, or not known before the graph runs.
        TypeError: if x is no number.

    >>> np.round(blackman(3), 2) + 0
    array([0., 1., 0.], dtype=float32)
    """

    def points(n: Tensor, last: int) -> Tensor:
        turn = n * (2 * math.pi / last)
        return 0.42 - 0.5 * cos(turn) + 0.08 * cos(2 * turn)

    return _window(x, "blackman", points)


def kaiser(x: Any, beta: Any) -> Tensor:
    """The Kaiser window of x points; a larger `beta` makes it narrower.

    Args:
        x: how many points, an int.
        beta: how narrow it is; 0 for a rectangle.

    Returns:
        A tensor of shape (x,), or (0,) if x is negative, of floatx.

    Raises:
        ValueError: if x is more than one number, not finite, or not known before the graph runs.
        TypeError: if x or beta is no number.

    >>> np.round(kaiser(3, 2.0), 3)
    array([0.439, 1.   , 0.439], dtype=float32)
    """

    def points(n: Tensor, last: int) -> Tensor:
        height = sqrt(1 - square(n * (2 / last) - 1))
        width = cast(beta, n.dtype)
        return i0(width * height) / i0(width)

    return _window(x, "kaiser", points)
