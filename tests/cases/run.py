"""Runs the cases of a table on an engine: all in one Function, since compiling takes longest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cases.case import Case

from kerasish import config, ops
from kerasish.engines import current_engine
from kerasish.engines.base import MissingOperationError
from kerasish.graph import dtypes, passes
from kerasish.graph.concretize import concretize
from kerasish.graph.function import Function, _fold
from kerasish.graph.primitive import PRIMITIVES
from kerasish.graph.program import build_program
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Placeholder, Tensor

EVERY_COMPOSITE = {name for name, p in PRIMITIVES.items() if p.expansion is not None}


class Expanded(Function):
    """A Function whose composites are all expanded, whatever the engine takes whole."""

    def lower(self, specs, engine):
        return super().lower(specs, _WithoutComposites(engine))


class _WithoutComposites:
    def __init__(self, engine):
        self.native_gradients = engine.native_gradients
        self.higher_gradients = engine.higher_gradients
        self.without_gradient = engine.without_gradient
        self.lowers = lambda op: op not in EVERY_COMPOSITE and engine.lowers(op)


class _TakesAll:
    native_gradients = False
    without_gradient = ()

    def lowers(self, op):
        return True


class ByRules(Function):
    """A Function differentiated by our rules, those of composites included."""

    def lower(self, specs, engine):
        inputs, results = concretize(
            self.inputs, specs, self.outputs, self.training, _TakesAll(), by_rules=True
        )
        results = passes.expand_composites(results, engine.lowers)
        return build_program(self.name, inputs, passes.simplify(results, _fold), ())


class InBulk(Function):
    """A Function that runs many equal steps at once and returns the last one's outputs.

    Each input arrives as a batch of one sample, which holds all of it.
    """

    STEPS = 34  # more than any engine takes to make up its mind to compile

    def __init__(self, inputs, outputs, **options):
        batches = [Placeholder((1, *x.shape), x.dtype) for x in inputs]
        whole = {x: ops.reshape(b, x.shape) for x, b in zip(inputs, batches, strict=True)}
        super().__init__(batches, passes.replace(outputs, whole), **options)

    def __call__(self, *arrays):
        data = [current_engine().put(x[None]) for x in arrays]
        return self.run_steps(data, np.zeros((self.STEPS, 1), "int32"))


@dataclass
class Built:
    """A case as a graph.

    Attributes:
        arrays: the values of its inputs.
        refusal: why the engine refuses it; empty if it does not.
        refused_gradients: why it refuses the gradients.
    """

    case: Case
    arrays: list[np.ndarray]
    inputs: list[Placeholder]
    outputs: list[Tensor]
    grads: list[Tensor] = field(default_factory=list)
    refusal: str = ""
    refused_gradients: str = ""

    def shifted(self, step: float) -> list[np.ndarray]:
        """The inputs, the floats moved by `step` in the direction of this case."""
        if not step:
            return self.arrays
        return [
            x + np.asarray(step * d, x.dtype)
            for x, d in zip(self.arrays, self.directions(), strict=True)
        ]

    def directions(self) -> list[Any]:
        rng = self.case.rng()
        return [
            rng.uniform(-1, 1, x.shape) if dtypes.is_float(x.dtype.name) else np.zeros_like(x)
            for x in self.arrays
        ]


@dataclass
class Outcome:
    """What an engine made of a case; `error` instead if it failed."""

    built: Built
    values: list[np.ndarray] = field(default_factory=list)
    grads: list[np.ndarray] = field(default_factory=list)
    error: Exception | None = None

    def loss(self) -> float:
        """The weighted sum of the values, whose gradients are `grads`."""
        weights = self.built.case.weights(self.values)
        return sum(
            float(np.sum(w.astype("float64") * v))
            for w, v in zip(weights, self.values, strict=True)
            if dtypes.is_float(v.dtype.name)
        )


def has_gradient(case: Case) -> bool:
    """Whether gradients of the case are compared: floats in, floats out."""
    if not case.grad or case.reference is None:
        return False
    floats_in = any(dtypes.is_float(x.dtype.name) for x in case.inputs)
    return floats_in and any(dtypes.is_float(y.dtype.name) for y in case.expected())


def placeholders(case: Case, arrays: Sequence[np.ndarray], known: bool = False):
    """One per input; unless `known`, with an unknown first size where the case says so."""
    return [
        Placeholder(
            (None, *x.shape[1:]) if x.ndim and i in case.batch and not known else x.shape,
            x.dtype.name,
            name=f"input_{i}",
        )
        for i, x in enumerate(arrays)
    ]


def outputs_of(case: Case, inputs: Sequence[Any]) -> list[Tensor]:
    result = case.fn(*inputs)
    return [
        ops.convert_to_tensor(t)
        for t in (result if isinstance(result, (tuple, list)) else [result])
    ]


def build(case: Case, floats: str = "float32", known: bool = False) -> Built:
    """The graph of a case, float32 inputs made `floats`."""
    arrays = [x.astype(floats) if x.dtype == "float32" else x for x in case.inputs]
    inputs = placeholders(case, arrays, known)
    built = Built(case, arrays, inputs, outputs_of(case, inputs))
    if has_gradient(case):
        weights = case.weights(case.expected())
        loss = sum(
            ops.sum(y * ops.cast(w, y.dtype))
            for y, w in zip(built.outputs, weights, strict=True)
            if dtypes.is_float(y.dtype)
        )
        wanted = [x for x in inputs if dtypes.is_float(x.dtype)]
        built.grads = ops.gradients(loss, wanted)
    return built


def refusal(engine, program) -> str:
    """Why the engine refuses the Program before it runs, empty if it does not.

    What it does not lower must be a declared gap.
    """
    undeclared = [op for op in program.ops if not (engine.lowers(op) or engine.gap(op))]
    assert not undeclared, f"{engine.name} neither lowers {undeclared} nor declares a gap."
    try:
        engine.check(program)
    except MissingOperationError as error:
        return str(error)
    return ""


class Table:
    """The cases of a table as graphs, ready to run on the current engine.

    Args:
        engine: the engine.
        cases: the cases.
        floats: what float32 inputs are made.
        kind: the class of Function.
    """

    def __init__(self, engine, cases, floats="float32", kind=Function):
        self.engine, self.kind, self.floats = engine, kind, floats
        self.failed: dict[str, Exception] = {}
        self.built: list[Built] = []
        self.functions: dict[tuple[str, ...], Function] = {}
        for case in cases:
            self._add(case)

    def _add(self, case: Case) -> None:
        with _floatx(self.floats):
            try:
                built = build(case, self.floats, known=self.kind is InBulk)
                built.refusal = self._refusal(built, built.outputs)
                built.refused_gradients = self._refusal(built, built.grads)
            except Exception as error:
                self.failed[case.name] = error
                return
        if built.refused_gradients:
            built.grads = []
        self.built.append(built)

    def _refusal(self, built: Built, results: list[Tensor]) -> str:
        kind = Function if self.kind is InBulk else self.kind
        function = kind(built.inputs, results, training=built.case.training)
        program, _ = function.lower([_spec(x) for x in built.arrays], self.engine)
        return refusal(self.engine, program)

    def run(self, step: float = 0.0) -> dict[str, Outcome]:
        """The outcome of each case by name; `step` moves the inputs for finite differences."""
        able = [b for b in self.built if not b.refusal]
        outcomes = {b.case.name: Outcome(b) for b in self.built if b.refusal}
        for training in (False, True):
            some = [b for b in able if b.case.training is training]
            outcomes.update(self._run(some, step) if some else {})
        for name, error in self.failed.items():
            outcomes[name] = Outcome(None, error=error)
        return outcomes

    def _run(self, some: list[Built], step: float) -> dict[str, Outcome]:
        try:
            return self._run_together(some, step)
        except Exception as error:
            if len(some) == 1:
                return {some[0].case.name: Outcome(some[0], error=error)}
        # Someone among them fails: find out who, without a compilation for each.
        half = len(some) // 2
        return self._run(some[:half], step) | self._run(some[half:], step)

    def _run_together(self, some: list[Built], step: float) -> dict[str, Outcome]:
        key = tuple(b.case.name for b in some)
        function = self.functions.get(key)
        if function is None:
            function = self.functions[key] = self.kind(
                [x for b in some for x in b.inputs],
                [y for b in some for y in (*b.outputs, *b.grads)],
                training=some[0].case.training,
                name="cases",
            )
        with _floatx(self.floats), np.errstate(all="ignore"):
            results = iter(function(*(x for b in some for x in b.shifted(step))))
        return {
            b.case.name: Outcome(
                b, [next(results) for _ in b.outputs], [next(results) for _ in b.grads]
            )
            for b in some
        }


class _floatx:
    def __init__(self, name: str):
        self.name = name

    def __enter__(self):
        self.before = config.floatx()
        config.set_floatx(self.name)

    def __exit__(self, *exc):
        config.set_floatx(self.before)


def _spec(array):
    return Spec(array.shape, array.dtype.name)
