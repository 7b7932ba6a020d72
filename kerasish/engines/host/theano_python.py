"""Programs that run a few times only: Theano without its compiler.

What has C++ behind it in Theano has Python beside it, most of it NumPy and quick. Convolution and
pooling are the exceptions, loops over single numbers, and get NumPy here.
Python 3.6 syntax; runs in the worker.
"""

import numpy as np
import theano
from theano.scalar import Cast
from theano.tensor.elemwise import Elemwise
from theano.tensor.nnet.abstract_conv import BaseAbstractConv
from theano.tensor.signal.pool import AveragePoolGrad, Pool

from .common import Program

INTERPRETED = theano.compile.Mode("py", None)


def seconds(program):
    """About how long one run of the program takes so: only the order of magnitude matters."""
    total = 0.0
    for instruction in program.instructions:
        sizes = [_size(program.specs[i]) for i in instruction.inputs]
        sizes += map(_size, instruction.specs)
        total += 2e-5 + 2e-9 * max(sizes + [1])
        if instruction.op == "matmul":
            shape = program.specs[instruction.inputs[0]].shape
            inner = shape[-2 if instruction.attrs["transpose_a"] else -1]
            total += 2e-11 * _size(instruction.specs[0]) * inner
        elif instruction.op in CONVOLUTIONS:
            values = instruction.inputs + instruction.outputs
            y, kernel = [values[k] for k in CONVOLUTIONS[instruction.op]]
            shape = program.specs[y].shape
            total += 3e-10 * _size(program.specs[kernel]) * _size(program.specs[y]) / shape[-1]
        total += _rounds(instruction) * sum(
            seconds(value) for value in instruction.attrs.values() if isinstance(value, Program)
        )
    return total


def _rounds(instruction):
    """How often the programs within run: of a loop that ends by itself nobody knows."""
    return {"scan": instruction.attrs.get("length"), "while": 10}.get(instruction.op, 1)


# Where the convolved and the kernel stand among the inputs and the output.
CONVOLUTIONS = {"conv": (2, 1), "conv_input_grad": (0, 1), "conv_kernel_grad": (1, 2)}


def _size(spec):
    return int(np.prod(spec.shape, dtype=float))


def convolve(
    self, img, kern, mode="valid", dilation=1, num_groups=1, unshared=False, direction="forward"
):
    """A convolution, the kernel turned over: [N, C, *S] and [O, C / groups, *K] to [N, O, *out]."""
    if unshared:
        raise NotImplementedError("convolution with a kernel for every place")
    dims = self.convdim
    dilation = (dilation,) * dims if isinstance(dilation, int) else tuple(dilation)
    size = kern.shape[2:]
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation)]
    if mode == "full":
        img = np.pad(img, [(0, 0), (0, 0)] + [(r - 1, r - 1) for r in reach], "constant")
    kern = kern[(Ellipsis,) + (slice(None, None, -1),) * dims]
    out = tuple(n - r + 1 for n, r in zip(img.shape[2:], reach))
    result = np.zeros((img.shape[0], kern.shape[0]) + out, img.dtype)
    for xs, ks, ys in _groups(img, kern, result, num_groups):
        # Loops over the fewer of the two, so that the other makes large products of matrices.
        if np.prod(size) <= np.prod(out):
            for tap in np.ndindex(*size):
                at = tuple(slice(t * d, t * d + n) for t, d, n in zip(tap, dilation, out))
                part = np.tensordot(xs[(Ellipsis,) + at], ks[(Ellipsis,) + tap], ([1], [1]))
                ys += np.moveaxis(part, -1, 1)
        else:
            axes = list(range(1, dims + 2))
            for place in np.ndindex(*out):
                at = tuple(slice(p, p + r, d) for p, r, d in zip(place, reach, dilation))
                part = np.tensordot(xs[(Ellipsis,) + at], ks, (axes, axes))
                ys[(Ellipsis,) + place] += part
    return result


def _groups(img, kern, result, count):
    inputs, outputs = kern.shape[1], kern.shape[0] // count
    for g in range(count):
        own = slice(g * outputs, (g + 1) * outputs)
        yield img[:, g * inputs : (g + 1) * inputs], kern[own], result[:, own]


def windows(x, out, window, strides):
    """What each place of a window sees of x, in order."""
    for place in np.ndindex(*window):
        at = tuple(slice(p, p + (n - 1) * s + 1, s) for p, n, s in zip(place, out, strides))
        yield x[(Ellipsis,) + at]


def _check(op, pad):
    if pad.any() or op.mode != "sum":
        raise NotImplementedError("pooling by %s with padding %s" % (op.mode, pad))


def pool(self, node, inputs, storage, params=None):
    """Sums over windows, without padding: all that this engine asks of Theano's pooling."""
    x, window, strides, pad = inputs
    _check(self, pad)
    dims = len(window)
    out = [(n - w) // s + 1 for n, w, s in zip(x.shape[-dims:], window, strides)]
    storage[0][0] = sum(windows(x, out, window, strides))


def average_pool_grad(self, node, inputs, storage, params=None):
    """The gradient of the above, for sums."""
    x, grad, window, strides, pad = inputs
    _check(self, pad)
    total = np.zeros_like(x)
    for part in windows(total, grad.shape[-len(window) :], window, strides):
        part += grad
    storage[0][0] = total


_elementwise = Elemwise.perform


def elementwise(self, node, inputs, storage):
    """Theano converts number by number, and infinity to no integer at all."""
    if isinstance(self.scalar_op, Cast):
        storage[0][0] = np.array(inputs[0], node.outputs[0].dtype)
    else:
        _elementwise(self, node, inputs, storage)


def use_numpy():
    """Have Theano use the above from now on."""
    Elemwise.perform = elementwise
    Cast.impl = lambda self, x: np.asarray(x).astype(self.o_type.dtype)[()]
    BaseAbstractConv.conv = convolve
    Pool.perform = pool
    AveragePoolGrad.perform = average_pool_grad
