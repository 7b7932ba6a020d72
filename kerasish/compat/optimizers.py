"""The arguments of Keras 2's optimizers in terms of Keras 3's."""

from __future__ import annotations

from typing import Any

from kerasish.graph.tensor import Tensor


def modern_arguments(learning_rate: Any, old: dict[str, Any]) -> tuple[Any, float]:
    """The learning rate and its decay per step, after taking older names out of `old`.

    Keras 1 and 2 called the learning rate `lr`, and had a `decay` (see `decayed`).
    """
    return old.pop("lr", learning_rate), float(old.pop("decay", 0.0) or 0.0)


def decayed(rate: Tensor, decay: float, step: Tensor) -> Tensor:
    """Keras 2's decay: the rate over 1 + decay * steps done."""
    return rate / (1.0 + decay * step) if decay else rate
