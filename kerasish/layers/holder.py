"""What a layer holds: its weights, and the layers within it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from kerasish import compat, constraints, initializers, regularizers
from kerasish.dtype_policies import DTypePolicy
from kerasish.graph import dtypes
from kerasish.graph.shapes import size_of
from kerasish.graph.spec import format_shape
from kerasish.graph.variable import Variable
from kerasish.layers.checks import flag
from kerasish.saving.serialization import Configurable


class Holder(Configurable):
    """The weights of a layer and of the layers among its attributes.

    These may also be in lists, tuples, dicts and sets, and in those within.
    """

    name: str
    path: str
    built: bool
    dtype_policy: DTypePolicy
    _trainable: bool
    _variables: list[Variable]

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """Makes a weight of this layer.

        Args:
            shape: of the weight; () if None.
            initializer: name, Initializer or array; GlorotUniform for floats if None.
            dtype: the layer's if None.
            trainable: whether optimizers change it.
            regularizer: adds a loss computed from it.
            constraint: a projection after each step.
            autocast: whether it is cast to the layer's compute dtype where `call` uses it.
            name: for messages and files. A weight called `kernel` takes what is not given from
                the layer's `kernel_initializer`, `kernel_regularizer` and `kernel_constraint`,
                one called `recurrent_kernel` from `recurrent_initializer` ...

        The argument orders of older Keras are accepted too.
        """
        return self._add_weight(**compat.add_weight_arguments(args, kwargs))

    # Keras 2's and 3's other name.
    add_variable = add_weight

    def _add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        autocast: bool = True,
        name: str | None = None,
    ) -> Variable:
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if None in shape:
            raise ValueError(
                f"Layer {self.name}: weight {name or ''} would have shape {format_shape(shape)}; "
                "every size must be known. Give the inputs a fixed size on that axis."
            )
        dtype = dtypes.standardize(dtype or self.dtype_policy.variable_dtype)
        default = "glorot_uniform" if dtypes.is_float(dtype) else "zeros"
        name = name or f"variable_{len(self._variables)}"
        stem = name if name == "kernel" else name.removesuffix("_kernel")
        own = self.__dict__
        initializer = own.get(f"{stem}_initializer") if initializer is None else initializer
        regularizer = own.get(f"{stem}_regularizer") if regularizer is None else regularizer
        constraint = own.get(f"{stem}_constraint") if constraint is None else constraint
        variable = Variable(
            initializers.get(default if initializer is None else initializer),
            shape=shape,
            dtype=dtype,
            trainable=trainable,
            name=name,
            autocast=autocast,
        )
        variable.path = f"{self.path}/{name}"
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        self._variables.append(variable)
        return variable

    def _keep_rules(self, weight: str, initializer: Any, regularizer: Any, constraint: Any) -> None:
        """Keeps how a weight starts, what it costs and where it has to stay, for `add_weight`."""
        setattr(self, f"{weight}_initializer", initializers.get(initializer))
        setattr(self, f"{weight}_regularizer", regularizers.get(regularizer))
        setattr(self, f"{weight}_constraint", constraints.get(constraint))

    def _own_variables(self) -> list[Variable]:
        found = [*self._variables, *(v for v in self._attributes() if isinstance(v, Variable))]
        return list(dict.fromkeys(found))

    def _attributes(self) -> Iterator[Any]:
        """The variables and layers among the attributes, also in lists, tuples, dicts and sets."""
        for key, value in self.__dict__.items():
            if key not in _BOOKKEEPING and isinstance(value, _HOLDING):
                yield from (leaf for leaf in _leaves(value) if isinstance(leaf, _TRACKED))

    def _sublayers(self) -> list[Any]:
        return list(dict.fromkeys(v for v in self._attributes() if isinstance(v, Holder)))

    def _flatten_layers(self) -> list[Any]:
        """This layer and all within it, each once, also if they know the layers around them."""
        found: dict[Holder, None] = {}
        stack: list[Holder] = [self]
        while stack:
            layer = stack.pop()
            if layer not in found:
                found[layer] = None
                stack += reversed(layer._sublayers())
        return list(found)

    @property
    def trainable(self) -> bool:
        """Whether optimizers change the weights; setting it sets the sublayers' too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        wanted = flag(value, f"Layer {self.name}: trainable")
        for layer in self._flatten_layers():
            layer._trainable = wanted

    def _gathered(
        self, enters: Callable[[Any], bool], of: Callable[[Any], Iterable[Variable]], says: str
    ) -> list[Variable]:
        """The variables of this layer and those within it for which `enters` holds.

        Args:
            enters: whether a layer, and what is within it, counts.
            of: a layer's own ones.
            says: the property that a layer's class may define anew, as in Keras 2: it then
                speaks for all that is within it.
        """
        found: dict[Variable, None] = {}
        seen: set[int] = set()
        stack: list[Any] = [self]
        while stack:
            layer = stack.pop()
            if id(layer) in seen or not enters(layer):
                continue
            seen.add(id(layer))
            if layer is not self and _speaks_for_itself(type(layer)):
                found |= dict.fromkeys(getattr(layer, says))
                continue
            found |= dict.fromkeys(of(layer))
            stack += reversed(layer._sublayers())
        return list(found)

    @property
    def weights(self) -> list[Variable]:
        """All variables: each layer's trainable ones first."""
        return self._gathered(
            lambda layer: True,
            lambda layer: sorted(layer._own_variables(), key=lambda v: not v.trainable),
            "_said_weights",
        )

    @property
    def _said_weights(self) -> list[Variable]:
        return [*self.trainable_weights, *self.non_trainable_weights]

    @property
    def variables(self) -> list[Variable]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The variables that optimizers change."""
        return self._gathered(
            lambda layer: layer._trainable,
            lambda layer: (v for v in layer._own_variables() if v.trainable),
            "trainable_weights",
        )

    @trainable_weights.setter
    def trainable_weights(self, weights: Iterable[Variable]) -> None:
        """Keras 1's and 2's way to say which variables made by hand are weights."""
        self._variables = list(dict.fromkeys([*self._variables, *weights]))

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The variables that optimizers leave alone."""
        trainable = set(map(id, self.trainable_weights))
        fixed = [v for v in self.weights if id(v) not in trainable]
        # What a class leaves out of its trainable weights it does not count at all.
        return [v for v in fixed if not v.trainable] if _speaks_for_itself(type(self)) else fixed

    @non_trainable_weights.setter
    def non_trainable_weights(self, weights: Sequence[Variable]) -> None:
        """Keras 1's and 2's way to say which variables made by hand are not trained."""
        for variable in weights:
            variable.trainable = False
        self._variables = list(dict.fromkeys([*self._variables, *weights]))

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """The values of all weights as arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Iterable[Any]) -> None:
        """Sets all weights from arrays in the order of `get_weights`.

        Raises:
            ValueError: if the number of arrays or a shape does not fit.
        """
        values = list(weights)
        if len(values) != len(self.weights):
            raise ValueError(
                f"Layer {self.name} has {len(self.weights)} weights, but set_weights got "
                f"{len(values)} arrays. Its weights: "
                f"{[(v.path, v.shape) for v in self.weights]}."
            )
        for variable, value in zip(self.weights, values, strict=True):
            variable.set_value(value)

    def count_params(self) -> int:
        """The number of numbers in the weights."""
        if not self.built and not self.weights:
            raise ValueError(
                f"Layer {self.name} has no weights yet: it isn't built. Call it on data first, "
                "or give the model an input shape."
            )
        return sum((size_of(v.shape) or 0) for v in self.weights)


def _speaks_for_itself(cls: type) -> bool:
    """Whether a layer's class has a property of its own for its weights, as in Keras 2."""
    names = ("trainable_weights", "non_trainable_weights")
    return any(getattr(cls, name) is not getattr(Holder, name) for name in names)


# Lists of variables and calls that are not parts of the layer.
_BOOKKEEPING = {
    "_call_losses",
    "_calls",
    "_compile_arguments",
    "_init_arguments",
    "_initial_weights",
    "_losses",
    "_states",
    "_trained",
    "_variables",
}
_TRACKED = (Holder, Variable)
_HOLDING = (*_TRACKED, dict, list, set, tuple)


def _leaves(value: Any) -> Iterator[Any]:
    if not isinstance(value, (dict, list, set, tuple)):
        yield value
        return
    for item in contents(value):
        yield from _leaves(item)


def contents(container: Any) -> Iterable[Any]:
    """What a list, tuple, dict or set holds; of a set, which has no order, by name and number.

    >>> from kerasish.layers import Dense
    >>> [layer.name for layer in contents({Dense(1, name=f"d_{i}") for i in (10, 9)})]
    ['d_9', 'd_10']
    """
    if isinstance(container, set):
        return sorted(container, key=_name_and_number)
    return container.values() if isinstance(container, dict) else container


def _name_and_number(item: Any) -> tuple[str, int]:
    name = str(getattr(item, "name", item))
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if number.isdecimal() else (name, 0)
