"""Patterns for the paths of layers and variables."""

from __future__ import annotations

import re
from collections.abc import Iterable


def fitting(path: str, patterns: Iterable[str], owner: str) -> str | None:
    """The pattern that is the path, else the regular expression that fits all of it; or None.

    Args:
        path: of a layer or variable, such as "encoder/dense".
        patterns: paths and regular expressions.
        owner: whose patterns they are, for the message.

    Raises:
        ValueError: several regular expressions fit.

    >>> fitting("encoder/dense", ["encoder/.*", "decoder/.*"], "OptimizerMap")
    'encoder/.*'
    """
    patterns = list(patterns)
    if path in patterns:
        return path
    found = [pattern for pattern in patterns if re.fullmatch(pattern, path)]
    if len(found) > 1:
        raise ValueError(
            f"{owner}: the path {path!r} fits several patterns: {found}. It may fit one only."
        )
    return found[0] if found else None
