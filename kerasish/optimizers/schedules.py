"""Learning rate schedules: functions of the step, evaluated inside the compiled step.

The step is a float from 0; powers and roots of it are what the formulas ask for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasish import config, ops
from kerasish.graph.tensor import Tensor
from kerasish.saving.serialization import Configurable, Registry
from kerasish.utils.kinds import Checked


class LearningRateSchedule(Checked, Configurable):
    """Base class: an object that is called with the step and returns the rate.

    >>> class Halving(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 1.0 / (1 + step)
    >>> float(Halving()(ops.convert_to_tensor(1.0)))
    0.5
    """

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step).")


def _step(step: Any) -> Tensor:
    return ops.cast(step, config.floatx())


def _positive(owner: object, **values: float) -> None:
    for name, value in values.items():
        if value <= 0:
            raise ValueError(f"{type(owner).__name__}: {name} must be above 0, but got {value}.")


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate ^ (step / decay_steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: in how many steps the rate falls once by `decay_rate`.
        decay_rate: the factor.
        staircase: whether the exponent is rounded down.
        name: a name for it.

    >>> float(ExponentialDecay(0.5, 10, 0.5)(10))
    0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ):
        _positive(self, decay_steps=decay_steps)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: Any) -> Tensor:
        p = _step(step) / self.decay_steps
        return self.initial_learning_rate * ops.power(
            float(self.decay_rate), ops.floor(p) if self.staircase else p
        )


class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: how often the decay applies.
        decay_rate: how strongly.
        staircase: whether step / decay_steps is rounded down.
        name: a name for it.

    >>> float(InverseTimeDecay(0.5, 10, 1.0)(10))
    0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ):
        _positive(self, decay_steps=decay_steps)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: Any) -> Tensor:
        p = _step(step) / self.decay_steps
        p = ops.floor(p) if self.staircase else p
        return self.initial_learning_rate / (1.0 + self.decay_rate * p)


class PiecewiseConstantDecay(LearningRateSchedule):
    """One rate up to each boundary, the last one beyond.

    Args:
        boundaries: steps in rising order.
        values: the rates, one more than boundaries.
        name: a name for it.

    >>> [float(PiecewiseConstantDecay([5], [1.0, 0.5])(step)) for step in (5, 6)]
    [1.0, 0.5]
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ):
        if len(values) != len(boundaries) + 1:
            raise ValueError(
                "PiecewiseConstantDecay: values must be one more than boundaries, but got "
                f"{len(values)} values and {len(boundaries)} boundaries."
            )
        if list(boundaries) != sorted(boundaries):
            raise ValueError(
                "PiecewiseConstantDecay: boundaries must be in rising order, but got "
                f"{boundaries!r}."
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: Any) -> Tensor:
        step = _step(step)
        rate = ops.convert_to_tensor(float(self.values[-1]))
        for boundary, value in zip(self.boundaries[::-1], self.values[-2::-1], strict=True):
            rate = ops.where(step <= float(boundary), float(value), rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """From the initial to the end rate along (1 - step / decay_steps) ^ power.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: when the end is reached.
        end_learning_rate: the rate from then on.
        power: 1 is a straight line.
        cycle: whether the way is made longer, by multiples of decay_steps, instead of ending.
        name: a name for it.

    >>> float(PolynomialDecay(1.0, 10, 0.5)(5))
    0.75
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        _positive(self, decay_steps=decay_steps)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power = end_learning_rate, power
        self.cycle, self.name = cycle, name

    def __call__(self, step: Any) -> Tensor:
        step = _step(step)
        steps: Any = float(self.decay_steps)
        if self.cycle:
            steps = steps * ops.maximum(ops.ceil(step / self.decay_steps), 1.0)
        else:
            step = ops.minimum(step, steps)
        way = self.initial_learning_rate - self.end_learning_rate
        return way * ops.power(1.0 - step / steps, float(self.power)) + self.end_learning_rate


def _cosine(done: Tensor, alpha: float) -> Tensor:
    """From 1 to alpha along half a cosine wave."""
    return (1.0 - alpha) * 0.5 * (1.0 + ops.cos(math.pi * done)) + alpha


class CosineDecay(LearningRateSchedule):
    """Down along half a cosine wave, after a straight way up if `warmup_target` is given.

    Source: Loshchilov & Hutter, 2016, arXiv:1608.03983

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: how many steps the way down takes.
        alpha: the rate at the end as a share of that at the top.
        name: a name for it.
        warmup_target: the rate at the top, if there is a way up.
        warmup_steps: how many steps the way up takes.

    >>> float(CosineDecay(1.0, 10)(0))
    1.0
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ):
        _positive(self, decay_steps=decay_steps)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.alpha, self.name = alpha, name
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Any) -> Tensor:
        step, steps = _step(step), float(self.decay_steps)
        if self.warmup_target is None:
            done = ops.minimum(step, steps) / steps
            return self.initial_learning_rate * _cosine(done, self.alpha)
        after = ops.clip(step - self.warmup_steps, 0.0, steps) / steps
        down = self.warmup_target * _cosine(after, self.alpha)
        if not self.warmup_steps:
            return down
        rise = self.warmup_target - self.initial_learning_rate
        up = self.initial_learning_rate + rise * (step / self.warmup_steps)
        return ops.where(step < self.warmup_steps, up, down)


class CosineDecayRestarts(LearningRateSchedule):
    """Down along half a cosine wave, again and again, each time longer and lower.

    Source: Loshchilov & Hutter, 2016, arXiv:1608.03983

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: how many steps the first way down takes.
        t_mul: how much longer each next one is.
        m_mul: the factor of the rate at each next top.
        alpha: the rate at each end as a share of the initial one.
        name: a name for it.

    >>> float(CosineDecayRestarts(1.0, 10)(10))
    1.0
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        _positive(self, first_decay_steps=first_decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Any) -> Tensor:
        done = _step(step) / self.first_decay_steps
        if self.t_mul == 1.0:
            restarts = ops.floor(done)
            done = done - restarts
        else:
            # The starts of the waves are a geometric series.
            growth = 1.0 - done * (1.0 - self.t_mul)
            # Rounding must not let a wave go on for one step more, at its lowest rate.
            restarts = ops.floor(ops.log(growth) / math.log(self.t_mul) + 1e-5)
            length = ops.power(float(self.t_mul), restarts)
            done = (done - (1.0 - length) / (1.0 - self.t_mul)) / length
        top = ops.power(float(self.m_mul), restarts)
        share = (1.0 - self.alpha) * top * _cosine(done, 0.0) + self.alpha
        return self.initial_learning_rate * share


registry = Registry(
    "learning rate schedule",
    [
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    ],
    home="optimizers.schedules",
)
serialize = registry.serialize
deserialize = registry.deserialize
