"""Losses that do not go with the model or the data: said before the first step."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.utils.tracebacks import warn_user

# Operations that leave probabilities what they are.
_TRANSPARENT = ("identity", "cast", "reshape", "expand_dims", "squeeze")
# What ends a layer without an activation, or with one that gives no probabilities.
_NO_PROBABILITIES = {
    "add": "no activation",
    "matmul": "no activation",
    "conv": "no activation",
    "relu": "a relu",
    "maximum": "a relu",
    "tanh": "a tanh",
}
_PER_CLASS = ("categorical_crossentropy", "sparse_categorical_crossentropy")
_OF_PROBABILITIES = (*_PER_CLASS, "binary_crossentropy")
# Losses of numbers, which are not classes.
_OF_NUMBERS = (
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "huber_loss",
    "log_cosh",
)
# Losses that compare number with number, so that shapes may be stretched unseen.
_ELEMENTWISE = (*_OF_NUMBERS, "binary_crossentropy")


class TrainingWarning(UserWarning):
    """A training that runs, but hardly as it was meant."""


def warn_of_loss(loss: Any, target: Tensor, output: Tensor, name: str) -> None:
    """Warns of losses that do not go with the last activation, or with the targets' shape.

    Args:
        loss: a Loss.
        target: the targets, symbolic or not.
        output: the output of the model.
        name: of that output.

    Raises:
        ValueError: if the shapes can't be compared.
    """
    kind, last = getattr(loss, "name", ""), _last_operation(output)
    units = output.shape[-1] if output.shape else None
    problem = _of_shapes(kind, target, output)
    if problem and target.rank < output.rank:  # not even that works
        raise ValueError(f"Output {name}: {problem}")
    for found in (problem, _of_activation(kind, last, units, getattr(loss, "from_logits", False))):
        if found:
            _warn(f"Output {name}: {found}")


def _of_activation(kind: str, last: str, units: int | None, from_logits: bool) -> str | None:
    if last == "softmax" and units == 1:
        return (
            "a softmax over one unit is always 1, so nothing can be learnt. Use "
            'Dense(1, "sigmoid") with binary_crossentropy, or two units.'
        )
    if kind in _PER_CLASS and units == 1:
        return (
            f"{kind} over one unit is always 0, so nothing can be learnt. Use "
            'Dense(1, "sigmoid") with binary_crossentropy, or one unit per class.'
        )
    if kind in _OF_PROBABILITIES and from_logits and last in ("softmax", "sigmoid"):
        return (
            f"{kind} has from_logits=True, but the last activation is a {last} already, so it is "
            "applied twice. Leave out one of the two."
        )
    if kind in _OF_PROBABILITIES and not from_logits and last in _NO_PROBABILITIES:
        activation = "softmax" if kind in _PER_CLASS else "sigmoid"
        return (
            f"{kind} expects probabilities, but the output has {_NO_PROBABILITIES[last]}. End "
            f'with activation="{activation}", or make the loss with from_logits=True.'
        )
    if kind in _PER_CLASS and last == "sigmoid":
        return (
            f"{kind} expects probabilities that add up to 1, but the last activation is a "
            "sigmoid. Use a softmax if each sample has one class, or binary_crossentropy if it "
            "may have several."
        )
    if kind == "binary_crossentropy" and last == "softmax":
        return (
            "binary_crossentropy judges each class by itself, but the last activation is a "
            "softmax. Use categorical_crossentropy (sparse_categorical_crossentropy for class "
            "numbers), or a sigmoid if a sample may have several classes."
        )
    return None


def _of_shapes(kind: str, target: Tensor, output: Tensor) -> str | None:
    if kind not in _ELEMENTWISE or target is None or not target.shape or not output.shape:
        return None
    fewest, most = sorted((target, output), key=lambda x: x.rank)
    if most.rank == fewest.rank + 1 and most.shape[-1] == 1:
        return None  # losses leave the last axis out
    width, units = (x.shape[-1] if x.rank > 1 else 1 for x in (target, output))
    fewer = target.rank < output.rank and units not in (1, None)
    if not fewer and (None in (width, units) or width == units or 1 not in (width, units)):
        return None
    return (
        f"y of shape {format_shape(target.shape)} is compared with predictions of shape "
        f"{format_shape(output.shape)} by repeating the shorter one, which is hardly meant. Give "
        "the last layer as many units as y has columns; for class numbers use "
        "sparse_categorical_crossentropy."
    )


def explained(error: ValueError, target: Tensor, output: Tensor, weight: Any) -> str:
    """What a loss could not compute, in terms of what `fit` was given.

    Args:
        error: what the loss raised.
        target: the targets.
        output: the output of the model.
        weight: the sample weights, or None.
    """
    if weight is not None and not _is_weight(weight.shape, output.shape):
        steps = (
            f" or {format_shape(output.shape[:-1])}, one per time step," if output.rank > 2 else ""
        )
        return (
            f"sample_weight must have the shape (samples,), one number per sample,{steps} but it "
            f"has the shape {format_shape(weight.shape)}."
        )
    if weight is not None and target.rank < output.rank and output.shape[-1] == 1:
        return f"{error} Give y the shape {format_shape(output.shape)}, as the predictions have it."
    if target.rank == output.rank > 1 and None is not target.shape[-1] != output.shape[-1]:
        return f"{error} Give the last layer {target.shape[-1]} units, one per column of y."
    return str(error)


def _is_weight(shape: Sequence[int | None], output: Sequence[int | None]) -> bool:
    """Whether there is a weight for each sample, or for each place of it."""
    places = output[:-1] or output
    sizes = shape[:-1] if len(shape) == len(places) + 1 and shape[-1] == 1 else shape
    pairs = zip(sizes, places, strict=False)
    return len(sizes) <= len(places) and all(a in (1, None, b) or b is None for a, b in pairs)


def _last_operation(output: Tensor) -> str:
    node = output.node
    while node is not None and node.primitive.name in _TRANSPARENT:
        node = node.inputs[0].node
    return node.primitive.name if node is not None else ""


def check_arguments(loss: Any, what: str) -> None:
    """Raises TypeError for a function of one's own that does not take targets and predictions."""
    function = getattr(loss, "fn", None)
    if not inspect.isfunction(function):
        return
    try:
        inspect.signature(function).bind(None, None)
    except TypeError as error:
        raise TypeError(
            f"The {what} {function.__name__}{inspect.signature(function)} must take y_true and "
            f"y_pred: {error}."
        ) from None


