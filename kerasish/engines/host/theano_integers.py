"""Integers as NumPy has them, in C++: divided by zero, to the power of others, the larger of two.

Theano's own code raises an error for a division by zero, by a jump out of a loop that is then not
compiled (see theano_compile), and takes powers and the larger of two by way of floats. The smallest
integer divided by -1 ends the process.  Python 3.6 syntax; runs in the worker.
"""

from theano.scalar.basic import IntDiv, Maximum, Minimum, Mod, Pow

INTEGERS = {
    IntDiv: """
        if (%(y)s == 0) %(z)s = 0;
        else if (%(y)s < 0 && %(y)s == -1) %(z)s = -%(x)s;
        else {
            bool below = (%(x)s < 0) != (%(y)s < 0) && THEANO_MACRO_MOD(%(x)s, %(y)s) != 0;
            %(z)s = %(x)s / %(y)s - below;
        }
    """,
    Mod: """
        if (%(y)s == 0 || (%(y)s < 0 && %(y)s == -1)) %(z)s = 0;
        else {
            %(number)s rest = THEANO_MACRO_MOD(%(x)s, %(y)s);
            %(z)s = rest != 0 && (rest < 0) != (%(y)s < 0) ? rest + %(y)s : rest;
        }
    """,
    Pow: """
        %(number)s result = 1, factor = %(x)s;
        for (%(number)s left = %(y)s; left > 0; left >>= 1) {
            if (left & 1) result *= factor;
            factor *= factor;
        }
        %(z)s = result;
    """,
    Maximum: "%(z)s = %(y)s > %(x)s ? %(y)s : %(x)s;",
    Minimum: "%(z)s = %(y)s < %(x)s ? %(y)s : %(x)s;",
}
# Theano's own rounds x / y down, which may have been rounded up before.
FLOATS = {
    IntDiv: """
        %(number)s rest = fmod(%(x)s, %(y)s), quotient = (%(x)s - rest) / %(y)s;
        if (rest != 0 && (%(y)s < 0) != (rest < 0)) quotient -= 1;
        %(number)s whole = floor(quotient);
        if (quotient - whole > 0.5) whole += 1;
        %(z)s = %(y)s == 0 ? %(x)s / %(y)s : whole;
    """,
}


def _teach(operation):
    own_code, own_version = operation.c_code, operation.c_code_cache_version

    def c_code(self, node, name, inputs, outputs, sub):
        dtypes = {v.dtype for v in node.inputs + node.outputs}
        codes = FLOATS if dtypes <= {"float32", "float64"} else INTEGERS
        whole = all("int" in dtype for dtype in dtypes)
        if operation not in codes or not (whole or codes is FLOATS):
            return own_code(self, node, name, inputs, outputs, sub)
        names = {"x": inputs[0], "y": inputs[1], "z": outputs[0]}
        return "{ %s }" % (codes[operation] % dict(names, number="npy_" + node.outputs[0].dtype))

    operation.c_code = c_code
    operation.c_code_cache_version = lambda self: ("kerasish", 2) + tuple(own_version(self))


def use_numpys_rules():
    """Have Theano write this code from now on."""
    for operation in INTEGERS:
        _teach(operation)
