"""Normalisations: inputs brought to mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import compat, config, initializers, ops
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
        self._keep_rules("beta", beta_initializer, beta_regularizer, beta_constraint)
        self._keep_rules("gamma", gamma_initializer, gamma_regularizer, gamma_constraint)

    def _add_scale_and_offset(self, shape: tuple[int, ...]) -> None:
        self.gamma = self.add_weight(name="gamma", shape=shape) if self.scale else None
        self.beta = self.add_weight(name="beta", shape=shape) if self.center else None

    def _scaled(self, outputs: Tensor, shape: list[Any]) -> Tensor:
        """The outputs scaled and shifted; gamma and beta get `shape` to broadcast to them."""
        if self.scale:
            outputs = outputs * ops.reshape(self.gamma, shape)
        if self.center:
            outputs = outputs + ops.reshape(self.beta, shape)
        return ops.cast(outputs, self.compute_dtype)


def _wide(x: Any) -> Tensor:
    """Floats of two bytes as float32: sums of many squares do not fit into them."""
    x = ops.convert_to_tensor(x)
    return ops.cast(x, "float32") if x.dtype in ("float16", "bfloat16") else x


def _present(variable: Any) -> Tensor:
    """The value before this call; outside of a graph a variable would be seen as assigned."""
    return _wide(variable if trace.current_trace() else variable.numpy())


def _learns(training: bool | None) -> bool | None:
    """Whether averages move: not where a model predicts, even one built with training=True."""
    active = trace.current_trace()
    return False if active is not None and active.training is False else training


def _axes(axis: Any, layer: str) -> Any:
    """An int, or a list of them."""
    several = isinstance(axis, (list, tuple))
    if not all(isinstance(i, (int, np.integer)) for i in (axis if several else [axis])):
        raise TypeError(f"{layer}: axis must be an int or several, but got {axis!r}.")
    return list(axis) if several else axis


def _known_size(layer: Layer, input_shape: Any, axis: int) -> int:
    size = input_shape[axis]
    if size is None:
        raise ValueError(
            f"Layer {layer.name}: axis {axis}, which is normalised, must have a known size, "
            f"but the inputs have shape {format_shape(input_shape)}."
        )
    return size


@compat.older_names(
    beta_init="beta_initializer", gamma_init="gamma_initializer", mode=compat.only(0)
)
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
        renorm: whether to bring the batch's numbers to those of running averages, so that
            training and inference see the same even of small batches (Ioffe, 2017,
            arXiv:1702.03275).
        renorm_clipping: a dict with limits of that correction, any of "rmin", "rmax" and "dmax".
        renorm_momentum: of the averages for that correction.

    Steps that a mask leaves out do not count in the statistics of a batch.

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
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        **kwargs: Any,
    ):
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
        self.renorm = renorm
        self.renorm_clipping = _checked_limits(renorm_clipping)
        self.renorm_momentum = renorm_momentum

    def build(self, input_shape: Any) -> None:
        """Makes gamma, beta and the moving averages."""
        axis = canonical_axis(self.axis, len(input_shape))
        channels = _known_size(self, input_shape, axis)
        self._add_scale_and_offset((channels,))
        shape = (channels,)
        kept = {"shape": shape, "trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(name="moving_mean", **kept)
        self.moving_variance = self.add_weight(name="moving_variance", **kept)
        if self.renorm:
            variance: Any = self.moving_variance_initializer
            kept["initializer"] = lambda *shape_and_dtype: np.sqrt(variance(*shape_and_dtype))
            self.moving_stddev = self.add_weight(name="moving_stddev", **kept)
            mean = {**kept, "initializer": self.moving_mean_initializer}
            self.renorm_mean = self.add_weight(name="renorm_mean", **mean)
            self.renorm_stddev = self.add_weight(name="renorm_stddev", **kept)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: channels})

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        """The normalised inputs."""
        if not self.trainable:
            training = False
        elif training is None and trace.current_trace() is None:
            training = bool(trace.current_phase())  # nothing is left open outside of a graph
        inputs = _wide(inputs)
        mean, variance = _wide(self.moving_mean), _wide(self.moving_variance)
        gamma, beta = self.gamma, self.beta
        if training is not False:
            batch = self._moments(inputs, mask)
            if self.renorm:
                gamma, beta = self._renormalized(batch[0], batch[1], training)
            else:
                self._move(self.moving_mean, batch[0], self.momentum, training)
                self._move(self.moving_variance, batch[1], self.momentum, training)
            mean = ops.in_train_phase(batch[0], mean, training)
            variance = ops.in_train_phase(batch[1], variance, training)
        outputs = ops.batch_normalization(
            inputs, mean, variance, self.axis, beta, gamma, self.epsilon
        )
        return ops.cast(outputs, self.compute_dtype)

    def _moments(self, inputs: Tensor, mask: Any) -> Any:
        """Mean and variance per channel of what the mask lets count."""
        axis = canonical_axis(self.axis, inputs.rank)
        others = [i for i in range(inputs.rank) if i != axis]
        if mask is None:
            return ops.moments(inputs, others)
        counts = ops.expand_dims(ops.cast(mask, "bool"), tuple(range(mask.rank, inputs.rank)))
        counts = ops.broadcast_to(counts, ops.shape(inputs))
        # As many as nothing if all is masked.
        number = ops.sum(ops.cast(counts, inputs.dtype), others, keepdims=True) + config.epsilon()
        mean = ops.sum(ops.where(counts, inputs, 0.0), others, keepdims=True) / number
        squares = ops.where(counts, ops.square(inputs - mean), 0.0)
        variance = ops.sum(squares, others, keepdims=True) / number
        return ops.squeeze(mean, others), ops.squeeze(variance, others)

    def _move(self, variable: Any, new: Tensor, momentum: float, training: Any) -> Tensor:
        """Moves an average on while training."""
        old = _present(variable)
        moved = old + (1 - momentum) * (ops.stop_gradient(new) - old)
        variable.assign(ops.in_train_phase(moved, old, _learns(training)))
        return moved

    def _renormalized(self, mean: Tensor, variance: Tensor, training: Any) -> tuple[Any, Any]:
        """Scale and offset that bring the batch's mean and deviation to the running ones."""
        deviation = ops.sqrt(variance + self.epsilon)
        usual = ops.maximum(_present(self.renorm_stddev), self.epsilon**0.5)
        scale = deviation / usual
        offset = (mean - _present(self.renorm_mean)) / usual
        limits = self.renorm_clipping
        if "rmin" in limits:
            scale = ops.maximum(scale, limits["rmin"])
        if "rmax" in limits:
            scale = ops.minimum(scale, limits["rmax"])
        if "dmax" in limits:
            offset = ops.clip(offset, -limits["dmax"], limits["dmax"])
        for variable, new, momentum in (
            (self.renorm_mean, mean, self.renorm_momentum),
            (self.renorm_stddev, deviation, self.renorm_momentum),
            (self.moving_mean, mean, self.momentum),
        ):
            self._move(variable, new, momentum, training)
        moved = self._move(self.moving_stddev, deviation, self.momentum, training)
        old = _present(self.moving_variance)
        new = ops.relu(ops.square(moved) - self.epsilon)
        self.moving_variance.assign(ops.in_train_phase(new, old, _learns(training)))
        scale = ops.in_train_phase(ops.stop_gradient(scale), ops.ones_like(scale), training)
        offset = ops.in_train_phase(ops.stop_gradient(offset), ops.zeros_like(offset), training)
        if self.gamma is not None:
            scale, offset = scale * _wide(self.gamma), offset * _wide(self.gamma)
        return scale, offset if self.beta is None else offset + _wide(self.beta)

    def get_config(self) -> dict[str, Any]:
        # Older Keras does not know these.
        apart = () if self.renorm else ("renorm", "renorm_clipping", "renorm_momentum")
        return {key: value for key, value in super().get_config().items() if key not in apart}


