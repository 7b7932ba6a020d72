"""Functions: a graph that can be called, specialised for the shapes it meets."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish import engines
from kerasish.graph import dtypes, passes, trace
from kerasish.graph.complex import is_complex
from kerasish.graph.concretize import concretize
from kerasish.graph.liveness import has_subgraphs, merge_loops, prune
from kerasish.graph.program import Program, build_program
from kerasish.graph.rewriting import rewrite
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.tensor import Constant, Node, Tensor
from kerasish.graph.variable import Variable

if TYPE_CHECKING:
    from kerasish.engines.base import Engine, Executable

# How many input signatures of one Function are kept compiled, the latest used ones.
CACHE_SIZE = 32

# Threads that meet the same new shapes wait for one to compile them. One lock for all Functions:
# they are copied with their owners, as locks cannot be.
_compiling = threading.RLock()


class RunCounter:
    """Counts runs that draw random numbers, so that each draws others.

    `kerasish.utils.set_random_seed` resets it, which makes a program repeatable.
    """

    def __init__(self) -> None:
        self.next = 0
        self._held: int | None = None
        self._taken = False

    def take(self, runs: int) -> int:
        """Reserves the numbers of `runs` runs and returns the first."""
        if self._held is not None:
            self._taken = True
            return self._held
        first, self.next = self.next, (self.next + runs) % 2**31
        return first

    @contextmanager
    def held(self) -> Iterator[None]:
        """All that runs within counts as one run, so that it sees the same random numbers."""
        self._held, self._taken = self.next, False
        try:
            yield
        finally:
            self._held = None
            if self._taken:
                self.take(1)


run_counter = RunCounter()


@dataclass
class Specialization:
    """A Function made for one engine and one input signature."""

    program: Program
    variables: list[Variable]
    executable: Executable
    draws: bool  # whether each run takes a new number from the run counter


class Function:
    """Computes `outputs` from `inputs` and applies `updates`, all together, afterwards.

    Args:
        inputs: the placeholders (or other tensors) that get values in each call.
        outputs: the tensors to compute.
        updates: variable -> new value (a mapping or pairs).
        training: decides `in_train_phase` wherever it was left open.
        name: for messages and printed programs.

    Attributes:
        eager: whether each run goes operation by operation, uncompiled.
        jit: True or False demands or forbids the engine's just-in-time compiler; None leaves
            the choice to the engine.
        warm_up: whether the first runs may go another way than later ones, one that starts at
            once (op by op, say) and rounds otherwise. Without, all runs of a shape are alike.

    >>> x = Placeholder((None, 2), "float32")
    >>> f = Function([x], [x * 2])
    >>> f(np.ones((1, 2)))
    [array([[2., 2.]], dtype=float32)]
    """

    def __init__(
        self,
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        updates: Any = (),
        *,
        training: bool = False,
        name: str = "function",
    ):
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.updates = list(updates.items() if isinstance(updates, Mapping) else updates)
        self.training = training
        self.name = name
        self.eager = False
        self.jit: bool | None = None
        self.warm_up = True
        self._cache: OrderedDict[Any, Specialization] = OrderedDict()

    def __call__(self, *arrays: Any, run: int | None = None) -> list[np.ndarray]:
        """Runs once.

        Args:
            *arrays: one per input.
            run: what draws depend on, besides their seeds: equal numbers give equal draws; the
                next one in the program if None.

        Returns:
            One array per output.
        """
        values = self._checked(arrays)
        special = self.specialize(
            [Spec(v.shape, t.dtype) for v, t in zip(values, self.inputs, strict=True)]
        )
        counter = self._prepare(special, runs=1)
        outputs = special.executable(values, counter if run is None else run)
        return [_given_away(out) for out in outputs]

    def run_steps(
        self, data: Sequence[Any], order: np.ndarray, collect: bool = False
    ) -> list[np.ndarray]:
        """Runs many steps in one native call.

        Args:
            data: per input, an array on the engine (`engine.put`) of all samples.
            order: int32 [steps, batch]: which samples each step takes.
            collect: whether to return every step's outputs, stacked, or the last step's.
        """
        batch = order.shape[1]
        special = self.specialize(
            [Spec((batch, *d.shape[1:]), t.dtype) for d, t in zip(data, self.inputs, strict=True)]
        )
        counter = self._prepare(special, runs=len(order))
        outputs = special.executable.run_steps(data, order, counter, collect)
        return [_given_away(out) for out in outputs]

    def _prepare(self, special: Specialization, runs: int) -> int:
        for variable, _ in self.updates:
            variable.keep_for_readers()
        engine = engines.current_engine()
        for variable in special.variables:
            variable.place_on(engine)
        return run_counter.take(runs) if special.draws else 0

    def _checked(self, arrays: Sequence[Any]) -> list[Any]:
        if len(arrays) != len(self.inputs):
            raise TypeError(
                f"{self.name} takes {len(self.inputs)} arguments "
                f"({', '.join(t.name for t in self.inputs)}), but got {len(arrays)}."
            )
        return [_fitting(a, t, self.name) for a, t in zip(arrays, self.inputs, strict=True)]

    def specialize(self, specs: Sequence[Spec]) -> Specialization:
        """The Function compiled for inputs of `specs` on the current engine."""
        engine = engines.current_engine()
        key = (engine.name, tuple(specs), self.warm_up)
        special = self._cache.get(key)
        if special is None:
            special = self._add(key, engine, specs)
        with suppress(KeyError):  # another thread may have pushed it out
            self._cache.move_to_end(key)
        return special

    def _add(self, key: Any, engine: Engine, specs: Sequence[Spec]) -> Specialization:
        with _compiling:
            special = self._cache.get(key) or self._compile(engine, specs)
            self._cache[key] = special
            if len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
        return special

    def _compile(self, engine: Engine, specs: Sequence[Spec]) -> Specialization:
        program, variables = self.lower(specs, engine)
        engine.check(program)
        make = engine.interpret if self.eager else engine.compile
        return Specialization(program, variables, make(program), program.is_random)

    @trace.lowering()
    @trace.autocast(None)
    def lower(self, specs: Sequence[Spec], engine: Engine) -> tuple[Program, list[Variable]]:
        """The Program for inputs of `specs`, and the variables that it uses."""
        targets = [variable for variable, _ in self.updates]
        results = [*self.outputs, *(value for _, value in self.updates)]
        inputs, results = concretize(self.inputs, specs, results, self.training, engine)
        loops = has_subgraphs(results)
        if loops:
            results = merge_loops(results)
        results = passes.expand_composites(results, engine.lowers)
        results = passes.simplify(rewrite(results), _fold)
        if loops:
            results = prune(results)
        count = len(self.outputs)
        outputs, updates = results[:count], zip(targets, results[count:], strict=True)
        return build_program(self.name, inputs, outputs, list(updates), self.jit, self.warm_up)

    @property
    def program(self) -> Program:
        """The Program that ran last (inputs of fixed shapes need no run)."""
        if self._cache:
            return next(reversed(self._cache.values())).program
        return self.specialize([t.spec for t in self.inputs]).program


def _fitting(value: Any, placeholder: Tensor, where: str) -> Any:
    array = np.asarray(value)
    if not compatible(array.shape, placeholder.shape):
        raise ValueError(
            f"{where}: argument {placeholder.name} must have shape "
            f"{format_shape(placeholder.shape)}, but got {format_shape(array.shape)}."
        )
    if is_complex(array):
        raise TypeError(
            f"{where}: argument {placeholder.name} must be {placeholder.dtype}, but got complex "
            "numbers. Give their real and imaginary parts."
        )
    return array.astype(dtypes.numpy_dtype(placeholder.dtype), copy=False)


def _given_away(output: Any) -> np.ndarray:
    """What an engine returned as an array that the caller may change."""
    array = np.asarray(output)
    return array if array.flags.writeable else array.copy()


def _fold(node: Node) -> list[np.ndarray] | None:
    """The node's value computed by the reference engine, if it can."""
    reference = engines.reference()
    if not reference.lowers(node.primitive.name):
        return None
    values = [t.value for t in node.inputs if isinstance(t, Constant)]
    return reference.apply(node.primitive.name, values, node.attrs)
