"""Layers of several inputs that return one tensor, and functions that apply them."""

from __future__ import annotations

from functools import reduce
from typing import Any, ClassVar

from kerasish import ops
from kerasish.graph.shapes import broadcast_shapes, canonical_axis
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer


def _listed(inputs: Any) -> str:
    return ", ".join(format_shape(x.shape) for x in inputs)


class _Merge(Layer):
    """Checks of the inputs, and their masks. Subclasses say how two are combined."""

    supports_masking = True
    combine: ClassVar[Any]  # a function of two tensors

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        """The inputs combined, one after the other."""
        return reduce(type(self).combine, self._matched(inputs))

    def _checked(self, inputs: Any) -> list[Tensor]:
        if not isinstance(inputs, (list, tuple)) or not inputs:
            raise ValueError(
                f"Layer {self.name} ({type(self).__name__}) takes a list of tensors, but got "
                f"{inputs!r:.100}."
            )
        return list(inputs)

    def _matched(self, inputs: Any) -> list[Tensor]:
        """The inputs with equally many axes (new ones come after the batch's)."""
        tensors = self._checked(inputs)
        rank = max(x.rank for x in tensors)
        matched = [self._with_rank(x, rank) for x in tensors]
        try:
            broadcast_shapes(*(x.shape for x in matched))
        except ValueError:
            raise ValueError(
                f"Layer {self.name} ({type(self).__name__}): inputs of shapes {_listed(tensors)} "
                "do not fit together; sizes must be equal, or 1."
            ) from None
        if len({x.shape[0] for x in tensors if x.rank} - {None}) > 1:
            raise ValueError(
                f"Layer {self.name} ({type(self).__name__}): inputs of shapes {_listed(tensors)} "
                "have different batch sizes."
            )
        return matched

    def _with_rank(self, x: Tensor, rank: int) -> Tensor:
        missing = rank - x.rank
        return ops.expand_dims(x, tuple(range(1, missing + 1))) if missing else x

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where any mask is, as in Keras 3 (in Keras 2 all had to be); None if one is."""
        masks = mask if isinstance(mask, (list, tuple)) else [mask]
        return None if any(m is None for m in masks) else reduce(ops.logical_or, masks)


class Add(_Merge):
    """The sum of its inputs.

    Shapes:
        a list of tensors of one shape (or shapes that broadcast) -> that shape

    >>> Add()([np.ones((1, 2)), np.ones((1, 2))]).numpy()
    array([[2., 2.]], dtype=float32)
    """

    combine = staticmethod(ops.add)


class Subtract(_Merge):
    """The first of two inputs minus the second.

    Shapes:
        a list of two tensors of one shape (or shapes that broadcast) -> that shape

    >>> Subtract()([np.ones((1, 2)), np.ones((1, 2))]).numpy()
    array([[0., 0.]], dtype=float32)
    """

    combine = staticmethod(ops.subtract)

    def _checked(self, inputs: Any) -> list[Tensor]:
        tensors = super()._checked(inputs)
        if len(tensors) != 2:
            raise ValueError(
                f"Layer {self.name} (Subtract) takes two tensors, but got {len(tensors)}."
            )
        return tensors


class Average(_Merge):
    """The mean of its inputs, element by element.

    Shapes:
        a list of tensors of one shape (or shapes that broadcast) -> that shape

    >>> Average()([np.zeros((1, 2)), np.ones((1, 2))]).numpy()
    array([[0.5, 0.5]], dtype=float32)
    """

    combine = staticmethod(ops.add)

    def call(self, inputs: Any) -> Tensor:
        """The sum over the number of inputs."""
        return super().call(inputs) / len(inputs)


class _MergeOfCounted(_Merge):
    """Where a mask leaves an input out, the others alone count, as in Keras 3."""

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        """The inputs combined, one after the other."""
        return self._merged(inputs, mask)[0]

    def _merged(self, inputs: Any, mask: Any) -> tuple[Tensor, Tensor | None]:
        """The inputs combined, and where any of them counts; None: everywhere."""
        tensors = self._matched(inputs)
        masks = mask if isinstance(mask, (list, tuple)) else [None] * len(tensors)
        rank = tensors[0].rank
        counts = [
            None if m is None else self._with_rank(_per_element(x, m), rank)
            for x, m in zip(inputs, masks, strict=True)
        ]
        return reduce(self._pair, zip(tensors, counts, strict=True))

    def _pair(
        self, one: tuple[Tensor, Tensor | None], other: tuple[Tensor, Tensor | None]
    ) -> tuple[Tensor, Tensor | None]:
        (a, a_counts), (b, b_counts) = one, other
        both = type(self).combine(a, b)
        if b_counts is not None:
            both = ops.where(b_counts, both, a)
        if a_counts is not None:
            both = ops.where(a_counts, both, b if b_counts is None else ops.where(b_counts, b, a))
        if a_counts is None or b_counts is None:
            return both, None
        return both, ops.logical_or(a_counts, b_counts)


def _per_element(x: Tensor, mask: Tensor) -> Tensor:
    """A mask with as many axes as `x`."""
    missing = tuple(range(mask.rank, x.rank))
    return ops.expand_dims(mask, missing) if missing else mask


class Multiply(_MergeOfCounted):
    """The product of its inputs, element by element.

    What a mask leaves out of an input counts as 1, and as 0 where it is left out of all.

    Shapes:
        a list of tensors of one shape (or shapes that broadcast) -> that shape

    >>> Multiply()([np.full((1, 2), 2.0), np.full((1, 2), 3.0)]).numpy()
    array([[6., 6.]], dtype=float32)
    """

    combine = staticmethod(ops.multiply)

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        """The product of what counts."""
        product, counts = self._merged(inputs, mask)
        return product if counts is None else ops.where(counts, product, ops.zeros_like(product))


class Maximum(_MergeOfCounted):
    """The largest of its inputs, element by element; what a mask leaves out is passed over.

    Shapes:
        a list of tensors of one shape (or shapes that broadcast) -> that shape

    >>> Maximum()([np.array([[1.0, 5.0]]), np.array([[3.0, 2.0]])]).numpy()
    array([[3., 5.]], dtype=float32)
    """

    combine = staticmethod(ops.maximum)


class Minimum(_MergeOfCounted):
    """The smallest of its inputs, element by element; what a mask leaves out is passed over.

    Shapes:
        a list of tensors of one shape (or shapes that broadcast) -> that shape

    >>> Minimum()([np.array([[1.0, 5.0]]), np.array([[3.0, 2.0]])]).numpy()
    array([[1., 2.]], dtype=float32)
    """

    combine = staticmethod(ops.minimum)


class Concatenate(_Merge):
    """Its inputs side by side.

    Args:
        axis: along which they are joined; on all others their sizes are equal.

    Shapes:
        a list of tensors (..., n), (..., m) ... -> (..., n + m + ...)

    >>> Concatenate()([np.ones((1, 2)), np.ones((1, 3))]).shape
    (1, 5)
    """

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Tensor:
        """The inputs, joined."""
        tensors = self._checked(inputs)
        rank = tensors[0].rank
        axis = canonical_axis(self.axis, rank) if rank else 0
        for x in tensors[1:]:
            others = zip(tensors[0].shape, x.shape, strict=False)
            if x.rank != rank or any(
                a != b and None not in (a, b) and i != axis for i, (a, b) in enumerate(others)
            ):
                raise ValueError(
                    f"Layer {self.name} (Concatenate, axis={self.axis}): inputs of shapes "
                    f"{_listed(tensors)} must agree on every axis but axis {axis}."
                )
        return ops.concatenate(tensors, axis=axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks joined in the same way; an input without one counts as a whole.

        A place counts if any of what is joined there does, as in Keras 3 (all of it in Keras 2).
        """
        if not isinstance(mask, (list, tuple)) or all(m is None for m in mask):
            return None
        axis = canonical_axis(self.axis, inputs[0].rank)
        whole = [_full_mask(x, m) for x, m in zip(inputs, mask, strict=True)]
        joined = ops.concatenate(whole, axis=axis)
        rank = max(m.rank for m in mask if m is not None)
        return ops.any(joined, axis=tuple(range(rank, joined.rank)))


