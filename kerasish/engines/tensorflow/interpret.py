"""The walker: runs a Program's instructions, at once or into the graph being traced."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kerasish.engines.tensorflow.library import tf
from kerasish.engines.tensorflow.steps import FUSED
from kerasish.engines.tensorflow.table import TABLE
from kerasish.graph.program import Instruction, Program

# Smaller constants are written into the graph, where they may be folded; larger ones are
# handed to it.
_LARGEST_EMBEDDED = 1024


class Interpreter:
    """One run of a program.

    Args:
        program: what to run.
        variables: key -> tf.Variable, of the whole engine.
    """

    def __init__(self, program: Program, variables: Mapping[int, Any]):
        self.program = program
        self._variables = variables
        self._constants = {i: tf.constant(array) for i, array in program.constants.items()}
        self._inner = {
            index: {key: Interpreter(inner, {}) for key, inner in instruction.programs.items()}
            for index, instruction in enumerate(program.instructions)
            if instruction.programs
        }
        self._fused = fused_steps(program)
        self._needed = {
            fuse: _needed(program, self._fused if fuse else {}) for fuse in (True, False)
        }
        self._watchers = _watchers(program)
        self._dying = _last_uses(program)
        self.specs = program.specs()

    def __call__(self, inputs: Sequence[Any], counter: Any, fuse: bool = True) -> list[Any]:
        """Computes the outputs, then applies the updates.

        Args:
            inputs: a tensor per program input.
            counter: the run counter, an int64 scalar.
            fuse: whether optimizer steps may change variables in place.
        """
        program, fused = self.program, self._fused if fuse else {}
        values = self._leaves(inputs, self._needed[fuse])
        # The outermost tape is that of the last gradient: it records how others were made.
        tapes = {i: tf.GradientTape(watch_accessed_variables=False) for i in self._tape_order()}
        for tape in tapes.values():
            tape.__enter__()
        try:
            for i in list(values):
                self._watch(i, values, tapes)
            for index, instruction in enumerate(program.instructions):
                if index not in fused:
                    self._step(index, instruction, values, tapes, counter)
        finally:
            for tape in tapes.values():
                tape.__exit__(None, None, None)
        self._update(values, fused)
        return [values[i] for i in program.outputs]

    def _leaves(self, inputs: Sequence[Any], needed: set[int]) -> dict[int, Any]:
        values = dict(self._constants)
        if not tf.executing_eagerly():
            values.update(
                (i, tf.constant(array))
                for i, array in self.program.constants.items()
                if array.size <= _LARGEST_EMBEDDED
            )
        values.update((i, x) for (i, _), x in zip(self.program.inputs, inputs, strict=True))
        for slot in self.program.variables:
            if slot.id in needed:
                values[slot.id] = self._variables[slot.key].read_value()
        return values

    def _tape_order(self) -> list[int]:
        instructions = self.program.instructions
        return [i for i in reversed(range(len(instructions))) if instructions[i].op == "gradients"]

    def _watch(self, i: int, values: dict[int, Any], tapes: Mapping[int, Any]) -> None:
        for index in self._watchers.get(i, ()):
            if index in tapes:
                tapes[index].watch(values[i])

    def _step(
        self,
        index: int,
        instruction: Instruction,
        values: dict[int, Any],
        tapes: dict[int, Any],
        counter: Any,
    ) -> None:
        args = [values[i] for i in instruction.inputs]
        try:
            with tf.name_scope(f"i{index}.{instruction.op}"):
                if instruction.op == "gradients":
                    results = _differentiate(tapes.pop(index), *args)
                elif index in self._inner:
                    more = {"specs": instruction.specs, "counter": counter}
                    attrs = instruction.attrs | self._inner[index] | more
                    results = TABLE[instruction.op](*args, **attrs)
                else:
                    results = TABLE[instruction.op](*args, **_attrs(instruction, counter))
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise located(error, instruction, args) from error
        if not isinstance(results, (tuple, list)):
            results = (results,)
        for i, result in zip(instruction.outputs, results, strict=True):
            # A lowering may return its very input, which must not be watched in its place.
            values[i] = tf.identity(result) if i in self._watchers else result
            self._watch(i, values, tapes)
        for i in self._dying.get(index, ()):
            values.pop(i, None)

    def _update(self, values: Mapping[int, Any], fused: Mapping[int, Any]) -> None:
        done = set()
        for index, keys in fused.items():
            instruction = self.program.instructions[index]
            kernel, count = FUSED[instruction.op]
            operands = [values[i] for i in instruction.inputs[count:]]
            kernel(*(self._variables[k] for k in keys), *operands, **instruction.attrs)
            done.update(keys)
        for key, i in self.program.updates:
            if key not in done:
                self._variables[key].assign(values[i], read_value=False)


def _attrs(instruction: Instruction, counter: Any) -> dict[str, Any]:
    attrs = instruction.attrs
    if "counted" not in attrs:
        return attrs
    counted = attrs["counted"]
    return {k: v for k, v in attrs.items() if k != "counted"} | {
        "counter": counter if counted else tf.constant(0, tf.int64)
    }


def _differentiate(tape: Any, loss: Any, *xs: Any) -> list[Any]:
    tape.__exit__(None, None, None)
    grads = tape.gradient(loss, list(xs), unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return [tf.convert_to_tensor(g) for g in grads]


# --- what can be known before running ----------------------------------------------------


def _watchers(program: Program) -> dict[int, list[int]]:
    """Value -> the gradients instructions that differentiate with respect to it."""
    found: dict[int, list[int]] = {}
    for index, instruction in enumerate(program.instructions):
        if instruction.op == "gradients":
            for x in dict.fromkeys(instruction.inputs[1:]):
                found.setdefault(x, []).append(index)
    return found


def _last_uses(program: Program) -> dict[int, list[int]]:
    """Instruction -> the values that nothing needs after it."""
    last: dict[int, int] = {}
    for index, instruction in enumerate(program.instructions):
        last.update(dict.fromkeys((*instruction.inputs, *instruction.outputs), index))
    kept = {*program.outputs, *(i for _, i in program.updates)}
    for index in fused_steps(program):
        kept.update(program.instructions[index].inputs)
    dying: dict[int, list[int]] = {}
    for i, index in last.items():
        if i not in kept:
            dying.setdefault(index, []).append(i)
    return dying


def _needed(program: Program, fused: Mapping[int, Any]) -> set[int]:
    """The values that are read, if the steps in `fused` work on the variables themselves."""
    needed = set(program.outputs)
    needed.update(i for _, i in program.updates)
    for index, instruction in enumerate(program.instructions):
        skipped = FUSED[instruction.op][1] if index in fused else 0
        needed.update(instruction.inputs[skipped:])
    return needed


def fused_steps(program: Program) -> dict[int, tuple[int, ...]]:
    """Instruction -> the variables it may change in place.

    They are the optimizer steps that take variables as they are and whose results only
    become these variables' new values.
    """
    keys = {slot.id: slot.key for slot in program.variables}
    uses = Counter(i for instruction in program.instructions for i in instruction.inputs)
    uses.update(program.outputs)
    uses.update(i for _, i in program.updates)
    updates = set(program.updates)
    found: dict[int, tuple[int, ...]] = {}
    for index, instruction in enumerate(program.instructions):
        if instruction.op not in FUSED:
            continue
        count = FUSED[instruction.op][1]
        state = [keys.get(i) for i in instruction.inputs[:count]]
        stored = [(k, i) in updates for k, i in zip(state, instruction.outputs, strict=True)]
        single = all(uses[i] == 1 for i in instruction.outputs)
        if all(stored) and single and len(set(state)) == count:
            found[index] = tuple(state)  # type: ignore[arg-type]
    return found


# --- errors ------------------------------------------------------------------------------


def located(error: Exception, instruction: Instruction, args: Sequence[Any]) -> Exception:
    """The error as one that names the operation, what it got and where it comes from."""
    shapes = ", ".join(f"{tf.as_dtype(x.dtype).name}{tuple(x.shape)}" for x in args)
    where = f" ({instruction.source})" if instruction.source else ""
    text = f"{instruction.op}({shapes}){where} failed on TensorFlow: {_brief(error)}"
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return MemoryError(text)
    if isinstance(error, TypeError):
        return TypeError(text)
    invalid = (ValueError, tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError)
    return ValueError(text) if isinstance(error, invalid) else RuntimeError(text)


def located_in_graph(error: Exception, program: Program) -> Exception:
    """The same for an error of a compiled program: nodes bear the instruction's number."""
    match = re.search(r"\bi(\d+)\.\w+", str(error))
    if match is None or int(match[1]) >= len(program.instructions):
        failed = Instruction(program.name, (), {}, (), (), "")
        return located(error, failed, ())
    instruction = program.instructions[int(match[1])]
    specs = program.specs()
    return located(error, instruction, [specs[i] for i in instruction.inputs])


def _brief(error: Exception) -> str:
    """TensorFlow's own words, without the graph's stack trace."""
    text = getattr(error, "message", None) or str(error)
    lacking = re.search(r"Detected unsupported operations .* on XLA\w*: (\w+)", text)
    if lacking:
        return f"XLA lacks {lacking[1]}"
    text = re.sub(r"\{\{function_node [^}]*\}\}\s*|\[Op:[^\]]*\].*", "", text, flags=re.DOTALL)
    lines = [line.strip() for line in text.splitlines()]
    traced = ("Detected at node", "File ", "Graph execution error", "[[", "<stack")
    lines = [line for line in lines if line and not line.startswith(traced)]
    return lines[-1] if lines else text.strip()
