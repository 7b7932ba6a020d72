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
        allow_last_axis_squeeze: whether a last axis of size 1 may be more, or missing.
        name: of the input, for messages.
        optional: whether None may stand for the input.

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
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ):
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(self.shape)  # type: ignore[arg-type]
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = dict(axes or {})
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional
        if self.shape is not None:
            self.axes |= {i: n for i, n in enumerate(self.shape) if n is not None}

    def check(self, x: Any, layer: str) -> None:
        """Raises ValueError if `x` does not fit, naming the layer."""
        layer = layer if self.name is None else f"{layer}, input {self.name},"
        found = f"but it got a tensor of shape {format_shape(x.shape)}"
        if self._differs_by_one_axis(x):
            return
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
            if not -x.ndim <= axis < x.ndim:
                raise ValueError(f"Layer {layer} expects an input with an axis {axis}, {found}.")
            if x.shape[axis] not in (size, None):
                raise ValueError(
                    f"Layer {layer} was built for inputs with size {size} on axis {axis}, {found}."
                )

    def _differs_by_one_axis(self, x: Any) -> bool:
        """Whether `x` would fit with a last axis of size 1 more or less, where that is allowed."""
        if not self.allow_last_axis_squeeze or self.shape is None:
            return False
        short, long = sorted((tuple(x.shape), self.shape), key=len)
        return len(long) == len(short) + 1 and long[-1] == 1 and _fits(short, long[:-1])

    def __repr__(self) -> str:
        shown = {k: v for k, v in self.__dict__.items() if v not in (None, {}, False)}
        return f"InputSpec({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


def _fits(a: Any, b: Any) -> bool:
    """Whether two shapes of one length can be the same."""
    return all(m is None or n is None or m == n for m, n in zip(a, b, strict=True))
