"""Variables, placeholders, functions; and what is known of a tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.backend.settings import phase_tensor
from kerasish.backend.sizes import Sizes, as_values
from kerasish.graph import trace
from kerasish.graph.dtypes import standardize
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients as _gradients
from kerasish.graph.shapes import Dim, size_of
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.graph.variable import Variable
from kerasish.ops import random


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Any:
    """A Variable that starts with `value`.

    Args:
        value: numbers, an array, or a sparse matrix, which becomes dense.
        dtype: floatx if None.
        name: for messages.
        constraint: a projection after each step of an optimizer.

    >>> eval(variable([1, 2]))
    array([1., 2.], dtype=float32)
    """
    made = Variable(_dense(value), dtype=standardize(dtype), name=name)
    made.constraint = constraint
    return made


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor with a fixed value of dtype floatx (if None).

    If `shape` is given the value gets it, where it has as many elements; else it is spread over it.

    >>> constant([1, 2], shape=(2, 1)).shape
    (2, 1)
    >>> constant([1, 2]).numpy()
    array([1., 2.], dtype=float32)
    """
    made = ops.convert_to_tensor(value, standardize(dtype))
    if shape is not None:
        fits = size_of(made.shape) == math.prod(shape)
        made = ops.reshape(made, shape) if fits else ops.broadcast_to(made, shape)
    made.name = name or made.name
    return made


def placeholder(
    shape: Any = None,
    ndim: int | None = None,
    dtype: Any = None,
    sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """A tensor that gets its value when a `function` is called.

    Args:
        shape: None for sizes that differ from call to call.
        ndim: the number of axes, if there is no shape.
        dtype: floatx if None.
        sparse: nothing has to be said: any placeholder takes sparse matrices, and is dense.
        name: for messages.

    >>> placeholder((None, 3)).shape
    (None, 3)
    """
    if shape is None and ndim is None:
        raise ValueError("K.placeholder needs a shape or a number of axes (ndim).")
    sizes = (None,) * int(ndim or 0) if shape is None else tuple(shape)
    return Placeholder(sizes, standardize(dtype), name)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A Variable of zeros, as in older Keras; a tensor if a size is known only at run time.

    Args:
        shape: that of the result.
        dtype: floatx if None.
        name: of the variable.

    >>> zeros((2,)).numpy()
    array([0., 0.], dtype=float32)
    """
    return _filled(ops.zeros, shape, dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A Variable of ones, as in older Keras; a tensor if a size is known only at run time.

    Args:
        shape: that of the result.
        dtype: floatx if None.
        name: of the variable.

    >>> ones((2,)).numpy()
    array([1., 1.], dtype=float32)
    """
    return _filled(ops.ones, shape, dtype, name)


def _filled(fill: Callable[..., Tensor], shape: Any, dtype: Any, name: str | None) -> Any:
    made = fill(shape, dtype=standardize(dtype))
    sizes = shape if isinstance(shape, (list, tuple)) else [shape]
    if any(isinstance(size, Dim) for size in sizes):
        return made
    return Variable(made.numpy(), dtype=made.dtype, name=name)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A Variable with ones on the diagonal; `size` is an int, or (rows, columns).

    >>> eye(2).numpy()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    rows, columns = size if isinstance(size, (list, tuple)) else (size, size)
    return Variable(np.eye(rows, columns), dtype=standardize(dtype), name=name)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: Any = None, seed: Any = None
) -> Variable:
    """A Variable that starts with uniformly distributed numbers.

    Args:
        shape: that of the result.
        low: the lower bound.
        high: the upper bound.
        dtype: a float; floatx if None.
        name: of the variable.
        seed: an int (the same numbers each time), or None.

    >>> random_uniform_variable((2, 3), 0.0, 1.0, seed=1).shape
    (2, 3)
    """
    return Variable(random.uniform(shape, low, high, dtype, seed).numpy(), name=name)


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: Any = None, seed: Any = None
) -> Variable:
    """A Variable that starts with normally distributed numbers.

    Args:
        shape: that of the result.
        mean: of the numbers.
        scale: their deviation.
        dtype: a float; floatx if None.
        name: of the variable.
        seed: an int (the same numbers each time), or None.

    >>> random_normal_variable((2, 3), 0.0, 1.0, seed=1).shape
    (2, 3)
    """
    return Variable(random.normal(shape, mean, scale, dtype, seed).numpy(), name=name)


