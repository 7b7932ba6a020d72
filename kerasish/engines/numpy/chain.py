"""Chains of elementwise instructions, run piece by piece where they are large."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from kerasish.engines.numpy import kernels
from kerasish.engines.numpy.memory import Array, shaped
from kerasish.graph import dtypes
from kerasish.graph.program import Instruction

if TYPE_CHECKING:
    from kerasish.engines.numpy.schedule import Plan

# Chains on arrays of at least twice this many elements run in pieces of this many.
PIECE = 1 << 14
# No more pieces than this: each costs a call per operation.
MOST_PIECES = 1 << 10
# Bytes of the widest element: a buffer for one piece then does for any dtype.
WIDEST = 8


class Chain:
    """Elementwise instructions of one shape that follow each other.

    In pieces, the order of reading and writing differs from the instructions' order: the
    first piece of the last result is written before the second piece of an input is read.
    So an array may be written over only if it is read nowhere but at the place written, and
    memory that dies in the chain is free for others only after it.

    Attributes:
        flat: whether all arrays can be taken as one long axis; otherwise pieces are cut
            along the first axis.
        rows: the length of a piece along that axis, None to run everything in one piece.
    """

    def __init__(self, plan: Plan, instructions: list[Instruction], position: int):
        self.plan = plan
        self.instructions = instructions
        self.position = position
        self.end = position + len(instructions) - 1
        self.shape: Any = tuple(instructions[0].specs[0].shape)
        self.made = {i.outputs[0] for i in instructions}
        self.operands = {v for i in instructions for v in i.inputs} - self.made
        exact = {v for v in self.operands if self._is_exact(v)}
        # Memory that is read at other places than the one written.
        self.crossed = {id(plan.memory(v)) for v in self.operands - exact}
        self.flat = all(v in exact or plan.array(v).size == 1 for v in self.operands)
        self.length: int = math.prod(self.shape) if self.flat else self.shape[0]
        self.rows = self._rows_per_piece()
        # What passes between the instructions of one piece: value -> buffer, and free ones.
        self.passing: dict[int, Array] = {}
        self.free: list[Array] = []
        self.borrowed: list[Array] = []

    def _is_exact(self, value: int) -> bool:
        """Whether each element is read only for the result's element in the same place."""
        array = self.plan.array(value)
        return array.shape == self.shape and array.flags.c_contiguous

    def _rows_per_piece(self) -> int | None:
        size = math.prod(self.shape)
        if len(self.instructions) == 1 or size < 2 * PIECE:
            return None
        return -(-self.length // min(size // PIECE, MOST_PIECES, self.length))

    def bind(self) -> None:
        """Finds a place for each result and adds the steps to the plan."""
        for position, instruction in enumerate(self.instructions, self.position):
            self._place(instruction, position)
            if self.rows is None:
                self.plan.retire((*instruction.inputs, *instruction.outputs), position)
        if self.rows is None:
            self._add_steps(None)
            return
        for start in range(0, self.length, self.rows):
            self._add_steps(slice(start, min(start + self.rows, self.length)))
        for slab in self.borrowed:
            self.plan.pool.give(slab)
        self.plan.retire((self.operands | self.made) - self.passing.keys(), self.end)

    def _place(self, instruction: Instruction, position: int) -> None:
        plan, value, spec = self.plan, instruction.outputs[0], instruction.specs[0]
        variable = plan.variable_in_place(value, position)
        if variable is not None and self._may_write_over(variable, instruction):
            plan.place_in_variable(value, variable)
        elif self.rows is not None and plan.last_use(value) <= self.end:
            self._place_passing(instruction, position)
        else:
            dying = self._dying_twin(instruction, position)
            if dying is None:
                plan.place_new(value, spec)
            else:
                memory = plan.memory(dying)
                memory.values.remove(dying)
                plan.place(value, plan.array(dying), memory)

    def _may_write_over(self, value: int, instruction: Instruction) -> bool:
        """Whether the instruction may write its result where `value` is."""
        memory = self.plan.memory(value)
        array = self.plan.array(value)
        # What one number is stretched to is a view that cannot be written to.
        if id(memory) in self.crossed or not self._is_exact(value) or not array.flags.writeable:
            return False
        readers = [
            i
            for i, operand in enumerate(instruction.inputs)
            if operand not in self.passing and self.plan.memory(operand) is memory
        ]
        return _fits(array, instruction) and _may_alias(instruction, readers)

    def _dying_twin(self, instruction: Instruction, position: int) -> int | None:
        """An input that dies here and whose buffer the result can take over."""
        plan = self.plan
        for value in instruction.inputs:
            if value in self.passing or plan.last_use(value) != position:
                continue
            memory = plan.memory(value)
            alone = memory.slab is not None and memory.values == {value}
            if alone and self._may_write_over(value, instruction):
                return value
        return None

    def _place_passing(self, instruction: Instruction, position: int) -> None:
        """Places a result that is not needed after the chain in a buffer for one piece."""
        value = instruction.outputs[0]
        shape: Any = (self.rows,) if self.flat else (self.rows, *self.shape[1:])
        dying = [
            v
            for v in set(instruction.inputs)
            if v in self.passing and self.plan.last_use(v) == position
        ]
        for other in dying:
            readers = [i for i, v in enumerate(instruction.inputs) if v == other]
            if _fits(self.passing[other], instruction) and _may_alias(instruction, readers):
                self.passing[value] = self.passing[other]
                dying.remove(other)
                break
        else:
            dtype = dtypes.numpy_dtype(instruction.specs[0].dtype)
            slab = self._borrow(math.prod(shape) * WIDEST)
            self.passing[value] = shaped(slab, shape, dtype)
        self.free += [self.passing[v].base for v in dying]  # type: ignore[misc]

    def _borrow(self, size: int) -> Array:
        if self.free:
            return self.free.pop()
        slab = self.plan.pool.take(size)
        self.borrowed.append(slab)
        return slab

    def _add_steps(self, piece: slice | None) -> None:
        for instruction in self.instructions:
            arrays = [self._cut(v, piece) for v in instruction.inputs]
            out = self._cut(instruction.outputs[0], piece)
            kernel = kernels.ELEMENTWISE[instruction.op]
            self.plan.add_step(partial(kernel, *arrays, out=out), instruction)

    def _cut(self, value: int, piece: slice | None) -> Array:
        """The piece of a value."""
        if value in self.passing:
            return self.passing[value][: piece.stop - piece.start]  # type: ignore[union-attr]
        array = self.plan.array(value)
        if piece is None:
            return array
        if self.flat:
            return array.reshape(-1)[piece] if array.size > 1 else array.reshape(())
        # Arrays of fewer axes, or of size 1 on the first, are needed whole for each piece.
        along = array.ndim == len(self.shape) and len(array) == self.length
        return array[piece] if along else array


def _fits(array: Array, instruction: Instruction) -> bool:
    return array.dtype == dtypes.numpy_dtype(instruction.specs[0].dtype)


def _may_alias(instruction: Instruction, readers: list[int]) -> bool:
    allowed = kernels.ALIASABLE.get(instruction.op)
    return allowed is None or set(readers) <= set(allowed)
