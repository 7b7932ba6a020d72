"""The defaults of Keras 1 and 2 where Keras 3 has others, for programs that rely on them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from importlib import import_module
from typing import Any

from kerasish import ops, tree

# Class -> the defaults that it had.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "optimizers.Adadelta": {"learning_rate": 1.0},
    "optimizers.Adagrad": {"learning_rate": 0.01, "initial_accumulator_value": 0.0},
    "optimizers.Adamax": {"learning_rate": 0.002},
    "optimizers.Nadam": {"learning_rate": 0.002},
    "layers.GRU": {"reset_after": False},
    "layers.GRUCell": {"reset_after": False},
}


def _mask_of_all(self: Any, inputs: Any, mask: Any = None) -> Any:
    """True where all masks are that there are."""
    masks = [m for m in tree.flatten(mask) if m is not None]
    return reduce(ops.logical_and, masks) if masks else None


@contextmanager
def of_keras_2() -> Iterator[None]:
    """Within, classes have the defaults of Keras 2, and what merges tensors joins masks as there.

    >>> from kerasish.optimizers import Adadelta
    >>> with of_keras_2():
    ...     float(Adadelta().learning_rate)
    1.0
    """
    before = []
    for path, values in _DEFAULTS.items():
        module, _, name = path.partition(".")
        init = inspect.unwrap(getattr(import_module(f"kerasish.{module}"), name).__init__)
        before.append((init, init.__defaults__, init.__kwdefaults__))
        optional = [
            p for p in inspect.signature(init).parameters.values() if p.default is not p.empty
        ]
        defaults = {p.name: values.get(p.name, p.default) for p in optional}
        named = {p.name: defaults[p.name] for p in optional if p.kind is p.KEYWORD_ONLY}
        init.__defaults__ = tuple(v for name, v in defaults.items() if name not in named)
        init.__kwdefaults__ = named or None
    from kerasish.layers import merging

    merged, merging._Merge.compute_mask = merging._Merge.compute_mask, _mask_of_all  # type: ignore[method-assign]
    try:
        yield
    finally:
        merging._Merge.compute_mask = merged  # type: ignore[method-assign]
        for init, plain_defaults, named_defaults in before:
            init.__defaults__, init.__kwdefaults__ = plain_defaults, named_defaults
