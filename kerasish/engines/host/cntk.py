"""CNTK 2.7: programs as CNTK functions.  The operations are in `cntk_ops`.

Runs in the worker; Python 3.6 syntax.  What is carried how: CNTK computes with float32 and float64
only.  float64 and int64 are carried in float64 (exact up to 2**53), all else in float32 (integers
exact up to 2**24).  Tensors have no dynamic axes: the batch is an ordinary first axis.

CNTK's assignments take effect when everything else has been computed, so that updates see old
values, as a program wants it.  In a step with gradients there are two such computations, though:
the forward and backward pass, then the learner's update of the parameters.  See `TrainStep`.
"""

import numpy as np

from . import layout
from .cntk_boot import C
from .cntk_ops import TABLE, carrier, shaped
from .common import RANDOM, Draws, note

FLAT = frozenset(  # no gradient passes through these
    "stop_gradient sign floor ceil round logical_not isnan isfinite equal not_equal "
    "less less_equal greater greater_equal logical_and logical_or any all argmax argmin "
    "floor_divide full iota "
    "random_uniform random_normal dropout_mask".split()
)


class Engine:
    """Holds the variables and compiles programs."""

    name = "cntk"
    version = C.__version__
    device = "cpu"
    native_gradients = True

    def __init__(self):
        self.gaps = {}
        self.table = TABLE
        self.variables = {}
        self.dtypes = {}

    def write(self, key, value):
        native = np.asarray(value, carrier(value.dtype.name))
        known = self.variables.get(key)
        if known is not None and known.shape == native.shape and known.dtype == native.dtype:
            known.value = native
        else:
            self.variables[key] = C.parameter(native.shape, init=native, dtype=native.dtype)
        self.dtypes[key] = value.dtype

    def read(self, key):
        return np.asarray(self.variables[key].value).astype(self.dtypes[key])

    def delete(self, key):
        self.variables.pop(key, None)
        self.dtypes.pop(key, None)

    def compile(self, program, once=False):
        """A function of (inputs, counter) that returns the outputs and applies the updates."""
        program = _without_empties(program)
        program = _without_zero_gradients(program)
        count = sum(i.op == "gradients" for i in program.instructions)
        kind = PlainStep if count == 0 else TrainStep if count == 1 else StagedStep
        step = kind(self, program)
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
        common = np.float64 if np.float64 in carriers else np.float32
        self.arguments = {}
        for i in self.order:
            spec = program.specs[i]
            x = C.input_variable(spec.shape, dtype=common, dynamic_axes=[])
            self.arguments[i], plain[i] = x, _fitting(x, spec.shape, spec.dtype)
        for i, variable in program.variables.items():
            value = engine.variables[variable.key]
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
            self.arguments[i]: np.ascontiguousarray(a, self.arguments[i].dtype)
            for i, a in zip(self.order, arrays)
        }


class Fetches:
    """The outputs of a program: those that a CNTK function computes and those known without."""

    def __init__(self, lowering, ids):
        self.program = lowering.program
        self.ids = ids
        self.order = lowering.order
        # An argument or a variable is no output of a CNTK function until something is done to it.
        self.native = {
            i: _computed(lowering.values.get(i))
            for i in ids
            if 0 not in self.program.specs[i].shape
        }

    def arrays(self, results):
        """The outputs as arrays of the program's dtypes, from output variable -> value."""
        return [
            self.array(i, results[self.native[i].output] if i in self.native else np.empty(0))
            for i in self.ids
        ]

    def array(self, i, value):
        spec = self.program.specs[i]
        value = value if isinstance(value, np.ndarray) else np.asarray(value.asarray())
        value = value.reshape(spec.shape)
        return value != 0 if spec.dtype == "bool" else value.astype(spec.dtype)


