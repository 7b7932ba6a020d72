"""Drawings of models, by Graphviz."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor


class Dot:
    """A drawing as a text in Graphviz's language.

    Attributes:
        source: the text.
    """

    def __init__(self, source: str):
        self.source = source

    def to_string(self) -> str:
        """The text."""
        return self.source

    def create(self, prog: str = "dot", format: str = "png") -> bytes:
        """The drawing as an image.

        Args:
            prog: the program of Graphviz that draws it.
            format: one that Graphviz knows, such as "png", "svg" and "pdf".

        Raises:
            ImportError: Graphviz isn't installed.
        """
        program = shutil.which(prog)
        if program is None:
            raise ImportError(
                f"Drawing a model needs Graphviz: its program `{prog}` isn't there. Install it, "
                "for example with `apt install graphviz`, or write the text of "
                "kerasish.utils.model_to_dot(model) to a file."
            )
        made = subprocess.run(
            [program, f"-T{format}"], input=self.source.encode(), capture_output=True
        )
        if made.returncode:
            raise ValueError(f"Graphviz cannot draw this: {made.stderr.decode().strip()}")
        return made.stdout


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Dot:
    """A model as a text that Graphviz draws: its layers, and what flows between them.

    Args:
        model: a built one.
        show_shapes: whether to write what shapes the layers give.
        show_dtype: whether to write their dtypes.
        show_layer_names: whether to write their names.
        rankdir: "TB" draws from top to bottom, "LR" from left to right.
        expand_nested: whether to draw the layers of models within the model.
        dpi: dots per inch of images.
        subgraph: whether to give a part of a larger drawing.
        show_layer_activations: whether to write their activations.
        show_trainable: whether to write which are frozen.
        splines: how Graphviz draws the lines: "ortho", "curved", "polyline" ...

    >>> from kerasish import layers, models
    >>> model = models.Sequential([layers.Input((2,)), layers.Dense(1, name="last")])
    >>> "last (Dense)" in model_to_dot(model).source
    True
    """
    if getattr(model, "_graph", None) is None:
        raise ValueError(
            f"Model {model.name} has no graph of layers: it is subclassed, or not built yet. Only "
            "functional and Sequential models that know the shapes of their inputs can be drawn."
        )

    def label(layer: Any) -> str:
        kind = type(layer).__name__
        lines = [f"{layer.name} ({kind})" if show_layer_names else kind]
        activation = getattr(layer, "activation", None)
        if show_layer_activations and activation is not None:
            lines.append(f"activation: {getattr(activation, '__name__', activation)}")
        outputs = [x for x in _outputs(layer) if isinstance(x, Tensor)]
        if show_shapes:
            lines.append("output: " + ", ".join(format_shape(x.shape) for x in outputs))
        if show_dtype:
            lines.append("dtype: " + ", ".join(x.dtype for x in outputs))
        if show_trainable and layer.weights:
            lines.append("trainable" if layer.trainable else "frozen")
        return "\\n".join(map(_quotable, lines))

    name = _quotable(model.name)
    head = f'subgraph "cluster_{name}" {{' if subgraph else f'digraph "{name}" {{'
    looks = f"rankdir={rankdir}, dpi={dpi}, splines={splines}"
    lines = [head, f"  graph [{looks}];", "  node [shape=box];"]
    lines += _drawn(model, label, expand_nested)
    return Dot("\n".join([*lines, "}", ""]))


def _quotable(name: str) -> str:
    """A name as it may stand between quotes, which it does not end."""
    return name.replace("\\", "\\\\").replace('"', "'")


def _outputs(layer: Any) -> list[Any]:
    from kerasish import tree

    return tree.flatten(layer._calls[0].outputs) if layer._calls else []


def _drawn(model: Any, label: Any, expand: bool) -> Iterator[str]:
    graph = model._graph
    for layer in graph.layers:
        if expand and getattr(layer, "_graph", None) is not None:
            yield f'  subgraph "cluster_{id(layer)}" {{ label="{_quotable(layer.name)}";'
            yield from _drawn(layer, label, expand)
            yield "  }"
        else:
            yield f'  "{id(layer)}" [label="{label(layer)}"];'
    for call in graph.calls:
        for tensor in call.inputs:
            source, _, _ = graph.origin(tensor)
            yield f'  "{_end(source, -1, expand)}" -> "{_end(call.layer, 0, expand)}";'


def _end(layer: Any, side: int, expand: bool) -> int:
    """The box of a layer; of a model that is drawn as its layers, the first or the last of them."""
    while expand and getattr(layer, "_graph", None) is not None:
        layer = layer._graph.layers[side]
    return id(layer)


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    **options: Any,
) -> Any:
    """Draws a model into a file. Needs Graphviz.

    Args:
        model: a built one.
        to_file: the image; how its name ends says of what kind.
        show_shapes: whether to write what shapes the layers give.
        **options: others of `model_to_dot`.

    Returns:
        In a notebook that shows images: the image. Else None.

    Raises:
        ImportError: Graphviz isn't installed.

    >>> plot_model(model, "model.png", show_shapes=True)  # doctest: +SKIP
    """
    drawing = model_to_dot(model, show_shapes, **options)
    kind = os.path.splitext(os.fspath(to_file))[1].removeprefix(".") or "png"
    image = drawing.create(format=kind)
    with open(to_file, "wb") as file:
        file.write(image)
    return _shown(to_file) if kind != "pdf" else None


def _shown(path: str | os.PathLike[str]) -> Any:
    import sys

    if "IPython.core.magics.namespace" not in sys.modules:
        return None
    from IPython import display

    return display.Image(filename=os.fspath(path))
