"""`with` blocks of Keras 3: names, state that stays as it is, shapes alone, memory, devices."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from kerasish import engines, tree
from kerasish.graph import dtypes, trace
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import canonical_shape, compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.graph.variable import Variable
from kerasish.ops.remat import remat

__all__ = [
    "KerasTensor",
    "RematScope",
    "StatelessScope",
    "SymbolicScope",
    "device",
    "name_scope",
    "remat",
]


class name_scope:
    """A `with` block: paths of layers and variables made within begin with `name`.

    So do the places that errors and printed programs tell of.

    Args:
        name: a part of the path, without "/".
        caller: accepted from programs of Keras; names are never made unique here, as there.
        deduplicate: likewise.
        override_parent: a path to begin with, in place of the blocks and layers around.

    Raises:
        ValueError: the name is no string, or has a "/".

    >>> with name_scope("encoder"):
    ...     v = Variable(0.0, name="v")
    >>> v.path
    'encoder/v'
    """

    def __init__(
        self,
        name: str,
        caller: Any = None,
        deduplicate: bool = True,
        override_parent: str | None = None,
    ):
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f'name_scope: name must be a string without "/", but got {name!r}.')
        self.name = name
        self.caller = caller
        self.deduplicate = deduplicate
        self.override_parent = override_parent
        self._open = ExitStack()

    def __enter__(self) -> name_scope:
        if self.override_parent is not None:
            self._open.enter_context(trace.at_scope(self.override_parent))
        if self.name:
            self._open.enter_context(trace.inside(trace.Scope(self.name)))
        return self

    def __exit__(self, *exc: Any) -> None:
        self._open.close()


@contextmanager
def device(device_name: str) -> Iterator[None]:
    """A `with` block for the device that the engine computes on anyway.

    An engine has one device for all that it does, its first: `kerasish backends` lists them. A
    block that names another is an error, as it would not be obeyed.

    Args:
        device_name: a kind, "cpu" or "gpu", and maybe a number: "gpu:0".

    Raises:
        ValueError: that is no name of a device.
        NotImplementedError: the engine computes on another device.

    >>> with device("cpu:0"):
    ...     x = Variable(1.0)
    """
    wanted = _device(device_name)
    engine = engines.current_engine()
    used = engine.devices()[0].split()[0]
    if wanted != _device(used):
        raise NotImplementedError(
            f"device({device_name!r}): the {engine.name} engine computes everything on {used}. "
            "Which device that is cannot be changed in the program; what the engine sees can, from "
            'outside: CUDA_VISIBLE_DEVICES="" leaves it the CPU.'
        )
    yield


def _device(name: Any) -> tuple[str, int]:
    found = re.fullmatch(
        r"(?:/device:)?([a-zA-Z]+)(?::(\d+))?", name if isinstance(name, str) else ""
    )
    if found is None:
        raise ValueError(f'device: expected a name such as "cpu" or "gpu:0", but got {name!r}.')
    return found[1].lower(), int(found[2] or 0)


class StatelessScope:
    """A `with` block in which variables have other values, and assignments leave them as they are.

    Args:
        state_mapping: pairs (variable, the value that it has within).
        collect_losses: whether what layers add to the loss is put into `losses`.
        initialize_variables: only True, as each variable here has a first value.

    Attributes:
        losses: what was added within, if `collect_losses`.

    Raises:
        ValueError: a key is no variable, or a value has not the shape of its variable.
        NotImplementedError: for `initialize_variables=False`.

    >>> v = Variable(1.0)
    >>> with StatelessScope([(v, 5.0)]) as scope:
    ...     v = v.assign_add(1.0) and v
    >>> float(scope.get_current_value(v)), float(v)
    (6.0, 1.0)
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ):
        if not initialize_variables:
            raise NotImplementedError(
                "StatelessScope(initialize_variables=False): a variable has its first value when "
                "it is made. Leave the argument out."
            )
        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self._given = {v: _fitting(v, value) for v, value in state_mapping or ()}
        self._added: list[Any] = []
        self._trace: trace.Trace | None = None

    def __enter__(self) -> StatelessScope:
        outer = trace.current_trace()
        at_once = outer is None or outer.at_once
        self._trace = trace.Trace(trace.current_phase(), at_once)
        self._trace.draws = outer.draws if outer else None
        self._trace.updates = (dict(outer.updates) if outer else {}) | self._given
        self._trace.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        assert self._trace is not None
        self._trace.__exit__(*exc)

    @property
    def losses(self) -> list[Any]:
        added = [] if self._trace is None else [loss for _, loss in self._trace.losses]
        return [*added, *self._added] if self.collect_losses else []

    def add_loss(self, loss: Any) -> None:
        """Puts a loss among the `losses`."""
        self._added.append(loss)

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Gives a variable another value within: a pair (variable, value)."""
        variable, value = update
        new = _fitting(variable, value)
        (self._given if self._trace is None else self._trace.updates)[variable] = new

    def get_current_value(self, variable: Variable) -> Tensor | None:
        """The value that a variable has within, also after the block; None if nothing was said."""
        known = self._given if self._trace is None else self._trace.updates
        return known.get(variable)


def _fitting(variable: Any, value: Any) -> Tensor:
    if not isinstance(variable, Variable):
        raise ValueError(f"StatelessScope: expected a variable to map, but got {variable!r:.80}.")
    tensor = as_tensor(value, None if isinstance(value, Tensor) else variable.dtype)
    if not compatible(tensor.shape, variable.shape):
        raise ValueError(
            f"StatelessScope: variable {variable.path} has shape {format_shape(variable.shape)}, "
            f"but is given a value of shape {format_shape(tensor.shape)}."
        )
    return tensor.astype(variable.dtype)


class SymbolicScope:
    """A `with` block for finding shapes: what is built within runs later, if at all.

    Values of variables can't be looked at in it, and assignments don't happen.

    >>> with SymbolicScope():
    ...     shape = (KerasTensor((None, 3)) * 2).shape
    >>> shape
    (None, 3)
    """

    def __init__(self) -> None:
        self._open = ExitStack()

    def __enter__(self) -> SymbolicScope:
        self._open.enter_context(trace.Trace(trace.current_phase()))
        self._open.enter_context(trace.symbolic())
        return self

    def __exit__(self, *exc: Any) -> None:
        self._open.close()


# --- memory ------------------------------------------------------------------------------

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)
_current: ContextVar[RematScope | None] = ContextVar("rematerialization", default=None)
# Whether what is called is computed again as a part of something larger.
_within: ContextVar[bool] = ContextVar("within what is computed again", default=False)


class RematScope:
    """A `with` block whose layers train with less memory and more time: see `remat`.

    It is for the layers that are made within, wherever they are called. Layers within such a layer
    are computed again with it, once. Models are not meant themselves, but their layers are.

    Args:
        mode: which layers. "full": all. "activations": only the activations of layers that have
            such an argument. "larger_than": those whose outputs are large. "list_of_layers":
            those of `layer_names`. None: none, for a block within another.
        output_size_threshold: for "larger_than": how many numbers there are at least one more
            than, in the first output, the batch included; a size that is not known counts as 1.
        layer_names: for "list_of_layers".

    Raises:
        ValueError: for another mode, or a threshold or names that are none.

    Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv:1604.06174

    >>> from kerasish import layers
    >>> with RematScope():
    ...     layer = layers.Dense(4, activation="tanh")
    >>> layer(np.ones((1, 2))).shape
    (1, 4)
    """

    def __init__(
        self,
        mode: str | None = "full",
        output_size_threshold: int = 1024,
        layer_names: Sequence[str] | None = None,
    ):
        if mode not in _MODES:
            raise ValueError(f"RematScope: mode must be one of {_MODES}, but got {mode!r}.")
        if isinstance(output_size_threshold, bool) or not isinstance(output_size_threshold, int):
            raise ValueError(
                "RematScope: output_size_threshold must be a whole number, but got "
                f"{output_size_threshold!r}."
            )
        if isinstance(layer_names, str) or not all(isinstance(n, str) for n in layer_names or ()):
            raise ValueError(f"RematScope: layer_names must be a list, but got {layer_names!r}.")
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = list(layer_names or ())
        self._around: list[RematScope | None] = []

    def __enter__(self) -> RematScope:
        self._around.append(_current.get())
        _current.set(self)
        return self

    def __exit__(self, *exc: Any) -> None:
        _current.set(self._around.pop())


def current_remat() -> RematScope | None:
    """The block of rematerialization that a layer is made in; None if in none."""
    scope = _current.get()
    return None if scope is None or scope.mode is None else scope


def rematerialized(layer: Any, scope: RematScope, args: tuple[Any, ...], kwargs: Any) -> Any:
    """What the `call` of a layer returns that was made in a block.

    Args:
        layer: has `call`, `name` and perhaps `activation`.
        scope: the block.
        args: of the call.
        kwargs: likewise.
    """
    if _within.get() or hasattr(layer, "fit") or not _is_meant(layer, scope, args, kwargs):
        return layer.call(*args, **kwargs)
    if scope.mode == "activations":
        return _with_activation(layer, lambda: layer.call(*args, **kwargs))
    token = _within.set(True)
    try:
        return layer.rematerialized_call(layer.call, *args, **kwargs)
    finally:
        _within.reset(token)


def _is_meant(layer: Any, scope: RematScope, args: tuple[Any, ...], kwargs: Any) -> bool:
    if scope.mode == "list_of_layers":
        return layer.name in scope.layer_names
    if scope.mode == "activations":
        return callable(layer.__dict__.get("activation"))
    if scope.mode == "larger_than":
        with trace.Trace(trace.current_phase()):
            outputs = layer.call(*args, **kwargs)
        first = next(x for x in tree.flatten(outputs) if x is not None)
        return math.prod(1 if n is None else n for n in first.shape) > scope.output_size_threshold
    return True


def _with_activation(layer: Any, call: Callable[[], Any]) -> Any:
    """A call during which the activation is one that is computed again."""
    before = layer.__dict__["activation"]
    layer.__dict__["activation"] = remat(before)
    try:
        return call()
    finally:
        layer.__dict__["activation"] = before


# --- tensors -----------------------------------------------------------------------------


class _AnySymbolic(type):
    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor) and x.is_symbolic


class KerasTensor(Placeholder, metaclass=_AnySymbolic):
    """A shape and a dtype, for what has no value yet: what `compute_output_spec` returns.

    Everything that an Input is behind is an instance of it.

    Args:
        shape: with None for sizes that are open.
        dtype: of the numbers.
        sparse: only False; outputs are dense.
        ragged: only False.
        record_history: accepted from programs of Keras; operations on it are always recorded.
        name: made up if None.

    Raises:
        NotImplementedError: for `sparse` or `ragged`.

    >>> x = KerasTensor((None, 3))
    >>> x.shape, (x + 1).dtype, isinstance(x + 1, KerasTensor)
    ((None, 3), 'float32', True)
    """

    def __init__(
        self,
        shape: Any,
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
    ):
        if sparse or ragged:
            raise NotImplementedError(
                f"KerasTensor: sparse and ragged tensors are not supported, but got sparse="
                f"{sparse!r}, ragged={ragged!r}."
            )
        super().__init__(canonical_shape(shape), dtypes.standardize(dtype), name)
