"""Random numbers as part of the graph.

Every random node carries a stream number. Nodes drawn from a `SeedGenerator` are
counted: each run of a Function gives them other numbers. Nodes with a fixed integer
seed give the same numbers in each run.
"""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kerasish.graph import dtypes, trace
from kerasish.graph.primitive import as_tensor, composite, primitive
from kerasish.graph.shapes import canonical_shape, compatible, known
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.ops.array import shape as shape_of
from kerasish.ops.array import whole_sizes
from kerasish.ops.elementwise import floor
from kerasish.ops.filling import zeros_like
from kerasish.ops.promotion import as_float, cast
from kerasish.ops.reduce import no_gradient


@primitive
def random_uniform_p(*, shape: tuple[Any, ...], dtype: str, stream: int, counted: bool) -> Spec:
    """Evenly distributed in [0, 1)."""
    return Spec(whole_sizes(shape), dtype)


@primitive
def random_normal_p(*, shape: tuple[Any, ...], dtype: str, stream: int, counted: bool) -> Spec:
    """Normally distributed with mean 0 and deviation 1."""
    return Spec(whole_sizes(shape), dtype)


@composite
def dropout_mask_p(
    *, shape: tuple[Any, ...], rate: float, dtype: str, stream: int, counted: bool
) -> Tensor:
    """1 / (1 - rate) where kept, with probability 1 - rate, and 0 elsewhere."""
    draw = random_uniform_p(shape=shape, dtype="float32", stream=stream, counted=counted)
    return cast(draw >= rate, dtype) * (1 / (1 - rate))


