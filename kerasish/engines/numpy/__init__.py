"""The NumPy engine: the definition of every primitive, and what runs where nothing else is there.

`table` says what each primitive means. Programs that run once are computed by it; compiled
ones run as `schedule` plans them, on the quick forms in `kernels`.

The workers of old engines read `table`, `kernels` and what these import (`host/definitions.py`):
annotations apart, those files keep to Python 3.6.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from kerasish.engines.base import Engine, Executable
from kerasish.engines.numpy import table
from kerasish.engines.numpy.kernels import checked
from kerasish.engines.numpy.memory import Arena
from kerasish.engines.numpy.schedule import Plan
from kerasish.graph import dtypes
from kerasish.graph.program import Program
from kerasish.graph.spec import Spec, format_shape

Array = np.ndarray


class NumPyEngine(Engine):
    """Runs programs in NumPy, in this process, on the CPU."""

    name = "numpy"
    table = table.TABLE

    def __init__(self) -> None:
        self._store: dict[int, Array] = {}
        # Compiled programs are bound to the variables' arrays. One that is deleted and
        # written again must get the same array while such a program lives.
        self._slots: weakref.WeakValueDictionary[int, Array] = weakref.WeakValueDictionary()
        self._arena = Arena()
        self._lock = threading.Lock()  # buffers are shared: one program runs at a time

    def version(self) -> str:
        return np.__version__

    def devices(self) -> list[str]:
        return [f"cpu ({os.cpu_count()} cores)"]

    def write(self, key: int, value: Array) -> None:
        value = np.asarray(value)
        slot = self._slots.get(key)
        if slot is None or slot.shape != value.shape or slot.dtype != value.dtype:
            self._slots[key] = slot = np.empty(value.shape, value.dtype)
        np.copyto(slot, value)
        self._store[key] = slot

    def read(self, key: int) -> Array:
        return self._store[key].copy()

    def delete(self, key: int) -> None:
        self._store.pop(key, None)

    def holds(self, key: int) -> bool:
        return key in self._store

    def put(self, array: Array) -> Array:
        return np.asarray(array)

    def compile(self, program: Program) -> NumPyExecutable:
        with self._lock, np.errstate(all="ignore"):
            return NumPyExecutable(self, program)

    def evaluate(self, program: Program, inputs: Sequence[Any], counter: int) -> list[Array]:
        """Runs a program by the definitions alone, operation by operation."""
        known = {slot.id: self.read(slot.key) for slot in program.variables}
        with np.errstate(all="ignore"):
            values = table.evaluate(program, inputs, counter, known)
        for key, number in program.updates:
            self.write(key, values[number])
        return [np.array(values[number]) for number in program.outputs]

    def apply(self, op: str, values: Sequence[Any], attrs: dict[str, Any]) -> list[Array]:
        """One operation on arrays, by its definition; the dtypes are those of its shape rule.

        >>> create().apply("add", [np.float32(1), np.float32(2)], {})
        [array(3., dtype=float32)]
        """
        from kerasish.graph.primitive import PRIMITIVES

        arrays = [np.asarray(v) for v in values]
        specs = PRIMITIVES[op].infer(tuple(Spec(a.shape, a.dtype.name) for a in arrays), attrs)
        with np.errstate(all="ignore"):
            return table.apply(op, arrays, attrs, specs)

    def slot(self, key: int, spec: Spec) -> Array:
        """The array of a variable, to which compiled programs are bound."""
        if key not in self._slots:
            shape: Any = spec.shape
            slot = np.empty(shape, dtypes.numpy_dtype(spec.dtype))
            self._slots[key] = slot
            return slot
        return self._slots[key]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Alone with the buffers. NaN and infinity are values, not warnings."""
        with self._lock, np.errstate(all="ignore"):
            yield


class NumPyExecutable(Executable):
    """A planned program."""

    def __init__(self, engine: NumPyEngine, program: Program):
        self.engine = engine
        self.program = program
        self.plan = Plan(program, engine.slot, engine._arena.pool())

    def __call__(self, inputs: Sequence[Any], counter: int) -> list[Array]:
        arrays = [np.asarray(value) for value in inputs]
        with self.engine.running():
            for buffer, array, (_, spec) in zip(
                self.plan.inputs, arrays, self.program.inputs, strict=True
            ):
                self._check_shape(array.shape, spec)
                if buffer is not None:
                    np.copyto(buffer, array)
            self.plan.execute(counter)
            outputs = [np.array(out, order="C") for out in self.plan.outputs]
            self._commit()
        return outputs

    def run_steps(
        self, data: Sequence[Any], order: Array, counter: int, collect: bool
    ) -> list[Array]:
        if not len(order):
            raise ValueError(f"{self.program.name}: run_steps needs at least one step.")
        for array, (_, spec) in zip(data, self.program.inputs, strict=True):
            self._check_shape((order.shape[1], *array.shape[1:]), spec)
            checked(order, len(array))
        last = len(order) - 1
        lead = (len(order),) if collect else ()
        results = [np.empty((*lead, *out.shape), out.dtype) for out in self.plan.outputs]
        with self.engine.running():
            for i, rows in enumerate(order):
                self._gather(data, rows)
                self.plan.execute((counter + i) % 2**32)
                if collect or i == last:
                    for result, out in zip(results, self.plan.outputs, strict=True):
                        result[i if collect else ...] = out
                self._commit()
        return results

    def _gather(self, data: Sequence[Array], rows: Array) -> None:
        for buffer, array in zip(self.plan.inputs, data, strict=True):
            if buffer is None:
                continue
            if array.dtype == buffer.dtype:
                np.take(array, rows, 0, buffer, "wrap")  # "raise" would make a copy first
            else:
                np.copyto(buffer, np.take(array, rows, 0), casting="unsafe")

    def _check_shape(self, shape: tuple[int, ...], spec: Spec) -> None:
        if shape != tuple(spec.shape):
            raise ValueError(
                f"{self.program.name}: expected an input of shape {format_shape(spec.shape)}, but "
                f"got {format_shape(shape)}."
            )

    def _commit(self) -> None:
        for step in self.plan.commits:
            step()


def create() -> NumPyEngine:
    """A NumPy engine with an empty store."""
    return NumPyEngine()
