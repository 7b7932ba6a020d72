"""The arguments of Keras 2's optimizers in terms of Keras 3's."""

from __future__ import annotations

from typing import Any

from kerasish.compat.arguments import by_name
from kerasish.graph.tensor import Tensor


def modern_arguments(learning_rate: Any, old: dict[str, Any]) -> tuple[Any, float]:
    """The learning rate and its decay per step, after taking older names out of `old`.

    Keras 1 and 2 called the learning rate `lr`, and had a `decay` (see `decayed`).
    """
    return old.pop("lr", learning_rate), float(old.pop("decay", 0.0) or 0.0)


def updates_arguments(args: Any, kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The loss and the variables that `get_updates` was given.

    Keras 2 says (loss, params), Keras 1 (params, constraints, loss).

    Raises:
        TypeError: one of them is missing, or there are others.
    """
    older = bool(args) and isinstance(args[0], (list, tuple))
    names = ("params", "constraints", "loss") if older else ("loss", "params")
    given = by_name("get_updates", names, args, kwargs)
    unknown = given.keys() - {"params", "constraints", "loss"}
    if unknown:
        raise TypeError(f"get_updates got an unexpected argument {min(unknown)!r}.")
    if given.get("constraints"):
        raise TypeError("get_updates: constraints belong to the variables now, not to the step.")
    if given.get("loss") is None or given.get("params") is None:
        raise TypeError("get_updates takes a loss and params, the variables to change.")
    return given["loss"], list(given["params"])


def decayed(rate: Tensor, decay: float, step: Tensor) -> Tensor:
    """Keras 2's decay: the rate over 1 + decay * steps done."""
    return rate / (1.0 + decay * step) if decay else rate


def schedule_decay(old: dict[str, Any]) -> float:
    """How fast Nadam's momentum grows, taken out of `old`: Keras 2's was 0.004, now it is 1."""
    return float(old.pop("schedule_decay", 1.0))


class TFOptimizer:
    """Refuses to be made: in Keras 2 it wrapped an optimizer of TensorFlow 1.

    Raises:
        NotImplementedError: always; it names what to use.
    """

    def __init__(self, optimizer: Any, *args: Any, **kwargs: Any):
        raise NotImplementedError(
            f"TFOptimizer: {type(optimizer).__name__} of TensorFlow can't be used here. "
            "kerasish.optimizers has one of the same name, or write one with slots() and step()."
        )
