"""Errors that say which operation failed, on what, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kerasish.graph.program import Instruction, Program
from kerasish.graph.spec import Spec


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
