"""When and how programs are compiled, and the loop of many steps in one native call."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.engines.base import Executable
from kerasish.engines.patience import announced
from kerasish.engines.tensorflow import xla
from kerasish.engines.tensorflow.interpret import Interpreter, located_in_graph
from kerasish.engines.tensorflow.library import tf
from kerasish.graph.program import Program
from kerasish.graph.shapes import size_of

# The first steps run op by op: a last, smaller batch or a handful of calls never waits for
# a compiler. Tracing costs as much as a few steps, XLA as much as about so many
# instructions. Steps are counted, not timed, so that each run of a program gives the same bits.
_EAGER_CALLS = 3
_EAGER_INSTRUCTIONS = 8000
_MOST_EAGER = 32

# Slower under XLA on the CPU: convolutions run on one thread, as do batched products.
_POOR_UNDER_XLA = ("conv", "conv_input_grad", "conv_kernel_grad", "max_pool", "avg_pool")

# XLA compiles for fixed sizes: steps per native call, and bytes of collected outputs.
_XLA_INDICES = 1 << 17
_XLA_STEPS = (16, 1024)
_XLA_COLLECTED = 1 << 26


@dataclass(frozen=True)
class Resident:
    """Data that lies on TensorFlow's device."""

    shape: tuple[int, ...]
    dtype: str
    tensor: Any

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.tensor.numpy()
        return np.array(array, dtype) if copy else np.asarray(array, dtype)


def wants_xla(program: Program) -> bool:
    """Whether the loop over the program's steps is compiled by XLA."""
    if program.jit is not None:
        return program.jit
    forced = os.environ.get("KERASISH_TF_JIT")
    if forced is not None:
        return forced not in ("0", "")
    if any(i.op == "held_back" for i in program.walk()):
        return False  # XLA would take what is to be computed again for what it has computed
    if tf.config.list_physical_devices("GPU"):
        return True
    return not any(
        i.op in _POOR_UNDER_XLA or (i.op == "matmul" and len(i.specs[0].shape) > 2)
        for i in program.walk()
    )


