"""`model.summary()`: the layers of a model as a table."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kerasish import tree
from kerasish.graph import dtypes
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor


@dataclass
class _Row:
    """What the table says of one layer. Each cell may take several lines."""

    layer: Any
    depth: int
    cells: list[list[str]] = field(default_factory=list)


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Prints the layers of a model, their output shapes and numbers of parameters.

    The columns are as wide as what stands in them, so nothing is cut off.

    Args:
        model: the model.
        line_length: the least width of the table.
        positions: where the columns end at least: as shares of the line, or in characters.
        print_fn: called with each line instead of `print`.
        expand_nested: whether to show the layers of models within.
        show_trainable: whether to add a column that says what is trainable.
        layer_range: names (or regular expressions) of the first and last layer to show.

    Raises:
        ValueError: if `layer_range` fits no layer.

    >>> from kerasish import layers, models
    >>> model = models.Sequential([layers.Input((3,)), layers.Dense(2, name="out")], name="tiny")
    >>> print_summary(model)
    Model: "tiny"
    ┌──────────────┬──────────────┬─────────┐
    │ Layer (type) │ Output Shape │ Param # │
    ├──────────────┼──────────────┼─────────┤
    │ out (Dense)  │ (None, 2)    │       8 │
    └──────────────┴──────────────┴─────────┘
    Total params: 8 (32 B)
    Trainable params: 8 (32 B)
    Non-trainable params: 0 (0 B)
    """
    headings = ["Layer (type)", "Output Shape", "Param #"]
    rows = _rows(model, expand_nested)
    if layer_range is not None:
        rows = _within(rows, layer_range)
    connected = _is_branched(model)
    if connected:
        headings.append("Connected to")
    if show_trainable:
        headings.append("Trainable")
    for row in rows:
        row.cells = _cells(row, model if row.depth == 0 else None, connected, show_trainable)
    lines = [f'Model: "{model.name}"']
    lines += _table(headings, [row.cells for row in rows], _least_widths(line_length, positions))
    lines += _totals(model)
    for line in lines:
        (print_fn or print)(line)


# --- what stands in the table ------------------------------------------------------------


def _rows(model: Any, nested: bool, depth: int = 0) -> list[_Row]:
    rows = []
    for layer in model.layers:
        rows.append(_Row(layer, depth))
        if nested and hasattr(layer, "layers"):
            rows += _rows(layer, nested, depth + 1)
    return rows


def _within(rows: list[_Row], layer_range: Sequence[str]) -> list[_Row]:
    """The rows from the first that fits the first pattern to the last that fits the second."""
    if len(layer_range) != 2:
        raise ValueError(f"layer_range names two layers, but got {layer_range!r}.")
    found = []
    for pattern in layer_range:
        at = [i for i, row in enumerate(rows) if re.fullmatch(pattern, row.layer.name)]
        if not at:
            raise ValueError(
                f"layer_range: no layer is called {pattern!r}. There are: "
                f"{', '.join(row.layer.name for row in rows)}."
            )
        found.append(at)
    start, end = found[0][0], found[1][-1]
    if start > end:
        raise ValueError(f"layer_range: {layer_range[0]!r} comes after {layer_range[1]!r}.")
    return rows[start : end + 1]


def _is_branched(model: Any) -> bool:
    """Whether the layers are more than a chain, so that their connections need a column."""
    graph = getattr(model, "_graph", None)
    if graph is None:
        return False
    order = [call.layer for call in graph.calls]
    inputs = [_sources(graph, call) for call in graph.calls]
    before = [graph.layers[0], *order]
    chain = all(
        len(found) == 1 and found[0] == layer.name
        for found, layer in zip(inputs, before, strict=False)
    )
    return not chain or len(graph.flat_inputs) != 1 or len(graph.flat_outputs) != 1


