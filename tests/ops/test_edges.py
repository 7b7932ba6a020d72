"""Where operations go wrong first: half precision, infinities, nothing at all, ties."""

import numpy as np
import pytest

from kerasish import ops, random
from kerasish.graph.function import Function
from kerasish.graph.tensor import Placeholder

NAN, INF = float("nan"), float("inf")
SPIKE = [0.0] * 99 + [600.0]  # its variance fits 16 bits, its largest square does not

# What needs more than 16 bits on the way, but not in the end.
HALVES = {
    "erfc": (ops.erfc, [1.0, 3.0, -4.0], [0.1573, 2.209e-05, 2.0]),
    "norm": (ops.norm, [300.0, 400.0], 500.0),
    "normalize": (ops.normalize, [[300.0, 400.0], [0.0, 0.0]], [[0.6, 0.8], [0.0, 0.0]]),
    "l2_normalize": (ops.l2_normalize, [300.0, 400.0], [0.6, 0.8]),
    "var": (ops.var, SPIKE, 3564.0),
    "std": (ops.std, [0.0, 600.0], 300.0),
    "average": (lambda x: ops.average(x, weights=x), [100.0] * 1000, 100.0),
    "cdist": (lambda x: ops.cdist(x, 0 * x)[0], [[300.0, 400.0]], [500.0]),
    "corrcoef": (ops.corrcoef, [[0, 600, 0], [0, 300, 0]], [[1, 1], [1, 1]]),
    "psnr": (lambda x: ops.psnr(x, 0 * x, 600.0), [300.0, 300.0], 6.0206),
    "moments": (lambda x: ops.moments(x, 0)[1], SPIKE, 3564.0),
    "nanmean": (ops.nanmean, [100.0] * 1000, 100.0),
    "nanvar": (ops.nanvar, [*SPIKE, NAN], 3564.0),
    "nanstd": (ops.nanstd, [0.0, 600.0, NAN], 300.0),
    "quantile": (lambda x: ops.quantile(x, 0.999), list(range(1001)), 999.0),
    "percentile": (lambda x: ops.percentile(x, 99.9), list(range(1001)), 999.0),
}


@pytest.mark.parametrize("name", HALVES)
def test_half_precision(name):
    function, values, right = HALVES[name]
    found = function(np.array(values, "float16"))
    assert found.dtype == "float16"
    np.testing.assert_allclose(found.numpy(), np.array(right, "float16"), rtol=2e-3)


X = np.float32([1, -INF, INF])
VALUES = {
    "scatter_update max": (lambda: ops.scatter_update(X, [[0]], [5.0], "max"), [5, -INF, INF]),
    "scatter_update min": (lambda: ops.scatter_update(X, [[0]], [0.0], "min"), [0, -INF, INF]),
    "scatter_update of none": (
        lambda: ops.scatter_update(X, np.zeros((0, 1), "int32"), np.zeros(0)),
        X,
    ),
    "segment_max of no rows": (
        lambda: ops.segment_max(np.zeros(0, "int32"), np.zeros(0, "int32"), 1),
        [-(2**31)],
    ),
    "repeat of nothing": (lambda: ops.repeat(np.zeros(0), []), []),
    "imag": (lambda: ops.imag(X), [0, 0, 0]),
    "ldexp": (
        lambda: ops.ldexp(np.float32([1e-30, 1e30]), [130, -130]),
        [1e-30 * 2**130, 1e30 * 2.0**-130],
    ),
    "cast": (lambda: ops.cast([0.1], "float64"), [0.1]),
    "cast of a number": (lambda: ops.cast(1e300, "float64"), 1e300),
    "nan_to_num": (lambda: ops.nan_to_num(np.float64([INF])), [np.finfo("float64").max]),
    "quantile of doubles": (lambda: ops.quantile(np.arange(11.0), 0.1), 1.0),
    "randint": (lambda: random.randint((2,), 255, 256, dtype="uint8"), [255, 255]),
    "dropout of ints": (lambda: random.dropout([3, 3], 0.0), np.float32([3, 3])),
    "resize of large ints": (
        lambda: ops.image.resize(np.full((1, 1, 1), 2**31 - 1, "int32"), (1, 2))[0, :, 0],
        [2**31 - 128] * 2,  # the largest that float32 and int32 both have
    ),
    "scale_and_translate of no images": (
        lambda: ops.image.scale_and_translate(
            np.zeros((0, 4)), (0, 2), [0.5], [0.0], (1,), "linear"
        ),
        np.zeros((0, 2)),
    ),
    "map_coordinates nowhere": (
        lambda: ops.image.map_coordinates([1.0, 2.0], [[NAN, 1.0, 1e20]], 0, fill_value=7.0),
        [7, 2, 7],
    ),
    "affine_transform from infinitely far": (
        lambda: ops.image.affine_transform(
            np.ones((1, 2, 1), "float32"), [1.0, 0, 0, 0, 1, 0, -1, 0], fill_value=7.0
        )[0, :, 0],
        [1, 7],
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_values(name):
    function, right = VALUES[name]
    found = function().numpy()
    assert found.shape == np.shape(right)
    np.testing.assert_allclose(found, right, rtol=1e-15 if found.dtype == "float64" else 1e-6)


# The gradient of the sum, at points where a formula may have another one than the function.
GRADIENTS = {
    "prod of nothing": (lambda x: ops.prod(x, 1), np.zeros((2, 0)), np.zeros((2, 0))),
    "prod with zeros": (lambda x: ops.prod(x, 1), [[2, 0, 3], [0, 4, 0]], [[0, 6, 0], [0, 0, 0]]),
    "fmod": (lambda x: ops.fmod(x, 2.0), [-0.5, 0.0, 0.5], [1, 1, 1]),
    "arcsin": (ops.arcsin, [-1.0, 0.0, 1.0], [INF, 1, INF]),
    "arccos": (ops.arccos, [-1.0, 0.0, 1.0], [-INF, -1, -INF]),
    "median of ties": (ops.median, [1.0, 1.0], [0.5, 0.5]),
    "divide far out": (lambda y: ops.divide(2e20, y), [1e20], [-2e-20]),
    "cbrt": (ops.cbrt, [-8.0, 0.0, 8.0], [1 / 12, INF, 1 / 12]),
    "erfc far out": (ops.erfc, [-INF, -1e30, 30.0, INF], [0, 0, 0, 0]),
    "hypot far out": (lambda x: ops.hypot(x, x), [1e20], [2**0.5]),
    "arcsinh far out": (ops.arcsinh, [-1e20, 0.0], [1e-20, 1]),
    "scatter_update": (lambda x: ops.scatter_update(x, [[0]], [0.5], "max"), X, [1, 1, 1]),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    function, values, right = GRADIENTS[name]
    value = np.asarray(values, "float32")
    x = Placeholder(value.shape, "float32")
    run = Function([x], list(ops.gradients(ops.sum(function(x)), [x])))
    np.testing.assert_allclose(run(value)[0], right, rtol=1e-5)


def test_a_written_out_scan_keeps_the_dtype_of_its_carry():
    for unroll in (1, True):
        with pytest.raises(ValueError, match=r"scan.*keep its shape and dtype.*int32.*float32"):
            ops.scan(lambda c, x: (c * 1.5, None), 1, np.float32([1, 2]), unroll=unroll)
