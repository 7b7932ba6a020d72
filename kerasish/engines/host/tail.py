"""The end of a training step in NumPy: from the gradients to the new values of the variables.

Optimizers are elementwise, and there CNTK is several times slower than NumPy, if NumPy takes a
piece that stays in the processor's cache through all operations before it takes the next.
Python 3.6 syntax; runs in the worker; needs NumPy only.
"""

import collections

import numpy as np

PIECE = 1 << 15  # elements


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


ELEMENTWISE = {
    "negative": np.negative,
    "abs": np.absolute,
    "sign": np.sign,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "rsqrt": _with_out(lambda x: 1 / np.sqrt(x)),
    "square": np.square,
    "tanh": np.tanh,
    "relu": _with_out(lambda x: np.maximum(x, 0)),
    "floor": np.floor,
    "ceil": np.ceil,
    "logical_not": np.logical_not,
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "cast": _with_out(lambda x, dtype: x.astype(dtype)),
    "stop_gradient": _with_out(lambda x: x),
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.true_divide,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "floor_divide": np.floor_divide,
    "mod": np.mod,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "where": _with_out(np.where),
}
OTHERS = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "any": np.any,
    "all": np.all,
    "reshape": np.reshape,
    "transpose": np.transpose,
    "broadcast_to": np.broadcast_to,
    "full": lambda shape, value, dtype: np.full(shape, value, dtype),
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
}


def covers(program):
    """Whether every operation of the program is known here."""
    return all(i.op in ELEMENTWISE or i.op in OTHERS for i in program.instructions)


class Tail:
    """A program whose operations `covers` knows.

    Called with the values of its inputs and variables (id -> array), it returns those of its
    outputs and updates.
    """

    def __init__(self, program):
        self.program = program
        self.wanted = list(program.outputs) + [i for _, i in program.updates]
        self.parts = _parts(program)
        uses = collections.Counter(self.wanted)
        uses.update(i for instruction in program.instructions for i in instruction.inputs)
        for part in self.parts:
            if isinstance(part, Pieces):
                part.plan(uses)

    def __call__(self, values):
        values.update(self.program.constants)
        with np.errstate(all="ignore"):
            for part in self.parts:
                if isinstance(part, Pieces):
                    part(values)
                else:
                    values[part.outputs[0]] = _apply(part, values)
        return {i: values[i] for i in self.wanted}


def _apply(instruction, values):
    function = ELEMENTWISE.get(instruction.op) or OTHERS[instruction.op]
    result = function(*[values[i] for i in instruction.inputs], **instruction.attrs)
    return np.asarray(result, instruction.specs[0].dtype)


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
        and np.prod(shape) >= 2 * PIECE
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

    def plan(self, uses):
        """Give the values places: those wanted elsewhere arrays of their own, others a piece."""
        inside = collections.Counter(i for one in self.instructions for i in one.inputs)
        own = [one.outputs[0] for one in self.instructions]
        dtype = {one.outputs[0]: one.specs[0].dtype for one in self.instructions}
        # Twice, in turns: what one run made is the input of the next.
        self.spare, self.kept = [
            {i: np.empty(self.shape, dtype[i]) for i in own if uses[i] > inside[i]} for _ in "ab"
        ]
        free, self.scratch, left = collections.defaultdict(list), {}, dict(inside)
        for one in self.instructions:
            (output,) = one.outputs
            if output not in self.kept:
                spare = free[dtype[output]]
                self.scratch[output] = spare.pop() if spare else np.empty(PIECE, dtype[output])
            for i in one.inputs:
                left[i] -= 1
                if left[i] == 0 and i in self.scratch:
                    free[dtype[i]].append(self.scratch[i])
        self.fed = sorted(set(inside) - set(own))

    def __call__(self, values):
        self.spare, self.kept = self.kept, self.spare
        flat = {i: array.reshape(-1) for i, array in self.kept.items()}
        values.update(self.kept)
        places = {}
        for i in self.fed:
            if self.program.specs[i].shape == ():
                places[i] = values[i]
            else:
                flat[i] = np.ascontiguousarray(values[i]).reshape(-1)
        steps = [
            (ELEMENTWISE[one.op], one.inputs, one.attrs, one.outputs[0])
            for one in self.instructions
        ]
        for start in range(0, self.size, PIECE):
            end = min(start + PIECE, self.size)
            for i, array in flat.items():
                places[i] = array[start:end]
            for i, array in self.scratch.items():
                places[i] = array[: end - start]
            for function, inputs, attrs, output in steps:
                function(*[places[i] for i in inputs], out=places[output], **attrs)
