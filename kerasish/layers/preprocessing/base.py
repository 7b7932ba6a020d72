"""What layers that prepare data have in common: they take data as it comes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from kerasish import ops, tree
from kerasish.graph import dtypes, trace
from kerasish.graph.primitive import as_tensor
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.layers.base import Layer
from kerasish.layers.calls import History, HostCall
from kerasish.layers.checks import are_shapes, one_of
from kerasish.layers.input import InputLayer

# --- data --------------------------------------------------------------------------------


def as_data(value: Any) -> Any:
    """Lists of numbers or strings, and tensors of other libraries, as arrays; dicts by entry."""
    if isinstance(value, Mapping):
        return {key: as_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if any(_is_whole(item) or isinstance(item, Mapping) for item in value):
            return [as_data(item) for item in value]
        return _array_of_list(value)
    if isinstance(value, (str, bytes)):
        return np.asarray(value)
    if isinstance(value, (bool, int, float)):
        return np.asarray(value, _float_dtype() if isinstance(value, float) else None)
    if hasattr(value, "__array__") and not isinstance(value, (np.ndarray, Tensor)):
        return np.asarray(value)
    return value


def _is_whole(item: Any) -> bool:
    """Whether it is an array or a tensor, and not one of NumPy's numbers or strings."""
    return hasattr(item, "shape") and not isinstance(item, np.generic)


def _array_of_list(value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"The rows of a list must be equally long, but got {str(value)[:80]}. Fill up the "
            "short ones first."
        ) from None
    return array.astype(_float_dtype()) if array.dtype == np.float64 else array


def _float_dtype() -> np.dtype:
    """What floats without a dtype of their own become."""
    return dtypes.numpy_dtype(dtypes.standardize(None))


def batches(data: Any, steps: int | None, layer: str) -> Iterator[np.ndarray]:
    """The arrays to adapt to: `data` itself, or the inputs of what it yields.

    Args:
        data: an array, a tensor, nested lists, a PyDataset, a `tf.data.Dataset`, a generator.
        steps: how many batches at most; all if None.
        layer: for messages.
    """
    known = hasattr(data, "shape") or hasattr(data, "__getitem__") or isinstance(data, Iterable)
    if isinstance(data, Mapping) or not known:
        raise TypeError(
            f"Layer {layer}: adapt takes an array, a list, or something that yields batches, but "
            f"got {type(data).__name__}."
        )
    if _is_iterable(data):
        yield from (_inputs(item) for item in itertools.islice(_iterated(data), steps))
    else:
        yield np.asarray(as_data(data))


