"""Small questions about tensors and dtypes, and the fresh start of a session."""

from __future__ import annotations

import gc
from typing import Any


def clear_session(free_memory: bool = True) -> None:
    """Starts the numbers in the names of layers over, as at the start of a program.

    Args:
        free_memory: whether models that nobody knows any more are removed from memory at once.
            Models in use go on working.

    Example:
        >>> from kerasish import layers
        >>> clear_session()
        >>> layers.Dense(1).name
        'dense'
    """
    from kerasish.utils.naming import reset_uids

    reset_uids()
    if free_memory:
        gc.collect()


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is an Input or was computed from one, and thus has no value yet.

    Example:
        >>> from kerasish import layers
        >>> is_keras_tensor(layers.Input((2,))), is_keras_tensor([1.0, 2.0])
        (True, False)
    """
    from kerasish.graph.tensor import Tensor

    return isinstance(x, Tensor) and x.is_symbolic


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype that any library may have given.

    Args:
        dtype: a name, a Python type, a dtype of NumPy, TensorFlow or PyTorch; None is floatx.

    Raises:
        ValueError: for what is no dtype.

    Example:
        >>> import numpy as np
        >>> standardize_dtype(np.float32), standardize_dtype(int)
        ('float32', 'int32')
    """
    from kerasish.graph.dtypes import standardize

    return standardize(dtype)
