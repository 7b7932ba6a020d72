"""Engines run programs. None is imported before a program first needs it.

The table of engines is in `registry`; which one is chosen, in `kerasish.config`.
"""

from __future__ import annotations

from typing import Any

from kerasish.engines import registry


def current_engine() -> Any:
    """The engine that `kerasish.config.backend()` names; imported on the first call.

    Raises `registry.EngineNotInstalledError` or `registry.UnknownEngineError`.

    Example:
        >>> current_engine() is current_engine()  # doctest: +SKIP
        True
    """
    # Here, not above: config reads the registry, and so imports this package.
    from kerasish import config

    return registry.load(config.backend())


def reference() -> Any:
    """The NumPy engine, whichever engine is chosen: the definition of every operation.

    Example:
        >>> reference().name
        'numpy'
    """
    return registry.load(registry.EMBEDDED)
