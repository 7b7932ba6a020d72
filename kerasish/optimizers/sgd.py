"""Gradient descent, with momentum if wanted; and by signs."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.compat.arguments import is_number, older_order
from kerasish.graph.tensor import Tensor
from kerasish.ops.optimize import momentum_step_p, sgd_step_p
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.kinds import check_range


class SGD(Optimizer):
    """Gradient descent: value - rate * gradient.

    Source of momentum: Sutskever et al., 2013, https://proceedings.mlr.press/v28/sutskever13.html

    Args:
        learning_rate: a number or a schedule.
        momentum: from 0 to 1, how much of the last change is added to the next.
        nesterov: whether the gradient counts as taken at the place where momentum leads to.
        **kwargs: see `Optimizer`.

    >>> SGD(0.1, momentum=0.9).get_config()["momentum"]
    0.9
    """

    @older_order((2, is_number, ("lr", "momentum", "decay", "nesterov")))
    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        check_range(self, 0, 1, momentum=momentum)
        self.momentum, self.nesterov = momentum, nesterov

    def slots(self) -> list[dict[str, float]]:
        return [{"momentum": 0.0}] if self.momentum else []

    def step(
        self, value: Tensor, grad: Tensor, rate: Tensor, *velocity: Tensor
    ) -> tuple[Tensor, ...]:
        if not velocity:
            return (sgd_step_p(value, grad, rate),)
        return momentum_step_p(
            value, *velocity, grad, rate, momentum=self.momentum, nesterov=self.nesterov
        )


class Lion(Optimizer):
    """Steps of one size, in the direction that an average of gradients and the newest agree on.

    Source: Chen et al., 2023, arXiv:2302.06675

    Args:
        learning_rate: a number or a schedule; 3 to 10 times smaller than for Adam.
        beta_1: how much of the average counts in the direction.
        beta_2: how much of the average stays.
        **kwargs: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"Lion: beta_1 must be above 0 and at most 1, but got {beta_1}.")
        check_range(self, 0, 1, beta_2=beta_2)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def slots(self) -> list[dict[str, float]]:
        return [{"momentum": 0.0}]

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        (mean,) = slots
        direction = ops.sign(self.beta_1 * mean + (1.0 - self.beta_1) * grad)
        return value - rate * direction, self.beta_2 * mean + (1.0 - self.beta_2) * grad
