"""Activations as layers."""

from __future__ import annotations

from typing import Any

from kerasish import activations, compat, ops
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer


class _Activation(Layer):
    """What all of them share: no weights, and the output has the shape of the input."""

    supports_masking = True

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.built = True


class Activation(_Activation):
    """Applies an activation function.

    Args:
        activation: the name of one in `kerasish.activations`, or a function of a tensor.

    Shapes:
        any -> the same

    >>> Activation("relu")(np.array([-1.0, 2.0])).numpy()
    array([0., 2.], dtype=float32)
    """

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Tensor) -> Tensor:
        """activation(inputs)."""
        return self.activation(inputs)


class ReLU(_Activation):
    """max(x, 0), optionally with a slope below and an upper bound.

    Args:
        max_value: the largest output, unbounded if None.
        negative_slope: below the threshold the output is negative_slope * (x - threshold).
        threshold: from where on the output is x.

    Shapes:
        any -> the same

    >>> ReLU(max_value=6)(np.array([-1.0, 3.0, 9.0])).numpy()
    array([0., 3., 6.], dtype=float32)
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        bounds = {"max_value": max_value, "negative_slope": negative_slope, "threshold": threshold}
        for name, value in bounds.items():
            if value is not None and value < 0:
                raise ValueError(f"ReLU: {name} must not be negative, but got {value!r}.")
        self.max_value = max_value
        self.negative_slope = 0.0 if negative_slope is None else negative_slope
        self.threshold = 0.0 if threshold is None else threshold

    def call(self, inputs: Tensor) -> Tensor:
        """The activation of each element."""
        return activations.relu(
            inputs,
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )


class ThresholdedReLU(_Activation):
    """x where it is above a threshold, 0 elsewhere.

    Source: Konda et al., 2014, arXiv:1402.3337

    Args:
        theta: the threshold.

    Shapes:
        any -> the same

    >>> ThresholdedReLU(2.0)(np.array([1.0, 2.0, 3.0])).numpy()
    array([0., 0., 3.], dtype=float32)
    """

    def __init__(self, theta: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        if theta is None or theta < 0:
            raise ValueError(f"ThresholdedReLU: theta must not be negative, but got {theta!r}.")
        self.theta = theta

    def call(self, inputs: Tensor) -> Tensor:
        """The activation of each element."""
        return ops.where(inputs > self.theta, inputs, ops.zeros_like(inputs))


@compat.older_names(alpha="negative_slope")
class LeakyReLU(_Activation):
    """x, or negative_slope * x below 0.

    Source: Maas et al., 2013, https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf

    Args:
        negative_slope: the slope below 0.

    Shapes:
        any -> the same

    >>> LeakyReLU(0.5)(np.array([-4.0, 2.0])).numpy()
    array([-2.,  2.], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ValueError(
                f"LeakyReLU: negative_slope must not be negative, but got {negative_slope!r}."
            )
        self.negative_slope = negative_slope

    def call(self, inputs: Tensor) -> Tensor:
        """The activation of each element."""
        return ops.leaky_relu(inputs, self.negative_slope)


class ELU(_Activation):
    """x, or alpha * (exp(x) - 1) below 0.

    Source: Clevert et al., 2015, arXiv:1511.07289

    Args:
        alpha: minus the value approached far below 0.

    Shapes:
        any -> the same

    >>> ELU()(np.array([0.0, 2.0])).numpy()
    array([0., 2.], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Tensor) -> Tensor:
        """The activation of each element."""
        return ops.elu(inputs, self.alpha)


@compat.older_names(init="alpha_initializer")
class PReLU(Layer):
    """A leaky ReLU whose slopes are learnt: x, or alpha * x below 0.

    Source: He et al., 2015, arXiv:1502.01852

    Args:
        alpha_initializer: of the slopes.
        alpha_regularizer: adds a loss computed from the slopes.
        alpha_constraint: a projection of the slopes after each step.
        shared_axes: axes (counted from 1, without the batch) along which one slope is shared.

    Shapes:
        (batch, ...) -> the same

    >>> PReLU(shared_axes=[1])(np.array([[-1.0, 2.0]])).numpy()
    array([[0., 2.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._keep_rules("alpha", alpha_initializer, alpha_regularizer, alpha_constraint)
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes

    def build(self, input_shape: Any) -> None:
        """Makes a slope for each element that does not share one."""
        shared = self.shared_axes or ()
        if any(not 1 <= axis < len(input_shape) for axis in shared):
            raise ValueError(
                f"Layer {self.name} (PReLU): shared_axes must be from 1 to {len(input_shape) - 1} "
                f"for inputs of shape {format_shape(input_shape)}, but got {shared}."
            )
        shape = [1 if i in shared else n for i, n in enumerate(input_shape[1:], start=1)]
        if None in shape:
            raise ValueError(
                f"Layer {self.name}: the inputs {format_shape(input_shape)} have an axis of "
                "unknown size. Name it in shared_axes, so that one slope serves all of it."
            )
        self.alpha = self.add_weight(name="alpha", shape=tuple(shape))

    def call(self, inputs: Tensor) -> Tensor:
        """The activation of each element."""
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)


class Softmax(_Activation):
    """exp(x) over its sum along an axis.

    Args:
        axis: the axis, or several that are taken together.

    Shapes:
        any -> the same

    >>> Softmax()(np.array([[1.0, 1.0]])).numpy()
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        """The softmax; where `mask` is False the output is 0, all along the axis if need be.

        Args:
            inputs: the logits.
            mask: of a shape that broadcasts to theirs; or of their first axes, as the mask of the
                steps that comes from layers before is.
        """
        if mask is None:
            return self._softmax(inputs)
        mask = self._fitted(mask, inputs)
        # Far below every logit, yet finite, so that a row without any True stays a number.
        lowest = -3e4 if inputs.dtype == "float16" else -1e9
        mask = ops.cast(mask, inputs.dtype)
        return self._softmax(inputs + (1 - mask) * lowest) * mask

    def _fitted(self, mask: Any, inputs: Tensor) -> Tensor:
        """The mask with as many axes as the inputs."""
        mask = ops.convert_to_tensor(mask)
        ends = inputs.shape[inputs.rank - mask.rank :]
        if mask.rank <= inputs.rank:
            if all(size in (1, end) for size, end in zip(mask.shape, ends, strict=True)):
                return mask
            if compatible(mask.shape, inputs.shape[: mask.rank]):
                return ops.expand_dims(mask, tuple(range(mask.rank, inputs.rank)))
        raise ValueError(
            f"Layer {self.name} (Softmax): the mask must broadcast to the inputs of shape "
            f"{format_shape(inputs.shape)}, or have the shape of their first axes, but has shape "
            f"{format_shape(mask.shape)}."
        )

    def _softmax(self, inputs: Tensor) -> Tensor:
        if isinstance(self.axis, int):
            return ops.softmax(inputs, axis=self.axis)
        axes = tuple(self.axis)
        return ops.exp(inputs - ops.logsumexp(inputs, axis=axes, keepdims=True))
