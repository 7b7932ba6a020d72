"""The settings of `keras.json` and the chosen backend.

`keras.json` lies in `$KERAS_HOME`, else in `~/.keras`. It is made with Keras's defaults if it is
missing, read when a setting is first needed, and never written again. The environment variable
`KERAS_BACKEND` goes before the backend it names.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasish.engines import registry
from kerasish.home import keras_home

if TYPE_CHECKING:
    from kerasish.dtype_policies import DTypePolicy

FLOATS = ("float16", "bfloat16", "float32", "float64")
IMAGE_DATA_FORMATS = ("channels_last", "channels_first")
DEFAULTS: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-07,
    "backend": registry.DEFAULT,
    "image_data_format": "channels_last",
}


class ConfigError(ValueError):
    """`keras.json` cannot be used; the message names the file, the place and the remedy."""


@dataclass
class _State:
    """The settings of this process. `backend` stays None until it is chosen."""

    path: Path
    floatx: str
    epsilon: float
    image_data_format: str
    wanted: str
    backend: str | None = None
    dtype_policy: DTypePolicy | None = None
    max_epochs: int | None = None
    max_steps_per_epoch: int | None = None
    interactive_logging: bool = True
    traceback_filtering: bool = True
    safe_mode: bool = True
    flash_attention: bool | None = None


_state: _State | None = None


# ---------------------------------------------------------------- valid values


def _one_of(key: str, allowed: tuple[str, ...]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"{key} must be one of {', '.join(allowed)}; got {value!r}")
        return str(value)

    return check


def _check_epsilon(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, str | bool) or not 0 < number < math.inf:
        raise ValueError(f"epsilon must be a number above 0; got {value!r}")
    return number


def _check_backend(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"backend must be the name of an engine; got {value!r}")
    return registry.info(value).name


def _limit(key: str, value: Any) -> int | None:
    """A number of at least 1, or None for no limit."""
    if value in (None, ""):
        return None
    if isinstance(value, (bool, float)) or not str(value).isdigit() or int(value) < 1:
        raise ValueError(f"{key} must be a whole number above 0, or None; got {value!r}")
    return int(value)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "floatx": _one_of("floatx", FLOATS),
    "epsilon": _check_epsilon,
    "backend": _check_backend,
    "image_data_format": _one_of("image_data_format", IMAGE_DATA_FORMATS),
}


# ---------------------------------------------------------------- keras.json


def _create(path: Path) -> None:
    """Write the defaults to `path` unless it exists. Failing is worth a warning, not an end."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(json.dumps(DEFAULTS, indent=4) + "\n")
            os.chmod(temporary, 0o644)
            with suppress(FileExistsError):  # another process was faster
                os.link(temporary, path)  # unlike a rename, it never replaces a file
        finally:
            os.unlink(temporary)
    except OSError as error:
        warnings.warn(f"could not create {path} ({error}); its defaults are used", stacklevel=2)


def _read(path: Path) -> dict[str, Any]:
    """The four settings in the file `path`, checked; defaults where the file leaves one out."""
    remedy = "Correct it, or delete the file to get a new one with the defaults."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ConfigError(f"{path}, {place}: not valid JSON: {error.msg}. {remedy}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}. {remedy}") from error
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise ConfigError(f"{path}, line 1: expected a JSON object {{...}}, got {kind}. {remedy}")
    _warn_of_misspelt(content, path)
    settings = {}
    for key, default in DEFAULTS.items():
        try:
            settings[key] = _CHECKS[key](content.get(key, default))
        except ValueError as error:
            raise ConfigError(f"{path}: {error}. {remedy}") from None
    return settings


def _warn_of_misspelt(content: dict[str, Any], path: Path) -> None:
    """Other Kerases may have further settings, so that unknown ones are no error."""
    from difflib import get_close_matches  # slow to import, seldom needed

    for key in sorted(content.keys() - DEFAULTS.keys()):
        close = get_close_matches(key, DEFAULTS, n=1)
        if close:
            message = f"{path}: {key!r} is no setting, and ignored. Did you mean {close[0]!r}?"
            warnings.warn(message, stacklevel=2)


