"""Theano 1.0.5: programs as Theano functions.

Runs in the worker; Python 3.6 syntax.  What is carried how: every dtype of a program is Theano's
own.  Random numbers are drawn by NumPy and handed in (see definitions).  Gradients come spelled
out: by Theano's own a step takes as long, and where several elements are the maximum they are
others than the reference's.
"""

import numpy as np
import theano
import theano.tensor as T

from . import layout
from .common import Program, note
from .definitions import LOOPS, RANDOM, drawing
from .theano_compile import compile_with_precompiled_headers, leave_scalars_to_python
from .theano_conv import convolve_quicker
from .theano_integers import use_numpys_rules
from .theano_numpy import BY_NUMPY, Counter, InNumPy, direct
from .theano_ops import TABLE, cast, pattern, reshape, tagged, transpose
from .theano_python import INTERPRETED, seconds, use_numpy

use_numpy()
if theano.config.cxx:
    compile_with_precompiled_headers()
    leave_scalars_to_python()
    use_numpys_rules()
    convolve_quicker()


COMPILED = theano.compile.get_default_mode().excluding(
    # It would compute a product of matrices once more just to have it times a number.
    "local_dot22_to_dot22scalar",
    # Of a + b and (a + b) + c it would make two sums, so that a and b have to be kept for both.
    "local_add_canonizer",
)


class Engine:
    """Holds the variables and compiles programs."""

    name = "theano"
    version = theano.__version__
    device = "cpu"
    native_gradients = False
    higher_gradients = False
    without_gradient = ()
    by_numpy = BY_NUMPY
    table = frozenset(TABLE) | LOOPS | frozenset(BY_NUMPY)

    def __init__(self):
        self.gaps = {}  # operation -> why it is missing: none is
        self.variables = {}

    def write(self, key, value):
        known = self.variables.get(key)
        if (
            known is not None
            and known.get_value(borrow=True).dtype == value.dtype
            and (known.broadcastable == pattern(value.shape))
        ):
            known.set_value(value, borrow=True)
        else:
            self.variables[key] = theano.shared(
                value, broadcastable=pattern(value.shape), borrow=True
            )

    def read(self, key):
        return self.variables[key].get_value(borrow=True)

    def delete(self, key):
        self.variables.pop(key, None)

    def compile(self, program, once=False):
        """A function of (inputs, counter) that returns the outputs and applies the updates."""
        if once or program.jit is False or not theano.config.cxx:
            return self.function(program, INTERPRETED)
        if program.jit or not program.warm_up:
            return self.function(program, COMPILED)
        return Patient(self, program)

    def function(self, program, mode):
        """The program as a Theano function, called with its inputs and the counter."""
        if mode is COMPILED:
            note("compiling %s" % program.name)
        function, draws, now = self.native(program, mode)
        function.trust_input = True
        note("")
        dtypes = [spec.dtype for spec in program.inputs.values()]

        def run(arrays, counter):
            arrays = [np.asarray(a, dtype) for a, dtype in zip(arrays, dtypes)]
            now.value = counter
            return function(*(arrays + [draw(counter) for draw in draws]))

        return run

    def inner(self, program, mode):
        """The same for a program within another."""
        function, draws, now = self.native(program, mode)
        call = direct(function)

        def run(arrays, counter):
            now.value = counter
            # A row of a vector is no array.
            return call([np.asarray(a) for a in arrays] + [draw(counter) for draw in draws])

        return run

    def native(self, program, mode):
        """The Theano function, the draws that are its last inputs, the Counter that it reads."""
        now, drawn = Counter(), [i for i in program.instructions if i.op in RANDOM]
        inputs = [_input(spec) for spec in program.inputs.values()]
        random = [_input(i.specs[0]) for i in drawn]
        values = layout.Values(program.specs, transpose, reshape)
        values.plain.update(zip(program.inputs, inputs))
        values.plain.update((i.outputs[0], r) for i, r in zip(drawn, random))
        for i, variable in program.variables.items():
            values.plain[i] = tagged(self.variables[variable.key], variable.spec)
        for i, array in program.constants.items():
            values.plain[i] = tagged(_constant(array), program.specs[i])
        for instruction in program.instructions:
            if instruction.op not in RANDOM:
                note("lowering %s of %s" % (instruction.op, instruction.source))
                self.lower(values, instruction, mode, now)
        function = theano.function(
            [theano.In(x, borrow=True) for x in inputs + random],
            [values.get(i) for i in program.outputs],
            updates=[(self.variables[key], values.get(i)) for key, i in program.updates],
            on_unused_input="ignore",
            mode=mode,
            name=program.name,
        )
        return function, [drawing(i) for i in drawn], now

    def lower(self, values, instruction, mode, now):
        """Add the native values of one instruction."""
        if instruction.op not in TABLE:
            within = {k: v for k, v in instruction.attrs.items() if isinstance(v, Program)}
            functions = {name: self.inner(program, mode) for name, program in within.items()}
            op = InNumPy(instruction, now, functions)
            results = op.make_node(*[values.get(i) for i in instruction.inputs]).outputs
            for output, result, spec in zip(instruction.outputs, results, instruction.specs):
                values.plain[output] = tagged(result, spec)
            return
        (output,), (spec,) = instruction.outputs, instruction.specs
        lowering = TABLE[instruction.op]
        layout.apply(
            values, instruction, lambda *xs, **attrs: cast(lowering(*xs, **attrs), spec.dtype)
        )
        first = output in values.first
        where = values.first if first else values.plain
        where[output] = tagged(where[output], spec, first)


class Patient:
    """A program that is interpreted at first and compiled once it has run for long enough.

    So what runs a few times only, such as the smaller last batch of an epoch, waits for nothing.
    How long it has run is estimated, not measured, for two runs of the same program to be equal.
    """

    PATIENCE = 3.0  # seconds; a compilation takes some even if all of its parts are known

    def __init__(self, engine, program):
        self.engine, self.program = engine, program
        self.run = engine.function(program, INTERPRETED)
        self.seconds = seconds(program)
        self.compiled = False
        self.spent = 0.0

    def __call__(self, arrays, counter):
        if not self.compiled:
            self.spent += self.seconds
            if self.spent > self.PATIENCE:
                self.run = self.engine.function(self.program, COMPILED)
                self.compiled = True
        return self.run(arrays, counter)


def _input(spec):
    return tagged(T.TensorType(spec.dtype, pattern(spec.shape))(), spec)


def _constant(array):
    """A constant of its own: Theano's function gives the same one for equal values."""
    return T.TensorConstant(T.TensorType(array.dtype, pattern(array.shape)), np.array(array))
