"""Adafactor: the size of gradients by rows and columns, for large matrices in little memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.kinds import check_range


class Adafactor(Optimizer):
    """The gradient over the root of an average of its square, kept only per row and column.

    Source: Shazeer & Stern, 2018, arXiv:1804.04235

    Args:
        learning_rate: a number or a schedule; each step is also as long as the weights are large.
        beta_2_decay: the average forgets more slowly with the step's number to this power.
        epsilon_1: added to the square of the gradient.
        epsilon_2: the least size of weights that counts.
        clip_threshold: the largest root mean square of a step, before the rate.
        relative_step: whether a rate that is a number is kept below one over the root of the
            step's number.
        **kwargs: see `Optimizer`.

    >>> weight = Variable(np.ones((2, 3)))
    >>> Adafactor(0.1).apply([np.ones((2, 3))], [weight])
    >>> weight.numpy()[0].round(3)
    array([0.9, 0.9, 0.9], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        check_range(self, 0, epsilon_1=epsilon_1, epsilon_2=epsilon_2)
        self.beta_2_decay, self.clip_threshold = beta_2_decay, clip_threshold
        self.epsilon_1, self.epsilon_2 = epsilon_1, epsilon_2
        self.relative_step = relative_step

    def slots_of(self, variable: Variable) -> list[dict[str, Any]]:
        # Vectors have no rows and columns, but Keras's files hold a number for each.
        rows, columns = variable.shape[:-1], (*variable.shape[:-2], *variable.shape[-1:])
        if variable.rank < 2:
            rows = columns = ()
        return [{"rows": np.zeros(rows), "columns": np.zeros(columns), "velocity": 0.0}]

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        rows, columns, _ = slots
        number = self.step_number(value.dtype)
        if self.relative_step and isinstance(self._rate, Variable):
            rate = ops.minimum(rate, ops.rsqrt(number))
        keep = 1.0 - ops.power(number, self.beta_2_decay)
        power = ops.square(grad) + self.epsilon_1
        if value.rank < 2:
            size = keep * slots[2] + (1.0 - keep) * power
        else:
            rows = keep * rows + (1.0 - keep) * ops.mean(power, axis=-1)
            columns = keep * columns + (1.0 - keep) * ops.mean(power, axis=-2)
            share = rows / ops.mean(rows, axis=-1, keepdims=True)
            size = ops.expand_dims(share, -1) * ops.expand_dims(columns, -2)
        change = grad * ops.rsqrt(size)
        change = change / ops.maximum(1.0, _root_mean_square(change) / self.clip_threshold)
        length = ops.maximum(self.epsilon_2, _root_mean_square(value))
        return value - rate * length * change, rows, columns, size


def _root_mean_square(x: Tensor) -> Tensor:
    return ops.sqrt(ops.mean(ops.square(x)))
