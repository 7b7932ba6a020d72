"""Choices: by the training phase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.graph import trace
from kerasish.graph.primitive import as_tensor
from kerasish.graph.tensor import Tensor
from kerasish.ops.elementwise import phase_p, promoted


def in_train_phase(x: Any, alt: Any, training: bool | None = None) -> Tensor:
    """`x` while training, `alt` otherwise.

    Args:
        x: a tensor, or a function without arguments that makes one.
        alt: likewise.
        training: True or False decides now. None leaves it to the call that is being traced,
            and if that is undecided too, to the Function that runs the graph.
    """
    if training is None:
        training = trace.current_phase()
    if training is not None:
        return _made(x if training else alt)
    return phase_p(*promoted(_made(x), _made(alt)))


def _made(value: Any | Callable[[], Any]) -> Tensor:
    return as_tensor(value() if callable(value) else value)
