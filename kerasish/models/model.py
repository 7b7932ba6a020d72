"""Model: a layer that can be trained."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from kerasish import ops, tree
from kerasish.compat import tensors as older
from kerasish.compat.arguments import by_name
from kerasish.graph import trace
from kerasish.graph.primitive import identity_p
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer, mask_of, placeholders_of_shape
from kerasish.layers.input import InputLayer
from kerasish.layers.preprocessing.base import as_data, has_symbolic
from kerasish.models.functional import LayerGraph
from kerasish.models.hosted import HostPart
from kerasish.saving.saveable import Saveable
from kerasish.training import checks
from kerasish.training.trainer import Trainer


class Model(Saveable, Trainer, Layer):
    """Layers put together, with training and inference.

    Two ways to make one. Functional: give the inputs and the outputs computed from them.
    Subclassing: make layers in `__init__`, use them in `call`.

    Args:
        inputs: an `Input` tensor, or a list or dict of them.
        outputs: the tensor(s) computed from them.
        name: of the model.
        trainable: whether optimizers change its weights.

    Example:
        >>> from kerasish import layers
        >>> x = layers.Input((4,))
        >>> model = Model(inputs=x, outputs=layers.Dense(2)(x))
        >>> model.predict(np.zeros((3, 4)), verbose=0).shape
        (3, 2)
    """

    _sizes_are_fixed = True  # whether inputs must have the sizes of the graph's

    def __init__(self, *args: Any, **kwargs: Any):
        args = tuple(arg for arg in args if arg is not self)  # as programs of tf.keras write it
        args, kwargs, ends = _ends(args, kwargs)
        super().__init__(*args, **kwargs)
        self._init_training()
        self._graph: LayerGraph | None = LayerGraph(*ends) if ends else None
        self._additions: list[Addition] = []
        if ends:
            self.built = True
            self.autocast = False  # each layer casts what comes in by its own policy

    # --- structure -----------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers directly within this model, in order."""
        return list(self._graph.layers) if self._graph else self._sublayers()

    def _sublayers(self) -> list[Layer]:
        if self._graph is None:
            return super()._sublayers()
        return list(dict.fromkeys([*self._graph.layers, *super()._sublayers()]))

    @property
    def inputs(self) -> Any:
        """The input tensors of a functional model as a list."""
        return self._graph.flat_inputs if self._graph else None

    @property
    def outputs(self) -> Any:
        """The output tensors of a functional model as a list."""
        return self._graph.flat_outputs if self._graph else None

    @property
    def input(self) -> Any:
        """The input tensor(s) of a functional model, nested as declared."""
        return self._graph.inputs if self._graph else super().input

    @property
    def output(self) -> Any:
        """The output tensor(s) of a functional model, nested as declared."""
        return self._graph.outputs if self._graph else super().output

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, as in dicts of data."""
        return [x.name for x in self.inputs or []]

    @property
    def _input_keys(self) -> list[str]:
        """The keys of dicts of data: those of the model's own dict of inputs, or their names."""
        declared = self._graph.inputs if self._graph else None
        return sorted(declared) if isinstance(declared, dict) else self.input_names

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs: those of the layers that make them."""
        return _unique([self._graph.origin(x)[0].name for x in self.outputs or []])  # type: ignore[union-attr]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its position.

        Raises:
            ValueError: if there is none; the message lists the names there are.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer takes either a name or an index.")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"The model has {len(self.layers)} layers, no number {index}.")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No layer called {name!r}. There are: {[x.name for x in self.layers]}.")

    # --- calling -------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if args and self._host is not None:
            args = (self._computed_on_host(args[0]), *args[1:])
        outputs = super().__call__(*args, **kwargs)
        if not self._makes_texts or trace.current_trace() is not None:
            return outputs
        if has_symbolic(tree.flatten(outputs)):
            raise TypeError(
                f"Model {self.name} has outputs of strings, so it cannot be a part of another: "
                "engines have none."
            )
        return self._with_texts(outputs)

    @property
    def _makes_texts(self) -> bool:
        return self._graph is not None and bool(self._graph.host.texts)

    def _with_texts(self, outputs: Any) -> Any:
        """Outputs, those of strings made of what the engine gave for them."""
        if not self._makes_texts or len(tree.flatten(outputs)) != len(self.outputs):
            return outputs
        return self._graph.host.with_texts(outputs)  # type: ignore[union-attr]

    @property
    def _host(self) -> HostPart | None:
        """What the host computes before the engine; None if that is nothing."""
        return (self._graph.host or None) if self._graph else None

    @property
    def _fed(self) -> dict[str, Tensor] | None:
        """What the engine is given, by its keys in dicts; None for a model with no graph."""
        if self._graph is None or self._host is not None:
            return self._graph.host.fed if self._graph else None
        flat, keys = self._graph.flat_inputs, self._input_keys
        return dict(zip(keys if len(keys) == len(flat) else self.input_names, flat, strict=True))

    def build(self, *input_shapes: Any, **named_shapes: Any) -> None:
        """Makes the weights of a model of one's own, by tracing `call` for inputs of these shapes.

        Args:
            *input_shapes: with the batch axis, nested as the arguments of `call`.
            **named_shapes: likewise; `x_shape` is that of the argument `x`.

        >>> class Twice(Model):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.dense = Dense(3)
        ...     def call(self, inputs):
        ...         return self.dense(self.dense(inputs))
        >>> from kerasish.layers import Dense
        >>> model = Twice()
        >>> model.build((None, 3))
        >>> model.count_params()
        12
        """

    def _build(self, *shapes: Any, **named: Any) -> None:
        super()._build(*shapes, **named)
        if self._graph is None and type(self).build is Model.build:
            arguments = inspect.signature(self.call).parameters
            inputs = [*shapes, *(x for key, x in named.items() if key[:-6] not in arguments)]
            others = {key[:-6]: x for key, x in named.items() if key[:-6] in arguments}
            like = functools.partial(placeholders_of_shape, dtype=self.compute_dtype)
            self.compute_output_spec(*map(like, inputs), **{k: like(x) for k, x in others.items()})

    def _computed_on_host(self, x: Any) -> Any:
        """What the engine is given for inputs, where the host computes some of it.

        Args:
            x: data, or symbolic tensors, which stay as they are.
        """
        host = self._host
        if host is None or host.is_fed(x) or has_symbolic(tree.flatten(x)):
            return x
        return host.compute([np.asarray(a) for a in self._in_order(as_data(x))], self.name)

    def _check_inputs(self, args: tuple[Any, ...]) -> None:
        if self._host is None:
            super()._check_inputs(args)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape(s) of the output(s) for the shape(s) of the input(s)."""
        if self._host is None:
            return super().compute_output_shape(input_shape)
        given = self._in_order(placeholders_of_shape(input_shape, self.compute_dtype))
        pairs = zip(given, self._graph.flat_inputs, strict=True)  # type: ignore[union-attr]
        inputs = [InputLayer(batch_shape=x.shape, dtype=like.dtype).output for x, like in pairs]
        with trace.Trace():
            outputs = self._graph.run(inputs)  # type: ignore[union-attr]
        return tree.map_structure(lambda x: x.shape, outputs)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Replays a functional model's layers; subclasses write their own."""
        if self._graph is None:
            raise NotImplementedError(
                f"Model {self.name} ({type(self).__name__}) has neither inputs and outputs nor a "
                "`call` of its own."
            )
        if mask is not None:
            inputs = self._masked(inputs, mask)
        if not self._additions:
            return _alone(self._replayed(self._graph, inputs))
        ends = [self._graph.outputs, *(addition.tensor for addition in self._additions)]
        outputs, *values = self._replayed(LayerGraph(self._graph.inputs, ends), inputs)
        for addition, value in zip(self._additions, values, strict=True):
            addition.add(value)
        return _alone(outputs)

    def _masked(self, inputs: Any, mask: Any) -> Any:
        """The inputs with the masks given for them."""
        tensors, masks = tree.flatten(inputs), tree.flatten(mask)
        if len(tensors) != len(masks):
            raise ValueError(
                f"Model {self.name}: mask must hold a mask or None for each of {len(tensors)} "
                f"input(s), but holds {len(masks)}."
            )
        pairs = zip(tensors, masks, strict=True)
        return tree.pack(inputs, [x if m is None else _with_mask(x, m) for x, m in pairs])

    def _check_lookups(self, kind: str, x: Any) -> None:
        """Data that an Embedding looks up must be numbers of its rows.

        Steps of one's own may make other numbers of the data first.
        """
        own = getattr(type(self), f"{kind}_step") is not getattr(Trainer, f"{kind}_step")
        if own or self._graph is None or self._host is not None or not self._graph.tables:
            return
        flat = self._in_order(x)
        for i, layer in self._graph.tables:
            checks.check_lookup(flat[i], layer.input_dim, layer.name, self.input_names[i])

    def _replayed(self, graph: LayerGraph, inputs: Any) -> Any:
        if self._host is None or not self._host.is_fed(inputs):
            return graph.run_on_engine(self._matched(inputs))
        fed = self._host.fed
        return graph.run_fed({key: _fitted(inputs[key], fed[key], self.name) for key in fed})

    def _matched(self, inputs: Any) -> list[Tensor]:
        """The inputs in the order of the model's, and of its shapes."""
        pairs = zip(self._in_order(inputs), self._graph.flat_inputs, strict=True)  # type: ignore[union-attr]
        sizes = self._sizes_are_fixed
        return [_fitted(x, expected, self.name, sizes) for x, expected in pairs]

    def _in_order(self, inputs: Any) -> list[Any]:
        """The leaves of inputs in the order of the model's."""
        graph: LayerGraph = self._graph  # type: ignore[assignment]
        if isinstance(inputs, dict) and not isinstance(graph.inputs, dict):
            missing = [name for name in self.input_names if name not in inputs]
            if missing:
                raise ValueError(
                    f"Model {self.name} needs an input called {missing[0]!r}; got "
                    f"{sorted(inputs)}. Its inputs are called {self.input_names}."
                )
            flat = [inputs[name] for name in self.input_names]
        elif isinstance(inputs, dict) and sorted(inputs) != sorted(graph.inputs):
            raise ValueError(
                f"Model {self.name} takes a dict with the keys {sorted(graph.inputs)}, but got "
                f"{sorted(inputs)}."
            )
        else:
            flat = tree.flatten(inputs)
        if len(flat) != len(graph.flat_inputs):
            more = len(flat) == len(graph.flat_inputs) + 1
            hint = " If the last one holds the targets, pass it as y." if more else ""
            raise ValueError(
                f"Model {self.name} takes {len(graph.flat_inputs)} input(s) "
                f"({', '.join(self.input_names)}), but got {len(flat)}.{hint}"
            )
        return flat

    # --- losses, metrics, states ---------------------------------------------------------

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds to what training makes small.

        Args:
            losses: a tensor (or several): computed in `call` of a model of one's own, or from the
                inputs and layers' outputs of a functional model. Or a function without arguments
                that computes one from weights.
            inputs: accepted from older programs; the graph knows what it depends on.
        """
        for loss in losses if isinstance(losses, (list, tuple)) else [losses]:
            if self._is_of_graph(loss, "add_loss"):
                self._additions.append(Addition(ops.mean(loss), super().add_loss))
            else:
                super().add_loss(loss)

    def add_metric(self, value: Any, name: str | None = None, aggregation: Any = "mean") -> None:
        """Shows the mean of a value over the batches among the logs.

        Args:
            value: a tensor computed in `call`, or from the tensors of a functional model.
            name: under which the logs have it.
            aggregation: "mean", or None for older programs, which is the same.
        """
        if not self._is_of_graph(value, "add_metric"):
            super().add_metric(value, name, aggregation)
            return
        add = functools.partial(super().add_metric, name=name, aggregation=aggregation)
        with trace.Trace():  # makes the metric now, so that mistakes come now
            add(value)
        self._additions.append(Addition(value, add))

    def _is_of_graph(self, value: Any, method: str) -> bool:
        """Whether a value is to be computed anew at each call of a functional model."""
        if not isinstance(value, Tensor) or not value.is_symbolic:
            return False
        if trace.current_trace() is not None:
            return False
        if self._graph is None:
            raise ValueError(
                f"Model {self.name}: {method}() got {value!r}, which depends on an Input, but the "
                "model has no inputs and outputs yet. Call it inside `call`."
            )
        return True

    def reset_states(self) -> None:
        """Lets the stateful layers within start anew."""
        for layer in self._flatten_layers():
            if layer is not self and layer.built and getattr(layer, "stateful", False):
                layer.reset_states()

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
    ) -> None:
        """Writes the model as a SavedModel, which runs where TensorFlow is, without this library.

        Its endpoint is `serve`: see `kerasish.export.ExportArchive`.

        Args:
            filepath: the directory.
            format: "tf_saved_model"; the others of Keras are not supported.
            verbose: whether to say what was written; None is yes.
            input_signature: a list of what says shape and dtype of each argument, as
                `ExportArchive.add_endpoint` takes it; the model's own if None.

        Raises:
            EngineNotInstalledError: TensorFlow is not there.
            NotImplementedError: for the other formats of Keras.
            ValueError: for any other; the shapes are not known; or the model computes something
                of a whole batch, changes variables, draws random numbers or takes strings.

        Example:
            >>> model.export("exported")  # doctest: +SKIP
        """
        from kerasish.export import export_model

        export_model(self, filepath, format, verbose, input_signature)

    def quantize(  # type: ignore[override]
        self, mode: str | None = None, config: Any = None, filters: Any = None
    ) -> None:
        """Quantizes the layers within that can be: Dense, EinsumDense and Embedding.

        If the model has been trained, its optimizer begins anew, without what it kept of weights
        that are not trained any more.

        Args:
            mode: "int8": see `Dense.quantize`.
            config: a `quantizers.Int8QuantizationConfig`.
            filters: which layers: a regular expression to be found in their names, a list of such,
                or a function of a layer; all if None.

        Raises:
            ValueError: a layer is not built, or for another mode.
            NotImplementedError: for the other modes of Keras.

        Example:
            >>> from kerasish import layers, models
            >>> model = models.Sequential([layers.Input((2,)), layers.Dense(1)])
            >>> model.quantize("int8")
            >>> model.layers[0].kernel.dtype
            'int8'
        """
        from kerasish.layers.quantized import quantize_layers

        quantize_layers(self, mode, config, filters)
        self._forget_steps()
        if self._trained is not None:
            here = set(self.trainable_weights)
            self._trained = [variable for variable in self._trained if variable in here]
        if self.optimizer is not None and self.optimizer.built:
            self.optimizer = type(self.optimizer).from_config(self.optimizer.get_config())

    # --- config --------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Prints the layers, their output shapes and numbers of parameters.

        Args:
            line_length: width of the table, that of its content if None.
            positions: relative widths of the columns, such as (0.4, 0.8, 1.0).
            print_fn: called with each line instead of `print`.
            expand_nested: whether to show the layers of models within.
            show_trainable: whether to add a column that says what is trainable.
            layer_range: names (or regular expressions) of the first and last layer to show.
        """
        from kerasish.utils.summary import print_summary

        print_summary(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range
        )

    def get_config(self) -> dict[str, Any]:
        """The configuration of the model and its layers as plain data."""
        from kerasish.models.config import functional_config, takes

        if self._graph is None or not takes(type(self), "inputs", "outputs"):
            return super().get_config()
        return functional_config(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """A model from the result of `get_config`, with fresh weights."""
        if "input_layers" not in config:
            return super().from_config(config)
        from kerasish.models.config import functional_from_config

        return functional_from_config(cls, config, custom_objects)


class Addition(NamedTuple):
    """What a functional model computes beside its outputs.

    Attributes:
        tensor: in the graph of the model.
        add: takes what the tensor is in a call of the model.
    """

    tensor: Tensor
    add: Callable[[Tensor], None]


def _ends(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any], Any]:
    """Takes inputs and outputs out of the arguments, if they are there.

    `input=` and `output=` are Keras 1's names.
    """
    kwargs = dict(kwargs)
    for old, new in (("input", "inputs"), ("output", "outputs")):
        if old in kwargs:
            if new in kwargs:
                raise TypeError(f"Model got {new!r} twice: {old!r} is an older name of it.")
            kwargs[new] = kwargs.pop(old)
    named = by_name("Model", ("inputs", "outputs", "name"), args, kwargs)
    if "inputs" not in named and "outputs" not in named:
        return args, kwargs, None
    absent = [name for name in ("inputs", "outputs") if named.get(name) is None]
    if absent:
        raise TypeError(f"Model needs both inputs and outputs; {absent[0]} is missing.")
    ends = [named.pop("inputs"), named.pop("outputs")]
    if older.single_ends_are_plain():
        ends = [x[0] if isinstance(x, list) and len(x) == 1 else x for x in ends]
    return (), named, ends


