"""The Engine of an engine that runs in a worker process."""

from __future__ import annotations

import dataclasses
import json
import weakref
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from kerasish.engines.base import Engine, Executable, MissingOperationError
from kerasish.engines.host.frames import DTYPES
from kerasish.engines.host.parent import EngineProcess
from kerasish.engines.host.recipes import RECIPES, engine_directory, environment_python
from kerasish.engines.host.setup import is_complete
from kerasish.engines.registry import MARKER
from kerasish.graph.program import Program
from kerasish.graph.spec import Spec


class HostEngine(Engine):
    """An engine in a worker process, under an old Python.

    The process starts when it is first needed. Should it die, the call that was running raises
    `EngineDied`, or, if none was, the next one; the one after that starts a new process, to which
    variables, compiled programs and resident data are sent again. Variables then have the values
    that were fetched last.

    Args:
        name: "theano" or "cntk".
        process: for tests, a process to use instead of the one that `kerasish setup` built.

    Raises:
        RuntimeError: no environment is set up; the message says how to.
    """

    volatile = True

    def __init__(self, name: str, process: EngineProcess | None = None):
        self.name = name
        if process is None:
            recipe, remedy = RECIPES[name], f"Get it with: kerasish setup {name}"
            if not is_complete(name):
                raise RuntimeError(
                    f"{recipe.display} has no environment in {engine_directory(name)}. {remedy}"
                )
            process = EngineProcess(
                recipe.display,
                environment_python(name),
                name,
                recipe.variables(engine_directory(name)),
                remedy,
            )
        self.process = process
        self._held: set[int] = set()
        self._held_in = 0  # the generation of the process that holds them
        # Finalizers run at any moment, even during a call: what they discard waits here.
        self._discarded: dict[str, list[int]] = {"executables": [], "residents": [], "keys": []}

    @property
    def table(self) -> dict[str, Any]:  # type: ignore[override]
        return dict.fromkeys(self.process.start()["supported"])

    @property
    def native_gradients(self) -> bool:  # type: ignore[override]
        return self.process.start()["native_gradients"]

    @property
    def higher_gradients(self) -> bool:  # type: ignore[override]
        return self.process.start()["higher_gradients"]

    @property
    def without_gradient(self) -> Collection[str]:  # type: ignore[override]
        return self.process.start()["without_gradient"]

    def lowers(self, op: str) -> bool:
        return op in self.process.start()["supported"]

    def gap(self, op: str) -> str:
        gap = super().gap(op) or self.process.start()["gaps"].get(op, "")
        return gap if gap or self.lowers(op) else f"{self.name} has no lowering for it yet"

    def by_numpy(self, op: str) -> str:
        return self.process.start()["by_numpy"].get(op, "")

    def check(self, program: Program) -> None:
        super().check(program)
        for _, spec in program.inputs:
            self._check_dtype(spec, f"an input of {program.name} has")
        for slot in program.variables:
            self._check_dtype(slot.spec, f"{slot.name} has")
        for instruction in program.walk():
            for spec in instruction.specs:
                where = f"{instruction.op} in {instruction.source or program.name}"
                self._check_dtype(spec, f"{where} results in")

    def _check_dtype(self, spec: Spec, whose: str) -> None:
        if spec.dtype not in DTYPES:
            raise MissingOperationError(
                f"The {self.name} engine has no {spec.dtype}, which {whose}. Choose another dtype, "
                "or another engine with KERAS_BACKEND or kerasish.config.set_backend."
            )

    def version(self) -> str:
        if self.process.hello:
            return self.process.hello["version"]
        return json.loads((engine_directory(self.name) / MARKER).read_text())["version"]

    def devices(self) -> list[str]:
        return [self.process.start()["device"]]

    # -- the store

    def write(self, key: int, value: np.ndarray) -> None:
        self.call("write", [value], keys=[key])
        self._note_generation()
        self._held.add(key)

    def read(self, key: int) -> np.ndarray:
        return self.call("read", keys=[key])[1][0]

    def delete(self, key: int) -> None:
        if key in self._held:
            self._held.discard(key)
            self._discarded["keys"].append(key)

    def holds(self, key: int) -> bool:
        self._note_generation()
        return key in self._held

    def _note_generation(self) -> None:
        """Forget what a process held whose end was reported."""
        generation = self.process.generation if self.process.known else -1
        if generation != self._held_in:
            self._held = set()
            self._held_in = generation
            for handles in self._discarded.values():
                handles.clear()

    # -- programs and data

    def put(self, array: np.ndarray) -> Resident:
        return Resident(self, np.asarray(array))

    def compile(self, program: Program) -> HostExecutable:
        return HostExecutable(self, program)

    def interpret(self, program: Program) -> HostExecutable:
        return HostExecutable(self, dataclasses.replace(program, jit=False))

    def evaluate(self, program: Program, inputs: Sequence[Any], counter: int) -> list[np.ndarray]:
        header, constants = _sendable(program)
        places, arrays = self.placed(inputs)
        return self.call(
            "evaluate",
            [*constants, *arrays],
            program=header,
            inputs=places,
            counter=counter,
            about=program.name,
        )[1]

    def call(
        self, do: str, arrays: Sequence[np.ndarray] = (), **message: Any
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Have the worker do one thing, after what was discarded has been let go."""
        self._note_generation()
        if any(self._discarded.values()):
            discarded = {kind: list(handles) for kind, handles in self._discarded.items()}
            for kind, handles in discarded.items():
                del self._discarded[kind][: len(handles)]
            self.process.call("discard", (), about="", **discarded)
        return self.process.call(do, arrays, **message)

    def discard(self, kind: str, handle: int, generation: int) -> None:
        """Let go of an executable or of resident data, at the next call."""
        if generation == self.process.generation:
            self._discarded[kind].append(handle)

    def placed(self, inputs: Sequence[Any]) -> tuple[list[int | None], list[np.ndarray]]:
        """For each input its handle, None if it has to be sent; and those to send."""
        places = [x.handle() if isinstance(x, Resident) else None for x in inputs]
        return places, [np.asarray(x) for x in inputs if not isinstance(x, Resident)]


def _sendable(program: Program) -> tuple[dict[str, Any], list[np.ndarray]]:
    header, constants = program.to_json()
    return {**header, "jit": program.jit, "warm_up": program.warm_up}, constants


class _Handle:
    """Something that the worker keeps, sent again to a new process."""

    def __init__(self, engine: HostEngine, kind: str):
        self.engine, self.kind = engine, kind
        self._generation = 0
        self._handle = 0

    def handle(self) -> int:
        process = self.engine.process
        process.start()
        if self._generation != process.generation:
            self._handle = self._send()
            self._generation = process.generation
            weakref.finalize(self, self.engine.discard, self.kind, self._handle, self._generation)
        return self._handle

    def _send(self) -> int:
        raise NotImplementedError


class Resident(_Handle):
    """An array that stays in the worker. It must not be changed in place afterwards."""

    def __init__(self, engine: HostEngine, array: np.ndarray):
        super().__init__(engine, "residents")
        self.array = array
        self.handle()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.array, dtype) if copy else np.asarray(self.array, dtype)

    def _send(self) -> int:
        return self.engine.call("put", [self.array])[0]["handle"]


class HostExecutable(_Handle, Executable):
    """A program in the worker, compiled at its first run, when its variables are there."""

    def __init__(self, engine: HostEngine, program: Program):
        super().__init__(engine, "executables")
        self.program = program

    def _send(self) -> int:
        header, constants = _sendable(self.program)
        answer, _ = self.engine.call("compile", constants, program=header, about=self.program.name)
        return answer["executable"]

    def __call__(self, inputs: Sequence[Any], counter: int) -> list[np.ndarray]:
        places, arrays = self.engine.placed(inputs)
        return self.engine.call(
            "run",
            arrays,
            executable=self.handle(),
            inputs=places,
            counter=counter,
            about=self.program.name,
        )[1]

    def run_steps(
        self, data: Sequence[Any], order: np.ndarray, counter: int, collect: bool
    ) -> list[np.ndarray]:
        places, arrays = self.engine.placed(data)
        order = np.ascontiguousarray(order, "int32")
        return self.engine.call(
            "run_steps",
            [order, *arrays],
            executable=self.handle(),
            inputs=places,
            counter=counter,
            collect=collect,
            about=self.program.name,
        )[1]
