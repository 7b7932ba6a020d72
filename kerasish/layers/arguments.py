"""The arguments of a layer's call: which is which, and what among them are tensors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.graph import dtypes, trace
from kerasish.graph.primitive import as_tensor
from kerasish.graph.tensor import Tensor

BY_NAME = ("training", "mask")
NAMED_KINDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@functools.lru_cache(1 << 9)
def signature_of(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def default_training(signature: inspect.Signature, inputs: Sequence[Tensor]) -> bool | None:
    """What `call` says of `training` by default, on arrays: there nobody decides it later."""
    parameter = signature.parameters.get("training")
    later = trace.current_trace() is not None or any(x.is_symbolic for x in inputs)
    default = None if parameter is None or later else parameter.default
    return default if isinstance(default, bool) else None


def in_order(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call, the first by position, those from `training` or `mask` on by name.

    Where the first is a list of numbers it becomes a tensor.
    """
    names = [name for name, p in signature.parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    names = names[1:]
    if not args and names and names[0] not in BY_NAME:
        known = names[0] in kwargs or "inputs" in names or takes_any(signature)
        first = names[0] if known else "inputs"  # as every layer of Keras 2 calls it
        if first in kwargs:
            args = (kwargs[first],)
            kwargs = {name: value for name, value in kwargs.items() if name != first}
    if args and isinstance(args[0], list) and _holds_numbers(args[0]):
        args = (as_tensor(args[0]), *args[1:])
    at = next((i for i, name in enumerate(names[: len(args)]) if i and name in BY_NAME), None)
    if at is None:
        return args, kwargs
    return args[:at], dict(zip(names[at:], args[at:], strict=False)) | kwargs


def _holds_numbers(structure: list[Any]) -> bool:
    """Whether there are Python's numbers in it, and nothing else."""
    leaves = tree.flatten(structure)
    return bool(leaves) and all(isinstance(x, (int, float, np.number)) for x in leaves)


def takes_any(signature: inspect.Signature) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())


def as_tensors(structure: Any) -> Any:
    """Arrays in arguments, of whichever library, as tensors; everything else as it is."""
    return tree.map_structure(lambda x: as_tensor(x) if _is_array(x) else x, structure)


def _is_array(x: Any) -> bool:
    if isinstance(x, (Tensor, np.generic)) or not hasattr(x, "__array__"):
        return isinstance(x, np.ndarray)
    return np.asarray(x).dtype.name in dtypes.ALL  # strings stay what they are


def has_tensor(structure: Any) -> bool:
    return any(isinstance(x, Tensor) for x in tree.flatten(structure))


def shapes_in(structure: Any) -> Any:
    return tree.map_structure(lambda x: x.shape if isinstance(x, Tensor) else None, structure)