def _full_mask(x: Tensor, mask: Tensor | None) -> Tensor:
    """The mask of each element of `x`."""
    if mask is None:
        return ops.ones_like(x, dtype="bool")
    return ops.broadcast_to(_per_element(x, mask), ops.shape(x))


class Dot(_Merge):
    """The products of two inputs, summed over one axis of each, sample by sample.

    Args:
        axes: the axis of each input (a pair), or one int for both; 0 is the batch's.
        normalize: whether to scale the inputs to length 1 along the axes first, which gives
            the cosine.

    Shapes:
        (batch, ...) and (batch, ...) -> (batch, the other axes of the first, of the second)

    >>> Dot(axes=1)([np.ones((2, 3)), np.ones((2, 3))]).numpy()
    array([[3.],
           [3.]], dtype=float32)
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        pair = tuple(axes) if isinstance(axes, (list, tuple)) else (axes, axes)
        if len(pair) != 2 or not all(isinstance(a, int) for a in pair):
            raise ValueError(f"Dot: axes must be an int or two of them, but got {axes!r}.")
        self.axes = axes if isinstance(axes, int) else pair
        self.normalize = bool(normalize)

    def call(self, inputs: Any) -> Tensor:
        """The products, summed."""
        tensors = self._checked(inputs)
        if len(tensors) != 2:
            raise ValueError(f"Layer {self.name} (Dot) takes two tensors, but got {len(tensors)}.")
        pair = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        axes = [canonical_axis(a, x.rank) for a, x in zip(pair, tensors, strict=True)]
        sizes = [x.shape[a] for a, x in zip(axes, tensors, strict=True)]
        if 0 in axes or (None not in sizes and sizes[0] != sizes[1]):
            raise ValueError(
                f"Layer {self.name} (Dot, axes={self.axes}): inputs of shapes {_listed(tensors)} "
                "must have the same size on these axes, neither of which is the batch's."
            )
        batches = [x.shape[0] for x in tensors]
        if None not in batches and batches[0] != batches[1]:
            raise ValueError(
                f"Layer {self.name} (Dot): inputs of shapes {_listed(tensors)} must have one batch "
                "size."
            )
        if self.normalize:
            tensors = [ops.l2_normalize(x, a) for x, a in zip(tensors, axes, strict=True)]
        return _batch_dot(tensors[0], tensors[1], axes[0], axes[1])

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """The axes are no longer those that a mask was for."""


def _batch_dot(x: Tensor, y: Tensor, x_axis: int, y_axis: int) -> Tensor:
    """As matrices (batch, the rest of x, n) and (batch, n, the rest of y)."""
    left, right = ops.moveaxis(x, x_axis, -1), ops.moveaxis(y, y_axis, 1)
    before, after = ops.shape(left)[1:-1], ops.shape(right)[2:]
    batch, n = ops.shape(left)[0], ops.shape(left)[-1]
    product = ops.matmul(
        ops.reshape(left, (batch, _product(before), n)),
        ops.reshape(right, (batch, n, _product(after))),
    )
    rest = (*before, *after) or (1,)
    return ops.reshape(product, (batch, *rest))


def _product(sizes: Any) -> Any:
    return reduce(lambda a, b: a * b, sizes, 1)


def add(inputs: Any, **kwargs: Any) -> Tensor:
    """The sum of tensors: `Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Tensor:
    """The first of two tensors minus the second: `Subtract(**kwargs)(inputs)`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Tensor:
    """The product of tensors: `Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Tensor:
    """The mean of tensors: `Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Tensor:
    """The largest of tensors: `Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Tensor:
    """The smallest of tensors: `Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Tensor:
    """Tensors side by side: `Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, normalize: bool = False, **kwargs: Any) -> Tensor:
    """The products of two tensors, summed over axes: `Dot(axes, normalize, **kwargs)(inputs)`."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
