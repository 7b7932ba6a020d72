"""CNTK 2.7: programs as CNTK functions.  The operations are in `cntk_ops`.

Runs in the worker; Python 3.6 syntax.  What is carried how: CNTK computes with float32 and float64
only.  float64 and int64 are carried in float64 (exact up to 2**53), all else in float32 (integers
exact up to 2**24).  Tensors have no dynamic axes: the batch is an ordinary first axis.

CNTK's assignments take effect when everything else has been computed, so that updates see old
values, as a program wants it.  What follows the gradients is computed afterwards: see
`GradientStep`.
"""

import collections

import numpy as np

from . import layout
from .cntk_boot import C
from .cntk_ops import TABLE, carrier, shaped
from .common import RANDOM, Draws, note
from .tail import Tail, covers

FLAT = frozenset(  # no gradient passes through these
    "stop_gradient sign floor ceil round logical_not isnan isfinite equal not_equal "
    "less less_equal greater greater_equal logical_and logical_or any all argmax argmin "
    "floor_divide full iota "
    "random_uniform random_normal dropout_mask".split()
)


DEVICE = C.cpu()


class Engine:
    """Holds the variables and compiles programs."""

    name = "cntk"
    version = C.__version__
    device = "cpu"
    native_gradients = True
    higher_gradients = False

    def __init__(self):
        self.gaps = {}
        self.table = TABLE
        self.arrays = {}  # key -> the newest value, where CNTK has not changed it since
        self.parameters = {}  # key -> where CNTK keeps it, if one of its functions uses it
        self.dtypes = {}

    def write(self, key, value):
        self.arrays[key] = value
        self.dtypes[key] = value.dtype
        if key in self.parameters:
            parameter, shape, dtype = self.parameters[key]
            if (value.shape, carrier(value.dtype.name)) == (shape, dtype):
                parameter.set_value(_view(np.asarray(value, dtype, order="C")))
            else:
                del self.parameters[key]

    def read(self, key):
        if key not in self.arrays:
            parameter, shape, _ = self.parameters[key]
            value = np.asarray(parameter.value).astype(self.dtypes[key], copy=False)
            self.arrays[key] = value.reshape(shape)
        return self.arrays[key]

    def parameter(self, key):
        """The variable as CNTK's functions use it."""
        if key not in self.parameters:
            value = self.arrays[key]
            native = np.asarray(value, carrier(value.dtype.name))
            parameter = C.parameter(native.shape, init=native, dtype=native.dtype)
            self.parameters[key] = parameter, native.shape, native.dtype
        return self.parameters[key][0]

    def assigned(self, keys):
        """CNTK has given these variables new values."""
        for key in keys:
            self.arrays.pop(key, None)

    def delete(self, key):
        for store in (self.arrays, self.parameters, self.dtypes):
            store.pop(key, None)

    def compile(self, program, once=False):
        """A function of (inputs, counter) that returns the outputs and applies the updates."""
        program = _without_empties(program)
        program = _without_zero_gradients(program)
        gradients = any(i.op == "gradients" for i in program.instructions)
        step = (GradientStep if gradients else PlainStep)(self, program)
        note("")
        return step


