"""CNTK 2.7: programs as CNTK functions.  The operations are in `cntk_ops`.

Runs in the worker; Python 3.6 syntax.  What is carried how: CNTK computes with float32 and float64
only.  float64 and int64 are carried in float64 (exact up to 2**53), all else in float32 (integers
exact up to 2**24), but no arithmetic is done with integers here: `cntk_plan` says what CNTK
computes and what NumPy.  Tensors have no dynamic axes: the batch is an ordinary first axis.
"""

import collections

import numpy as np

from . import layout
from .cntk_boot import C, use_threads
from .cntk_ops import BATCHED, TABLE, WITH_GRADIENT, carrier, shaped
from .cntk_plan import parts_of, pooled_first, reaching, without_zero_gradients
from .common import note
from .definitions import LOOPS, RANDOM
from .tail import ELEMENTWISE, Inner, Tail

DEVICE = C.cpu()
# What NumPy computes in the worker, besides all arithmetic with integers, and why.
BY_NUMPY = {
    op: reason
    for ops, reason in [
        (RANDOM, "one seed gives the same numbers on every engine"),
        (LOOPS, "a step of a loop takes less time than a call of CNTK"),
        (["nextafter", "view"], "CNTK has no bits of numbers"),
        ("cholesky lu qr svd eigh eig solve".split(), "CNTK takes no matrices apart"),
        ("argsort sort top_k searchsorted".split(), "CNTK cannot sort"),
        ("bitwise_and bitwise_or bitwise_xor".split(), "CNTK has no integers"),
        ("left_shift right_shift gcd segment_max segment_min".split(), "CNTK has no integers"),
    ]
    for op in ops
}

LARGE = 1 << 24  # multiplications
COMPUTED = frozenset(ELEMENTWISE) - {"stop_gradient"}  # their results are arrays of their own


class Engine:
    """Holds the variables and compiles programs."""

    name = "cntk"
    version = C.__version__
    device = "cpu"
    native_gradients = True
    higher_gradients = False
    by_numpy = BY_NUMPY
    without_gradient = tuple(BY_NUMPY) + ("take_grad",)  # which NumPy may compute if it is large
    table = dict.fromkeys(list(TABLE) + list(BY_NUMPY) + ["gradients"])

    def __init__(self):
        self.gaps = {}
        self.arrays = {}  # key -> the value
        self.parameters = {}  # key -> (CNTK's parameter, its memory) if CNTK uses the variable

    def write(self, key, value):
        if key in self.parameters:
            parameter, memory = self.parameters[key]
            if (value.shape, carrier(value.dtype.name)) == (memory.shape, memory.dtype):
                if value is not memory:
                    np.copyto(memory, value)
                parameter.record_value_update()
                value = memory if value.dtype == memory.dtype else value
            else:
                del self.parameters[key]
        self.arrays[key] = value

    def read(self, key):
        return self.arrays[key]

    def parameter(self, key):
        """The variable as CNTK's functions use it, and its memory, in which its value changes.

        CNTK does not keep that memory alive.
        """
        if key not in self.parameters:
            value = self.arrays[key]
            memory = np.array(value, carrier(value.dtype.name), order="C")
            parameter = C.cntk_py.Parameter(_view(memory))  # the Python class would copy
            parameter.__class__ = C.Parameter
            self.parameters[key] = parameter, memory
            if memory.dtype == value.dtype:
                self.arrays[key] = memory
        return self.parameters[key]

    def delete(self, key):
        for store in (self.arrays, self.parameters):
            store.pop(key, None)

    def compile(self, program, once=False):
        """A function of (inputs, counter) that returns the outputs and applies the updates."""
        step = Step(self, program)
        note("")
        return step


