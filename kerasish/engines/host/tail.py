"""Programs in NumPy, in the worker: above all the end of a training step.

Optimizers are elementwise, and there CNTK is several times slower than NumPy, if NumPy takes a
piece that stays in the processor's cache through all operations before it takes the next. All else
is computed by the definitions.  Python 3.6 syntax; needs NumPy only.
"""

import collections

import numpy as np

from . import definitions

PIECE = 1 << 16  # elements


def _with_out(function):
    """A function that makes an array as one that fills `out`, if given."""

    def filling(*args, **options):
        out = options.pop("out", None)
        result = function(*args, **options)
        if out is None:
            return result
        np.copyto(out, result, casting="unsafe")
        return out

    return filling


ELEMENTWISE = dict(
    definitions.kernels.UFUNCS,
    rsqrt=_with_out(lambda x: 1 / np.sqrt(x)),
    relu=_with_out(lambda x: np.maximum(x, 0)),
    cast=_with_out(lambda x, dtype: x.astype(dtype)),
    stop_gradient=_with_out(lambda x: x),
    where=_with_out(np.where),
)


def _take_grad(g, indices, shape, axis):
    out = np.zeros(shape, g.dtype)
    moved = np.moveaxis(g, range(axis, axis + indices.ndim), range(indices.ndim))
    if indices.size:
        rows = moved.reshape((-1,) + moved.shape[indices.ndim :])
        flat = indices.reshape(-1) % shape[axis]
        definitions.kernels.add_rows(np.moveaxis(out, axis, 0), rows, flat)
    return out


QUICK = {"take_grad": _take_grad}  # where the definition is slow
BODIES = ("body", "condition", "then", "otherwise")  # the attributes that are programs


class Tail:
    """A program, called with values (id -> array) and the counter; returns those of its outputs.

    Arguments:
        program: its inputs and variables are among the values that a call is given.
        compiled: makes a program within, the body of a loop or a branch, a function of (inputs,
            counter).
        replaced: new value -> the variable whose memory it may take.
    """

    def __init__(self, program, compiled, replaced=()):
        self.program = program
        uses = collections.Counter(program.outputs)
        uses.update(i for instruction in program.instructions for i in instruction.inputs)
        self.parts = []
        for part in _parts(program):
            if isinstance(part, Pieces):
                part.plan(uses, dict(replaced))
            self.parts.append(part if isinstance(part, Pieces) else _single(part, compiled))

    def __call__(self, values, counter):
        values = dict(values)
        values.update(self.program.constants)
        with np.errstate(all="ignore"):
            for part in self.parts:
                part(values, counter)
        return {i: values[i] for i in self.program.outputs}


class Inner:
    """A program without variables, as a function of (inputs, counter)."""

    def __init__(self, program, compiled):
        self.inputs, self.constants = list(program.inputs), program.constants
        self.outputs = program.outputs
        self.parts = [_single(instruction, compiled) for instruction in program.instructions]

    def __call__(self, arrays, counter):
        values = dict(zip(self.inputs, arrays))
        values.update(self.constants)
        for part in self.parts:
            part(values, counter)
        return [values[i] for i in self.outputs]


def _single(instruction, compiled):
    """One instruction as a function of (values, counter) that adds its results."""
    inputs, outputs = instruction.inputs, instruction.outputs
    function = _function(instruction, compiled)
    dtypes = [np.dtype(spec.dtype) for spec in instruction.specs]
    if len(outputs) == 1:
        (output,), (dtype,) = outputs, dtypes

        def run(values, counter):
            result = function([values[i] for i in inputs], counter)
            if isinstance(result, tuple):
                (result,) = result
            if type(result) is not np.ndarray or result.dtype != dtype:
                result = np.asarray(result, dtype)
            values[output] = result

    else:

        def run(values, counter):
            results = function([values[i] for i in inputs], counter)
            for output, result, dtype in zip(outputs, results, dtypes):
                values[output] = np.asarray(result, dtype)

    return run


