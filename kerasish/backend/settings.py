"""Settings, the learning phase, and what stands in the place of TensorFlow 1's sessions."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from kerasish import config, ops, tree
from kerasish.graph import trace
from kerasish.graph.dtypes import standardize
from kerasish.graph.tensor import Tensor
from kerasish.utils import session

# What Keras 1 calls the two data formats.
_ORDERINGS = {"tf": "channels_last", "th": "channels_first"}


def standardize_dtype(dtype: Any) -> str:
    """The canonical name of a dtype; None is floatx."""
    return standardize(dtype)


def cast_to_floatx(x: Any) -> Any:
    """A tensor or an array in dtype floatx.

    >>> cast_to_floatx([1, 2]).dtype
    dtype('float32')
    """
    dtype = config.floatx()
    return ops.cast(x, dtype) if isinstance(x, Tensor) else np.asarray(x, dtype)


def normalize_data_format(value: str | None) -> str:
    """`value`, or `image_data_format()` if it is None.

    >>> normalize_data_format("channels_first")
    'channels_first'
    """
    if value not in (None, *config.IMAGE_DATA_FORMATS):
        raise ValueError(f"data_format must be one of {config.IMAGE_DATA_FORMATS}; got {value!r}.")
    return value or config.image_data_format()


def image_dim_ordering() -> str:
    """Keras 1's name of `image_data_format()`: "tf" if channels come last, else "th".

    >>> image_dim_ordering()
    'tf'
    """
    return next(old for old, new in _ORDERINGS.items() if new == config.image_data_format())


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Keras 1's `set_image_data_format`: "tf" or "th"; anything else: `ValueError`.

    >>> set_image_dim_ordering("tf")
    """
    if dim_ordering not in _ORDERINGS:
        raise ValueError(f'dim_ordering must be "tf" or "th"; got {dim_ordering!r}.')
    config.set_image_data_format(_ORDERINGS[dim_ordering])


def clear_session(free_memory: bool = True) -> None:
    """`utils.clear_session`; and the learning phase is open again.

    >>> clear_session()
    """
    session.clear_session(free_memory)
    trace.set_default_phase(None)


# ---------------------------------------------------------------- the learning phase


def learning_phase() -> Any:
    """0 or 1 where it is decided, by `set_learning_phase` or by what is being built; else a tensor.

    The tensor is True in what trains. Among the inputs of `function` it stands for a value that
    is given with each call.

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
        value: 0 or 1 (or False or True); anything else: `ValueError`.
    """
    if value not in (0, 1):
        raise ValueError(f"The learning phase is 0 (test) or 1 (training); got {value!r}.")
    trace.set_default_phase(bool(value))


# ---------------------------------------------------------------- sessions


class Session:
    """Computes tensors, in the manner of TensorFlow 1's sessions.

    There are none here; this is for programs that ask for one to run a few tensors.

    >>> from kerasish.backend import get_session, placeholder
    >>> x = placeholder((2,))
    >>> get_session().run(x * 2, feed_dict={x: [1.0, 2.0]})
    array([2., 4.], dtype=float32)
    """

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any:
        """The values of tensors.

        Args:
            fetches: a tensor, or several in any structure.
            feed_dict: placeholder (or `learning_phase()`) -> its value.

        Raises:
            TypeError: for anything else, such as an operation of an engine.
        """
        from kerasish.backend.variables import function

        tensors = tree.flatten(fetches)
        for x in tensors:
            if not isinstance(x, Tensor):
                raise TypeError(
                    f"Session.run computes tensors of this library, but got {x!r:.100}. "
                    "Variables have their first values from the start: nothing has to be "
                    "initialized."
                )
        given = dict(feed_dict or {})
        return tree.pack(fetches, function(list(given), tensors)(list(given.values())))


@functools.cache
def get_session() -> Session:
    """An object with `run`. There are no sessions: see `Session`.

    >>> type(get_session()).__name__
    'Session'
    """
    return Session()


def set_session(session: Any) -> None:
    """Warns that a session, and what it says of devices and memory, is not used.

    >>> set_session(get_session())
    """
    if session is not None and not isinstance(session, Session):
        warnings.warn(
            "set_session: there are no sessions here, so what this one says of devices or memory "
            "is not used. Set that with the engine's own functions.",
            stacklevel=2,
        )


def manual_variable_initialization(value: bool) -> None:
    """Accepts False: variables have their first values as soon as they are made.

    Raises:
        ValueError: for True, which leaves it to a session.

    >>> manual_variable_initialization(False)
    """
    if value:
        raise ValueError(
            "manual_variable_initialization(True): variables always have values here, and there "
            "is no session that could initialize them. Use set_value or set_weights."
        )


def name_scope(name: str) -> AbstractContextManager[None]:
    """A `with` block whose operations belong to `name`, in error messages and printed programs."""
    return trace.inside(name)


@contextmanager
def control_dependencies(control_inputs: Any) -> Iterator[None]:
    """A `with` block that changes nothing.

    What a tensor needs is computed before it in any case, and updates are applied together, when
    everything else of the step has been computed.

    Args:
        control_inputs: tensors and updates.

    >>> with control_dependencies([]):
    ...     x = 1
    """
    yield
