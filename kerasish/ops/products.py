"""Products of tensors: Einstein sums, inner, cross and Kronecker products, traces."""

from __future__ import annotations

import math
import re
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.shapes import Dim, broadcast_shapes, canonical_axis, known
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import expand_dims, flatten, moveaxis, reshape, shape, transpose
from kerasish.ops.binary import multiply, where
from kerasish.ops.comparisons import greater
from kerasish.ops.creation import diagonal
from kerasish.ops.elementwise import sqrt, square
from kerasish.ops.joining import stack
from kerasish.ops.matrices import factors, matmul, tensordot
from kerasish.ops.promotion import cast, joined, promoted, widened
from kerasish.ops.reduce import sum


def inner(x1: Any, x2: Any) -> Tensor:
    """The products of x1 and x2 summed over the last axis of both.

    Args:
        x1: a tensor.
        x2: another one with the same last size.

    Returns:
        A tensor of the shape of x1 without its last axis, then that of x2 without its last one; a
        scalar scales the other. Its dtype is the one in which theirs combine.

    Raises:
        ValueError: if the last sizes differ.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> float(inner([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    a, b = joined(x1, x2)
    if a.rank == 0 or b.rank == 0:
        return multiply(a, b)
    return tensordot(a, b, axes=[[a.rank - 1], [b.rank - 1]])


def vdot(x1: Any, x2: Any) -> Tensor:
    """The sum of the products of all elements of x1 and x2, flattened.

    Args:
        x1: a tensor, which is flattened.
        x2: another one with as many elements.

    Returns:
        A scalar of the dtype in which theirs combine.

    Raises:
        ValueError: if they have different numbers of elements.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> float(vdot([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    a, b = joined(x1, x2)
    return inner(flatten(a), flatten(b)) if a.rank or b.rank else multiply(a, b)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of the diagonal of the matrices on two axes.

    Args:
        x: a tensor with at least two axes.
        offset: which diagonal: 0 the main one, above it if positive.
        axis1: the axis of the rows.
        axis2: the axis of the columns.

    Returns:
        The sums, of the shape of x without the two axes. bool and integers narrower than 32 bits
        are summed as int32, or uint32 if they are unsigned; other dtypes stay.

    Raises:
        ValueError: if x has fewer than two axes, has no such axes, or both are the same.
        TypeError: if x is no array of numbers, such as a string or None, or offset is no int.

    >>> int(trace([[1, 2], [3, 4]]))
    5
    """
    return sum(diagonal(x, offset, axis1, axis2), axis=-1)


def kron(x1: Any, x2: Any) -> Tensor:
    """The Kronecker product: x2 scaled by each element of x1, block by block.

    Args:
        x1: a tensor.
        x2: another one.

    Returns:
        A tensor whose sizes are those of x1 times those of x2, where the one with fewer axes gets
        further ones of size 1 in front. Its dtype is the one in which theirs combine.

    Raises:
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> kron([1, 10], [1, 2]).numpy()
    array([ 1,  2, 10, 20], dtype=int32)
    """
    a, b = joined(x1, x2)
    rank = max(a.rank, b.rank)
    left = (1,) * (rank - a.rank) + shape(a)
    right = (1,) * (rank - b.rank) + shape(b)
    a = reshape(a, tuple(size for n in left for size in (n, 1)))
    b = reshape(b, tuple(size for n in right for size in (1, n)))
    return reshape(multiply(a, b), tuple(n * m for n, m in zip(left, right, strict=True)))


def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The cross product of vectors with 2 or 3 elements.

    Args:
        x1: the first vectors.
        x2: the second vectors.
        axisa: the axis of x1 that holds them.
        axisb: the axis of x2 that holds them.
        axisc: the axis of the result that holds the products. Of two vectors with 2
            elements only the third element of the product is returned, without an axis. Vectors
            of unknown sizes are taken for ones of which one has 3.
        axis: all three at once.

    Returns:
        The products, with `axisc` of size 3 and further axes as those of x1 and x2 broadcast, or
        without `axisc` if all vectors have 2 elements. The dtype is the one in which theirs
        combine; bool and bool give int32.

    Raises:
        ValueError: if the vectors have other than 2 or 3 elements, there is no such axis, or the
            other axes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> cross([1, 0, 0], [0, 1, 0]).numpy()
    array([0, 0, 1], dtype=int32)
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = promoted(x1, x2, to=lambda dtype: "int32" if dtype == "bool" else dtype)
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    sizes: Any = (a.shape[-1], b.shape[-1])
    if any(n not in (2, 3, None) for n in sizes):
        raise ValueError(
            "cross: the vectors must have 2 or 3 elements, but their axes have the sizes "
            f"{sizes[0]} and {sizes[1]}."
        )
    if None in sizes:
        return cross_of_three_p(a, b, axis=axisc)
    ax, ay, *az = (a[..., i] for i in range(sizes[0]))
    bx, by, *bz = (b[..., i] for i in range(sizes[1]))
    third = ax * by - ay * bx
    if not az and not bz:
        return third
    # A missing third element is 0.
    zero = as_tensor(0, a.dtype)
    a3, b3 = (az or [zero])[0], (bz or [zero])[0]
    return stack([ay * b3 - a3 * by, a3 * bx - ax * b3, third], axis=axisc)


def _cross_of_three(a: Tensor, b: Tensor, *, axis: int) -> Tensor:
    """The cross product of vectors of a size known when the graph runs, one of which has 3."""
    if a.shape[-1] == b.shape[-1] == 2:
        raise ValueError(
            "cross: vectors of an unknown size count as ones of 3 elements, but all have 2, whose "
            "products have one axis less; give the inputs a known size."
        )
    return cross(a, b, axisc=axis)


def _cross_of_three_rule(a: Spec, b: Spec, *, axis: int) -> Spec:
    sizes = broadcast_shapes(a.shape[:-1], b.shape[:-1])
    place = canonical_axis(axis, len(sizes) + 1)
    return Spec((*sizes[:place], 3, *sizes[place:]), a.dtype)


_cross_of_three.__name__ = "cross_of_three"
cross_of_three_p = composite(_cross_of_three, _cross_of_three_rule)


def cdist(x: Any, y: Any) -> Tensor:
    """The Euclidean distances between the rows of x and those of y.

    Args:
        x: points of shape (..., n, dimensions).
        y: points of shape (..., m, dimensions).

    Returns:
        The distances, of shape (..., n, m), of the float dtype in which theirs combine; integers
        count as config.floatx().

    Raises:
        ValueError: if x or y has fewer than two axes, the points differ in their dimensions, or
            further axes do not broadcast.
        TypeError: if x or y is no array of numbers, such as a string or None.

    >>> cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).numpy()
    array([[5., 1.]], dtype=float32)
    """
    a, b = promoted(x, y, to=dtypes.floating)
    if a.rank < 2 or b.rank < 2:
        raise ValueError(
            "cdist: expected points of shape (..., n, dimensions), but got "
            f"{format_shape(a.shape)} and {format_shape(b.shape)}."
        )
    apart = expand_dims(widened(a), -2) - expand_dims(widened(b), -3)
    total = sum(square(apart), axis=-1)
    # The root has no gradient at 0; there, that of the distance counts as 0.
    some = greater(total, 0)
    return cast(where(some, sqrt(where(some, total, 1.0)), total), a.dtype)


# --- Einstein sums -----------------------------------------------------------------------


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """Products of tensors summed over axes, all named by letters.

    Args:
        subscripts: the axes of each operand, separated by commas, then optionally `->` and
            those of the result: `"bij,bjk->bik"`. `...` stands for further axes, which
            broadcast. Without `->` the result has the letters that occur once, in
            alphabetical order.
        *operands: the tensors.
        **kwargs: `optimize` is accepted; the operands are always taken from left to right.

    Returns:
        A tensor with an axis for each letter of the result, of the dtype in which theirs combine;
        int32 if all are bool or all are int8.

    Raises:
        ValueError: if there is no operand, or the letters do not fit the operands.
        TypeError: if an operand is no array of numbers, or for arguments of other names.

    >>> einsum("ij,jk->ik", [[1.0, 2.0]], [[3.0], [4.0]]).numpy()
    array([[11.]], dtype=float32)
    """
    if set(kwargs) - {"optimize"}:
        raise TypeError(f"einsum: unknown arguments {sorted(set(kwargs) - {'optimize'})}.")
    if not operands:
        raise ValueError(f"einsum: expected at least one operand for {subscripts!r}, but got none.")
    tensors = list(factors(*operands))
    if tensors[0].dtype == "bool" or (tensors[0].dtype == "int8" and len(tensors) == 1):
        tensors = [cast(t, "int32") for t in tensors]
    terms, result = _letters(subscripts, [t.rank for t in tensors])
    sizes = _sizes(subscripts, terms, tensors)
    parts = [_each_letter_once(t, term, sizes) for t, term in zip(tensors, terms, strict=True)]
    x, names = parts[0]
    for i, (y, others) in enumerate(parts[1:], 2):
        later = set(result).union(*(n for _, n in parts[i:]))
        x, names = _contract(x, names, y, others, later, sizes)
    gone = [i for i, name in enumerate(names) if name not in result]
    x = sum(x, axis=tuple(gone)) if gone else x
    names = [name for name in names if name in result]
    x = transpose(x, [names.index(name) for name in result])
    return x if dtypes.is_float(x.dtype) else cast(x, tensors[0].dtype)


def _letters(subscripts: str, ranks: list[int]) -> tuple[list[list[str]], list[str]]:
    """The names of the axes of each operand and of the result; `...` spelled out as .0, .1"""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if not all(re.fullmatch(r"[A-Za-z]*(\.{3}[A-Za-z]*)?", term) for term in (*inputs, right)):
        raise ValueError(
            "einsum: the axes of each operand and of the result must be letters, with at most one "
            f"'...' among them, but got {subscripts!r}."
        )
    if len(inputs) != len(ranks):
        raise ValueError(
            f"einsum: {subscripts!r} describes {len(inputs)} operands, but got {len(ranks)}."
        )
    hidden = []
    for term, rank in zip(inputs, ranks, strict=True):
        count = rank - len(term.replace("...", ""))
        if count < 0 or (count and "..." not in term):
            raise ValueError(
                f"einsum: {term!r} in {subscripts!r} does not fit an operand with {rank} axes."
            )
        hidden.append(count)
    most = max(hidden)

    def spelled(term: str, count: int) -> list[str]:
        before, dots, after = term.partition("...")
        middle = [f".{i}" for i in range(most - count, most)] if dots else []
        return [*before, *middle, *after]

    terms = [spelled(t, n) for t, n in zip(inputs, hidden, strict=True)]
    if arrow:
        result = spelled(right, most)
    else:
        once = [c for c in sorted(set(left) - {".", ","}) if left.count(c) == 1]
        result = [f".{i}" for i in range(most)] + once
    unknown = sorted(set(result) - {name for term in terms for name in term})
    if unknown:
        raise ValueError(
            f"einsum: the result of {subscripts!r} has {', '.join(map(repr, unknown))}, which no "
            "operand has."
        )
    repeated = sorted({name for name in result if result.count(name) > 1})
    if repeated:
        raise ValueError(
            f"einsum: the result of {subscripts!r} repeats {', '.join(map(repr, repeated))}."
        )
    return terms, result


def _sizes(subscripts: str, terms: list[list[str]], tensors: list[Tensor]) -> dict[str, Any]:
    """The size of each letter."""
    sizes: dict[str, Any] = {}
    for term, tensor in zip(terms, tensors, strict=True):
        for axis, name in enumerate(term):
            size: Any = Dim.of(tensor, axis)
            seen = sizes.get(name, 1)
            if known(seen) not in (None, 1) and known(size) not in (None, 1, seen):
                raise ValueError(
                    f"einsum: in {subscripts!r} the letter {name!r} has the sizes {seen} and "
                    f"{size}; shapes {', '.join(format_shape(t.shape) for t in tensors)}."
                )
            if known(seen) == 1 or (known(seen) is None and known(size) not in (None, 1)):
                sizes[name] = size
    return sizes


def _each_letter_once(x: Tensor, term: list[str], sizes: dict[str, Any]) -> tuple[Tensor, list]:
    """Diagonals taken where a letter repeats; axes of size 1 that broadcast dropped."""
    names = list(term)
    for name in sorted(set(names)):
        while names.count(name) > 1:
            i = names.index(name)
            j = names.index(name, i + 1)
            x = diagonal(x, axis1=i, axis2=j)
            names = [n for k, n in enumerate(names) if k not in (i, j)] + [name]
    kept = [i for i, name in enumerate(names) if not (x.shape[i] == 1 and known(sizes[name]) != 1)]
    sized = shape(x)
    return reshape(x, tuple(sized[i] for i in kept)), [names[i] for i in kept]


def _contract(
    x: Tensor, a: list[str], y: Tensor, b: list[str], later: set[str], sizes: dict[str, Any]
) -> tuple[Tensor, list[str]]:
    """Both as one batched matrix product, letters that nobody needs later summed."""
    x, a = _summed(x, a, later | set(b))
    y, b = _summed(y, b, later | set(a))
    both = [name for name in a if name in b]
    batch = [name for name in both if name in later]
    inside = [name for name in both if name not in later]
    rows = [name for name in a if name not in b]
    columns = [name for name in b if name not in a]
    left = _grouped(x, a, (batch, rows, inside), sizes)
    right = _grouped(y, b, (batch, inside, columns), sizes)
    names = batch + rows + columns
    out = matmul(left, right) if inside else left * right
    return reshape(out, tuple(sizes[name] for name in names)), names


def _summed(x: Tensor, names: list[str], needed: set[str]) -> tuple[Tensor, list[str]]:
    gone = tuple(i for i, name in enumerate(names) if name not in needed)
    total = cast(sum(x, axis=gone), x.dtype) if gone else x
    return total, [name for name in names if name in needed]


def _grouped(x: Tensor, names: list[str], groups: Any, sizes: dict[str, Any]) -> Tensor:
    """The axes in the order of the groups, each group merged into one (the first left apart)."""
    first, *others = groups
    order = [name for group in groups for name in group]
    x = transpose(x, [names.index(name) for name in order])
    merged = (math.prod(sizes[name] for name in group) for group in others)
    return reshape(x, (*(sizes[name] for name in first), *merged))