def _tensor(x: Any) -> Tensor:
    return ops.convert_to_tensor(as_values(x))


def _dense(value: Any) -> Any:
    """Sparse matrices as arrays, everything else as it is."""
    sparse = hasattr(value, "toarray") and not isinstance(value, (np.ndarray, Tensor))
    return value.toarray() if sparse else value


# ---------------------------------------------------------------- functions


def function(
    inputs: Sequence[Any], outputs: Any, updates: Any = None, name: str = "function"
) -> Callable[[Sequence[Any]], Any]:
    """A function of a list of arrays that computes `outputs` and then applies `updates`.

    Args:
        inputs: the tensors that get values. `learning_phase()` among them says in each call
            whether it is for training; without it no call is.
        outputs: a tensor, or a list of them; the result is an array or a list likewise.
        updates: (variable, new value) pairs, or what `update` and its like returned. Those that
            were done at once are taken back, and done by each call instead.
        name: for messages.

    Raises:
        TypeError: for something else among the updates.

    >>> x = placeholder((None, 2))
    >>> function([x], [ops.sum(x)])([np.ones((3, 2))])
    [array(6., dtype=float32)]
    """
    single = not isinstance(outputs, (list, tuple)) or isinstance(outputs, Sizes)
    results = [_tensor(x) for x in ([outputs] if single else outputs)]
    pairs = pairs_of(updates or ())
    phases = {i: x for i, x in enumerate(inputs) if x is phase_tensor() or isinstance(x, int)}
    fed = [x for i, x in enumerate(inputs) if i not in phases]
    made: dict[bool, Function] = {}

    def call(arrays: Sequence[Any]) -> Any:
        if len(arrays) != len(inputs):
            raise TypeError(f"{name} takes a list of {len(inputs)} values, but got {len(arrays)}.")
        training = _training([(phase, arrays[i]) for i, phase in phases.items()], name)
        if training not in made:
            made[training] = Function(fed, results, pairs, training=training, name=name)
        values = made[training](*(_dense(x) for i, x in enumerate(arrays) if i not in phases))
        return values[0] if single else values

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
    updates = list(updates.items()) if isinstance(updates, dict) else list(updates)
    for item in reversed(updates):
        if isinstance(item, Update):
            item.take_back()
    for item in updates:
        pair = isinstance(item, Update) or (isinstance(item, (tuple, list)) and len(item) == 2)
        if not pair:
            raise TypeError(f"updates are (variable, new value) pairs, but one is {item!r:.100}.")
    return [(v, ops.cast(ops.convert_to_tensor(new), v.dtype)) for v, new in updates]


def gradients(loss: Any, variables: Any) -> list[Tensor]:
    """The gradients of `loss` with respect to each of `variables`, as a list.

    Args:
        loss: a float tensor; if it is not a scalar, the gradients are those of its sum.
        variables: a variable or tensor that `loss` was computed from, or a list of them.

    Returns:
        A list of tensors, also for one variable; zeros where the loss does not depend on it.

    >>> x = variable(3.0)
    >>> float(gradients(x * x, x)[0])
    6.0
    """
    xs = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    return _gradients(loss, xs)


def stop_gradient(variables: Any) -> Any:
    """A tensor, or a list of them, through which no gradient flows.

    Args:
        variables: a tensor, or a list of them.

    >>> stop_gradient(constant([1.0])).numpy()
    array([1.], dtype=float32)
    """
    if isinstance(variables, (list, tuple)):
        return [ops.stop_gradient(x) for x in variables]
    return ops.stop_gradient(variables)


# ---------------------------------------------------------------- values


def eval(x: Any) -> np.ndarray:
    """The value of a tensor.

    >>> float(eval(constant(2.0) * 3))
    6.0
    """
    return _tensor(x).numpy()


def get_value(x: Any) -> np.ndarray:
    """The value of a variable.

    >>> float(get_value(Variable(3.0)))
    3.0
    """
    return ops.convert_to_numpy(x)


def set_value(x: Variable, value: Any) -> None:
    """Changes the value of a variable.

    >>> v = Variable(1.0)
    >>> set_value(v, 2.0)
    >>> float(v)
    2.0
    """
    x.set_value(_dense(value))