def _settings() -> _State:
    global _state
    if _state is None:
        path = keras_home() / "keras.json"
        if not os.path.exists(path):  # unlike Path.exists, False for a home that is closed to us
            _create(path)
        settings = _read(path) if os.path.exists(path) else dict(DEFAULTS)
        _state = _State(path, wanted=settings.pop("backend"), **settings)
        _state.max_epochs = _limit("KERAS_MAX_EPOCHS", os.environ.get("KERAS_MAX_EPOCHS"))
        _state.max_steps_per_epoch = _limit(
            "KERAS_MAX_STEPS_PER_EPOCH", os.environ.get("KERAS_MAX_STEPS_PER_EPOCH")
        )
    return _state


# ---------------------------------------------------------------- the settings


def floatx() -> str:
    """The dtype of new variables and of numbers without one: "float32" if nothing else is set.

    Example:
        >>> floatx()
        'float32'
    """
    return _settings().floatx


def set_floatx(value: str) -> None:
    """Set `floatx()`: "float16", "bfloat16", "float32" or "float64"; anything else: `ValueError`.

    Example:
        >>> set_floatx("float32")
    """
    _settings().floatx = _CHECKS["floatx"](value)


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite: 1e-07 if nothing else is set.

    Example:
        >>> epsilon()
        1e-07
    """
    return _settings().epsilon


def set_epsilon(value: float) -> None:
    """Set `epsilon()` to a number above 0; anything else: `ValueError`.

    Example:
        >>> set_epsilon(1e-7)
    """
    _settings().epsilon = _CHECKS["epsilon"](value)


def image_data_format() -> str:
    """Where images have their channels: "channels_last" if nothing else is set.

    Example:
        >>> image_data_format()
        'channels_last'
    """
    return _settings().image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set `image_data_format()`: "channels_last" or "channels_first"; else `ValueError`.

    Example:
        >>> set_image_data_format("channels_last")
    """
    _settings().image_data_format = _CHECKS["image_data_format"](data_format)


def dtype_policy() -> DTypePolicy:
    """The dtype policy of layers that are not given one: `floatx()` if nothing else is set.

    Example:
        >>> dtype_policy()
        <DTypePolicy "float32">
    """
    from kerasish.dtype_policies import DTypePolicy

    policy = _settings().dtype_policy
    return DTypePolicy(floatx()) if policy is None else policy


def set_dtype_policy(policy: Any) -> None:
    """Set `dtype_policy()`, for layers made from now on.

    Args:
        policy: a `DTypePolicy`, its name or config. With None it is `floatx()` again.

    Example:
        >>> set_dtype_policy(None)
    """
    from kerasish import dtype_policies

    _settings().dtype_policy = None if policy is None else dtype_policies.get(policy)


# ---------------------------------------------------------------- the backend


def backend() -> str:
    """The name of the chosen engine, such as "tensorflow". Imports no engine.

    The first of: `set_backend`, `$KERAS_BACKEND`, `keras.json`. If the engine in `keras.json` is
    not installed, NumPy takes its place and a line on stderr says so.

    Raises `UnknownEngineError`, `EngineNotInstalledError` (of `kerasish.engines.registry`) for
    `$KERAS_BACKEND`, `ConfigError` for `keras.json`.

    Example:
        >>> backend() in registry.names()
        True
    """
    state = _settings()
    if state.backend is None:
        state.backend = _choose(state)
    return state.backend


def _choose(state: _State) -> str:
    asked = os.environ.get("KERAS_BACKEND")
    if asked:
        try:
            registry.require(asked)
        except (registry.UnknownEngineError, registry.EngineNotInstalledError) as error:
            raise type(error)(f"KERAS_BACKEND={asked}: {error}") from None
        return asked
    there, problem = registry.installed(state.wanted)
    if there:
        return state.wanted
    embedded = registry.info(registry.EMBEDDED).display
    print(f"{state.path}: {problem} (until then {embedded} is used)", file=sys.stderr)
    return registry.EMBEDDED


def announce() -> None:
    """Say on stderr which backend is used.

    A backend that is not installed is only reported here, and is an error when it is first used:
    `import kerasish` has to work for the very command that installs it.

    Example:
        >>> announce()
    """
    try:
        display = registry.info(backend()).display
    except registry.EngineNotInstalledError as error:
        print(error, file=sys.stderr)
    else:
        print(f"Using {display} backend.", file=sys.stderr)


def set_backend(name: str) -> None:
    """Use the engine `name` from now on. Live models go on working on it.

    Raises `UnknownEngineError` or `EngineNotInstalledError` (of `kerasish.engines.registry`); the
    backend is then unchanged.

    Example:
        >>> set_backend(backend())
    """
    registry.require(name)
    _settings().backend = name


