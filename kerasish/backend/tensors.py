"""What is known of a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.backend.sizes import as_values
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.graph.variable import Variable


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor, variables included.

    Args:
        x: any object.

    Returns:
        A bool.

    >>> is_tensor(ops.convert_to_tensor(1.0)), is_tensor(1.0)
    (True, False)
    """
    return isinstance(x, Tensor)


def is_variable(x: Any) -> bool:
    """Whether `x` is a Variable.

    Args:
        x: any object.

    Returns:
        A bool.

    >>> is_variable(Variable(1.0)), is_variable(ops.convert_to_tensor(1.0))
    (True, False)
    """
    return isinstance(x, Variable)


def is_placeholder(x: Any) -> bool:
    """Whether `x` gets its value from outside.

    Args:
        x: any object.

    Returns:
        A bool.

    >>> is_placeholder(Placeholder((2,), "float32"))
    True
    """
    return isinstance(x, Placeholder)


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is an Input or what a layer called on one gave, and not made by an operation.

    Args:
        x: a tensor.

    Returns:
        A bool.

    Raises:
        ValueError: if x is no tensor.

    >>> is_keras_tensor(Placeholder((2,), "float32"))
    False
    """
    if not isinstance(x, Tensor):
        raise ValueError(f"is_keras_tensor: x must be a tensor, but is {x!r}.")
    return getattr(x, "history", None) is not None


def is_sparse(tensor: Any) -> bool:
    """False: there are no sparse tensors.

    Args:
        tensor: any object.

    Returns:
        A bool.

    >>> is_sparse(ops.convert_to_tensor([1.0]))
    False
    """
    return False


def to_dense(tensor: Any) -> Any:
    """The tensor itself, for there are no sparse ones; a sparse matrix as an array.

    Args:
        tensor: a tensor, or one of SciPy's sparse matrices.

    Returns:
        A tensor, or an array, of the same shape and dtype.

    >>> to_dense(ops.convert_to_tensor([1.0])).numpy()
    array([1.], dtype=float32)
    """
    return dense(tensor)


def dtype(x: Any) -> str:
    """The name of the dtype of `x`.

    Args:
        x: a tensor or an array, of any shape.

    Returns:
        A string such as "float32".

    Raises:
        TypeError: for what holds no numbers.

    >>> dtype(np.ones(2, "float32"))
    'float32'
    """
    return _tensor(x).dtype


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The shape of `x`, None where a size is not known yet.

    Args:
        x: a tensor or an array.

    Returns:
        A tuple of ints, and of None.

    Raises:
        TypeError: for what holds no numbers.

    >>> int_shape(Placeholder((None, 3), "float32"))
    (None, 3)
    """
    return _tensor(x).shape


def count_params(x: Any) -> int:
    """The number of elements of `x`.

    Args:
        x: a tensor or an array, whose shape is known.

    Returns:
        An int.

    Raises:
        TypeError: if a size is not known.

    >>> count_params(np.ones((2, 3)))
    6
    """
    return int(ops.size(x))


def size(x: Any, name: str | None = None) -> Any:
    """The number of elements of `x`, also where it is known only at run time.

    Args:
        x: a tensor or an array of any shape.
        name: accepted from older programs.

    Returns:
        An int; a Dim if a size is known only at run time.

    Raises:
        TypeError: for what holds no numbers.

    >>> int(size(np.ones((2, 3))))
    6
    """
    return ops.size(x)


def print_tensor(x: Any, message: str = "") -> Tensor:
    """Prints what is known of a tensor, and returns it.

    That is its value, or where it depends on an Input its name, shape and dtype: graphs do not
    print while they run. To see such a value, make it an output of a `function` or a Model.

    Args:
        x: a tensor of any shape and dtype.
        message: what is written before it.

    Returns:
        x as a tensor.

    Raises:
        TypeError: for what holds no numbers.

    >>> y = print_tensor(ops.convert_to_tensor([1.0, 2.0]), "y = ")
    y = [1. 2.]
    """
    tensor = _tensor(x)
    print(f"{message}{tensor if tensor.is_symbolic else tensor.numpy()}")
    return tensor


def _tensor(x: Any) -> Tensor:
    return ops.convert_to_tensor(as_values(x))


def dense(value: Any) -> Any:
    """Sparse matrices as arrays, everything else as it is."""
    sparse = hasattr(value, "toarray") and not isinstance(value, (np.ndarray, Tensor))
    return value.toarray() if sparse else value
