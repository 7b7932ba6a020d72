"""Layer: weights and a call written in ops.

A layer is three short methods: `__init__` keeps its arguments under their own names,
`build` makes the weights, `call` computes. Everything else is here: building at the
first call, the shapes of the outputs (by tracing `call`), config from the signature,
masks, the training flag, losses, and the record of calls that functional models replay.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasish import compat, constraints, initializers, ops, regularizers, tree
from kerasish.graph import dtypes, trace
from kerasish.graph.primitive import as_tensor, identity_p
from kerasish.graph.shapes import size_of
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.graph.variable import Variable
from kerasish.layers.input_spec import InputSpec
from kerasish.saving.serialization import Configurable, parameters_of
from kerasish.utils.arguments import reject_unknown, suggestion
from kerasish.utils.naming import snake_case, unique_name


@dataclass
class Call:
    """One call of a layer: what went in, what came out. Functional models replay it."""

    layer: Layer
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: Any
    updates: dict[Variable, Tensor] = field(default_factory=dict)

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors that went in, in order."""
        leaves = tree.flatten([list(self.args), self.kwargs])
        return [x for x in leaves if isinstance(x, Tensor) and x.is_symbolic]


@dataclass
class History:
    """Which call a tensor comes from, and which of its outputs it is."""

    call: Call
    index: int