def warn_of_targets(target: np.ndarray, loss: Any, metrics: Sequence[Any], name: str) -> None:
    """Warns of numbers in targets that a loss or metric can do nothing with."""
    if not isinstance(target, np.ndarray) or not target.size:
        return
    kind = getattr(loss, "name", "")
    if kind in _OF_NUMBERS and target.dtype.kind == "f":
        # By what they compute: other metrics may have that name.
        kinds = ((m.name, getattr(getattr(m, "fn", None), "__name__", "")) for m in metrics)
        counted = next((own for own, kind in kinds if kind.endswith("accuracy")), None)
        if counted and (target != np.floor(target)).any():
            _warn(
                f"Output {name}: {counted} counts predictions that equal the target, which "
                f"numbers trained with {kind} hardly ever do. Use mae or R2Score instead."
            )
    low, high = target.min(), target.max()
    if kind in ("binary_crossentropy", "categorical_crossentropy") and (low < 0 or high > 1):
        _warn(
            f"Output {name}: {kind} expects targets from 0 to 1, but y holds "
            f"{low if low < 0 else high:g}. Scale them (images: / 255), or use labels 0 and 1."
        )
    if kind in ("poisson", "mean_squared_logarithmic_error") and low < 0:
        _warn(f"Output {name}: {kind} expects targets of at least 0, but y holds {low:g}.")


def warn_of_nan(model: str, epoch: int) -> None:
    """Warns that a loss has become NaN."""
    _warn(
        f"The loss of {model} is NaN (not a number) after epoch {epoch}, and the weights may be. "
        "kerasish.utils.find_nan(model, x, y) names the layer and operation that make it, "
        "callbacks.TerminateOnNaN stops at once. Often a smaller learning rate or clipnorm=1 "
        "helps."
    )


def _warn(text: str) -> None:
    warn_user(text, TrainingWarning)