def batch_get_value(ops: Iterable[Any]) -> list[np.ndarray]:
    """The values of several variables.

    Args:
        ops: variables.

    >>> [float(x) for x in batch_get_value([Variable(1.0), Variable(2.0)])]
    [1.0, 2.0]
    """
    return [get_value(x) for x in ops]


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """Changes several variables, given as (variable, value) pairs.

    Args:
        tuples: pairs of a variable and an array of its shape.

    >>> v = Variable(1.0)
    >>> batch_set_value([(v, 2.0)])
    >>> float(v)
    2.0
    """
    for x, value in tuples:
        set_value(x, value)


def update(x: Variable, new_x: Any) -> Any:
    """Gives `x` a new value: inside a layer's `call` with each run, else as `Update` says.

    Args:
        x: a variable.
        new_x: a tensor of its shape.

    >>> count = variable(1.0)
    >>> step = function([], [count], updates=[update(count, count + 1)])
    >>> step([]), step([])
    ([array(1., dtype=float32)], [array(2., dtype=float32)])
    """
    return Update(x, new_x) if trace.current_trace() is None else x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Any:
    """Adds to a variable, as `update` does.

    Args:
        x: a variable.
        increment: a number, or a tensor of its shape.

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

    >>> v = Variable(1.0)
    >>> _ = update_sub(v, 2.0)
    >>> float(v)
    -1.0
    """
    return update(x, x - decrement)


def moving_average_update(x: Variable, value: Any, momentum: float) -> Any:
    """x * momentum + value * (1 - momentum) as the new value of `x`, as `update` does.

    >>> v = Variable(1.0)
    >>> _ = moving_average_update(v, 2.0, 0.5)
    >>> float(v)
    1.5
    """
    return update(x, x * momentum + value * (1 - momentum))


# ---------------------------------------------------------------- what a tensor is


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor, variables included.

    >>> is_tensor(constant(1.0)), is_tensor(1.0)
    (True, False)
    """
    return isinstance(x, Tensor)


def is_variable(x: Any) -> bool:
    """Whether `x` is a Variable.

    >>> is_variable(Variable(1.0)), is_variable(constant(1.0))
    (True, False)
    """
    return isinstance(x, Variable)


def is_placeholder(x: Any) -> bool:
    """Whether `x` gets its value from outside.

    >>> is_placeholder(placeholder((2,)))
    True
    """
    return isinstance(x, Placeholder)


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is an Input or comes from layers called on one.

    >>> is_keras_tensor(placeholder((2,)))
    True
    """
    return isinstance(x, Tensor) and x.is_symbolic


def is_sparse(tensor: Any) -> bool:
    """False: there are no sparse tensors.

    >>> is_sparse(constant([1.0]))
    False
    """
    return False


def to_dense(tensor: Any) -> Any:
    """The tensor itself, for there are no sparse ones; a sparse matrix as an array.

    >>> to_dense(constant([1.0])).numpy()
    array([1.], dtype=float32)
    """
    return _dense(tensor)


def dtype(x: Any) -> str:
    """The name of the dtype of `x`.

    >>> dtype(np.ones(2, "float32"))
    'float32'
    """
    return _tensor(x).dtype


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The shape of `x`, None where a size is not known yet.

    >>> int_shape(placeholder((None, 3)))
    (None, 3)
    """
    return _tensor(x).shape


def count_params(x: Any) -> int:
    """The number of elements of `x`, whose shape must be known.

    >>> count_params(np.ones((2, 3)))
    6
    """
    return int(ops.size(x))


def size(x: Any, name: str | None = None) -> Any:
    """The number of elements of `x`, also where it is known only at run time.

    >>> int(size(np.ones((2, 3))))
    6
    """
    return ops.size(x)


def print_tensor(x: Any, message: str = "") -> Tensor:
    """Prints what is known of a tensor, and returns it.

    That is its value, or where it depends on an Input its name, shape and dtype: graphs do not
    print while they run. To see such a value, make it an output of a `function` or a Model.

    Args:
        x: a tensor.
        message: what is written before it.

    >>> y = print_tensor(constant([1.0, 2.0]), "y = ")
    y = [1. 2.]
    """
    tensor = _tensor(x)
    print(f"{message}{tensor if tensor.is_symbolic else tensor.numpy()}")
    return tensor
