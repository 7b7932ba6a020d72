"""Random numbers in the names of `keras.random`. They are part of the graph, as all of `ops`."""

from kerasish.ops.distributions import (
    beta,
    binomial,
    categorical,
    gamma,
    shuffle,
    truncated_normal,
)
from kerasish.ops.errors import name_themselves as _name_themselves
from kerasish.ops.random import SeedGenerator, dropout, normal, randint, uniform

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]

_name_themselves(globals())
