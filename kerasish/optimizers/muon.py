"""Muon: momentum made orthogonal, for the matrices inside a network."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.ops.optimize import adam_step_p
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.kinds import check_range


class Muon(Optimizer):
    """Steps in which all directions of a matrix count alike; AdamW for all but matrices.

    Source: Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/; the size of the
    steps: Liu et al., 2025, arXiv:2502.16982

    Args:
        learning_rate: a number or a schedule.
        adam_beta_1: of AdamW, how much of the average of gradients stays at each step.
        adam_beta_2: the same of their squares.
        adam_weight_decay: the weight decay of what AdamW changes.
        epsilon: of AdamW, keeps the division finite.
        weight_decay: the weight decay of the matrices.
        exclude_layers: regular expressions; what they are found in the path of is for AdamW.
        exclude_embeddings: whether paths with "embedding" in them are for AdamW.
        muon_a: the factor of X in each Newton-Schulz iteration.
        muon_b: the factor of X Xᵀ X.
        muon_c: the factor of X Xᵀ X Xᵀ X.
        adam_lr_ratio: the rate of AdamW as a share of the learning rate.
        momentum: how much of the sum of gradients stays at each step.
        ns_steps: the number of Newton-Schulz iterations.
        nesterov: whether momentum is looked ahead with.
        rms_rate: the root mean square of a step of rate 1, whatever the shape; None leaves steps
            orthogonal.
        **kwargs: see `Optimizer`.

    >>> Muon(0.01, exclude_layers=["logits"]).exclude_layers
    ['logits']
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)
        check_range(self, 0, 1, adam_beta_1=adam_beta_1, adam_beta_2=adam_beta_2, momentum=momentum)
        check_range(self, 0, epsilon=epsilon, ns_steps=ns_steps)
        self.adam_beta_1, self.adam_beta_2 = adam_beta_1, adam_beta_2
        self.adam_weight_decay, self.epsilon = adam_weight_decay, epsilon
        self.exclude_layers = list(exclude_layers or ())
        self.exclude_embeddings = exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio, self.rms_rate = adam_lr_ratio, rms_rate
        self.momentum, self.ns_steps, self.nesterov = momentum, ns_steps, nesterov

    def _is_for_adam(self, variable: Variable) -> bool:
        path = variable.path
        return (
            variable.rank != 2
            or (self.exclude_embeddings and "embedding" in path.lower())
            or any(re.search(pattern, path) for pattern in self.exclude_layers)
        )

    def slots_of(self, variable: Variable) -> list[dict[str, Any]]:
        return [{"momentum": 0.0} | ({"velocity": 0.0} if self._is_for_adam(variable) else {})]

    def decay_of(self, variable: Variable) -> float | None:
        return self.adam_weight_decay if self._is_for_adam(variable) else self.weight_decay

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        if len(slots) == 2:
            betas = {"beta_1": self.adam_beta_1, "beta_2": self.adam_beta_2}
            number = self.step_number(value.dtype)
            rate = rate * self.adam_lr_ratio
            return adam_step_p(value, *slots, grad, rate, number, **betas, epsilon=self.epsilon)
        total = self.momentum * slots[0] + grad
        ahead = grad + self.momentum * total if self.nesterov else total
        change = self._orthogonal(ahead)
        if self.rms_rate is not None:
            # The entries of an orthogonal matrix are the smaller, the longer its longer side.
            change = change * (self.rms_rate * math.sqrt(max(*value.shape)))  # type: ignore[type-var, arg-type]
        return value - rate * change, total

    def _orthogonal(self, x: Tensor) -> Tensor:
        """A matrix with the singular vectors of x, and singular values near 1."""
        rows, columns = x.shape
        if rows > columns:  # type: ignore[operator]
            return ops.transpose(self._orthogonal(ops.transpose(x)))
        x = x / (ops.norm(x) + 1e-7)
        for _ in range(self.ns_steps):
            square = ops.matmul(x, ops.transpose(x))
            mixed = self.muon_b * square + self.muon_c * ops.matmul(square, square)
            x = self.muon_a * x + ops.matmul(mixed, x)
        return x
