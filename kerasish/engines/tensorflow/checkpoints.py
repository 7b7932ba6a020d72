"""`tf.train.Checkpoint` of our models, layers, optimizers and metrics.

TensorFlow saves what it can track. Ours it cannot: something stands in for each of them there, and
hands over the values of its variables and takes them back.
"""

from __future__ import annotations

import warnings
from typing import Any

from kerasish.engines.tensorflow.library import tf
from kerasish.graph.variable import Variable


class _Variables(tf.__internal__.tracking.Trackable):  # type: ignore[name-defined]
    """Stands for something that has variables."""

    def __init__(self, owner: Any):
        self.owner = owner

    def variables(self) -> list[Variable]:
        return [self.owner] if isinstance(self.owner, Variable) else list(self.owner.variables)

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {f"value_{i}": tf.constant(v.numpy()) for i, v in enumerate(self.variables())}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        for i, variable in enumerate(self.variables()):
            variable.assign(restored_tensors[f"value_{i}"].numpy())
        return tf.no_op()


def _is_ours(value: Any) -> bool:
    """Whether it is one of our variables, or of a class of ours, or derived from one, with some."""
    if isinstance(value, Variable):
        return True
    ours = any(base.__module__.startswith("kerasish.") for base in type(value).__mro__)
    return ours and hasattr(value, "variables") and not isinstance(value, _Variables)


_READY = "_holds_ours"


def teach() -> None:
    """Lets checkpoints of TensorFlow's hold our objects."""
    cls = tf.train.Checkpoint
    init, assign, find, read = cls.__init__, cls.__setattr__, cls.__getattribute__, cls.read

    def made(self: Any, root: Any = None, **kwargs: Any) -> None:
        given = {k: _Variables(v) if _is_ours(v) else v for k, v in kwargs.items()}
        init(self, _Variables(root) if _is_ours(root) else root, **given)
        object.__setattr__(self, _READY, True)

    def assigned(self: Any, name: str, value: Any) -> None:
        assign(self, name, _Variables(value) if _is_ours(value) else value)

    def found(self: Any, name: str) -> Any:
        value = find(self, name)
        shown = isinstance(value, _Variables) and _READY in find(self, "__dict__")
        return value.owner if shown else value

    def was_read(self: Any, *args: Any, **kwargs: Any) -> Any:
        for name, value in vars(self).items():
            if isinstance(value, _Variables) and not value.variables():
                warnings.warn(
                    f"tf.train.Checkpoint: {name} has no variables yet, so that none are restored. "
                    "Call it on data, or build it, before.",
                    stacklevel=3,
                )
        return read(self, *args, **kwargs)

    cls.__init__, cls.__setattr__, cls.__getattribute__ = made, assigned, found
    cls.read = was_read
