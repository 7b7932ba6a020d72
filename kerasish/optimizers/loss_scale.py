"""Scaling of the loss, so that small gradients survive float16."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kerasish import ops
from kerasish.graph.variable import Variable
from kerasish.optimizers.optimizer import Optimizer, only_if
from kerasish.utils.kinds import check_range


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss and divides the gradients, by as much as just causes no overflow.

    A step with gradients that aren't finite is skipped, and halves the scale; so many good
    steps in a row double it. Source: Micikevicius et al., 2017, arXiv:1710.03740, section 3.2.

    Args:
        inner_optimizer: the optimizer that does the steps, or its name. A `loss_scale_factor`
            of its own is taken from it.
        initial_scale: the first scale; one too large is quickly brought down.
        dynamic_growth_steps: after how many good steps the scale is doubled.
        name: defaults to the name of the class.
        **kwargs: options of other optimizers, which belong to the inner one: an error.

    >>> weight, optimizer = Variable([1.0]), LossScaleOptimizer("sgd", initial_scale=8.0)
    >>> optimizer.apply([[float("inf")]], [weight])
    >>> float(optimizer.dynamic_scale), weight.numpy().tolist()
    (4.0, [1.0])
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ):
        from kerasish import optimizers

        # Files of earlier versions of Keras hold them all, with their defaults.
        defaults = {"use_ema": False, "ema_momentum": 0.99}
        given = [key for key, value in kwargs.items() if value not in (None, defaults.get(key))]
        if given:
            raise ValueError(
                f"LossScaleOptimizer: {given[0]} has no effect here; give it to inner_optimizer."
            )
        super().__init__(0.0, name=name)
        check_range(self, 1, dynamic_growth_steps=dynamic_growth_steps)
        if not initial_scale > 0:
            raise ValueError(
                f"LossScaleOptimizer: initial_scale must be above 0, but got {initial_scale}."
            )
        self.inner_optimizer = optimizers.get(inner_optimizer)
        # Gradients must not be divided by two scales.
        self.inner_optimizer.loss_scale_factor = None
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        self.step_counter = self.add_variable((), "zeros", "int32", name="step_counter")
        self.dynamic_scale = Variable(
            initial_scale, (), "float32", trainable=False, name=f"{self.name}/dynamic_scale"
        )
        self._variables.append(self.dynamic_scale)

    def build(self, variables: Iterable[Variable]) -> None:
        super().build(variables)
        self.inner_optimizer.build(self._trainable)

    @property
    def variables(self) -> list[Variable]:
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """How many steps the inner optimizer has done; skipped ones don't count."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    lr = learning_rate

    def _apply_traced(self, grads: list[Any], variables: list[Variable]) -> None:
        finite = ops.convert_to_tensor(True)
        for grad in grads:
            finite = ops.logical_and(finite, ops.all(ops.isfinite(grad)))
        scale = ops.convert_to_tensor(self.dynamic_scale)
        grads = [ops.convert_to_tensor(g) for g in grads]
        scaled = [g / ops.cast(scale, g.dtype) for g in grads]
        only_if(finite, lambda: self.inner_optimizer.apply(scaled, variables))
        done = self.step_counter + 1
        grown = done >= self.dynamic_growth_steps
        reset = ops.logical_or(grown, ops.logical_not(finite))
        after = ops.where(grown, scale * 2.0, scale)
        self.dynamic_scale.assign(ops.where(finite, after, scale / 2.0))
        self.step_counter.assign(ops.where(reset, ops.zeros_like(done), done))

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale, to be differentiated instead of it."""
        return loss * ops.cast(self.dynamic_scale, ops.convert_to_tensor(loss).dtype)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] = (), var_names: Iterable[str] = ()
    ) -> None:
        """As of `Optimizer`, for the inner one."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    @property
    def averaged(self) -> list[Variable]:
        return self.inner_optimizer.averaged

    def average_of(self, variable: Variable) -> Variable:
        return self.inner_optimizer.average_of(variable)

    def get_config(self) -> dict[str, Any]:
        names = ("name", "inner_optimizer", "initial_scale", "dynamic_growth_steps")
        config = super().get_config()
        return {name: config[name] for name in names}
