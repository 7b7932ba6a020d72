"""Program: what an engine receives. Plain data, printable, no Python callables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.graph.native import NativeFunction
from kerasish.graph.ordering import for_memory
from kerasish.graph.passes import topological_order
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Constant, Subgraph, Tensor
from kerasish.graph.variable import Variable


@dataclass(frozen=True)
class Instruction:
    """One operation: values (by number) in, values out.

    The bodies of loops and branches are Programs among the attributes, without variables:
    all that they read are their inputs.
    """

    op: str
    inputs: tuple[int, ...]
    attrs: dict[str, Any]
    outputs: tuple[int, ...]
    specs: tuple[Spec, ...]
    source: str

    def __str__(self) -> str:
        results = ", ".join(f"%{i}: {s}" for i, s in zip(self.outputs, self.specs, strict=True))
        inner = self.programs
        plain = [f"{k}={v}" for k, v in self.attrs.items() if k not in inner]
        args = [f"%{i}" for i in self.inputs] + plain
        blocks = [f"\n{k}: {program}".replace("\n", "\n    ") for k, program in inner.items()]
        return f"{results} = {self.op}({', '.join(args)})" + "".join(blocks)

    @property
    def programs(self) -> dict[str, Program]:
        """The Programs among the attributes, by name."""
        return {key: value for key, value in self.attrs.items() if isinstance(value, Program)}

    @property
    def is_random(self) -> bool:
        """Whether each run gives other numbers."""
        inner = any(program.is_random for program in self.programs.values())
        return inner or bool(self.attrs.get("counted"))


@dataclass(frozen=True)
class VariableSlot:
    """A variable that a Program reads or updates."""

    id: int
    key: int
    spec: Spec
    name: str


@dataclass(frozen=True)
class Program:
    """A graph in execution order, all shapes concrete.

    Attributes:
        name: for messages.
        inputs: (value number, spec) of each argument.
        variables: the state that is read or updated.
        constants: value number -> array.
        instructions: in an order in which they can run.
        outputs: value numbers.
        updates: (variable key, value number), applied together at the end.
        jit: whether the user demands or forbids just-in-time compilation; None: undecided.
        warm_up: whether the first runs may go another way than later ones, one that starts at
            once and rounds otherwise.
    """

    name: str
    inputs: tuple[tuple[int, Spec], ...]
    variables: tuple[VariableSlot, ...]
    constants: dict[int, np.ndarray]
    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]
    updates: tuple[tuple[int, int], ...]
    jit: bool | None = None
    warm_up: bool = True

    @property
    def ops(self) -> list[str]:
        """The operations used, each once."""
        return sorted({i.op for i in self.walk()})

    def walk(self) -> Iterator[Instruction]:
        """The instructions, each followed by those of the Programs in it."""
        for instruction in self.instructions:
            yield instruction
            for program in instruction.programs.values():
                yield from program.walk()

    def specs(self) -> dict[int, Spec]:
        """Value number -> spec, of every value."""
        specs = dict(self.inputs)
        specs.update((slot.id, slot.spec) for slot in self.variables)
        specs.update((i, Spec(a.shape, a.dtype.name)) for i, a in self.constants.items())
        for instruction in self.instructions:
            specs.update(zip(instruction.outputs, instruction.specs, strict=True))
        return specs

    @property
    def is_random(self) -> bool:
        """Whether a run needs a new run counter to draw other numbers."""
        return any(i.is_random for i in self.instructions)

    def to_json(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """A JSON-able header and the constants' arrays, in the header's order.

        Programs among attributes are headers too, as `{"program": header}`; their arrays follow
        in the order of the instructions.
        """
        arrays = list(self.constants.values())

        def plain(value: Any) -> Any:
            if not isinstance(value, Program):
                return value
            inner, more = value.to_json()
            arrays.extend(more)
            return {"program": inner}

        header = {
            "name": self.name,
            "inputs": [[i, list(spec.shape), spec.dtype] for i, spec in self.inputs],
            "variables": [
                [v.id, v.key, list(v.spec.shape), v.spec.dtype, v.name] for v in self.variables
            ],
            "constants": list(self.constants),
            "instructions": [
                [
                    i.op,
                    list(i.inputs),
                    {key: plain(value) for key, value in i.attrs.items()},
                    list(i.outputs),
                    [[list(spec.shape), spec.dtype] for spec in i.specs],
                    i.source,
                ]
                for i in self.instructions
            ],
            "outputs": list(self.outputs),
            "updates": [list(pair) for pair in self.updates],
        }
        return header, arrays

    def __str__(self) -> str:
        lines = [f"program {self.name}("]
        lines += [f"    %{i}: {spec}" for i, spec in self.inputs]
        lines += [f"    %{v.id}: {v.spec}  # variable {v.name}" for v in self.variables]
        lines += [f"    %{i}: {_brief(value)}" for i, value in self.constants.items()]
        lines += ["):"]
        lines += ["    " + str(i).replace("\n", "\n    ") for i in self.instructions]
        names = {v.key: v.name for v in self.variables}
        lines += [f"    {names[key]} <- %{i}" for key, i in self.updates]
        return "\n".join([*lines, f"    return {', '.join(f'%{i}' for i in self.outputs)}"])


def _brief(array: np.ndarray) -> str:
    text = f"{array.dtype}{array.shape}"
    return f"{text} = {array}" if array.size == 1 else text


def _nested(name: str, attr: Any) -> Any:
    """An attribute in a Program: a subgraph becomes a Program, a function its name."""
    if isinstance(attr, NativeFunction):
        return attr.id
    if not isinstance(attr, Subgraph):
        return attr
    program, variables = build_program(name, attr.inputs, attr.outputs, ())
    assert not variables, f"{name} reads {variables}, which it should have captured."
    return program


def build_program(
    name: str,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    updates: Sequence[tuple[Variable, Tensor]],
    jit: bool | None = None,
    warm_up: bool = True,
) -> tuple[Program, list[Variable]]:
    """Numbers the values of a concrete graph.

    Returns:
        The program, and its variables in the order of `program.variables`.
    """
    results = [*outputs, *(value for _, value in updates)]
    nodes = topological_order(results, stop=inputs)
    if any(node.primitive.name == "held_back" for node in nodes):
        nodes = for_memory(nodes)
    numbers: dict[int, int] = {id(t): i for i, t in enumerate(inputs)}
    constants: dict[int, np.ndarray] = {}
    variables: dict[int, Variable] = {}

    def number(tensor: Tensor) -> int:
        known = numbers.get(id(tensor))
        if known is not None:
            return known
        numbers[id(tensor)] = new = len(numbers)
        if isinstance(tensor, Constant):
            constants[new] = tensor.value
        elif isinstance(tensor, Variable):
            variables[new] = tensor
        return new

    for variable, _ in updates:
        number(variable)
    instructions = tuple(
        Instruction(
            node.primitive.name,
            tuple(number(t) for t in node.inputs),
            {k: _nested(f"{name}.{k}", v) for k, v in node.attrs.items()},
            tuple(number(t) for t in node.outputs),
            tuple(t.spec for t in node.outputs),
            node.source,
        )
        for node in nodes
    )
    output_ids = tuple(number(t) for t in outputs)
    update_ids = tuple((variable.key, number(value)) for variable, value in updates)
    program = Program(
        name,
        inputs=tuple((numbers[id(t)], t.spec) for t in inputs),
        variables=tuple(VariableSlot(i, v.key, v.spec, v.path) for i, v in variables.items()),
        constants=constants,
        instructions=instructions,
        outputs=output_ids,
        updates=update_ids,
        jit=jit,
        warm_up=warm_up,
    )
    return program, list(variables.values())
