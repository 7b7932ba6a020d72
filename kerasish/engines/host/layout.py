"""Which values of a program are kept channels first, so that few are transposed.

Programs have channels last; the engines here convolve and pool channels first.  A value made by
such an operation stays channels first through elementwise operations and reductions, and is
transposed when something else wants it as the program says.  Python 3.6 syntax.
"""

ELEMENTWISE = frozenset(
    "negative abs sign exp expm1 log log1p sqrt rsqrt square sin cos tanh sigmoid relu softplus "
    "erf floor ceil round logical_not isnan isfinite cast stop_gradient add subtract multiply "
    "divide power maximum minimum floor_divide mod equal not_equal less less_equal greater "
    "greater_equal logical_and logical_or where".split()
)
REDUCTIONS = frozenset("sum mean prod max min any all".split())
# Operations whose array inputs and output with spatial axes are channels first here; for each, the
# places of the inputs that are (the others are kernels).
SPATIAL = {
    "conv": (0,),
    "conv_input_grad": (0,),
    "conv_kernel_grad": (0, 1),
    "max_pool": (0,),
    "max_pool_grad": (0, 1, 2),
    "avg_pool": (0,),
    "avg_pool_grad": (0,),
}


def to_first(rank):
    """The permutation that brings the last axis to place 1."""
    return (0, rank - 1) + tuple(range(1, rank - 1))


def to_last(rank):
    """The permutation that brings axis 1 to the end."""
    return (0,) + tuple(range(2, rank)) + (1,)


def shape_first(shape):
    """A shape with the last axis at place 1."""
    return tuple(shape[a] for a in to_first(len(shape)))


class Values:
    """The engine's values of a program, as the program says or channels first.

    Arguments:
        specs: value id -> Spec.
        transpose, reshape: the engine's, called with a value and axes or a shape.
    """

    def __init__(self, specs, transpose, reshape):
        self.specs = specs
        self.transpose = transpose
        self.reshape = reshape
        self.plain = {}
        self.first = {}

    def rank(self, i):
        return len(self.specs[i].shape)

    def get(self, i):
        """Value i as the program says."""
        if i not in self.plain:
            self.plain[i] = self.transpose(self.first[i], to_last(self.rank(i)))
        return self.plain[i]

    def get_first(self, i, rank=None):
        """Value i channels first, after ones in front of its shape up to `rank`."""
        rank = rank or self.rank(i)
        if i in self.first and self.rank(i) == rank:
            return self.first[i]
        if self.rank(i) == 0:
            return self.plain[i]
        value = self.get(i)
        if self.rank(i) < rank:
            shape = (1,) * (rank - self.rank(i)) + self.specs[i].shape
            return self.transpose(self.reshape(value, shape), to_first(rank))
        self.first[i] = self.transpose(value, to_first(rank))
        return self.first[i]

    def made_first(self, i):
        """Whether value i was made channels first and nobody has asked for it otherwise."""
        return i in self.first and i not in self.plain

    def native(self, i):
        """Value i as it was made: what everything else that depends on it was made from."""
        return self.first[i] if self.made_first(i) else self.get(i)


def apply(values, instruction, lowering):
    """Lower one instruction with a single output, in the layout that its inputs are in.

    `lowering` takes the inputs as positional arguments and the instruction's attributes.
    """
    op, inputs, attrs = instruction.op, instruction.inputs, instruction.attrs
    (output,) = instruction.outputs
    if op in SPATIAL:
        places = SPATIAL[op]
        args = [values.get_first(i) if k in places else values.get(i) for k, i in enumerate(inputs)]
        where = values.plain if op == "conv_kernel_grad" else values.first
        where[output] = lowering(*args, **attrs)
    elif op in ELEMENTWISE and _follows(values, inputs, output):
        rank = values.rank(output)
        values.first[output] = lowering(*[values.get_first(i, rank) for i in inputs], **attrs)
    elif op in REDUCTIONS and _reduces_in_place(values, instruction):
        rank = values.rank(inputs[0])
        axes = tuple(sorted(to_first(rank).index(a) for a in attrs["axis"]))
        result = lowering(values.first[inputs[0]], axis=axes, keepdims=attrs["keepdims"])
        (values.first if attrs["keepdims"] else values.plain)[output] = result
    else:
        values.plain[output] = lowering(*[values.get(i) for i in inputs], **attrs)


def _follows(values, inputs, output):
    """Whether an input of full size is channels first only."""
    rank = values.rank(output)
    return any(values.made_first(i) and values.rank(i) == rank for i in inputs)


def _reduces_in_place(values, instruction):
    """Whether the input is channels first, and the axes that remain have the same order then."""
    if not values.made_first(instruction.inputs[0]):
        return False
    rank = values.rank(instruction.inputs[0])
    remaining = set(range(1, rank)) - set(instruction.attrs["axis"])
    return instruction.attrs["keepdims"] or len(remaining) < 2 or rank - 1 not in remaining
