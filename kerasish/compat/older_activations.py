"""Activations with weights that Keras 1 had as layers."""

from __future__ import annotations

from typing import Any

from kerasish import initializers, layers, ops
from kerasish.graph.tensor import Tensor
from kerasish.layers import Layer

__all__ = ["ParametricSoftplus", "SReLU"]


class _Parametric(Layer):
    """Weights for each element of a sample; fewer where axes share them.

    Args:
        shared_axes: axes (counted from 1, without the batch) along which a weight is shared.
    """

    supports_masking = True

    def __init__(self, shared_axes: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes

    def _shape(self, input_shape: Any) -> tuple[Any, ...]:
        shared = self.shared_axes or ()
        return tuple(1 if i in shared else n for i, n in enumerate(input_shape[1:], start=1))


@layers.registry.add
class ParametricSoftplus(_Parametric):
    """alpha * log(1 + exp(beta * x)), where alpha and beta are learnt.

    Source: McFarland et al., 2013, doi:10.1371/journal.pcbi.1003143

    Args:
        alpha_init: the first value of each alpha.
        beta_init: the first value of each beta.
        shared_axes: axes (counted from 1, without the batch) along which weights are shared.

    Shapes:
        (batch, ...) -> the same

    >>> ParametricSoftplus(1.0, 1.0)(np.array([[0.0, 100.0]])).numpy().round(3)
    array([[  0.693, 100.   ]], dtype=float32)
    """

    def __init__(self, alpha_init: float = 0.2, beta_init: float = 5.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha_init = alpha_init
        self.beta_init = beta_init

    def build(self, input_shape: Any) -> None:
        """Makes the factors outside and inside."""
        outside, inside = map(initializers.Constant, (self.alpha_init, self.beta_init))
        shape = self._shape(input_shape)
        self.alpha = self.add_weight(name="alphas", shape=shape, initializer=outside)
        self.beta = self.add_weight(name="betas", shape=shape, initializer=inside)

    def call(self, inputs: Tensor) -> Tensor:
        """The activation of each element."""
        return self.alpha * ops.softplus(self.beta * inputs)


@layers.registry.add
class SReLU(_Parametric):
    """x between two thresholds; linear with other slopes below the one and above the other.

    Source: Jin et al., 2015, arXiv:1512.07030

    Args:
        t_left_init: initializer of the lower threshold.
        a_left_init: of the slope below it.
        t_right_init: of how far the upper threshold is from the lower; its sign plays no part.
        a_right_init: of the slope above that.
        shared_axes: axes (counted from 1, without the batch) along which weights are shared.

    Shapes:
        (batch, ...) -> the same

    >>> SReLU(a_left_init="zeros", t_right_init="ones")(np.array([[-1.0, 0.5]])).numpy()
    array([[0. , 0.5]], dtype=float32)
    """

    def __init__(
        self,
        t_left_init: Any = "zeros",
        a_left_init: Any = "glorot_uniform",
        t_right_init: Any = "glorot_uniform",
        a_right_init: Any = "ones",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.t_left_init = initializers.get(t_left_init)
        self.a_left_init = initializers.get(a_left_init)
        self.t_right_init = initializers.get(t_right_init)
        self.a_right_init = initializers.get(a_right_init)

    def build(self, input_shape: Any) -> None:
        """Makes the thresholds and slopes."""
        shape = self._shape(input_shape)
        for name in ("t_left", "a_left", "t_right", "a_right"):
            initializer = getattr(self, f"{name}_init")
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer=initializer))

    def call(self, inputs: Tensor) -> Tensor:
        """The activation of each element."""
        width = ops.abs(self.t_right)
        above = inputs - self.t_left
        middle = ops.minimum(ops.where(above > 0, above, self.a_left * above), width)
        return self.t_left + middle + self.a_right * ops.relu(above - width)
