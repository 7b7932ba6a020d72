"""Functions of Keras 2's `keras.utils` that programs may use, and nothing here does."""

from __future__ import annotations

import base64
import inspect
import itertools
import marshal
from collections.abc import Callable, Iterable, Sequence
from types import CellType, FunctionType
from typing import Any

import numpy as np

from kerasish import config
from kerasish.graph.passes import topological_order
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.saving.serialization import CustomObjectScope, code_of
from kerasish.utils.files import validate_file
from kerasish.utils.plotting import plot_model as plot
from kerasish.utils.summary import print_summary

__all__ = [
    "_make_batches",
    "_slice_arrays",
    "ask_to_proceed_with_overwrite",
    "check_for_unexpected_keys",
    "conv_input_length",
    "conv_output_length",
    "convert_all_kernels_in_model",
    "convert_dense_weights_data_format",
    "convert_kernel",
    "count_params",
    "custom_object_scope",
    "deconv_length",
    "func_dump",
    "func_load",
    "get_source_inputs",
    "getargspec",
    "has_arg",
    "is_all_none",
    "load_from_binary_h5py",
    "make_batches",
    "multi_gpu_model",
    "normalize_data_format",
    "normalize_padding",
    "normalize_tuple",
    "object_list_uid",
    "plot",
    "print_summary",
    "save_to_binary_h5py",
    "slice_arrays",
    "to_list",
    "transpose_shape",
    "unpack_singleton",
    "validate_file",
]

custom_object_scope = CustomObjectScope


# ---------------------------------------------------------------- conv_utils


def normalize_tuple(value: Any, n: int, name: str) -> tuple[int, ...]:
    """`n` ints, of one or of as many; `name` is what a ValueError calls them.

    >>> normalize_tuple(3, 2, "kernel_size")
    (3, 3)
    """
    items = (value,) * n if isinstance(value, int) else value
    if not isinstance(items, (tuple, list)) or len(items) != n:
        raise ValueError(f"{name} must be an int or {n} of them, but got {value!r}.")
    try:
        return tuple(int(item) for item in items)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an int or {n} of them, but got {value!r}.") from None


def normalize_data_format(value: str | None) -> str:
    """`K.normalize_data_format`, as Keras 2.0 and 2.1 call it."""
    from kerasish.backend import normalize_data_format as normalize

    return normalize(value)


def normalize_padding(value: str) -> str:
    """ "valid", "same" or "causal" in lower case; anything else: ValueError."""
    padding = str(value).lower()
    return _by_padding(padding, {"valid": "valid", "same": "same", "causal": "causal"})


def _by_padding(padding: str, values: dict[str, Any]) -> Any:
    """What goes with a padding; ValueError if nothing does."""
    if padding not in values:
        raise ValueError(f"padding must be {' or '.join(map(repr, values))}, but got {padding!r}.")
    return values[padding]


def convert_kernel(kernel: Any) -> np.ndarray:
    """A convolution's kernel turned around: what Theano's convolutions call so.

    Args:
        kernel: (*window, channels, filters), with one to three axes of window.

    Raises:
        ValueError: for another number of axes.
    """
    array = np.asarray(kernel)
    if not 3 <= array.ndim <= 5:
        raise ValueError(f"A kernel has 3 to 5 axes, but got {format_shape(array.shape)}.")
    return np.flip(array, tuple(range(array.ndim - 2))).copy()


