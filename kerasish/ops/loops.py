"""Loops: `scan` and what follows from it, and `while_loop`.

The functions that they run are traced once. They take and return tensors in any nesting of
lists, tuples and dicts, and may use tensors and variables from outside.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import Dim, broadcast_shapes, canonical_axis, compatible
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.subgraph import Traced, leaves_of, packed
from kerasish.graph.tensor import Constant, Tensor
from kerasish.ops.array import broadcast_to, expand_dims, flip, moveaxis, reshape, shape, squeeze
from kerasish.ops.batching import NoBatchRule, batched
from kerasish.ops.filling import arange
from kerasish.ops.joining import along, concatenate, pad, stack
from kerasish.ops.loop_primitives import check_state, results_of, scan_p, while_p


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: Any = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """Runs `f` along the first axis of `xs`, passing on a carry.

    Args:
        f: takes the carry and the elements of `xs` at one position; returns the new carry and
            a result of that position (or None).
        init: the first carry. Carries keep their shapes and dtypes.
        xs: tensors with a first axis of one length, or None.
        length: the number of steps; needed if `xs` is None.
        reverse: whether to start with the last position.
        unroll: True writes out all steps in the graph, an int so many in each step of the loop;
            where the number of steps is unknown, the loop stays one.

    Returns:
        The last carry, and the results stacked on a new first axis; step i's stand at i, also
        where `reverse` is True.

    Raises:
        ValueError: if the carry changes its structure, a shape or a dtype, lengths differ, or
            unroll is an int below 1.

    >>> total, sums = scan(lambda c, x: (c + x, c + x), 0.0, np.float32([1, 2, 3]))
    >>> float(total)
    6.0
    >>> sums.numpy()
    array([1., 3., 6.], dtype=float32)
    """
    start = packed(init, [as_tensor(x) for x in leaves_of(init)])
    sequences = [as_tensor(x) for x in leaves_of(xs)]
    steps = _length("scan", sequences, length)

    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        result = f(carry, x)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise ValueError(f"scan: f must return a carry and a result, but returned {result!r}.")
        _check_structure("scan: the carry", init, result[0])
        new = [as_tensor(t) for t in leaves_of(result[0])]
        check_state("carry", [t.spec for t in leaves_of(start)], new)
        return packed(init, new), result[1]

    if unroll is not False and operator.index(unroll) < 1:
        raise ValueError(f"scan: unroll must be a bool or an int from 1 on, but is {unroll}.")
    if (unroll is True or unroll > 1) and not isinstance(steps, Dim):
        return _unrolled(step, start, packed(xs, sequences), steps, reverse, unroll)
    return _scan(step, start, packed(xs, sequences), steps, reverse)


def _scan(step: Callable[..., Any], init: Any, xs: Any, length: Any, reverse: bool) -> Any:
    inits, sequences = leaves_of(init), leaves_of(xs)
    count = len(inits)
    traced = Traced(
        lambda *ts: step(packed(init, ts[:count]), packed(xs, ts[count:])),
        [t.spec for t in inits] + [Spec(t.shape[1:], t.dtype) for t in sequences],
        "scan",
    )
    results = results_of(
        scan_p(
            *inits,
            *sequences,
            *traced.captures,
            body=traced.close(),
            carries=count,
            sequences=len(sequences),
            length=length,
            reverse=bool(reverse),
            history=(),
        )
    )
    return packed(init, results[:count]), packed(traced.result[1], results[count:])


def _length(name: str, sequences: Sequence[Tensor], length: Any) -> Any:
    """The number of steps: an int where it is known, else a Dim."""
    for x in sequences:
        if not x.shape:
            raise ValueError(f"{name}: the tensors in xs need a first axis, but one is a scalar.")
    if length is None:
        if not sequences:
            raise ValueError(f"{name}: without xs, length must be given.")
        length = next((x.shape[0] for x in sequences if x.shape[0] is not None), None)
        length = Dim.of(sequences[0], 0) if length is None else length
    if not isinstance(length, Dim):
        length = operator.index(length)
        if length < 0:
            raise ValueError(f"{name}: length must not be negative, but it is {length}.")
        other = [x.shape for x in sequences if x.shape[0] not in (length, None)]
        if other:
            shapes = ", ".join(format_shape(x.shape) for x in sequences)
            raise ValueError(
                f"{name}: expected {length} elements on each first axis, got {shapes}."
            )
    return length


def _check_structure(what: str, expected: Any, found: Any) -> None:
    if not tree.same_structure(expected, found) or len(leaves_of(expected)) != len(
        leaves_of(found)
    ):
        raise ValueError(f"{what} must keep its structure {expected!r}, but became {found!r}.")


def _unrolled(
    step: Callable[..., Any], init: Any, xs: Any, length: Any, reverse: bool, unroll: int | bool
) -> Any:
    """The scan with `unroll` steps (all if True) in each step of a loop."""
    count = length if unroll is True else operator.index(unroll)
    if count >= length:
        return _written_out(step, init, xs, range(length), reverse)
    whole = length - length % count
    ends: list[Any] = [(0, whole), (whole, length)]
    ys: dict[int, Any] = {}
    carry = init
    for i in (1, 0) if reverse else (0, 1):
        start, stop = ends[i]
        part = _each(xs, operator.itemgetter(slice(start, stop)))
        if i == 1:
            carry, ys[i] = _written_out(step, carry, part, range(stop - start), reverse)
            continue
        part = _each(part, lambda x: reshape(x, (-1, count, *shape(x)[1:])))

        def several(carry: Any, xs: Any) -> Any:
            return _written_out(step, carry, xs, range(count), reverse)

        carry, stacked = _scan(several, carry, part, whole // count, reverse)
        ys[i] = _each(stacked, lambda y: reshape(y, (whole, *shape(y)[2:])))
    return carry, tree.map_structure(
        lambda a, b: None if a is None else concatenate([a, b]), ys[0], ys[1]
    )


def _written_out(
    step: Callable[..., Any], carry: Any, xs: Any, positions: range, reverse: bool
) -> Any:
    if not positions:
        # Nothing runs, but the shapes of the results are those of a step.
        return _scan(step, carry, xs, 0, reverse)
    results = []
    for i in reversed(positions) if reverse else positions:
        carry, y = step(carry, _each(xs, operator.itemgetter(i)))
        results.append(y)
    ordered = results[::-1] if reverse else results
    stacked = [stack(leaves) for leaves in zip(*(leaves_of(y) for y in ordered), strict=True)]
    return carry, packed(ordered[0], stacked)


def _each(structure: Any, function: Callable[[Tensor], Tensor]) -> Any:
    return packed(structure, [function(x) for x in leaves_of(structure)])


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """Applies `f` to each element of `xs` along the first axis, one after the other.

    Args:
        f: takes the elements at one position, returns tensors.
        xs: tensors with a first axis of one length.

    Returns:
        The results of `f`, stacked on a first axis.

    Raises:
        ValueError: if the first axes differ, or `xs` holds no tensor or a scalar.
        TypeError: if `xs` holds, or `f` returns, what is no array of numbers.

    >>> map(lambda x: {"double": 2 * x}, np.float32([1, 2]))["double"].numpy()
    array([2., 4.], dtype=float32)
    """
    return scan(lambda _, x: (None, f(x)), None, xs)[1]


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """`map`, on all elements at once: `function` is traced for one element and made the
    operations of all (`ops.batching`). A function with loops or branches is a loop over them.

    Args:
        function: takes the elements at one position, returns tensors. It may take gradients.
        elements: a tensor, or tensors with a first axis of one length.

    Returns:
        The results of `function`, stacked on a first axis.

    Raises:
        ValueError: if the first axes differ.

    >>> vectorized_map(lambda x: x + 1, np.float32([[1, 2], [3, 4]])).numpy()
    array([[2., 3.],
           [4., 5.]], dtype=float32)
    """
    tensors = [as_tensor(x) for x in leaves_of(elements)]
    size = _length("vectorized_map", tensors, None)
    traced = Traced(
        lambda *ts: function(packed(elements, ts)),
        [Spec(t.shape[1:], t.dtype) for t in tensors],
        "vectorized_map",
    )
    try:
        results = batched(traced.outputs, traced.inputs, tensors, size)
    except NoBatchRule:
        return map(function, elements)
    return packed(traced.result, results)


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None
) -> Callable[..., Any]:
    """A function that applies `pyfunc` to each element of its arguments, which broadcast.

    Args:
        pyfunc: takes scalars, or arrays as `signature` says; returns tensors.
        excluded: positions and names of arguments that are passed on as they are.
        signature: how many axes each argument and result of `pyfunc` has, such as
            "(m,n),(n)->(m)"; axes of one name have one size.

    Returns:
        The function. It may be called with keywords.

    Raises:
        ValueError: when it is called, if the arguments do not fit the signature.

    >>> product = vectorize(lambda x, y: (x * y).sum(), signature="(n),(n)->()")
    >>> product(np.float32([[1, 0], [0, 1]]), [1.0, 2.0]).numpy()
    array([1., 2.], dtype=float32)
    """
    kept = set(excluded or ())
    cores = None if signature is None else _cores(signature)

    @functools.wraps(pyfunc)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        names = [k for k in kwargs if k not in kept]
        places = [i for i in range(len(args)) if i not in kept]
        given = [as_tensor(args[i]) for i in places] + [as_tensor(kwargs[k]) for k in names]
        inner = [[] for _ in given] if cores is None else cores
        if not _fit(given, inner):
            shapes = ", ".join(format_shape(t.shape) for t in given)
            raise ValueError(
                f"vectorize: arguments of shapes {shapes} do not fit the signature {signature!r}."
            )

        def call(values: Sequence[Tensor]) -> Any:
            every, named = list(args), dict(kwargs)
            for i, value in zip(places, values, strict=False):
                every[i] = value
            named.update(zip(names, values[len(places) :], strict=True))
            return pyfunc(*every, **named)

        return _over_all(call, given, [len(names) for names in inner])

    return wrapped


def _cores(signature: str) -> list[list[str]]:
    """The names of the axes that a signature gives each argument."""
    group = r"\(\s*(?:\w+\s*(?:,\s*\w+\s*)*)?\)"
    groups = rf"\s*{group}\s*(?:,\s*{group}\s*)*"
    if not re.fullmatch(rf"{groups}->{groups}", signature):
        raise ValueError(
            f'vectorize: signature must be like "(m,n),(n)->(m)", but got {signature!r}.'
        )
    arguments = signature.split("->")[0]
    return [re.findall(r"\w+", part) for part in re.findall(group, arguments)]


def _fit(values: Sequence[Tensor], cores: Sequence[Sequence[str]]) -> bool:
    """Whether all have the named axes, last, and axes of one name are of one size."""
    if len(values) != len(cores):
        return False
    sizes: dict[str, int] = {}
    for x, names in zip(values, cores, strict=True):
        if x.rank < len(names):
            return False
        for name, size in zip(names, x.shape[x.rank - len(names) :], strict=True):
            if size is not None and sizes.setdefault(name, size) != size:
                return False
    return True


def _over_all(call: Callable[..., Any], values: Sequence[Tensor], inner: Sequence[int]) -> Any:
    """`call` on the elements of `values`, which have `inner` axes each and broadcast."""
    outer = [shape(t)[: t.rank - n] for t, n in zip(values, inner, strict=True)]
    known = [t.shape[: t.rank - n] for t, n in zip(values, inner, strict=True)]
    common = broadcast_shapes(*known, where="vectorize") if values else ()
    if not common:
        return call(values)
    sizes = [_size_at(i - len(common), outer, size) for i, size in enumerate(common)]
    flat = [
        reshape(broadcast_to(t, (*sizes, *shape(t)[t.rank - n :])), (-1, *shape(t)[t.rank - n :]))
        for t, n in zip(values, inner, strict=True)
    ]
    results = vectorized_map(call, flat)
    return _each(results, lambda y: reshape(y, (*sizes, *shape(y)[1:])))


def _broadcast(*sizes: int) -> int:
    return next((size for size in sizes if size != 1), 1)


def _size_at(axis: int, outer: Sequence[Sequence[Any]], known: int | None) -> Any:
    """The size that the axis, counted from the end, has after broadcasting."""
    if known is not None:
        return known
    unknown = [s[axis] for s in outer if len(s) >= -axis and isinstance(s[axis], Dim)]
    # Each of them is 1 or the size of all.
    return Dim(_broadcast, *unknown) if len(unknown) > 1 else unknown[0]


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """Runs `body` as long as `cond` holds.

    It has no gradient: use `scan`, or `fori_loop` with bounds that are Python ints.

    Args:
        cond: takes the loop variables (one by one if they are a list or tuple), returns a bool.
        body: takes the same, returns their new values. Shapes and dtypes stay.
        loop_vars: the first values, in any structure.
        maximum_iterations: no more rounds than this.

    Returns:
        The last values, in the structure of `loop_vars`.

    Raises:
        ValueError: if a loop variable changes its shape or dtype or they change their structure,
            `cond` returns anything but a scalar bool, or maximum_iterations is negative.
        TypeError: if a loop variable is no array of numbers, or maximum_iterations no int.

    >>> i, power = while_loop(lambda i, p: p < 100, lambda i, p: (i + 1, p * 2), (0, 1))
    >>> int(i), int(power)
    (7, 128)
    """
    inits = [as_tensor(x) for x in leaves_of(loop_vars)]
    separate = isinstance(loop_vars, (tuple, list))

    def call(function: Callable[..., Any], values: Sequence[Tensor]) -> Any:
        state = packed(loop_vars, values)
        return function(*state) if separate else function(state)

    def next_state(*values: Tensor) -> Any:
        result = call(body, values)
        if separate and len(loop_vars) == 1 and not isinstance(result, (tuple, list)):
            result = (result,)
        _check_structure("while_loop: the loop variables", loop_vars, result)
        return result

    specs = [t.spec for t in inits]
    traced = Traced(next_state, specs, "while_loop")
    holds = Traced(lambda *values: call(cond, values), specs, "while_loop")
    if len(holds.outputs) != 1:
        raise ValueError(f"while_loop: cond must return a scalar bool, but got {holds.result!r}.")
    limit = maximum_iterations
    if limit is not None and not isinstance(limit, Dim):
        limit = operator.index(limit)
        if limit < 0:
            raise ValueError(
                f"while_loop: maximum_iterations must not be negative, but it is {limit}."
            )
    captures = list({id(t): t for t in (*traced.captures, *holds.captures)}.values())
    results = while_p(
        *inits,
        *captures,
        condition=holds.close(captures),
        body=traced.close(captures),
        states=len(inits),
        maximum=limit,
    )
    return packed(loop_vars, results_of(results))


def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """`val = body_fun(i, val)` for i from `lower` up to `upper`, without it.

    Args:
        lower: an int, or a scalar int tensor.
        upper: likewise. If both are ints (or sizes from `ops.shape`), the loop has gradients.
        body_fun: takes i (an int32 tensor) and the value, returns the new value. Shapes and
            dtypes stay.
        init_val: the first value, in any structure.

    Returns:
        The last value.

    Raises:
        ValueError: if the value changes its structure, a shape or its dtype.
        TypeError: if a bound is neither an int nor a scalar int tensor, or the value holds no
            numbers.

    >>> float(fori_loop(1, 4, lambda i, x: x * 2, 1.0))
    8.0
    """
    lower, upper = _static("lower", lower), _static("upper", upper)
    if isinstance(lower, Tensor) or isinstance(upper, Tensor):
        last = as_tensor(upper)
        _, result = while_loop(
            lambda i, value: i < last,
            lambda i, value: (i + 1, body_fun(i, value)),
            (as_tensor(lower, last.dtype) if not isinstance(lower, Tensor) else lower, init_val),
        )
        return result
    return scan(lambda value, i: (body_fun(i, value), None), init_val, arange(lower, upper))[0]


def _static(name: str, bound: Any) -> Any:
    """A bound as an int or Dim where it is known, else as a tensor."""
    if isinstance(bound, Tensor):
        if bound.shape or not dtypes.is_int(bound.dtype):
            raise TypeError(
                f"fori_loop: {name} must be an int or a scalar int tensor, but got {bound!r}."
            )
        return int(bound.value) if isinstance(bound, Constant) else bound
    if isinstance(bound, Dim):
        return bound
    return operator.index(np.asarray(bound)[()])


def associative_scan(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """All partial results of an associative operation, as `cumsum` is for addition.

    If the length is known the depth of the graph grows with its logarithm
    (Blelloch, 1990, "Prefix sums and their applications"); otherwise it is a loop.

    Args:
        f: takes two structures like `elems` with the same number of elements on the axis, and
            combines them element by element. f(f(a, b), c) must be f(a, f(b, c)).
        elems: tensors of one length along the axis.
        reverse: whether to start at the end; f still gets what came first in the scan first.
        axis: the axis.

    Returns:
        The partial results, in the structure and shapes of `elems`.

    Raises:
        ValueError: if `elems` holds no tensor, or one without such an axis, or f returns another
            structure, other shapes or other dtypes.
        TypeError: if `elems` holds what is no array of numbers.

    >>> associative_scan(lambda a, b: a * b, np.float32([1, 2, 3, 4])).numpy()
    array([ 1.,  2.,  6., 24.], dtype=float32)
    """
    tensors = [as_tensor(x) for x in leaves_of(elems)]
    if not tensors:
        raise ValueError("associative_scan: elems holds no tensor.")
    axes = {canonical_axis(axis, x.rank) for x in tensors}
    if len(axes) > 1:
        raise ValueError(f"associative_scan: axis {axis} is not the same axis of all elements.")
    (at,) = axes

    def combine(a: Sequence[Tensor], b: Sequence[Tensor]) -> list[Tensor]:
        result = f(packed(elems, a), packed(elems, b))
        _check_structure("associative_scan: the result of f", elems, result)
        combined = [as_tensor(x) for x in leaves_of(result)]
        for old, new in zip(a, combined, strict=True):
            if old.dtype != new.dtype or not compatible(old.shape, new.shape):
                raise ValueError(
                    "associative_scan: f must keep the shapes and dtypes, but was given "
                    f"{old.spec} and returned {new.spec}."
                )
        return combined

    ordered = [flip(x, at) if reverse else x for x in tensors]
    lengths = {x.shape[at] for x in ordered}
    if None in lengths:
        results = _one_by_one(combine, ordered, at)
    elif len(lengths) > 1:
        raise ValueError(f"associative_scan: lengths differ along axis {at}: {lengths}.")
    else:
        results = _by_halves(combine, ordered, at)
    return packed(elems, [flip(x, at) if reverse else x for x in results])


def _along(xs: Sequence[Tensor], axis: int, start: Any, stop: Any, step: int = 1) -> list[Tensor]:
    return [along(x, axis, slice(start, stop, step)) for x in xs]


def _by_halves(combine: Callable[..., Any], xs: Sequence[Tensor], axis: int) -> list[Tensor]:
    """Neighbours are combined, scanned, and what lies between is filled in."""
    length = xs[0].shape[axis]
    if length < 2:  # type: ignore[operator]
        return list(xs)
    pairs = combine(_along(xs, axis, 0, length - 1, 2), _along(xs, axis, 1, length, 2))  # type: ignore[operator]
    odd = _by_halves(combine, pairs, axis)
    even = _along(xs, axis, 0, 1)
    if length > 2:  # type: ignore[operator]
        before = _along(odd, axis, 0, (length - 1) // 2)  # type: ignore[operator]
        rest = combine(before, _along(xs, axis, 2, length, 2))
        even = [concatenate(pair, axis) for pair in zip(even, rest, strict=True)]
    return [_interleaved(a, b, axis) for a, b in zip(even, odd, strict=True)]


def _interleaved(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """even[0], odd[0], even[1], odd[1] ...; even may have one more."""
    count = odd.shape[axis]
    (paired,) = _along([even], axis, 0, count)
    both = stack([paired, odd], axis=axis + 1)
    sizes = shape(odd)
    joined = reshape(both, (*sizes[:axis], 2 * sizes[axis], *sizes[axis + 1 :]))
    rest = _along([even], axis, count, None)
    return concatenate([joined, *rest], axis) if even.shape[axis] != count else joined


def _one_by_one(combine: Callable[..., Any], xs: Sequence[Tensor], axis: int) -> list[Tensor]:
    # One element, also where there will be none; what comes of it is then cut off again.
    padded = [pad(x, [(0, int(i == axis)) for i in range(x.rank)]) for x in _along(xs, axis, 0, 1)]
    first = _along(padded, axis, 0, 1)

    def step(carry: list[Tensor], elements: list[Tensor]) -> tuple[Any, Any]:
        new = combine(carry, [expand_dims(x, axis) for x in elements])
        return new, [squeeze(x, axis) for x in new]

    following = [moveaxis(x, axis, 0) for x in _along(xs, axis, 1, None)]
    results = scan(step, first, following)[1]
    joined = [
        concatenate([a, moveaxis(b, 0, axis)], axis) for a, b in zip(first, results, strict=True)
    ]
    return _along(joined, axis, 0, Dim.of(xs[0], axis))
