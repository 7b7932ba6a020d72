"""Maximum pooling whose gradient goes to the first maximum of each window.

Theano's own gives it to all that are equal.  Python 3.6 syntax; runs in the worker.
"""

import numpy as np
import theano
import theano.tensor as T
from theano.gof.op import OpenMPOp

from .theano_python import windows


class _OnWindows(OpenMPOp):
    """An operation on the windows of an array, channels first and without padding.

    Several planes at a time, where the compiler knows how.
    """

    __props__ = ("window", "strides")

    def __init__(self, window, strides):
        self.window, self.strides = tuple(window), tuple(strides)
        super(_OnWindows, self).__init__()

    def in_threads(self):
        return "\n#pragma omp parallel for\n" if self.openmp else ""

    def outer_loops(self):
        """C++ loops over the windows; `ys` has the output's sizes."""
        return "".join(
            "for (npy_intp o%d = 0; o%d < ys[%d]; o%d++) " % (a, a, a + 2, a)
            for a in range(len(self.window))
        )

    def inner_loops(self):
        """C++ loops over the places of a window."""
        return "".join(
            "for (int k%d = 0; k%d < %d; k%d++) " % (a, a, size, a)
            for a, size in enumerate(self.window)
        )

    def place(self):
        """C++ for where a place lies in a plane of sizes `xs`."""
        at = "0"
        for a, stride in enumerate(self.strides):
            at = "(%s) * xs[%d] + o%d * %d + k%d" % (at, a + 2, a, stride, a)
        return at

    def plane(self, sizes):
        return " * ".join("%s[%d]" % (sizes, a + 2) for a in range(len(self.window)))

    def c_code_cache_version(self):
        return (7, self.openmp)


