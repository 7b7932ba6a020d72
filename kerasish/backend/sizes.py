"""What `K.shape` returns: sizes, known or not, with the arithmetic of a tensor."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from kerasish import ops
from kerasish.graph.shapes import Dim
from kerasish.graph.tensor import Tensor


def _elementwise(operation: Callable[[Any, Any], Any], reflected: bool = False) -> Callable:
    def apply(self: Sizes, other: Any) -> Sizes:
        others = other if isinstance(other, (tuple, list)) else [other] * len(self)
        if len(others) != len(self):
            raise ValueError(
                f"K.shape: arithmetic is size by size, as of a tensor, but {self} and "
                f"{tuple(others)} differ in length. K.concatenate puts one after the other."
            )
        pairs = zip(others, self, strict=True) if reflected else zip(self, others, strict=True)
        return Sizes(operation(a, b) for a, b in pairs)

    return apply


class Sizes(tuple):
    """A shape: ints, and Dims where the size is known only at run time.

    Wherever a shape is wanted it may stand as it is. Arithmetic is element by element, as it was
    with the tensor that older Keras had in this place.

    >>> 2 * Sizes((3, 4))[1:]
    (8,)
    """

    __add__, __radd__ = _elementwise(operator.add), _elementwise(operator.add, True)
    __sub__, __rsub__ = _elementwise(operator.sub), _elementwise(operator.sub, True)
    __mul__, __rmul__ = _elementwise(operator.mul), _elementwise(operator.mul, True)
    __floordiv__ = _elementwise(operator.floordiv)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Sizes(found) if isinstance(key, slice) else found


def are_sizes(x: Any) -> bool:
    """Whether `x` is a list or tuple of sizes, not all of which are known."""
    several = isinstance(x, (list, tuple)) and all(isinstance(n, (int, Dim)) for n in x)
    return several and any(isinstance(n, Dim) for n in x)


def as_values(x: Any) -> Any:
    """Sizes as a tensor, everything else as it is."""
    if isinstance(x, Sizes) and not x:
        return ops.zeros((0,), "int32")
    return ops.stack([ops.convert_to_tensor(n) for n in x]) if are_sizes(x) else x


def shape(x: Any) -> Sizes:
    """The shape of `x`, also where it is known only at run time.

    Args:
        x: a tensor of any shape and dtype.

    Returns:
        Sizes: a tuple of ints, and of Dims where a size is known only at run time.

    Raises:
        TypeError: for what holds no numbers.

    >>> import numpy as np
    >>> shape(np.ones((2, 3)))
    (2, 3)
    """
    return Sizes(ops.shape(x))


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The product along `axis`; of sizes it is a size.

    Args:
        x: a tensor of any shape, or sizes.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor of the dtype of x; of sizes an int or a Dim.

    Raises:
        ValueError: if x has no such axis.

    >>> float(prod([2.0, 3.0]))
    6.0
    """
    if (isinstance(x, Sizes) or are_sizes(x)) and axis in (None, 0, -1) and not keepdims:
        return math.prod(x)
    return ops.prod(as_values(x), axis, keepdims)


def cast(x: Any, dtype: Any) -> Tensor:
    """`x` with another dtype.

    Args:
        x: a tensor of any shape, or sizes.
        dtype: the name of the new dtype.

    Returns:
        A tensor of the shape of x. Fractions are cut off where ints are asked for.

    Raises:
        ValueError: for an unknown dtype.

    >>> cast([1.5, 2.5], "int32").numpy()
    array([1, 2], dtype=int32)
    """
    return ops.cast(as_values(x), dtype)


def stack(x: Any, axis: int = 0) -> Any:
    """The tensors side by side along a new axis; sizes are a shape then.

    Args:
        x: a list of tensors of one shape and dtype, or of sizes.
        axis: where the new axis is in the result.

    Returns:
        A tensor with one axis more.

    Raises:
        ValueError: if the shapes differ.

    >>> stack([[1, 2], [3, 4]], axis=1).numpy()
    array([[1, 3],
           [2, 4]], dtype=int32)
    """
    return Sizes(x) if are_sizes(x) and axis in (0, -1) else ops.stack(x, axis)


def concatenate(tensors: Any, axis: int = -1) -> Any:
    """The tensors one after the other along `axis`; sizes are a shape then.

    Args:
        tensors: a list of tensors whose shapes are equal but for `axis`; or of sizes.
        axis: the axis along which they follow each other.

    Returns:
        A tensor of the common dtype.

    Raises:
        ValueError: if the shapes differ elsewhere.

    >>> concatenate([[1, 2], [3]]).numpy()
    array([1, 2, 3], dtype=int32)
    """
    if all(isinstance(x, (tuple, list)) for x in tensors):
        sizes = [n for x in tensors for n in x]
        if are_sizes(sizes) and axis in (0, -1):
            return Sizes(sizes)
    return ops.concatenate([as_values(x) for x in tensors], axis)