class Lowering:
    """The CNTK values of (a part of) a program: its inputs, then instruction by instruction."""

    def __init__(self, engine, program, trainable=()):
        self.program = program
        self.draws = Draws(program)
        self.values = layout.Values(program.specs, C.transpose, shaped)
        plain = self.values.plain
        random = [i.outputs[0] for i in self.draws.instructions]
        self.order = list(program.inputs) + random
        # CNTK wants all arguments of a function in one dtype.
        carriers = {carrier(program.specs[i].dtype) for i in self.order}
        self.common = np.float64 if np.float64 in carriers else np.float32
        self.arguments = {}
        for i in self.order:
            spec = program.specs[i]
            x = C.input_variable(spec.shape, dtype=self.common, dynamic_axes=[])
            self.arguments[i], plain[i] = x, _fitting(x, spec.shape, spec.dtype)
        for i, variable in program.variables.items():
            value = engine.parameter(variable.key)
            # Nobody needs its gradient, but CNTK would compute it.
            plain[i] = value if i in trainable or not trainable else C.stop_gradient(value)
        for i, array in program.constants.items():
            if not array.size:
                continue
            native = np.asarray(array, carrier(array.dtype.name))
            plain[i] = C.constant(native, shape=native.shape, dtype=native.dtype)

    def lower(self, instruction):
        """Add one instruction's value."""
        if instruction.op in RANDOM:
            return
        note("lowering %s of %s" % (instruction.op, instruction.source))
        lowering = TABLE[instruction.op]
        layout.apply(self.values, instruction, lambda *xs, **attrs: lowering(*xs, **attrs))
        (output,), spec = instruction.outputs, instruction.specs[0]
        first = output in self.values.first
        where = self.values.first if first else self.values.plain
        shape = layout.shape_first(spec.shape) if first else spec.shape
        where[output] = _fitting(where[output], shape, spec.dtype)

    def shift(self, i):
        """Put value i plus zero in its place; the zeros' gradient is then the value's."""
        where = self.values.first if self.values.made_first(i) else self.values.plain
        zeros = C.parameter(where[i].shape, init=0, dtype=where[i].dtype)
        where[i] = where[i] + zeros
        return zeros

    def feed(self, arrays, counter):
        """CNTK's arguments for a run, those that the function does not use included."""
        arrays = list(arrays) + self.draws(counter)
        return {
            self.arguments[i]: np.asarray(a, self.common, order="C")
            for i, a in zip(self.order, arrays)
        }


class Native:
    """A CNTK function that makes outputs, which are known by value id, and assignments.

    It is called past CNTK's own Python, whose checks take longer than a small step.

    Arguments:
        loss: one more output, to differentiate.
    """

    def __init__(self, engine, lowering, outputs, updates, loss=None):
        self.engine, self.lowering = engine, lowering
        self.specs = lowering.program.specs
        self.ids = outputs
        get = lowering.values.get
        # An argument or a variable is no output of a CNTK function until something is done to it.
        native = {i: _computed(get(i)) for i in outputs if 0 not in self.specs[i].shape}
        self.keys = [key for key, _ in updates]
        assigned = [_assign(engine.parameter(key), get(i)) for key, i in updates]
        first = [] if loss is None else [loss]
        self.function = _combine(first + list(native.values()) + assigned)
        self.places = {i: f.output for i, f in native.items()}
        self.outputs = list(self.function.outputs) if self.function else []
        self.used = list(self.function.arguments) if self.function else []
        self.kept = {f.output for f in first}

    def __call__(self, arrays, counter):
        """The backward pass's state and the outputs as arrays of the program's dtypes, by id."""
        if self.function is None:
            return None, {i: np.empty(self.specs[i].shape, self.specs[i].dtype) for i in self.ids}
        feed = self.lowering.feed(arrays, counter)
        values = {x: _value(feed[x]) for x in self.used}
        results = dict.fromkeys(self.outputs)
        state = C.cntk_py.Function._forward(self.function, values, results, DEVICE, self.kept)
        self.engine.assigned(self.keys)
        return state, {i: self.array(i, results) for i in self.ids}

    def array(self, i, results):
        spec = self.specs[i]
        if i not in self.places:
            return np.empty(spec.shape, spec.dtype)
        value = results[self.places[i]].data().to_ndarray().reshape(spec.shape)
        return value != 0 if spec.dtype == "bool" else value.astype(spec.dtype, copy=False)


class PlainStep:
    """A program without gradients: one evaluation, which also makes the assignments."""

    def __init__(self, engine, program):
        lowering = Lowering(engine, program)
        for instruction in program.instructions:
            lowering.lower(instruction)
        self.outputs = program.outputs
        self.native = Native(
            engine, lowering, list(dict.fromkeys(program.outputs)), program.updates
        )

    def __call__(self, arrays, counter):
        _, known = self.native(arrays, counter)
        return [known[i] for i in self.outputs]


