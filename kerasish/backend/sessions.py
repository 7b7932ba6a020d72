"""What stands in the place of TensorFlow 1's sessions."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kerasish import tree
from kerasish.backend.functions import function
from kerasish.graph.tensor import Tensor


class Session:
    """Computes tensors, in the manner of TensorFlow 1's sessions.

    There are none here; this is for programs that ask for one to run a few tensors.

    >>> from kerasish.backend import get_session, placeholder
    >>> x = placeholder((2,))
    >>> get_session().run(x * 2, feed_dict={x: [1.0, 2.0]})
    array([2., 4.], dtype=float32)
    """

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"Session.{name}: there are no sessions here, nor an engine's graphs. This one has "
            "`run`; to compute tensors many times make a `function`."
        )

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any:
        """The values of tensors.

        Args:
            fetches: a tensor, or several in any structure.
            feed_dict: placeholder (or `learning_phase()`) -> its value.

        Raises:
            TypeError: for anything else, such as an operation of an engine.
        """
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

    Returns:
        A `Session`.

    >>> type(get_session()).__name__
    'Session'
    """
    return Session()


def set_session(session: Any) -> None:
    """Warns that a session, and what it says of devices and memory, is not used.

    Args:
        session: what `get_session` returned, or an engine's own.

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

    Args:
        value: False.

    Raises:
        ValueError: for True, which leaves it to a session.

    >>> manual_variable_initialization(False)
    """
    if value:
        raise ValueError(
            "manual_variable_initialization(True): variables always have values here, and there "
            "is no session that could initialize them. Use set_value or set_weights."
        )


@contextmanager
def control_dependencies(control_inputs: Any) -> Iterator[None]:
    """A `with` block that changes nothing.

    What a tensor needs is computed before it in any case, and updates are applied together, when
    everything else of the step has been computed.

    Args:
        control_inputs: tensors and updates.

    Returns:
        A context manager.

    >>> with control_dependencies([]):
    ...     x = 1
    """
    yield
