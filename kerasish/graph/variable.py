"""Variables: leaves with state, whose newest value may live on an engine."""

from __future__ import annotations

import gc
import itertools
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish.graph import dtypes, trace
from kerasish.graph.complex import is_complex
from kerasish.graph.shapes import canonical_shape, compatible
from kerasish.graph.spec import Shape, Spec, format_shape
from kerasish.graph.tensor import Constant, Node, Tensor, as_array

if TYPE_CHECKING:
    from kerasish.engines.base import Engine

_keys = itertools.count()

# What makes first values in the place of initializers, if anything does.
_instead: ContextVar[Callable[[Shape, str], np.ndarray | None] | None] = ContextVar(
    "instead of initializers", default=None
)


@contextmanager
def initialized_by(function: Callable[[Shape, str], np.ndarray | None]) -> Iterator[None]:
    """Inside the block, `function` makes the first values of variables, not their initializers.

    For the loading of files, which bring other values at once. If it makes None, the
    initializer is used.
    """
    token = _instead.set(function)
    try:
        yield
    finally:
        _instead.reset(token)


class Variable(Tensor):
    """A tensor whose value can be changed.

    Its newest value lives in one place: as a NumPy array here, or in the store of the
    engine that last ran with it. `numpy()` fetches it; running on another engine moves it.

    Args:
        initializer: an array, a number, or a function (shape, dtype) -> array.
        shape: needed with a function; otherwise that of the array.
        dtype: defaults to the array's, or floatx.
        trainable: whether optimizers change it.
        name: for messages and files.
        autocast: whether layers that compute in another float cast it to that.

    Attributes:
        path: the name with those of the layers around it, as in `dense/kernel`.
        readers: the nodes outside of any graph that stand for something made of the value of now.

    >>> v = Variable(np.zeros(3), name="bias")
    >>> v = v.assign([1, 2, 3])
    >>> v.numpy()
    array([1., 2., 3.], dtype=float32)
    """

    def __init__(
        self,
        initializer: Any,
        shape: Shape | None = None,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
        autocast: bool = True,
    ):
        self._engine: Engine | None = None
        self._fetched = False  # whether the value here is the engine's, which has not run since
        self._placed: set[str] = set()  # the engines that may have a copy
        if callable(initializer):
            if shape is None:
                raise ValueError("A Variable made by an initializer function needs a shape.")
            spec = Spec(canonical_shape(shape), dtypes.standardize(dtype))
            instead = _instead.get()
            given = instead(spec.shape, spec.dtype) if instead else None
            fresh = given is not None
            initial = as_array(given if fresh else initializer(spec.shape, spec.dtype))
        else:
            fresh = False
            initial = as_array(initializer)
            wanted = initial.shape if shape is None else canonical_shape(shape)
            if wanted != initial.shape:
                raise ValueError(
                    f"Variable{f' {name}' if name else ''}: the shape is to be "
                    f"{format_shape(wanted)}, but that of the value is "
                    f"{format_shape(initial.shape)}."
                )
            spec = Spec(initial.shape, dtypes.standardize(dtype or _default_dtype(initial)))
        super().__init__(spec)
        self.trainable = trainable
        self.autocast = autocast
        self.key = next(_keys)
        self._name = name or f"variable_{self.key}"
        scope = trace.current_scope()
        self.path = f"{scope}/{self._name}" if scope else self._name
        # A copy: the caller's array must not change with the variable.
        self._host: np.ndarray | None = self._checked(initial) if fresh else self._owned(initial)
        self.readers: weakref.WeakSet[Node] = weakref.WeakSet()
        self.constraint: Callable[[Tensor], Tensor] | None = None
        self.regularizer: Callable[[Tensor], Tensor] | None = None

    def _array(self) -> np.ndarray:
        """The newest value, fetched from the engine that has it."""
        active = trace.current_trace()
        now = self if active is None else active.updates.get(self, self)
        if now is self and not trace.is_deferred():
            return self._newest().copy()
        from kerasish.graph.values import value_of

        return value_of(now).copy()

    @property
    def value(self) -> Tensor:
        """The value now, as a tensor that stays when the variable changes."""
        active = trace.current_trace()
        if active is None:
            return Constant(self._array())
        from kerasish.graph.primitive import identity_p

        now = active.updates.get(self, self)
        return identity_p(now) if now is self else now

    def _newest(self) -> np.ndarray:
        known = self._known()
        if known is None:
            raise RuntimeError(
                f"The value of variable {self.path} is lost: the {self._engine.name} engine "  # type: ignore[union-attr]
                "no longer has it. Set its weights again."
            )
        return known

    def _known(self) -> np.ndarray | None:
        """The newest value; None if it is lost."""
        if self._engine is not None and not self._fetched and self._engine.holds(self.key):
            return np.asarray(self._engine.read(self.key))
        # Never placed on an engine, or that engine died: the last value known here.
        return self._host

    def keep_for_readers(self) -> None:
        """Before a change: what was made of the value so far goes on standing for that."""
        value = self._known() if self.readers else None
        if value is not None:
            _make_room(value.nbytes)
        if value is not None and self.readers:
            kept = Variable(value, dtype=self.dtype, trainable=self.trainable, name=self._name)
            for node in self.readers:
                node.kept = {**(node.kept or {}), self: kept}
        self.readers.clear()

    def set_value(self, value: Any) -> None:
        """Changes the value now."""
        self._change(self._owned(np.asarray(value)))

    def adopt(self, value: np.ndarray) -> None:
        """Changes the value now, to an array that nobody else is going to change."""
        self._change(self._checked(value))

    def _change(self, value: np.ndarray) -> None:
        self.keep_for_readers()
        self._host = value
        self._engine = None

    def _owned(self, value: np.ndarray) -> np.ndarray:
        return self._checked(value).copy()

    def _checked(self, value: np.ndarray) -> np.ndarray:
        if value.shape != self.shape:
            raise ValueError(
                f"Variable {self.path} has shape {format_shape(self.shape)}, but the new value "
                f"has shape {format_shape(value.shape)}."
            )
        if is_complex(value):
            raise TypeError(
                f"Variable {self.path} holds {self.dtype}, but the new value is complex. Give its "
                "real part."
            )
        return value.astype(dtypes.numpy_dtype(self.dtype), copy=False)

    def assign(self, value: Any) -> Tensor:
        """Gives the variable a new value: now, or inside a trace when the Function has run.

        Args:
            value: a tensor, array or number of the variable's shape.
        """
        from kerasish.graph.primitive import as_tensor

        active = trace.current_trace()
        if active is None:
            self.set_value(value)
            return self
        tensor = as_tensor(value).astype(self.dtype)
        if not compatible(tensor.shape, self.shape):
            raise ValueError(
                f"Variable {self.path} has shape {format_shape(self.shape)}, but is assigned "
                f"a tensor of shape {format_shape(tensor.shape)}."
            )
        active.updates[self] = tensor
        return tensor

    def assign_add(self, value: Any) -> Tensor:
        """Adds `value`."""
        with trace.autocast(None):
            return self.assign(self + value)

    def assign_sub(self, value: Any) -> Tensor:
        """Subtracts `value`."""
        with trace.autocast(None):
            return self.assign(self - value)

    def place_on(self, engine: Engine) -> None:
        """Sees to it that `engine` has the newest value, for a run that may change it."""
        if self._engine is engine and engine.holds(self.key):
            self._fetched = False
            return
        value = self._newest()
        engine.write(self.key, value)
        if engine.name not in self._placed:
            self._placed.add(engine.name)
            weakref.finalize(self, engine.delete, self.key)
        self._engine = engine
        # A copy stays here only where the engine's process may die with the value.
        self._host = value if engine.volatile else None
        self._fetched = False

    def fetch(self) -> None:
        """Keeps a copy here of the value on the engine, to survive the engine's death."""
        if self._engine is not None and self._engine.holds(self.key):
            self._host = np.array(self._engine.read(self.key))
            self._fetched = True

    def __reduce__(self) -> Any:
        """Copies and pickles have the value, wherever it lives, and are variables of their own."""
        state = {name: getattr(self, name) for name in _KEPT}
        arguments = (self._newest(), None, self.dtype, self.trainable, self._name)
        return type(self), arguments, state

    def __repr__(self) -> str:
        return f"<Variable {self.path} shape={format_shape(self.shape)} dtype={self.dtype}>"


def _make_room(size: int) -> None:
    """Before `size` bytes are kept for nodes: those that nobody has any more are let go at times.

    Nodes know their outputs and these their nodes, so they go with Python's collector alone, which
    does not know how large they are.
    """
    global _kept_bytes
    _kept_bytes += size
    if _kept_bytes > _COLLECTED_AFTER:
        gc.collect()
        _kept_bytes = 0


_COLLECTED_AFTER = 64 << 20
_kept_bytes = 0

# What copies have of a variable, beside its value.
_KEPT = ("autocast", "constraint", "path", "regularizer")


def _default_dtype(array: np.ndarray) -> str:
    name = array.dtype.name
    return dtypes.standardize(None) if name == "float64" else name


@contextmanager
def holding(variables: Sequence[Variable], values: Sequence[Any]) -> Iterator[trace.Trace]:
    """A trace within which variables have other values than they have.

    The variables stay as they are; the `updates` of the trace say what they would have become.

    Raises:
        ValueError: the numbers differ.
    """
    if len(variables) != len(values):
        raise ValueError(f"There are {len(variables)} variables, but got {len(values)} values.")
    with trace.Trace(training=True) as effects:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        yield effects
