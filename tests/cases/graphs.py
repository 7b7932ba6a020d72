"""Small helpers of the tests of the graph."""

import numpy as np

from kerasish.engines import reference
from kerasish.graph.function import Function
from kerasish.graph.tensor import Placeholder


def placeholder(*shape, dtype="float32", name="x"):
    return Placeholder(shape, dtype, name=name)


def f32(*values):
    return np.array(values, "float32")


def program_of(outputs, inputs=(), engine=None):
    """The Program for inputs whose shapes are all known."""
    function = Function(list(inputs), list(outputs), name="test")
    return function.lower([x.spec for x in inputs], engine or reference())[0]
