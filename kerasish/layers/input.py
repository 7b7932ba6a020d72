"""Input: where data enters a functional model."""

from __future__ import annotations

from typing import Any

from kerasish import config
from kerasish.graph.primitive import identity_p
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.layers.base import Call, History, Layer


class InputLayer(Layer):
    """The layer behind an `Input`; it stands at the start of a model's list of layers.

    Args:
        shape: without the batch axis.
        batch_size: fixed size of the batch axis, any if None.
        dtype: floatx if None; "string" for texts.
        sparse, ragged, input_tensor, optional: not supported; what asks for them is an error.
        batch_shape: the shape with the batch axis, instead of `shape` and `batch_size`.
        name: of the input.
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        _refuse(sparse=sparse, ragged=ragged, optional=optional)
        if input_tensor is not None:
            raise NotImplementedError(
                "InputLayer(input_tensor=...) is not supported. Give the tensor to "
                "Model(inputs=...) itself."
            )
        if batch_shape is not None and (shape is not None or batch_size is not None):
            raise ValueError(
                "Input: batch_shape stands in the place of shape and batch_size, but got "
                f"batch_shape={batch_shape}, shape={shape} and batch_size={batch_size}."
            )
        if batch_shape is None:
            batch_shape = kwargs.pop("batch_input_shape", None)
        if batch_shape is None:
            batch_shape = kwargs.pop("input_shape", None) if shape is None else shape
            if batch_shape is None:
                raise ValueError("Input needs a `shape` (without the batch axis) or a batch_shape.")
            batch_shape = (batch_size, *_sizes(batch_shape))
        # What comes in is none of the policy's business: layers cast it.
        dtype = config.floatx() if dtype is None else dtype
        self._holds_strings = dtype == "string"
        super().__init__(name=name or None, dtype=None if dtype == "string" else dtype, **kwargs)
        self.batch_shape = _sizes(batch_shape)
        self.built = True
        self._make_placeholder()

    @property
    def dtype(self) -> str:
        """Of what comes in."""
        return "string" if self._holds_strings else super().dtype

    def _make_placeholder(self) -> None:
        tensor = Placeholder(self.batch_shape, self.dtype, name=self.name)
        call = Call(self, (), {}, tensor)
        tensor.history = History(call, 0)  # type: ignore[attr-defined]
        self._calls.append(call)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have a placeholder of their own."""
        self.__dict__.update(state)
        self._make_placeholder()

    def call(self) -> Tensor:
        """The placeholder itself."""
        return self._calls[0].outputs

    def _input_of(self, call: Call) -> Tensor:
        """The placeholder too: programs of Keras 2 give functions of the backend such inputs."""
        return call.outputs

    def get_config(self) -> dict[str, Any]:
        return {"batch_shape": self.batch_shape, "dtype": self.dtype, "name": self.name}


def _refuse(**options: Any) -> None:
    """Raises NotImplementedError if one of them is asked for."""
    for name, value in options.items():
        if value:
            raise NotImplementedError(f"Input({name}={value}): {name} inputs are not supported.")


def _sizes(shape: Any) -> tuple[int | None, ...]:
    sizes = (shape,) if isinstance(shape, int) or shape is None else tuple(shape)
    if not all(n is None or (isinstance(n, int) and n >= 0) for n in map(_plain, sizes)):
        raise ValueError(f"Input: a shape holds ints and None, but got {shape!r}.")
    return tuple(map(_plain, sizes))


def _plain(size: Any) -> Any:
    return int(size) if hasattr(size, "__index__") else size


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Tensor | None = None,
    optional: bool = False,
) -> Tensor:
    """A symbolic tensor that stands for the data a model gets.

    Args:
        shape: of one sample, without the batch axis; None where the size may vary.
        batch_size: fixed size of the batch axis, any if None.
        dtype: floatx if None. "string" for texts: layers that make numbers of them, such as
            `TextVectorization`, then run on the host, before the engine.
        sparse, ragged, optional: such inputs are not supported; True is an error.
        batch_shape: the shape with the batch axis, instead of `shape` and `batch_size`.
        name: of the input.
        tensor: an existing tensor. One that comes from an Input is returned as it is; any other
            becomes an Input that has a value already, and that `backend.function` needs none for.

    >>> Input(shape=(784,)).shape
    (None, 784)
    """
    _refuse(sparse=sparse, ragged=ragged, optional=optional)
    if tensor is not None:
        return tensor if tensor.is_symbolic else _with_value(tensor, name)
    return InputLayer(shape, batch_size, dtype, batch_shape=batch_shape, name=name).output


def _with_value(tensor: Tensor, name: str | None) -> Tensor:
    call = InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)._calls[0]
    held = identity_p(tensor)
    held.is_symbolic = True  # layers called on it are recorded, as for every Input
    held.name, held.history = call.outputs.name, call.outputs.history
    call.outputs = held
    return held
