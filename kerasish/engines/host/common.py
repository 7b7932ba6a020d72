"""What the workers' engines share: the program as it arrives, random numbers, the last note.

Python 3.6 syntax; needs NumPy only.
"""

import collections
import os

import numpy as np

Spec = collections.namedtuple("Spec", "shape dtype")
Instruction = collections.namedtuple("Instruction", "op inputs attrs outputs specs source")
Variable = collections.namedtuple("Variable", "key spec name")

RANDOM = frozenset(["random_uniform", "random_normal", "dropout_mask"])

_note = [None]


def note_to(descriptor):
    """Keep notes in this file from now on."""
    _note[0] = descriptor


def note(text):
    """Remember what is being done, where the parent finds it should this process die."""
    if _note[0] is not None:
        os.pwrite(_note[0], text.encode()[:500].ljust(500), 0)


class Program:
    """A program as kerasish sends it.

    `jit` is True or False where compiling is demanded or forbidden, else None.
    `inputs` and `variables` map value ids to their Spec and Variable, `constants` value ids to
    arrays; `specs` has the Spec of every value.
    """

    def __init__(self, header, arrays):
        self.name = header["name"]
        arrays = iter(arrays)
        self.jit = header.get("jit")  # inner programs have none
        self.inputs = collections.OrderedDict(
            (i, Spec(tuple(shape), dtype)) for i, shape, dtype in header["inputs"]
        )
        self.variables = collections.OrderedDict(
            (i, Variable(key, Spec(tuple(shape), dtype), name))
            for i, key, shape, dtype, name in header["variables"]
        )
        self.constants = collections.OrderedDict((i, next(arrays)) for i in header["constants"])
        self.instructions = [
            Instruction(
                op,
                ins,
                {name: _attribute(value, arrays) for name, value in attrs.items()},
                outs,
                [Spec(tuple(s), d) for s, d in specs],
                source,
            )
            for op, ins, attrs, outs, specs, source in header["instructions"]
        ]
        self.outputs = header["outputs"]
        self.updates = [tuple(update) for update in header["updates"]]
        self.specs = dict(self.inputs)
        self.specs.update((i, v.spec) for i, v in self.variables.items())
        self.specs.update((i, Spec(a.shape, a.dtype.name)) for i, a in self.constants.items())
        for instruction in self.instructions:
            self.specs.update(zip(instruction.outputs, instruction.specs))


def _attribute(value, arrays):
    """An attribute as kerasish has it: JSON makes lists of tuples, and headers of programs.

    The constants of a program within are the next ones of `arrays`.
    """
    if isinstance(value, dict):
        return Program(value["program"], arrays)
    return tuple(_attribute(v, arrays) for v in value) if isinstance(value, list) else value


class Draws:
    """The random values of a program, drawn by NumPy and handed to the engine as inputs.

    So they depend on the stream and the counter only, and are those of kerasish's NumPy engine.
    NumPy's generator is also quicker than Theano's and CNTK's own.
    """

    def __init__(self, program):
        self.instructions = [i for i in program.instructions if i.op in RANDOM]
        self.fixed = {}

    def __call__(self, counter):
        """One array per random instruction, in order."""
        return [self._draw(i, counter) for i in self.instructions]

    def _draw(self, instruction, counter):
        attrs = instruction.attrs
        if attrs["counted"]:
            return draw(instruction, counter)
        place = instruction.outputs[0]
        if place not in self.fixed:
            self.fixed[place] = draw(instruction, 0)
        return self.fixed[place]


def draw(instruction, counter):
    """The values of one random instruction at one run, the same as the NumPy engine draws."""
    attrs, spec = instruction.attrs, instruction.specs[0]
    # As one array: from a list NumPy would take large numbers as floats.
    key = np.array([attrs["stream"] & (2**64 - 1), counter], np.uint64)
    source = np.random.Philox(key=key)
    kind = "float64" if spec.dtype == "float64" else "float32"
    if instruction.op == "dropout_mask":
        values = _dropout(source, spec.shape, attrs["rate"], kind)
    elif instruction.op == "random_uniform":
        values = np.random.Generator(source).random(spec.shape, kind)
    else:
        values = np.random.Generator(source).standard_normal(spec.shape, kind)
    return np.asarray(values, spec.dtype)


def _dropout(source, shape, rate, dtype):
    """1 / (1 - rate) where kept and 0 elsewhere, from 16 random bits for each."""
    size = int(np.prod(shape))
    threshold = np.uint16(min(round(rate * 65536), 65535))
    # In pieces as the NumPy engine draws them, which also stay in the processor's cache. The bits
    # of the result are multiplied, as integers: ten times quicker than floats from booleans.
    values = np.empty(size, "int64" if dtype == "float64" else "int32")
    scale = np.asarray(1 / (1 - rate), dtype).view(values.dtype)
    for start in range(0, size, 1 << 14):
        part = values[start : start + (1 << 14)]
        bits = source.random_raw(-(-part.size // 4)).view(np.uint16)[: part.size]
        np.multiply((bits >= threshold).view(np.int8), scale, out=part)
    return values.view(dtype).reshape(shape)


def slices(attrs):
    """The Python slices of a `slice` instruction: a stop of -1 going backwards means "before 0"."""
    return tuple(
        slice(start, None if step < 0 and stop < 0 else stop, step)
        for start, stop, step in zip(attrs["start"], attrs["stop"], attrs["step"])
    )
