"""How XLA compiles for the processor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from kerasish.engines.tensorflow.library import tf

# Loops are of small operations, which one thread does in order sooner than several that have to
# wait for each other.
_FLAGS = "--xla_cpu_enable_concurrency_optimized_scheduler=false --xla_cpu_prefer_vector_width=512"

# XLA ends the process at a flag that it does not know. With these versions they were tried.
_TRIED = ("2.20.", "2.21.")


@contextmanager
def compiling() -> Iterator[None]:
    """Compiles what is compiled within as is quickest on a processor.

    XLA reads its flags once, at the first compilation. Flags that the user has set stay, and
    afterwards there are none: other libraries and processes would read them.
    """
    if "XLA_FLAGS" in os.environ or not tf.__version__.startswith(_TRIED):
        yield
        return
    os.environ["XLA_FLAGS"] = _FLAGS
    try:
        yield
    finally:
        os.environ.pop("XLA_FLAGS", None)
