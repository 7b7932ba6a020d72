"""Layer: weights and a call written in ops.

A layer is three short methods: `__init__` keeps its arguments under their own names,
`build` makes the weights, `call` computes. Everything else is here: building at the
first call, the shapes of the outputs (by tracing `call`), config from the signature,
masks, the training flag, losses, and the record of calls that functional models replay.
"""

from __future__ import annotations

import functools
import inspect
import re
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from kerasish import compat, dtype_policies, ops, regularizers, scopes, tree
from kerasish.dtype_policies import DTypePolicy, DTypePolicyMap
from kerasish.graph import dtypes, trace
from kerasish.graph.primitive import as_tensor, identity_p
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.graph.variable import Variable
from kerasish.layers.additions import Additions
from kerasish.layers.arguments import (
    BY_NAME,
    NAMED_KINDS,
    as_tensors,
    default_training,
    has_tensor,
    in_order,
    shapes_in,
    signature_of,
    takes_any,
)
from kerasish.layers.calls import Call, Calls, History, mask_of, shapes_of
from kerasish.layers.checks import are_shapes, flag
from kerasish.layers.input_spec import InputSpec
from kerasish.saving.hooks import Storable
from kerasish.saving.serialization import parameters_of
from kerasish.utils.arguments import reject_unknown, suggestion
from kerasish.utils.naming import snake_case, unique_name


