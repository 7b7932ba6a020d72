"""Schedule-free AdamW: an average of all steps in place of a falling rate."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.kinds import check_range


class ScheduleFreeAdamW(Optimizer):
    """Steps of Adam's size on a hidden copy; the weights are the mean of where it has been.

    Source: Defazio et al., 2024, arXiv:2405.15682. During training the weights are a point
    between the mean and the copy. Keras on TensorFlow overwrites the old copy too early, which
    leaves `beta_1` without effect; here it has that of the paper, and of Keras on JAX.

    Args:
        learning_rate: a number or a schedule.
        beta_1: how near the weights are to the mean (1), rather than to the copy (0).
        beta_2: how much of the average of squares stays at each step.
        epsilon: keeps the division finite.
        warmup_steps: in how many steps the rate rises to its full size.
        **kwargs: see `Optimizer`.

    >>> weight = Variable([1.0])
    >>> optimizer = ScheduleFreeAdamW(0.1)
    >>> for _ in range(2):
    ...     optimizer.apply([[1.0]], [weight])
    >>> weight.numpy().round(3)
    array([0.845], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        check_range(self, 0, 1, beta_1=beta_1, beta_2=beta_2)
        check_range(self, 0, epsilon=epsilon, warmup_steps=warmup_steps)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.warmup_steps = warmup_steps

    def slots_of(self, variable: Variable) -> list[dict[str, Any]]:
        return [{"momentum": variable.numpy(), "velocity": 0.0}]

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        copy, square = slots
        number = self.step_number(value.dtype)
        if self.warmup_steps:
            rate = rate * ops.minimum(1.0, number / self.warmup_steps)
        square = self.beta_2 * square + (1.0 - self.beta_2) * ops.square(grad)
        size = ops.sqrt(square / (1.0 - ops.power(self.beta_2, number))) + self.epsilon
        new = copy - rate * grad / size
        share = 1.0 / number
        from_mean = (1.0 - share) * (value - (1.0 - self.beta_1) * copy)
        return from_mean + (1.0 - self.beta_1 + self.beta_1 * share) * new, new, square