class FirstMaxPool(_OnWindows):
    """The maximum of each window."""

    def make_node(self, x):
        x = T.as_tensor_variable(x)
        pattern = x.broadcastable[:2] + (False,) * len(self.window)
        return theano.Apply(self, [x], [T.TensorType(x.dtype, pattern)()])

    def infer_shape(self, node, shapes):
        (x,) = shapes
        out = [(n - w) // s + 1 for n, w, s in zip(x[2:], self.window, self.strides)]
        return [tuple(x[:2]) + tuple(out)]

    def perform(self, node, inputs, storage):
        (x,) = inputs
        out = [(n - w) // s + 1 for n, w, s in zip(x.shape[2:], self.window, self.strides)]
        total = None
        for part in windows(x, out, self.window, self.strides):
            total = part.copy() if total is None else np.maximum(total, part, out=total)
        storage[0][0] = total

    def c_code(self, node, name, inputs, outputs, sub):
        return """
        {
            typedef npy_%(dtype)s number;
            PyArrayObject *xa = PyArray_GETCONTIGUOUS(%(x)s);
            if (!xa) { %(fail)s }
            npy_intp *xs = PyArray_DIMS(xa);
            npy_intp ys[] = {xs[0], xs[1], %(sizes)s};
            if (!%(y)s || !PyArray_ISCARRAY(%(y)s)
                || !PyArray_CompareLists(ys, PyArray_DIMS(%(y)s), %(rank)d)) {
                Py_XDECREF(%(y)s);
                %(y)s = (PyArrayObject *)PyArray_EMPTY(%(rank)d, ys, PyArray_TYPE(xa), 0);
            }
            if (!%(y)s) { Py_DECREF(xa); %(fail)s }
            npy_intp planes = xs[0] * xs[1], size = %(plane)s, places = %(out)s;
            %(threads)s
            for (npy_intp plane = 0; plane < planes; plane++) {
                number *x = (number *)PyArray_DATA(xa) + plane * size;
                number *y = (number *)PyArray_DATA(%(y)s) + plane * places;
                %(outer)s {
                    number most = %(lowest)s;
                    %(inner)s {
                        number here = x[%(place)s];
                        most = here > most || here != here ? here : most;  // NaN stays
                    }
                    *y++ = most;
                }
            }
            Py_DECREF(xa);
        }
        """ % {
            "x": inputs[0],
            "y": outputs[0],
            "dtype": node.inputs[0].dtype,
            "fail": sub["fail"],
            "rank": node.inputs[0].ndim,
            "sizes": ", ".join(
                "(xs[%d] - %d) / %d + 1" % (a, w, s)
                for a, (w, s) in enumerate(zip(self.window, self.strides), 2)
            ),
            "plane": self.plane("xs"),
            "out": self.plane("ys"),
            "threads": self.in_threads(),
            "outer": self.outer_loops(),
            "inner": self.inner_loops(),
            "place": self.place(),
            "lowest": _lowest(np.dtype(node.inputs[0].dtype)),
        }


def _lowest(dtype):
    """C++ for what is below everything."""
    if dtype.kind == "f":
        return "-INFINITY"
    return "0" if dtype.kind == "u" else "-%dLL - 1" % np.iinfo(dtype).max


class FirstMaxPoolGrad(_OnWindows):
    """The gradient of maximum pooling from its input, its output and the output's gradient."""

    def make_node(self, x, y, g):
        x, y, g = map(T.as_tensor_variable, (x, y, g))
        return theano.Apply(self, [x, y, g], [x.type()])

    def infer_shape(self, node, shapes):
        return [shapes[0]]

    def perform(self, node, inputs, storage):
        x, y, g = inputs
        left, total = g.copy(), np.zeros_like(x)
        sizes = y.shape[2:], self.window, self.strides
        for seen, part in zip(windows(x, *sizes), windows(total, *sizes)):
            hit = seen == y
            part += np.where(hit, left, 0)
            left[hit] = 0
        storage[0][0] = total

    def c_code(self, node, name, inputs, outputs, sub):
        """Without branches in the loop: which place it is cannot be foreseen."""
        return """
        {
            typedef npy_%(dtype)s number;
            PyArrayObject *xa = PyArray_GETCONTIGUOUS(%(x)s);
            PyArrayObject *ya = PyArray_GETCONTIGUOUS(%(y)s);
            PyArrayObject *ga = PyArray_GETCONTIGUOUS(%(g)s);
            npy_intp *xs = PyArray_DIMS(xa), *ys = PyArray_DIMS(ya);
            Py_XDECREF(%(z)s);
            %(z)s = (PyArrayObject *)PyArray_ZEROS(PyArray_NDIM(xa), xs, PyArray_TYPE(xa), 0);
            if (!xa || !ya || !ga || !%(z)s) { %(fail)s }
            npy_intp planes = xs[0] * xs[1], size = %(size)s, places = %(out)s;
            %(threads)s
            for (npy_intp plane = 0; plane < planes; plane++) {
                number *x = (number *)PyArray_DATA(xa) + plane * size;
                number *z = (number *)PyArray_DATA(%(z)s) + plane * size;
                number *y = (number *)PyArray_DATA(ya) + plane * places;
                number *g = (number *)PyArray_DATA(ga) + plane * places;
                %(outer)s {
                    number most = *y++, left = *g++;
                    %(inner)s {
                        npy_intp at = %(place)s;
                        z[at] += x[at] == most ? left : 0;
                        left = x[at] == most ? 0 : left;
                    }
                }
            }
            Py_DECREF(xa); Py_DECREF(ya); Py_DECREF(ga);
        }
        """ % {
            "x": inputs[0],
            "y": inputs[1],
            "g": inputs[2],
            "z": outputs[0],
            "fail": sub["fail"],
            "dtype": node.inputs[0].dtype,
            "outer": self.outer_loops(),
            "inner": self.inner_loops(),
            "place": self.place(),
            "size": self.plane("xs"),
            "out": self.plane("ys"),
            "threads": self.in_threads(),
        }
