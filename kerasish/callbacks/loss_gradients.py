"""Gradients of a model's loss, to be looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import tree
from kerasish.graph import trace
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients
from kerasish.graph.tensor import Placeholder


class LossGradients:
    """The gradients of the loss with respect to the trained weights, on data in memory.

    Args:
        model: a compiled model.
        arrays: inputs, targets and sample weights of them, one array after the other, as a
            callback's `validation_data`.
        batch_size: how many samples are computed at a time.

    >>> from kerasish import layers, models
    >>> model = models.Sequential([layers.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", "mse")
    >>> data = [np.ones((4, 2), "float32"), np.ones((4, 1), "float32"), np.ones(4, "float32")]
    >>> [value.tolist() for value in LossGradients(model, data).values()]
    [[[2.0], [2.0]], [2.0]]
    """

    def __init__(self, model: Any, arrays: list[np.ndarray], batch_size: int = 32):
        self.variables = model.trained_variables()
        self._arrays, self._batch_size = arrays, batch_size
        given = [
            Placeholder((None, *array.shape[1:]), array.dtype.name, f"array {i}")
            for i, array in enumerate(arrays)
        ]
        structure = model.input if model.inputs else given[0]
        count = len(tree.flatten(structure))
        targets, weights = np.split(np.arange(count, len(arrays)), 2)
        y, sample_weight = ([given[i] for i in part] for part in (targets, weights))
        # The trace takes in what computing a loss changes: the means of losses.
        with trace.Trace(training=False), trace.inside(model.name):
            x = tree.pack(structure, given[:count])
            outputs = model(x, training=False)
            loss = model.compute_loss(x, y, outputs, sample_weight, training=False)
            found = gradients(loss, self.variables)
        self._function = Function(given, found, training=False, name=f"{model.name}.gradients")

    def values(self) -> list[np.ndarray]:
        """The mean over all samples, one array per variable."""
        size = len(self._arrays[0])
        totals: list[Any] = [0.0] * len(self.variables)
        for start in range(0, size, self._batch_size):
            part = [array[start : start + self._batch_size] for array in self._arrays]
            share = len(part[0]) / size
            found = self._function(*part)
            totals = [t + share * np.asarray(g) for t, g in zip(totals, found, strict=True)]
        return totals
