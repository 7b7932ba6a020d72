"""Cases of 16-bit floats: what adds up, or multiplies, many numbers does so in 32 bits.

In 16 bits a sum of tenths would never get past 256 (float16) or 32 (bfloat16).
"""

import numpy as np
from cases.case import Case, normal, positive, shared

from kerasish import ops

TOLERANCES = {"float16": 1e-3, "bfloat16": 6e-3}
MANY = 4096
MORE = 70_000  # more than float16 holds
SCALE = 2.0**15  # makes numbers of what is shared out among as many


def exact(x):
    """Numbers near those of x that 16 bits hold."""
    return (np.asarray(x, "float32").view("uint32") & 0xFFFF0000).view("float32")


TENTHS = exact(np.full((MANY, 2), 0.1))
FACTORS = exact(np.full((256, 2), 1 + 2.0**-7))
ONES = np.ones(2, "float32")
IDS = np.arange(MANY) % 2
IMAGE = exact(shared("an image", positive(1, 64, 64, 2)))
LOGITS = exact(shared("logits", normal(2, MANY)))
ONE_ROW = np.zeros(MORE, "float32")


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _added_at(w):
    return np.stack([w[np.equal(IDS, i)].sum(0) for i in range(2)])


def _taps(x):
    """(place in the kernel, what it sees of the image)."""
    return [((i, j), x[:, i : i + 62, j : j + 62]) for i in range(3) for j in range(3)]


def _convolved(x, kernel):
    return sum(part * kernel[place][:, 0] for place, part in _taps(x))


def _convolved_gradients(w, x, kernel):
    to_x, to_kernel = np.zeros_like(x), np.zeros_like(kernel)
    for place, part in _taps(to_x):
        part += w * kernel[place][:, 0]
    for place, part in _taps(x):
        to_kernel[place] = np.sum(w * part, (0, 1, 2))[:, None]
    return to_x, to_kernel


# (name, operation, inputs, the same in NumPy, gradients of its weighted sum, scale)
ROWS = [
    (
        "cumsum",
        lambda x: ops.cumsum(x, 0),
        (TENTHS,),
        lambda x: np.cumsum(x, 0),
        lambda w, x: (np.cumsum(w[::-1], 0)[::-1],),
        1,
    ),
    (
        "prod",
        lambda x: ops.prod(x, 0),
        (FACTORS,),
        lambda x: np.prod(x, 0),
        lambda w, x: (w * np.prod(x, 0) / x,),
        1,
    ),
    (
        "segment_prod",
        lambda x: ops.segment_prod(x, IDS[:256], 2),
        (FACTORS,),
        lambda x: np.stack([np.prod(x[np.equal(IDS[:256], i)], 0) for i in range(2)]),
        None,
        1,
    ),
    ("cumprod", lambda x: ops.cumprod(x, 0), (FACTORS,), lambda x: np.cumprod(x, 0), None, 1),
    (
        "segment_sum",
        lambda x: ops.segment_sum(x, IDS, 2),
        (TENTHS,),
        _added_at,
        lambda w, x: (w[IDS],),
        1,
    ),
    (
        "take",
        lambda x: ops.take(2 * x, IDS, 0),
        (TENTHS[:2],),
        lambda x: 2 * x[IDS],
        lambda w, x: (2 * _added_at(w),),
        0.1,
    ),
    ("add", ops.add, (TENTHS, ONES), np.add, lambda w, x, y: (w, w.sum(0)), 0.1),
    ("subtract", ops.subtract, (TENTHS, ONES), np.subtract, lambda w, x, y: (w, -w.sum(0)), 0.1),
    (
        "multiply",
        ops.multiply,
        (TENTHS, ONES),
        np.multiply,
        lambda w, x, y: (w * y, np.sum(w * x, 0)),
        1,
    ),
    (
        "divide",
        ops.divide,
        (TENTHS, ONES),
        np.divide,
        lambda w, x, y: (w / y, -np.sum(w * x / y**2, 0)),
        1,
    ),
    (
        "maximum",
        ops.maximum,
        (TENTHS, ONES),
        np.maximum,
        lambda w, x, y: (0 * w, w.sum(0)),
        0.1,
    ),
    (
        "where",
        lambda x, y: ops.where(IDS[:, None] > 0, x, y),
        (TENTHS, ONES),
        lambda x, y: np.where(IDS[:, None] > 0, x, y),
        lambda w, x, y: (w * IDS[:, None], _added_at(w)[0]),
        0.1,
    ),
    (
        "broadcast_to",
        lambda x: ops.broadcast_to(x, (MANY, 2)),
        (ONES,),
        lambda x: np.broadcast_to(x, (MANY, 2)),
        lambda w, x: (w.sum(0),),
        0.1,
    ),
    (
        "tile",
        lambda x: ops.tile(x, (MANY, 1)),
        (ONES[None],),
        lambda x: np.tile(x, (MANY, 1)),
        lambda w, x: (w.sum(0, keepdims=True),),
        0.1,
    ),
    (
        "average_pool",
        lambda x: ops.average_pool(x, 64),
        (IMAGE[..., :1],),
        lambda x: x.mean((1, 2), keepdims=True),
        lambda w, x: (w / 64**2 + 0 * x,),
        SCALE,
    ),
    (
        "depthwise_conv",
        ops.depthwise_conv,
        (IMAGE, exact(np.full((3, 3, 2, 1), 0.1))),
        _convolved,
        _convolved_gradients,
        0.1,
    ),
    (
        "softmax",
        ops.softmax,
        (LOGITS,),
        _softmax,
        lambda w, x: (_softmax(x) * (w - np.sum(w * _softmax(x), -1, keepdims=True)),),
        MANY,
    ),
    (
        "log_softmax",
        ops.log_softmax,
        (LOGITS,),
        lambda x: np.log(_softmax(x)),
        lambda w, x: (w - _softmax(x) * w.sum(-1, keepdims=True),),
        1,
    ),
    (
        "softmax of more",
        ops.softmax,
        (ONE_ROW,),
        _softmax,
        lambda w, x: (_softmax(x) * (w - np.sum(w * _softmax(x))),),
        SCALE,
    ),
    (
        "logsumexp of more",
        ops.logsumexp,
        (ONE_ROW,),
        lambda x: np.log(np.exp(x).sum()),
        lambda w, x: (w * _softmax(x),),
        SCALE,
    ),
    ("mean of more", ops.mean, (ONE_ROW,), np.mean, lambda w, x: (w / MORE + x,), SCALE),
    ("max of more ties", ops.max, (ONE_ROW,), np.max, lambda w, x: (w / MORE + x,), SCALE),
]


def _case(dtype, name, operation, inputs, reference, gradient, scale):
    def fn(*xs):
        result = operation(*(ops.cast(x, dtype) for x in xs))
        assert result.dtype == dtype
        return ops.cast(result, "float32") * scale

    return Case(
        f"{name} of {dtype}",
        fn,
        inputs,
        lambda *xs: reference(*(x.astype("float64") for x in xs)) * scale,
        grad=gradient is not None,
        gradient=gradient and (lambda w, *xs: gradient(w.astype("float64") * scale, *xs)),
        tolerance=TOLERANCES[dtype],
    )


CASES = [_case(dtype, *row) for dtype in TOLERANCES for row in ROWS]
