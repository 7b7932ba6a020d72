"""The interface of an engine: what runs a Program.

An engine knows the names of primitives and plain data, nothing of layers or models.
`docs/engines/add-an-engine.md` walks through writing one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.graph.program import Instruction, Program


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
        volatile: whether its process may die while this one lives on, so that the values
            of variables have to be fetched now and then.
    """

    name: str
    table: dict[str, Any]
    native_gradients = False
    higher_gradients = True
    volatile = False

    def lowers(self, op: str) -> bool:
        """Whether the engine can run the operation."""
        return op in self.table or (op == "gradients" and self.native_gradients)

    def gap(self, op: str) -> str:
        """Why the engine does not lower the operation, empty if there is no special reason."""
        return ""

    def check(self, program: Program) -> None:
        """Raises MissingOperationError naming every operation that the engine lacks."""
        missing: dict[str, Instruction] = {}
        for instruction in program.walk():
            if not self.lowers(instruction.op):
                missing.setdefault(instruction.op, instruction)
        if missing:
            lines = [
                f"  {op}: {self.gap(op) or 'not lowered'} (used by {i.source or program.name})"
                for op, i in missing.items()
            ]
            raise MissingOperationError(
                f"The {self.name} engine cannot run {program.name}: it lacks "
                f"{len(missing)} operation(s).\n" + "\n".join(lines) + "\nChoose another engine "
                "with KERAS_BACKEND or kerasish.config.set_backend; `kerasish backends` lists them."
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

    @abstractmethod
    def compile(self, program: Program) -> Executable:
        """Makes the Program runnable. It has passed `check`."""

    def interpret(self, program: Program) -> Executable:
        """Makes the Program run uncompiled each time, where the engine can do so."""
        return Interpreted(self, program)

    def evaluate(self, program: Program, inputs: Sequence[Any], counter: int) -> list[Any]:
        """Runs a Program that is needed only once; engines that can do so skip compiling."""
        return self.compile(program)(inputs, counter)


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