class Layer(Configurable):
    """The base of all layers.

    Args:
        activity_regularizer: adds a loss computed from the output.
        trainable: whether optimizers change the weights.
        dtype: of weights and computation; floatx if None.
        autocast: whether float inputs are cast to the layer's dtype.
        name: unique in a model; made up from the class if None.
        **kwargs: `input_shape`, `input_dim`, `batch_input_shape`, `batch_size`, `weights`:
            what older Keras programs give to a first layer.

    Example:
        >>> class Scale(Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=input_shape[-1:], initializer="ones")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> Scale()(np.array([[1.0, 2.0]])).numpy()
        array([[1., 2.]], dtype=float32)
    """

    input_spec: InputSpec | list[InputSpec] | None = None
    supports_masking = False

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        first = compat.first_layer_arguments(kwargs)
        reject_unknown(kwargs, Layer.__init__, type(self).__name__)
        self.name = _checked_name(name) if name else unique_name(snake_case(type(self).__name__))
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.autocast = autocast
        self.dtype = dtypes.standardize(dtype)
        self.built = False
        self.batch_input_shape = first.batch_input_shape
        self._initial_weights = first.weights
        self._trainable = bool(trainable)
        self._variables: list[Variable] = []
        self._losses: list[Any] = []
        self._calls: list[Call] = []
        self._seen_shapes: Any = None  # of the outputs of the latest call, for summaries

    # --- weights -------------------------------------------------------------------------

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """Makes a weight of this layer.

        Args:
            shape: of the weight; () if None.
            initializer: name, Initializer or array; GlorotUniform for floats if None.
            dtype: the layer's if None.
            trainable: whether optimizers change it.
            regularizer: adds a loss computed from it.
            constraint: a projection after each step.
            name: for messages and files. A weight called `kernel` takes what is not given from
                the layer's `kernel_initializer`, `kernel_regularizer` and `kernel_constraint`,
                one called `recurrent_kernel` from `recurrent_initializer` ...

        The argument orders of older Keras are accepted too.
        """
        return self._add_weight(**compat.add_weight_arguments(args, kwargs))

    def _add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if None in shape:
            raise ValueError(
                f"Layer {self.name}: weight {name or ''} would have shape {format_shape(shape)}; "
                "every size must be known. Give the inputs a fixed size on that axis."
            )
        dtype = dtypes.standardize(dtype or self.dtype)
        default = "glorot_uniform" if dtypes.is_float(dtype) else "zeros"
        name = name or f"variable_{len(self._variables)}"
        stem = name if name == "kernel" else name.removesuffix("_kernel")
        own = self.__dict__
        initializer = own.get(f"{stem}_initializer") if initializer is None else initializer
        regularizer = own.get(f"{stem}_regularizer") if regularizer is None else regularizer
        constraint = own.get(f"{stem}_constraint") if constraint is None else constraint
        variable = Variable(
            initializers.get(initializer or default),
            shape=shape,
            dtype=dtype,
            trainable=trainable,
            name=name,
        )
        variable.path = f"{self.name}/{name}"
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        self._variables.append(variable)
        return variable

    def _own_variables(self) -> list[Variable]:
        found = [*self._variables, *(v for v in self._attributes() if isinstance(v, Variable))]
        return list(dict.fromkeys(found))

    def _attributes(self) -> Iterator[Any]:
        """The variables and layers among the attributes, also in lists, tuples and dicts."""
        for key, value in self.__dict__.items():
            if key not in _BOOKKEEPING:
                yield from (leaf for leaf in _leaves(value) if isinstance(leaf, _TRACKED))

    def _sublayers(self) -> list[Layer]:
        return list(dict.fromkeys(v for v in self._attributes() if isinstance(v, Layer)))

    def _flatten_layers(self) -> list[Layer]:
        """This layer and all within it, each once."""
        found: dict[Layer, None] = {self: None}
        for layer in self._sublayers():
            found.update(dict.fromkeys(layer._flatten_layers()))
        return list(found)

    @property
    def trainable(self) -> bool:
        """Whether optimizers change the weights; setting it sets the sublayers' too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            layer._trainable = bool(value)

    @property
    def weights(self) -> list[Variable]:
        """All variables: each layer's trainable ones first."""
        own = sorted(self._own_variables(), key=lambda v: not v.trainable)
        nested = [v for layer in self._sublayers() for v in layer.weights]
        return list(dict.fromkeys([*own, *nested]))

    @property
    def variables(self) -> list[Variable]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The variables that optimizers change."""
        if not self._trainable:
            return []
        own = [v for v in self._own_variables() if v.trainable]
        nested = [v for layer in self._sublayers() for v in layer.trainable_weights]
        return list(dict.fromkeys([*own, *nested]))

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The variables that optimizers leave alone."""
        trainable = set(map(id, self.trainable_weights))
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """The values of all weights as arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Iterable[Any]) -> None:
        """Sets all weights from arrays in the order of `get_weights`.

        Raises:
            ValueError: if the number of arrays or a shape does not fit.
        """
        values = list(weights)
        if len(values) != len(self.weights):
            raise ValueError(
                f"Layer {self.name} has {len(self.weights)} weights, but set_weights got "
                f"{len(values)} arrays. Its weights: "
                f"{[(v.path, v.shape) for v in self.weights]}."
            )
        for variable, value in zip(self.weights, values, strict=True):
            variable.set_value(value)

    def count_params(self) -> int:
        """The number of numbers in the weights."""
        if not self.built and not self.weights:
            raise ValueError(
                f"Layer {self.name} has no weights yet: it isn't built. Call it on data first, "
                "or give the model an input shape."
            )
        return sum((size_of(v.shape) or 0) for v in self.weights)

    # --- building and calling ------------------------------------------------------------

    def build(self, *input_shapes: Any, **named_shapes: Any) -> None:
        """Makes the weights. Called once, with the shape(s) of the first input(s)."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs, in ops."""
        raise NotImplementedError(
            f"Layer {self.name}: {type(self).__name__} has no `call`. A layer needs one that "
            "takes tensors and returns tensors."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = _as_tensors(args), _as_tensors(kwargs)
        given = dict(kwargs)
        signature = _signature(type(self).call)
        inputs = [x for x in tree.flatten([list(args), kwargs]) if isinstance(x, Tensor)]
        training = kwargs.get("training")
        if training is None:
            training = trace.current_phase()
        with ExitStack() as stack:
            stack.enter_context(trace.inside(self.name))
            stack.enter_context(trace.phase(training))
            self._check_inputs(args)
            if "training" in signature.parameters:
                kwargs["training"] = training
            elif not _takes_any(signature):
                kwargs.pop("training", None)
            self._build_once(args, kwargs)
            self._pass_mask(signature, args, kwargs)
            symbolic = any(x.is_symbolic for x in inputs)
            effects = None
            if symbolic and trace.current_trace() is None:
                # Assignments made while a functional model is put together belong to the
                # graph, not to now.
                effects = stack.enter_context(trace.Trace(training))
            outputs = self.call(*self._autocast(args), **kwargs)
            outputs = self._finish(outputs, inputs)
            self._set_masks(args, inputs, outputs)
            self._regularize_activity(outputs)
        if symbolic:
            self._record(args, given, outputs, effects)
        self._seen_shapes = tree.map_structure(lambda x: None if x is None else x.shape, outputs)
        return outputs

    def _build_once(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.built:
            return
        parameters = _signature(type(self).build).parameters
        wanted = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD][1:]
        arguments = _signature(type(self).call).bind_partial(self, *args, **kwargs).arguments
        if len(wanted) > 1 and all(name.removesuffix("_shape") in arguments for name in wanted[:2]):
            # As `build(query_shape, value_shape)` of `call(query, value)`.
            named = {name: arguments.get(name.removesuffix("_shape")) for name in wanted}
            self._build(**{name: _shapes(x) for name, x in named.items() if _has_tensor(x)})
        else:
            shapes = [_shapes(x) for x in (*args, *kwargs.values()) if _has_tensor(x)]
            self._build(*shapes[: max(len(wanted), 1)])

    def _build(self, *shapes: Any, **named: Any) -> None:
        """Makes the weights now, those of layers within included."""
        with trace.outside():
            self.build(*shapes, **named)
        self.built = True
        own = {id(v) for v in self._own_variables()}
        for variable in self.weights:
            if id(variable) not in own:
                variable.path = f"{self.name}/{variable.path}"
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)

    def _check_inputs(self, args: tuple[Any, ...]) -> None:
        if self.input_spec is not None and args:
            specs = self.input_spec if isinstance(self.input_spec, list) else [self.input_spec]
            tensors = [x for x in tree.flatten(args[0]) if isinstance(x, Tensor)]
            if len(tensors) != len(specs):
                raise ValueError(
                    f"Layer {self.name} expects {len(specs)} input(s), but got {len(tensors)}."
                )
            for spec, x in zip(specs, tensors, strict=True):
                spec.check(x, self.name)

    def _autocast(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self.autocast or not dtypes.is_float(self.dtype):
            return args

        def cast(x: Any) -> Any:
            if isinstance(x, Tensor) and dtypes.is_float(x.dtype) and x.dtype != self.dtype:
                return _like(ops.cast(x, self.dtype), x)
            return x

        return tuple(tree.map_structure(cast, arg) for arg in args)

    def _pass_mask(
        self, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Hands on masks: of the first argument as `mask`, of `query` as `query_mask`."""
        parameters = signature.parameters
        names = [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD][1:]
        arguments = dict(zip(names, args, strict=False)) | kwargs
        first = arguments.get(names[0]) if names else None
        wanted = {"mask": first} | {f"{name}_mask": x for name, x in arguments.items()}
        for name, x in wanted.items():
            if name in parameters and arguments.get(name) is None and x is not None:
                masks = tree.map_structure(mask_of, x)
                if any(m is not None for m in tree.flatten(masks)):
                    kwargs[name] = masks

    def _finish(self, outputs: Any, inputs: list[Tensor]) -> Any:
        """The outputs as tensors, none of them the very object that came in."""
        taken = {id(x) for x in inputs}

        def finished(x: Any) -> Any:
            if x is None:
                return None
            tensor = as_tensor(x)
            leaf = isinstance(tensor, (Placeholder, Variable))
            return identity_p(tensor) if leaf or id(tensor) in taken else tensor

        if outputs is None:
            raise ValueError(f"Layer {self.name}: `call` returned None. Did it forget `return`?")
        return tree.map_structure(finished, outputs)

    def _set_masks(self, args: tuple[Any, ...], inputs: list[Tensor], outputs: Any) -> None:
        if args and _has_tensor(args[0]):
            inputs = [x for x in tree.flatten(args[0]) if isinstance(x, Tensor)]
        masks = [mask_of(x) for x in inputs]
        known = [m for m in masks if m is not None]
        custom = type(self).compute_mask is not Layer.compute_mask
        if not known and not custom:
            return
        previous = masks[0] if len(masks) == 1 else masks
        result = self.compute_mask(inputs[0] if len(inputs) == 1 else inputs, previous)
        flat = tree.flatten(outputs)
        flat_masks = tree.flatten(result) if tree.is_nested(result) else [result] * len(flat)
        for output, mask in zip(flat, flat_masks, strict=False):
            output.mask = mask

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs. Passed on by layers that support masking."""
        if self.supports_masking:
            return next((m for m in tree.flatten(mask) if m is not None), None)
        return None

    def _regularize_activity(self, outputs: Any) -> None:
        if self.activity_regularizer is not None:
            for output in tree.flatten(outputs):
                # Per sample, so that the batch size does not change its weight.
                batch = ops.cast(ops.shape(output)[0], output.dtype)
                self.add_loss(self.activity_regularizer(output) / batch)

    def _record(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any, effects: Any
    ) -> None:
        call = Call(self, args, kwargs, outputs)
        if effects is not None:
            call.updates = effects.updates
            self._calls.append(call)
        for i, output in enumerate(tree.flatten(outputs)):
            output.history = History(call, i)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The shapes and dtypes of the outputs for inputs of given shapes and dtypes."""
        with trace.Trace():
            outputs = self(*tree.map_structure(_placeholder_like, list(args)), **kwargs)
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape(s) of the output(s) for the shape(s) of the input(s)."""
        outputs = self.compute_output_spec(_placeholders_of_shape(input_shape, self.dtype))
        return tree.map_structure(lambda x: x.shape, outputs)

    # --- losses --------------------------------------------------------------------------

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds to the loss of the model that this layer is part of.

        Args:
            losses: a tensor (or several) computed in `call`, or a function without
                arguments that computes one from weights.
            inputs: accepted from older programs; the graph knows what it depends on.
        """
        active = trace.current_trace()
        for loss in losses if isinstance(losses, (list, tuple)) else [losses]:
            if active is not None and not callable(loss):
                active.losses.append(ops.mean(loss) if loss.ndim else loss)
            else:
                self._losses.append(loss)

    @property
    def losses(self) -> list[Tensor]:
        """The regularisation losses of the weights, and those added from outside of calls."""
        result = []
        for layer in self._flatten_layers():
            result += [loss() if callable(loss) else loss for loss in layer._losses]
        for variable in self.trainable_weights:
            if variable.regularizer is not None:
                result.append(variable.regularizer(variable))
        return result

    @property
    def updates(self) -> list[tuple[Variable, Tensor]]:
        """What calls outside of a model's training would assign to variables."""
        return [pair for call in self._calls for pair in call.updates.items()]

    # --- the calls so far ----------------------------------------------------------------

    @property
    def input(self) -> Any:
        """The input of the layer's only symbolic call."""
        call = self._only_call("input")
        first = call.args[0] if call.args else call.inputs
        return first

    @property
    def output(self) -> Any:
        """The output of the layer's only symbolic call."""
        return self._only_call("output").outputs

    @property
    def input_shape(self) -> Any:
        """The shape(s) of `input`."""
        return tree.map_structure(lambda x: x.shape, self.input)

    @property
    def output_shape(self) -> Any:
        """The shape(s) of `output`."""
        return tree.map_structure(lambda x: x.shape, self.output)

    def get_input_at(self, index: int) -> Any:
        """The input of the call number `index`."""
        return self._calls[index].args[0]

    def get_output_at(self, index: int) -> Any:
        """The output of the call number `index`."""
        return self._calls[index].outputs

    def _only_call(self, what: str) -> Call:
        if len(self._calls) != 1:
            problem = "was never called" if not self._calls else f"has {len(self._calls)} calls"
            raise AttributeError(
                f"Layer {self.name} {problem} on symbolic tensors, so it has no single {what}. "
                f"Use get_{what}_at(index) for a layer that is shared."
            )
        return self._calls[0]

    # --- config --------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as plain data."""
        config = super().get_config()
        # Keras 2, and some layers of Keras 3, don't know these two: only where they say something.
        for name, default in (("activity_regularizer", None), ("autocast", True)):
            if config.get(name) == default:
                config.pop(name, None)
        return config | {"name": self.name, "trainable": self._trainable, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A layer made of what `get_config` returned, of this library or of Keras."""
        known = parameters_of(cls)
        config = compat.layer_config(cls.__name__, config, known)
        # A user's layer may leave these out of its arguments; two of them can be set as well.
        apart = {k: v for k, v in config.items() if k in _OF_ALL_LAYERS and k not in known}
        layer = super().from_config({k: v for k, v in config.items() if k not in apart})
        layer.name = apart.get("name", layer.name)
        layer._trainable = apart.get("trainable", layer._trainable)
        return layer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if isinstance(getattr(type(self), name, None), property):
            return object.__getattribute__(self, name)  # once more, for its own error
        own = self.__dict__.get("name", "")
        message = f"{type(self).__name__} {own!r} has no attribute {name!r}."
        if "name" not in self.__dict__:
            message += " Did __init__ forget to call super().__init__()?"
        raise AttributeError(message + suggestion(name, dir(type(self))))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


# Lists of variables and calls that are not parts of the layer.
_BOOKKEEPING = {"_variables", "_losses", "_calls", "_initial_weights", "_trained", "_states"}
_OF_ALL_LAYERS = ("name", "trainable", "dtype")
_TRACKED = (Layer, Variable)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        yield value
        return
    for item in value:
        yield from _leaves(item)


def _checked_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"A layer's name must be a string, but got {name!r}.")
    return name


def _signature(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def _takes_any(signature: inspect.Signature) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())


def _as_tensors(structure: Any) -> Any:
    """Arrays in arguments as tensors; everything else as it is."""
    convert = lambda x: as_tensor(x) if isinstance(x, np.ndarray) else x  # noqa: E731
    return tree.map_structure(convert, structure)


def _has_tensor(structure: Any) -> bool:
    return any(isinstance(x, Tensor) for x in tree.flatten(structure))


def _shapes(structure: Any) -> Any:
    return tree.map_structure(lambda x: x.shape if isinstance(x, Tensor) else None, structure)


def _like(new: Tensor, old: Tensor) -> Tensor:
    new.mask = mask_of(old)  # type: ignore[attr-defined]
    return new


def mask_of(x: Any) -> Tensor | None:
    """Which time steps of `x` count, None if all."""
    return getattr(x, "mask", None)


def _placeholder_like(x: Any) -> Any:
    return Placeholder(x.shape, x.dtype) if isinstance(x, Tensor) else x


def _placeholders_of_shape(shape: Any, dtype: str) -> Any:
    """Placeholders for a shape, a list of shapes or a dict of shapes."""
    if isinstance(shape, dict):
        return {key: _placeholders_of_shape(value, dtype) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)) and shape and isinstance(shape[0], (list, tuple)):
        return [_placeholders_of_shape(item, dtype) for item in shape]
    return Placeholder(tuple(shape), dtype)
