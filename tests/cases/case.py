"""A case: an operation on small inputs, and what it gives by an independent reference."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One row of a table.

    Attributes:
        name: the public operation, then (after a blank) what is special here.
        fn: calls the operation; takes tensors, returns a tensor or several.
        inputs: what it is called with: arrays, and `Drawn` that become such.
        reference: the same in NumPy or plain Python; takes and returns arrays.
        check: instead of a reference, where the values are random: asserts what must hold.
        grad: whether gradients are compared and checked by finite differences.
        gradient: the gradients where differences do not have them (ties, stop_gradient):
            takes the outputs' weights and the inputs, returns one array per float input.
        tolerance: relative, and absolute, on values and gradients.
        batch: the inputs whose first size is unknown while the graph is built.
        training: the training flag of the Function.
        dtype: of the outputs; if None the reference's, where 64 bits mean NumPy's default.
    """

    name: str
    fn: Callable[..., Any]
    inputs: tuple[Any, ...]
    reference: Callable[..., Any] | None = None
    check: Callable[..., None] | None = None
    grad: bool = True
    gradient: Callable[..., Any] | None = None
    tolerance: float = 2e-5
    batch: tuple[int, ...] = (0,)
    training: bool = False
    dtype: str | None = None

    def __post_init__(self) -> None:
        rng, drawn = self.rng(), {}
        for x in self.inputs:
            if id(x) not in drawn:
                drawn[id(x)] = resolved(x, rng)
        object.__setattr__(self, "inputs", tuple(drawn[id(x)] for x in self.inputs))

    @property
    def op(self) -> str:
        return self.name.split()[0]

    def expected(self) -> list[np.ndarray]:
        """The reference's values, in the dtypes that the operation must return."""
        with np.errstate(all="ignore"):
            values = self.reference(*self.inputs)
        values = values if isinstance(values, (tuple, list)) else (values,)
        return [self._as_promised(np.asarray(value)) for value in values]

    def _as_promised(self, value: np.ndarray) -> np.ndarray:
        if self.dtype is not None:
            return value.astype(self.dtype)
        wide = {x.dtype.name for x in self.inputs} & {"int64", "float64"}
        narrow = {"int64": "int32", "float64": "float32"}
        name = value.dtype.name
        return value if name in wide else value.astype(narrow.get(name, name))

    def rng(self) -> np.random.Generator:
        """Random numbers that depend on the name only."""
        return _rng_of(self.name)

    def weights(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """Fixed weights: the gradients are those of the outputs' weighted sum."""
        rng = self.rng()
        return [rng.uniform(0.5, 1.5, out.shape).astype(out.dtype) for out in outputs]


class Drawn(np.lib.mixins.NDArrayOperatorsMixin):
    """Random numbers that are drawn by the case that takes them, so that it alone decides them.

    Arithmetic on them is put off with them.
    """

    def __init__(self, draw: Callable[[np.random.Generator], np.ndarray]):
        self.draw = draw

    def __array_ufunc__(self, function, method, *inputs):
        return Drawn(lambda rng: getattr(function, method)(*(resolved(x, rng) for x in inputs)))

    def astype(self, dtype):
        return Drawn(lambda rng: self.draw(rng).astype(dtype))

    def __getitem__(self, key):
        return Drawn(lambda rng: self.draw(rng)[key])


def resolved(value, rng):
    return value.draw(rng) if isinstance(value, Drawn) else value


def shared(name, value):
    """Numbers for several cases, that depend on the name only."""
    return resolved(value, _rng_of(name))


def _rng_of(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def normal(*shape, scale=1.0):
    return Drawn(lambda rng: (rng.standard_normal(shape) * scale).astype("float32"))


def positive(*shape):
    return Drawn(lambda rng: rng.uniform(0.5, 2.0, shape).astype("float32"))


def unit(*shape):
    """Numbers between 0 and 1, away from both."""
    return Drawn(lambda rng: rng.uniform(0.1, 0.9, shape).astype("float32"))


def nonzero(*shape):
    """Numbers of both signs, away from 0."""
    return positive(*shape) * Drawn(lambda rng: rng.choice([-1, 1], shape).astype("float32"))


def off_grid(*shape):
    """Numbers away from whole and from half ones."""

    def draw(rng):
        whole = rng.integers(-3, 3, shape) + rng.choice([0.0, 0.5], shape)
        return (whole + rng.uniform(0.1, 0.4, shape)).astype("float32")

    return Drawn(draw)


def distinct(*shape):
    """Numbers that differ from each other, and from 0, by at least 0.2."""
    n = int(np.prod(shape))
    return Drawn(
        lambda rng: (0.2 * (rng.permutation(n) - n // 2) + 0.1).reshape(shape).astype("float32")
    )


def probabilities(*shape):
    def draw(rng):
        x = rng.uniform(0.2, 1.0, shape)
        return (x / x.sum(-1, keepdims=True)).astype("float32")

    return Drawn(draw)


def integers(low, high, *shape, dtype="int32"):
    return Drawn(lambda rng: rng.integers(low, high, shape).astype(dtype))


def booleans(*shape):
    return Drawn(lambda rng: rng.integers(0, 2, shape).astype(bool))


def f32(*values):
    return np.array(values, "float32")


def i32(*values):
    return np.array(values, "int32")


def scalar(value, dtype="float32"):
    return np.array(value, dtype)