def _cells(row: _Row, model: Any, connected: bool, show_trainable: bool) -> list[list[str]]:
    layer = row.layer
    indent = "  " * (row.depth - 1) + "└ " if row.depth else ""
    kind = "operation" if type(layer).__name__ == "OperationLayer" else type(layer).__name__
    graph = getattr(model, "_graph", None)
    calls = [call for call in graph.calls if call.layer is layer] if graph else layer._calls
    unbuilt = not layer.built and not layer.weights
    cells = [
        [f"{indent}{layer.name} ({kind})"],
        _shapes(calls or layer._calls) or _formatted(layer._seen_shapes) or ["?"],
        ["unbuilt" if unbuilt else f"{_count(layer.weights):,}"],
    ]
    if connected:
        sources = [name for call in calls for name in _sources(graph, call)] if graph else []
        cells.append(list(dict.fromkeys(sources)) or [""])
    if show_trainable:
        weights = layer.weights
        cells.append(["-" if not weights else "yes" if layer.trainable else "no"])
    return cells


def _shapes(calls: Iterable[Any]) -> list[str]:
    """The different shapes among the outputs of a layer's calls."""
    tensors = [x for call in calls for x in tree.flatten(call.outputs) if isinstance(x, Tensor)]
    return list(dict.fromkeys(format_shape(x.shape) for x in tensors))


def _formatted(shapes: Any) -> list[str]:
    """A shape, or a list or dict of shapes, as lines."""
    if isinstance(shapes, tuple) and all(n is None or isinstance(n, int) for n in shapes):
        return [format_shape(shapes)]
    nested = shapes.values() if isinstance(shapes, dict) else shapes or ()
    return [line for item in nested for line in _formatted(item)]


def _sources(graph: Any, call: Any) -> list[str]:
    """The layers that a call's inputs come from: `dense`, `lstm[1]` for its second output."""
    names = []
    for x in call.inputs:
        layer, _, index = graph.origin(x)
        names.append(layer.name if index == 0 else f"{layer.name}[{index}]")
    return names


# --- the table itself --------------------------------------------------------------------


def _least_widths(line_length: int | None, positions: Sequence[float] | None) -> list[int]:
    """The least width of each column that the arguments ask for; the last one is the table's."""
    if positions is None:
        return [line_length or 0]
    length = line_length or 88
    shares = max(positions) <= 1
    ends = [int(p * length) if shares else int(p) for p in positions]
    widths = [max(end - start - 3, 0) for start, end in zip([0, *ends], ends, strict=False)]
    return [*widths, max(line_length or 0, ends[-1])]


def _table(headings: list[str], rows: list[list[list[str]]], least: list[int]) -> list[str]:
    columns = range(len(headings))
    widths = [
        max([len(headings[i]), *(len(line) for row in rows for line in row[i])]) for i in columns
    ]
    widths = [max(w, least[i] if i < len(least) - 1 else 0) for i, w in enumerate(widths)]
    missing = least[-1] - (sum(widths) + 3 * len(widths) + 1)
    widths[0] += max(missing, 0)

    def rule(left: str, middle: str, right: str) -> str:
        return left + middle.join("─" * (w + 2) for w in widths) + right

    def line(cells: Sequence[str]) -> str:
        aligned = [
            cell.rjust(widths[i]) if headings[i] == "Param #" else cell.ljust(widths[i])
            for i, cell in enumerate(cells)
        ]
        return "│ " + " │ ".join(aligned) + " │"

    lines = [rule("┌", "┬", "┐"), line(headings), rule("├", "┼", "┤")]
    for row in rows:
        height = max(map(len, row))
        lines += [line([c[k] if k < len(c) else "" for c in row]) for k in range(height)]
    return [*lines, rule("└", "┴", "┘")]


# --- totals ------------------------------------------------------------------------------


def _count(variables: Iterable[Any]) -> int:
    return sum(math.prod(v.shape) for v in variables)


def _totals(model: Any) -> list[str]:
    parts = {
        "Total params": model.weights,
        "Trainable params": model.trainable_weights,
        "Non-trainable params": model.non_trainable_weights,
    }
    lines = [f"{name}: {_count(found):,} ({_size(found)})" for name, found in parts.items()]
    if any(not layer.built and not layer.weights for layer in model.layers) or not model.layers:
        lines.append(
            "Not all of the model is built: call it on data, or give it an Input, and the shapes "
            "and numbers will stand here."
        )
    return lines


def _size(variables: Iterable[Any]) -> str:
    """The memory that variables take: `1.5 KB`."""
    size = float(sum(math.prod(v.shape) * dtypes.numpy_dtype(v.dtype).itemsize for v in variables))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TB"