def _function(instruction, compiled):
    """One instruction as a function of (arrays, counter)."""
    op, attrs = instruction.op, instruction.attrs
    if op in definitions.RANDOM:
        draw = definitions.drawing(instruction)
        return lambda arrays, counter: draw(counter)
    function = QUICK.get(op) or ELEMENTWISE.get(op) or definitions.table.TABLE[op]
    if op in definitions.LOOPS:
        attrs = {k: v if k not in BODIES else compiled(v) for k, v in attrs.items()}
        attrs["specs"] = instruction.specs
        return lambda arrays, counter: function(*arrays, counter=counter, **attrs)
    if attrs:
        return lambda arrays, counter: function(*arrays, **attrs)
    return lambda arrays, counter: function(*arrays)


def _parts(program):
    """The instructions in order; elementwise ones on large arrays of one shape put together."""
    parts, pending = [], collections.OrderedDict()

    def finish(shape):
        parts.append(pending.pop(shape))

    for instruction in program.instructions:
        shape = instruction.specs[0].shape
        if _in_pieces(instruction, program):
            if shape not in pending:
                pending[shape] = Pieces(program, shape)
            pending[shape].instructions.append(instruction)
        else:
            for other in list(pending):
                if pending[other].makes(instruction.inputs):
                    finish(other)
            parts.append(instruction)
    for shape in list(pending):
        finish(shape)
    return parts


def _in_pieces(instruction, program):
    shape = instruction.specs[0].shape
    return (
        instruction.op in ELEMENTWISE
        and np.prod(shape) >= PIECE
        and all(program.specs[i].shape in (shape, ()) for i in instruction.inputs)
    )


class Pieces:
    """Elementwise instructions on arrays of one shape, all done for one piece after the other."""

    def __init__(self, program, shape):
        self.program, self.shape = program, shape
        self.size = int(np.prod(shape))
        self.instructions = []

    def makes(self, ids):
        return any(i.outputs[0] in ids for i in self.instructions)

    def plan(self, uses, replaced):
        """Give the values places: those wanted elsewhere arrays of their own, others a piece.

        A variable's new value takes the memory of the old one, if that is no longer needed.
        """
        inside = collections.Counter(i for one in self.instructions for i in one.inputs)
        own = [one.outputs[0] for one in self.instructions]
        dtype = {one.outputs[0]: one.specs[0].dtype for one in self.instructions}
        last = {i: k for k, one in enumerate(self.instructions) for i in one.inputs}
        self.replaced = {
            one.outputs[0]: replaced[one.outputs[0]]
            for k, one in enumerate(self.instructions)
            if one.outputs[0] in replaced
            and uses[replaced[one.outputs[0]]] == inside[replaced[one.outputs[0]]]
            and last[replaced[one.outputs[0]]] <= k
        }
        # Twice, in turns: what one run made is the input of the next.
        kept = [i for i in own if uses[i] > inside[i] and i not in self.replaced]
        self.spare, self.kept = [{i: np.empty(self.shape, dtype[i]) for i in kept} for _ in "ab"]
        free, self.scratch, left = collections.defaultdict(list), {}, dict(inside)
        for one in self.instructions:
            (output,) = one.outputs
            if output not in self.kept and output not in self.replaced:
                spare = free[dtype[output]]
                self.scratch[output] = spare.pop() if spare else np.empty(PIECE, dtype[output])
            for i in one.inputs:
                left[i] -= 1
                if left[i] == 0 and i in self.scratch:
                    free[dtype[i]].append(self.scratch[i])
        self.fed = sorted(set(inside) - set(own))
        self.steps = [
            (ELEMENTWISE[one.op], one.inputs, one.attrs, one.outputs[0])
            for one in self.instructions
        ]

    def __call__(self, values, counter):
        self.spare, self.kept = self.kept, self.spare
        values.update(self.kept)
        flat = {i: array.reshape(-1) for i, array in self.kept.items()}
        places = dict(self.scratch)
        for i in self.fed:
            if self.program.specs[i].shape == ():
                places[i] = values[i]
            else:
                flat[i] = np.ascontiguousarray(values[i]).reshape(-1)
        for i, old in self.replaced.items():
            flat[i] = flat[old]
            contiguous = values[old].flags.c_contiguous
            values[i] = values[old] if contiguous else flat[old].reshape(self.shape)
        for start in range(0, self.size, PIECE):
            for i, array in flat.items():
                places[i] = array[start : start + PIECE]
            if start + PIECE > self.size:
                places.update((i, a[: self.size - start]) for i, a in self.scratch.items())
            for function, inputs, attrs, output in self.steps:
                function(*[places[i] for i in inputs], out=places[output], **attrs)
