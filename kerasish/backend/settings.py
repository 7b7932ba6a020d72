"""Settings and the learning phase."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from kerasish import config, ops
from kerasish.graph import trace
from kerasish.graph.dtypes import numpy_dtype, standardize
from kerasish.graph.tensor import Tensor
from kerasish.utils import session

# What Keras 1 calls the two data formats.
_ORDERINGS = {"tf": "channels_last", "th": "channels_first"}


def standardize_dtype(dtype: Any) -> str:
    """The canonical name of a dtype; None is floatx.

    Args:
        dtype: a name, a NumPy or an engine's dtype, or a Python type.

    Returns:
        A string such as "float32".

    Raises:
        ValueError: for an unknown dtype.

    >>> standardize_dtype("int"), standardize_dtype(None)
    ('int32', 'float32')
    """
    return standardize(dtype)


def set_floatx(floatx: str) -> None:
    """`config.set_floatx`: the dtype of all that is made without one.

    Args:
        floatx: "float16", "bfloat16", "float32" or "float64".

    Raises:
        ValueError: for anything else.

    >>> set_floatx("float32")
    """
    config.set_floatx(floatx)


def set_epsilon(e: float) -> None:
    """`config.set_epsilon`: the small number that keeps divisions and logarithms finite.

    Args:
        e: a number above 0.

    Raises:
        ValueError: for anything else.

    >>> set_epsilon(1e-7)
    """
    config.set_epsilon(e)


def cast_to_floatx(x: Any) -> Any:
    """A tensor or an array in dtype floatx.

    Args:
        x: a tensor, or an array or numbers, of any shape.

    Returns:
        A tensor for a tensor, else an array, of dtype floatx.

    Raises:
        ValueError: for what holds no numbers.

    >>> cast_to_floatx([1, 2]).dtype
    dtype('float32')
    """
    dtype = config.floatx()
    return ops.cast(x, dtype) if isinstance(x, Tensor) else np.asarray(x, numpy_dtype(dtype))


def normalize_data_format(value: str | None) -> str:
    """`value`, or `image_data_format()` if it is None.

    Args:
        value: "channels_last" or "channels_first", in any case; "tf" or "th", as Keras 1 calls
            them; or None.

    Returns:
        One of the two.

    Raises:
        ValueError: for anything else.

    >>> normalize_data_format("channels_first")
    'channels_first'
    """
    found = config.image_data_format() if value is None else str(value).lower()
    found = {"tf": "channels_last", "th": "channels_first"}.get(found, found)
    if found not in config.IMAGE_DATA_FORMATS:
        raise ValueError(f"data_format must be one of {config.IMAGE_DATA_FORMATS}; got {value!r}.")
    return found


def image_dim_ordering() -> str:
    """Keras 1's name of `image_data_format()`: "tf" if channels come last, else "th".

    Returns:
        "tf" or "th".

    >>> image_dim_ordering()
    'tf'
    """
    return next(old for old, new in _ORDERINGS.items() if new == config.image_data_format())


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Keras 1's `set_image_data_format`.

    Args:
        dim_ordering: "tf" (channels come last) or "th".

    Raises:
        ValueError: for anything else.

    >>> set_image_dim_ordering("tf")
    """
    if dim_ordering not in _ORDERINGS:
        raise ValueError(f'dim_ordering must be "tf" or "th"; got {dim_ordering!r}.')
    config.set_image_data_format(_ORDERINGS[dim_ordering])


def clear_session(free_memory: bool = True) -> None:
    """`utils.clear_session`; and the learning phase is open again.

    Args:
        free_memory: whether to free what has been compiled too.

    >>> clear_session()
    """
    session.clear_session(free_memory)
    trace.set_default_phase(None)


# ---------------------------------------------------------------- the learning phase


def learning_phase() -> Any:
    """0 or 1 where it is decided, by `set_learning_phase` or by what is being built; else a tensor.

    The tensor is True in what trains. Among the inputs of `function` it stands for a value that
    is given with each call.

    Returns:
        An int, or a bool tensor without axes.

    >>> from kerasish.backend import function, in_train_phase, placeholder
    >>> x = placeholder((2,))
    >>> f = function([x, learning_phase()], [in_train_phase(x * 10, x)])
    >>> f([[1.0, 2.0], 0]), f([[1.0, 2.0], 1])
    ([array([1., 2.], dtype=float32)], [array([10., 20.], dtype=float32)])
    """
    decided = trace.current_phase()
    return phase_tensor() if decided is None else int(decided)


@functools.cache
def phase_tensor() -> Tensor:
    """The one tensor that stands for an open learning phase."""
    with trace.phase(None):
        return ops.in_train_phase(True, False)


def set_learning_phase(value: Any) -> None:
    """Decides for all layers that are called from now on whether that is for training.

    They keep to it, also when the model they become part of is trained or tested.
    `clear_session` leaves the phase open again.

    Args:
        value: 0 or 1 (or False or True).

    Raises:
        ValueError: for anything else.

    >>> set_learning_phase(0)
    >>> learning_phase()
    0
    >>> clear_session()
    """
    if value not in (0, 1):
        raise ValueError(f"The learning phase is 0 (test) or 1 (training); got {value!r}.")
    trace.set_default_phase(bool(value))


def name_scope(name: str) -> AbstractContextManager[None]:
    """A `with` block whose operations and variables belong to `name`, as the paths of these say.

    Args:
        name: a part of their path.

    Returns:
        A context manager.

    >>> with name_scope("encoder"):
    ...     y = ops.add(1.0, 2.0)
    """
    return trace.inside(trace.Scope(name))
