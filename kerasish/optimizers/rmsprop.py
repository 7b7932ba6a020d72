"""RMSprop."""

from __future__ import annotations

from typing import Any

from kerasish import config, ops
from kerasish.compat.arguments import is_none, older_order
from kerasish.graph.tensor import Tensor
from kerasish.ops.optimize import rmsprop_step_p
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.kinds import check_range


class RMSprop(Optimizer):
    """The gradient over the root of a moving average of its square.

    Source: Tieleman & Hinton, 2012, Neural Networks for Machine Learning, lecture 6e.

    Args:
        learning_rate: a number or a schedule.
        rho: how much of the average stays at each step.
        momentum: from 0 to 1, how much of the last change is added to the next.
        epsilon: keeps the division finite; `config.epsilon()` if None.
        centered: whether to divide by the deviation (without the mean) instead.
        **kwargs: see `Optimizer`.

    >>> RMSprop(rho=0.8).get_config()["rho"]
    0.8
    """

    @older_order((2, is_none, ("lr", "rho", "epsilon", "decay")))
    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float | None = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        check_range(self, 0, 1, rho=rho, momentum=momentum)
        check_range(self, 0, epsilon=epsilon)
        self.rho, self.momentum, self.centered = rho, momentum, centered
        self.epsilon = config.epsilon() if epsilon is None else epsilon

    def slots(self) -> list[dict[str, float]]:
        names = ["velocity"] + ["momentum"] * bool(self.momentum)
        return [{name: 0.0} for name in names + ["average_gradient"] * self.centered]

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        if len(slots) == 1:
            return rmsprop_step_p(value, *slots, grad, rate, rho=self.rho, epsilon=self.epsilon)
        square = self.rho * slots[0] + (1.0 - self.rho) * ops.square(grad)
        new, variance = [square], square
        if self.centered:
            mean = self.rho * slots[-1] + (1.0 - self.rho) * grad
            new, variance = [square, mean], square - ops.square(mean)
        change = rate * grad / ops.sqrt(variance + self.epsilon)
        if self.momentum:
            change = self.momentum * slots[1] + change
            new.insert(1, change)
        return value - change, *new
