"""Operations that need sizes which are known only when the graph runs: they wait for them.

A public operation that cannot be built of what is known becomes one node, `put_off`, that holds
its arguments. When a Function is made for real sizes, the operation is called with them. What
comes out of it is found by trying it on a few sizes: those of the result that stay the same are
known. An operation that fits none of them has an error of another kind.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from kerasish.graph import dtypes, trace
from kerasish.graph.passes import resolve
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.shapes import Dim
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Constant, Placeholder, Tensor, size_tensors

# Public operations by name, as in "image.resize".
_operations: dict[str, Callable[..., Any]] = {}

# Sizes to try: some that much divides, small ones, and one for each operation that takes no other.
_TRIED = (24, 48, 97, 1, 2, 3, 8)
# Arrays of no more numbers are arguments like others (windows, kernels), larger ones are inputs.
_FEW = 1000


def may_wait(name: str, operation: Callable[..., Any]) -> None:
    """Lets an operation be put off. Not one that draws: its numbers belong to its call."""
    if "seed" not in inspect.signature(operation).parameters:
        _operations[name] = operation


def put_off(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The operation as a node that waits for sizes; None where no size is missing, or it can't."""
    tensors: list[Tensor] = []
    try:
        layout = (_packed(tuple(args), tensors), _packed(list(kwargs.values()), tensors))
    except TypeError:
        return None
    missing = any(None in t.shape for t in tensors) or size_tensors(layout)
    if name not in _operations or not missing:
        return None
    attrs = {"operation": name, "layout": layout, "names": tuple(kwargs)}
    try:
        found = put_off_p(*tensors, **attrs)
    except ValueError:
        return None
    several = _is_list(tuple(t.spec for t in tensors), tuple(attrs.items()))
    return list(found if isinstance(found, tuple) else [found]) if several else found


def _packed(value: Any, tensors: list[Tensor]) -> Any:
    """An argument as plain data, its tensors replaced by their places in the list."""
    if isinstance(value, Constant):
        value = value.value
    if isinstance(value, np.ndarray) and value.size <= _FEW:
        return ("array", value.dtype.name, value.shape, tuple(value.ravel().tolist()))
    if isinstance(value, (Tensor, np.ndarray)):
        tensors.append(as_tensor(value))
        return ("tensor", len(tensors) - 1)
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return (kind, *(_packed(item, tensors) for item in value))
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str, Dim)):
        return value
    raise TypeError(f"{value!r} is no plain data.")


def _unpacked(value: Any, tensors: Sequence[Tensor]) -> Any:
    if not isinstance(value, tuple):
        return value
    kind, *items = value
    if kind == "tensor":
        return tensors[items[0]]
    if kind == "array":
        dtype, shape, values = items
        return np.array(values, dtypes.numpy_dtype(dtype)).reshape(shape)
    return (list if kind == "list" else tuple)(_unpacked(item, tensors) for item in items)


def _call(tensors: Sequence[Tensor], operation: str, layout: Any, names: tuple[str, ...]) -> Any:
    args, values = (_unpacked(part, tensors) for part in layout)
    return _operations[operation](*args, **dict(zip(names, values, strict=True)))


def _several(result: Any) -> tuple[Any, ...]:
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


@lru_cache(maxsize=1024, typed=True)
def _is_list(specs: tuple[Spec, ...], attrs: tuple[tuple[str, Any], ...]) -> bool:
    return isinstance(next(_trials(specs, dict(attrs)))[1], list)


def _sizes_to_try(ranks: Sequence[int]) -> Iterator[tuple[set[int], list[tuple[int, ...]]]]:
    """Some sizes, and for each input those of its axes: all alike, and smaller ones at places."""
    for size in _TRIED:
        yield {size}, [(size,) * rank for rank in ranks]
    for size in _TRIED[:2] if ranks else ():
        half, third = size // 2, size // 3
        first, rest = (size,) * ranks[0], ranks[1:]
        for shapes in (
            [first, *((half,) * rank for rank in rest)],
            [first, *((third,) * (rank - 2) + (size,) * min(rank, 2) for rank in rest)],
            [tuple((size, half)[i % 2] for i in range(rank)) for rank in ranks],
        ):
            yield {n for shape in shapes for n in shape}, shapes


def _with_sizes(attrs: dict[str, Any], size: int) -> dict[str, Any]:
    return {key: resolve(value, lambda tensor, axis: size) for key, value in attrs.items()}


def _trials(specs: Sequence[Spec], attrs: dict[str, Any]) -> Iterator[tuple[set[int], Any]]:
    """What the operation returns with sizes in the place of unknown ones, where they fit."""
    for used, tried in _sizes_to_try([spec.rank for spec in specs]):
        known = _with_sizes(attrs, max(used, default=1))
        inputs = [
            Placeholder(
                tuple(t if n is None else n for t, n in zip(sizes, s.shape, strict=True)), s.dtype
            )
            for sizes, s in zip(tried, specs, strict=True)
        ]
        with trace.Trace(trace.current_phase()):
            try:
                result = _call(inputs, **known)
            except (ValueError, TypeError, IndexError):
                continue
        if all(isinstance(t, Tensor) for t in _several(result)):
            yield used, result


@lru_cache(maxsize=1024, typed=True)
def _inferred(specs: tuple[Spec, ...], attrs: tuple[tuple[str, Any], ...]) -> tuple[Spec, ...]:
    found = [(sizes, [t.spec for t in _several(y)]) for sizes, y in _trials(specs, dict(attrs))]
    if not found:
        raise ValueError("it fits no sizes in the place of the unknown ones.")
    results = list(zip(*(some for _, some in found), strict=True))
    if len({len(some) for _, some in found}) > 1 or any(
        len({(t.rank, t.dtype) for t in same}) > 1 for same in results
    ):
        raise ValueError("the number of results, or of their axes, depends on unknown sizes.")
    tried = [sizes for sizes, _ in found]
    return tuple(_merged(same, tried) for same in results)


def _merged(specs: Sequence[Spec], tried: Sequence[set[int]]) -> Spec:
    """The sizes that are the same whatever was tried."""
    axes = list(zip(*(spec.shape for spec in specs), strict=True))
    same = (ns[0] if len(set(ns)) == 1 else None for ns in axes)
    # One size alone may have fitted; or 1 may be what is left of one size taken from another.
    doubtful = set.union(*tried) if len(tried) == 1 else {1} if max(map(len, tried)) == 1 else set()
    return Spec(tuple(None if n in doubtful else n for n in same), specs[0].dtype)


def _rule(*specs: Spec, **attrs: Any) -> tuple[Spec, ...]:
    with trace.autocast(None):
        return _inferred(specs, tuple(attrs.items()))


def _put_off(*tensors: Tensor, operation: str, layout: Any, names: tuple[str, ...]) -> Any:
    """A public operation that needs sizes which are not known yet."""
    result = _call(tensors, operation, layout, names)
    return tuple(result) if isinstance(result, list) else result


_put_off.__name__ = "put_off"
put_off_p = composite(_put_off, _rule)
