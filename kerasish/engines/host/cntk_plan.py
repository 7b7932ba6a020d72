"""Which parts of a program CNTK computes and which NumPy, and in which order.

CNTK has floats only, tensors of fixed shapes that are not empty, and no loops. So NumPy computes,
in the worker, by the reference's definitions: what CNTK lacks, integers, and the elementwise ends
of a program that only variables' new values come from, such as an optimizer's step: there it is
several times quicker. Loops and branches are Python's, and what is in them is planned like a
program.  Python 3.6 syntax; needs NumPy only.
"""

import collections

import numpy as np

from .tail import ELEMENTWISE

FLAT = frozenset(  # no gradient passes through these
    "stop_gradient sign floor ceil round logical_not isnan isfinite equal not_equal "
    "less less_equal greater greater_equal logical_and logical_or any all argmax argmin "
    "floor_divide full iota "
    "random_uniform random_normal dropout_mask".split()
)
# What follows values that NumPy made stays with NumPy if it is cheap.
CHEAP = frozenset(ELEMENTWISE) | frozenset(
    "sum mean max min prod any all reshape transpose broadcast_to full concatenate slice".split()
)

Part = collections.namedtuple("Part", "native program gradients")


def parts_of(program, native):
    """The program as a list of parts to run one after the other.

    A part has a program of its own, whose inputs other parts or the program's inputs provide and
    whose outputs others need. That of a part for CNTK may come with "gradients" instructions, to
    differentiate it by.

    Arguments:
        native: the operations that CNTK has.
    """
    return _Planned(program, native).parts()


class _Planned:
    def __init__(self, program, native):
        self.program, self.native = program, native
        self.maker = {o: i for i in program.instructions for o in i.outputs}
        self.path = _on_the_way(program)
        self.ends = self._find_ends()
        self.phase = {}  # made value -> number of its part: odd ones are CNTK's
        self.numbers = []  # per instruction
        for instruction in program.instructions:
            number = self._number(instruction)
            self.numbers.append(number)
            # Gradients come from a call of their own, after what is computed forwards.
            after = number + 1 if instruction.op == "gradients" else number
            self.phase.update((o, after) for o in instruction.outputs)
        self._delay()

    def _delay(self):
        """Move what NumPy computes to the part that first needs it: all of an optimizer's step."""
        latest = {}  # made value -> the last part that can make it
        kept = set(self.program.outputs).union(i for _, i in self.program.updates)
        for k, instruction in reversed(list(enumerate(self.program.instructions))):
            number, outputs = self.numbers[k], instruction.outputs
            users = [latest[o] for o in outputs if o in latest]
            if number % 2 == 0 and users and not any(o in kept for o in outputs):
                self.numbers[k] = number = min(users)
            for i in instruction.inputs:
                latest[i] = min(latest.get(i, number), number - number % 2)

    def _number(self, instruction):
        before = max([self.phase.get(i, 0) for i in instruction.inputs] + [0])
        if self._is_native(instruction, before):
            return before | 1
        if instruction.outputs[0] in self.path:
            raise ValueError(
                "CNTK cannot differentiate %s of %s" % (instruction.op, instruction.source)
            )
        return before + (before & 1)

    def _is_native(self, instruction, before):
        if instruction.op == "gradients":
            return True
        if not fits(instruction, self.program.specs, self.native):
            return False
        if instruction.outputs[0] in self.path:
            return True
        follows = before >= 2 and before % 2 == 0 and instruction.op in CHEAP
        return not follows and instruction.outputs[0] not in self.ends

    def _find_ends(self):
        """The results of elementwise operations that only NumPy and updates need.

        Numbers that are outputs, such as metrics, are among them: CNTK takes five times as long.
        """
        ends = set()
        for_cntk = {i for i in self.program.outputs if self.program.specs[i].shape}
        for instruction in reversed(self.program.instructions):
            output = instruction.outputs[0]
            if instruction.op != "gradients":
                if not fits(instruction, self.program.specs, self.native):
                    continue
                if instruction.op in ELEMENTWISE and not (
                    output in self.path or output in for_cntk
                ):
                    ends.add(output)
                    continue
            for_cntk.update(instruction.inputs)
        return ends

    def parts(self):
        program = self.program
        grouped = collections.defaultdict(list)
        for number, instruction in zip(self.numbers, program.instructions):
            grouped[number].append(instruction)
        needed = set(program.outputs)
        needed.update(i for _, i in program.updates)
        parts = []
        for number in sorted(grouped, reverse=True):
            group = grouped[number]
            gradients = [i for i in group if i.op == "gradients"]
            plain = [i for i in group if i.op != "gradients"]
            wanted = [o for i in plain for o in i.outputs if o in needed]
            if not wanted and not gradients:
                continue  # what it makes is computed again on the way to gradients
            if gradients:
                # Gradients need the whole way from where it begins, computed in one go.
                ends = wanted + [i for g in gradients for i in g.inputs]
                plain = self._computed_from(ends)
            part = sub_program(program, plain, wanted, gradients)
            needed.update(part.inputs)
            parts.append(Part(bool(number % 2), part, gradients))
        return parts[::-1]

    def _computed_from(self, ends):
        """CNTK's instructions that lead to `ends` from what NumPy made."""
        found, stack = set(), list(ends)
        while stack:
            i = stack.pop()
            if i not in found and self.phase.get(i, 0) % 2:
                found.add(i)
                stack += self.maker[i].inputs
        return [i for i in self.program.instructions if i.outputs[0] in found]


