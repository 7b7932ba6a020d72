"""The steps of optimizers: as expressions, and as TensorFlow's fused kernels.

The kernels change variables in place. They serve a step whose inputs are variables and
whose outputs are only stored back, outside XLA, which fuses the expressions by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.engines.tensorflow.library import tf


def _sgd(value: Any, grad: Any, rate: Any) -> Any:
    return value - rate * grad


def _momentum(
    value: Any, velocity: Any, grad: Any, rate: Any, *, momentum: float, nesterov: bool
) -> Any:
    new = momentum * velocity - rate * grad
    return value + (momentum * new - rate * grad if nesterov else new), new


def _rmsprop(value: Any, average: Any, grad: Any, rate: Any, *, rho: float, epsilon: float) -> Any:
    new = rho * average + (1 - rho) * tf.square(grad)
    return value - rate * grad / tf.sqrt(new + epsilon), new


def _adam(
    value: Any,
    mean: Any,
    uncentered: Any,
    grad: Any,
    rate: Any,
    step: Any,
    *,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> Any:
    corrected = rate * tf.sqrt(1 - _decay(beta_2, step)) / (1 - _decay(beta_1, step))
    m = beta_1 * mean + (1 - beta_1) * grad
    v = beta_2 * uncentered + (1 - beta_2) * tf.square(grad)
    return value - corrected * m / (tf.sqrt(v) + epsilon), m, v


def _adamax(
    value: Any,
    mean: Any,
    infinity: Any,
    grad: Any,
    rate: Any,
    step: Any,
    *,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> Any:
    m = beta_1 * mean + (1 - beta_1) * grad
    u = tf.maximum(beta_2 * infinity, tf.abs(grad))
    return value - rate / (1 - _decay(beta_1, step)) * m / (u + epsilon), m, u


def _adagrad(value: Any, total: Any, grad: Any, rate: Any, *, epsilon: float) -> Any:
    new = total + tf.square(grad)
    return value - rate * grad / tf.sqrt(new + epsilon), new


def _adadelta(
    value: Any, grads: Any, deltas: Any, grad: Any, rate: Any, *, rho: float, epsilon: float
) -> Any:
    g = rho * grads + (1 - rho) * tf.square(grad)
    delta = grad * tf.sqrt(deltas + epsilon) / tf.sqrt(g + epsilon)
    return value - rate * delta, g, rho * deltas + (1 - rho) * tf.square(delta)


def _decay(beta: float, step: Any) -> Any:
    return tf.pow(tf.constant(beta, step.dtype), step)


EXPRESSIONS: dict[str, Callable[..., Any]] = {
    "sgd_step": _sgd,
    "momentum_step": _momentum,
    "rmsprop_step": _rmsprop,
    "adam_step": _adam,
    "adamax_step": _adamax,
    "adagrad_step": _adagrad,
    "adadelta_step": _adadelta,
}


def _apply_sgd(var: Any, grad: Any, rate: Any) -> None:
    tf.raw_ops.ResourceApplyGradientDescent(var=var.handle, alpha=rate, delta=grad)


def _apply_momentum(
    var: Any, velocity: Any, grad: Any, rate: Any, *, momentum: float, nesterov: bool
) -> None:
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=var.handle,
        accum=velocity.handle,
        lr=rate,
        grad=grad,
        momentum=tf.constant(momentum, grad.dtype),
        use_nesterov=nesterov,
    )


def _apply_rmsprop(
    var: Any, average: Any, grad: Any, rate: Any, *, rho: float, epsilon: float
) -> None:
    tf.raw_ops.ResourceApplyRMSProp(
        var=var.handle,
        ms=average.handle,
        mom=_scratch(average).handle,
        lr=rate,
        rho=tf.constant(rho, grad.dtype),
        momentum=tf.constant(0, grad.dtype),
        epsilon=tf.constant(epsilon, grad.dtype),
        grad=grad,
    )


def _scratch(variable: Any) -> Any:
    """A place as large as the variable, for a kernel that wants one more slot than we have."""
    if not hasattr(variable, "scratch"):
        with tf.init_scope():
            variable.scratch = tf.Variable(tf.zeros_like(variable), trainable=False)
    return variable.scratch


def reset_scratch(variable: Any) -> None:
    """Called when the variable is set: what is left in the scratch may be NaN, as it was."""
    if hasattr(variable, "scratch"):
        variable.scratch.assign(tf.zeros_like(variable))


def _apply_adam(
    var: Any,
    mean: Any,
    uncentered: Any,
    grad: Any,
    rate: Any,
    step: Any,
    *,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> None:
    tf.raw_ops.ResourceApplyAdam(
        var=var.handle,
        m=mean.handle,
        v=uncentered.handle,
        beta1_power=_decay(beta_1, step),
        beta2_power=_decay(beta_2, step),
        lr=rate,
        beta1=tf.constant(beta_1, grad.dtype),
        beta2=tf.constant(beta_2, grad.dtype),
        epsilon=tf.constant(epsilon, grad.dtype),
        grad=grad,
    )


def _apply_adamax(
    var: Any,
    mean: Any,
    infinity: Any,
    grad: Any,
    rate: Any,
    step: Any,
    *,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> None:
    tf.raw_ops.ResourceApplyAdaMax(
        var=var.handle,
        m=mean.handle,
        v=infinity.handle,
        beta1_power=_decay(beta_1, step),
        lr=rate,
        beta1=tf.constant(beta_1, grad.dtype),
        beta2=tf.constant(beta_2, grad.dtype),
        epsilon=tf.constant(epsilon, grad.dtype),
        grad=grad,
    )


def _apply_adadelta(
    var: Any, grads: Any, deltas: Any, grad: Any, rate: Any, *, rho: float, epsilon: float
) -> None:
    tf.raw_ops.ResourceApplyAdadelta(
        var=var.handle,
        accum=grads.handle,
        accum_update=deltas.handle,
        lr=rate,
        rho=tf.constant(rho, grad.dtype),
        epsilon=tf.constant(epsilon, grad.dtype),
        grad=grad,
    )


# Operation -> the kernel, and how many of the inputs are variables. Adagrad's kernel puts
# epsilon elsewhere, so it stays an expression.
FUSED: dict[str, tuple[Callable[..., None], int]] = {
    "sgd_step": (_apply_sgd, 1),
    "momentum_step": (_apply_momentum, 2),
    "rmsprop_step": (_apply_rmsprop, 2),
    "adam_step": (_apply_adam, 3),
    "adamax_step": (_apply_adamax, 3),
    "adadelta_step": (_apply_adadelta, 3),
}
