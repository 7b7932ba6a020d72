"""Cross entropies, of probabilities and of logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config
from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.shapes import canonical_axis, compatible
from kerasish.graph.spec import Shape, format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.activations import log_softmax, softmax
from kerasish.ops.array import expand_dims, shape, squeeze
from kerasish.ops.binary import clip
from kerasish.ops.elementwise import log, sigmoid, softplus
from kerasish.ops.filling import one_hot
from kerasish.ops.promotion import as_float, cast
from kerasish.ops.reduce import sum


@composite
def softmax_cross_entropy_p(labels: Tensor, logits: Tensor) -> Tensor:
    """-sum(labels * log_softmax(logits)) over the last axis."""
    return -sum(labels * log_softmax(logits), axis=-1)


@softmax_cross_entropy_p.vjp
def _(g, labels, logits):
    g = expand_dims(g, -1)
    total = sum(labels, axis=-1, keepdims=True)
    return -g * log_softmax(logits), g * (softmax(logits) * total - labels)


@composite
def sigmoid_cross_entropy_p(labels: Tensor, logits: Tensor) -> Tensor:
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits))."""
    return softplus(logits) - logits * labels


@sigmoid_cross_entropy_p.vjp
def _(g, labels, logits):
    return -g * logits, g * (sigmoid(logits) - labels)


def logits_behind(output: Tensor, activation: str) -> Tensor | None:
    """The logits from which `output` was computed by the activation, if it was.

    A loss of probabilities is exact when it is computed from these instead.
    """
    node = output.node
    if node is None or node.primitive.name != activation:
        return None
    last = node.attrs.get("axis", output.rank - 1) == output.rank - 1
    return node.inputs[0] if last else None


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-sum(target * log(output)) along `axis`.

    Args:
        target: probabilities of the classes, the same shape as `output`.
        output: predicted probabilities, which are scaled to sum up to 1, or logits.
        from_logits: whether `output` holds logits.
        axis: the axis of the classes.

    Returns:
        A tensor of the shape of `output` without `axis`, of its dtype.

    Raises:
        ValueError: if the shapes do not fit together, or there is no such axis.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy()
    array([0.6931472], dtype=float32)
    """
    output = as_float(output)
    target = _fitting(target, output.shape, output)
    axis = canonical_axis(axis, output.rank)
    last = axis == output.rank - 1
    logits = output if from_logits else logits_behind(output, "softmax")
    if logits is not None and last:
        return softmax_cross_entropy_p(target, logits)
    if from_logits:
        return -sum(target * log_softmax(output, axis), axis=axis)
    output = output / sum(output, axis=axis, keepdims=True)
    return -sum(target * log(_clipped(output)), axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-log(output) of the target class.

    Args:
        target: class numbers: the shape of `output` without `axis` (or with size 1 there).
        output: predicted probabilities or logits.
        from_logits: whether `output` holds logits.
        axis: the axis of the classes.

    Returns:
        A tensor of the shape of `output` without `axis`, of its dtype.

    Raises:
        ValueError: if the shapes do not fit together, or there is no such axis.

    >>> np.round(sparse_categorical_crossentropy([1], [[0.5, 0.5]]), 3)
    array([0.693], dtype=float32)
    """
    output, target = as_float(output), as_tensor(target)
    axis = canonical_axis(axis, output.rank)
    if target.rank == output.rank:
        # The axis of the classes, or as in Keras the last one.
        alone = next((i for i in (axis, target.rank - 1) if target.shape[i] in (1, None)), None)
        target = target if alone is None else squeeze(target, alone)
    without = output.shape[:axis] + output.shape[axis + 1 :]
    target = _fitting(target, without, output, "int32")
    hot = one_hot(target, shape(output)[axis], axis=axis, dtype=output.dtype)
    return categorical_crossentropy(hot, output, from_logits, axis)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-target * log(output) - (1 - target) * log(1 - output), element by element.

    Args:
        target: probabilities, or 0 and 1.
        output: predicted probabilities or logits, of the same shape.
        from_logits: whether `output` holds logits.

    Returns:
        A tensor of the shape and dtype of `output`.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> np.round(binary_crossentropy([1.0, 0.0], [0.5, 0.5]), 3)
    array([0.693, 0.693], dtype=float32)
    """
    output = as_float(output)
    target = _fitting(target, output.shape, output)
    logits = output if from_logits else logits_behind(output, "sigmoid")
    if logits is not None:
        return sigmoid_cross_entropy_p(target, logits)
    output = _clipped(output)
    return -(target * log(output) + (1 - target) * log(1 - output))


def _fitting(target: Any, shape: Shape, output: Tensor, dtype: str | None = None) -> Tensor:
    """The target, which must have this shape, in the dtype of the output if none is given."""
    target = cast(target, dtype or output.dtype)
    if not compatible(target.shape, shape):
        raise ValueError(
            f"for an output of shape {format_shape(output.shape)} the target must have the shape "
            f"{format_shape(shape)}, but it has {format_shape(target.shape)}."
        )
    return target


def _clipped(probabilities: Tensor) -> Tensor:
    """Kept away from 0 and 1, where the logarithm ends."""
    one = np.ones((), dtypes.numpy_dtype(probabilities.dtype))
    # In 16 bits, 1 - epsilon would be 1.
    most = min(1 - config.epsilon(), float(np.nextafter(one, 0 * one)))
    return clip(probabilities, config.epsilon(), most)
