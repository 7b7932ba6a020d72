"""Sums, several elements at a time.  Theano adds number by number, and follows strides to do so.

Python 3.6 syntax; runs in the worker.
"""

import theano
import theano.tensor as T


class SumAround(theano.Op):
    """The sum of [a, n, b] over a and b, in double precision."""

    __props__ = ()

    def make_node(self, x):
        return theano.Apply(self, [x], [T.TensorType(x.dtype, (x.broadcastable[1],))()])

    def infer_shape(self, node, shapes):
        return [(shapes[0][1],)]

    def perform(self, node, inputs, storage):
        storage[0][0] = inputs[0].sum((0, 2), "float64").astype(inputs[0].dtype)

    def c_code_cache_version(self):
        return (1,)

    def c_code(self, node, name, inputs, outputs, sub):
        return """
        {
            typedef npy_%(dtype)s number;
            PyArrayObject *xa = PyArray_GETCONTIGUOUS(%(x)s);
            if (!xa) { %(fail)s }
            npy_intp *sizes = PyArray_DIMS(xa), before = sizes[0], n = sizes[1], after = sizes[2];
            Py_XDECREF(%(y)s);
            %(y)s = (PyArrayObject *)PyArray_EMPTY(1, &n, PyArray_TYPE(xa), 0);
            double *sums = (double *)calloc(n, sizeof(double));
            if (!%(y)s || !sums) { %(fail)s }
            number *x = (number *)PyArray_DATA(xa), *y = (number *)PyArray_DATA(%(y)s);
            for (npy_intp i = 0; i < before; i++)
                if (after == 1) {
                    #pragma omp simd
                    for (npy_intp j = 0; j < n; j++) sums[j] += x[j];
                    x += n;
                } else for (npy_intp j = 0; j < n; j++, x += after) {
                    double sum = 0;
                    #pragma omp simd reduction(+:sum)
                    for (npy_intp k = 0; k < after; k++) sum += x[k];
                    sums[j] += sum;
                }
            for (npy_intp j = 0; j < n; j++) y[j] = sums[j];
            free(sums);
            Py_DECREF(xa);
        }
        """ % {
            "x": inputs[0],
            "y": outputs[0],
            "dtype": node.inputs[0].dtype,
            "fail": sub["fail"],
        }