class GradientStep:
    """A program with gradients.

    Its instructions fall into two parts: those that depend on gradients and those that do not. The
    latter and the gradients are CNTK's; what follows them is NumPy's as far as it can be, see tail.
    """

    def __init__(self, engine, program):
        self.engine, self.program = engine, program
        first, *others = [i for i in program.instructions if i.op == "gradients"]
        self.late = _reached(program, [o for i in [first] + others for o in i.outputs])
        late_updates, held = self.split()
        early = _copy(program, [i for i in program.instructions if i.outputs[0] not in self.late])
        early.updates = []
        self.others = [Gradients(engine, early, i) for i in others]
        early.outputs = list(
            dict.fromkeys([i for i in program.outputs if i not in self.late] + held)
        )
        early.updates = [u for u in program.updates if u not in late_updates]
        # The one that makes updates comes last: they must not change what the others see.
        self.first = Gradients(engine, early, first)
        self.build_rest(late_updates, held)

    def split(self):
        """The updates to make after the gradients, and the early values that they need."""
        program, late = self.program, self.late
        maker = {o: i for i in program.instructions for o in i.outputs}
        fed = _reached(
            program,
            list(program.inputs) + [i.outputs[0] for i in program.instructions if i.op in RANDOM],
        )
        again, held = set(), []

        def need(i):
            """Value i is wanted after the gradients."""
            if i in late or i in again or i in held:
                return
            if i in fed:
                held.append(i)
            elif i in maker:  # it depends on variables only, and is computed once more
                again.add(i)
                for j in maker[i].inputs:
                    need(j)

        for instruction in program.instructions:
            if instruction.outputs[0] in late and instruction.op != "gradients":
                for i in instruction.inputs:
                    need(i)
        updates = [(key, i) for key, i in program.updates if i in late]
        # A variable that is read after the gradients must not change before.
        ids = {v.key: i for i, v in program.variables.items()}
        read = {
            i for one in program.instructions if one.outputs[0] in late | again for i in one.inputs
        }
        for key, i in program.updates:
            if i not in late and ids[key] in read | {j for _, j in updates}:
                need(i)
                updates.append((key, i))
        self.again = again
        return updates, held

    def build_rest(self, updates, held):
        program = self.program
        rest = _copy(
            program,
            [
                i
                for i in program.instructions
                if i.op != "gradients" and i.outputs[0] in self.late | self.again
            ],
        )
        stages = [self.first] + self.others
        self.given = held + [o for stage in stages for o in stage.outputs]
        rest.inputs = collections.OrderedDict((i, program.specs[i]) for i in self.given)
        rest.outputs = [i for i in dict.fromkeys(program.outputs) if i in self.late]
        rest.updates = updates
        used = {i for one in rest.instructions for i in one.inputs}
        used.update(rest.outputs, [i for _, i in updates])
        self.read = {i: v.key for i, v in program.variables.items() if i in used}
        self.rest = rest
        self.tail = Tail(rest) if covers(rest) else None
        self.plain = None if self.tail else PlainStep(self.engine, rest)

    def __call__(self, arrays, counter):
        known = {}
        for stage in self.others + [self.first]:
            known.update(stage(arrays, counter))
        given = [known[i] for i in self.given]
        if self.tail is None:
            known.update(zip(self.rest.outputs, self.plain(given, counter)))
        else:
            values = dict(zip(self.given, given))
            values.update((i, self.engine.read(key)) for i, key in self.read.items())
            made = self.tail(values)
            for key, i in self.rest.updates:
                self.engine.write(key, made[i])
            known.update(made)
        return [np.array(known[i]) for i in self.program.outputs]


