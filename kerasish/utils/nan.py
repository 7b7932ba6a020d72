"""Where NaN comes from."""

from __future__ import annotations

from typing import Any

import numpy as np


def find_nan(model: Any, x: Any, y: Any = None, training: bool = False) -> str | None:
    """Names the first layer, and the operation in it, whose result holds NaN.

    Args:
        model: a model; compiled, if `y` is given.
        x: inputs of a batch.
        y: targets of it, to look at the loss and the gradients of the weights as well.
        training: whether layers such as Dropout act as in training.

    Returns:
        A sentence that says where; None if there is no NaN.

    Example:
        >>> from kerasish import layers, models, ops
        >>> logs = layers.Lambda(ops.log, name="logs")
        >>> model = models.Sequential([layers.Input((2,)), logs], name="model")
        >>> find_nan(model, np.array([[1.0, -1.0]])).partition(" (")[0]
        'The first NaN is the result of log in model/logs'
        >>> find_nan(model, np.array([[1.0, 2.0]])) is None
        True
    """
    from kerasish.training.data import Data

    data = Data(x, y)
    for name, array in zip(data.names, data.arrays, strict=True):
        if _has_nan(array):
            return f"NaN is in {name} already: {_count(array)}."
    in_weights = _of_weights(model)
    if in_weights is not None:
        return in_weights
    return _of_results(model, data, training)


def _of_weights(model: Any) -> str | None:
    bad = [variable for variable in model.weights if _has_nan(variable.numpy())]
    if not bad:
        return None
    others = "" if len(bad) == 1 else f", and in {len(bad) - 1} more"
    return (
        f"NaN is in the weight {bad[0].path} already: {_count(bad[0].numpy())}{others}. Look "
        "with the weights from before, at the batch that made it."
    )


def _of_results(model: Any, data: Any, training: bool) -> str | None:
    from kerasish import tree
    from kerasish.graph import trace
    from kerasish.graph.function import Function
    from kerasish.graph.gradients import gradients
    from kerasish.graph.passes import topological_order
    from kerasish.graph.tensor import Placeholder

    inputs = [Placeholder((None, *spec.shape[1:]), spec.dtype) for spec in data.specs]
    x, y, _ = data.packed(inputs)
    variables = list(model.trainable_weights)
    grads: list[Any] = []
    with trace.Trace(training=training):
        outputs = model(x, training=training)
        ends = tree.flatten(outputs)
        if y is not None:
            with trace.inside("the loss"):
                ends = [model.compute_loss(x, y, outputs)]
            grads = gradients(ends[0], variables)
    nodes = topological_order(ends)
    floats = [t for node in nodes for t in node.outputs if "float" in t.dtype]
    values = Function(inputs, [*floats, *grads], training=training, name="find_nan")(*data.arrays)
    for tensor, value in zip(floats, values, strict=False):
        node = tensor.node
        if node is not None and _has_nan(value):
            place, _, line = node.source.partition(" (")
            where = f" ({line.rstrip(')')})" if line else ""
            return (
                f"The first NaN is the result of {node.primitive.name} in "
                f"{place or model.name}{where}: {_count(value)}."
            )
    for variable, value in zip(variables, values[len(floats) :], strict=False):
        if _has_nan(value):
            return f"The first NaN is the gradient of {variable.path}: {_count(value)}."
    return None


def _has_nan(array: Any) -> bool:
    array = np.asarray(array)
    return array.dtype.kind == "f" and bool(np.isnan(array).any())


def _count(array: Any) -> str:
    array = np.asarray(array)
    return f"{int(np.isnan(array).sum())} of its {array.size} numbers"
