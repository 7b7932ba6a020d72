"""Keras 2's lists of a layer's own weights, to which layers of programs append others'."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kerasish.graph.variable import Variable
from kerasish.layers.holder import Holder


class _OwnWeights(list):
    """Weights of a layer, in a list through which it gets more."""

    def __init__(self, layer: Holder, weights: Iterable[Variable]):
        super().__init__(weights)
        self._layer = layer

    def __contains__(self, weight: Any) -> bool:
        return any(weight is own for own in self)

    def append(self, weight: Variable) -> None:
        """Makes a variable a weight of the layer."""
        self.extend([weight])

    def extend(self, weights: Iterable[Variable]) -> None:
        """Makes variables weights of the layer."""
        new = [v for v in weights if v not in self]
        super().extend(new)
        self._layer._variables = list(dict.fromkeys([*self._layer._variables, *new]))

    def __iadd__(self, weights: Iterable[Variable]) -> _OwnWeights:  # type: ignore[override,misc]
        self.extend(weights)
        return self


def _trainable(layer: Any) -> _OwnWeights:
    return _OwnWeights(layer, [v for v in layer._own_variables() if v.trainable])


def _fixed(layer: Any) -> _OwnWeights:
    return _OwnWeights(layer, [v for v in layer._own_variables() if not v.trainable])


def attributes() -> list[tuple[type, str, Any]]:
    """Class, name and value of what layers have of them."""
    own = vars(Holder)
    return [
        (Holder, "_trainable_weights", own["trainable_weights"].getter(_trainable)),
        (Holder, "_non_trainable_weights", own["non_trainable_weights"].getter(_fixed)),
    ]
