"""The steps of optimizers: composites that engines may run as one fused kernel.

Each takes a variable's value, its slots, the gradient and scalars (learning rate, step)
and returns the new value and slots in the order in which they came.
"""

from __future__ import annotations

from kerasish.graph.primitive import composite
from kerasish.graph.tensor import Tensor
from kerasish.ops.binary import maximum, power
from kerasish.ops.elementwise import sqrt, square


@composite
def sgd_step_p(value: Tensor, grad: Tensor, rate: Tensor) -> Tensor:
    return value - rate * grad


@composite
def momentum_step_p(
    value: Tensor, velocity: Tensor, grad: Tensor, rate: Tensor, *, momentum: float, nesterov: bool
) -> tuple[Tensor, Tensor]:
    """Sutskever et al., 2013, https://proceedings.mlr.press/v28/sutskever13.html"""
    new = momentum * velocity - rate * grad
    change = momentum * new - rate * grad if nesterov else new
    return value + change, new


@composite
def rmsprop_step_p(
    value: Tensor, average: Tensor, grad: Tensor, rate: Tensor, *, rho: float, epsilon: float
) -> tuple[Tensor, Tensor]:
    """Tieleman & Hinton, 2012, Neural Networks for Machine Learning, lecture 6e."""
    new = rho * average + (1 - rho) * square(grad)
    return value - rate * grad / sqrt(new + epsilon), new


@composite
def adam_step_p(
    value: Tensor,
    mean: Tensor,
    uncentered: Tensor,
    grad: Tensor,
    rate: Tensor,
    step: Tensor,
    *,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Kingma & Ba, 2014, arXiv:1412.6980; `step` counts from 1 and is a float."""
    corrected = rate * sqrt(1 - power(beta_2, step)) / (1 - power(beta_1, step))
    m = beta_1 * mean + (1 - beta_1) * grad
    v = beta_2 * uncentered + (1 - beta_2) * square(grad)
    return value - corrected * m / (sqrt(v) + epsilon), m, v


@composite
def adamax_step_p(
    value: Tensor,
    mean: Tensor,
    infinity: Tensor,
    grad: Tensor,
    rate: Tensor,
    step: Tensor,
    *,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Kingma & Ba, 2014, arXiv:1412.6980, section 7.1."""
    m = beta_1 * mean + (1 - beta_1) * grad
    u = maximum(beta_2 * infinity, abs(grad))
    return value - rate / (1 - power(beta_1, step)) * m / (u + epsilon), m, u


@composite
def adagrad_step_p(
    value: Tensor, total: Tensor, grad: Tensor, rate: Tensor, *, epsilon: float
) -> tuple[Tensor, Tensor]:
    """Duchi et al., 2011, https://jmlr.org/papers/v12/duchi11a.html"""
    new = total + square(grad)
    return value - rate * grad / sqrt(new + epsilon), new


@composite
def adadelta_step_p(
    value: Tensor,
    grads: Tensor,
    deltas: Tensor,
    grad: Tensor,
    rate: Tensor,
    *,
    rho: float,
    epsilon: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Zeiler, 2012, arXiv:1212.5701."""
    g = rho * grads + (1 - rho) * square(grad)
    delta = grad * sqrt(deltas + epsilon) / sqrt(g + epsilon)
    d = rho * deltas + (1 - rho) * square(delta)
    return value - rate * delta, g, d