class SeedGenerator:
    """A source of streams of random numbers, each use giving others.

    Args:
        seed: an int; made up from the global seed (`utils.set_random_seed`) if None.
        name: for messages; made up if None.

    Raises:
        ValueError: if seed is no int.

    Attributes:
        state: a variable of two ints, the seed and how many numbers were drawn at once, outside
            of graphs. What is assigned to it goes on from there.

    >>> generator = SeedGenerator(1)
    >>> bool(np.any(uniform((3,), seed=generator) != uniform((3,), seed=generator)))
    True
    >>> generator.state.numpy()
    array([1, 2])
    """

    def __init__(self, seed: int | None = None, name: str | None = None):
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise ValueError(f"SeedGenerator: seed must be an int or None, but got {seed!r}.")
        self.seed = global_seed.next() if seed is None else int(seed)
        self.name = f"seed_generator_{self.seed}" if name is None else name
        self._draws = 0
        self._state: Variable | None = None

    @property
    def state(self) -> Variable:
        if self._state is None:
            numbers, name = np.array([self.seed, self._draws]), f"{self.name}_state"
            self._state = Variable(numbers, dtype="int64", trainable=False, name=name)
        return self._state

    def get_config(self) -> dict[str, Any]:
        """The arguments that make another one of the same numbers."""
        return {"seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """One made of what `get_config` returned."""
        return cls(**config)

    def next(self, ordered: bool = True) -> Tensor:
        """Two ints that no other call gives, for functions that take such a seed.

        While a graph is built they are drawn anew in each run of it. `ordered` makes no difference.
        """
        if trace.is_building():
            return randint((2,), 0, 2**31 - 1, dtype="int64", seed=self)
        self.next_use()
        return as_tensor(np.array([self.seed, self._draws - 1]), "int64")

    def next_stream(self) -> int:
        """A stream number: a new one at each use, the same ones in each trace."""
        active = trace.current_trace()
        if active is None or active.draws is None:
            return _mixed(self.seed, self.next_use())
        use = active.draws.get(id(self), 0)
        active.draws[id(self)] = use + 1
        return _mixed(self.seed, use)

    def next_use(self) -> int:
        """How many numbers were drawn at once; one more from now on."""
        if self._state is not None:
            self.seed, self._draws = map(int, self._state.numpy())
        self._draws += 1
        if self._state is not None and trace.current_trace() is None:
            self._state.assign([self.seed, self._draws])
        return self._draws - 1


def _mixed(seed: int, use: int) -> int:
    """A stream number below 2**31 that depends on both."""
    return int(np.random.SeedSequence((seed & (2**64 - 1), use)).generate_state(1)[0] >> 1)


class _GlobalSeed:
    """What everything random starts from: initial weights, shuffles, streams."""

    def __init__(self) -> None:
        self.reset(None)

    def reset(self, seed: int | None) -> None:
        sequence = np.random.SeedSequence(seed)
        self._root = int(sequence.generate_state(1, np.uint64)[0])
        self._uses = 0
        self.draws = SeedGenerator(seed=self._root)

    def next(self) -> int:
        """A seed for the next thing that needs one, in the order of asking."""
        self._uses += 1
        return _mixed(self._root, self._uses)

    def state(self) -> list[int]:
        """What `restore` needs to go on from here."""
        return [self._root, self._uses, self.draws._draws]

    def restore(self, state: Sequence[int]) -> None:
        """Goes back to a state."""
        self._root, self._uses, draws = state
        self.draws.seed, self.draws._draws = self._root, draws


global_seed = _GlobalSeed()


def draws(seed: Any) -> Iterator[dict[str, Any]]:
    """Attributes of one random node after the other, all of other numbers.

    Each run of a graph gives other numbers. What a generator of the caller's gives at once follows
    from its seed alone.

    Args:
        seed: an int, a SeedGenerator, or None for the global one.
    """
    seed = global_seed.draws if seed is None else seed
    if isinstance(seed, SeedGenerator):
        counted = seed is global_seed.draws or trace.is_building()
        return ({"stream": seed.next_stream(), "counted": counted} for _ in itertools.count())
    if isinstance(seed, (int, np.integer)):
        whole = int(seed)
        return ({"stream": _mixed(whole, use), "counted": False} for use in itertools.count())
    raise TypeError(f"seed must be None, an int or a SeedGenerator, but got {seed!r}.")


def float_dtype(name: str, dtype: Any) -> str:
    """The dtype of draws, floatx if None."""
    dtype = dtypes.standardize(dtype)
    if not dtypes.is_float(dtype):
        raise ValueError(f"{name}: dtype must be a float, but is {dtype}.")
    return dtype


def _moved(draw: Tensor, start: Any, width: Any) -> Tensor:
    """What was drawn times a width and from a start on, numbers or arrays, in its own dtype."""
    known = isinstance(start, numbers.Real) and isinstance(width, numbers.Real)
    if known and (start, width) == (0, 1):
        return draw
    return cast(draw * width + start, draw.dtype)


def uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers evenly distributed in [minval, maxval).

    Args:
        shape: the shape, which may hold run-time sizes of `ops.shape`.
        minval: the lower bound.
        maxval: the upper bound.
        dtype: a float, floatx if None.
        seed: an int (the same numbers each time), a SeedGenerator, or None (the global one).

    Returns:
        A tensor of the given shape and dtype.

    Raises:
        ValueError: if dtype is not a float, or a size is negative.
        TypeError: if the shape is not made of ints, or the seed is of another kind.

    >>> uniform((2, 3), seed=1).shape
    (2, 3)
    """
    name = float_dtype("uniform", dtype)
    draw = random_uniform_p(shape=canonical_shape(shape), dtype=name, **next(draws(seed)))
    return _moved(draw, minval, maxval - minval)


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers from a normal distribution.

    Args:
        shape: the shape, which may hold run-time sizes of `ops.shape`.
        mean: the mean.
        stddev: the deviation.
        dtype: a float, floatx if None.
        seed: an int (the same numbers each time), a SeedGenerator, or None (the global one).

    Returns:
        A tensor of the given shape and dtype.

    Raises:
        ValueError: if dtype is not a float, or a size is negative.
        TypeError: if the shape is not made of ints, or the seed is of another kind.

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    name = float_dtype("normal", dtype)
    draw = random_normal_p(shape=canonical_shape(shape), dtype=name, **next(draws(seed)))
    return _moved(draw, mean, stddev)


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Whole numbers evenly distributed in [minval, maxval).

    Args:
        shape: the shape, which may hold run-time sizes of `ops.shape`.
        minval: the lower bound.
        maxval: the upper bound, which is not drawn.
        dtype: an int.
        seed: an int (the same numbers each time), a SeedGenerator, or None (the global one).

    Returns:
        A tensor of the given shape and dtype.

    Raises:
        ValueError: if dtype is not an int or does not hold the bounds, they are not whole, maxval
            is not above minval, or a size negative.
        TypeError: if the shape is not made of ints, or the seed is of another kind.

    >>> randint((2, 3), 0, 1, seed=1).numpy()
    array([[0, 0, 0],
           [0, 0, 0]], dtype=int32)
    """
    name = dtypes.standardize(dtype)
    if not dtypes.is_int(name):
        raise ValueError(f"randint: dtype must be an int, but is {name}.")
    bounds = isinstance(minval, numbers.Real) and isinstance(maxval, numbers.Real)
    if bounds and not minval < maxval:
        raise ValueError(f"randint: maxval must be above minval, but got {minval} to {maxval}.")
    if bounds and (minval % 1 or maxval % 1):
        raise ValueError(f"randint: the bounds must be whole numbers, not {minval} and {maxval}.")
    if bounds and not dtypes.lowest(name) <= minval < maxval <= dtypes.highest(name) + 1:
        raise ValueError(f"randint: {name} does not hold all numbers from {minval} to {maxval}.")
    return cast(floor(uniform(shape, minval, maxval, dtype="float64", seed=seed)), name)


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """Sets each element to 0 with probability `rate` and scales the others by 1 / (1 - rate).

    Source: Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html

    Args:
        inputs: a tensor; ints and booleans become floats.
        rate: the share to drop, from 0 to 1.
        noise_shape: the shape of the mask: 1 where it is shared along an axis, None where it has
            the size of the inputs; one that is shorter is shared along the first axes. None for a
            mask of their shape.
        seed: an int, a SeedGenerator, or None.

    Returns:
        A tensor of the shape of the inputs, and of their dtype if that is a float, else of floatx.

    Raises:
        ValueError: if the rate is not in [0, 1], or noise_shape does not fit the inputs.
        TypeError: if the inputs are no array of numbers, or the seed is of another kind.

    >>> np.unique(dropout(np.ones(100, "float32"), 0.5, seed=1))
    array([0., 2.], dtype=float32)
    """
    x = as_float(inputs)
    if not 0 <= rate <= 1 or math.isnan(rate):
        raise ValueError(f"dropout: rate must be from 0 to 1, but got {rate}.")
    streams, sizes = draws(seed), _mask_shape(x, noise_shape)
    if rate == 0:
        return x
    if rate == 1:
        return zeros_like(x)
    return x * dropout_mask_p(shape=sizes, rate=float(rate), dtype=x.dtype, **next(streams))


def _mask_shape(x: Tensor, noise_shape: Any) -> tuple[Any, ...]:
    """The sizes of a dropout mask: those of x, or 1 where it is shared."""
    if noise_shape is None:
        return shape_of(x)
    if np.ndim(noise_shape) != 1 or len(noise_shape) > x.rank:
        raise ValueError(
            f"dropout: noise_shape must have one size per axis of {format_shape(x.shape)}, but is "
            f"{noise_shape!r}."
        )
    noise_shape = (1,) * (x.rank - len(noise_shape)) + tuple(noise_shape)
    if not compatible(tuple(None if known(n) == 1 else known(n) for n in noise_shape), x.shape):
        raise ValueError(
            "dropout: the sizes of noise_shape must be None, 1 or those of "
            f"{format_shape(x.shape)}, but it is {noise_shape!r}."
        )
    return tuple(n if m is None else m for m, n in zip(noise_shape, shape_of(x), strict=True))


for _drawn in (random_uniform_p, random_normal_p, dropout_mask_p):
    _drawn.vjp(no_gradient)
