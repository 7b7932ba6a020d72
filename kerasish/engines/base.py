"""The interface of an engine: what runs a Program.

An engine knows the names of primitives and plain data, nothing of layers or models.
`docs/engines/add-an-engine.md` walks through writing one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from kerasish.graph.native import NativeFunction
from kerasish.graph.program import Instruction, Program
from kerasish.graph.spec import Spec

_NATIVE_CALL = "native_call"
_NATIVE_GAP = "it has no functions of its own that a user's program could call"


class MissingOperationError(NotImplementedError):
    """A Program uses operations that the engine does not lower."""


class Executable(ABC):
    """A compiled Program."""

    @abstractmethod
    def __call__(self, inputs: Sequence[Any], counter: int) -> list[Any]:
        """Runs once: computes the outputs, then applies the updates to the engine's store.

        Args:
            inputs: one array per program input.
            counter: the run counter, mixed into the random numbers that are `counted`.

        Returns:
            One value per output, of any type that `np.asarray` takes.
        """

    @abstractmethod
    def run_steps(
        self, data: Sequence[Any], order: np.ndarray, counter: int, collect: bool
    ) -> list[Any]:
        """Runs one step per row of `order`, in one native call.

        Args:
            data: per program input, what `Engine.put` returned for all its samples.
            order: int32 [steps, batch], the samples of each step.
            counter: the run counter of the first step; each step adds one.
            collect: whether to return every step's outputs stacked, or the last step's.
        """


class Engine(ABC):
    """Runs Programs and keeps the values of variables.

    Attributes:
        name: what `KERAS_BACKEND` calls it.
        table: operation -> its lowering; the operations that it can run.
        native_gradients: whether it differentiates by itself ("gradients" instructions).
            If not, Programs come with their gradients spelled out in primitives.
        higher_gradients: whether it differentiates its own gradients again. If not, those come
            spelled out.
        without_gradient: the operations, and the dtypes, that it runs, but cannot differentiate,
            or not well. Gradients that lead through one come spelled out.
        one_shape: whether `run_steps` should find as many samples in its data each time, since
            it may compile for their number.
        volatile: whether its process may die while this one lives on, so that the values
            of variables have to be fetched now and then.
        profiler: what records how long its operations take, in files that TensorBoard shows: an
            object with start(folder) and stop(). None if it has none.
    """

    name: str
    table: dict[str, Any]
    native_gradients = False
    higher_gradients = True
    without_gradient: Collection[str] = ()
    one_shape = False
    volatile = False
    profiler: Any = None

    def lowers(self, op: str) -> bool:
        """Whether the engine can run the operation."""
        return op in self.table or (op == "gradients" and self.native_gradients)

    def gap(self, op: str) -> str:
        """Why the engine does not lower the operation, empty if there is no special reason."""
        return _NATIVE_GAP if op == _NATIVE_CALL else ""

    def by_numpy(self, op: str) -> str:
        """Why NumPy computes an operation for the engine, which cannot; empty if it can."""
        return ""

    def check(self, program: Program) -> None:
        """Raises MissingOperationError naming every operation that the engine lacks."""
        missing: dict[str, Instruction] = {}
        for instruction in program.walk():
            if _lacks(self, instruction):
                missing.setdefault(_why_not(self, instruction), instruction)
        if missing:
            lines = [f"  {why} (used by {i.source or program.name})" for why, i in missing.items()]
            raise MissingOperationError(
                f"The {self.name} engine cannot run {program.name}: it lacks "
                f"{len(missing)} operation(s).\n" + "\n".join(lines) + "\nChoose another engine "
                "with KERAS_BACKEND or kerasish.config.set_backend; `kerasish backends` lists them."
            )

    def native_specs(
        self, function: NativeFunction, specs: Sequence[Spec], sizes: Sequence[int | None]
    ) -> tuple[Spec, ...]:
        """The specs of what a function of the engine's own tensors returns, one after the other.

        How the function nests them becomes its `structure`.

        Args:
            function: the function.
            specs: of the tensors it is called with; sizes that are not known yet are None.
            sizes: the ints it is called with; None where not known yet.
        """
        raise NotImplementedError(
            f"The {self.name} engine calls no functions of its own tensors from here."
        )

    def native_gradient(
        self, function: NativeFunction, inputs: int
    ) -> Callable[[list[Any], list[Any]], Any]:
        """The gradient of such a function.

        Returns:
            A function of its `inputs` tensors followed by the gradients of its results, and of
            its ints. It returns the gradients of the tensors that are floats.
        """
        raise NotImplementedError(
            f"The {self.name} engine differentiates no functions of its own tensors."
        )

    @abstractmethod
    def version(self) -> str:
        """The version of the library behind the engine."""

    @abstractmethod
    def devices(self) -> list[str]:
        """The devices it computes on, the default first."""

    @abstractmethod
    def write(self, key: int, value: np.ndarray) -> None:
        """Stores a variable's value (a copy)."""

    @abstractmethod
    def read(self, key: int) -> np.ndarray:
        """A variable's value."""

    @abstractmethod
    def delete(self, key: int) -> None:
        """Forgets a variable; unknown keys are no error."""

    @abstractmethod
    def holds(self, key: int) -> bool:
        """Whether the store has a value for the variable."""

    @abstractmethod
    def put(self, array: np.ndarray) -> Any:
        """Places data on the engine for `run_steps`. The result has `shape` and `dtype`."""

    def borrow(self, array: np.ndarray) -> Any:
        """As `put`, for one call of `run_steps`: memory that stays as it is until that has run."""
        return self.put(array)

    @abstractmethod
    def compile(self, program: Program) -> Executable:
        """Makes the Program runnable. It has passed `check`."""

    def interpret(self, program: Program) -> Executable:
        """Makes the Program run uncompiled each time, where the engine can do so."""
        return Interpreted(self, program)

    def evaluate(self, program: Program, inputs: Sequence[Any], counter: int) -> list[Any]:
        """Runs a Program that is needed only once; engines that can do so skip compiling."""
        return self.compile(program)(inputs, counter)


def _lacks(engine: Engine, instruction: Instruction) -> bool:
    own = instruction.attrs.get("engine", engine.name) == engine.name
    return not own or not engine.lowers(instruction.op)


def _why_not(engine: Engine, instruction: Instruction) -> str:
    if instruction.op != _NATIVE_CALL:
        return f"{instruction.op}: {engine.gap(instruction.op) or 'not lowered'}"
    function, owner = instruction.attrs["function"], instruction.attrs["engine"]
    return (
        f"{_NATIVE_CALL}: {function.partition('#')[0]} is a function of {owner}, which runs there "
        f"only: KERAS_BACKEND={owner}, or kerasish.config.set_backend({owner!r})"
    )


class Interpreted(Executable):
    """A Program that goes through `Engine.evaluate` at each run."""

    def __init__(self, engine: Engine, program: Program):
        self.engine = engine
        self.program = program

    def __call__(self, inputs: Sequence[Any], counter: int) -> list[Any]:
        return self.engine.evaluate(self.program, inputs, counter)

    def run_steps(
        self, data: Sequence[Any], order: np.ndarray, counter: int, collect: bool
    ) -> list[Any]:
        arrays = [np.asarray(d) for d in data]
        results = [self([a[rows] for a in arrays], counter + i) for i, rows in enumerate(order)]
        if not collect:
            return results[-1]
        return [
            np.stack([np.asarray(r) for r in outputs]) for outputs in zip(*results, strict=True)
        ]
