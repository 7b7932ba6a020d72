"""Tensors: the values that flow between primitives, before they exist."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.complex import is_complex
from kerasish.graph.operators import Operators
from kerasish.graph.shapes import Dim
from kerasish.graph.spec import Shape, Spec, format_shape

if TYPE_CHECKING:
    from kerasish.graph.primitive import Primitive

_counter = itertools.count()
_nodes = itertools.count()
# The number that no node may have, nor a later one.
_end: ContextVar[float] = ContextVar("end of nodes", default=math.inf)


class Node:
    """One application of a primitive. Nodes are numbered in the order of their making.

    Attributes:
        kept: variable among the inputs -> the value that it had when the node was made, if it has
            another one now. None for nodes made while a graph was built: they run later, with
            the values of then.
    """

    __slots__ = (
        "__weakref__",
        "attrs",
        "inputs",
        "kept",
        "number",
        "outputs",
        "primitive",
        "source",
    )

    def __init__(
        self,
        primitive: Primitive,
        inputs: tuple[Tensor, ...],
        attrs: dict[str, Any],
        specs: tuple[Spec, ...],
        source: str,
    ):
        self.primitive = primitive
        self.inputs = inputs
        self.attrs = attrs
        self.source = source
        self.kept: dict[Tensor, Tensor] | None = None
        self.number = next(_nodes)
        if self.number >= _end.get():
            raise ValueError("The config asks for more operations than a model may have.")
        symbolic = any(t.is_symbolic for t in inputs) or _has_symbolic_size(attrs)
        self.outputs = tuple(Tensor(spec, self, i, symbolic) for i, spec in enumerate(specs))


# NumPy's functions that change their first argument.
_WRITERS = ("copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask")


class Tensor(Operators):
    """One output of a node: a shape and a dtype now, a value when the graph runs.

    A tensor with no placeholder behind it has a value already: `np.asarray(t)`,
    `float(t)` and `print(t)` compute it on the current engine. Arithmetic operators,
    slicing and comparison behave as NumPy's.

    Attributes:
        spec: its shape and dtype.
        node: the node it comes from, None for leaves.
        index: which output of the node it is.
        is_symbolic: whether a placeholder stands behind it.
        sparse: False, as Keras's programs ask; all tensors are dense.
        ragged: likewise.
    """

    sparse = ragged = False
    # NumPy leaves binary operators with an array on the left to this class.
    __array_priority__ = 1000

    def __init__(
        self, spec: Spec, node: Node | None = None, index: int = 0, is_symbolic: bool = False
    ):
        self.spec = spec
        self.node = node
        self.index = index
        self.is_symbolic = is_symbolic
        self._name: str | None = None

    @property
    def shape(self) -> Shape:
        return self.spec.shape

    @property
    def dtype(self) -> str:
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        return len(self.spec.shape)

    rank = ndim

    @property
    def name(self) -> str:
        """A name that is unique in the process, made up when first asked for."""
        if self._name is None:
            stem = self.node.primitive.name if self.node else type(self).__name__.lower()
            self._name = f"{stem}_{next(_counter)}"
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self._name = value

    def numpy(self) -> Any:
        """The value: an array, or one of NumPy's numbers if the tensor has no axes.

        Raises:
            ValueError: if a placeholder stands behind the tensor.
            TypeError: if a variable or a draw does while a graph is built that runs later.

        >>> type(Constant(np.zeros((), "float32")).numpy()).__name__
        'float32'
        """
        array = self._array()
        return array if array.ndim else array[()]

    def item(self) -> Any:
        """The only number of the tensor, as Python's. Raises ValueError if there are others."""
        return self._array().item()

    def tolist(self) -> Any:
        """The value as nested lists of Python's numbers; one number if the tensor has no axes."""
        return self._array().tolist()

    def _array(self) -> np.ndarray:
        """The value, as an array that the caller may change."""
        from kerasish.graph.values import value_of

        return value_of(self).copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        value = self._array()
        return value if dtype is None else value.astype(dtype, copy=bool(copy))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        """NumPy's functions of tensors that have values give arrays and numbers of NumPy."""
        from kerasish import tree
        from kerasish.graph.values import has_value

        written = [kwargs.get("out"), args[0] if function.__name__ in _WRITERS else None]
        if any(isinstance(x, Tensor) for x in tree.flatten(written)):
            raise TypeError(f"{function.__name__}: tensors cannot be written to.")
        tensors = [x for x in tree.flatten([list(args), kwargs]) if isinstance(x, Tensor)]
        of_shapes = function.__name__ in ("ndim", "shape", "size")
        if of_shapes or not all(map(has_value, tensors)):
            return function._implementation(*args, **kwargs)  # type: ignore[attr-defined]
        as_arrays = [list(args), kwargs]
        as_arrays = tree.map_structure(
            lambda x: x.numpy() if isinstance(x, Tensor) else x, as_arrays
        )
        return function(*as_arrays[0], **as_arrays[1])

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        """What TensorFlow's functions ask of an argument that is no tensor of theirs."""
        from kerasish.engines.foreign import tensorflow_tensor

        return tensorflow_tensor(self, dtype, name)

    def __float__(self) -> float:
        return float(self._array())

    def __int__(self) -> int:
        return int(self._array())

    def __index__(self) -> int:
        return operator.index(self._array())

    def __bool__(self) -> bool:
        if self.is_symbolic:
            raise TypeError(
                f"The truth of {self!r} is known only when the graph runs, so Python's if, and, "
                "or, not cannot ask for it. Use ops.where, ops.cond or ops.logical_and instead."
            )
        return bool(self._array())

    def __format__(self, spec: str) -> str:
        from kerasish.graph.values import has_value

        return format(self.numpy(), spec) if spec or has_value(self) else str(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a scalar tensor: it has no axes.")
        if self.shape[0] is None:
            raise TypeError(f"len() of {self!r}: the size of its first axis is not known yet.")
        return self.shape[0]

    def __iter__(self) -> Any:
        if not self.shape:
            raise TypeError("Cannot iterate over a scalar tensor: it has no axes.")
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        text = f"<Tensor {self.name} shape={format_shape(self.shape)} dtype={self.dtype}"
        from kerasish.graph.values import has_value

        return f"{text} value={self.numpy()}>" if has_value(self) else f"{text}>"


class Placeholder(Tensor):
    """A leaf that gets its value when a Function is called."""

    def __init__(self, shape: Shape, dtype: str, name: str | None = None):
        super().__init__(Spec(tuple(shape), dtype), is_symbolic=True)
        self._name = name


class Constant(Tensor):
    """A leaf with a fixed value."""

    def __init__(self, value: np.ndarray):
        super().__init__(Spec(value.shape, value.dtype.name))
        self.value = value

    def _array(self) -> np.ndarray:
        return self.value.copy()


class Subgraph:
    """A traced function that a node holds as an attribute: the body of a loop, a branch.

    It is closed: all that it uses beside constants is among its inputs. The same function
    traced twice makes two subgraphs, which are not equal.

    Attributes:
        inputs: the placeholders that stand for its arguments.
        outputs: its results.
        origin: the subgraph that this one computes more than, for loops that differ in what
            they hand out only; itself if there is none.
    """

    def __init__(
        self,
        inputs: Iterable[Placeholder],
        outputs: Iterable[Tensor],
        origin: Subgraph | None = None,
    ):
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.origin = origin or self

    def __repr__(self) -> str:
        specs = ", ".join(str(t.spec) for t in self.inputs)
        return f"<Subgraph ({specs}) -> ({', '.join(str(t.spec) for t in self.outputs)})>"


def node_count() -> int:
    """A number between those of the nodes made so far and of those made later."""
    return next(_nodes)


@contextmanager
def at_most(count: int) -> Iterator[None]:
    """Inside the block, no more nodes than that can be made: what asks for them is not trusted."""
    token = _end.set(node_count() + count)
    try:
        yield
    finally:
        _end.reset(token)


def subgraphs_of(node: Node) -> dict[str, Subgraph]:
    """The subgraphs among a node's attributes, by name."""
    return {key: value for key, value in node.attrs.items() if isinstance(value, Subgraph)}


def _has_symbolic_size(attrs: dict[str, Any]) -> bool:
    return any(t.is_symbolic for value in attrs.values() for t in size_tensors(value))


def size_tensors(attr: Any) -> list[Tensor]:
    """The tensors whose run-time sizes an attribute is computed from."""
    if isinstance(attr, Dim):
        return attr.tensors()
    if isinstance(attr, tuple):
        return [t for item in attr for t in size_tensors(item)]
    return []


def as_array(value: Any, dtype: str | None = None) -> np.ndarray:
    """A Python number, nested list or array as a NumPy array; Python floats become floatx."""
    if is_complex(value):
        raise TypeError(
            "Cannot make a tensor of complex numbers. ops.real, imag, abs, angle, conj and "
            "view_as_real take them, and they know arithmetic (z + 1, z * w); other operations "
            "take their parts, ops.real(z) and ops.imag(z)."
        )
    if dtype is None and isinstance(value, (float, int, list, tuple)):
        array = np.asarray(value)
        if array.dtype == np.float64 and not _holds_float64(value):
            array = array.astype(dtypes.standardize(float))
        elif array.dtype == np.int64 and _fits_int32(array):
            array = array.astype("int32")
    else:
        array = np.asarray(value)
    if dtype is not None and array.dtype.kind not in "SU":  # texts of numbers are none
        array = array.astype(dtypes.numpy_dtype(dtype), copy=False)
    if array.dtype.name not in dtypes.ALL:
        raise TypeError(
            f"Cannot make a tensor of {type(value).__name__} {value!r:.80} (NumPy dtype "
            f"{array.dtype}). Expected numbers, an array of numbers, or a tensor."
        )
    return array


def _fits_int32(array: np.ndarray) -> bool:
    return not array.size or (array.min() >= -(2**31) and array.max() < 2**31)


def _holds_float64(value: Any) -> bool:
    """Whether a nested list contains float64 arrays, which keep their dtype."""
    if isinstance(value, (list, tuple)):
        return any(_holds_float64(item) for item in value)
    return getattr(value, "dtype", None) == np.float64
