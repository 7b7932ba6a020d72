"""Operation: a step of a model that has no weights, as Keras 3 has it."""

from __future__ import annotations

from typing import Any

from kerasish import tree
from kerasish.graph.shapes import compatible
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer


class _AnyOfLayers(type):
    """Keras's layers are operations, too."""

    def __instancecheck__(cls, x: Any) -> bool:
        return cls.__subclasscheck__(type(x))

    def __subclasscheck__(cls, other: type) -> bool:
        kinds = other.__mro__
        return cls in kinds or (bool(cls.__dict__.get("_is_base")) and Layer in kinds)


class Operation(Layer, metaclass=_AnyOfLayers):
    """The base of steps without weights: a class of one's own defines `call`, in ops.

    Called on arrays it computes, called on an Input it becomes a part of a model, among whose
    layers it is listed. All layers are instances of this class.

    Args:
        name: unique in a model; made up from the class if None.

    Raises:
        ValueError: the name has a "/"; or when it is called, `compute_output_spec` was written
            anew and says something else than `call` returns.
        NotImplementedError: when it is called, there is no `call`.

    >>> class Scale(Operation):
    ...     def __init__(self, factor, name=None):
    ...         super().__init__(name)
    ...         self.factor = factor
    ...     def call(self, x):
    ...         return x * self.factor
    >>> double = Scale(2, name="double")
    >>> double(np.ones(2)).numpy(), double.get_config()
    (array([2., 2.]), {'factor': 2, 'name': 'double'})
    """

    _is_base = True

    def __init__(self, name: str | None = None):
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f'Operation: name must be a string without "/", but got {name!r}.')
        super().__init__(name=name, autocast=False)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs, in ops."""
        raise NotImplementedError(
            f"Operation {self.name}: {type(self).__name__} has no `call`. It needs one that takes "
            "tensors and returns tensors."
        )

    def _called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outputs = super()._called(args, kwargs)
        if type(self).compute_output_spec is not Operation.compute_output_spec:
            said = tree.flatten(self.compute_output_spec(*args, **kwargs))
            for spec, found in zip(said, tree.flatten(outputs), strict=True):
                fits = isinstance(found, Tensor) and compatible(spec.shape, found.shape)
                if not fits or spec.dtype != found.dtype:
                    raise ValueError(
                        f"Operation {self.name}: compute_output_spec says {spec!r}, but `call` "
                        f"returned {found!r}."
                    )
        return outputs

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal operation, as plain data."""
        of_layers = ("trainable", "dtype")
        return {k: v for k, v in super().get_config().items() if k not in of_layers}
