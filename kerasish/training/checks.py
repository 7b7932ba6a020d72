"""Looks at arguments and data of training, with errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.graph import dtypes
from kerasish.graph.spec import format_shape


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
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        raise ValueError(
            f"Output {name} has {classes} classes, so its targets must be from 0 to "
            f"{classes - 1}, but y holds {wrong:g}. Fix the labels, or give the last layer "
            f"{int(high) + 1} units."
        )


def class_weights(y: Any, weights: dict[int, float]) -> np.ndarray:
    """The weight of each sample by its class.

    Args:
        y: class numbers, or one-hot rows.
        weights: class number -> weight; classes not named weigh 1.
    """
    if y is None:
        raise ValueError("class_weight needs targets: pass y.")
    if isinstance(y, (list, tuple, dict)):
        raise ValueError("class_weight works for models with one output only.")
    one_hot = y.ndim > 1 and y.shape[-1] > 1
    classes = np.argmax(y, axis=-1) if one_hot else y.reshape(len(y), -1)[:, 0].astype("int64")
    if classes.ndim != 1:
        raise ValueError(
            f"class_weight needs one class per sample, but y has shape {format_shape(y.shape)}."
        )
    unknown = [key for key in weights if not isinstance(key, (int, np.integer))]
    if unknown:
        raise ValueError(
            f"class_weight maps class numbers to weights, but a key is {unknown[0]!r}."
        )
    table = np.ones(max(int(classes.max()), *weights, 0) + 1, dtype=dtypes.standardize(None))
    for key, weight in weights.items():
        table[key] = weight
    return table[classes]


def by_output(given: Any, names: list[str], what: str) -> list[Any]:
    """One entry per output, from an array, list or dict."""
    if isinstance(given, dict):
        missing = [name for name in names if name not in given]
        if missing or len(given) != len(names):
            raise ValueError(
                f"{what} has the keys {sorted(given)}, but the outputs are called {names}."
            )
        return [given[name] for name in names]
    flat = tree.flatten(given)
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
        raise ValueError(f"{what} must be a positive int, but got {value!r}.")
    return int(value)


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


def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """The predictions of all blocks in one array."""
    if len({part.shape[1:] for part in parts}) > 1:
        shapes = sorted({format_shape((None, *part.shape[1:])) for part in parts})
        raise ValueError(
            f"The outputs of the batches differ in shape ({', '.join(shapes)}), so they don't fit "
            "into one array. Call predict_on_batch for each batch."
        )
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
