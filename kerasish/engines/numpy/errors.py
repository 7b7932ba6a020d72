"""Errors that say which operation failed, on what, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kerasish.graph.program import Instruction, Program
from kerasish.graph.spec import Spec


def specs_of(program: Program) -> dict[int, Spec]:
    """Value number -> spec, for all values of a program."""
    specs = dict(program.inputs)
    specs.update((slot.id, slot.spec) for slot in program.variables)
    specs.update((i, Spec(a.shape, a.dtype.name)) for i, a in program.constants.items())
    for instruction in program.instructions:
        specs.update(zip(instruction.outputs, instruction.specs, strict=True))
    return specs


@contextmanager
def named(instruction: Instruction, program: Program, specs: Sequence[Spec]) -> Iterator[None]:
    """Errors inside become a ValueError or RuntimeError with the operation's name and place."""
    try:
        yield
    except Exception as error:
        if getattr(error, "is_named", False):  # by an operation within this one
            raise
        kind = ValueError if isinstance(error, (ValueError, IndexError)) else RuntimeError
        where = f", which comes from {instruction.source}," if instruction.source else ""
        located = kind(
            f"{program.name}: {instruction.op}({', '.join(map(str, specs))}){where} failed on the "
            f"numpy engine: {error}"
        )
        located.is_named = True  # type: ignore[union-attr]
        raise located from error
