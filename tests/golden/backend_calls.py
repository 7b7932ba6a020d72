"""Calls of `keras.backend`, and what Keras 2.3.1 on TensorFlow 1.15 answered.

    python backend_calls.py FILE.npz    records, under that Keras (Python 3.7)

A call is a function of the backend and of tensors, which hold these arrays. What is not in here are
the few things that Keras's backends did not agree in.
"""

import sys
from itertools import product

import numpy as np


def floats(*shape):
    """Numbers around 0, other ones for other shapes."""
    return np.random.RandomState(sum(shape) + 10 * len(shape)).standard_normal(shape).astype("f4")


def shares(*shape):
    """Numbers from 0 to 1."""
    return np.random.RandomState(sum(shape)).uniform(0.05, 0.95, shape).astype("f4")


def classes(count, *shape):
    return np.random.RandomState(sum(shape)).randint(0, count, shape).astype("i4")


def softened(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def decay(x, states):
    """A step of `rnn`; the last of the states may be a constant."""
    new = 0.5 * states[0] + x
    return new * states[-1], [new]


def recurrent(K, x, mask=None, **options):
    start = K.zeros_like(x[:, 0])
    last, outputs, states = K.rnn(decay, x, [start], mask=mask, **options)
    return [last, outputs, states[0]]


def decoded(K, x, lengths, **options):
    labels, score = K.ctc_decode(x, lengths, **options)
    return labels + [score]


X, IMAGES, VOLUMES = floats(2, 3, 4), floats(2, 7, 6, 3), floats(1, 5, 4, 5, 2)
FIRST = ("channels_first", np.moveaxis(IMAGES, -1, 1))
LAST = ("channels_last", IMAGES)
MASK = np.array([[0, 1, 1, 0, 1], [1, 0, 1, 1, 0]], bool)
SPEECH = softened(2 * floats(3, 6, 5))
LABELS = [classes(4, 3, 3), SPEECH, np.array([[6], [5], [4]]), np.array([[3], [2], [1]])]
SHARES = softened(floats(2, 3, 4))
CALLS = {}


def calls_of(name, arrays, *options):
    """The call of one function with each of the options."""
    for chosen in options or [{}]:
        label = " ".join([name] + ["%s=%s" % item for item in sorted(chosen.items())])
        label += " of %s" % (arrays[0].shape if arrays else (),)
        CALLS[label] = (lambda K, *x, o=chosen: getattr(K, name)(*x, **o), arrays)


for name in "abs square exp sign sin cos sigmoid tanh softplus softsign hard_sigmoid sqrt".split():
    calls_of(name, [X])
for name in "transpose flatten batch_flatten softmax elu l2_normalize ones_like zeros_like".split():
    calls_of(name, [X])
for name in "sum prod max min mean var std logsumexp".split():
    calls_of(name, [X], {}, {"axis": -1}, {"axis": [0, 2], "keepdims": True})
for name in ("any", "all"):
    calls_of(name, [X > 0.3], {}, {"axis": 1}, {"axis": (0, 1), "keepdims": True})
for name in ("argmax", "argmin", "cumsum", "cumprod", "l2_normalize", "softmax"):
    calls_of(name, [X], {"axis": 1}, {"axis": -1})
for name in "equal not_equal greater greater_equal less less_equal maximum minimum".split():
    calls_of(name, [classes(3, 2, 4), classes(3, 4)])
calls_of("round", [np.float32([0.5, 1.5, 2.5, -0.5, -1.2])])
calls_of("pow", [shares(2, 3)], {"a": 2}, {"a": 0.5}, {"a": -1.5})
for low, high in ((-0.5, 0.5), (0.5, -0.5), (0, 1)):
    calls_of("clip", [X], {"min_value": low, "max_value": high})
for alpha, most, threshold in product((0.0, 0.2), (None, 0.5), (0.0, 0.3, -0.3)):
    calls_of("relu", [X], {"alpha": alpha, "max_value": most, "threshold": threshold})
for dtype in ("float16", "int32", "uint8", "bool"):
    calls_of("cast", [abs(3 * floats(2, 3))], {"dtype": dtype})
    calls_of("ones_like", [classes(3, 4)], {"dtype": dtype})

calls_of("reshape", [X], {"shape": (4, -1)})
calls_of("permute_dimensions", [X], {"pattern": (2, 0, 1)})
calls_of("reverse", [X], {"axes": 1}, {"axes": [0, 2]})
calls_of("tile", [X], {"n": (1, 2, 3)})
calls_of("repeat", [floats(2, 3)], {"n": 3})
calls_of("repeat_elements", [X], {"rep": 2, "axis": 1})
calls_of("slice", [X], {"start": (0, 1, 2), "size": (-1, 2, 1)})
calls_of("expand_dims", [X], {}, {"axis": 0}, {"axis": -2})
calls_of("squeeze", [floats(3, 1, 2)], {"axis": 1})
calls_of("gather", [X, classes(2, 4, 2)])
calls_of("one_hot", [np.int32([[0, 2], [-1, 3]])], {"num_classes": 3})
calls_of("arange", [], {"start": 2, "stop": 9, "step": 3}, {"start": 3, "dtype": "float32"})
calls_of("eye", [], {"size": 3}, {"size": (2, 3), "dtype": "int32"})
calls_of("constant", [], {"value": 3, "shape": (2, 2)}, {"value": [1, 2], "dtype": "int32"})
calls_of("temporal_padding", [X], {}, {"padding": (2, 0)})
calls_of("spatial_2d_padding", [IMAGES], {"padding": ((1, 2), (0, 3))})
calls_of("spatial_3d_padding", [VOLUMES], {"padding": ((1, 0), (0, 2), (1, 1))})
calls_of("in_top_k", [floats(6, 5), classes(7, 6)], {"k": 1}, {"k": 3})
for axis in (0, 1, -1):
    CALLS["concatenate %s" % axis] = (lambda K, x, a=axis: K.concatenate([x, -x], a), [X])
    CALLS["stack %s" % axis] = (lambda K, x, a=axis: K.stack([x, -x], a), [X])

for right in ((4, 5), (6, 4, 5), (2, 3, 4, 2)):
    calls_of("dot", [X, floats(*right)])
for left, right, axes in [
    ((2, 3), (2, 3), None), ((2, 3, 4), (2, 4, 5), None), ((2, 3, 4), (2, 4), None),
    ((2, 3, 4), (2, 3, 4), 1), ((2, 3, 4), (2, 4, 3), (1, 2)), ((2, 3, 4), (2, 3), (1, 1)),
    ((2, 3, 4, 5), (2, 4, 3), (2, 1)), ((2, 3, 4, 5), (2, 5, 4, 3), (-1, 1)),
    ((2, 4), (2, 3, 4), (1, 2)),
]:  # fmt: skip
    calls_of("batch_dot", [floats(*left), floats(*right)], {"axes": axes})

for window, (form, x) in product((1, 2), (LAST, FIRST)):
    for padding in ("valid", "same"):
        moved = {"data_format": form, "padding": padding, "strides": (window, window)}
        wide = {"data_format": form, "padding": padding, "dilation_rate": (window, 2)}
        calls_of("conv2d", [x, floats(3, 2, 3, 2)], moved, wide)
        calls_of("depthwise_conv2d", [x, floats(3, 2, 3, 2)], moved, wide)
        kernels = [floats(3, 2, 3, 2), floats(1, 1, 6, 4)]
        calls_of("separable_conv2d", [x] + kernels, moved)
        for mode in ("max", "avg"):
            calls_of("pool2d", [x], dict(moved, pool_size=(3, 2), pool_mode=mode))
    for interpolation in ("nearest", "bilinear"):
        factors = {"height_factor": 2, "width_factor": window + 1}
        calls_of("resize_images", [x], dict(factors, data_format=form, interpolation=interpolation))
for padding, rate, stride in product(("valid", "same", "causal"), (1, 2), (1, 3)):
    if 1 in (rate, stride):
        options = {"padding": padding, "dilation_rate": rate, "strides": stride}
        calls_of("conv1d", [floats(2, 7, 3), floats(3, 3, 2)], options)
for padding, stride in product(("valid", "same"), (1, 2)):
    options = {"padding": padding, "strides": (stride, 1, stride)}
    calls_of("conv3d", [VOLUMES, floats(2, 3, 2, 2, 3)], options)
    calls_of("pool3d", [VOLUMES], dict(options, pool_size=(2, 2, 2)))
    calls_of("pool3d", [VOLUMES], dict(options, pool_size=(2, 2, 2), pool_mode="avg"))
for padding, stride, sizes in (
    ("valid", 1, (9, 7)), ("valid", 2, (15, 12)), ("valid", 2, (16, 13)), ("same", 2, (14, 12)),
    ("same", 2, (13, 11)), ("same", 3, (19, 17)),
):  # fmt: skip
    options = {"padding": padding, "strides": (stride, stride), "output_shape": (2,) + sizes + (2,)}
    calls_of("conv2d_transpose", [IMAGES, floats(3, 2, 2, 3)], options)
calls_of(
    "conv3d_transpose",
    [VOLUMES, floats(3, 2, 2, 3, 2)],
    {"output_shape": (1, 10, 8, 9, 3), "strides": (2, 2, 2), "padding": "same"},
)
calls_of("local_conv1d", [floats(2, 7, 3), floats(3, 9, 2)], {"kernel_size": (3,), "strides": (2,)})
for form, x in (LAST, FIRST):
    options = {"kernel_size": (3, 2), "strides": (2, 1), "output_shape": (3, 5)}
    calls_of("local_conv2d", [x, floats(15, 18, 2)], dict(options, data_format=form))
factors = {"depth_factor": 1, "height_factor": 2, "width_factor": 3, "data_format": "channels_last"}
calls_of("resize_volumes", [VOLUMES], factors)
calls_of("bias_add", [IMAGES, floats(3)], {"data_format": "channels_last"})
calls_of("bias_add", [IMAGES, floats(7, 6, 3)], {"data_format": "channels_last"})
calls_of("bias_add", [FIRST[1], floats(3)], {"data_format": "channels_first"})
calls_of("bias_add", [FIRST[1], floats(7, 6, 3)], {"data_format": "channels_first"})

four = [floats(4), shares(4), floats(4), shares(4)]
calls_of("batch_normalization", [X] + four, {}, {"epsilon": 0.1})
CALLS["normalize_batch"] = (
    lambda K, x, g, b: list(K.normalize_batch_in_training(x, g, b, [0, 1])),
    [X, floats(4), shares(4)],
)
for logits, axis in product((False, True), (-1, 1)):
    options = {"from_logits": logits, "axis": axis}
    calls_of("categorical_crossentropy", [SHARES, shares(2, 3, 4)], options)
    whole = classes(3, 2, 3) if axis == -1 else classes(3, 2, 4)
    calls_of("sparse_categorical_crossentropy", [whole, SHARES], options)
    calls_of("binary_crossentropy", [shares(2, 3), shares(2, 3)], {"from_logits": logits})
for shape in ((2,), (2, 3), (2, 3, 4)):
    calls_of("switch", [floats(*shape) > 0, X, -X])

for backwards, unroll, masked, several in product((False, True), repeat=4):
    options = {"go_backwards": backwards, "unroll": unroll}
    CALLS["rnn %s %s masked=%s constants=%s" % (backwards, unroll, masked, several)] = (
        lambda K, *x, o=options, c=several: recurrent(K, *x, constants=[3.0] if c else None, **o),
        [floats(2, 5, 3)] + [MASK] * masked,
    )
CALLS["map_fn"] = (lambda K, x: K.map_fn(lambda row: K.sum(2 * row), x), [X])
for name in ("foldl", "foldr"):
    CALLS[name] = (lambda K, x, n=name: getattr(K, n)(lambda a, row: a / 2 + row, x), [X])
    CALLS[name + " from"] = (
        lambda K, x, a, n=name: getattr(K, n)(lambda a, row: a / 2 + row, x, initializer=a),
        [X, floats(3, 4)],
    )
calls_of("ctc_batch_cost", LABELS)
for options in (
    {"beam_width": 100}, {"beam_width": 10, "top_paths": 3}, {"beam_width": 3},
    {"top_paths": 2, "merge_repeated": True},
):  # fmt: skip
    CALLS["ctc_decode %s" % sorted(options.items())] = (
        lambda K, *x, o=options: decoded(K, *x, greedy=False, **o),
        [SPEECH, np.int32([6, 5, 4])],
    )
GRADIENTS = {
    "product": lambda K, x: x * x,
    "max": lambda K, x: K.max(x, axis=-1),
    "relu": lambda K, x: K.relu(x, 0.1, 1.0),
    "clip": lambda K, x: K.clip(x, -0.5, 0.5),
    "logsumexp": lambda K, x: K.logsumexp(x, axis=0),
    "stop_gradient": lambda K, x: x * K.stop_gradient(x),
    "cumprod": lambda K, x: K.square(K.cumprod(x, axis=1)),
    "hard_sigmoid": lambda K, x: K.hard_sigmoid(x),
    "gradients": lambda K, x: K.square(K.gradients(K.sum(x**3), x)[0]),
    "rnn": lambda K, x: recurrent(K, x)[1],
}
for name, call in GRADIENTS.items():
    CALLS["gradients of " + name] = (lambda K, x, f=call: K.gradients(f(K, x), [x]), [X])


def answers(K, name):
    """The tensors that a call returns."""
    call, arrays = CALLS[name]
    result = call(K, *[K.variable(x, dtype=x.dtype.name) for x in arrays])
    return result if isinstance(result, list) else [result]


if __name__ == "__main__":
    from keras import backend

    found = {}
    for name in CALLS:
        for i, tensor in enumerate(answers(backend, name)):
            found["%s#%d" % (name, i)] = backend.eval(tensor)
        backend.clear_session()
    np.savez_compressed(sys.argv[1], **found)
