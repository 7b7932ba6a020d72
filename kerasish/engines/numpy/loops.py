"""Loops and branches: their quick forms for compiled programs.

A Program within another is a plan of its own, in which captures and carries are the arrays of the
program around it, and a new carry is computed in place where that is possible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kerasish.engines.numpy.control import mixed
from kerasish.engines.numpy.memory import Loan
from kerasish.graph.program import Instruction, Program, VariableSlot

Array = np.ndarray


class _Inner:
    """A Program within another, planned to work on arrays of that one.

    Args:
        plan: of the program around it.
        program: the inner program.
        arrays: input position -> the array that holds it; other inputs get buffers.
        states: how many of the first outputs become the new values of the first inputs.
    """

    def __init__(self, plan: Any, program: Program, arrays: dict[int, Array], states: int = 0):
        slots = [
            VariableSlot(program.inputs[i][0], i, program.inputs[i][1], f"input {i}")
            for i in arrays
        ]
        fed = tuple(entry for i, entry in enumerate(program.inputs) if i not in arrays)
        updates = tuple(enumerate(program.outputs[:states]))
        bound = replace(
            program,
            inputs=fed,
            variables=tuple(slots),
            outputs=program.outputs[states:],
            updates=updates,
        )
        # Its buffers are free for others when it is done, and all its own meanwhile.
        loan = Loan(plan.pool)
        self.plan: Any = type(plan)(bound, lambda key, spec: arrays[key], loan)
        loan.release()
        self.outputs = self.plan.outputs
        self.execute = self.plan.execute
        self.commits = self.plan.commits


def bind(
    plan: Any, instruction: Instruction, arrays: list[Array], outs: list[Array]
) -> Callable[[], None]:
    """What to call in each run."""
    return _BINDERS[instruction.op](plan, arrays, outs, **instruction.attrs)


def _scan(
    plan: Any,
    arrays: list[Array],
    outs: list[Array],
    *,
    body: Program,
    carries: int,
    sequences: int,
    length: int,
    reverse: bool,
    history: tuple[int, ...],
) -> Callable[[], None]:
    state, end = outs[:carries], carries + sequences
    known = dict(enumerate(state)) | dict(enumerate(arrays[end:], end))
    inner = _Inner(plan, body, known, carries)
    starts = list(zip(state, arrays, strict=False))
    fed = zip(inner.plan.inputs, arrays[carries:end], strict=True)
    feeds = [(buffer, x) for buffer, x in fed if buffer is not None]
    stacks = list(zip(outs[carries:], inner.outputs, strict=False))
    past = list(zip(outs[len(body.outputs) :], (state[i] for i in history), strict=True))
    order = range(length)[::-1] if reverse else range(length)

    def run() -> None:
        for carry, start in starts:
            np.copyto(carry, start)
        for i in order:
            for buffer, x in feeds:
                buffer[...] = x[i]
            for stack, carry in past:
                stack[i] = carry
            inner.execute(mixed(plan.run.counter, i))
            for stack, out in stacks:
                stack[i] = out
            for step in inner.commits:
                step()

    return run


def _while(
    plan: Any,
    arrays: list[Array],
    outs: list[Array],
    *,
    condition: Program,
    body: Program,
    states: int,
    maximum: int | None,
) -> Callable[[], None]:
    known = dict(enumerate([*outs, *arrays[states:]]))
    test, inner = _Inner(plan, condition, known), _Inner(plan, body, known, states)
    starts = list(zip(outs, arrays, strict=False))

    def run() -> None:
        for value, start in starts:
            np.copyto(value, start)
        rounds = 0
        while maximum is None or rounds < maximum:
            now = mixed(plan.run.counter, rounds)
            test.execute(now)
            if not test.outputs[0]:
                break
            inner.execute(now)
            for step in inner.commits:
                step()
            rounds += 1

    return run


def _cond(
    plan: Any, arrays: list[Array], outs: list[Array], *, then: Program, otherwise: Program
) -> Callable[[], None]:
    pred, *captures = arrays
    known = dict(enumerate(captures))
    branches = [_Inner(plan, program, known) for program in (otherwise, then)]

    def run() -> None:
        branch = branches[bool(pred)]
        branch.execute(plan.run.counter)
        for out, result in zip(outs, branch.outputs, strict=True):
            np.copyto(out, result)

    return run


_BINDERS: dict[str, Callable[..., Callable[[], None]]] = {
    "scan": _scan,
    "while": _while,
    "cond": _cond,
}