def _checked_limits(limits: Any) -> dict[str, float]:
    """Those of BatchNormalization's `renorm_clipping`."""
    limits = {key: value for key, value in (limits or {}).items() if value is not None}
    unknown = sorted(limits.keys() - {"rmin", "rmax", "dmax"})
    if unknown:
        raise ValueError(
            "BatchNormalization: renorm_clipping takes the keys 'rmin', 'rmax' and 'dmax', but "
            f"got {unknown[0]!r}."
        )
    if limits.get("rmin", 0.0) > limits.get("rmax", float("inf")) or limits.get("dmax", 0.0) < 0:
        raise ValueError(
            "BatchNormalization: in renorm_clipping rmax must be at least rmin, and dmax at least "
            f"0, but got {limits}."
        )
    return limits


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
            _axes(axis, "LayerNormalization"),
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
        gamma = self.gamma if self.scale else None
        beta = self.beta if self.center else None
        x = self._floats(inputs)
        return ops.layer_normalization(x, gamma, beta, self.axis, self.epsilon)


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
        inputs = _wide(inputs)
        apart = (*sizes[:axis], self.groups, sizes[axis] // self.groups, *sizes[axis + 1 :])
        grouped = ops.reshape(inputs, apart)
        axes = [i for i in range(1, grouped.rank) if i != axis]
        mean, variance = ops.moments(grouped, axes, keepdims=True)
        outputs = (grouped - mean) * ops.rsqrt(variance + self.epsilon)
        outputs = ops.reshape(outputs, sizes)
        return self._scaled(outputs, [-1 if i == axis else 1 for i in range(inputs.rank)])


class RMSNormalization(Layer):
    """Divides each sample by the root of its mean square over some axes, then scales it.

    A mask ends here, as it does in Keras: numbers of models with masks are the same.

    Source: Zhang & Sennrich, 2019, arXiv:1910.07467

    Args:
        axis: the axis, or several that are taken together.
        epsilon: added to the mean square.

    Shapes:
        any -> the same

    >>> RMSNormalization()(np.array([[1.0, 7.0]])).numpy()
    array([[0.2, 1.4]], dtype=float32)
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = _axes(axis, type(self).__name__)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Makes the scale, of the sizes of the normalised axes."""
        axes = canonical_axes(self.axis, len(input_shape))
        shape = [_known_size(self, input_shape, i) for i in axes]
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")

    def call(self, inputs: Tensor) -> Tensor:
        """The normalised inputs."""
        return ops.rms_normalization(self._floats(inputs), self.scale, self.axis, self.epsilon)


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
        self.axis = _axes(axis, type(self).__name__)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs over their norm."""
        return ops.l2_normalize(inputs, axis=self.axis, epsilon=1e-12)
