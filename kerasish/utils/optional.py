"""Packages that only some functions need, and that are imported when they do."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def needed(
    module: str, user: str, package: str, install: str | None = None, instead: str = ""
) -> Any:
    """A module of another package, which may be missing.

    Args:
        module: its full name: "PIL.Image".
        user: what needs it, for the message: "load_img".
        package: what the package is called where it is installed from: "pillow".
        install: what to install for it, `package` if None.
        instead: a sentence about what can be done without it.

    Raises:
        ImportError: it is not installed.

    >>> needed("math", "area", "python").sqrt(4.0)
    2.0
    >>> needed("circles.area", "area", "circles")
    Traceback (most recent call last):
        ...
    ImportError: area needs the package circles: pip install circles.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and not module.startswith(error.name):
            raise  # the package is there, but something that it needs is not
        hint = f" {instead}" if instead else ""
        raise ImportError(
            f"{user} needs the package {package}: pip install {install or package}.{hint}"
        ) from error
