"""What Keras 1 and 2 programs give to layers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Mapping
from typing import Any, NamedTuple


class FirstLayer(NamedTuple):
    """What the first layer of a Sequential model may be told of its input."""

    batch_input_shape: tuple[int | None, ...] | None
    weights: list[Any] | None


def first_layer_arguments(kwargs: dict[str, Any]) -> FirstLayer:
    """Takes `input_shape`, `input_dim`, `batch_input_shape` ... out of a layer's kwargs."""
    batch_size = kwargs.pop("batch_size", None)
    shape = kwargs.pop("batch_input_shape", None)
    input_shape = kwargs.pop("input_shape", None)
    input_dim = kwargs.pop("input_dim", None)
    input_length = kwargs.pop("input_length", None)
    kwargs.pop("input_dtype", None)
    if input_shape is None and input_dim is not None:
        input_shape = (input_dim,) if input_length is None else (input_length, input_dim)
    if shape is None and input_shape is not None:
        sizes = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
        shape = (batch_size, *sizes)
    weights = kwargs.pop("weights", None)
    return FirstLayer(None if shape is None else tuple(shape), weights)


_NEW_ORDER = ("shape", "initializer", "dtype", "trainable")
_OLD_ORDER = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")


def add_weight_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """`Layer.add_weight` arguments by their modern names.

    Keras 2 has the name first, then the shape; Keras 3 has the shape first and no name
    among the positional arguments.
    """
    old = bool(args) and (isinstance(args[0], str) or args[0] is None)
    order = _OLD_ORDER if old else _NEW_ORDER
    if len(args) > len(order):
        raise TypeError(f"add_weight takes at most {len(order)} positional arguments ({order}).")
    named = dict(zip(order, args, strict=False))
    twice = named.keys() & kwargs.keys()
    if twice:
        raise TypeError(f"add_weight got {sorted(twice)[0]!r} twice.")
    return named | kwargs


# What Keras 1 calls the values of `data_format`.
_DATA_FORMATS = {"tf": "channels_last", "th": "channels_first", "default": None}


def older_names(**renamed: str) -> Callable[[type], type]:
    """Decorator of a class: arguments of `__init__` under their older names (old=new).

    >>> @older_names(p="rate")
    ... class Half:
    ...     def __init__(self, rate):
    ...         self.rate = rate
    >>> Half(p=0.5).rate
    0.5
    """

    def decorate(cls: type) -> type:
        init = cls.__init__  # type: ignore[misc]

        @functools.wraps(init)
        def modern(self: Any, *args: Any, **kwargs: Any) -> None:
            init(self, *args, **_renamed(cls.__name__, kwargs, renamed))

        cls.__init__ = modern  # type: ignore[misc]
        return cls

    return decorate


def _renamed(owner: str, kwargs: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    result = {}
    for name, value in kwargs.items():
        new = names.get(name, name)
        if new in result or (new != name and new in kwargs):
            raise TypeError(f"{owner} got {new!r} twice: {name!r} is an older name of it.")
        if name == "dim_ordering":
            value = _DATA_FORMATS.get(value, value)
        result[new] = value
    return result


# Entries of Keras's layer configs for what this library has not got. They may say "no".
_ABSENT = (
    "gptq_unpacked_column_size",
    "lora_alpha",
    "lora_rank",
    "optional",
    "quantization_config",
    "ragged",
    "rms_scaling",
    "sparse",
)


def layer_config(layer: str, config: Mapping[str, Any], known: Container[str]) -> dict[str, Any]:
    """A layer's config as Keras 2 or 3 writes it, without what this library has not got.

    Args:
        layer: the class, for messages.
        config: as it stands in the file.
        known: the arguments that the layer does have.

    Raises:
        ValueError: if an entry that is left out asks for something.
    """
    absent = [name for name in _ABSENT if name not in known]
    wanted = [name for name in absent if config.get(name)]
    if wanted:
        raise ValueError(
            f"The config of {layer} {config.get('name')!r} has {wanted[0]}="
            f"{config[wanted[0]]!r}, which is not supported."
        )
    return {name: value for name, value in config.items() if name not in absent}
