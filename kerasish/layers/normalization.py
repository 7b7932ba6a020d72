"""Normalisations: inputs brought to mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

from kerasish import compat, constraints, initializers, ops, regularizers
from kerasish.graph import trace
from kerasish.graph.shapes import canonical_axes, canonical_axis
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import positive
from kerasish.layers.input_spec import InputSpec


class _Normalization(Layer):
    """What those with a learnt scale (gamma) and offset (beta) share."""

    supports_masking = True

    def __init__(
        self,
        axis: Any,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def _add_scale_and_offset(self, shape: tuple[int, ...]) -> None:
        self.gamma = self.add_weight(name="gamma", shape=shape) if self.scale else None
        self.beta = self.add_weight(name="beta", shape=shape) if self.center else None


def _known_size(layer: Layer, input_shape: Any, axis: int) -> int:
    size = input_shape[axis]
    if size is None:
        raise ValueError(
            f"Layer {layer.name}: axis {axis}, which is normalised, must have a known size, "
            f"but the inputs have shape {format_shape(input_shape)}."
        )
    return size


@compat.older_names(beta_init="beta_initializer", gamma_init="gamma_initializer")
class BatchNormalization(_Normalization):
    """Brings each channel to mean 0 and variance 1, then scales and shifts it.

    While training, mean and variance are those of the batch, and moving averages of them are
    kept; these are used for inference, and always if the layer is not `trainable`.

    Source: Ioffe & Szegedy, 2015, arXiv:1502.03167

    Args:
        axis: of the channels: -1, or 1 after layers with data_format="channels_first".
        momentum: of the moving averages: the share that the old one keeps.
        epsilon: added to the variance.
        center: whether to add a learnt offset, beta.
        scale: whether to multiply by a learnt scale, gamma.
        beta_initializer: of the offset.
        gamma_initializer: of the scale.
        moving_mean_initializer: of the moving mean.
        moving_variance_initializer: of the moving variance.
        beta_regularizer: adds a loss computed from the offset.
        gamma_regularizer: adds a loss computed from the scale.
        beta_constraint: a projection of the offset after each step.
        gamma_constraint: a projection of the scale after each step.
        synchronized: whether replicas share their statistics. There is one replica, so both
            values mean the same.

    Shapes:
        any -> the same

    >>> BatchNormalization()(np.ones((2, 3))).shape
    (2, 3)
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        synchronized: bool = False,
        **kwargs: Any,
    ):
        if kwargs.pop("renorm", False):
            raise NotImplementedError("BatchNormalization(renorm=True) is not supported.")
        kwargs.pop("renorm_clipping", None)
        kwargs.pop("renorm_momentum", None)
        # Files of TensorFlow's Keras 2 hold a list of one axis.
        axis = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.synchronized = synchronized

    def build(self, input_shape: Any) -> None:
        """Makes gamma, beta and the moving averages."""
        axis = canonical_axis(self.axis, len(input_shape))
        channels = _known_size(self, input_shape, axis)
        self._add_scale_and_offset((channels,))
        shape = (channels,)
        self.moving_mean = self.add_weight(name="moving_mean", shape=shape, trainable=False)
        self.moving_variance = self.add_weight(name="moving_variance", shape=shape, trainable=False)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: channels})

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The normalised inputs."""
        if not self.trainable:
            training = False
        elif training is None and trace.current_trace() is None:
            training = bool(trace.current_phase())  # nothing is left open outside of a graph
        mean, variance = self._statistics(inputs, training)
        return ops.batch_normalization(
            inputs, mean, variance, self.axis, self.beta, self.gamma, self.epsilon
        )

    def _statistics(self, inputs: Tensor, training: bool | None) -> tuple[Any, Any]:
        """Mean and variance per channel; moves the averages on while training."""
        if training is False:
            return self.moving_mean, self.moving_variance
        axis = canonical_axis(self.axis, inputs.rank)
        batch = ops.moments(inputs, [i for i in range(inputs.rank) if i != axis])
        moving = (self.moving_mean, self.moving_variance)
        used = [
            ops.in_train_phase(new, old, training) for new, old in zip(batch, moving, strict=True)
        ]
        for new, old in zip(batch, moving, strict=True):
            moved = old + (1 - self.momentum) * (ops.stop_gradient(new) - old)
            old.assign(ops.in_train_phase(moved, old, training))
        return used[0], used[1]


class LayerNormalization(_Normalization):
    """Brings each sample to mean 0 and variance 1 over some axes, then scales and shifts it.

    Source: Ba et al., 2016, arXiv:1607.06450

    Args:
        axis: the axis, or several that are taken together.
        epsilon: added to the variance.
        center: whether to add a learnt offset, beta.
        scale: whether to multiply by a learnt scale, gamma.
        beta_initializer: of the offset.
        gamma_initializer: of the scale.
        beta_regularizer: adds a loss computed from the offset.
        gamma_regularizer: adds a loss computed from the scale.
        beta_constraint: a projection of the offset after each step.
        gamma_constraint: a projection of the scale after each step.

    Shapes:
        any -> the same

    >>> LayerNormalization()(np.ones((2, 3))).shape
    (2, 3)
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            list(axis) if isinstance(axis, (list, tuple)) else axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )

    def build(self, input_shape: Any) -> None:
        """Makes gamma and beta, of the sizes of the normalised axes."""
        axes = canonical_axes(self.axis, len(input_shape))
        self._add_scale_and_offset(tuple(_known_size(self, input_shape, i) for i in axes))

    def call(self, inputs: Tensor) -> Tensor:
        """The normalised inputs."""
        axes = canonical_axes(self.axis, inputs.rank)
        mean, variance = ops.moments(inputs, axes, keepdims=True)
        outputs = (inputs - mean) * ops.rsqrt(variance + self.epsilon)
        shape = [inputs.shape[i] if i in axes else 1 for i in range(inputs.rank)]
        if self.scale:
            outputs = outputs * ops.reshape(self.gamma, shape)
        return outputs + ops.reshape(self.beta, shape) if self.center else outputs


