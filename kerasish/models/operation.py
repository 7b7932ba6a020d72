"""OperationLayer: an operation between layers, such as `x + y`, as a layer of its own."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasish import ops  # noqa: F401  (it registers all primitives)
from kerasish.graph.passes import replace, variables_in
from kerasish.graph.primitive import PRIMITIVES
from kerasish.graph.shapes import Dim
from kerasish.graph.tensor import Constant, Node, Placeholder, Subgraph, Tensor, size_tensors
from kerasish.layers.base import Layer
from kerasish.utils.naming import unique_name

# What run-time sizes may be computed with in a config. Nothing else in one is ever called.
_ARITHMETIC = {
    name: getattr(operator, name) for name in ("add", "sub", "mul", "floordiv", "mod", "neg")
}


class OperationLayer(Layer):
    """An operation that was applied to the output of a layer directly: `x + y`, `ops.exp(x)`.

    Args:
        node: the node of the graph.
        name: `ops.` and the operation's name if None.
    """

    def __init__(self, node: Node, name: str | None = None):
        name = name or unique_name(f"ops.{node.primitive.name}")
        super().__init__(name=name, autocast=False)
        self.node = node
        self.tensors = operands(node)
        self.built = True

    def __reduce__(self) -> Any:
        return type(self).from_config, (self.get_config(),)

    def call(self, *inputs: Tensor) -> Any:
        """The operation applied to other tensors."""
        results = replace(self.node.outputs, dict(zip(self.tensors, inputs, strict=True)))
        return results[0] if len(results) == 1 else tuple(results)

    def get_config(self) -> dict[str, Any]:
        """The operation by its name, its attributes, and the constants among its inputs."""
        return {
            "name": self.name,
            "op": self.node.primitive.name,
            "operands": [[list(t.shape), t.dtype] for t in self.tensors],
            "inputs": [self._input_config(t) for t in self.node.inputs],
            "attrs": {key: self._attr_config(value) for key, value in self.node.attrs.items()},
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> OperationLayer:
        """The layer of a config; only operations that this library knows are made.

        Raises:
            ValueError: for any other.
        """
        name = config["op"]
        if name not in PRIMITIVES:
            raise ValueError(f"Layer {config.get('name')}: there is no operation {name!r}.")
        tensors = [Placeholder(tuple(shape), dtype) for shape, dtype in config["operands"]]
        inputs = [
            tensors[item["operand"]]
            if "operand" in item
            else Constant(np.asarray(item["value"], item["dtype"]).reshape(item["shape"]))
            for item in config["inputs"]
        ]
        attrs = {key: _attr(value, tensors) for key, value in config["attrs"].items()}
        result = PRIMITIVES[name](*inputs, **attrs)
        node = (result[0] if isinstance(result, tuple) else result).node
        return cls(node, config.get("name"))

    def _position(self, tensor: Tensor) -> int:
        return next(i for i, t in enumerate(self.tensors) if t is tensor)

    def _input_config(self, tensor: Tensor) -> dict[str, Any]:
        if tensor.is_symbolic:
            return {"operand": self._position(tensor)}
        variables = variables_in([tensor])
        if variables:
            raise TypeError(
                f"The operation {self.name} uses the weight {variables[0].name} outside of any "
                "layer, so the model has no config. Write a Layer that owns the weight."
            )
        value = tensor.numpy()
        return {"value": value.tolist(), "dtype": tensor.dtype, "shape": list(value.shape)}

    def _attr_config(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return [self._attr_config(item) for item in value]
        if isinstance(value, Subgraph):
            raise TypeError(
                f"The operation {self.name} holds a function, so the model has no config. Write a "
                "Layer whose `call` does this."
            )
        if not isinstance(value, Dim):
            return value
        if value.operation is None:
            tensor, axis = value.args
            return {"operand": self._position(tensor), "axis": axis}
        name = value.operation.__name__
        if _ARITHMETIC.get(name) is not value.operation:
            raise TypeError(
                f"The operation {self.name} depends on a size that is known only at run time in "
                "a way that has no config. Give the Input a fixed shape, or write a Layer."
            )
        return {"size": name, "args": [self._attr_config(arg) for arg in value.args]}


def _attr(value: Any, tensors: list[Placeholder]) -> Any:
    """The reverse of `_attr_config`."""
    if isinstance(value, (list, tuple)):
        return tuple(_attr(item, tensors) for item in value)
    if not isinstance(value, dict):
        return value
    if "operand" in value:
        return Dim(None, tensors[value["operand"]], value["axis"])
    return Dim(_ARITHMETIC[value["size"]], *(_attr(arg, tensors) for arg in value["args"]))


def operands(node: Node) -> list[Tensor]:
    """The tensors that a node depends on and that depend on an Input."""
    sizes = [t for value in node.attrs.values() for t in size_tensors(value)]
    symbolic = [t for t in (*node.inputs, *sizes) if t.is_symbolic]
    return list({id(t): t for t in symbolic}.values())
