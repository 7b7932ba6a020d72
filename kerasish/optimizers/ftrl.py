"""Follow the regularised leader."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.kinds import check_range


class Ftrl(Optimizer):
    """Weights of a linear model that stay 0 unless the gradients insist.

    Source: McMahan et al., 2013, https://doi.org/10.1145/2487575.2488200

    Args:
        learning_rate: a number or a schedule.
        learning_rate_power: how the rate falls with the sum of squares; not above 0.
        initial_accumulator_value: where that sum starts.
        l1_regularization_strength: the penalty of absolute values.
        l2_regularization_strength: the penalty of squares.
        l2_shrinkage_regularization_strength: a penalty of squares that acts through the gradient.
        beta: added to the root of the sum.
        **kwargs: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        if learning_rate_power > 0:
            raise ValueError(
                f"Ftrl: learning_rate_power must not be above 0, but got {learning_rate_power}."
            )
        check_range(
            self,
            0,
            initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
        )
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.learning_rate_power, self.beta = learning_rate_power, beta

    def slots(self) -> list[dict[str, float]]:
        return [{"accumulator": self.initial_accumulator_value, "linear": 0.0}]

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        total, linear = slots
        power, l1 = -self.learning_rate_power, self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2.0 * rate)
        shrunk = grad + 2.0 * self.l2_shrinkage_regularization_strength * value
        new = total + ops.square(grad)
        change = (ops.power(new, power) - ops.power(total, power)) / rate
        linear = linear + shrunk - change * value
        slope = ops.power(new, power) / rate + 2.0 * l2
        return (ops.clip(linear, -l1, l1) - linear) / slope, new, linear
