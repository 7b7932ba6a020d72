"""What the workers' engines share: the program as it arrives, and the last note.

Python 3.6 syntax.
"""

import collections
import os

Spec = collections.namedtuple("Spec", "shape dtype")
Instruction = collections.namedtuple("Instruction", "op inputs attrs outputs specs source")
Variable = collections.namedtuple("Variable", "key spec name")

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

    `jit` is True or False where compiling is demanded or forbidden, else None; `warm_up` says
    whether the first runs may be interpreted, which rounds otherwise.
    `inputs` and `variables` map value ids to their Spec and Variable, `constants` value ids to
    arrays; `specs` has the Spec of every value.
    """

    def __init__(self, header, arrays):
        self.name = header["name"]
        arrays = iter(arrays)
        self.jit = header.get("jit")  # inner programs have neither
        self.warm_up = header.get("warm_up", True)
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