class Step:
    """A program: its parts, by CNTK and by NumPy in turns, then the updates."""

    def __init__(self, engine, program):
        self.engine = engine
        self.program = program = pooled_first(without_zero_gradients(program))
        self.parts = []
        used = set(program.outputs).union(i for _, i in program.updates)
        # Arrays that nothing else refers to, and those that hold for one more run.
        fresh, kept = set(), set()
        parts = parts_of(program, TABLE)
        replaced = _replaced(program, parts)
        for k, (native, part, gradients) in enumerate(parts):
            if native:
                self.parts.append(Native(engine, part, gradients))
                fresh.update(part.outputs)
            else:
                self.parts.append(Tail(part, self.inner, replaced[k]))
                used.update(part.variables)
                kept.update(i.outputs[0] for i in part.instructions if i.op in COMPUTED)
        self.read = [(i, v.key) for i, v in program.variables.items() if i in used]
        # What goes to one place only need not be copied.
        once = collections.Counter(list(program.outputs) + [i for _, i in program.updates])
        once = {i for i, count in once.items() if count == 1}
        self.outputs = [(i, i in fresh & once) for i in program.outputs]
        self.updates = [(key, i, i in (fresh | kept) & once) for key, i in program.updates]

    def inner(self, program):
        """A program within: CNTK's if it convolves, else NumPy's, since a call takes so long."""
        spatial = any(i.op in layout.SPATIAL for i in program.instructions)
        return Step(self.engine, program) if spatial else Inner(program, self.inner)

    def __call__(self, arrays, counter):
        values = dict(zip(self.program.inputs, arrays))
        values.update(self.program.constants)
        values.update((i, self.engine.read(key)) for i, key in self.read)
        for part in self.parts:
            values.update(part(values, counter))
        results = [values[i] if own else np.array(values[i]) for i, own in self.outputs]
        # All are taken before one is written, for its memory may be that of another.
        new = [(key, values[i] if own else np.array(values[i])) for key, i, own in self.updates]
        for key, value in new:
            self.engine.write(key, value)
        return results


def _replaced(program, parts):
    """For each part the new values of variables that it may compute in the old ones' memory."""
    variables = {variable.key: i for i, variable in program.variables.items()}
    last = {i: k for k, part in enumerate(parts) for i in part.program.variables}
    last.update((i, None) for i in list(program.outputs) + [i for _, i in program.updates])
    replaced = [{} for _ in parts]
    for key, i in program.updates:
        old = variables.get(key)
        if last.get(old) is not None and program.specs[i] == program.specs[old]:
            replaced[last[old]][i] = old
    return replaced


class Native:
    """A part of a program in CNTK: the values that others need, and gradients."""

    def __init__(self, engine, program, gradients):
        # The first one computes the outputs as well.
        self.gradients = [
            Gradients(engine, program, program.outputs if k == 0 else [], instruction)
            for k, instruction in enumerate(gradients)
        ]
        self.forward = None
        if not gradients:
            self.forward = Forward(Lowering(engine, program), program.outputs)

    def __call__(self, values, counter):
        if self.forward is not None:
            return self.forward(values)[1]
        known = {}
        for one in self.gradients:
            known.update(one(values))
        return known


