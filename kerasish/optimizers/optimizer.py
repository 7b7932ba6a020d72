"""What all optimizers share: the step, clipping, decay, averages, accumulation."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from kerasish import initializers, ops
from kerasish.compat.optimizers import decayed, modern_arguments, updates_arguments
from kerasish.compat.tensors import optimizers_are_shared
from kerasish.graph import trace
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.graph.variable import Variable, holding
from kerasish.optimizers import schedules
from kerasish.optimizers.schedules import LearningRateSchedule
from kerasish.saving.serialization import Configurable, snake_case
from kerasish.utils.arguments import reject_unknown
from kerasish.utils.kinds import Checked, check_range


class Optimizer(Checked, Configurable):
    """Base class. An optimizer of one's own defines `slots` and `step`.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        weight_decay: before each step, weights shrink by this share of them times the rate.
        clipnorm: the largest norm of the gradient of each variable.
        clipvalue: the largest absolute value in a gradient.
        global_clipnorm: the largest norm of all gradients together.
        use_ema: whether moving averages of the weights are kept.
        ema_momentum: how much of the average stays at each step.
        ema_overwrite_frequency: after how many steps the weights become their averages; None
            leaves that to `finalize_variable_values`.
        loss_scale_factor: the loss is multiplied by it, and gradients are divided by it.
        gradient_accumulation_steps: how many steps' gradients are averaged for one.
        name: defaults to the name of the class.
        **kwargs: Keras 2's `lr` and `decay`.

    >>> class Plain(Optimizer):
    ...     def step(self, value, grad, rate):
    ...         return (value - rate * grad,)
    >>> weight = Variable([1.0, 2.0])
    >>> Plain(0.5).apply([np.ones(2)], [weight])
    >>> weight.numpy()
    array([0.5, 1.5], dtype=float32)
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "get_updates" in cls.__dict__:
            from kerasish.compat.older_optimizers import adopt

            adopt(cls)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        learning_rate, self.decay = modern_arguments(learning_rate, kwargs)
        reject_unknown(kwargs, type(self), type(self).__name__)
        _check_clipping(self, clipnorm, clipvalue, global_clipnorm)
        if use_ema:
            check_range(self, 0, 1, ema_momentum=ema_momentum)
            check_range(self, 1, ema_overwrite_frequency=ema_overwrite_frequency)
        check_range(self, 2, gradient_accumulation_steps=gradient_accumulation_steps)
        self.name = name or snake_case(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.built = False
        self._variables: list[Variable] = []
        self._trainable: list[Variable] = []
        self._slots: dict[Variable, dict[str, Variable]] = {}
        self._averages_of: dict[Variable, Variable] = {}
        self._sums_of: dict[Variable, Variable] = {}
        self._undecayed: tuple[set[Variable], list[str]] = (set(), [])
        self._eager: tuple[list[Variable], Function] | None = None
        self._steps_done = self.add_variable((), "zeros", "int32", name="iteration")
        self._rate = self._rate_of(learning_rate)

    def _rate_of(self, learning_rate: Any) -> Any:
        if isinstance(learning_rate, dict):
            learning_rate = schedules.deserialize(learning_rate)
        if _is_rule(learning_rate):
            return learning_rate
        try:
            given: Any = None if isinstance(learning_rate, str) else learning_rate
            start = float(given)
        except (TypeError, ValueError):
            raise TypeError(
                f"{self.name}: learning_rate must be a number, a schedule, or a function without "
                f"arguments, but got {learning_rate!r}."
            ) from None
        return self.add_variable((), initializers.Constant(start), name="learning_rate")

    # --- state ---------------------------------------------------------------------------

    def slots(self) -> list[dict[str, float]]:
        """The state per variable: name -> start value.

        Several groups are only there for the order of `variables`, which is that of Keras's
        files: group by group, and in each group variable by variable.
        """
        return []

    def slots_of(self, variable: Variable) -> list[dict[str, Any]]:
        """`slots` for one variable, where not all have the same ones.

        A start value that is an array gives its slot the array's shape; a number stands for an
        array of the variable's shape.
        """
        return self.slots()

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        """The new value and the new slots of a variable, in the order of `slots()`."""
        raise NotImplementedError(f"{type(self).__name__} must define step().")

    def before_step(self) -> None:
        """Called once per step, before the variables' own: for state that they share."""

    def add_variable(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        name: str | None = None,
    ) -> Variable:
        """A new piece of state, of the optimizer as a whole."""
        label = f"{self.name}/{name or f'variable_{len(self._variables)}'}"
        initial = initializers.get(initializer)
        variable = Variable(initial, tuple(shape), dtype, trainable=False, name=label)
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A new piece of state with the shape and dtype of a variable."""
        stem = reference_variable.path.replace("/", "_")
        return self.add_variable(
            reference_variable.shape,
            initializer,
            reference_variable.dtype,
            name=f"{stem}_{name}" if name else stem,
        )

    def add_optimizer_variables(
        self, trainable_variables: Iterable[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """`add_variable_from_reference` for each of several variables.

        Args:
            trainable_variables: the variables.
            name: a name, or a list of names.
            initializer: the first values, or a list of them, one for each name.

        Returns:
            The new variables in a list, or, for several names, a tuple of such lists.
        """
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, (list, tuple))
        starts = list(initializer) if several else [initializer] * len(names)
        rows = [
            [
                self.add_variable_from_reference(v, n, start)
                for n, start in zip(names, starts, strict=True)
            ]
            for v in trainable_variables
        ]
        columns = tuple([row[i] for row in rows] for i in range(len(names)))
        return columns[0] if isinstance(name, str) else columns

    @trace.outside()  # slots begin with the values of now
    def build(self, variables: Iterable[Variable]) -> None:
        """Makes the slots of `variables`. A second call is an error for variables it knows not.

        Args:
            variables: what is going to be trained.
        """
        variables = list(variables)
        if self.built:
            self._check_known(variables)
            return
        self._add_slots(variables)
        self.built = True

    def _add_slots(self, variables: list[Variable]) -> None:
        self._trainable = [*self._trainable, *variables]
        if self.use_ema:
            self._averages_of |= {v: self._slot(v, "average", 0.0) for v in variables}
        if self.gradient_accumulation_steps:
            self._sums_of |= {v: self._slot(v, "gradient_accumulator", 0.0) for v in variables}
        self._slots |= {variable: {} for variable in variables}
        for groups in itertools.zip_longest(*map(self.slots_of, variables), fillvalue={}):
            for variable, group in zip(variables, groups, strict=True):
                made = {name: self._slot(variable, name, start) for name, start in group.items()}
                self._slots[variable].update(made)

    def _slot(self, variable: Variable, name: str, start: Any) -> Variable:
        shape = start.shape if isinstance(start, np.ndarray) else variable.shape
        label = f"{variable.path.replace('/', '_')}_{name}"
        return self.add_variable(shape, initializers.Constant(start), variable.dtype, name=label)

    def _check_known(self, variables: Sequence[Variable]) -> None:
        known = set(self._trainable)
        unknown = [v for v in variables if v not in known]
        if unknown and optimizers_are_shared() and type(self).build is Optimizer.build:
            with trace.outside():
                self._add_slots(unknown)
        elif unknown:
            names = [v.path for v in unknown]
            raise ValueError(
                f"{self.name} was built for other variables and does not know "
                f"{', '.join(names[:5])}{' ...' if len(names) > 5 else ''}. Use a new "
                "optimizer (compile again), or call build() with all variables first."
            )

    @property
    def variables(self) -> list[Variable]:
        """All state: steps, learning rate, averages, accumulators, slots."""
        return list(self._variables)

    def get_weights(self) -> list[np.ndarray]:
        """The values of `variables`."""
        return [variable.numpy() for variable in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the values of `variables`."""
        if len(weights) != len(self.variables):
            raise ValueError(
                f"{self.name} has {len(self.variables)} variables, but got {len(weights)} values."
            )
        for variable, value in zip(self.variables, weights, strict=True):
            variable.assign(value)

    @property
    def iterations(self) -> Any:
        """How many steps were done (accumulated ones count as one)."""
        if self.gradient_accumulation_steps:
            return self._steps_done // self.gradient_accumulation_steps
        return self._steps_done

    @property
    def learning_rate(self) -> Any:
        """The rate: the variable it is kept in, or the current value of a schedule."""
        if isinstance(self._rate, LearningRateSchedule):
            # Steps that only accumulate gradients count as well, as in Keras.
            return self._rate(ops.cast(self._steps_done, "float32"))
        return self._rate if isinstance(self._rate, Variable) else self._rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(self._rate, Variable) and not _is_rule(value):
            self._rate.assign(value)
        elif isinstance(self._rate, Variable) and not self.built:
            self._variables = [v for v in self._variables if v is not self._rate]
            self._rate = value
        else:
            raise TypeError(
                f"The learning rate of {self.name} is {self._rate!r}; only a number can be "
                "changed, and once steps were done only to a number. Make a new optimizer instead."
            )

    # Keras 2's name.
    lr = learning_rate

    # --- a step --------------------------------------------------------------------------

    def get_gradients(self, loss: Any, params: Sequence[Variable]) -> list[Tensor]:
        """The gradients of a loss, clipped, as Keras 2's own training loops ask for them."""
        return self._clipped([ops.convert_to_tensor(g) for g in gradients(loss, list(params))])

    def get_updates(self, *args: Any, **kwargs: Any) -> list[tuple[Variable, Tensor]]:
        """A step as pairs of a variable and its new value, for `K.function(..., updates=...)`.

        Args:
            loss: what to make small.
            params: the variables to change. Keras 1 gives (params, constraints, loss).
        """
        loss, params = updates_arguments(args, kwargs)
        with trace.Trace(training=True) as traced:
            # An optimizer of a program's own hands its loss on to the one that it wraps.
            given = getattr(loss, "gradients_of", None)
            grads = gradients(loss, params) if given is None else given(params)
            self.apply(grads, params)
        return list(traced.updates.items())

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        """A step, given pairs of a gradient and its variable. Returns `iterations`."""
        pairs = list(grads_and_vars)
        if pairs:
            grads, variables = zip(*pairs, strict=True)
            self.apply(list(grads), list(variables))
        return self.iterations

    def apply(self, grads: Sequence[Any], variables: Sequence[Variable] | None = None) -> None:
        """A step. Inside a trace it becomes part of the graph; else it happens now.

        Args:
            grads: one gradient per variable; None leaves the variable as it is.
            variables: those that `build` got, if None.

        Raises:
            ValueError: the numbers differ, a variable is unknown, or there is no gradient.
        """
        variables = list(self._trainable if variables is None else variables)
        if len(grads) != len(variables):
            raise ValueError(
                f"{self.name}: got {len(grads)} gradients for {len(variables)} variables."
            )
        pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        if not pairs:
            raise ValueError(f"{self.name}: no gradient for any of the variables.")
        if self.built:
            self._check_known([v for _, v in pairs])
        else:
            self.build([v for _, v in pairs])
        if trace.current_trace() is None:
            self._apply_now(pairs)
        else:
            self._apply_traced(*map(list, zip(*pairs, strict=True)))

    def stateless_apply(
        self,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """A step from given values to new ones; the variables themselves stay as they are.

        Args:
            optimizer_variables: values of `variables`.
            grads: one gradient per variable that `build` got.
            trainable_variables: values of these.

        Returns:
            The new values of the trained variables, and those of `variables`.

        Raises:
            ValueError: `build` was not called yet, or the numbers differ.
        """
        if not self.built:
            raise ValueError(f"{self.name}: stateless_apply needs build(variables) first.")
        variables = [*self._trainable, *self.variables]
        with holding(variables, [*trainable_variables, *optimizer_variables]) as effects:
            self.apply(grads)
        new = [effects.updates[variable] for variable in variables]
        return new[: len(self._trainable)], new[len(self._trainable) :]

    def _apply_now(self, pairs: list[tuple[Any, Variable]]) -> None:
        """All gradients are computed before any variable changes."""
        variables = [variable for _, variable in pairs]
        if self._eager is None or self._eager[0] != variables:
            grads = [Placeholder(v.shape, v.dtype, f"gradient of {v.name}") for v in variables]
            with trace.Trace(training=True) as traced:
                self._apply_traced(grads, variables)
            function = Function(grads, [], traced.updates, name=f"{self.name} step")
            self._eager = variables, function
        self._eager[1](*(np.asarray(grad) for grad, _ in pairs))

    def _apply_traced(self, grads: list[Any], variables: list[Variable]) -> None:
        grads = [_fitting(g, v) for g, v in zip(grads, variables, strict=True)]
        if self.loss_scale_factor is not None:
            grads = [g / self.loss_scale_factor for g in grads]
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables)
        else:
            self._update(grads, variables)
        if self.use_ema:
            # Also of what has no gradient this time.
            self._update_averages(self._trainable)
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(ops.convert_to_tensor(variable)))
        self._steps_done.assign_add(1)

    def _update(self, grads: list[Tensor], variables: list[Variable]) -> None:
        grads = self._clipped(grads)
        rate = self._current_rate()
        self.before_step()
        for grad, variable in zip(grads, variables, strict=True):
            own_rate = ops.cast(rate, _wide(variable.dtype))
            decay = self.decay_of(variable)
            if decay is not None and not self._is_excluded(variable):
                variable.assign(variable - variable * (decay * own_rate))
            self.update_step(grad, variable, own_rate)

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        """Assigns a variable and its slots their new values."""
        slots = list(self._slots[variable].values())
        wide = _wide(variable.dtype)
        value, grad, rate, *state = (
            ops.cast(x, wide) for x in (variable, gradient, learning_rate, *slots)
        )
        new = self.step(value, grad, rate, *state)
        for target, value in zip((variable, *slots), new, strict=True):
            target.assign(value)

    # As optimizers that are written for Keras change variables, and find theirs in lists.

    def assign(self, variable: Variable, value: Any) -> None:
        """Gives a variable a new value."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Adds to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtracts from a variable."""
        variable.assign_sub(value)

    def _get_variable_index(self, variable: Variable) -> int:
        return next(i for i, known in enumerate(self._trainable) if known is variable)

    def _current_rate(self) -> Tensor:
        rate = ops.cast(ops.convert_to_tensor(self.learning_rate), "float32")
        return decayed(rate, self.decay, ops.cast(self.iterations, "float32"))

    def step_number(self, dtype: str) -> Tensor:
        """The number of the step being done, counted from 1, as a float."""
        return ops.cast(self.iterations, dtype) + 1.0

    # --- clipping and decay --------------------------------------------------------------

    def _clipped(self, grads: list[Tensor]) -> list[Tensor]:
        if self.clipvalue is not None:
            return [ops.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        if self.clipnorm is not None:
            return [_clip_by(g, ops.norm(g), self.clipnorm) for g in grads]
        if self.global_clipnorm is not None:
            norm = ops.sqrt(sum(ops.sum(ops.square(g)) for g in grads))
            return [_clip_by(g, norm, self.global_clipnorm) for g in grads]
        return grads

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] = (), var_names: Iterable[str] = ()
    ) -> None:
        """Names variables that weight decay leaves alone; to be called before `build`.

        Args:
            var_list: variables.
            var_names: regular expressions that are searched for in the variables' names, with
                and without those of their layers.
        """
        if self.built:
            raise ValueError("exclude_from_weight_decay() must be called before build().")
        self._undecayed = (set(var_list or ()), list(var_names or ()))

    def decay_of(self, variable: Variable) -> float | None:
        """The weight decay of a variable that isn't excluded from it."""
        return self.weight_decay

    def _is_excluded(self, variable: Variable) -> bool:
        chosen, names = self._undecayed
        own_name = variable.path.rpartition("/")[2]
        return variable in chosen or any(
            re.search(pattern, name) for pattern in names for name in (variable.path, own_name)
        )

    # --- accumulation and averages -------------------------------------------------------

    def _accumulate(self, grads: list[Tensor], variables: list[Variable]) -> None:
        """Does the step at every n-th call, with the mean of the gradients since the last."""
        count = self.gradient_accumulation_steps
        ready = ops.equal((self._steps_done + 1) % count, 0)
        totals = [g + self._sums_of[v] for g, v in zip(grads, variables, strict=True)]
        only_if(ready, lambda: self._update([t / count for t in totals], variables))
        for variable, total in zip(variables, totals, strict=True):
            self._sums_of[variable].assign(ops.where(ready, ops.zeros_like(total), total))

    def _update_averages(self, variables: list[Variable]) -> None:
        # At the first step the average starts with the weights.
        started = ops.cast(self.iterations > 0, "float32")
        for variable in variables:
            average = self._averages_of[variable]
            keep = ops.cast(started * self.ema_momentum, variable.dtype)
            new = average.assign(keep * average + (1.0 - keep) * variable)
            if self.ema_overwrite_frequency:
                due = ops.equal((self.iterations + 1) % self.ema_overwrite_frequency, 0)
                variable.assign(ops.where(due, new, ops.convert_to_tensor(variable)))

    @property
    def averaged(self) -> list[Variable]:
        """The variables whose moving averages are kept: with `use_ema`, all of them."""
        return list(self._averages_of) if self.use_ema and self.built else []

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Ends training: weights become their moving averages, if those are kept."""
        for variable in set(self.averaged) & set(var_list):
            variable.assign(self._averages_of[variable].numpy())

    def average_of(self, variable: Variable) -> Variable:
        """Where the moving average of a variable is kept, with `use_ema`."""
        if not self.use_ema or not self.built:
            raise ValueError(
                f"{self.name} keeps no moving averages: it needs use_ema=True, and a first step."
            )
        self._check_known([variable])
        return self._averages_of[variable]

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`, to be differentiated instead of it."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not isinstance(self._rate, Variable):
            config["learning_rate"] = schedules.serialize(self._rate)
        return {**config, "decay": self.decay} if self.decay else config


def _is_rule(learning_rate: Any) -> bool:
    """Whether it is a schedule or a function, rather than a number."""
    return isinstance(learning_rate, LearningRateSchedule) or (
        callable(learning_rate) and not isinstance(learning_rate, Tensor)
    )


def only_if(condition: Tensor, change: Callable[[], None]) -> None:
    """Lets the assignments that `change` makes inside a trace take effect if `condition` holds.

    Args:
        condition: a boolean scalar.
        change: what assigns new values to variables.
    """
    outer = trace.current_trace()
    assert outer is not None
    with trace.Trace(training=True) as inner:
        inner.updates.update(outer.updates)
        change()
    for variable, new in inner.updates.items():
        if new is not outer.updates.get(variable):
            variable.assign(ops.where(condition, new, ops.convert_to_tensor(variable)))


def _wide(dtype: str) -> str:
    """What steps are computed in: in two bytes 0.999 may be 1, and Adam would stand still."""
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def _fitting(grad: Any, variable: Variable) -> Tensor:
    grad = ops.cast(grad, variable.dtype)
    if grad.shape != variable.shape:
        raise ValueError(
            f"The gradient of {variable.name} must have its shape {format_shape(variable.shape)}, "
            f"but has {format_shape(grad.shape)}."
        )
    return grad


def _clip_by(grad: Tensor, norm: Tensor, limit: float) -> Tensor:
    return grad * (limit / ops.maximum(norm, limit))


def _check_clipping(owner: Optimizer, *limits: float | None) -> None:
    given = [limit for limit in limits if limit is not None]
    kind = type(owner).__name__
    if len(given) > 1:
        raise ValueError(f"{kind}: only one of clipnorm, clipvalue, global_clipnorm may be given.")
    if any(limit <= 0 for limit in given):
        raise ValueError(f"{kind}: a limit of clipping must be above 0, but got {given[0]}.")