class PlainStep:
    """A program without gradients: one evaluation, which also makes the assignments."""

    def __init__(self, engine, program):
        self.lowering = Lowering(engine, program)
        for instruction in program.instructions:
            self.lowering.lower(instruction)
        get = self.lowering.values.get
        self.fetches = Fetches(self.lowering, program.outputs)
        assigned = [_assign(engine.variables[key], get(i)) for key, i in program.updates]
        self.function = _combine(list(self.fetches.native.values()) + assigned)
        self.used = self.function.arguments if self.function else ()

    def __call__(self, arrays, counter):
        if self.function is None:
            return []
        feed = self.lowering.feed(arrays, counter)
        _, results = self.function.forward(
            {x: feed[x] for x in self.used}, outputs=self.function.outputs, as_numpy=False
        )
        return self.fetches.arrays(results)


class TrainStep:
    """A program with one `gradients`: a CNTK Trainer whose learner makes the updates.

    The instructions fall into two parts.  What does not depend on the gradients is the model; what
    does is lowered inside the learner's update.  The update knows neither the inputs nor what the
    model computed: what it needs of these the model leaves in holders, or, where it depends on
    variables only, the update computes it anew.
    """

    def __init__(self, engine, program):
        self.engine, self.program = engine, program
        self.split()
        xs = [x for x in dict.fromkeys(self.gradients.inputs[1:]) if x in self.reaching]
        self.model = Lowering(engine, program, trainable=set(xs) or {None})
        self.wanted = {}  # value id -> the parameter whose gradient is wanted
        self.first = set()  # those whose gradients are channels first
        self.build_model(xs)
        self.build_trainer()

    def split(self):
        """Sort values and instructions into the two parts."""
        program = self.program
        (self.gradients,) = [i for i in program.instructions if i.op == "gradients"]
        maker = {o: i for i in program.instructions for o in i.outputs}
        late = _reached(program, self.gradients.outputs)
        fed = _reached(
            program,
            list(program.inputs) + [i.outputs[0] for i in program.instructions if i.op in RANDOM],
        )
        late_updates = [(k, i) for k, i in program.updates if i in late]
        self.late_outputs = [i for i in dict.fromkeys(program.outputs) if i in late]
        again, held = set(), []

        def need(i):
            """Value i is wanted in the update."""
            if i in late or i in again or i in held:
                return
            if i in fed:
                held.append(i)
            elif i in maker:
                again.add(i)
                for j in maker[i].inputs:
                    need(j)

        for instruction in program.instructions:
            if instruction.outputs[0] in late and instruction is not self.gradients:
                for i in instruction.inputs:
                    need(i)
        # A variable that the update reads must not change before: its own update is made there.
        ids = {v.key: i for i, v in program.variables.items()}
        read = {
            i
            for instruction in program.instructions
            if instruction.outputs[0] in late or instruction.outputs[0] in again
            for i in instruction.inputs
        }
        for key, i in program.updates:
            if i not in late and ids[key] in read | {j for _, j in late_updates}:
                need(i)
                late_updates.append((key, i))
        self.held, self.late_updates = held, late_updates
        self.early_updates = [u for u in program.updates if u not in late_updates]
        self.early = [i for i in program.instructions if i.outputs[0] not in late]
        self.late = [
            i
            for i in program.instructions
            if i is not self.gradients and (i.outputs[0] in late or i.outputs[0] in again)
        ]
        self.reaching = _reaching(program, self.gradients.inputs[0])

    def build_model(self, xs):
        model, program = self.model, self.program
        for x in xs:
            if x in program.variables:
                self.wanted[x] = self.engine.variables[program.variables[x].key]
            elif x in program.inputs:
                self.wanted[x] = model.shift(x)
        for instruction in self.early:
            model.lower(instruction)
            output = instruction.outputs[0]
            if output in xs:
                if model.values.made_first(output):
                    self.first.add(output)
                self.wanted[output] = model.shift(output)
        self.holders = {i: _holder(program.specs[i]) for i in self.held + self.late_outputs}
        self.fetches = Fetches(
            model, [i for i in dict.fromkeys(program.outputs) if i not in self.late_outputs]
        )

    def build_trainer(self):
        model = self.model
        assigned = [_assign(self.holders[i], model.values.get(i)) for i in self.held]
        assigned += [
            _assign(self.engine.variables[key], model.values.get(i))
            for key, i in self.early_updates
        ]
        function = _combine(list(self.fetches.native.values()) + assigned)
        loss = C.reduce_sum(
            model.values.native(self.gradients.inputs[0]), axis=C.Axis.all_static_axes()
        )
        loss = C.to_batch(shaped(loss, (1,)))
        self.outputs = list(function.outputs) if function else []
        ids = list(self.wanted)
        parameters = [self.wanted[i] for i in ids]
        learner = C.learners.universal(
            lambda parameters, gradients: self.update(ids, parameters, gradients), parameters
        )
        self.trainer = C.Trainer(function or C.combine([loss]), (loss, None), [learner])
        whole = C.combine([loss] + ([function] if function else []))
        self.used = whole.arguments

    def update(self, ids, parameters, gradients):
        """The learner's update, as a CNTK function of the gradients."""
        program = self.program
        lowering = Lowering(self.engine, program)
        values = lowering.values
        values.plain.update((i, self.holders[i]) for i in self.held)
        known = dict(zip(ids, gradients))
        for x, output, spec in zip(
            self.gradients.inputs[1:], self.gradients.outputs, self.gradients.specs
        ):
            where = values.first if x in self.first else values.plain
            where[output] = known[x] if x in known else _zeros(spec)
        for instruction in self.late:
            lowering.lower(instruction)
        assigned = [
            _assign(self.engine.variables[key], values.get(i)) for key, i in self.late_updates
        ]
        assigned += [_assign(self.holders[i], values.get(i)) for i in self.late_outputs]
        # CNTK wants every parameter and every gradient used.
        used = [_first_element(x) for pair in zip(parameters, gradients) for x in pair]
        return C.combine(assigned + used)

    def __call__(self, arrays, counter):
        feed = self.model.feed(arrays, counter)
        feed = {x: feed[x] for x in self.used}
        if self.outputs:
            _, results = self.trainer.train_minibatch(feed, outputs=self.outputs)
        else:
            self.trainer.train_minibatch(feed)
            results = {}
        early = dict(zip(self.fetches.ids, self.fetches.arrays(results)))
        return [
            early[i] if i in early else self.fetches.array(i, np.asarray(self.holders[i].value))
            for i in self.program.outputs
        ]


