"""Which argument of an operation is of a wrong kind, for the message once something has failed."""

from __future__ import annotations

import inspect
import numbers
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from kerasish.graph.complex import is_complex
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import Dim
from kerasish.graph.subgraph import leaves_of
from kerasish.graph.tensor import Tensor


def _is_whole(value: Any) -> bool:
    if isinstance(value, (Dim, Tensor)):
        return True  # of a tensor's value the error says more
    try:
        operator.index(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_whole_or_several(value: Any) -> bool:
    if isinstance(value, (list, tuple, range)) or getattr(value, "ndim", 0) == 1:
        return all(map(_is_whole, value))
    return _is_whole(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, Tensor):
        return True
    if isinstance(value, (np.ndarray, np.generic)):
        return value.ndim == 0 and value.dtype.kind in "fiub"
    return isinstance(value, numbers.Real)


def _is_array(value: Any) -> bool:
    if is_complex(value) or callable(value):
        return True  # as_tensor says more of the former, and some operations take the latter
    try:
        as_tensor(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_structure(value: Any) -> bool:
    return all(map(_is_array, leaves_of(value)))


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) > 0


def _is_pair_of_axes(value: Any) -> bool:
    if not _is_sequence(value):
        return _is_whole(value)
    return len(value) > 0 and all(map(_is_whole_or_several, value))


_Kind = tuple[str, Callable[[Any], bool]]
_INT: _Kind = ("an int", _is_whole)
_INTS: _Kind = ("an int or several", _is_whole_or_several)
_ARRAY: _Kind = ("numbers, an array of numbers or a tensor", _is_array)

_BY_ANNOTATION: dict[str, _Kind] = {
    "int": _INT,
    "int | bool": ("an int, True or False", _is_whole),
    "float": ("a number", _is_number),
    "str": ("a string", lambda value: isinstance(value, str)),
    "bool": ("True or False", lambda value: isinstance(value, (bool, np.bool_, int))),
    "Sequence[Any]": ("a list or tuple", _is_sequence),
    "Sequence[int]": ("a sequence of ints", lambda v: _is_sequence(v) and _is_whole_or_several(v)),
    "tuple[int, int]": (
        "two ints",
        lambda v: _is_sequence(v) and len(v) == 2 and _is_whole_or_several(v),
    ),
    "Sequence[float]": (
        "two numbers",
        lambda value: _is_sequence(value) and len(value) == 2 and all(map(_is_number, value)),
    ),
    "Sequence[Callable[..., Any]]": (
        "a sequence of functions",
        lambda value: isinstance(value, (list, tuple)) and all(map(callable, value)),
    ),
}
# Of those that are annotated as anything.
_BY_NAME: dict[str, _Kind] = {
    **dict.fromkeys(
        """
        axis dilation dilation_rate indices_or_sections kernel_size newshape output_padding
        output_size padding pool_size repeats shape shift size stride strides source destination
        """.split(),
        _INTS,
    ),
    **dict.fromkeys(
        "noise_shape output_shape spatial_dims".split(),
        (
            "a sequence of ints (or None)",
            lambda v: _is_sequence(v) and all(n is None or _is_whole(n) for n in v),
        ),
    ),
    **dict.fromkeys(
        ("elements", "elems"),
        ("numbers, an array of numbers, a tensor or a structure of them", _is_structure),
    ),
    "start_indices": ("a sequence of ints", _is_sequence),
    "excluded": (
        "a set of positions and names",
        lambda value: isinstance(value, Iterable) and getattr(value, "ndim", 0) == 0,
    ),
    "axes": ("an int, or several of them", _is_pair_of_axes),
    **dict.fromkeys(("sparse", "ragged"), _BY_ANNOTATION["bool"]),
    **dict.fromkeys("length lower upper unroll".split(), _INT),
    "dtype": ("the name of a dtype, or a dtype", lambda v: isinstance(v, (str, type, np.dtype))),
    "ord": ("a number or a string", lambda v: isinstance(v, str) or _is_number(v)),
    **dict.fromkeys(
        """
        a abs_ angle array b bias bins condition coordinates data depthwise_kernel base
        default dx gamma image1 image2 images indices initial inputs kernel logits mask mean
        output output_length pad_width pointwise_kernel pred predictions q query segment_ids
        sequence_lengths sorted_sequence start step stop target target_length targets tensor
        transform updates value values variance volumes weights x x1 x2 x_max x_min y
        """.split(),
        _ARRAY,
    ),
}
# What may also be None, though it is annotated as anything.
_MAY_BE_NONE = frozenset(["axis"])


def wrong_argument(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> str | None:
    """What is wrong with the first argument of a wrong kind; None if there is none."""
    signature = inspect.signature(function)
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError:
        return None
    for name, value in given.items():
        parameter = signature.parameters[name]
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            wanted, optional = _kind(parameter)
            if wanted is not None and not (optional and value is None) and not wanted[1](value):
                or_none = " or None" if optional else ""
                return f"{name} must be {wanted[0]}{or_none}, but got {value!r:.80}."
    return None


def _kind(parameter: inspect.Parameter) -> tuple[_Kind | None, bool]:
    """What a parameter takes, and whether None as well."""
    annotation = str(parameter.annotation)
    optional = annotation.endswith(" | None") or parameter.default is None
    annotation = annotation.removesuffix(" | None")
    if annotation == "Any":
        return _BY_NAME.get(parameter.name), optional or parameter.name in _MAY_BE_NONE
    if annotation.startswith("Callable"):
        return ("a function", callable), optional
    return _BY_ANNOTATION.get(annotation), optional
