"""What Keras 1 and 2 programs give to layers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kerasish.compat import generation
from kerasish.compat.arguments import by_name
from kerasish.graph import dtypes
from kerasish.utils.arguments import reject_misspelt
from kerasish.utils.tracebacks import warn_user


class FirstLayer(NamedTuple):
    """What the first layer of a Sequential model may be told of its input."""

    batch_input_shape: tuple[int | None, ...] | None
    weights: list[Any] | None


def first_layer_arguments(kwargs: dict[str, Any]) -> FirstLayer:
    """Takes `input_shape`, `input_dim`, `batch_input_shape` ... out of a layer's kwargs.

    Raises:
        ValueError: they contradict each other.
    """
    batch_size = kwargs.pop("batch_size", None)
    shape = kwargs.pop("batch_input_shape", None)
    input_shape = kwargs.pop("input_shape", None)
    input_dim = kwargs.pop("input_dim", None)
    input_length = kwargs.pop("input_length", None)
    kwargs.pop("input_dtype", None)  # says nothing: layers cast what they get
    if isinstance(input_shape, int):
        input_shape = (input_shape,)
    if shape is not None:
        _check_batch_input_shape(tuple(shape), input_shape)
    elif input_shape is not None:
        shape = (batch_size, *input_shape)
    elif input_dim is not None:
        length = () if input_length is None else (input_length,)
        shape = (batch_size, *length, input_dim)
    _check_details(shape, input_dim=input_dim, input_length=input_length, batch_size=batch_size)
    weights = kwargs.pop("weights", None)
    return FirstLayer(None if shape is None else tuple(shape), weights)


def _check_batch_input_shape(
    shape: tuple[int | None, ...], input_shape: Sequence[int | None] | None
) -> None:
    if input_shape is not None and shape[1:] != tuple(input_shape):
        raise ValueError(
            f"batch_input_shape={shape} and input_shape={tuple(input_shape)} contradict each "
            "other: the first has the batch size in front of the second."
        )


def _check_details(shape: Sequence[int | None] | None, **given: int | None) -> None:
    """Each of these arguments says one size of the shape; by itself it says too little."""
    places = {"batch_size": slice(1), "input_length": slice(1, 2), "input_dim": slice(-1, None)}
    for name, size in given.items():
        if size is None:
            continue
        if shape is None:
            raise ValueError(
                f"{name}={size} alone does not say the shape of the inputs: pass input_shape."
            )
        if tuple(shape[places[name]]) != (size,):
            raise ValueError(
                f"{name}={size} and the shape {tuple(shape)} of the inputs, batch size first, "
                "contradict each other."
            )


# Keras 3: shape first. Keras 2: name first. Keras 1: shape first, name third.
_ORDER = ("shape", "initializer", "dtype", "trainable", "autocast", "regularizer", "constraint")
_ORDER_2 = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")
_ORDER_1 = ("shape", "initializer", "name", "trainable", "regularizer", "constraint")

# What asks for nothing where there is one replica; and what can't be had.
_OF_REPLICAS = ("aggregation", "synchronization", "use_resource")
_NOT_HAD = ("overwrite_with_gradient", "partitioner", "collections")


def add_weight_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """`Layer.add_weight` arguments by their modern names.

    >>> add_weight_arguments(("w", (2, 3)), {"initializer": "ones"})
    {'name': 'w', 'shape': (2, 3), 'initializer': 'ones'}
    >>> add_weight_arguments(((2, 3), "ones", "w"), {})
    {'shape': (2, 3), 'initializer': 'ones', 'name': 'w'}
    """
    named = by_name("add_weight", _order_of(args), args, kwargs)
    for name in _OF_REPLICAS:
        named.pop(name, None)
    for name in _NOT_HAD:
        if named.pop(name, None):
            raise ValueError(f"add_weight({name}=...) is not supported.")
    if "experimental_autocast" in named:
        named["autocast"] = named.pop("experimental_autocast")
    return named


def _order_of(args: tuple[Any, ...]) -> tuple[str, ...]:
    """The order in which positional arguments of `add_weight` are meant."""
    first, second, third = (*args, None, None, None)[:3]
    if isinstance(first, str) or (first is None and isinstance(second, (tuple, list, int))):
        return _ORDER_2
    if isinstance(third, str) and third not in dtypes.ALL:
        return _ORDER_1
    return _ORDER


# What Keras 1 calls the values of `data_format`.
_DATA_FORMATS = {"tf": "channels_last", "th": "channels_first", "default": None}


# What Keras 1 calls the sizes of a convolution's window.
_WINDOW = ("nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3")

# A new name, or a function from a value to arguments under new names.
Newer = str | Callable[[Any], dict[str, Any]]


def older_names(**renamed: Newer) -> Callable[[type], type]:
    """Decorator of a class: arguments of `__init__` under their older names (old=new).

    Keras 1's `dim_ordering` is given today's values, and its `nb_row` and `nb_col` become a
    `kernel_size`.

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
            args = _with_window(self, args, kwargs)
            kwargs = renamed_arguments(cls.__name__, kwargs, renamed)
            reject_misspelt(type(self), init, args, kwargs)
            init(self, *args, **kwargs)

        cls.__init__ = modern  # type: ignore[misc]
        return cls

    return decorate


def _with_window(layer: Any, args: tuple[Any, ...], names: Iterable[str]) -> tuple[Any, ...]:
    """Arguments of a convolution with the sizes of its window as one.

    `Conv2D(8, 3, 5)` has a window of 3 by 5 in programs of Keras 1, and of Keras 2, which took it
    in for them. In Keras 3 it has strides of 5.
    """
    rank, sizes = getattr(layer, "rank", 1), args[1:]
    if rank == 1 or len(sizes) != rank or not all(isinstance(size, int) for size in sizes):
        return args
    older = rank == 3 or generation.generation() < 3 or generation.speaks_keras_1(names)
    return (args[0], tuple(sizes)) if older else args


def only(*allowed: Any) -> Callable[[Any], dict[str, Any]]:
    """For `older_names`: an argument that is gone, and may have these values, that say nothing."""

    def check(value: Any) -> dict[str, Any]:
        if value not in allowed:
            listed = " or ".join(map(repr, allowed))
            raise ValueError(f"this argument of older Keras can only be {listed}, not {value!r}.")
        return {}

    return check


def left_out(remedy: str) -> Callable[[Any], dict[str, Any]]:
    """For `older_names`: an argument of Keras 1 that Keras 2 warned of and left out.

    Args:
        remedy: what to do instead.
    """

    def leave_out(value: Any) -> dict[str, Any]:
        if value:
            warn_user(f"{value!r} for an argument of Keras 1 is left out, as by Keras 2: {remedy}.")
        return {}

    return leave_out


def renamed_arguments(
    owner: str, kwargs: Mapping[str, Any], names: Mapping[str, Newer]
) -> dict[str, Any]:
    """What `older_names(**names)` makes of the arguments of a class called `owner`."""
    result: dict[str, Any] = {}
    for name, value in kwargs.items():
        newer = names.get(name, name)
        if name == "dim_ordering":
            value = _DATA_FORMATS.get(value, value)
        try:
            new = {newer: value} if isinstance(newer, str) else newer(value)
        except ValueError as error:
            raise ValueError(f"{owner}: {name}: {error}") from None
        twice = [n for n in new if n in result or (n != name and n in kwargs)]
        if twice:
            raise TypeError(f"{owner} got {twice[0]!r} twice: {name!r} is an older name of it.")
        result |= new
    window = [result.pop(name) for name in _WINDOW if name in result]
    return result | ({"kernel_size": tuple(window)} if window else {})


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
