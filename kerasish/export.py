"""Models for programs that know nothing of this library: SavedModels of TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import config, tree
from kerasish.engines import foreign
from kerasish.graph import dtypes, trace
from kerasish.graph.function import Function
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.graph.variable import Variable
from kerasish.layers.base import Layer

__all__ = ["ExportArchive"]

_FORMATS = ("tf_saved_model",)
# Those of Keras, so that their names are known.
_OTHERS = "onnx openvino litert torch".split()


class ExportArchive:
    """A SavedModel of TensorFlow, put together of functions.

    TensorFlow must be installed; the engine that is in use does not matter. What is written runs
    in any program that has TensorFlow, as `tf.saved_model.load(path).serve(x)`, and here as
    `layers.TFSMLayer(path)`. Functions are those of inference. Batches may have any size, all
    other sizes are fixed.

    Example:
        >>> from kerasish import KerasTensor, layers, models
        >>> model = models.Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> archive = ExportArchive()
        >>> archive.track(model)
        >>> archive.add_endpoint("serve", model.call, [KerasTensor((None, 4))])
        >>> archive.write_out("exported")  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._layers: list[Layer] = []
        self._functions: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
        self._collections: dict[str, list[Variable]] = {}

    def track(self, resource: Layer) -> None:
        """Has the variables of a layer or model in the archive.

        Raises:
            ValueError: it is none, or has no weights yet.
        """
        if not isinstance(resource, Layer):
            raise ValueError(f"ExportArchive.track takes a layer or model, but got {resource!r}.")
        if not resource.built:
            raise ValueError(
                f"ExportArchive.track: layer {resource.name} is not built. Call it on data first."
            )
        self._layers.append(resource)

    def add_endpoint(
        self, name: str, fn: Callable[..., Any], input_signature: Sequence[Any] | None = None
    ) -> None:
        """Adds a function.

        Args:
            name: that it is called by.
            fn: takes and returns tensors, nested as it likes: a model, its `call`, or a function of
                one's own. Each sample must be computed by itself.
            input_signature: for each argument of `fn` what says shape and dtype: a KerasTensor, an
                InputSpec, a `tf.TensorSpec`, nested likewise. The first size, that of the batch,
                is None. A model knows its own.

        Raises:
            ValueError: the name is taken, or shapes are not known.
        """
        if name in self._functions:
            raise ValueError(f"ExportArchive: there is already an endpoint {name!r}.")
        if input_signature is None:
            input_signature = _signature_of(fn)
        arguments = tree.map_structure(_placeholder, list(input_signature))
        self._functions[name] = (fn, tuple(arguments))

    def track_and_add_endpoint(
        self, name: str, resource: Layer, input_signature: Sequence[Any] | None = None
    ) -> None:
        """`track` and `add_endpoint` in one."""
        self.track(resource)
        self.add_endpoint(name, resource, input_signature)

    def add_variable_collection(self, name: str, variables: Sequence[Variable]) -> None:
        """Has a list of variables in the archive, as an attribute of what is loaded."""
        self._collections[name] = list(variables)

    def write_out(
        self, filepath: str | os.PathLike[str], options: Any = None, verbose: bool = True
    ) -> None:
        """Writes the archive.

        Args:
            filepath: the directory.
            options: must be None.
            verbose: whether to say what was written.

        Raises:
            EngineNotInstalledError: TensorFlow is not there.
            ValueError: there are no endpoints; or one computes something of a whole batch,
                changes variables, or draws random numbers.
        """
        if options is not None:
            raise ValueError(f"ExportArchive.write_out: options must be None, but got {options!r}.")
        if not self._functions:
            raise ValueError("ExportArchive.write_out: there is no endpoint. Call add_endpoint.")
        engine = foreign.engine_of("a SavedModel")
        variables = {v.key: v for layer in self._layers for v in layer.weights}
        variables |= {v.key: v for listed in self._collections.values() for v in listed}
        endpoints = []
        for name, (fn, arguments) in self._functions.items():
            endpoint, used = _endpoint(engine, name, fn, arguments)
            endpoints.append(endpoint)
            variables |= {v.key: v for v in used}
        path = Path(os.path.expanduser(os.fsdecode(filepath)))
        engine.save_model(
            str(path),
            endpoints=endpoints,
            values={key: (v.path, v.numpy(), v.trainable) for key, v in variables.items()},
            collections={name: [v.key for v in vs] for name, vs in self._collections.items()},
        )
        if verbose:
            for endpoint in endpoints:
                shapes = ", ".join(str(x.spec) for x in tree.flatten(list(endpoint["inputs"])))
                print(f"{path}: {endpoint['name']}({shapes})")


