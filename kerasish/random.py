"""Random numbers in the names of `keras.random`. They are part of the graph, as all of `ops`."""

from kerasish.ops.random import SeedGenerator, dropout, normal, randint, uniform

__all__ = ["SeedGenerator", "dropout", "normal", "randint", "uniform"]
