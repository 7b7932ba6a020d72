"""Where programs bring code of an engine's library along: its functions, its saved models.

Nothing here imports an engine before it is needed.
"""

from __future__ import annotations

import sys
from typing import Any

from kerasish import tree
from kerasish.engines import kerases, registry
from kerasish.graph.variable import Variable

# What a layer may run -> the engine that can.
ENGINE_OF = {
    "a SavedModel": "tensorflow",
    "a module of PyTorch": "torch",
    "a function of JAX": "jax",
    "a module of Flax": "jax",
}


def engine_of(kind: str) -> Any:
    """The engine that can run a kind of foreign code, whichever engine is chosen.

    Args:
        kind: one of `ENGINE_OF`.

    Raises:
        registry.EngineNotInstalledError: it is not there; the message says how to get it.
    """
    return registry.load(ENGINE_OF[kind])


def needs(kind: str) -> str:
    """The engine that a kind of foreign code needs, and why it cannot be had yet.

    >>> needs("a function of JAX")
    'JAX engine, which runs no foreign code yet.'
    """
    return f"{registry.info(ENGINE_OF[kind]).display} engine, which runs no foreign code yet."


def tensorflow_tensor(tensor: Any, dtype: Any, name: str | None) -> Any:
    """A tensor of ours as one of TensorFlow's, for TensorFlow's own functions.

    Raises:
        TypeError: it has no value yet. TensorFlow then asks us what to do instead of calling its
            function, which is a `native_call`.
    """
    from kerasish.engines.tensorflow import native

    return native.converted(tensor, dtype, name)


def with_our_variables(value: Any) -> Any:
    """A variable of a library's as one of ours, of its value now; so those in lists and dicts.

    For attributes of layers: there they are weights. Everything else comes back as it is.
    """
    theirs = getattr(sys.modules.get(kerases.LIBRARY), "Variable", None)
    if theirs is None or not isinstance(value, (theirs, list, tuple, dict)):
        return value
    if not any(isinstance(x, theirs) for x in tree.flatten(value)):
        return value

    def ours(x: Any) -> Any:
        if not isinstance(x, theirs):
            return x
        return Variable(x.numpy(), trainable=x.trainable, name=x.name.partition(":")[0])

    return tree.map_structure(ours, value)
