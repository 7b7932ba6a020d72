"""What tf.keras's backend has, and Keras 2's has not."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from kerasish.backend.draws import random_binomial
from kerasish.graph import trace

__all__ = ["ContextValueCache", "random_bernoulli"]

random_bernoulli = random_binomial


class ContextValueCache(dict):
    """What tf.keras's cells keep dropout masks in: one value, made anew for each graph.

    Args:
        default: makes the value, of what `setdefault` is given as `kwargs`.
    """

    def __init__(self, default: Callable[..., Any]):
        super().__init__()
        self.default = default
        self._values: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def setdefault(self, key: Any = None, default: Any = None, kwargs: Any = None) -> Any:
        """The value; if there is none yet in the graph that is being built, it is made."""
        graph = trace.outermost_trace()
        found = None if graph is None else self._values.get(graph)
        if found is None:
            found = self.default(**(kwargs or {})) if default is None else default
            if graph is not None:
                self._values[graph] = found
        return found

    def clear(self) -> None:
        """Forgets the value."""
        self._values.clear()