def fits(instruction, specs, native):
    """Whether CNTK can compute the instruction, and gets what the program means."""
    op, inputs, outputs = instruction.op, instruction.inputs, instruction.specs
    if op not in native:
        return False
    if any(0 in spec.shape for spec in outputs):
        return False
    if op != "concatenate" and any(0 in specs[i].shape for i in inputs):
        return False
    if op in ("argmax", "argmin"):
        return _is_float(specs[inputs[0]])
    if not all(_is_float(spec) or spec.dtype == "bool" for spec in outputs):
        return False
    if op == "cast":
        # Integers arrive as float32 unless they have 64 bits.
        wide = outputs[0].dtype == "float64" and specs[inputs[0]].dtype in ("int32", "uint32")
        return not wide
    if op == "take":
        inputs = inputs[:1]
    elif op == "take_grad":  # CNTK would multiply with a matrix of that many ones and zeros
        size = instruction.attrs["shape"][instruction.attrs["axis"]]
        if size * np.prod(specs[inputs[1]].shape) > 1 << 16:
            return False
        inputs = inputs[:1]
    return all(_is_float(specs[i]) or specs[i].dtype == "bool" for i in inputs)


def _is_float(spec):
    return spec.dtype.startswith("float")


def sub_program(program, instructions, outputs, gradients=()):
    """Some of a program's instructions: its inputs are what others make that these need."""
    made = {o for i in instructions for o in i.outputs}
    used = [i for one in list(instructions) + list(gradients) for i in one.inputs]
    own = set(made).union(program.variables, program.constants)
    return _with(
        program,
        inputs=collections.OrderedDict((i, program.specs[i]) for i in used if i not in own),
        variables=_chosen(program.variables, used),
        constants=_chosen(program.constants, used),
        instructions=instructions,
        outputs=outputs,
        updates=[],
    )


def _with(program, **changes):
    """A copy of the program with other attributes."""
    other = object.__new__(type(program))
    other.__dict__.update(program.__dict__)
    other.__dict__.update(changes)
    return other


def _chosen(values, used):
    used = set(used)
    return collections.OrderedDict((i, v) for i, v in values.items() if i in used)


# ---------------------------------------------------------------- gradients


def _on_the_way(program):
    """The values through which gradients pass."""
    found = set()
    for instruction in program.instructions:
        if instruction.op == "gradients":
            from_xs = _reached(program, instruction.inputs[1:])
            found |= from_xs & reaching(program, instruction.inputs[0])
    return found


def _reached(program, sources):
    """The values that depend on `sources`, these included."""
    found = set(sources)
    for instruction in program.instructions:
        if instruction.op != "gradients" and any(i in found for i in instruction.inputs):
            found.update(instruction.outputs)
    return found


def reaching(program, loss):
    """The values through which a gradient of the loss may pass."""
    found = {loss}
    for instruction in reversed(program.instructions):
        if instruction.op not in FLAT and any(o in found for o in instruction.outputs):
            found.update(i for i in instruction.inputs if _may_vary(program.specs[i]))
    return found


def _may_vary(spec):
    return _is_float(spec) and 0 not in spec.shape


def without_zero_gradients(program):
    """The program with zeros in place of gradients that no part of the loss passes on."""
    kept, zeros = [], {}
    for instruction in program.instructions:
        found = ()
        if instruction.op == "gradients":
            found = reaching(program, instruction.inputs[0])
        if instruction.op == "gradients" and not any(x in found for x in instruction.inputs[1:]):
            zeros.update(zip(instruction.outputs, instruction.specs))
        else:
            kept.append(instruction)
    if not zeros:
        return program
    constants = collections.OrderedDict(program.constants)
    constants.update((o, np.zeros(spec.shape, spec.dtype)) for o, spec in zeros.items())
    return _with(program, instructions=kept, constants=constants)


# ---------------------------------------------------------------- pooling


def pooled_first(program):
    """The program with a bias and relu after maximum pooling, where they stand before it.

    The result is the same, computed from fewer numbers.
    """
    uses = collections.Counter(program.outputs)
    uses.update(i for _, i in program.updates)
    uses.update(i for instruction in program.instructions for i in instruction.inputs)
    instructions, specs = list(program.instructions), dict(program.specs)
    place = {one.outputs[0]: k for k, one in enumerate(instructions)}
    pools = [one for one in instructions if one.op == "max_pool"]
    for pool in pools:
        while True:
            (i,), (output,) = pool.inputs, pool.outputs
            before = instructions[place[i]] if i in place and uses[i] == 1 else None
            source = _source(before, specs) if before else None
            if source is None:
                break
            other = [j if j != source else i for j in before.inputs]
            instructions[place[output]] = before._replace(
                inputs=other, outputs=[output], specs=pool.specs
            )
            pool = pool._replace(inputs=[source], outputs=[i])
            instructions[place[i]], specs[i] = pool, pool.specs[0]
    return _with(program, instructions=instructions, specs=specs) if pools else program


def _source(instruction, specs):
    """The input of which this takes the relu or to which it adds a number per channel."""
    shape = instruction.specs[0].shape
    if instruction.op == "relu":
        return instruction.inputs[0]
    if instruction.op == "add":
        for x, bias in (instruction.inputs, instruction.inputs[::-1]):
            if specs[x].shape == shape and specs[bias].shape == shape[-1:]:
                return x
    return None