class TensorFlowExecutable(Executable):
    """A program that runs op by op at first, then as one traced function.

    Args:
        program: what to run.
        variables: key -> tf.Variable, the engine's store.
        eager: whether it stays op by op for good.
    """

    def __init__(self, program: Program, variables: Mapping[int, Any], eager: bool = False):
        self.program = program
        self._eager = eager
        self._run = Interpreter(program, variables)
        self._xla = wants_xla(program)
        self._size = _instructions_run(program)
        self._steps_done = 0
        self._traced: Callable[..., Any] | None = None
        self._loops: dict[Any, Callable[..., Any]] = {}

    # --- one step

    def __call__(self, inputs: Sequence[Any], counter: int) -> list[Any]:
        tensors = [
            _tensor(x, spec.dtype) for x, (_, spec) in zip(inputs, self.program.inputs, strict=True)
        ]
        if self._eager or self._steps_done < self._first(_EAGER_CALLS):
            self._steps_done += 1
            return _readable(self._run(tensors, tf.constant(counter, tf.int64)))
        if self._traced is None:
            with self._announced():
                self._traced = self._trace()
        return _readable(self._guarded(self._traced, tf.constant(counter, tf.int64), *tensors))

    def _trace(self) -> Callable[..., Any]:
        specs = [tf.TensorSpec(spec.shape, spec.dtype) for _, spec in self.program.inputs]
        function = tf.function(lambda counter, *xs: self._run(xs, counter), autograph=False)
        return function.get_concrete_function(tf.TensorSpec([], tf.int64), *specs)

    def _announced(self) -> AbstractContextManager[None]:
        """Says so if what is done within, which is to compile, takes long."""
        doing = f"compiling {self.program.name}, {self._size} instructions (once in a run)"
        return announced("TensorFlow", doing)

    def _guarded(self, function: Callable[..., Any], *args: Any) -> Any:
        try:
            return function(*args)
        except tf.errors.OpError as error:
            raise located_in_graph(error, self.program) from error

    # --- many steps

    def run_steps(
        self, data: Sequence[Any], order: np.ndarray, counter: int, collect: bool
    ) -> list[Any]:
        if len(order) == 0:
            raise ValueError(f"{self.program.name}: run_steps needs at least one step.")
        order = np.asarray(order, np.int32)
        eager = len(order) if self._eager else max(self._eager_steps() - self._steps_done, 0)
        eager = min(eager, len(order))
        self._steps_done += len(order)
        parts = []
        for i in range(eager):
            outputs = self._run(self._batch(data, order[i]), tf.constant(counter + i, tf.int64))
            parts.append([o[None] for o in outputs] if collect else outputs)
        if eager < len(order):
            loop = self._xla_loop if self._xla else self._plain_loop
            parts += loop(data, order[eager:], counter + eager, collect)
        if not collect:
            return _readable(parts[-1])
        return [p[0] if len(p) == 1 else tf.concat(p, 0) for p in zip(*parts, strict=True)]

    def _eager_steps(self) -> int:
        """How many steps run op by op before the loop is compiled."""
        if not self._xla:
            return self._first(_EAGER_CALLS)
        steps = _EAGER_INSTRUCTIONS // max(self._size, 1)
        return self._first(min(max(steps, _EAGER_CALLS), _MOST_EAGER))

    def _first(self, steps: int) -> int:
        return steps if self.program.warm_up else 0

    def _batch(self, data: Sequence[Any], row: Any) -> list[Any]:
        return [
            tf.cast(tf.gather(getattr(d, "tensor", d), row), spec.dtype)
            for d, (_, spec) in zip(data, self.program.inputs, strict=True)
        ]

    def _plain_loop(
        self, data: Sequence[Any], order: np.ndarray, counter: int, collect: bool
    ) -> list[list[Any]]:
        key = (collect, False)
        if key not in self._loops:
            specs = [tf.TensorSpec([None, *d.shape[1:]], d.dtype) for d in data]
            rows = tf.TensorSpec([None, order.shape[1]], tf.int32)
            with self._announced():
                self._loops[key] = self._traced_loop(rows, specs, collect, jit=False)
        args = (tf.constant(order), tf.constant(len(order)), tf.constant(counter, tf.int64))
        return [list(self._guarded(self._loops[key], *args, *(d.tensor for d in data)))]

    def _xla_loop(
        self, data: Sequence[Any], order: np.ndarray, counter: int, collect: bool
    ) -> list[list[Any]]:
        capacity = self._capacity(data, order.shape[1], collect)
        key = (collect, True, tuple(d.shape for d in data))
        parts: list[list[Any]] = []
        for start in range(0, len(order), capacity):
            rows = order[start : start + capacity]
            count = len(rows)
            rows = np.concatenate([rows, np.zeros((capacity - count, rows.shape[1]), np.int32)])
            args = [tf.constant(rows), tf.constant(count), tf.constant(counter + start, tf.int64)]
            if key not in self._loops:
                specs = [tf.TensorSpec(d.shape, d.dtype) for d in data]
                spec = tf.TensorSpec(rows.shape, tf.int32)
                try:
                    with self._announced(), xla.compiling():
                        self._loops[key] = self._traced_loop(spec, specs, collect, jit=True)
                        outputs = self._loops[key](*args, *(d.tensor for d in data))
                except (tf.errors.OpError, NotImplementedError) as error:
                    return parts + self._without_xla(error, data, order[start:], counter, collect)
            else:
                outputs = self._guarded(self._loops[key], *args, *(d.tensor for d in data))
            parts.append([o[:count] for o in outputs] if collect else list(outputs))
        return parts

    def _capacity(self, data: Sequence[Any], batch: int, collect: bool) -> int:
        """Steps per native call under XLA, a power of two; no more than there is data for."""
        least, most = _XLA_STEPS
        steps = min(max(_XLA_INDICES // max(batch, 1), least), most)
        if data:
            steps = min(steps, 1 << (-(-data[0].shape[0] // batch) - 1).bit_length())
        if collect:
            specs = [self._run.specs[i] for i in self.program.outputs]
            step = sum((size_of(s.shape) or 0) * tf.as_dtype(s.dtype).size for s in specs)
            steps = min(steps, max(_XLA_COLLECTED // max(step, 1), 1))
        return 1 << (steps.bit_length() - 1)

    def _without_xla(
        self, error: Exception, data: Sequence[Any], order: np.ndarray, counter: int, collect: bool
    ) -> list[list[Any]]:
        self._xla = False
        parts = self._plain_loop(data, order, counter, collect)
        reason = located_in_graph(error, self.program)
        warnings.warn(f"{self.program.name} runs without XLA: {reason}", stacklevel=4)
        return parts

    def _traced_loop(
        self, rows: Any, data: Sequence[Any], collect: bool, jit: bool
    ) -> Callable[..., Any]:
        def loop(order: Any, count: Any, counter: Any, *xs: Any) -> Any:
            size = order.shape[0] if jit else count
            states = [self._initial(i, size, collect) for i in self.program.outputs]

            def body(i: Any, *states: Any) -> Any:
                batch = self._batch(xs, tf.gather(order, i))
                outputs = self._run(batch, counter + tf.cast(i, tf.int64), fuse=not jit)
                if collect:
                    outputs = [s.write(i, o) for s, o in zip(states, outputs, strict=True)]
                return (i + 1, *outputs)

            final = tf.while_loop(
                lambda i, *_: i < count, body, (tf.constant(0), *states), parallel_iterations=1
            )[1:]
            return [s.stack() for s in final] if collect else final

        function = tf.function(loop, autograph=False, jit_compile=True if jit else None)
        scalars = (tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int64))
        return function.get_concrete_function(rows, *scalars, *data)

    def _initial(self, i: int, size: Any, collect: bool) -> Any:
        spec = self._run.specs[i]
        if collect:
            return tf.TensorArray(spec.dtype, size, element_shape=spec.shape)
        return tf.zeros(spec.shape, spec.dtype)


def _instructions_run(program: Program) -> int:
    """How many instructions a run takes; of loops without a fixed length, one round."""
    return sum(
        1 + i.attrs.get("length", 1) * sum(map(_instructions_run, i.programs.values()))
        for i in program.instructions
    )


def _readable(outputs: Sequence[Any]) -> list[Any]:
    """Outputs that become arrays. Of TensorFlow's scalars in bfloat16, NumPy cannot make any."""
    return [
        np.asarray(x.numpy()) if x.dtype == tf.bfloat16 and x.shape.rank == 0 else x
        for x in outputs
    ]


def _tensor(x: Any, dtype: str) -> Any:
    if isinstance(x, Resident):
        return tf.cast(x.tensor, dtype)
    return tf.constant(np.asarray(x), dtype)
