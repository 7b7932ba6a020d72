"""Orbax checkpoints: not here, and what is instead."""

from __future__ import annotations

from typing import Any

from kerasish.callbacks.callback import Callback


class OrbaxCheckpoint(Callback):
    """Refuses to be made: Orbax saves the arrays of one engine, in folders only it reads.

    Raises:
        NotImplementedError: always; it names what to use.
    """

    def __init__(self, directory: Any, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "OrbaxCheckpoint is not available: its folders belong to JAX. Use "
            f"ModelCheckpoint({str(directory) + '/{epoch}.keras'!r}) to keep models, or "
            f"BackupAndRestore({str(directory)!r}) to resume an interrupted training."
        )