class Lowering:
    """The CNTK values of a part of a program: its inputs, then instruction by instruction.

    Arguments:
        wanted: the values that gradients are wanted of.
        way: the values through which gradients pass.
    """

    def __init__(self, engine, program, wanted=(), way=()):
        self.program, self.way = program, way
        self.values = layout.Values(program.specs, C.transpose, shaped)
        self.sources = {}  # wanted value -> the argument or parameter whose gradient is its own
        self.first = set()  # those whose gradients are channels first
        self.batched = {}  # value -> the same with a batch axis, where CNTK has made it so
        plain = self.values.plain
        # CNTK wants all arguments of a function in one dtype.
        carriers = {carrier(spec.dtype) for spec in program.inputs.values()}
        self.common = np.float64 if np.float64 in carriers else np.float32
        self.arguments = {}
        for i, spec in program.inputs.items():
            if 0 not in spec.shape:
                x = C.input_variable(spec.shape, self.common, i in wanted, dynamic_axes=[])
                self.arguments[x], plain[i] = i, _fitting(x, spec.shape, spec.dtype)
                if i in wanted:
                    self.sources[i] = x
        self.memory = []  # of the variables
        for i, variable in program.variables.items():
            if 0 in variable.spec.shape:
                continue
            value, memory = engine.parameter(variable.key)
            self.memory.append(memory)
            if i in wanted:
                self.sources[i] = value
            # Nobody needs the gradient of others, but CNTK would compute it.
            plain[i] = value if i in wanted or not wanted else C.stop_gradient(value)
        for i, array in program.constants.items():
            if array.size:
                native = np.asarray(array, carrier(array.dtype.name))
                plain[i] = C.constant(native, shape=native.shape, dtype=native.dtype)
        for i in wanted:
            if i in program.constants:
                self.shift(i)
        for instruction in program.instructions:
            self.lower(instruction)
            if instruction.outputs[0] in wanted:
                self.shift(instruction.outputs[0])

    def lower(self, instruction):
        """Add one instruction's value."""
        note("lowering %s of %s" % (instruction.op, instruction.source))
        if self.stays_batched(instruction):
            self.lower_batched(instruction)
            return
        lowering = TABLE[instruction.op]
        if instruction.outputs[0] in self.way:
            lowering = WITH_GRADIENT.get(instruction.op, lowering)
        if instruction.op == "concatenate":  # CNTK has no empty tensors
            specs = self.program.specs
            full = [i for i in instruction.inputs if 0 not in specs[i].shape]
            instruction = instruction._replace(inputs=full)
        layout.apply(self.values, instruction, lowering)
        (output,), spec = instruction.outputs, instruction.specs[0]
        first = output in self.values.first
        where = self.values.first if first else self.values.plain
        shape = layout.shape_first(spec.shape) if first else spec.shape
        where[output] = _fitting(where[output], shape, spec.dtype)

    def stays_batched(self, instruction):
        """Whether the result has a batch axis in CNTK's sense, as convolutions demand.

        So elementwise operations between them need not leave it.
        """
        if instruction.op in BATCHED:
            return len(instruction.specs[0].shape) > 3
        shape, specs = instruction.specs[0].shape, self.program.specs
        return instruction.op in layout.ELEMENTWISE and any(
            i in self.batched and specs[i].shape == shape for i in instruction.inputs
        )

    def lower_batched(self, instruction):
        (output,), (spec,) = instruction.outputs, instruction.specs
        inputs, lowering = instruction.inputs, BATCHED.get(instruction.op)
        batched = inputs[:1] if lowering else inputs  # the others are kernels
        args = [self.with_batch(i, spec.shape) for i in batched]
        args += [self.values.get(i) for i in inputs[len(args) :]]
        lowering = lowering or TABLE[instruction.op]
        value = lowering(*args, **instruction.attrs)
        if value.dtype != carrier(spec.dtype):
            value = C.cast(value, carrier(spec.dtype))
        self.batched[output] = value
        shape = layout.shape_first(spec.shape)
        self.values.first[output] = _fitting(C.unpack_batch(value), shape, spec.dtype)

    def with_batch(self, i, result):
        """Value i with a batch axis, or without where it is the same for the whole batch.

        `result` is the shape of what it is used for.
        """
        shape = self.program.specs[i].shape
        if i not in self.batched:
            value = self.values.get_first(i, len(result))
            if len(shape) < len(result) or shape[0] != result[0]:
                return shaped(value, value.shape[1:]) if shape else value
            self.batched[i] = C.to_batch(value)
        return self.batched[i]

    def shift(self, i):
        """Put value i plus zero in its place; the zeros' gradient is then the value's."""
        first = self.values.made_first(i)
        where = self.values.first if first else self.values.plain
        zeros = C.parameter(where[i].shape, init=0, dtype=where[i].dtype)
        where[i] = where[i] + zeros
        self.batched.pop(i, None)
        self.sources[i] = zeros
        if first:
            self.first.add(i)


