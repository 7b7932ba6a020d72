"""The directory that holds `keras.json`, `datasets/` and `engines/`."""

from __future__ import annotations

import os
from pathlib import Path


def keras_home() -> Path:
    """`$KERAS_HOME` if it is set, else `~/.keras`. The directory need not exist.

    Example:
        >>> keras_home().name != ""
        True
    """
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
