"""Maximum pooling whose gradient goes to the first maximum of each window.

Theano's own gives it to all that are equal.  Python 3.6 syntax; runs in the worker.
"""

import numpy as np
import theano
import theano.tensor as T
from theano.tensor.signal.pool import Pool


class FirstMaxPool(Pool):
    """Theano's maximum pooling, channels first and without padding, window and strides constant."""

    def L_op(self, inputs, outputs, gradients):
        x, window, strides, pad = inputs
        sizes = [tuple(map(int, v.data)) for v in (window, strides)]
        grad = FirstMaxPoolGrad(*sizes)(x, outputs[0], gradients[0])
        return [grad] + [theano.gradient.DisconnectedType()() for _ in (window, strides, pad)]


class FirstMaxPoolGrad(theano.Op):
    """The gradient of maximum pooling from its input, its output and the output's gradient."""

    __props__ = ("window", "strides")

    def __init__(self, window, strides):
        self.window, self.strides = tuple(window), tuple(strides)
        super(FirstMaxPoolGrad, self).__init__()

    def make_node(self, x, y, g):
        x, y, g = map(T.as_tensor_variable, (x, y, g))
        return theano.Apply(self, [x, y, g], [x.type()])

    def infer_shape(self, node, shapes):
        return [shapes[0]]

    def perform(self, node, inputs, storage):
        x, y, g = inputs
        left, total = g.copy(), np.zeros_like(x)
        for place in np.ndindex(*self.window):
            part = (Ellipsis,) + tuple(
                slice(p, p + (n - 1) * s + 1, s)
                for p, n, s in zip(place, y.shape[2:], self.strides)
            )
            hit = x[part] == y
            total[part] += np.where(hit, left, 0)
            left[hit] = 0
        storage[0][0] = total

    def c_code_cache_version(self):
        return (1,)

    def c_code(self, node, name, inputs, outputs, sub):
        """For every window: look for the maximum, place after place, and add there."""
        n = len(self.window)
        outer = "".join(
            "for (npy_intp o%d = 0; o%d < ys[%d]; o%d++) " % (a, a, a + 2, a) for a in range(n)
        )
        inner = "".join(
            "for (npy_intp k%d = 0; k%d < %d; k%d++) " % (a, a, size, a)
            for a, size in enumerate(self.window)
        )
        place = "0"
        for a, stride in enumerate(self.strides):
            place = "(%s) * xs[%d] + o%d * %d + k%d" % (place, a + 2, a, stride, a)
        size = " * ".join("xs[%d]" % (a + 2) for a in range(n))
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
            number *x = (number *)PyArray_DATA(xa), *z = (number *)PyArray_DATA(%(z)s);
            number *y = (number *)PyArray_DATA(ya), *g = (number *)PyArray_DATA(ga);
            npy_intp planes = xs[0] * xs[1], size = %(size)s;
            for (npy_intp plane = 0; plane < planes; plane++, x += size, z += size) {
                %(outer)s {
                    bool found = false;
                    %(inner)s {
                        npy_intp at = %(place)s;
                        if (!found && x[at] == *y) { z[at] += *g; found = true; }
                    }
                    y++; g++;
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
            "outer": outer,
            "inner": inner,
            "place": place,
            "size": size,
        }
