"""What is said where an engine compiles for long."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 2.0  # seconds after which a compilation is announced


def announce(engine: str, doing: str) -> None:
    """One line on stderr."""
    print(f"{engine} is {doing} ...", file=sys.stderr, flush=True)


@contextmanager
def announced(engine: str, doing: str) -> Iterator[None]:
    """Says what the engine is doing if that takes long; nothing if it is quick."""
    timer = threading.Timer(PATIENCE, announce, (engine, doing))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
