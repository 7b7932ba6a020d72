"""Looks at arguments and data of training, with errors that say what to do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from kerasish import config, tree
from kerasish.graph.spec import format_shape
from kerasish.utils.arguments import suggestion
from kerasish.utils.tracebacks import warn_user


@contextmanager
def located(place: str | None) -> Iterator[None]:
    """Says in errors about data where it is; None: that is plain."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if place is None or type(error) not in (TypeError, ValueError):
            raise
        raise type(error)(f"{place}: {error}") from error


def check_numbers(named: Iterable[tuple[str, np.ndarray]]) -> None:
    """Raises ValueError if an array holds NaN."""
    for name, array in named:
        # The sum of an array is NaN if it holds any; that is the quickest look.
        if array.dtype.kind == "f" and np.isnan(np.sum(array)):
            flat = np.isnan(array.reshape(len(array), -1)).any(axis=1)
            if flat.any():
                raise ValueError(
                    f"{name} holds NaN (not a number) in {int(flat.sum())} of {len(array)} "
                    f"samples, the first in sample {int(flat.argmax())}. Every loss and "
                    "weight would become NaN. Clean it, for example with np.nan_to_num."
                )


def check_classes(targets: np.ndarray, classes: int | None, name: str) -> None:
    """Raises ValueError if class numbers are out of range."""
    if classes is None or not targets.size:
        return
    low, high = targets.min(), targets.max()
    if targets.dtype.kind == "f" and (targets != np.floor(targets)).any():
        wrong = targets[targets != np.floor(targets)][0]
        raise ValueError(
            f"Output {name} is compared with class numbers, which must be whole, but y holds "
            f"{wrong:g}. Use categorical_crossentropy for probabilities, or mean_squared_error "
            "for numbers."
        )
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        if classes == 1:
            raise ValueError(
                f"Output {name} has 1 unit, so sparse_categorical_crossentropy knows one class "
                f'only, but y holds {wrong:g}. For two classes end with Dense(1, "sigmoid") and '
                f"use binary_crossentropy; for more give the last layer {int(high) + 1} units."
            )
        remedy = "Fix the labels" if low < 0 else f"Give the last layer {int(high) + 1} units"
        raise ValueError(
            f"Output {name} has {classes} classes, so its targets must be from 0 to "
            f"{classes - 1}, but y holds {wrong:g}. {remedy}."
        )


def check_lookup(array: Any, rows: int, layer: str, name: str) -> None:
    """Raises ValueError if an Embedding of so many rows would look up others."""
    low, high = np.trunc(array.min()), np.trunc(array.max())  # as floats are looked up
    if low < 0 or high >= rows:
        wrong = low if low < 0 else high
        remedy = "" if low < 0 else f" It needs input_dim={int(high) + 1}, the largest plus 1."
        raise ValueError(
            f"Input {name} goes into the Embedding {layer}, which has the rows 0 to {rows - 1}, "
            f"but the data holds {wrong:g}.{remedy}"
        )


def check_fixed_batch(fixed: int | None, batch_size: int, samples: int) -> None:
    """Raises ValueError if batches would not have the size that the inputs were declared with."""
    if fixed is None or (batch_size == fixed and samples % fixed == 0):
        return
    remedy = f"Pass batch_size={fixed}"
    if batch_size == fixed:
        remedy = f"Leave out the last {samples % fixed} samples"
    raise ValueError(
        f"The inputs of the model have the fixed batch size {fixed} (as stateful layers need it), "
        f"but there are {samples} samples in batches of {batch_size}. {remedy}, or declare the "
        "inputs without batch size."
    )


def check_temporal(sample_weight: Any, y: Any) -> None:
    """Raises ValueError unless weights are per sample and time step, as was promised."""
    for weight in tree.flatten(sample_weight):
        if weight is not None and weight.ndim < 2:
            shapes = [
                format_shape(target.shape) for target in tree.flatten(y) if target is not None
            ]
            raise ValueError(
                'The model was compiled with sample_weight_mode="temporal", so sample_weight must '
                f"have the shape (samples, time steps), but it has {format_shape(weight.shape)}; y "
                f"has {', '.join(shapes)}."
            )


