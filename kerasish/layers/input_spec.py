"""InputSpec: what a layer demands of an input."""

from __future__ import annotations

from typing import Any

from kerasish.graph.spec import format_shape


class InputSpec:
    """Demands on the rank, sizes and dtype of an input.

    Args:
        dtype: required dtype.
        shape: required shape, None where any size fits.
        ndim: required rank.
        max_ndim: largest rank.
        min_ndim: smallest rank.
        axes: {axis: size} that must hold.

    >>> InputSpec(ndim=4, axes={-1: 3})
    InputSpec(ndim=4, axes={-1: 3})
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int] | None = None,
    ):
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(self.shape)  # type: ignore[arg-type]
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = dict(axes or {})
        if self.shape is not None:
            self.axes |= {i: n for i, n in enumerate(self.shape) if n is not None}

    def check(self, x: Any, layer: str) -> None:
        """Raises ValueError if `x` does not fit, naming the layer."""
        found = f"but it got a tensor of shape {format_shape(x.shape)}"
        if self.ndim is not None and x.ndim != self.ndim:
            raise ValueError(f"Layer {layer} expects an input of rank {self.ndim}, {found}.")
        if self.max_ndim is not None and x.ndim > self.max_ndim:
            raise ValueError(
                f"Layer {layer} expects an input of rank at most {self.max_ndim}, {found}."
            )
        if self.min_ndim is not None and x.ndim < self.min_ndim:
            raise ValueError(
                f"Layer {layer} expects an input of rank at least {self.min_ndim}, {found}."
            )
        if self.dtype is not None and x.dtype != self.dtype:
            raise ValueError(f"Layer {layer} expects dtype {self.dtype}, but it got {x.dtype}.")
        for axis, size in self.axes.items():
            if x.shape[axis] not in (size, None):
                raise ValueError(
                    f"Layer {layer} was built for inputs with size {size} on axis {axis}, {found}."
                )

    def __repr__(self) -> str:
        shown = {k: v for k, v in self.__dict__.items() if v not in (None, {})}
        return f"InputSpec({', '.join(f'{k}={v!r}' for k, v in shown.items())})"
