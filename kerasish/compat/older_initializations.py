"""`keras.initializations` of Keras 1: functions from a shape to a variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish import initializers
from kerasish.graph import dtypes
from kerasish.graph.spec import format_shape
from kerasish.graph.variable import Variable

# Keras 1's name -> today's initializer, and what that calls the `scale` of Keras 1.
_FUNCTIONS = {
    "glorot_normal": ("glorot_normal", None),
    "glorot_uniform": ("glorot_uniform", None),
    "he_normal": ("he_normal", None),
    "he_uniform": ("he_uniform", None),
    "identity": ("identity", "gain"),
    "lecun_uniform": ("lecun_uniform", None),
    "normal": ("random_normal", "stddev"),
    "one": ("ones", None),
    "orthogonal": ("orthogonal", "gain"),
    "uniform": ("random_uniform", "maxval"),
    "zero": ("zeros", None),
}
__all__ = [*_FUNCTIONS, "get", "get_fans"]


class _Function:
    """A function of Keras 1, which makes a variable; where a weight is made, its values.

    The former calls it with a shape and a name, the latter with a shape and a dtype.
    """

    def __init__(self, name: str):
        self.__name__ = name

    def __call__(
        self,
        shape: Sequence[int],
        *given: Any,
        scale: float | None = None,
        name: str | None = None,
        dim_ordering: str | None = None,
        dtype: Any = None,
    ) -> Any:
        for value in given:
            if isinstance(value, str) and value in dtypes.ALL:
                dtype = value
            elif isinstance(value, str):
                name = value
            else:
                scale = value
        values = self._initializer(scale)(tuple(shape), dtype)
        return values if dtype is not None else Variable(values, name=name)

    def _initializer(self, scale: float | None) -> Any:
        today, of_scale = _FUNCTIONS[self.__name__]
        if scale is None:
            return initializers.get(today)
        if of_scale is None:
            raise TypeError(f"initializations.{self.__name__} has no scale, but got {scale!r}.")
        arguments = {of_scale: scale} | ({"minval": -scale} if of_scale == "maxval" else {})
        kind: Any = type(initializers.get(today))
        return kind(**arguments)

    def __repr__(self) -> str:
        return f"<function initializations.{self.__name__}>"


def get(identifier: Any, **kwargs: Any) -> Any:
    """The function that a name stands for; what is no name as it is.

    >>> get("one")((2,), name="w").numpy()
    array([1., 1.], dtype=float32)
    """
    if isinstance(identifier, str) and identifier in _FUNCTIONS:
        return __getattr__(identifier)
    return identifier if callable(identifier) else initializers.get(identifier)


def get_fans(shape: Sequence[int], dim_ordering: str = "tf") -> tuple[float, float]:
    """How many inputs an output of a weight has, and the other way round.

    Args:
        shape: of a matrix; or of a kernel, (*window, channels, filters), in Theano's order
            (filters, channels, *window).
        dim_ordering: "tf" or "th".

    >>> get_fans((3, 3, 2, 8))
    (18, 72)
    """
    if len(shape) < 2:
        raise ValueError(
            f"get_fans: expected 2 sizes or more, but got {format_shape(tuple(shape))}."
        )
    *window, inputs, outputs = shape
    if len(shape) > 2 and dim_ordering == "th":
        outputs, inputs, *window = shape
    field = int(np.prod(window))
    return inputs * field, outputs * field


_made = {name: _Function(name) for name in _FUNCTIONS}


def __getattr__(name: str) -> Any:
    if name not in _made:
        raise AttributeError(f"keras.initializations has no {name!r}.")
    return _made[name]
