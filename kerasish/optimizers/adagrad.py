"""Adagrad and Adadelta: steps sized by all gradients so far."""

from __future__ import annotations

from typing import Any

from kerasish import config
from kerasish.compat.arguments import is_none, older_order
from kerasish.graph.tensor import Tensor
from kerasish.ops.optimize import adadelta_step_p, adagrad_step_p
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.kinds import check_range


class Adagrad(Optimizer):
    """The gradient over the root of the sum of all its squares.

    Source: Duchi et al., 2011, https://jmlr.org/papers/v12/duchi11a.html

    Args:
        learning_rate: a number or a schedule.
        initial_accumulator_value: where the sum starts.
        epsilon: keeps the division finite; `config.epsilon()` if None.
        **kwargs: see `Optimizer`.
    """

    @older_order((1, is_none, ("lr", "epsilon", "decay")))
    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float | None = 1e-7,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        check_range(self, 0, initial_accumulator_value=initial_accumulator_value, epsilon=epsilon)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = config.epsilon() if epsilon is None else epsilon

    def slots(self) -> list[dict[str, float]]:
        return [{"accumulator": self.initial_accumulator_value}]

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        return adagrad_step_p(value, *slots, grad, rate, epsilon=self.epsilon)


class Adadelta(Optimizer):
    """The gradient scaled to the size that the last changes had.

    Source: Zeiler, 2012, arXiv:1212.5701

    Args:
        learning_rate: a number or a schedule; 1.0 is the paper's.
        rho: how much of the averages stays at each step.
        epsilon: keeps the division finite; `config.epsilon()` if None.
        **kwargs: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float | None = 1e-7,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        check_range(self, 0, 1, rho=rho)
        check_range(self, 0, epsilon=epsilon)
        self.rho = rho
        self.epsilon = config.epsilon() if epsilon is None else epsilon

    def slots(self) -> list[dict[str, float]]:
        return [{"accumulated_grad": 0.0, "accumulated_delta_var": 0.0}]

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        return adadelta_step_p(value, *slots, grad, rate, rho=self.rho, epsilon=self.epsilon)
