"""Functions of arrays, the updates that they do, and gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.backend.settings import phase_tensor
from kerasish.backend.sizes import Sizes, as_values
from kerasish.backend.tensors import dense
from kerasish.graph import trace
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients as _gradients
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable


def function(
    inputs: Sequence[Any],
    outputs: Any,
    updates: Any = None,
    feed_dict: Mapping[Any, Any] | None = None,
    fetches: Sequence[Any] = (),
    name: str = "function",
) -> Callable[[Sequence[Any]], Any]:
    """A function of a list of arrays that computes `outputs` and then applies `updates`.

    Args:
        inputs: the tensors that get values. `learning_phase()` among them says in each call
            whether it is for training; without it no call is. As the last one it may be left out
            of a call.
        outputs: a tensor, or a list of them; the result is an array or a list likewise.
        updates: (variable, new value) pairs, or what `update` and its like returned. Those that
            were done at once are taken back, and done by each call instead.
        feed_dict: further tensors, and the value that each has in all calls.
        fetches: further updates.
        name: for messages.

    Returns:
        A function that takes a list of arrays, and returns arrays of the dtypes of `outputs`
        (NumPy's numbers where they have no axes).

    Raises:
        TypeError: for something else among the inputs or updates.
        ValueError: if an update has another shape than its variable.

    >>> x = Placeholder((None, 2), "float32")
    >>> function([x], [ops.sum(x)])([np.ones((3, 2))])
    [np.float32(6.0)]
    """
    if not isinstance(inputs, (list, tuple)):
        raise TypeError(f"inputs must be a list of tensors, but got {inputs!r:.100}.")
    single = not isinstance(outputs, (list, tuple)) or isinstance(outputs, Sizes)
    results = [ops.convert_to_tensor(as_values(x)) for x in ([outputs] if single else outputs)]
    pairs = pairs_of([*_listed(updates or ()), *_listed(fetches)])
    given = dict(feed_dict or {})
    every = [*inputs, *given]
    phases = {i: x for i, x in enumerate(every) if x is phase_tensor() or isinstance(x, int)}
    fed = [x for i, x in enumerate(every) if i not in phases]
    made: dict[bool, Function] = {}

    def call(arrays: Sequence[Any]) -> Any:
        if len(inputs) - 1 in phases and isinstance(arrays, list) and len(arrays) < len(inputs):
            arrays = [*arrays, 0]  # TensorFlow 1 has a default for it
        if not isinstance(arrays, (list, tuple)) or len(arrays) != len(inputs):
            count = len(arrays) if isinstance(arrays, (list, tuple)) else type(arrays).__name__
            raise TypeError(f"{name} takes a list of {len(inputs)} values, but got {count}.")
        values = [*arrays, *given.values()]
        training = _training([(phase, values[i]) for i, phase in phases.items()], name)
        if training not in made:
            made[training] = Function(fed, results, pairs, training=training, name=name)
        computed = made[training](*(dense(x) for i, x in enumerate(values) if i not in phases))
        numbers = [x[()] for x in computed]  # without axes not arrays, but numbers
        return numbers[0] if single else numbers

    return call


def _training(phases: list[tuple[Any, Any]], name: str) -> bool:
    """The learning phase that a call is given; it must be the one that was set, if one was."""
    for phase, value in phases:
        if isinstance(phase, int) and bool(value) != bool(phase):
            raise ValueError(
                f"{name}: the learning phase was set to {phase} when the function was made, so it "
                f"cannot be {value} in a call. Make the function before set_learning_phase."
            )
    return any(bool(value) for _, value in phases)


class Update:
    """A variable and its new value, from `update` and its like, outside of a layer's call.

    It is done at once where that is possible, as in Keras 3. `function(updates=[...])` does it
    with each call, as in Keras 2.

    Attributes:
        variable: the variable.
        value: its new value, a tensor.
    """

    def __init__(self, variable: Variable, value: Any):
        self.variable = variable
        self.value = ops.convert_to_tensor(value)
        self._change: tuple[np.ndarray, np.ndarray] | None = None
        if not self.value.is_symbolic:
            before = variable.numpy()
            variable.set_value(self.value.numpy())
            self._change = before, variable.numpy()

    def __iter__(self) -> Iterator[Any]:
        return iter((self.variable, self.value))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.value if self._change is None else self._change[1], dtype)

    def take_back(self) -> None:
        """Gives the variable the value of before, unless it has changed since."""
        if self._change is not None:
            before, after = self._change
            if np.array_equal(self.variable.numpy(), after):
                self.variable.set_value(before)
            self._change = None


def pairs_of(updates: Iterable[Any]) -> list[tuple[Variable, Any]]:
    """Updates as pairs of a variable and its new value; those that were done are taken back."""
    updates = _listed(updates)
    for item in reversed(updates):
        if isinstance(item, Update):
            item.take_back()
    for item in updates:
        pair = isinstance(item, Update) or (isinstance(item, (tuple, list)) and len(item) == 2)
        if not pair:
            raise TypeError(f"updates are (variable, new value) pairs, but one is {item!r:.100}.")
    return [(v, _fitting(v, ops.cast(ops.convert_to_tensor(new), v.dtype))) for v, new in updates]


def _fitting(variable: Variable, value: Tensor) -> Tensor:
    pairs = zip(reversed(value.shape), reversed(variable.shape), strict=False)
    if value.ndim > variable.ndim or any(n not in (None, 1, m) for n, m in pairs):
        raise ValueError(
            f"The update of {variable.name}, whose shape is {format_shape(variable.shape)}, has "
            f"shape {format_shape(value.shape)}."
        )
    return value


def _listed(updates: Any) -> list[Any]:
    return list(updates.items() if isinstance(updates, dict) else updates)


def gradients(loss: Any, variables: Any) -> list[Tensor]:
    """The gradients of `loss` with respect to each of `variables`, as a list.

    Args:
        loss: a float tensor; if it is not a scalar, the gradients are those of its sum.
        variables: a variable or tensor that `loss` was computed from, or a list of them.

    Returns:
        A list of tensors, also for one variable; zeros where the loss does not depend on it.

    Raises:
        TypeError: if the loss is no float.
        ValueError: if an operation in between has no gradient.

    >>> x = Variable(3.0)
    >>> float(gradients(x * x, x)[0])
    6.0
    """
    xs = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    return _gradients(loss, xs)


def stop_gradient(variables: Any) -> Any:
    """A tensor, or a list of them, through which no gradient flows.

    Args:
        variables: a tensor of any shape and dtype, or a list of them.

    Returns:
        The same.

    Raises:
        TypeError: for what holds no numbers.

    >>> stop_gradient(ops.convert_to_tensor([1.0])).numpy()
    array([1.], dtype=float32)
    """
    if isinstance(variables, (list, tuple)):
        return [ops.stop_gradient(x) for x in variables]
    return ops.stop_gradient(variables)


# ---------------------------------------------------------------- updates


def update(x: Variable, new_x: Any) -> Any:
    """Gives `x` a new value: inside a layer's `call` with each run, else as `Update` says.

    Args:
        x: a variable.
        new_x: a tensor of its shape.

    Returns:
        An `Update` for `function(updates=[...])`; inside of a layer's `call` the new value, a
        tensor.

    Raises:
        TypeError: if x is no variable.
        ValueError: if the shapes differ.

    >>> count = Variable(1.0)
    >>> step = function([], [count], updates=[update(count, count + 1)])
    >>> step([]), step([])
    ([np.float32(1.0)], [np.float32(2.0)])
    """
    if not isinstance(x, Variable):
        raise TypeError(f"x must be a variable, but is {x!r:.100}.")
    return Update(x, new_x) if trace.current_trace() is None else x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Any:
    """Adds to a variable, as `update` does.

    Args:
        x: a variable.
        increment: a number, or a tensor of its shape.

    Returns:
        As `update`.

    Raises:
        ValueError: if the shapes differ.

    >>> v = Variable(1.0)
    >>> _ = update_add(v, 2.0)
    >>> float(v)
    3.0
    """
    return update(x, x + increment)


def update_sub(x: Variable, decrement: Any) -> Any:
    """Subtracts from a variable, as `update` does.

    Args:
        x: a variable.
        decrement: a number, or a tensor of its shape.

    Returns:
        As `update`.

    Raises:
        ValueError: if the shapes differ.

    >>> v = Variable(1.0)
    >>> _ = update_sub(v, 2.0)
    >>> float(v)
    -1.0
    """
    return update(x, x - decrement)


def moving_average_update(x: Variable, value: Any, momentum: float) -> Any:
    """x * momentum + value * (1 - momentum) as the new value of `x`, as `update` does.

    Args:
        x: a variable of floats.
        value: a tensor of its shape.
        momentum: how much of the old value stays, a float.

    Returns:
        As `update`.

    Raises:
        ValueError: if the shapes differ.

    >>> v = Variable(1.0)
    >>> _ = moving_average_update(v, 2.0, 0.5)
    >>> float(v)
    1.5
    """
    return update(x, x * momentum + value * (1 - momentum))
