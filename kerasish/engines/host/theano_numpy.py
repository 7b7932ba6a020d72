"""What Theano lacks: operations in NumPy, by the reference's definitions, and loops and branches.

The programs within loops and branches are Theano functions of their own, which these call.
Python 3.6 syntax; runs in the worker.
"""

import numpy as np
import theano
import theano.tensor as T

from . import definitions
from .theano_ops import TABLE, pattern

_REASONS = {
    op: reason
    for ops, reason in [
        (definitions.RANDOM, "one seed gives the same numbers on every engine"),
        (["nextafter", "view"], "Theano has no bits of numbers"),
        ("cholesky lu qr svd eigh eig solve".split(), "Theano's own take one matrix at a time"),
        ("fft rfft irfft".split(), "Theano's own go over all axes but the first"),
        (["argsort", "sort"], "Theano's own are NumPy's as well"),
        (["top_k"], "Theano's own comes in no particular order"),
    ]
    for op in ops
}
# Operation -> why NumPy computes it.
BY_NUMPY = {
    op: _REASONS.get(op, "Theano has no such operation")
    for op in frozenset(definitions.table.TABLE) - frozenset(TABLE) - definitions.LOOPS
}


class Counter:
    """The run counter of the run that goes on; what is within another program has its own."""

    value = 0


class InNumPy(theano.Op):
    """One instruction of a program, done by NumPy.

    Arguments:
        instruction: what to do.
        counter: the Counter of the program that the instruction is in.
        functions: the programs within, by the names of the attributes that hold them: what takes
            their inputs and a counter, and returns their outputs.
    """

    def __init__(self, instruction, counter, functions):
        super(InNumPy, self).__init__()
        self.instruction, self.counter = instruction, counter
        self.attrs = dict(instruction.attrs, **functions)
        if instruction.op in definitions.LOOPS:
            self.attrs["specs"] = instruction.specs

    def make_node(self, *inputs):
        outputs = [T.TensorType(s.dtype, pattern(s.shape))() for s in self.instruction.specs]
        return theano.Apply(self, list(inputs), outputs)

    def infer_shape(self, node, shapes):
        return [tuple(spec.shape) for spec in self.instruction.specs]

    def do_constant_folding(self, node):
        return False  # it may draw random numbers

    def perform(self, node, inputs, storage):
        attrs = self.attrs
        if self.instruction.op in definitions.LOOPS:
            attrs = dict(attrs, counter=self.counter.value)
        results = definitions.table.TABLE[self.instruction.op](*inputs, **attrs)
        results = results if isinstance(results, tuple) else (results,)
        for place, result, spec in zip(storage, results, self.instruction.specs):
            place[0] = _own(np.asarray(result, spec.dtype), inputs)


def _own(result, inputs):
    """The result as an array of its own: Theano may write into it."""
    shared = any(np.may_share_memory(result, x) for x in inputs)
    return result.copy() if shared or not result.flags.writeable else result


def direct(function):
    """What calls a Theano function without updates, past Theano's own Python.

    That takes longer than the steps of a small loop.
    """
    call = function.fn
    inputs = [container.storage for container in function.input_storage]
    outputs = [container.storage for container in function.output_storage]

    def run(arrays):
        for place, array in zip(inputs, arrays):
            place[0] = array
        call()
        results = [place[0] for place in outputs]
        for place in outputs:
            place[0] = None  # or the next call would write there
        return results

    return run