@contextmanager
def backend_scope(name: str) -> Iterator[None]:
    """Use the engine `name` inside a `with` block, and the one of before after it.

    Example:
        >>> with backend_scope(backend()):
        ...     pass
    """
    before = _settings().backend
    set_backend(name)
    try:
        yield
    finally:
        _settings().backend = before


# ---------------------------------------------------------------- training


def max_epochs() -> int | None:
    """The most epochs of any `fit`: `$KERAS_MAX_EPOCHS` or None if nothing else is set.

    Example:
        >>> print(max_epochs())
        None
    """
    return _settings().max_epochs


def set_max_epochs(max_epochs: int | None) -> None:
    """Set `max_epochs()`, so that whole programs can be tried quickly; None is no limit.

    Raises `ValueError` for anything but a number above 0 or None.

    Example:
        >>> set_max_epochs(None)
    """
    _settings().max_epochs = _limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The most steps of an epoch of `fit`, of `evaluate` and of `predict`.

    `$KERAS_MAX_STEPS_PER_EPOCH` or None if nothing else is set.

    Example:
        >>> print(max_steps_per_epoch())
        None
    """
    return _settings().max_steps_per_epoch


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Set `max_steps_per_epoch()`; None is no limit.

    Raises `ValueError` for anything but a number above 0 or None.

    Example:
        >>> set_max_steps_per_epoch(None)
    """
    _settings().max_steps_per_epoch = _limit("max_steps_per_epoch", max_steps_per_epoch)


def enable_interactive_logging() -> None:
    """Let `verbose="auto"` show a progress bar, which is the default.

    Example:
        >>> enable_interactive_logging()
    """
    _settings().interactive_logging = True


def disable_interactive_logging() -> None:
    """Let `verbose="auto"` print a line per epoch, and progress bars no live line: for log files.

    Example:
        >>> disable_interactive_logging()
        >>> enable_interactive_logging()
    """
    _settings().interactive_logging = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress bars move.

    Example:
        >>> is_interactive_logging_enabled()
        True
    """
    return _settings().interactive_logging


def enable_traceback_filtering() -> None:
    """Leave the lines of this package out of the tracebacks of errors, which is the default.

    Example:
        >>> enable_traceback_filtering()
    """
    _settings().traceback_filtering = True


def disable_traceback_filtering() -> None:
    """Keep the lines of this package in the tracebacks of errors.

    Example:
        >>> disable_traceback_filtering()
        >>> enable_traceback_filtering()
    """
    _settings().traceback_filtering = False


def is_traceback_filtering_enabled() -> bool:
    """Whether tracebacks are without the lines of this package.

    Example:
        >>> is_traceback_filtering_enabled()
        True
    """
    return _settings().traceback_filtering


def enable_unsafe_deserialization() -> None:
    """From now on, loading runs byte code of functions that a file or config has.

    That is `safe_mode=False` wherever it is not given. Only for programs all of whose files come
    from people whom you trust with your computer.

    Example:
        >>> enable_unsafe_deserialization()  # doctest: +SKIP
    """
    _settings().safe_mode = False


def safe_mode() -> bool:
    """Whether byte code in files and configs is refused where nothing else is said.

    Example:
        >>> safe_mode()
        True
    """
    return _settings().safe_mode


# ---------------------------------------------------------------- engines


def enable_flash_attention() -> None:
    """Let attention use a fused kernel where an engine has one, which none has so far.

    Example:
        >>> enable_flash_attention()
        >>> is_flash_attention_enabled()
        True
    """
    _settings().flash_attention = True


def disable_flash_attention() -> None:
    """Let attention use no fused kernel.

    Example:
        >>> disable_flash_attention()
        >>> is_flash_attention_enabled()
        False
    """
    _settings().flash_attention = False


def is_flash_attention_enabled() -> bool | None:
    """Whether attention may use a fused kernel; None, which is the default, leaves it to engines.

    Example:
        >>> is_flash_attention_enabled() in (None, True, False)
        True
    """
    return _settings().flash_attention


def is_nnx_enabled() -> bool:
    """Whether variables are those of Flax's NNX: never.

    Example:
        >>> is_nnx_enabled()
        False
    """
    return False


def version() -> str:
    """`kerasish.__version__`: in programs of `kerasish run`, that of the Keras they are for.

    Example:
        >>> version().split(".")[0].isdigit()
        True
    """
    import kerasish

    return kerasish.__version__