def _is_iterable(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return any(hasattr(item, "shape") and np.ndim(item) > 0 for item in data)
    return not hasattr(data, "shape") and not isinstance(data, (str, bytes))


def _iterated(data: Any) -> Iterable[Any]:
    if hasattr(data, "as_numpy_iterator"):
        return data.as_numpy_iterator()
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return (data[i] for i in range(len(data)))
    return data


def _inputs(batch: Any) -> np.ndarray:
    """The inputs of a batch, which may come with targets."""
    return np.asarray(as_data(batch[0] if isinstance(batch, tuple) else batch))


def strings(array: np.ndarray, encoding: str = "utf-8") -> np.ndarray:
    """An array of text as one of Python's strings; bytes are decoded."""
    if array.dtype.kind == "S" or array.dtype.kind == "O":
        decoded = [x.decode(encoding) if isinstance(x, bytes) else x for x in array.ravel()]
        result = np.empty(array.shape, object)
        result[...] = np.array(decoded, object).reshape(array.shape)
        return result
    return array.astype(object)


# --- layers ------------------------------------------------------------------------------


class DataLayer(Layer):
    """A layer that is called on data: arrays, lists, tensors of other libraries.

    Inside of `tf.data.Dataset.map` it computes outside of TensorFlow's graph, batch by batch.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves = tree.flatten([list(args), kwargs])
        if any(map(is_traced_elsewhere, leaves)):
            from kerasish.engines.datasets import mapped

            return mapped(_Step(self), args, kwargs)
        if kwargs.get("training") and trace.current_trace() is None and has_symbolic(leaves):
            # As in Keras, whose files say so of each such layer: the model decides when it runs.
            del kwargs["training"]
        args = tuple(as_data(arg) for arg in args)
        return super().__call__(*args, **{k: self._as_given(k, v) for k, v in kwargs.items()})

    def example(self, shape: tuple[int, ...], dtype: str, size: int) -> np.ndarray:
        """Data of a shape and dtype that the layer can be tried with.

        Where the results have sizes that depend on more than the shape, these differ by `size`.
        """
        return np.full(shape, "", object) if dtype == "string" else np.zeros(shape, dtype)

    @staticmethod
    def _as_given(name: str, value: Any) -> Any:
        return value if name in ("training", "mask") else as_data(value)


def has_symbolic(leaves: Iterable[Any]) -> bool:
    """Whether one of them is a tensor of a model that is being put together."""
    return any(isinstance(x, Tensor) and x.is_symbolic for x in leaves)


def is_traced_elsewhere(value: Any) -> bool:
    """Whether it is a tensor of another library's graph, which has no value yet."""
    foreign = not isinstance(value, Tensor) and hasattr(value, "graph")
    return foreign and hasattr(value, "op") and not hasattr(value, "numpy")


def is_only_tried() -> bool:
    """Whether the layer that asks is called only to see what shape its results have."""
    return _trying.get()


def is_in_dataset() -> bool:
    """Whether the layer that asks is called by a dataset that it is a step of."""
    return _in_dataset.get()


_trying: ContextVar[bool] = ContextVar("trying", default=False)
_in_dataset: ContextVar[bool] = ContextVar("in_dataset", default=False)


@contextmanager
def _said(variable: ContextVar[bool]) -> Iterator[None]:
    token = variable.set(True)
    try:
        yield
    finally:
        variable.reset(token)


class _Step:
    """A layer as a step of a dataset, which calls it with the arrays that flow."""

    def __init__(self, layer: DataLayer):
        self.layer, self.name, self.example = layer, layer.name, layer.example

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with _said(_in_dataset):
            return self.layer(*args, **kwargs)


class HostLayer(DataLayer):
    """A layer that computes on the host, since engines know nothing of strings.

    It takes data, or an Input of a functional model, which then calls it with the data that the
    model is given. Its `call` takes arrays and returns an array.
    """

    def __init__(self, **kwargs: Any):
        if kwargs.get("dtype") == "string":  # of tf.keras: what the layer takes
            del kwargs["dtype"]
        super().__init__(**kwargs)
        self.built = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves = tree.flatten([list(args), kwargs])
        kwargs.pop("training", None)  # of Pipeline and of models
        if has_symbolic(leaves):
            return called_on_host(self, args, kwargs)
        if len(args) == 1 and hasattr(args[0], "with_flat_values"):
            from kerasish.engines.datasets import ragged

            return ragged(self, args[0], kwargs)
        if any(map(is_traced_elsewhere, leaves)):
            from kerasish.engines.datasets import mapped

            return mapped(self, args, kwargs)
        result = self.on_host(*args, **kwargs)
        if result.dtype.kind in "OU":
            from kerasish.engines.datasets import offered_strings

            return offered_strings(result)
        return as_tensor(result)

    def on_host(self, *args: Any, **kwargs: Any) -> np.ndarray:
        """What the layer returns for data, as an array."""
        return self.call(*(tree.map_structure(_as_array, as_data(arg)) for arg in args), **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for the shape(s) of the input(s), as tried with data."""
        dtype = "int64" if getattr(self, "invert", False) else "string"
        several = are_shapes(input_shape)

        def tried(size: int) -> tuple[int, ...]:
            shapes = input_shape if several else [input_shape]
            filled = [tuple(size if n is None else n for n in shape) for shape in shapes]
            data = [self.example(shape, dtype, size) for shape in filled]
            return self(data if several else data[0]).shape

        with _said(_trying):
            pairs = zip(tried(2), tried(3), strict=True)
        return tuple(a if a == b else None for a, b in pairs)


def called_on_host(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Stands for what a layer returns for the inputs of a model, which is computed on the host.

    Args:
        layer: has `on_host(...)`, which takes and returns arrays, and `example`.
        args: what it is called with.
        kwargs: likewise.

    Raises:
        TypeError: an argument is computed by an engine, and the result are no strings, which may
            be an output of the model.
    """
    arguments = [list(args), kwargs]
    symbolic = [x for x in tree.flatten(arguments) if isinstance(x, Tensor) and x.is_symbolic]
    computed = next((x for x in symbolic if not _is_on_host(x)), None)

    def tried(size: int) -> np.ndarray:
        def example(x: Any) -> Any:
            if not isinstance(x, Tensor) or not x.is_symbolic:
                return x
            shape = tuple(size if n is None else n for n in x.shape)
            return layer.example(shape, x.dtype, size)

        positional, named = tree.map_structure(example, arguments)
        return layer.on_host(*positional, **named)

    # With two sizes wherever one is open, to see which sizes of the results follow.
    with _said(_trying):
        one, other = tried(2), tried(3)
    strings = one.dtype.kind in "OSU"
    if computed is not None and not (strings and len(symbolic) == len(args) == 1):
        raise TypeError(
            f"Layer {layer.name} ({type(layer).__name__}) runs on the host, before the engine, so "
            "in a model it takes Inputs and what other such layers make of them. But "
            f"{computed.name} is computed by the engine. Apply the layer to the data that comes "
            f"in, or to the predictions: {layer.name}(model.predict(x))."
        )
    shape = tuple(a if a == b else None for a, b in zip(one.shape, other.shape, strict=True))
    output = Placeholder(shape, "string" if strings else _engine_dtype(one))
    call = HostCall(layer, args, kwargs, output, late=computed is not None)
    output.history = History(call, 0)  # type: ignore[attr-defined]
    if trace.current_trace() is None:
        layer._calls.append(call)
    layer._seen_shapes = shape
    return output


def is_hosted(layer: Layer) -> bool:
    """Whether a layer runs on the host in a model."""
    within = getattr(layer, "_pipeline_layers", [])
    return isinstance(layer, HostLayer) or any(map(is_hosted, within))


def _is_on_host(x: Tensor) -> bool:
    history: History | None = getattr(x, "history", None)
    if history is None:
        return False
    call = history.call
    return not call.late if isinstance(call, HostCall) else isinstance(call.layer, InputLayer)


def _engine_dtype(array: np.ndarray) -> str:
    """Engines are given 32 bits, as data for training is."""
    return {"int64": "int32", "float64": dtypes.standardize(None)}.get(
        array.dtype.name, array.dtype.name
    )


def _as_array(value: Any) -> np.ndarray:
    array = np.asarray(value)
    return array.astype(object) if array.dtype.kind == "U" else array


def reject_sparse(sparse: bool, layer: str) -> None:
    """Raises NotImplementedError if sparse tensors are asked for."""
    if sparse:
        raise NotImplementedError(f"{layer}: sparse=True is not supported; outputs are dense.")


def check_unused(layer: Layer) -> None:
    """Raises RuntimeError if a model has the state of the layer as constants in its graph."""
    if any(not isinstance(call, HostCall) for call in layer._calls):
        raise RuntimeError(
            f"Layer {layer.name} is part of a model already. Adapt it, or set its vocabulary, "
            "before the model is made."
        )


# --- categories --------------------------------------------------------------------------

MODES = ("int", "one_hot", "multi_hot", "count")
_OLDER_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


def output_mode(value: Any, layer: str, allowed: tuple[str, ...] = MODES) -> str:
    """One of `allowed`, by its newer name."""
    value = _OLDER_MODES.get(value, value)
    return one_of(value, allowed, f"{layer}: output_mode")


def encoded(indices: Any, mode: str, depth: int, dtype: str, weights: Any = None) -> Tensor:
    """Category numbers in the form of an output mode.

    Args:
        indices: whole numbers (batch, n), (batch,) or ().
        mode: "int": as they are. "one_hot": a row for each. "multi_hot": one row per sample, 1
            at all its numbers. "count": one row per sample, how often each number occurs.
        depth: the number of categories.
        dtype: of the result.
        weights: what each number counts, for "count".

    >>> encoded(np.array([[0, 2, 2]]), "count", 3, "float32").numpy()
    array([[1., 0., 2.]], dtype=float32)
    """
    x = as_tensor(indices)
    if mode == "int":
        return ops.cast(x, dtype)
    x = ops.expand_dims(x, -1) if x.ndim == 0 else x
    if mode == "one_hot":
        single = x.ndim > 1 and x.shape[-1] == 1
        return ops.one_hot(ops.squeeze(x, -1) if single else x, depth, dtype=dtype)
    rows = ops.one_hot(x, depth, dtype=dtype)
    axis = 1 if x.ndim > 1 else 0
    if mode == "multi_hot":
        return ops.max(rows, axis=axis, initial=0)  # there may be no numbers at all
    if weights is not None:
        rows = rows * ops.cast(ops.expand_dims(weights, -1), dtype)
    return ops.sum(rows, axis=axis)


def check_categories(indices: Any, depth: int, layer: str) -> None:
    """Raises ValueError if a number whose value is known is not below `depth`."""
    if isinstance(indices, Tensor) and indices.is_symbolic:
        return
    values = np.asarray(indices)
    if values.size and (values.min() < 0 or values.max() >= depth):
        raise ValueError(
            f"Layer {layer}: the categories must be from 0 to {depth - 1}, but there are values "
            f"from {values.min()} to {values.max()}."
        )
