"""Spec: what is known of a tensor before it has a value."""

from __future__ import annotations

from typing import NamedTuple

Shape = tuple["int | None", ...]


class Spec(NamedTuple):
    """Shape and dtype of a tensor. A size of None is unknown until the graph runs."""

    shape: Shape
    dtype: str

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def is_concrete(self) -> bool:
        return None not in self.shape

    def __str__(self) -> str:
        return f"{self.dtype}{format_shape(self.shape)}"


def format_shape(shape: Shape) -> str:
    """`(None, 3)` as NumPy users read it; sizes only known at run time print as None."""
    sizes = ["None" if size is None else str(size) for size in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
