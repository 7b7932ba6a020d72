"""SavedModels: programs of ours as functions of TensorFlow's, with their variables, in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.engines.tensorflow.interpret import Interpreter
from kerasish.engines.tensorflow.library import tf
from kerasish.graph.program import Program
from kerasish.graph.spec import Spec


@dataclass(frozen=True)
class Endpoint:
    """A function to be saved.

    Attributes:
        name: what it is called by.
        inputs: the specs of its arguments, nested as it takes them; batch sizes are None.
        names: of the inputs, in order, for the signature.
        outputs: as nested as the outputs, with whatever leaves.
        programs: batch size -> the program for that many samples: of 1 and of a larger number, so
            many of which are computed at a time where there are as many.
    """

    name: str
    inputs: tuple[Any, ...]
    names: Sequence[str]
    outputs: Any
    programs: Mapping[int, Program]


def save(
    path: str,
    endpoints: Sequence[Mapping[str, Any]],
    values: Mapping[int, tuple[str, np.ndarray, bool]],
    collections: Mapping[str, Sequence[int]],
) -> None:
    """Writes a SavedModel.

    Args:
        path: the directory.
        endpoints: the attributes of an `Endpoint` each; the first is served by default.
        values: variable key -> its name, value, and whether it trains.
        collections: attribute -> keys of variables.
    """
    module = tf.__internal__.tracking.AutoTrackable()
    variables = {
        key: tf.Variable(value, trainable=trains, name=name)
        for key, (name, value, trains) in values.items()
    }
    kept = list(variables.values())
    # As Keras 3 names them.
    module.variables = kept
    module.trainable_variables = [v for v in kept if v.trainable]
    module.non_trainable_variables = [v for v in kept if not v.trainable]
    for name, keys in collections.items():
        setattr(module, name, [variables[key] for key in keys])
    signatures = {}
    for endpoint in [Endpoint(**attributes) for attributes in endpoints]:
        run = _function(endpoint, variables)
        specs = tree.map_structure(_spec, list(endpoint.inputs))
        function = tf.function(run, input_signature=specs, autograph=False)
        setattr(module, endpoint.name, function)
        signatures[endpoint.name] = _signature(endpoint, run)
    signatures["serving_default"] = next(iter(signatures.values()))
    tf.saved_model.save(module, path, signatures)


class _Read:
    """A variable whose value is there already."""

    def __init__(self, value: Any):
        self._value = value

    def read_value(self) -> Any:
        return self._value


def _spec(spec: Spec) -> Any:
    return tf.TensorSpec(spec.shape, spec.dtype)


def _signature(endpoint: Endpoint, run: Any) -> Any:
    """The endpoint as a function of named tensors that returns named tensors."""
    flat = tree.flatten(list(endpoint.inputs))
    named = {
        name: tf.TensorSpec(spec.shape, spec.dtype, name=name)
        for name, spec in zip(endpoint.names, flat, strict=True)
    }

    def function(**tensors: Any) -> dict[str, Any]:
        flat = [tensors[name] for name in endpoint.names]
        results = run(*tree.pack(list(endpoint.inputs), flat))
        if isinstance(results, dict):
            return results
        return {f"output_{i}": x for i, x in enumerate(tree.flatten(results))}

    return tf.function(function, autograph=False).get_concrete_function(**named)


def _function(endpoint: Endpoint, variables: Mapping[int, Any]) -> Any:
    read: dict[int, Any] = {}
    runs = {size: Interpreter(program, read) for size, program in endpoint.programs.items()}
    specs = [runs[1].specs[i] for i in runs[1].program.outputs]

    def of(size: int, inputs: Sequence[Any], start: Any) -> list[Any]:
        parts = [tf.ensure_shape(x[start : start + size], [size, *x.shape[1:]]) for x in inputs]
        return runs[size](parts, tf.constant(0, tf.int64), fuse=False)

    def run(*inputs: Any) -> Any:
        # Outside of the loops: their gradients know nothing of variables.
        read.update((key, _Read(variable.read_value())) for key, variable in variables.items())
        flat = tree.flatten(list(inputs))
        count = tf.shape(flat[0])[0]
        many = max(runs)
        chunks = count // many
        parts = []
        for size, first, rounds in (
            (many, 0, chunks),
            (1, chunks * many, count - chunks * many),
        ):
            stacks = [
                tf.TensorArray(s.dtype, rounds, element_shape=[size, *s.shape[1:]]) for s in specs
            ]

            def step(i: Any, stacks: Any, size: int = size, first: Any = first) -> Any:
                results = of(size, flat, first + i * size)
                return i + 1, [s.write(i, x) for s, x in zip(stacks, results, strict=True)]

            _, stacks = tf.while_loop(
                lambda i, _, rounds=rounds: i < rounds, step, (tf.constant(0), stacks)
            )
            parts.append([s.concat() for s in stacks])
        whole = [tf.concat(pair, 0) for pair in zip(*parts, strict=True)]
        return tree.pack(endpoint.outputs, whole)

    return run
