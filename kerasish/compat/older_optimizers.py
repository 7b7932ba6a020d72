"""Optimizers that programs wrote for Keras 1 and 2: subclasses that define `get_updates`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from kerasish.graph import trace
from kerasish.graph.passes import replace
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.graph.variable import Variable


class _Loss:
    """Stands for the loss, whose gradients `get_gradients` has.

    Args:
        given: variable -> the gradient.
    """

    def __init__(self, given: dict[Variable, Tensor]):
        self._given = given

    def gradients_of(self, params: Sequence[Variable]) -> list[Tensor]:
        """The gradients with respect to variables."""
        return [self._given[variable] for variable in params]

    def __repr__(self) -> str:
        return "<the loss: use self.get_gradients(loss, params)>"


def _stored(name: str, otherwise: Callable[[Any], Any]) -> property:
    """An attribute that a program may set; until it does, `otherwise` says what it is."""
    key = f"_older_{name}"

    def find(self: Any) -> Any:
        return self.__dict__[key] if key in self.__dict__ else otherwise(self)

    return property(find, lambda self, value: self.__dict__.__setitem__(key, value))


def adopt(cls: type) -> None:
    """Lets a class train by its own `get_updates(loss, params)`.

    It is called once, with placeholders for the gradients: what it returns is the graph of all
    steps. Variables that it makes are kept, and are the optimizer's if it names them in `weights`.

    Args:
        cls: a subclass of Optimizer.
    """
    base = cls.__mro__[1]
    for name in ("iterations", "learning_rate", "lr", "variables"):
        current = inspect.getattr_static(base, name)
        setattr(cls, name, _stored(name, current.__get__))
    cls.weights = _stored("variables", base.variables.__get__)  # type: ignore[attr-defined]
    cls.initial_decay = property(lambda self: float(self.decay or 0.0))  # type: ignore[attr-defined]
    cls.get_gradients = _given_gradients  # type: ignore[attr-defined]
    cls.apply = _apply  # type: ignore[attr-defined]


def _given_gradients(self: Any, loss: Any, params: Sequence[Variable]) -> list[Tensor]:
    """The gradients of the loss of the step that is being built, clipped."""
    if not isinstance(loss, _Loss):
        return _adopted(self).__mro__[1].get_gradients(self, loss, params)
    return self._clipped(loss.gradients_of(params))


def _apply(self: Any, grads: Sequence[Any], variables: Sequence[Variable] | None = None) -> None:
    """A step: the updates of `get_updates`, with these gradients."""
    variables = list(self._trainable if variables is None else variables)
    pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    if trace.current_trace() is None:
        raise NotImplementedError(
            f"{type(self).__name__}: an optimizer of Keras 2 (with get_updates) can't be applied "
            "by hand; it trains in fit and train_on_batch."
        )
    key = [variable for _, variable in pairs]
    kept = self.__dict__.get("_older_step")
    if kept is None or {id(v) for v in kept[0]} != {id(v) for v in key}:
        kept = self.__dict__["_older_step"] = (key, *_step(self, key))
    _, given, updates = kept
    new = replace([value for _, value in updates], {given[v]: g for g, v in pairs})
    for (variable, _), value in zip(updates, new, strict=True):
        variable.assign(value)


def _step(self: Any, variables: list[Variable]) -> tuple[dict[Variable, Tensor], list[Any]]:
    """The placeholders of the gradients, and what `get_updates` makes of them."""
    from kerasish.backend.functions import pairs_of

    given: dict[Variable, Tensor] = {
        v: Placeholder(v.shape, v.dtype, f"gradient of {v.name}") for v in variables
    }
    offered = {"loss": _Loss(given), "params": variables, "constraints": {}}
    names = inspect.signature(type(self).get_updates).parameters
    # Outside of the trace, so that variables are read as they are before the step.
    with trace.outside(), trace.phase(True):
        updates = self.get_updates(**{k: v for k, v in offered.items() if k in names})
        return given, pairs_of(updates)


def _adopted(self: Any) -> Any:
    """The class that was adopted."""
    return next(cls for cls in type(self).__mro__ if "get_updates" in cls.__dict__)