class Layer(Storable, Additions, Calls):
    """The base of all layers.

    Args:
        activity_regularizer: adds a loss computed from the output.
        trainable: whether optimizers change the weights.
        dtype: of weights and computation, or a dtype policy such as "mixed_float16"; the global
            policy if None.
        autocast: whether float inputs and weights are cast to the dtype of the computation.
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
    _building = False
    _not_in_config = frozenset({"weights"})  # the first ones; a file has those of now

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _once_built(cls.__dict__["build"])  # type: ignore[method-assign]

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
        reject_unknown(kwargs, type(self), type(self).__name__)
        self.name = _checked_name(name) if name else unique_name(snake_case(type(self).__name__))
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.autocast = autocast
        self.dtype_policy = dtype_policies.get(dtype)
        self.built = False
        self.batch_input_shape = first.batch_input_shape
        self._initial_weights = first.weights
        self._trainable = flag(trainable, f"Layer {self.name}: trainable")
        self._variables: list[Variable] = []
        self._losses: list[Any] = []
        self._call_losses: list[Tensor] = []
        self._calls: list[Call] = []
        self._path: str | None = None
        self._remat = scopes.current_remat()
        self._seen_shapes: Any = None  # of the outputs of the latest call, for summaries

    # --- dtypes --------------------------------------------------------------------------

    @property
    def path(self) -> str:  # type: ignore[override]
        """The name with those of the layers in which this one was built, as in `model/dense`."""
        return self._path or self.name

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtypes of weights and computation."""
        policy = self._dtype_policy
        return policy[self.path] if isinstance(policy, DTypePolicyMap) else policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._dtype_policy = dtype_policies.get(value)

    @property
    def dtype(self) -> str:
        """The same as `variable_dtype`."""
        return self.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of new weights."""
        return self.dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype that float inputs, and weights while `call` runs, are cast to."""
        return self.dtype_policy.compute_dtype

    @property
    def input_dtype(self) -> str:
        """The same as `compute_dtype`."""
        return self.compute_dtype

    @property
    def quantization_mode(self) -> str | None:
        """ "int8" for a quantized layer, else None."""
        return self.dtype_policy.quantization_mode

    def quantize(
        self, mode: str | None = None, type_check: bool = True, config: Any = None
    ) -> None:
        """Keeps the weights in fewer bits: for Dense, EinsumDense and Embedding.

        Raises:
            NotImplementedError: for all other layers.
        """
        raise NotImplementedError(
            f"Layer {self.name} ({type(self).__name__}) cannot be quantized; Dense, EinsumDense "
            "and Embedding can."
        )

    def _cast_to(self) -> str | None:
        """What floats are cast to; None where they stay as they are."""
        return self.compute_dtype if self.autocast and dtypes.is_float(self.compute_dtype) else None

    def _floats(self, x: Tensor) -> Tensor:
        """Whole numbers as floats to compute with; floats as they are."""
        return x if dtypes.is_float(x.dtype) else ops.cast(x, self.compute_dtype)

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
        if trace.is_outermost():
            self._forget_call_losses()  # the outermost call on arrays
        signature = signature_of(type(self).call)
        args, kwargs = in_order(signature, args, kwargs)
        args, kwargs = as_tensors(args), as_tensors(kwargs)
        given = dict(kwargs)
        inputs = [x for x in tree.flatten([list(args), kwargs]) if isinstance(x, Tensor)]
        training = kwargs.get("training")
        if training is None:
            training = trace.current_phase()
            if training is not None and trace.current_trace() is None:
                given["training"] = training  # by K.set_learning_phase: replays keep to it
        if training is None:
            training = default_training(signature, inputs)
        with ExitStack() as stack:
            stack.enter_context(self._named_errors())
            stack.enter_context(trace.inside(self.name))
            stack.enter_context(trace.phase(training))
            self._check_inputs(args)
            if "training" in signature.parameters:
                kwargs["training"] = training
            elif not takes_any(signature):
                kwargs.pop("training", None)
            self._build_once(args, kwargs)
            self._pass_mask(signature, args, kwargs)
            symbolic = any(x.is_symbolic for x in inputs)
            effects = None
            if symbolic and trace.current_trace() is None:
                # Assignments made while a functional model is put together belong to the
                # graph, not to now.
                effects = stack.enter_context(trace.Trace(training))
            # Not over `args`: what is recorded is what the layer was called with.
            with trace.autocast(self._cast_to()):
                found = self._called(self._autocast(args), self._autocast(kwargs))
                outputs = self._finish(found, inputs)
            if symbolic:
                self._say_sizes(args, outputs)
            self._set_masks(args, given.get("mask"), inputs, outputs)
            self._regularize_activity(outputs)
        if symbolic:
            self._record(args, given, outputs, effects)
        self._seen_shapes = shapes_of(outputs)
        return outputs

    def _called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._remat is None:
            return self.call(*args, **kwargs)
        return scopes.rematerialized(self, self._remat, args, kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """A call on tensors that have no value yet."""
        return self(*args, **kwargs)

    def rematerialized_call(self, layer_call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What `layer_call` returns; its gradient computes it again (see `kerasish.remat`)."""
        return scopes.remat(layer_call)(*args, **kwargs)

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Errors within say which layer they come from: the innermost, if they don't themselves."""
        try:
            yield
        except (IndexError, TypeError, ValueError) as error:
            text = error.args[0] if len(error.args) == 1 else None
            if isinstance(text, str) and not hasattr(error, "of_layer"):
                error.of_layer = self.name  # type: ignore[union-attr]
                if not re.search(rf"\b{re.escape(self.name)}\b", text):
                    error.args = (f"Layer {self.name} ({type(self).__name__}): {text}",)
            raise

    def stateless_call(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """A call with other values of the variables; the layer itself stays as it is.

        Args:
            trainable_variables: values for `trainable_variables`.
            non_trainable_variables: values for `non_trainable_variables`.
            *args: what the layer is called with.
            return_losses: whether to return what the call adds to the loss too.
            **kwargs: likewise.

        Returns:
            The outputs, the new values of the non-trainable variables, and the losses if asked for.

        >>> from kerasish.layers import Dense
        >>> layer = Dense(1, use_bias=False)
        >>> layer.build((1, 2))
        >>> layer.stateless_call([np.ones((2, 1))], [], np.ones((1, 2)))[0].numpy()
        array([[2.]], dtype=float32)
        """
        fixed = self.non_trainable_variables
        with trace.Trace(training=kwargs.get("training")) as effects:
            for variables, values in (
                (self.trainable_variables, trainable_variables),
                (fixed, non_trainable_variables),
            ):
                for variable, value in zip(variables, values, strict=True):
                    variable.assign(value)
            outputs = self(*args, **kwargs)
            losses = self.losses
        after = [effects.updates[variable] for variable in fixed]
        return (outputs, after, losses) if return_losses else (outputs, after)

    def _build_once(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.built:
            return
        named = self._shapes_by_name(args, kwargs)
        if named:
            self._build_here(**named)
            return
        wanted = self._wanted_shapes()
        shapes = [shapes_in(x) for x in (*args, *kwargs.values()) if has_tensor(x)]
        if not shapes and any(p.default is p.empty for p in wanted[:1]):
            raise TypeError(
                f"Layer {self.name} ({type(self).__name__}) is built for the shape of a tensor "
                f"or an array, but was called with {(*args, *kwargs.values())!r:.80}."
            )
        self._build_here(*shapes[: max(len(wanted), 1)])

    def _wanted_shapes(self) -> list[inspect.Parameter]:
        """What `build` takes."""
        parameters = signature_of(type(self).build).parameters.values()
        return [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD][1:]

    def _shapes_by_name(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """What `build` of several shapes is given for a call, nothing if it takes a single one.

        As `build(query_shape, value_shape)` of `call(query, value)`.
        """
        arguments = self._named(args, kwargs)
        wanted = [p.name for p in self._wanted_shapes()]
        if len(wanted) < 2 or any(n.removesuffix("_shape") not in arguments for n in wanted[:2]):
            return {}
        named = {name: arguments.get(name.removesuffix("_shape")) for name in wanted}
        return {name: shapes_in(x) for name, x in named.items() if has_tensor(x)}

    def _named(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of `call` by name; masks may be missing that are yet to come."""
        signature = signature_of(type(self).call)
        where = f"Layer {self.name} ({type(self).__name__})"
        try:
            found = signature.bind_partial(self, *args, **kwargs).arguments
        except TypeError as error:
            takes = ", ".join(name for name in signature.parameters if name != "self")
            raise TypeError(f"{where}: {error} for its call, which takes: {takes}.") from None
        for name, parameter in signature.parameters.items():
            needed = parameter.default is parameter.empty and parameter.kind in NAMED_KINDS
            if needed and name not in found and name not in BY_NAME and "_mask" not in name:
                raise TypeError(f"{where}: its call needs the argument {name!r}.")
        return found

    def _build(self, *shapes: Any, **named: Any) -> None:
        """Makes the weights now, and all that follows from that."""
        with trace.inside(self.name):
            self._build_here(*shapes, **named)

    def _build_here(self, *shapes: Any, **named: Any) -> None:
        self._path = trace.current_path()
        self._building = True
        try:
            with trace.outside():
                self.build(*shapes, **named)
        finally:
            self._building = False
        self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)

    def _check_inputs(self, args: tuple[Any, ...]) -> None:
        for x in tree.flatten(list(args)):
            if isinstance(x, Tensor) and x.dtype == "string":
                raise TypeError(
                    f"Layer {self.name} ({type(self).__name__}) takes numbers, but got the strings "
                    f"{x.name}. Make numbers of them first, for example with TextVectorization."
                )
        if self.input_spec is not None and args:
            specs = self.input_spec if isinstance(self.input_spec, list) else [self.input_spec]
            kinds = (Tensor, type(None)) if any(s.optional for s in specs) else Tensor
            tensors = [x for x in tree.flatten(args[0]) if isinstance(x, kinds)]
            if len(tensors) != len(specs):
                raise ValueError(
                    f"Layer {self.name} expects {len(specs)} input(s), each a tensor or an array, "
                    f"but got {len(tensors)}: {args[0]!r:.80}."
                )
            for spec, x in zip(specs, tensors, strict=True):
                if x is not None or not spec.optional:
                    spec.check(x, self.name)

    def _autocast(self, arguments: Any) -> Any:
        wanted = self._cast_to()

        def cast(x: Any) -> Any:
            if isinstance(x, Tensor) and dtypes.is_float(x.dtype) and x.dtype != wanted:
                return _like(ops.cast(x, wanted), x)
            return x

        return arguments if wanted is None else tree.map_structure(cast, arguments)

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
        """The outputs as tensors, none of them the very object that came in.

        Of symbolic inputs they are symbolic, too, even if they follow from weights alone: a model
        is to know that they come from this layer.
        """
        taken = {id(x) for x in inputs}
        symbolic = any(x.is_symbolic for x in inputs)

        def finished(x: Any) -> Any:
            if x is None:
                return None
            tensor = as_tensor(x)
            leaf = isinstance(tensor, (Placeholder, Variable))
            loose = symbolic and not tensor.is_symbolic
            if loose or leaf or id(tensor) in taken:
                tensor = identity_p(tensor)
            tensor.is_symbolic = tensor.is_symbolic or symbolic
            return tensor

        if outputs is None:
            raise ValueError(f"Layer {self.name}: `call` returned None. Did it forget `return`?")
        return tree.map_structure(finished, outputs)

    def _set_masks(
        self, args: tuple[Any, ...], given: Any, inputs: list[Tensor], outputs: Any
    ) -> None:
        """Gives the outputs masks that follow from a `given` one, or else from the inputs'.

        The outputs of a layer that says nothing of masks keep those that layers within gave them.
        """
        custom = type(self).compute_mask is not Layer.compute_mask
        if not (custom or self.supports_masking):
            return
        if args and has_tensor(args[0]):
            inputs = [x for x in tree.flatten(args[0]) if isinstance(x, Tensor)]
        masks = [mask_of(x) for x in inputs]
        previous = given if given is not None else masks[0] if len(masks) == 1 else masks
        if not custom and all(m is None for m in tree.flatten(previous)):
            return
        result = self.compute_mask(inputs[0] if len(inputs) == 1 else inputs, previous)
        flat = tree.flatten(outputs)
        flat_masks = tree.flatten(result) if tree.is_nested(result) else [result] * len(flat)
        for output, mask in zip(flat, flat_masks, strict=False):
            if output is not None:
                output.mask = mask

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs. Passed on by layers that support masking."""
        if self.supports_masking:
            return next((m for m in tree.flatten(mask) if m is not None), None)
        return None

    def _regularize_activity(self, outputs: Any) -> None:
        if self.activity_regularizer is None:
            return
        for output in tree.flatten(outputs):
            if output is not None:
                # In 16 bits the sum, and even the batch size, may be too large a number.
                wide = ops.cast(output, dtypes.result_type(output.dtype, "float32"))
                # Per sample, so that the batch size does not change its weight.
                batch = ops.cast(ops.shape(wide)[0], wide.dtype)
                self.add_loss(self.activity_regularizer(wide) / batch)

    def _record(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any, effects: Any
    ) -> None:
        call = Call(self, args, kwargs, outputs)
        if effects is not None:
            call.updates = effects.updates
            self._calls.append(call)
            for x in call.inputs:
                if (source := getattr(x, "history", None)) is not None:
                    source.call.followers.append(weakref.ref(call))
        for i, output in enumerate(tree.flatten(outputs)):
            if output is not None:
                output.history = History(call, i, getattr(output, "history", None))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The shapes and dtypes of the outputs for inputs of given shapes and dtypes."""
        with trace.Trace():
            outputs = self(*tree.map_structure(_placeholder_like, list(args)), **kwargs)
        return outputs

    def compute_output_shape(self, *input_shapes: Any, **named_shapes: Any) -> Any:
        """The shape(s) of the output(s) for the shape(s) of the input(s), as `build` takes them."""
        inputs = [placeholders_of_shape(shape, self.compute_dtype) for shape in input_shapes]
        named = {
            name.removesuffix("_shape"): placeholders_of_shape(shape, self.compute_dtype)
            for name, shape in named_shapes.items()
            if shape is not None
        }
        first = [named.pop("input")] if "input" in named else []
        outputs = self.compute_output_spec(*first, *inputs, **named)
        return shapes_of(outputs)

    compute_output_shape.of_library = True  # type: ignore[attr-defined]

    # --- config --------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as plain data."""
        config = super().get_config()
        # Keras 2, and some layers of Keras 3, don't know these two: only where they say something.
        for name, default in (("activity_regularizer", None), ("autocast", True)):
            if config.get(name) == default:
                config.pop(name, None)
        return config | {
            "name": self.name,
            "trainable": self._trainable,
            "dtype": self._dtype_config(),
        }

    def _dtype_config(self) -> Any:
        """A dtype by its name, which all Kerases read; other policies as Keras 3 writes them."""
        policy = self._dtype_policy
        within = {x.path: x.dtype_policy for x in self._flatten_layers() if x.quantization_mode}
        if set(within) - {self.path}:
            policy = DTypePolicyMap(self.dtype_policy, within)
        plain = type(policy) is DTypePolicy and not policy.is_mixed
        return policy.name if plain else dtype_policies.serialize(policy)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A layer made of what `get_config` returned, of this library or of Keras."""
        known = parameters_of(cls)
        config = compat.layer_config(cls.__name__, config, known)
        if isinstance(config.get("dtype"), Mapping):
            config["dtype"] = dtype_policies.get(config["dtype"])
        # A user's layer may leave these out of its arguments; two of them can be set as well.
        apart = {k: v for k, v in config.items() if k in _OF_ALL_LAYERS and k not in known}
        layer = super().from_config({k: v for k, v in config.items() if k not in apart})
        layer.name = apart.get("name", layer.name)
        layer._trainable = apart.get("trainable", layer._trainable)
        layer.dtype_policy = apart.get("dtype", layer._dtype_policy)
        return layer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or (name.startswith("_") and "name" in self.__dict__):
            raise AttributeError(name)
        if isinstance(getattr(type(self), name, None), property):
            return object.__getattribute__(self, name)  # once more, for its own error
        own = self.__dict__.get("name", "")
        message = f"{type(self).__name__} {own!r} has no attribute {name!r}."
        if "name" not in self.__dict__:
            message += " Did __init__ forget to call super().__init__()?"
        elif not self.__dict__.get("built", True):
            message += " It is not built yet: call it, or its build, to make its weights."
        raise AttributeError(message + suggestion(name, dir(type(self))))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


_OF_ALL_LAYERS = ("name", "trainable", "dtype")


def _once_built(build: Any) -> Any:
    """`build` of a layer, after which the layer counts as built, whoever called it."""

    @functools.wraps(build)
    def whole(self: Layer, *shapes: Any, **named: Any) -> None:
        if self._building:
            build(self, *shapes, **named)
        else:
            self._build(*shapes, **named)

    return whole


def _checked_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"A layer's name must be a string, but got {name!r}.")
    return name


def _like(new: Tensor, old: Tensor) -> Tensor:
    new.mask = mask_of(old)  # type: ignore[attr-defined]
    return new


def _placeholder_like(x: Any) -> Any:
    return Placeholder(x.shape, x.dtype) if isinstance(x, Tensor) else x


def placeholders_of_shape(shape: Any, dtype: str) -> Any:
    """Placeholders for a shape, a list of shapes or a dict of shapes."""
    if isinstance(shape, dict):
        return {key: placeholders_of_shape(value, dtype) for key, value in shape.items()}
    if are_shapes(shape):
        return [placeholders_of_shape(item, dtype) for item in shape]
    return Placeholder(tuple(shape), dtype)
