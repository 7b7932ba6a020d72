"""Arrangement by a pattern of names: `rearrange`."""

from __future__ import annotations

import operator
import re
from typing import Any

from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import Dim, known
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import reshape, transpose


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """Axes reordered, split and merged as a pattern of names says.

    Args:
        tensor: a tensor.
        pattern: the axes before and after, as in `"b (h w) c -> b c h w"`. Names in
            parentheses are one axis; `...` stands for axes without names.
        **axes_lengths: sizes of named axes, where a merged axis is split.

    Returns:
        A tensor of the same dtype and elements, with the axes on the pattern's right side.

    Raises:
        ValueError: if the pattern cannot be read, its sides do not name the same axes, each once,
            it does not fit the shape and the sizes given, or these leave another one open.
        TypeError: if tensor is no array of numbers, or a size is no int.

    >>> rearrange(np.zeros((2, 6, 3)), "b (h w) c -> b c h w", h=2).shape
    (2, 3, 2, 3)
    """
    x = as_tensor(tensor)
    before, arrow, after = pattern.partition("->")
    if not arrow:
        raise ValueError(f"rearrange: the pattern {pattern!r} has no '->'.")
    old, new = _groups(before, pattern), _groups(after, pattern)
    old = _without_dots(old, x.rank, pattern)
    dots = [name for group in old for name in group if name.startswith(".")]
    new = [item for group in new for item in ([[d] for d in dots] if group == ["..."] else [group])]
    if len(old) != x.rank:
        raise ValueError(
            f"rearrange: {pattern!r} names {len(old)} axes, but the shape is "
            f"{format_shape(x.shape)}."
        )
    sizes = _named_sizes(x, old, axes_lengths, pattern)
    names = [name for group in old for name in group]
    order = [name for group in new for name in group]
    if sorted(names) != sorted(order) or len(set(names)) != len(names):
        raise ValueError(
            f"rearrange: both sides of {pattern!r} must name the same axes, each once."
        )
    apart = reshape(x, tuple(sizes[name] for name in names))
    moved = transpose(apart, [names.index(name) for name in order])
    result = []
    for group in new:
        size: Any = 1
        for name in group:
            size = size * sizes[name]
        result.append(size)
    return reshape(moved, tuple(result))


def _groups(side: str, pattern: str) -> list[list[str]]:
    """The axes of one side, each a list of names."""
    tokens = re.findall(r"\([^()]*\)|\.\.\.|\w+", side)
    if re.sub(r"\([^()]*\)|\.\.\.|\w+|\s", "", side):
        raise ValueError(f"rearrange: cannot read the pattern {pattern!r}.")
    groups = [re.findall(r"\.\.\.|\w+", t) if t.startswith("(") else [t] for t in tokens]
    # A bare 1 is an axis of size 1, which needs no name.
    return [[name for name in group if name != "1"] for group in groups]


def _without_dots(groups: list[list[str]], rank: int, pattern: str) -> list[list[str]]:
    """The axes with a name for each one that `...` stands for."""
    if ["..."] not in groups:
        return groups
    at = groups.index(["..."])
    count = rank - (len(groups) - 1)
    if count < 0:
        raise ValueError(f"rearrange: {pattern!r} names more axes than the {rank} there are.")
    return [*groups[:at], *([f".{i}"] for i in range(count)), *groups[at + 1 :]]


def _named_sizes(
    x: Tensor, groups: list[list[str]], lengths: dict[str, int], pattern: str
) -> dict[str, Any]:
    """The size of each named axis; at most one per axis of x is worked out."""
    sizes: dict[str, Any] = {}
    strange = sorted(set(lengths) - {name for group in groups for name in group})
    if strange:
        raise ValueError(f"rearrange: {pattern!r} names no axis {strange[0]!r}, but its size came.")
    for axis, group in enumerate(groups):
        whole: Any = Dim.of(x, axis)
        unknown = [name for name in group if name not in lengths]
        given: Any = 1
        for name in group:
            if name in lengths:
                sizes[name] = operator.index(lengths[name])
                given *= sizes[name]
        if len(unknown) > 1:
            raise ValueError(f"rearrange: give the sizes of all but one of {unknown}: {pattern!r}.")
        if unknown and given == 0:
            raise ValueError(
                f"rearrange: beside a size of 0 that of {unknown[0]!r} can be any; give it: "
                f"{pattern!r}, {lengths}."
            )
        exact = known(whole) is None or (whole % given == 0 if unknown else whole == given)
        if not exact:
            raise ValueError(
                f"rearrange: axis {axis} of {format_shape(x.shape)} does not fit {group} with "
                f"{lengths} in {pattern!r}."
            )
        if unknown:
            sizes[unknown[0]] = whole if given == 1 else whole // given
    return sizes