def conv_output_length(
    input_length: int | None, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> int | None:
    """How many places a window of `filter_size` has along an axis.

    >>> conv_output_length(10, 3, "valid", 2)
    4
    """
    if input_length is None:
        return None
    reach = (filter_size - 1) * dilation
    longer = _by_padding(padding, {"same": 0, "causal": 0, "valid": -reach, "full": reach})
    return (input_length + longer + stride - 1) // stride


def conv_input_length(
    output_length: int | None, filter_size: int, padding: str, stride: int
) -> int | None:
    """The least size from which a convolution makes `output_length`."""
    if output_length is None:
        return None
    margin = _margin(filter_size, padding)
    return (output_length - 1) * stride - 2 * margin + filter_size


def _margin(window: int, padding: str) -> int:
    return _by_padding(padding, {"same": window // 2, "valid": 0, "full": window - 1})


def deconv_length(
    dim_size: int | None,
    stride_size: int,
    kernel_size: int,
    padding: str,
    output_padding: int | None,
    dilation: int = 1,
) -> int | None:
    """The size that a transposed convolution makes of `dim_size`.

    >>> deconv_length(5, 2, 3, "valid", None)
    11
    """
    if dim_size is None:
        return None
    window = (kernel_size - 1) * dilation + 1
    if output_padding is not None:
        margin = _margin(window, padding)
        return (dim_size - 1) * stride_size + window - 2 * margin + output_padding
    longer = {
        "same": 0,
        "valid": max(window - stride_size, 0),
        "full": -(stride_size + window - 2),
    }
    return dim_size * stride_size + _by_padding(padding, longer)


# ---------------------------------------------------------------- generic_utils


def to_list(x: Any, allow_tuple: bool = False) -> list[Any]:
    """A list as it is, anything else in a list; a tuple as a list if `allow_tuple`."""
    if allow_tuple and isinstance(x, tuple):
        return list(x)
    return x if isinstance(x, list) else [x]


def unpack_singleton(x: Any) -> Any:
    """The only element of a list, or the list."""
    return x[0] if len(x) == 1 else x


def is_all_none(iterable_or_element: Any) -> bool:
    """Whether there is nothing but None."""
    several = isinstance(iterable_or_element, (list, tuple))
    return all(x is None for x in (iterable_or_element if several else [iterable_or_element]))


def object_list_uid(object_list: Any) -> str:
    """A text that tells these very objects from others."""
    return ", ".join(str(abs(id(x))) for x in to_list(object_list))


def slice_arrays(arrays: Any, start: Any = None, stop: Any = None) -> Any:
    """The same rows of an array, or of each array in a list.

    Args:
        arrays: an array, a list of them, or None; None within a list stays.
        start: the first row, or a list of row numbers.
        stop: the row behind the last.

    >>> slice_arrays([np.arange(4), None], 1, 3)
    [array([1, 2]), None]
    """
    if isinstance(arrays, list):
        return [None if x is None else slice_arrays(x, start, stop) for x in arrays]
    if arrays is None:
        return [None]
    if hasattr(start, "__len__"):
        if stop is not None:
            raise ValueError("slice_arrays: with a list of rows, stop must be None.")
        return arrays[np.asarray(start)]
    return arrays[start:stop]


def transpose_shape(shape: Any, target_format: str, spatial_axes: Iterable[int]) -> tuple:
    """A channels-last shape in a data format.

    >>> transpose_shape((None, 5, 6, 3), "channels_first", (1, 2))
    (None, 3, 5, 6)
    """
    if target_format == "channels_last":
        return tuple(shape)
    _check_format(target_format, "transpose_shape: data_format")
    axes = list(spatial_axes)
    return (*shape[: axes[0]], shape[-1], *(shape[axis] for axis in axes))


def _check_format(data_format: str, name: str) -> None:
    if data_format not in config.IMAGE_DATA_FORMATS:
        formats = " or ".join(map(repr, config.IMAGE_DATA_FORMATS))
        raise ValueError(f"{name} must be {formats}, but got {data_format!r}.")


def check_for_unexpected_keys(
    name: str, input_dict: Iterable[str], expected_values: Iterable[str]
) -> None:
    """Raises ValueError if a dict called `name` has other keys than those expected."""
    expected = list(expected_values)
    unknown = sorted(set(input_dict) - set(expected))
    if unknown:
        raise ValueError(f"{name} has unknown keys {unknown}; expected are {expected}.")


def getargspec(fn: Callable[..., Any]) -> inspect.FullArgSpec:
    """What `inspect.getfullargspec` says of a function."""
    return inspect.getfullargspec(fn)


def has_arg(fn: Callable[..., Any], name: str, accept_all: bool = False) -> bool:
    """Whether a function can be called with an argument by name.

    Args:
        fn: the function.
        name: of the argument.
        accept_all: whether `**kwargs` counts.

    >>> has_arg(lambda x, y=1: x, "y"), has_arg(dict, "y", accept_all=True)
    (True, False)
    """
    try:
        parameters = inspect.signature(fn).parameters
    except ValueError:  # of some functions written in C nothing is known
        return False
    if accept_all and any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return True
    found = parameters.get(name)
    return found is not None and found.kind in (found.POSITIONAL_OR_KEYWORD, found.KEYWORD_ONLY)


def func_dump(func: FunctionType) -> tuple[str, Any, Any]:
    """The byte code of a function as text, its defaults, and what it uses from around it.

    >>> func_load(*func_dump(lambda x, y=2: x * y))(3)
    6
    """
    return code_of(func)


def func_load(code: Any, defaults: Any = None, closure: Any = None, globs: Any = None) -> Any:
    """The function that `func_dump` made such values of. Never call it on what others wrote.

    Args:
        code: the text, or a tuple of all that `func_dump` returned.
        defaults: of the arguments.
        closure: the values that the function uses from around it.
        globs: its global names; those of the caller if None.
    """
    if isinstance(code, (tuple, list)):
        code, defaults, closure = code
    if globs is None:
        globs = inspect.currentframe().f_back.f_globals  # type: ignore[union-attr]
    cells = tuple(CellType(value) for value in closure or ()) or None
    program = marshal.loads(base64.b64decode(code))
    return FunctionType(program, globs, None, defaults and tuple(defaults), cells)


# ---------------------------------------------------------------- layer_utils, multi_gpu_utils


def count_params(weights: Iterable[Any]) -> int:
    """The number of numbers in variables, each counted once."""
    return sum(int(np.prod(v.shape)) for v in {id(v): v for v in weights}.values())


def get_source_inputs(tensor: Any, layer: Any = None, node_index: Any = None) -> list[Tensor]:
    """The Inputs that a tensor was computed from.

    Args:
        tensor: made by layers.
        layer: accepted from older programs; the tensor knows where it comes from.
        node_index: likewise.

    >>> from kerasish import layers
    >>> x = layers.Input((2,), name="x")
    >>> [t.name for t in get_source_inputs(layers.Dense(3)(x))]
    ['x']
    """
    leaves = itertools.chain([tensor], *(n.inputs for n in topological_order([tensor])))
    return list({id(t): t for t in leaves if isinstance(t, Placeholder)}.values())


def convert_all_kernels_in_model(model: Any) -> None:
    """Turns the kernels of all convolutions around, as files of Theano's Keras need it."""
    kinds = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose")
    for layer in model._flatten_layers():
        if any(base.__name__ in kinds for base in type(layer).__mro__):
            layer.kernel.set_value(convert_kernel(layer.kernel.numpy()))


def convert_dense_weights_data_format(
    dense: Any,
    previous_feature_map_shape: Sequence[int],
    target_data_format: str = "channels_first",
) -> None:
    """Changes the order of a Dense layer's weights behind a Flatten.

    Args:
        dense: the layer.
        previous_feature_map_shape: of what is flattened, without the samples, in the format that
            the weights are for now.
        target_data_format: the format that they shall be for.

    Raises:
        ValueError: for another format.
    """
    _check_format(target_data_format, "convert_dense_weights_data_format: target_data_format")
    kernel = dense.kernel.numpy()
    maps = kernel.reshape(*previous_feature_map_shape, -1)
    source, target = (-2, 0) if target_data_format == "channels_first" else (0, -2)
    dense.kernel.set_value(np.moveaxis(maps, source, target).reshape(kernel.shape))


def multi_gpu_model(model: Any, gpus: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Always raises NotImplementedError: a model runs on the one device that its engine chose."""
    raise NotImplementedError(
        f"multi_gpu_model({getattr(model, 'name', model)}, gpus={gpus}): training on several "
        "devices is not supported. Leave the call out; the model trains on one."
    )


# ---------------------------------------------------------------- io_utils


def ask_to_proceed_with_overwrite(filepath: str) -> bool:
    """Asks on the terminal whether a file may be overwritten."""
    while True:
        answer = input(f"{filepath} exists already. Overwrite it? [y/n] ").strip().lower()
        if answer in ("y", "n"):
            return answer == "y"


def save_to_binary_h5py(save_function: Callable[[Any], Any], stream: Any) -> None:
    """Calls `save_function` with an HDF5 file in memory, and writes its bytes to `stream`."""
    import io

    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        save_function(file)
    stream.write(memory.getvalue())


def load_from_binary_h5py(load_function: Callable[[Any], Any], stream: Any) -> Any:
    """Calls `load_function` with the HDF5 file whose bytes are in `stream`."""
    import io

    import h5py

    with h5py.File(io.BytesIO(stream.read()), "r") as file:
        return load_function(file)


# ---------------------------------------------------------------- engine.training


def make_batches(size: int, batch_size: int) -> list[tuple[int, int]]:
    """The first row of each batch, and the one behind its last.

    >>> make_batches(5, 2)
    [(0, 2), (2, 4), (4, 5)]
    """
    return [(i, min(size, i + batch_size)) for i in range(0, size, batch_size)]


_make_batches, _slice_arrays = make_batches, slice_arrays