def by_output(given: Any, names: list[str], what: str, optional: Sequence[str] = ()) -> list[Any]:
    """One entry per output, from an array, list or dict.

    Args:
        given: what was given.
        names: of the outputs.
        what: names it in messages.
        optional: the outputs that need none. Theirs may be missing, and then are None.
    """
    if isinstance(given, dict):
        unknown = [key for key in given if key not in names]
        if unknown or any(name not in given for name in names if name not in optional):
            hint = suggestion(str(unknown[0]), names) if unknown else ""
            raise ValueError(
                f"{what} has the keys {sorted(given)}, but the outputs are called {names}.{hint}"
            )
        return [given.get(name) for name in names]
    flat = tree.flatten(given)
    needed = [name for name in names if name not in optional]
    if len(flat) == len(needed) < len(names):
        by_name = dict(zip(needed, flat, strict=True))
        return [by_name.get(name) for name in names]
    if len(flat) != len(names):
        raise ValueError(
            f"{what} has {len(flat)} array(s), but the model has {len(names)} output(s): {names}."
        )
    return flat


def unpacked(item: Any, what: str, inputs: int = 0) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of what a source of batches gave.

    Args:
        item: x, (x,), (x, y) or (x, y, sample_weight).
        what: names the item, for messages.
        inputs: a list of so many arrays is x itself; 0 if lists are as tuples.
    """
    if item is None:
        raise TypeError(f"{what} is None; expected (x, y) or (x, y, sample_weight).")
    flat = isinstance(item, list) and not any(tree.is_nested(part) for part in item)
    if flat and len(item) == inputs > 1:
        return item, None, None
    if not isinstance(item, (tuple, list)):
        return item, None, None
    if not 1 <= len(item) <= 3:
        raise ValueError(
            f"{what} is a {type(item).__name__} of {len(item)}; expected (x,), (x, y) or "
            "(x, y, sample_weight). Several inputs or outputs go into a list or dict of their own: "
            "([x1, x2], y)."
        )
    x, y, sample_weight = (*item, None, None)[:3]
    return x, y, sample_weight


def positive(value: Any, default: int | None, what: str) -> Any:
    """`value` as an int of at least 1; `default` for None."""
    if value is None:
        return default
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        shape = getattr(value, "shape", ())
        found = f"an array of shape {format_shape(shape)}" if shape else repr(value)
        raise ValueError(f"{what} must be a positive int, but got {found}.")
    return int(value)


def step_limit(value: float | None, what: str) -> int | None:
    """How many steps there may be: `value`, checked, and what `config` limits all to."""
    # Programs of Keras 2 say `len(x) / 32`; the last batch of these is smaller.
    if isinstance(value, (float, np.floating)) and 0 < value < math.inf:
        value = math.ceil(value)
    steps, most = positive(value, None, what), config.max_steps_per_epoch()
    return min(steps, most) if steps and most else steps or most


def check_whole(value: Any, what: str) -> None:
    """Raises TypeError unless `value` is an int."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise TypeError(f"{what} must be an int, but got {value!r}.")


def check_not_one_sample(array: np.ndarray, expected: tuple[int | None, ...], what: str) -> None:
    """Raises ValueError for a single sample where a batch is needed."""
    if expected[1:] and array.shape == expected[1:] != (1,):  # (1,) is one sample of one feature
        raise ValueError(
            f"{what} has the shape {format_shape(array.shape)} of a single sample, but the model "
            f"takes batches of shape {format_shape(expected)}. Add the axis: x[None]."
        )


def is_due(frequency: Any, epoch: int) -> bool:
    """Whether to evaluate after an epoch, counted from 1."""
    if isinstance(frequency, (list, tuple, set, range)):
        return epoch in frequency
    return epoch % positive(frequency, 1, "validation_freq") == 0


def validation_arrays(given: Any) -> tuple[Any, ...]:
    """x, y and perhaps sample_weight, from `validation_data` as a tuple or list."""
    if len(given) not in (2, 3):
        raise ValueError(
            f"validation_data must be (x, y), (x, y, sample_weight) or a source of batches, but "
            f"got a {type(given).__name__} of {len(given)}."
        )
    return tuple(given)


def reject_beside(what: str, **given: Any) -> None:
    """Raises ValueError for arguments that mean nothing beside a source of batches."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"{name} must not be given beside {what}, which itself decides about its batches "
                "and yields (x, y) or (x, y, sample_weight)."
            )


def warn_of_batch_size(what: str, batch_size: int | None) -> None:
    """Warns of a batch size beside a source of batches, as Keras 2 and 3 let programs pass it."""
    if batch_size is not None:
        warn_user(
            f"batch_size={batch_size} has no effect: {what} itself decides about its batches."
        )


def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """The predictions of all blocks in one array."""
    if len({part.shape[1:] for part in parts}) > 1:
        shapes = sorted({format_shape((None, *part.shape[1:])) for part in parts})
        raise ValueError(
            f"The outputs of the batches differ in shape ({', '.join(shapes)}), so they don't fit "
            "into one array. Call predict_on_batch for each batch."
        )
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
