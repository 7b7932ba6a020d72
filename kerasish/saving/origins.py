"""On which engine a model of Keras 1 or 2 was made: on Theano, "same" padding meant another thing.

There are as many zeros around the inputs as elsewhere, but they are shared out otherwise: a
convolution has `window // 2` of them in front, whatever the size and the strides.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

THEANO = "theano"
_ENGINES = (THEANO, "tensorflow")
_CONVOLUTIONS: tuple[str, ...] = ("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D")
_CONVOLUTIONS += ("SeparableConv1D", "SeparableConv2D", "ConvLSTM2D", "ConvLSTM2DCell")
_CONVOLUTIONS += ("Conv2DTranspose", "Conv3DTranspose")
_POOLINGS = tuple(f"{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3))
_PADDED = (*_CONVOLUTIONS, *_POOLINGS)
# Entries of layers, under all names that they have had.
_PADDING = ("padding", "border_mode")
_WINDOW = ("kernel_size", "filter_length", "pool_size", "pool_length")
_STRIDES = ("strides", "subsample", "subsample_length", "stride")
_DILATION = ("dilation_rate", "atrous_rate")


HOW_TO_SAY = (
    "Say so: load the model, or make it and load its weights, within "
    "`with keras.saving.made_on('theano'):`; made_on('tensorflow') silences this."
)


class _Said(threading.local):
    engine: str | None = None


_said = _Said()


@contextmanager
def made_on(engine: str) -> Iterator[None]:
    """Says on which engine models were made whose files don't say it: those of Keras 1.

    Within the block, what is loaded of Keras 1 is taken to be of that engine: the kernels of its
    convolutions, and what "same" padding means.

    Args:
        engine: "theano" or "tensorflow".

    Raises:
        ValueError: any other engine.

    Example:
        >>> from kerasish import models
        >>> with made_on("theano"):  # doctest: +SKIP
        ...     model = models.load_model("of_2016.h5")
    """
    if engine not in _ENGINES:
        raise ValueError(f"made_on: expected one of {_ENGINES}, but got {engine!r}.")
    before, _said.engine = _said.engine, engine
    try:
        yield
    finally:
        _said.engine = before


def engine_of(version: str | None, backend: Any) -> Any:
    """The engine that a file or config names; for Keras 1 the one that `made_on` was told of.

    Args:
        version: of the Keras that wrote it, if known.
        backend: what it names, None if nothing.
    """
    silent = backend is None and (version is None or version.startswith("1"))
    return _said.engine if silent else backend


# --- padding -----------------------------------------------------------------------------


def with_padding(config: Any) -> Any:
    """A config made on Theano with "same" padding spelled out where that is another one there.

    Args:
        config: plain data, with the layers under the names of Keras 2.

    Raises:
        ValueError: a layer pads as none does elsewhere.
    """
    if isinstance(config, list):
        return [with_padding(item) for item in config]
    if not isinstance(config, Mapping):
        return config
    found = {key: with_padding(value) for key, value in config.items()}
    name, inner = found.get("class_name"), found.get("config")
    if name in _PADDED and isinstance(inner, dict):
        pads = _pads(str(name), inner)
        if pads is not None:
            inner.update({key: pads for key in _PADDING if key in inner})
    return found


def warn_of_padding(config: Any) -> None:
    """Warns of layers that pad otherwise if the model was made on Theano, which nobody said."""
    names = list(_unlike(config))
    if names:
        warnings.warn(
            f"The model is of Keras 1, which does not say on which engine it was made. TensorFlow "
            f"is assumed. If it was Theano, padding='same' meant something else ({names[0]!r} "
            f"...). {HOW_TO_SAY}",
            stacklevel=6,
        )


def _unlike(config: Any) -> Iterator[Any]:
    """The names of the layers that `with_padding` would change or refuse."""
    for value in config.values() if isinstance(config, Mapping) else config:
        if isinstance(value, (list, Mapping)):
            yield from _unlike(value)
    if not isinstance(config, Mapping) or config.get("class_name") not in _PADDED:
        return
    inner = config.get("config")
    try:
        differs = isinstance(inner, Mapping) and _pads(config["class_name"], inner) is not None
    except ValueError:
        differs = True
    if differs:
        yield inner.get("name")  # type: ignore[union-attr]


def _entry(config: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((config[name] for name in names if config.get(name) is not None), None)


def _pads(name: str, config: Mapping[str, Any]) -> list[list[int]] | None:
    """Zeros before and after, for each spatial axis; None if they are where they always are."""
    window, strides, dilation = (_entry(config, key) for key in (_WINDOW, _STRIDES, _DILATION))
    strides = strides or (window if name in _POOLINGS else 1)
    window, strides, dilation = _per_axis(name, window, strides, dilation or 1)
    if name in _POOLINGS:
        front = [k - 2 if k > 2 and k % 2 else k - 1 for k in window]
    else:
        window = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
        front = [k // 2 for k in window]
    same = _entry(config, _PADDING) == "same"
    # Its states, which are always padded, or its second convolution would be padded otherwise.
    if any(k % 2 == 0 for k in window) and (
        name.startswith("ConvLSTM") or (same and name.startswith("Separable"))
    ):
        raise ValueError(
            f"Layer {config.get('name')!r} ({name}) of a model made on Theano, with windows of "
            f"{window}, pads as no layer does elsewhere. Make the model anew with another layer "
            "in this place, and load_weights."
        )
    usual = all(
        s == 1 and f == (k - 1) // 2 for k, s, f in zip(window, strides, front, strict=True)
    )
    return (
        [[f, k - 1 - f] for f, k in zip(front, window, strict=True)] if same and not usual else None
    )


def _per_axis(name: str, *values: Any) -> list[list[int]]:
    """Sizes for each spatial axis; an int counts for all."""
    rank = max(len(value) if isinstance(value, (list, tuple)) else 1 for value in values)
    found = [list(v) if isinstance(v, (list, tuple)) else [v] * rank for v in values]
    if any(len(sizes) != rank for sizes in found):
        raise ValueError(f"{name}: expected a size for each of {rank} axes, but got {values}.")
    return found