class Gradients:
    """The gradients of one instruction, with the outputs and updates of the early program.

    Called with the inputs and the counter, it returns the arrays: value id -> array.
    """

    def __init__(self, engine, early, instruction):
        self.program, self.instruction = early, instruction
        self.outputs = list(instruction.outputs)
        reaching = _reaching(early, instruction.inputs[0])
        xs = [x for x in dict.fromkeys(instruction.inputs[1:]) if x in reaching]
        self.model = Lowering(engine, early, trainable=set(xs) or {None})
        self.wanted = {}  # value id -> the parameter whose gradient is wanted
        self.first = set()  # those whose gradients are channels first
        self.lower(engine, xs)
        loss = C.reduce_sum(
            self.model.values.native(instruction.inputs[0]), axis=C.Axis.all_static_axes()
        )
        loss = shaped(loss, (1,))
        self.native = Native(engine, self.model, early.outputs, early.updates, loss)
        self.loss, self.one = loss.output, np.ones(1, loss.dtype)

    def lower(self, engine, xs):
        model, program = self.model, self.program
        for x in xs:
            if x in program.variables:
                self.wanted[x] = engine.parameter(program.variables[x].key)
            elif x in program.inputs or x in program.constants:
                self.wanted[x] = model.shift(x)
        for instruction in program.instructions:
            model.lower(instruction)
            output = instruction.outputs[0]
            if output in xs:
                if model.values.made_first(output):
                    self.first.add(output)
                self.wanted[output] = model.shift(output)

    def __call__(self, arrays, counter):
        state, known = self.native(arrays, counter)
        found = dict.fromkeys(self.wanted.values())
        C.cntk_py.Function._backward(
            self.native.function, state, {self.loss: _value(self.one)}, found
        )
        for x, output, spec in zip(
            self.instruction.inputs[1:], self.outputs, self.instruction.specs
        ):
            if x in self.wanted:
                grad = found[self.wanted[x]].data().to_ndarray()
                rank = len(spec.shape)
                if x in self.first:
                    grad = grad.reshape(layout.shape_first(spec.shape)).transpose(
                        layout.to_last(rank)
                    )
                known[output] = grad.reshape(spec.shape).astype(spec.dtype, copy=False)
            else:
                known[output] = np.zeros(spec.shape, spec.dtype)
        return known


def _copy(program, instructions):
    """The program with other instructions."""
    other = object.__new__(type(program))
    other.__dict__.update(program.__dict__)
    other.inputs = program.inputs.copy()
    other.instructions = instructions
    return other


# ---------------------------------------------------------------- the program's structure


def _reached(program, sources):
    """The values that depend on `sources`, these included."""
    found = set(sources)
    for instruction in program.instructions:
        if any(i in found for i in instruction.inputs):
            found.update(instruction.outputs)
    return found


def _reaching(program, loss):
    """The values through which a gradient of the loss passes."""
    found = {loss}
    for instruction in reversed(program.instructions):
        if instruction.op not in FLAT and any(o in found for o in instruction.outputs):
            found.update(
                i for i in instruction.inputs if program.specs[i].dtype.startswith("float")
            )
    return found


def _without_empties(program):
    """The program without what computes empty arrays, which CNTK does not have.

    Only outputs may be empty, and what sums over empty arrays or joins them to others is known.
    """
    empty = {i for i, spec in program.specs.items() if 0 in spec.shape}
    if not empty:
        return program
    kept, known = [], {}
    for instruction in program.instructions:
        present = [i for i in instruction.inputs if i not in empty]
        if all(o in empty for o in instruction.outputs):
            continue
        if len(present) == len(instruction.inputs) or instruction.op == "gradients":
            kept.append(instruction)
        elif instruction.op == "concatenate":
            kept.append(instruction._replace(inputs=present))
        elif instruction.op in ("sum", "any", "all", "prod"):
            spec = instruction.specs[0]
            fill = np.ones if instruction.op in ("all", "prod") else np.zeros
            known[instruction.outputs[0]] = fill(spec.shape, spec.dtype)
        else:
            raise ValueError(
                "CNTK has no empty tensors: an input of %s in %s is one"
                % (instruction.op, instruction.source or program.name)
            )
    program = _copy(program, kept)
    program.constants = {**program.constants, **known}
    return program


def _without_zero_gradients(program):
    """The program with zeros in place of gradients that no part of the loss passes on."""
    kept, zeros = [], {}
    for instruction in program.instructions:
        if instruction.op == "gradients" and not any(
            x in _reaching(program, instruction.inputs[0]) for x in instruction.inputs[1:]
        ):
            zeros.update(
                (o, np.zeros(spec.shape, spec.dtype))
                for o, spec in zip(instruction.outputs, instruction.specs)
            )
        else:
            kept.append(instruction)
    if not zeros:
        return program
    program = _copy(program, kept)
    program.constants = {**program.constants, **zeros}
    return program


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


def _assign(variable, value):
    """The assignment as a function whose own result is small."""
    return _first_element(C.assign(variable, _computed(value)))


def _first_element(x):
    return C.slice(x, 0, 0, 1) if x.shape else _computed(x)


def _combine(functions):
    functions = list(dict.fromkeys(functions))
    return C.combine(functions) if functions else None
