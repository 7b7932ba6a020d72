"""Weights of classes, made into weights of samples."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.graph import dtypes
from kerasish.graph.spec import format_shape
from kerasish.utils.arguments import suggestion
from kerasish.utils.tracebacks import warn_user


def weigh_classes(y: Any, sample_weight: Any, given: Any, names: Sequence[str]) -> Any:
    """The weights of samples: those of their classes times those that they have of their own.

    Args:
        y: targets: an array, or a list or dict of them, one per output.
        sample_weight: nested as y, one for all outputs, or None.
        given: class number -> weight; where there are targets of several outputs a list or dict of
            such dicts. Outputs without one weigh all classes alike.
        names: of the outputs, empty if they have none.

    Returns:
        An array for one output; a list or dict of them, as y, for several.
    """
    if y is None:
        raise ValueError("class_weight needs targets: pass y.")
    if not isinstance(given, (dict, list, tuple)):
        raise _expected_dict(given)
    if not isinstance(y, (list, tuple, dict)):
        if len(given) == 1 and (isinstance(given, (list, tuple)) or names[:1] == list(given)):
            (given,) = given.values() if isinstance(given, dict) else given
        return _times(_of_samples(y, given), sample_weight)
    keys: list[Any] = list(y) if isinstance(y, dict) else list(range(len(y)))
    if any(tree.is_nested(y[key]) for key in keys):
        raise ValueError(
            "class_weight is for outputs in one list or dict, but here they are in several within "
            "each other. Pass sample_weight instead, nested as the outputs."
        )
    if len(keys) == 1 and isinstance(given, dict) and not any(map(tree.is_nested, given.values())):
        by_key = {keys[0]: given}
    else:
        by_key = _by_key(given, keys, names)
    own = sample_weight
    if not isinstance(own, (list, tuple, dict)):
        own = dict.fromkeys(keys, own)
    elif isinstance(own, dict) != isinstance(y, dict):
        raise ValueError(
            f"class_weight beside a {type(y).__name__} of targets needs the sample weights as a "
            f"{type(y).__name__} too, but sample_weight is a {type(own).__name__}."
        )
    elif not isinstance(own, dict):
        own = dict(zip(keys, own, strict=True))
    weights = {}
    for key in keys:
        of_classes = np.ones(len(y[key]), dtypes.standardize(None))
        if by_key[key] is not None:
            of_classes = _of_samples(y[key], by_key[key])
        weights[key] = _times(of_classes, own.get(key))
    return weights if isinstance(y, dict) else list(weights.values())


def _by_key(given: Any, keys: list[Any], names: Sequence[str]) -> dict[Any, Any]:
    """The weights of the classes of each entry of y."""
    called = list(names) or keys
    if isinstance(given, (list, tuple)):
        if len(given) != len(called):
            raise ValueError(
                f"class_weight has {len(given)} entries, but the model has {len(called)} outputs: "
                f"{called}."
            )
        given = dict(zip(called, given, strict=True))
    unknown = [key for key in given if key not in called]
    if unknown:
        raise ValueError(
            f"The model has several outputs, so class_weight must be a list or dict with one dict "
            f"per output, such as {{{called[0]!r}: {{0: 1.0, 1: 5.0}}}}, but it has the key "
            f"{unknown[0]!r}.{suggestion(str(unknown[0]), called)} The outputs are called {called}."
        )
    by_name = isinstance(keys[0], str)
    return {key: given.get(key if by_name else called[i]) for i, key in enumerate(keys)}


def _of_samples(y: np.ndarray, weights: Any) -> np.ndarray:
    """The weight of each sample by its class.

    Args:
        y: class numbers, or one-hot rows.
        weights: class number -> weight; classes not named weigh 1.
    """
    if not isinstance(weights, dict):
        raise _expected_dict(weights)
    # Whole floats are class numbers too: np.unique gives them for targets of floats.
    unknown = [key for key in weights if not isinstance(key, Real) or key % 1 != 0]
    if unknown:
        raise ValueError(
            f"class_weight maps class numbers to weights, but a key is {unknown[0]!r}."
        )
    one_hot = y.ndim > 1 and y.shape[-1] > 1
    classes = np.argmax(y, axis=-1) if one_hot else np.rint(y.reshape(len(y), -1)[:, 0])
    if classes.ndim != 1:
        raise ValueError(
            f"class_weight needs one class per sample, but y has shape {format_shape(y.shape)}. "
            "For time steps or pixels pass sample_weight, of one weight each."
        )
    if one_hot and np.any(np.abs(np.sum(y, axis=-1) - 1.0) > 0.01):
        warn_user(
            f"class_weight takes the largest entry of each row of y, of shape "
            f"{format_shape(y.shape)}, for the sample's class, but the rows aren't one-hot: they "
            "don't add up to 1. For several labels or time steps per sample, pass sample_weight."
        )
    found, places = np.unique(classes, return_inverse=True)
    table = np.array([weights.get(int(number), 1.0) for number in found])
    return table.astype(dtypes.standardize(None))[places]


def _times(weights: np.ndarray, own: Any) -> np.ndarray:
    """The weights of classes times the samples' own, which may be per time step."""
    if own is None:
        return weights
    return weights.reshape(-1, *(1 for _ in own.shape[1:])) * own


def _expected_dict(given: Any) -> TypeError:
    return TypeError(
        "class_weight must be a dict from class numbers to weights, such as {0: 1.0, 1: 5.0} (for "
        f"several outputs a list or dict of such dicts), but got {given!r:.60}."
    )
