"""Plans a Program: which buffer each value lives in, and the flat list of steps that a run does.

Everything is decided once. All buffers are made when a Program is compiled and every step is
bound to them, so a run calls one function per step and allocates nothing large. What makes
the plan quick:

- A buffer is used again once all values in it are dead; elementwise operations write over an
  input that dies. Views (reshape, transpose, slice ...) are made once and cost nothing.
- A chain of elementwise operations on large arrays runs piece by piece, so that what passes
  between its operations stays in the cache. Optimizer steps are such chains.
- The new value of a variable is computed in place where nothing reads the old one later.
- What depends on constants alone is computed when the Program is compiled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from kerasish.engines.numpy import convkernels, kernels, loops, table
from kerasish.engines.numpy.chain import Chain
from kerasish.engines.numpy.errors import named
from kerasish.engines.numpy.memory import Loan, Memory, Pool, shaped
from kerasish.graph import dtypes
from kerasish.graph.program import Instruction, Program
from kerasish.graph.spec import Spec

Array = np.ndarray
Step = Callable[[], Any]

_BINDERS = {**kernels.BINDERS, **convkernels.BINDERS}

# The position of a value's last use when it is needed at the end of the run.
END = 1 << 60


# --- order -------------------------------------------------------------------------------


@dataclass
class Order:
    """The instructions in the order of the plan.

    Attributes:
        fixed: those that depend on constants alone.
        groups: the others; elementwise ones of equal shape stand together in a group.
    """

    fixed: list[Instruction] = field(default_factory=list)
    groups: list[list[Instruction]] = field(default_factory=list)


def arrange(program: Program) -> Order:
    """Separates what is fixed, and groups elementwise instructions."""
    order = Order()
    known = set(program.constants)
    chain: list[Instruction] = []  # the elementwise group that is open
    made: set[int] = set()  # what the open group makes
    for instruction in program.instructions:
        if known.issuperset(instruction.inputs) and not instruction.is_random:
            known.update(instruction.outputs)
            order.fixed.append(instruction)
            continue
        spec = instruction.specs[0]
        elementwise = kernels.is_elementwise(instruction.op, spec.dtype)
        if elementwise and chain and spec.shape == chain[0].specs[0].shape:
            chain.append(instruction)
            made.update(instruction.outputs)
            continue
        # What is small or a view, and does not need the open group, may as well run before it.
        if chain and made.isdisjoint(instruction.inputs) and _is_light(instruction, elementwise):
            order.groups.insert(len(order.groups) - 1, [instruction])
            continue
        group = [instruction]
        order.groups.append(group)
        chain, made = (group, set(instruction.outputs)) if elementwise else ([], set())
    return order


def _is_light(instruction: Instruction, elementwise: bool) -> bool:
    shape: Any = instruction.specs[0].shape
    small = math.prod(shape) <= 1024
    return instruction.op in kernels.VIEWS or (elementwise and small)


# --- the plan ----------------------------------------------------------------------------


class Plan:
    """A Program bound to buffers.

    Attributes:
        specs: value number -> spec.
        steps: what a run calls, in this order.
        origins: the instruction behind each step.
        inputs: per program input its buffer, None if it is not used.
        outputs: per program output the array that holds it after the steps.
        commits: what moves the new values of variables that were not computed in place.
        run: holds `counter`, the number of the run.
    """

    def __init__(self, program: Program, slot_of: Callable[[int, Spec], Array], pool: Pool | Loan):
        self.program = program
        self.specs = program.specs()
        self.pool = pool
        self.run = SimpleNamespace(counter=0)
        self.steps: list[Step] = []
        self.origins: list[Instruction] = []
        self._arrays: dict[int, Array] = {}
        self._memory: dict[int, Memory] = {}
        self._variables = {v.key: v.id for v in program.variables}
        self._in_place: dict[int, int | None] = {}  # value -> key of the variable it is made in
        self._targets: dict[int, list[int]] = {}  # value -> keys of the variables that get it
        for key, value in program.updates:
            self._targets.setdefault(value, []).append(key)

        order = arrange(program)
        self._last_use = self._find_last_uses(order)
        self._place_leaves(slot_of)
        for instruction in order.fixed:
            with named(instruction, program, [self.specs[v] for v in instruction.inputs]):
                self._compute_fixed(instruction)
        position = 0
        for group in order.groups:
            if kernels.is_elementwise(group[0].op, group[0].specs[0].dtype):
                Chain(self, group, position).bind()
            else:
                self._bind(group[0], position)
            position += len(group)
        self.inputs = [self._arrays.get(i) for i, _ in program.inputs]
        self.outputs = [self._arrays[i] for i in program.outputs]
        self.commits = self._plan_commits()

    def _find_last_uses(self, order: Order) -> dict[int, int]:
        last: dict[int, int] = {}
        flat = (instruction for group in order.groups for instruction in group)
        for position, instruction in enumerate(flat):
            last.update(dict.fromkeys((*instruction.outputs, *instruction.inputs), position))
        last.update(dict.fromkeys(self.program.outputs, END))
        last.update(dict.fromkeys(self._targets, END))
        return last

    def last_use(self, value: int) -> int:
        return self._last_use[value]

    def array(self, value: int) -> Array:
        return self._arrays[value]

    def memory(self, value: int) -> Memory:
        return self._memory[value]

    def place(self, value: int, array: Array, memory: Memory) -> None:
        self._arrays[value], self._memory[value] = array, memory
        memory.values.add(value)

    def place_new(self, value: int, spec: Spec) -> None:
        shape: Any = spec.shape
        dtype = dtypes.numpy_dtype(spec.dtype)
        slab = self.pool.take(math.prod(shape) * dtype.itemsize)
        self.place(value, shaped(slab, shape, dtype), Memory(slab))

    def retire(self, values: Iterable[int], position: int) -> None:
        """Frees the memory of those values that are not used after `position`."""
        for value in values:
            memory = self._memory[value]
            if self._last_use[value] <= position and value in memory.values:
                memory.values.remove(value)
                if not memory.values and memory.slab is not None:
                    self.pool.give(memory.slab)

    def _place_leaves(self, slot_of: Callable[[int, Spec], Array]) -> None:
        for value, array in self.program.constants.items():
            self.place(value, array, Memory())
        for slot in self.program.variables:
            memory = Memory(variable=slot.key)
            self.place(slot.id, slot_of(slot.key, slot.spec), memory)
            if slot.id not in self._last_use:  # only written
                memory.values.clear()
        for value, spec in self.program.inputs:
            if value in self._last_use:
                self.place_new(value, spec)

    def _compute_fixed(self, instruction: Instruction) -> None:
        values = [self._arrays[i] for i in instruction.inputs]
        shape: Any = instruction.specs[0].shape
        if instruction.op == "full":  # one number, however large the shape
            number = np.asarray(
                instruction.attrs["value"], dtypes.numpy_dtype(instruction.specs[0].dtype)
            )
            results = [np.broadcast_to(number, shape)]
        else:
            results = apply(instruction, values, counter=0)
        for value, result in zip(instruction.outputs, results, strict=True):
            self.place(value, result, Memory())

    def add_step(self, step: Step, origin: Instruction) -> None:
        self.steps.append(step)
        self.origins.append(origin)

    def execute(self, counter: int) -> None:
        """Runs the steps."""
        self.run.counter = counter
        i = 0
        try:
            for i, step in enumerate(self.steps):  # noqa: B007  (for the message below)
                step()
        except Exception:  # whatever it is, it goes on, with the operation named
            origin = self.origins[i]
            with named(origin, self.program, [self.specs[v] for v in origin.inputs]):
                raise

    def _bind(self, instruction: Instruction, position: int) -> None:
        """Plans an instruction that is not elementwise."""
        arrays = [self._arrays[i] for i in instruction.inputs]
        make = kernels.VIEWS.get(instruction.op)
        view = make(*arrays, **instruction.attrs) if make else None
        if view is not None:
            self.place(instruction.outputs[0], view, self._memory[instruction.inputs[0]])
        else:
            for value, spec in zip(instruction.outputs, instruction.specs, strict=True):
                self.place_new(value, spec)
            self.add_step(self._step(instruction, arrays), instruction)
        self.retire((*instruction.inputs, *instruction.outputs), position)

    def _step(self, instruction: Instruction, arrays: list[Array]) -> Step:
        outs = [self._arrays[i] for i in instruction.outputs]
        borrowed: list[Array] = []

        def scratch(shape: Sequence[int], dtype: np.dtype) -> Array:
            size = math.prod(shape) * dtype.itemsize
            borrowed.append(self.pool.take(size))
            return shaped(borrowed[-1], shape, dtype)

        if instruction.programs:
            return loops.bind(self, instruction, arrays, outs)
        step = None
        if "counted" in instruction.attrs:
            step = kernels.draw(instruction.op, outs[0], instruction.attrs, self.run)
        elif instruction.op in _BINDERS:
            step = _BINDERS[instruction.op](scratch, outs[0], *arrays, **instruction.attrs)
        for slab in borrowed:
            self.pool.give(slab)
        return step or partial(_by_definition, instruction, arrays, outs, self.run)

    def variable_in_place(self, value: int, position: int) -> int | None:
        """A variable that gets `value` at the end anyway and whose old value nothing needs
        after `position`, so that its array may receive the value now."""
        for key in self._targets.get(value, ()):
            variable = self._variables[key]
            old = self._memory[variable]
            if all(self._last_use[v] <= position for v in old.values):
                return variable
        return None

    def place_in_variable(self, value: int, variable: int) -> None:
        memory = self._memory[variable]
        self._in_place[value] = memory.variable
        self.place(value, self._arrays[variable], memory)

    def _plan_commits(self) -> list[Step]:
        reads: list[Step] = []
        writes: list[Step] = []
        for key, value in self.program.updates:
            if self._in_place.get(value) == key:
                continue
            source, target = self._arrays[value], self._arrays[self._variables[key]]
            if self._memory[value].variable is not None:
                # Another update may write over it first (two variables that swap values).
                staged = np.empty(target.shape, target.dtype)
                reads.append(partial(np.copyto, staged, source))
                source = staged
            writes.append(partial(np.copyto, target, source))
        return reads + writes


def apply(instruction: Instruction, values: Sequence[Array], counter: int) -> list[Array]:
    """The results of one instruction, by definition."""
    return table.apply(instruction.op, values, instruction.attrs, instruction.specs, counter)


def _by_definition(
    instruction: Instruction, arrays: list[Array], outs: list[Array], run: Any
) -> None:
    for out, result in zip(outs, apply(instruction, arrays, run.counter), strict=True):
        np.copyto(out, result)
