"""Adam and those made after it: moving averages of the gradient and of its size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasish import config, ops
from kerasish.compat.arguments import is_bool, is_number, older_order
from kerasish.compat.optimizers import schedule_decay
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.ops.optimize import adam_step_p, adamax_step_p
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.kinds import check_range


class _Moments(Optimizer):
    """Base class: two decay rates and an epsilon."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        check_range(self, 0, 1, beta_1=beta_1, beta_2=beta_2)
        check_range(self, 0, epsilon=epsilon)
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon = config.epsilon() if epsilon is None else epsilon

    def slots(self) -> list[dict[str, float]]:
        return [{"momentum": 0.0, "velocity": 0.0}]

    def _averages(self, slots: Sequence[Tensor], grad: Tensor) -> tuple[Tensor, Tensor]:
        """The new averages of the gradient and of its square."""
        mean, square = slots
        return (
            self.beta_1 * mean + (1.0 - self.beta_1) * grad,
            self.beta_2 * square + (1.0 - self.beta_2) * ops.square(grad),
        )


class Adam(_Moments):
    """An average of gradients over the root of an average of their squares.

    Source: Kingma & Ba, 2014, arXiv:1412.6980; amsgrad: Reddi et al., 2018, arXiv:1904.09237

    Args:
        learning_rate: a number or a schedule.
        beta_1: how much of the average of gradients stays at each step.
        beta_2: the same of their squares.
        epsilon: keeps the division finite; `config.epsilon()` if None.
        amsgrad: whether to divide by the largest average of squares so far.
        **kwargs: see `Optimizer`.

    >>> float(Adam(0.01).learning_rate.numpy().round(4))
    0.009999999776482582
    """

    @older_order(
        (4, is_number, ("lr", "beta_1", "beta_2", "epsilon", "decay", "amsgrad")),
        (3, is_bool, ("learning_rate", "beta_1", "beta_2", "amsgrad")),
    )
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        self.amsgrad = amsgrad

    def slots(self) -> list[dict[str, float]]:
        return super().slots() + [{"velocity_hat": 0.0}] * bool(self.amsgrad)

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        number = self.step_number(value.dtype)
        if not self.amsgrad:
            betas = {"beta_1": self.beta_1, "beta_2": self.beta_2}
            return adam_step_p(value, *slots, grad, rate, number, **betas, epsilon=self.epsilon)
        mean, square = self._averages(slots[:2], grad)
        largest = ops.maximum(slots[2], square)
        correction = ops.sqrt(1.0 - ops.power(self.beta_2, number))
        rate = rate * correction / (1.0 - ops.power(self.beta_1, number))
        return value - rate * mean / (ops.sqrt(largest) + self.epsilon), mean, square, largest


class AdamW(Adam):
    """Adam with weight decay of its own, not through the gradient; arguments as of Adam.

    Source: Loshchilov & Hutter, 2017, arXiv:1711.05101

    Args:
        learning_rate: a number or a schedule.
        weight_decay: the share of a weight, times the rate, that it loses at each step.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        if weight_decay is None:
            raise ValueError("AdamW: weight_decay must be a number; use Adam for none.")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs
        )


class Adamax(_Moments):
    """Adam with the largest gradient, slowly forgotten, in place of the average of squares.

    Source: Kingma & Ba, 2014, arXiv:1412.6980, section 7.1

    Args:
        learning_rate: a number or a schedule.
        beta_1: how much of the average of gradients stays at each step.
        beta_2: how much of the largest gradient stays.
        epsilon: keeps the division finite; `config.epsilon()` if None.
        **kwargs: see `Optimizer`.
    """

    def slots(self) -> list[dict[str, float]]:
        return [{"momentum": 0.0, "norm": 0.0}]

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        number = self.step_number(value.dtype)
        betas = {"beta_1": self.beta_1, "beta_2": self.beta_2}
        return adamax_step_p(value, *slots, grad, rate, number, **betas, epsilon=self.epsilon)


class Nadam(_Moments):
    """Adam with Nesterov's momentum, which grows slowly at the start.

    Source: Dozat, 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ

    Args:
        learning_rate: a number or a schedule.
        beta_1: how much of the average of gradients stays at each step.
        beta_2: the same of their squares.
        epsilon: keeps the division finite; `config.epsilon()` if None.
        **kwargs: see `Optimizer`.
    """

    _product: Any = None

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        **kwargs: Any,
    ):
        self.schedule_decay = schedule_decay(kwargs)
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)

    def _add_slots(self, variables: list[Variable]) -> None:
        super()._add_slots(variables)
        if self._product is None:
            self._product = self.add_variable((), "ones", name="momentum_product")

    def _momentum(self, number: Tensor) -> Tensor:
        return self.beta_1 * (1.0 - 0.5 * ops.power(0.96, number * self.schedule_decay))

    def before_step(self) -> None:
        """The product of all steps' momentum, by which the average is corrected."""
        self._product.assign(self._product * self._momentum(self.step_number("float32")))

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        number = self.step_number(value.dtype)
        now, after = self._momentum(number), self._momentum(number + 1.0)
        product = ops.cast(self._product, value.dtype)
        mean, square = self._averages(slots, grad)
        ahead = after * mean / (1.0 - product * after) + (1.0 - now) * grad / (1.0 - product)
        size = ops.sqrt(square / (1.0 - ops.power(self.beta_2, number))) + self.epsilon
        return value - rate * ahead / size, mean, square

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.schedule_decay != 1.0:
            config["schedule_decay"] = self.schedule_decay
        return config


class Lamb(_Moments):
    """Adam's direction, in steps as long as the weights of a layer are large.

    Source: You et al., 2019, arXiv:1904.00962

    Args:
        learning_rate: a number or a schedule.
        beta_1: how much of the average of gradients stays at each step.
        beta_2: the same of their squares.
        epsilon: keeps the division finite; `config.epsilon()` if None.
        **kwargs: see `Optimizer`.
    """

    def step(self, value: Tensor, grad: Tensor, rate: Tensor, *slots: Tensor) -> tuple[Tensor, ...]:
        number = self.step_number(value.dtype)
        mean, square = self._averages(slots, grad)
        size = ops.sqrt(square / (1.0 - ops.power(self.beta_2, number))) + self.epsilon
        direction = mean / (1.0 - ops.power(self.beta_1, number)) / size
        length, reach = ops.norm(value), ops.norm(direction)
        usable = ops.logical_and(length > 0, reach > 0)
        trust = ops.where(usable, ops.divide_no_nan(length, reach), 1.0)
        return value - trust * rate * direction, mean, square
