"""Small array helpers that need no engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config
from kerasish.compat.arguments import older_keywords
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable


@older_keywords(y="x", nb_classes="num_classes")
def to_categorical(x: Any, num_classes: int | None = None, dtype: Any = None) -> np.ndarray:
    """One-hot rows for integer labels.

    x: labels from 0 to `num_classes - 1`, of any shape; a last axis of size 1 is dropped.
    num_classes: the length of the new last axis; by default the largest label plus one.
    dtype: of the result; by default `config.floatx()`.

    Keras 2 and 1 call the first two `y` and `nb_classes`.

    Raises `ValueError` for labels that are negative, too large or not whole numbers.

    Example:
        >>> to_categorical([0, 2], num_classes=3)
        array([[1., 0., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    given = np.asarray(x)
    with np.errstate(invalid="ignore"):  # NaN is reported below, with its place
        labels = given.astype("int64")
    if given.ndim > 1 and given.shape[-1] == 1:
        labels = labels[..., 0]
    if num_classes is None:
        if labels.size == 0:
            raise ValueError("to_categorical: num_classes cannot be guessed from no labels")
        num_classes = max(int(labels.max()) + 1, 0)
    unfit = np.flatnonzero(
        (labels.ravel() < 0) | (labels.ravel() >= num_classes) | (labels.ravel() != given.ravel())
    )
    if unfit.size:
        place = ", ".join(map(str, np.unravel_index(unfit[0], given.shape)))
        raise ValueError(
            f"to_categorical: labels must be whole numbers from 0 to {num_classes - 1} "
            f"(num_classes={num_classes}); got {given.ravel()[unfit[0]]} at index ({place})"
        )
    name = config.floatx() if dtype is None else dtype
    result = np.zeros((labels.size, num_classes), "float32" if name == "bfloat16" else name)
    result[np.arange(labels.size), labels.ravel()] = 1
    return result.reshape(*labels.shape, num_classes)


def normalize(x: Any, axis: int = -1, order: float = 2) -> Any:
    """`x` divided by its norm along `axis`; vectors of zeros stay as they are.

    x: an array or a tensor of at least one axis; integers become floats. The result has its
        shape, and is an array or a tensor as it is.
    order: which norm, as in `numpy.linalg.norm`.

    Raises `ValueError` (`numpy.exceptions.AxisError`) for an axis that `x` does not have.

    Example:
        >>> normalize([[3.0, 4.0], [0.0, 0.0]])
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    if isinstance(x, (Tensor, Variable)):
        from kerasish import ops

        norm = ops.norm(x, order, axis, keepdims=True)
        return x / ops.where(norm == 0, 1, norm)
    array = np.asarray(x)
    norm = np.linalg.norm(array, order, axis, keepdims=True)
    return array / np.where(norm == 0, np.ones_like(norm), norm)