class GroupNormalization(_Normalization):
    """Brings groups of channels of each sample to mean 0 and variance 1.

    Source: Wu & He, 2018, arXiv:1803.08494

    Args:
        groups: how many; -1 for one per channel (instance normalisation).
        axis: of the channels.
        epsilon: added to the variance.
        center: whether to add a learnt offset per channel, beta.
        scale: whether to multiply by a learnt scale per channel, gamma.
        beta_initializer: of the offset.
        gamma_initializer: of the scale.
        beta_regularizer: adds a loss computed from the offset.
        gamma_regularizer: adds a loss computed from the scale.
        beta_constraint: a projection of the offset after each step.
        gamma_constraint: a projection of the scale after each step.

    Shapes:
        any -> the same

    >>> GroupNormalization(groups=2)(np.ones((2, 3, 4))).shape
    (2, 3, 4)
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.groups = groups if groups == -1 else positive(groups, "GroupNormalization: groups")

    def build(self, input_shape: Any) -> None:
        """Makes gamma and beta, one per channel."""
        axis = canonical_axis(self.axis, len(input_shape))
        channels = _known_size(self, input_shape, axis)
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"Layer {self.name}: {channels} channels cannot be divided into "
                f"{self.groups} groups."
            )
        self._add_scale_and_offset((channels,))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: channels})

    def call(self, inputs: Tensor) -> Tensor:
        """The normalised inputs."""
        axis = canonical_axis(self.axis, inputs.rank)
        sizes = ops.shape(inputs)
        apart = (*sizes[:axis], self.groups, sizes[axis] // self.groups, *sizes[axis + 1 :])
        grouped = ops.reshape(inputs, apart)
        axes = [i for i in range(1, grouped.rank) if i != axis]
        mean, variance = ops.moments(grouped, axes, keepdims=True)
        outputs = (grouped - mean) * ops.rsqrt(variance + self.epsilon)
        outputs = ops.reshape(outputs, sizes)
        shape = [-1 if i == axis else 1 for i in range(inputs.rank)]
        if self.scale:
            outputs = outputs * ops.reshape(self.gamma, shape)
        return outputs + ops.reshape(self.beta, shape) if self.center else outputs


class RMSNormalization(Layer):
    """Divides each sample by the root of its mean square over some axes, then scales it.

    Source: Zhang & Sennrich, 2019, arXiv:1910.07467

    Args:
        axis: the axis, or several that are taken together.
        epsilon: added to the mean square.

    Shapes:
        any -> the same

    >>> RMSNormalization()(np.array([[1.0, 7.0]])).numpy()
    array([[0.2, 1.4]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Makes the scale, of the sizes of the normalised axes."""
        axes = canonical_axes(self.axis, len(input_shape))
        shape = [_known_size(self, input_shape, i) for i in axes]
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")

    def call(self, inputs: Tensor) -> Tensor:
        """The normalised inputs."""
        return ops.rms_normalization(inputs, self.scale, self.axis, self.epsilon)


class UnitNormalization(Layer):
    """Divides by the Euclidean norm, so that it becomes 1.

    Args:
        axis: the axis, or several that are taken together.

    Shapes:
        any -> the same

    >>> UnitNormalization()(np.array([[3.0, 4.0]])).numpy()
    array([[0.6, 0.8]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs over their norm."""
        return ops.l2_normalize(inputs, axis=self.axis, epsilon=1e-12)