class StagedStep:
    """A program with several `gradients`: each computed by itself and handed to the rest."""

    def __init__(self, engine, program):
        self.stages = []
        found = [i for i in program.instructions if i.op == "gradients"]
        late = set().union(*[_reached(program, i.outputs) for i in found])
        for instruction in found:
            if instruction.inputs[0] in late:
                raise NotImplementedError(
                    "CNTK has no gradients of gradients (%s)" % instruction.source
                )
        extra = [o for i in found for o in i.outputs]
        for instruction in found:
            self.stages.append(_gradient_stage(engine, program, instruction, late))
        rest = _copy(program, [i for i in program.instructions if i.op != "gradients"])
        rest.inputs.update((i, program.specs[i]) for i in extra)
        self.rest = PlainStep(engine, rest)

    def __call__(self, arrays, counter):
        arrays = list(arrays)
        gradients = [g for stage in self.stages for g in stage(arrays, counter)]
        return self.rest(arrays + gradients, counter)


def _gradient_stage(engine, program, instruction, late):
    """A function of (inputs, counter) that returns the gradients of one instruction."""
    holding = _copy(
        program, [i for i in program.instructions if i is instruction or i.outputs[0] not in late]
    )
    holding.outputs, holding.updates = list(instruction.outputs), []
    return TrainStep(engine, holding)


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


def _zeros(spec):
    return C.constant(0, shape=spec.shape, dtype=carrier(spec.dtype))


def _holder(spec):
    return C.parameter(spec.shape, init=0, dtype=carrier(spec.dtype))


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