class Forward:
    """A CNTK function, called past CNTK's own Python, whose checks take longer than a small step.

    Arguments:
        outputs: the ids of the values to compute.
        loss: one more, to differentiate.
    """

    def __init__(self, lowering, outputs, loss=None):
        self.specs = lowering.program.specs
        self.common = lowering.common
        self.memory = lowering.memory
        get = lowering.values.get
        # An argument or a variable is no output of a CNTK function until something is done to it.
        made = [_computed(get(i)) for i in outputs]
        first = [] if loss is None else [loss]
        self.function = _combine(first + made)
        self.places = [(i, f.output) for i, f in zip(outputs, made)]
        self.results = list(self.function.outputs)
        self.used = [(x, lowering.arguments[x]) for x in self.function.arguments]
        self.kept = {f.output for f in first}
        self.threads = _in_threads(lowering.program)

    def __call__(self, values):
        """The backward pass's state, and the outputs as arrays of the program's dtypes, by id."""
        use_threads(self.threads)
        # The arrays have to live until CNTK is done.
        fed = [(x, np.asarray(values[i], self.common, order="C")) for x, i in self.used]
        feed = {x: _value(array) for x, array in fed}
        arrays = {x: np.empty(x.shape, x.dtype) for x in self.results}
        results = {x: _value(array) for x, array in arrays.items()}
        state = C.cntk_py.Function._forward(self.function, feed, results, DEVICE, self.kept)
        return state, {i: self.array(i, arrays[place]) for i, place in self.places}

    def array(self, i, array):
        spec = self.specs[i]
        array = array.reshape(spec.shape)
        return array != 0 if spec.dtype == "bool" else array.astype(spec.dtype, copy=False)


def _in_threads(program):
    """Whether there are convolutions, or products so large that it pays to wake other threads.

    A convolution of MKL's in another number of threads than its first one divides by 0.
    """
    ops = [one.op for one in program.instructions]
    if "conv" in ops or "conv_input_grad" in ops:
        return True
    products = [one for one in program.instructions if one.op == "matmul"]
    if any(len(one.specs[0].shape) > 2 for one in products):
        return False  # many small ones, one after the other
    sizes = (np.prod(program.specs[p.inputs[0]].shape) * p.specs[0].shape[-1] for p in products)
    return any(size > LARGE for size in sizes)


class Gradients:
    """The gradients of one instruction, and values computed on the way.

    Called with values (id -> array), it returns others.
    """

    def __init__(self, engine, program, outputs, instruction):
        loss, xs = instruction.inputs[0], instruction.inputs[1:]
        way = reaching(program, loss)
        wanted = [x for x in dict.fromkeys(xs) if x in way and 0 not in program.specs[x].shape]
        self.model = Lowering(engine, program, wanted, way)
        total = C.reduce_sum(self.model.values.native(loss), axis=C.Axis.all_static_axes())
        total = shaped(total, (1,))
        self.forward = Forward(self.model, outputs, total)
        self.loss, self.one = total.output, np.ones(1, total.dtype)
        self.results = list(zip(xs, instruction.outputs, instruction.specs))

    def __call__(self, values):
        state, known = self.forward(values)
        sources = self.model.sources
        found = {x: np.empty(x.shape, x.dtype) for x in sources.values()}
        C.cntk_py.Function._backward(
            self.forward.function,
            state,
            {self.loss: _value(self.one)},
            {x: _value(array) for x, array in found.items()},
        )
        for x, output, spec in self.results:
            if x in sources:
                grad = found[sources[x]]
                if x in self.model.first:
                    first = layout.shape_first(spec.shape)
                    grad = grad.reshape(first).transpose(layout.to_last(len(spec.shape)))
                known[output] = grad.reshape(spec.shape).astype(spec.dtype, copy=False)
            else:
                known[output] = np.zeros(spec.shape, spec.dtype)
        return known


# ---------------------------------------------------------------- CNTK values


def _view(array):
    """A CNTK array in the memory of this one, which has to outlive it."""
    return C.cntk_py.NDArrayView(array, DEVICE, False, True)


def _value(array):
    return C.cntk_py.Value(_view(array))


def _fitting(x, shape, dtype):
    """x in the shape and the carrier that the program says."""
    if x.shape != tuple(shape):
        x = shaped(x, shape)
    return x if x.dtype == carrier(dtype) else C.cast(x, carrier(dtype))


def _computed(x):
    """x as an output of a function."""
    return x if isinstance(x, C.Function) else x + C.constant(0, dtype=x.dtype)


def _combine(functions):
    return C.combine(list(dict.fromkeys(functions)))
