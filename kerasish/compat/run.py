"""`import keras` means kerasish: for programs that are to run unchanged (`kerasish run`)."""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from kerasish.compat import tensors


def run_script(path: str, args: Sequence[str] = ()) -> None:
    """Runs a Python program in which `keras` is kerasish, as `python path args...` would.

    Args:
        path: of the program.
        args: what it finds in `sys.argv[1:]`.
    """
    argv, sys.argv = sys.argv, [path, *args]
    # As Python does for a script, so that it finds the modules beside it.
    beside = str(Path(path).resolve().parent)
    sys.path.insert(0, beside)
    try:
        with keras_is_kerasish():
            runpy.run_path(path, run_name="__main__")
    finally:
        sys.argv = argv
        if beside in sys.path:
            sys.path.remove(beside)


@contextmanager
def keras_is_kerasish() -> Iterator[None]:
    """Within, `import keras` and `import keras.x` give kerasish's modules, the very same objects.

    Example:
        >>> with keras_is_kerasish():
        ...     import keras
        ...     from keras.utils import to_categorical
        >>> keras.__name__
        'kerasish'
    """
    before = _keras_modules()
    for name in before:
        del sys.modules[name]
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        with tensors.of_keras_2():
            yield
    finally:
        sys.meta_path.remove(finder)
        for name in _keras_modules():
            del sys.modules[name]
        sys.modules.update(before)


def _keras_modules() -> dict[str, ModuleType]:
    return {n: m for n, m in sys.modules.items() if n == "keras" or n.startswith("keras.")}


class _Finder(MetaPathFinder, Loader):
    """Finds `keras.a.b` where `kerasish.a.b` is."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != "keras" and not fullname.startswith("keras."):
            return None
        real = _real_name(fullname)
        try:
            importlib.import_module(real)
        except ModuleNotFoundError as error:
            if error.name is None or not real.startswith(error.name):
                raise  # the module is there, but something that it needs is not
            raise ModuleNotFoundError(
                f"kerasish has no module {fullname!r} (looked for {real}).", name=fullname
            ) from None
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        # What lies in sys.modules now is what the import statement gives.
        sys.modules[module.__name__] = sys.modules[_real_name(module.__name__)]


def _real_name(fullname: str) -> str:
    return "kerasish" + fullname.removeprefix("keras")