def _fitted(x: Any, expected: Tensor, model: str, sizes: bool = True) -> Tensor:
    """`x` as a tensor of the dtype of the model's input, its `sizes` or only its axes checked."""
    x = ops.convert_to_tensor(x)
    if x.ndim == expected.ndim - 1 and expected.shape[-1] == 1:
        x = _like(ops.expand_dims(x, -1), x)
    elif x.ndim == expected.ndim + 1 and x.shape[-1] == 1:
        x = _like(ops.squeeze(x, -1), x)
    fits = _fits(x, expected) if sizes else x.ndim == expected.ndim
    if older.models_check_tensors() and not fits:
        twice = expected.shape[1:2] == (None,) and expected.shape[1:] == (None, *x.shape[1:])
        raise ValueError(
            f"Model {model}: input {expected.name} must have shape "
            f"{format_shape(expected.shape)}, but got {format_shape(x.shape)}."
            + (" Input(shape=...) is given without the batch axis." if twice else "")
        )
    return x if x.dtype == expected.dtype else _like(ops.cast(x, expected.dtype), x)


def _fits(x: Tensor, expected: Tensor) -> bool:
    return x.ndim == expected.ndim and compatible(x.shape[1:], expected.shape[1:])


def _like(new: Tensor, old: Tensor) -> Tensor:
    new.mask = mask_of(old)  # type: ignore[attr-defined]
    return new


def _with_mask(x: Any, mask: Any) -> Any:
    """`x` itself if it has this mask, or else a tensor that has."""
    if mask_of(x) is mask:
        return x
    new = identity_p(ops.convert_to_tensor(x))
    new.mask = ops.convert_to_tensor(mask)
    return new


def _alone(outputs: Any) -> Any:
    """The tensor in a list or tuple of one, as models return it; anything else as it is."""
    alone = isinstance(outputs, (list, tuple)) and len(outputs) == 1
    return outputs[0] if alone else outputs


def _unique(names: list[str]) -> list[str]:
    """Repeated names numbered: out, out_1, out_2."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        count = seen[name] = seen.get(name, -1) + 1
        result.append(f"{name}_{count}" if count else name)
    return result
