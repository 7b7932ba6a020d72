"""`import keras` means kerasish: for programs that are to run unchanged (`kerasish run`)."""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import kerasish
from kerasish.compat import generation, older_defaults, older_numpy, tensors
from kerasish.engines import kerases


def run_script(path: str, args: Sequence[str] = (), keras: int = 3) -> None:
    """Runs a Python program in which Keras is kerasish, as `python path args...` would.

    Args:
        path: of the program.
        args: what it finds in `sys.argv[1:]`.
        keras: the generation whose defaults hold, 1, 2 or 3. Its last version is what the program
            finds as Keras's.
    """
    from kerasish.saving.generations import NEW_VERSION

    version = {1: "1.2.2", 2: "2.3.1"}.get(keras, NEW_VERSION)
    defaults = older_defaults.of_keras_2() if keras < 3 else nullcontext()
    argv, sys.argv = sys.argv, [path, *args]
    # As Python does for a script, so that it finds the modules beside it.
    beside = str(Path(path).resolve().parent)
    sys.path.insert(0, beside)
    try:
        with (
            keras_is_kerasish(),
            older_numpy.older_names(),
            defaults,
            generation.of(keras),
            _of_version(version),
        ):
            runpy.run_path(path, run_name="__main__")
    finally:
        sys.argv = argv
        if beside in sys.path:
            sys.path.remove(beside)


@contextmanager
def _of_version(version: str) -> Iterator[None]:
    """Within, `keras.__version__` is this."""
    before, kerasish.__version__ = kerasish.__version__, version
    try:
        yield
    finally:
        kerasish.__version__ = before


@contextmanager
def keras_is_kerasish() -> Iterator[None]:
    """Within, `import keras` and `import keras.x` give kerasish's modules, the very same objects.

    So does Keras under its other names, such as the one inside of TensorFlow, which need not be
    installed for that.

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
        with tensors.of_keras_2(), _inside_of_library():
            yield
    finally:
        sys.meta_path.remove(finder)
        for name in _keras_modules():
            del sys.modules[name]
        sys.modules.update(before)


@contextmanager
def _inside_of_library() -> Iterator[None]:
    """The attribute `keras` of the library that has one, as if it had been kerasish all along."""
    library = sys.modules.get(kerases.LIBRARY)
    before = vars(library).get("keras") if library else None
    if library is not None:
        library.keras = kerasish  # type: ignore[attr-defined]
    try:
        yield
    finally:
        found = sys.modules.get(kerases.LIBRARY)
        if found is not None and found.__spec__ is not None and found.__spec__.origin is None:
            del sys.modules[kerases.LIBRARY]  # it stood in for what is not there
        elif found is not None and library is not None:
            found.keras = before  # type: ignore[attr-defined]


def _keras_modules() -> dict[str, ModuleType]:
    return {n: m for n, m in sys.modules.items() if kerases.path_in_keras(n) is not None}


class _Finder(MetaPathFinder, Loader):
    """Finds `keras.a.b` where `kerasish.a.b` is."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname == kerases.LIBRARY:
            return kerases.library_spec(kerasish)
        inner = kerases.path_in_keras(fullname)
        if inner is None:
            return None
        real = kerasish.__name__ + inner
        try:
            importlib.import_module(real)
        except ModuleNotFoundError as error:
            if error.name is None or not real.startswith(error.name):
                raise  # the module is there, but something that it needs is not
            raise ModuleNotFoundError(
                f"kerasish has no module {fullname!r} (looked for {real}). Its README says what it "
                'has, and what is planned: "What works".',
                name=fullname,
            ) from None
        return ModuleSpec(fullname, self, origin=real)

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        # What lies in sys.modules now is what the import statement gives.
        spec = module.__spec__
        assert spec is not None
        assert spec.origin is not None
        sys.modules[module.__name__] = sys.modules[spec.origin]