def export_model(
    model: Any, filepath: Any, format: str, verbose: bool | None, input_signature: Any
) -> None:
    """`Model.export`."""
    if format in _OTHERS:
        raise NotImplementedError(
            f"Model {model.name}: export to {format!r} is not supported. The format is "
            f"{_FORMATS[0]!r}."
        )
    if format not in _FORMATS:
        raise ValueError(
            f"Model {model.name}: export knows the format {_FORMATS[0]!r}, but got {format!r}."
        )
    archive = ExportArchive()
    archive.track_and_add_endpoint("serve", model, input_signature)
    archive.write_out(filepath, verbose=verbose is not False)


def _placeholder(x: Any) -> Placeholder:
    """Whatever has a shape and a dtype."""
    shape, dtype = getattr(x, "shape", None), getattr(x, "dtype", None)
    if shape is None:
        raise ValueError(
            "ExportArchive: input_signature takes KerasTensors, InputSpecs or tf.TensorSpecs with "
            f"a shape, but got {x!r:.80}."
        )
    sizes = tuple(None if n is None else int(n) for n in shape)
    if not sizes or None in sizes[1:]:
        raise ValueError(
            "ExportArchive: all sizes but that of the batch, which comes first, must be known, but "
            f"got {format_shape(sizes)}. Say them in input_signature."
        )
    texts = getattr(dtype, "name", dtype) == "string"
    return Placeholder((None, *sizes[1:]), "string" if texts else dtypes.standardize(dtype))


def _signature_of(fn: Any) -> list[Any]:
    """What a model takes."""
    owner = getattr(fn, "__self__", fn)
    graph = getattr(owner, "_graph", None)
    if graph is not None:
        return [graph.inputs]
    calls = getattr(owner, "_calls", None)
    if not calls:
        raise ValueError(
            f"ExportArchive: the shapes of what {getattr(owner, 'name', owner)} takes are not "
            "known. Give an input_signature, such as [KerasTensor((None, 4))]."
        )
    return list(calls[0].args[:1])


def _endpoint(
    engine: Any, name: str, fn: Callable[..., Any], arguments: tuple[Any, ...]
) -> tuple[Any, list[Variable]]:
    """What the engine is to save, and the variables in it."""
    inputs: list[Tensor] = tree.flatten(list(arguments))
    if any(x.dtype == "string" for x in inputs):
        raise ValueError(
            f"ExportArchive: the endpoint {name!r} takes strings, which engines have not. Export "
            "the part of the model behind the layers that make numbers of them."
        )
    with trace.Trace(training=False) as effects:
        outputs = fn(*arguments)
    if effects.updates:
        raise ValueError(
            f"ExportArchive: the endpoint {name!r} changes "
            f"{', '.join(v.path for v in effects.updates)}, which a saved function cannot."
        )
    function = Function(inputs, tree.flatten(outputs), name=name)
    programs: dict[int, Any] = {}
    variables: list[Variable] = []
    for size in (1, engine.samples_saved_at_once):
        sized = [Spec((size, *x.shape[1:]), x.dtype) for x in inputs]
        programs[size], variables = function.lower(sized, engine)
        engine.check(programs[size])
        if programs[size].is_random:
            raise ValueError(f"ExportArchive: the endpoint {name!r} draws random numbers.")
    _check_samples(engine, function)
    return (
        {
            "name": name,
            "inputs": arguments,
            "names": _names(arguments, fn),
            "outputs": tree.map_structure(lambda x: None, outputs),
            "programs": programs,
        },
        variables,
    )


def _names(arguments: tuple[Any, ...], fn: Any) -> list[str]:
    """Names of the inputs for the signature: keys of dicts, names of Inputs, or numbers."""
    if len(arguments) == 1 and isinstance(arguments[0], Mapping):
        return sorted(arguments[0])
    graph = getattr(getattr(fn, "__self__", fn), "_graph", None)
    count = len(tree.flatten(list(arguments)))
    if graph is not None and len(graph.flat_inputs) == count:
        return [x.name for x in graph.flat_inputs]
    return [f"input_{i}" for i in range(count)]


def _check_samples(engine: Any, function: Function) -> None:
    """Raises ValueError if what is computed of a sample depends on the others."""
    random = np.random.RandomState(0)
    arrays = []
    for x in function.inputs:
        drawn = random.normal(size=(3, *map(int, x.shape[1:])))  # type: ignore[arg-type]
        arrays.append(np.asarray(drawn if dtypes.is_float(x.dtype) else drawn > 0, x.dtype))
    with config.backend_scope(engine.name):
        whole = function(*arrays)
        alone = [function(*(x[i : i + 1] for x in arrays)) for i in range(3)]
    for result, parts in zip(whole, zip(*alone, strict=True), strict=True):
        fits = result.ndim and len(result) == 3
        if not fits or not np.allclose(result, np.concatenate(parts), 1e-3, 1e-4, equal_nan=True):
            raise ValueError(
                f"ExportArchive: what the endpoint {function.name!r} computes of a sample depends "
                "on the others in its batch, or has no batch axis, so it cannot be saved for "
                "batches of any size."
            )
