"""Operations on networks, matrices, signals and images, against those of Keras 3.

Keras runs on TensorFlow, we on the current backend: values, shapes and dtypes must agree.
"""

import itertools

import numpy as np
import pytest

from kerasish import ops
from kerasish.graph.tensor import Placeholder

keras = pytest.importorskip("keras", minversion="3")
# Raised inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

random = np.random.default_rng(11)


def normal(*shape, dtype="float32"):
    return random.normal(size=shape).astype(dtype)


def definite(*shape):
    x = normal(*shape)
    return x @ x.swapaxes(-1, -2) + np.eye(shape[-1], dtype="float32")


def well(*shape):
    return normal(*shape) + 3 * np.eye(shape[-1], dtype="float32")


def named(name):
    """`name` in our operations and in theirs."""
    found = ops, keras.ops
    for part in name.split("."):
        found = tuple(getattr(m, part) for m in found)
    return found


def leaves(x):
    if isinstance(x, (tuple, list)):
        return [leaf for item in x for leaf in leaves(item)]
    return [x]


def spec(x):
    dtype = x.dtype if isinstance(x.dtype, str) else x.dtype.name
    return tuple(x.shape), dtype


def agree(name, *args, tolerance=1e-5, dtype=True, form=lambda x: x, **options):
    ours, theirs = named(name)
    mine, right = (leaves(form(f(*args, **options))) for f in (ours, theirs))
    assert len(mine) == len(right)
    for a, b in zip(mine, right, strict=True):
        assert tuple(a.shape) == tuple(b.shape)
        if dtype:
            assert spec(a) == spec(b)
        value, exact = np.asarray(a), np.asarray(b)
        size = max(1.0, float(np.abs(exact.astype("float64")).max(initial=0)))
        np.testing.assert_allclose(
            value.astype("float64"),
            exact.astype("float64"),
            rtol=tolerance,
            atol=tolerance * size,
        )


X = normal(3, 4) * 2
IMAGES = random.uniform(size=(2, 5, 6, 3)).astype("float32")
BYTES = random.integers(0, 256, (2, 5, 6, 3)).astype("uint8")
Q, K, V = normal(2, 3, 4, 5), normal(2, 6, 4, 5), normal(2, 6, 4, 7)
SIGNAL = normal(2, 40)
PAIR = normal(2, 3, 5), normal(2, 3, 5)
MASK = random.integers(0, 2, (2, 1, 3, 6)).astype(bool) | (np.arange(6) == 0)
FIRST = {"data_format": "channels_first"}
TURN = np.array([[0.9, -0.3, 0.4, 0.2, 0.8, -0.3, 0.01, 0.02]], "float32")
POINTS = np.array([[[0, 0], [0, 4], [4, 0], [4, 4.0]]], "float32")
MOVED = np.array([[[1, 0], [0, 3], [4, 1], [3, 4.0]]], "float32")

# Ints of several kinds, scalars among them.
WHOLE = [
    *(np.array(x, d) for x in ([3, -3, 1, 0], 1) for d in ("int32", "int64")),
    *(np.array([3, 1, 0], d) for d in ("uint8", "int8", "bool")),
]
LABELS = np.array([[1, 2, 2], [1, 1, 3], [3, 0, 0], [0, 0, 0]])
LOGITS, TIMES = normal(4, 7, 4), np.array([7, 6, 5, 4])

# Not sparsemax: of some inputs Keras makes all zeros, which do not add up to 1.
ACTIVATIONS = """
    relu relu6 sigmoid softplus softsign silu swish log_sigmoid leaky_relu hard_sigmoid hard_silu
    hard_swish elu selu gelu celu glu hard_tanh hard_shrink soft_shrink tanh_shrink squareplus
    sparse_plus sparse_sigmoid softmax log_softmax normalize layer_normalization
    rms_normalization erf erfc
""".split()

CASES = [
    *((name, (X,), {}) for name in ACTIVATIONS),
    *((name, (X.astype("float64"),), {}) for name in ACTIVATIONS),
    ("erfinv", (np.linspace(-0.99, 0.99, 9, dtype="float32"),), {}),
    ("threshold", (X, 0.5, -1.0), {}),
    ("threshold", (np.array([1, 5], "int32"), 2, 0), {}),
    *(("soft_shrink", (x, t), {}) for x in WHOLE for t in (0.5, 1)),
    *(("hard_shrink", (x, 1), {}) for x in WHOLE[:4]),  # Keras has it for no other ints
    *((name, (x, None), {}) for name in ("softmax", "log_softmax") for x in (X[0], X[0, 0])),
    *((name, (np.float32(3),), {}) for name in ("normalize", "rms_normalization")),
    ("normalize", (normal(2, 3, 4),), {"order": 1, "axis": (1, 2)}),
    ("celu", (X, 0.3), {}),
    ("glu", (X.T, 0), {}),
    ("normalize", (X,), {"order": 3, "axis": 0}),
    ("normalize", (X,), {"order": 1}),
    ("layer_normalization", (IMAGES, normal(3), normal(3)), {"epsilon": 0.1}),
    ("layer_normalization", (IMAGES,), {"axis": (1, 2)}),
    ("layer_normalization", (X.astype("float16"),), {"tolerance": 2e-3}),
    ("rms_normalization", (X, normal(4)), {}),
    ("rms_normalization", (X,), {"axis": 0}),
    ("psnr", (X, X + 0.5, 3.0), {}),
    ("one_hot", (np.array([[0, 2], [-1, 7]]), 3), {}),
    ("one_hot", (np.array([0, 2]), 3), {"axis": 0, "dtype": "int32"}),
    ("one_hot", (np.array([True, False]), 3), {}),
    ("multi_hot", (np.array([[0, 2], [1, 1]]), 4), {}),
    ("multi_hot", (np.array([0, 2]), 4), {"dtype": "int32"}),
    *(
        ("multi_hot", (np.array([[0, 2], [1, 1], [3, 0]], dtype), 4), {"axis": axis})
        for dtype in ("int32", "uint8", "bool")
        for axis in (0, 1, 2)
    ),
    ("multi_hot", (np.array([[[0, 2]], [[1, 1]]]), 4), {"axis": 1, "dtype": "bool"}),
    ("dot_product_attention", (Q, K, V), {}),
    ("dot_product_attention", (Q, K, V), {"mask": MASK, "scale": 0.3}),
    ("dot_product_attention", (Q, K, V), {"is_causal": True}),
    ("dot_product_attention", (Q, K, V), {"bias": normal(1, 4, 3, 6), "mask": MASK}),
    ("dot_product_attention", (Q, K[:, :, :2], V[:, :, :2]), {}),
    ("moments", (IMAGES, [1, 2]), {}),
    ("moments", (IMAGES, [0]), {"keepdims": True}),
    ("batch_normalization", (X, normal(4), normal(4) ** 2, -1, normal(4), normal(4)), {}),
    ("binary_crossentropy", (np.eye(3, 4, dtype="float32"), X), {"from_logits": True}),
    ("categorical_crossentropy", (np.eye(3, 4, dtype="float32"), X), {"from_logits": True}),
    ("sparse_categorical_crossentropy", (np.array([0, 3, 1]), X), {"from_logits": True}),
    ("ctc_loss", (LABELS, LOGITS, np.array([3, 3, 1, 0]), TIMES), {}),
    ("ctc_loss", (LABELS, LOGITS, np.array([1, 2, 1, 0]), TIMES), {"mask_index": 0}),
    *(
        ("ctc_decode", (LOGITS, TIMES), {"merge_repeated": merge, "mask_index": blank})
        for merge in (False, True)
        for blank in (0, 3)
    ),
    ("unfold", (IMAGES, 2), {}),
    ("unfold", (IMAGES, (2, 3)), {"dilation": (2, 1), "padding": 1, "stride": (1, 2)}),
    ("fold", (normal(2, 12, 16), (5, 6), (2, 3)), {}),
    ("fold", (normal(1, 8, 9), (5, 5), 2), {"dilation": 2, "padding": 1, "stride": 2}),
    ("space_to_depth", (normal(2, 4, 6, 3), 2), {}),
    ("space_to_depth", (normal(2, 3, 4, 6), 2, "channels_first"), {}),
    ("depth_to_space", (normal(2, 2, 3, 8), 2), {}),
    ("depth_to_space", (normal(2, 8, 2, 3), 2, "channels_first"), {}),
    # linear algebra
    *(("cholesky", (definite(2, 3, 3), upper), {}) for upper in (False, True)),
    *(
        (
            "cholesky_inverse",
            (np.linalg.cholesky(definite(3, 3)).T if u else np.linalg.cholesky(definite(3, 3)), u),
            {"tolerance": 1e-4},
        )
        for u in (False, True)
    ),
    *((name, (well(2, 4, 4),), {}) for name in ("det", "slogdet", "inv")),
    ("lu_factor", (normal(4, 4),), {}),  # Keras takes no batch
    ("logdet", (definite(2, 3, 3),), {}),
    ("solve", (well(2, 3, 3), normal(2, 3, 2)), {}),
    ("solve", (well(2, 3, 3), normal(2, 3)), {}),
    ("solve", (well(3, 3), normal(3)), {}),
    *(("solve_triangular", (well(2, 3, 3), normal(2, 3, 2), low), {}) for low in (False, True)),
    ("solve_triangular", (well(2, 3, 3), normal(2, 3)), {}),
    *(
        ("lstsq", (normal(*a), normal(*b)), {"tolerance": 1e-4})
        for a, b in (((5, 3), (5, 2)), ((3, 5), (3, 2)), ((5, 3), (5,)))
    ),
    *(("pinv", (normal(2, *s),), {"tolerance": 1e-4}) for s in ((4, 3), (3, 4))),
    ("pinv", (np.diag([1.0, 0.1, 1e-3]).astype("float32"), 0.01), {}),
    ("matrix_rank", (np.stack([np.ones((3, 4), "float32"), normal(3, 4)]),), {}),
    ("svd", (normal(2, 4, 3),), {"compute_uv": False}),
    *(
        ("qr", (normal(4, 3), m), {"form": lambda t: [keras.ops.abs(np.asarray(x)) for x in t]})
        for m in ("reduced", "complete")
    ),
    *(
        (
            "svd",
            (normal(4, 3), f),
            {"form": lambda t: [keras.ops.abs(np.asarray(x)) for x in t], "tolerance": 1e-4},
        )
        for f in (False, True)
    ),
    (
        "eigh",
        (definite(3, 3),),
        {"form": lambda t: [keras.ops.abs(np.asarray(x)) for x in t], "tolerance": 1e-4},
    ),
    *(
        ("norm", (normal(3, 4, 2), o, a, k), {})
        for k, (o, a) in itertools.product(
            (False, True),
            [
                *((o, 1) for o in (None, 0, 1, 2, 3, np.inf, -np.inf)),
                *((o, (0, 2)) for o in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)),
            ],
        )
    ),
    ("norm", (np.array([3, 4]),), {}),
    ("norm", (normal(3, 4), 2), {}),
    # Fourier transforms
    *((name, (PAIR,), {}) for name in ("fft", "fft2", "ifft2", "irfft")),
    *(("irfft", (PAIR, n), {}) for n in (4, 7, 12)),
    *(("rfft", (SIGNAL, n), {}) for n in (None, 30, 45)),
    ("rfft", (np.arange(5),), {"dtype": False}),
    ("extract_sequences", (SIGNAL, 6, 4), {}),
    *(
        ("stft", (SIGNAL, 6, 4, 8), {"window": w, "center": c})
        for w in ("hann", "hamming", None, np.arange(1.0, 7.0, dtype="float32"))
        for c in (True, False)
    ),
    *(
        # At the ends Keras divides by what windows would add up to if there were more of them,
        # and without a window not at all.
        (
            "istft",
            (tuple(normal(2, 9, 5) for _ in range(2)), 8, 3, 8),
            {"length": n, "center": c, "window": w, "form": lambda x: x[..., 6:14]},
        )
        for n in (None, 20)
        for c in (True, False)
        for w in ("hann", "hamming")
    ),
    # images
    *(
        (
            "image.resize",
            (IMAGES, s, m),
            {"antialias": a, "tolerance": 2e-3 if m == "bicubic" else 1e-5},
        )
        for s in ((3, 8), (7, 4), (5, 6))
        for m in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")
        for a in (False, True)
    ),
    *(
        # Where the result lies between two whole numbers, the last bit decides.
        ("image.resize", (BYTES, (4, 9), m), {"tolerance": 0.0 if m == "nearest" else 1 / 255})
        for m in ("nearest", "bilinear", "lanczos3")
    ),
    ("image.resize", (IMAGES[0], (3, 3)), {}),
    ("image.resize", (IMAGES.transpose(0, 3, 1, 2), (3, 3)), FIRST),
    *(
        ("image.resize", (normal(2, 7, 9, 1), s), {how: True})
        for s in ((4, 3), (3, 8))
        for how in ("crop_to_aspect_ratio", "pad_to_aspect_ratio")
    ),
    *(
        (
            "image.scale_and_translate",
            (IMAGES, (2, 7, 8, 3), np.array([1.5, 0.6], "f"), np.array([0.5, -1], "f"), (1, 2), m),
            {"antialias": a},
        )
        for m in ("linear", "cubic", "lanczos3", "lanczos5")
        for a in (True, False)
    ),
    *(
        ("image.affine_transform", (IMAGES, t, i, m, 0.4), {})
        for t in (np.repeat(TURN, 2, 0), TURN[0], np.array([1, 0, -8.3, 0, 1, 7.7, 0, 0], "f"))
        for i in ("nearest", "bilinear")
        for m in ("constant", "nearest", "wrap", "reflect")
        if t.ndim == 2 or m == "constant" or not t[6]
    ),
    ("image.affine_transform", (BYTES, np.repeat(TURN, 2, 0)), {}),
    *(
        ("image.perspective_transform", (IMAGES[:1], POINTS, MOVED, i, 0.4), {"tolerance": 1e-4})
        for i in ("bilinear",)
    ),
    *(
        ("image.map_coordinates", (normal(4, 5), normal(2, 3, 4) * 4, o, m, 0.4), {})
        for o in (0, 1)
        for m in ("constant", "nearest", "wrap")
    ),
    (
        "image.map_coordinates",
        (np.arange(5), np.array([[0.5, 1.5, 0.7]], "f"), 1),
        {"dtype": False},
    ),
    *(
        (name, (normal(2, 3, 4), axis), {})
        for name in ("softmax", "log_softmax")
        for axis in ((0, 2), None)
    ),
    ("image.rgb_to_grayscale", (IMAGES,), {}),
    ("image.rgb_to_grayscale", (BYTES,), {}),
    ("image.rgb_to_grayscale", (IMAGES.transpose(0, 3, 1, 2),), FIRST),
    ("image.rgb_to_hsv", (IMAGES,), {}),
    ("image.hsv_to_rgb", (IMAGES,), {}),
    ("image.crop_images", (IMAGES, 1, 2), {"target_height": 2, "right_cropping": 1}),
    ("image.pad_images", (IMAGES, 1), {"target_height": 8, "left_padding": 0, "target_width": 9}),
    *(
        ("image.extract_patches", (IMAGES, s, t, d, p), {})
        for s, t, d in ((2, None, 1), ((2, 3), 1, 1), (2, 1, 2))
        for p in ("valid", "same")
    ),
    ("image.extract_patches", (IMAGES.transpose(0, 3, 1, 2), 2), FIRST),
    ("image.extract_patches_3d", (normal(1, 4, 5, 6, 2), 2), {}),
    *(("image.gaussian_blur", (IMAGES, k, (1.0, 1.0)), {}) for k in ((3, 3), (5, 5), (4, 4))),
    ("image.gaussian_blur", (IMAGES, (3, 3), (0.7, 2.0)), {}),
    ("image.sobel_edges", (IMAGES,), {}),
    ("image.sobel_edges", (IMAGES.transpose(0, 3, 1, 2),), FIRST),
    ("image.ssim", (normal(2, 14, 13, 3) ** 2, normal(2, 14, 13, 3) ** 2), {}),
]


@pytest.mark.parametrize(
    ("name", "args", "options"),
    CASES,
    ids=[f"{name}-{i}" for i, (name, _, _) in enumerate(CASES)],
)
def test_values(name, args, options):
    agree(name, *args, **options)


def one_of(rng, *values):
    return values[rng.integers(len(values))]


@pytest.mark.parametrize("number", range(40))
@pytest.mark.parametrize("kind", ["conv", "conv_transpose", "depthwise_conv", "separable_conv"])
def test_random_convolutions(kind, number):
    rng = np.random.default_rng((1, number))
    n = int(rng.integers(1, 3 if kind in ("depthwise_conv", "separable_conv") else 4))
    window = rng.integers(1, 4, n)
    stride, dilation = one_of(rng, (1, 1), (2, 1), (3, 1), (1, 2))
    sizes = rng.integers(5, 9, n)
    channels, filters = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    if dilation > 1 and kind == "conv_transpose" and n == 3:
        dilation = 1  # TensorFlow cannot
    data_format = one_of(rng, "channels_last", "channels_first")
    x = rng.normal(size=(2, *sizes, channels)).astype("float32")
    x = np.moveaxis(x, -1, 1) if data_format == "channels_first" else x
    shapes = {
        "conv": [(channels, filters)],
        "conv_transpose": [(filters, channels)],
        "depthwise_conv": [(channels, filters)],
        "separable_conv": [(channels, filters), (channels * filters, 2)],
    }[kind]
    kernels = [
        rng.normal(size=(*(window if i == 0 else (1,) * n), *s)).astype("float32")
        for i, s in enumerate(shapes)
    ]
    how = {
        "strides": int(stride),
        "padding": one_of(rng, "valid", "same"),
        "data_format": data_format,
        "dilation_rate": int(dilation),
    }
    agree(kind, x, *kernels, tolerance=1e-4, **how)


@pytest.mark.parametrize("number", range(30))
@pytest.mark.parametrize("kind", ["max_pool", "average_pool"])
def test_random_pooling(kind, number):
    rng = np.random.default_rng((2, number))
    n = int(rng.integers(1, 4))
    window = tuple(int(k) for k in rng.integers(1, 4, n))
    x = rng.normal(size=(2, *rng.integers(4, 8, n), 2)).astype("float32")
    strides = one_of(rng, None, 1, 2, 3)
    agree(kind, x, window, strides, one_of(rng, "valid", "same"))


@pytest.mark.parametrize("number", range(20))
def test_random_sizes(number):
    rng = np.random.default_rng((3, number))
    x = rng.uniform(size=(1, *rng.integers(2, 12, 2), 2)).astype("float32")
    size = tuple(int(n) for n in rng.integers(1, 14, 2))
    method = one_of(rng, "nearest", "bilinear", "lanczos3", "area")
    agree("image.resize", x, size, method, antialias=bool(rng.integers(2)), tolerance=1e-4)


UNKNOWN = [
    ("ctc_decode", [(None, None, None), (None,)], {}),
    ("ctc_decode", [(None, 5, None), (None,)], {"strategy": "beam_search", "top_paths": 2}),
    ("ctc_loss", [(None, None), (None, None, None), (None,), (None,)], {}),
    ("sparse_categorical_crossentropy", [(None, 3), (None, 3, None)], {}),
    ("multi_hot", [(None, None)], {"num_classes": 4, "axis": 1}),
]


@pytest.mark.parametrize(("name", "shapes", "options"), UNKNOWN)
def test_shapes_of_unknown_sizes(name, shapes, options):
    """As much is known of the result as in Keras."""
    whole = {"ctc_loss": (0, 2, 3), "ctc_decode": (1,)}.get(name, (0,))
    dtypes = ["int32" if i in whole else "float32" for i in range(len(shapes))]
    ours, theirs = named(name)
    mine = ours(*map(Placeholder, shapes, dtypes), **options)
    right = theirs(*map(keras.KerasTensor, shapes, dtypes), **options)
    assert [t.shape for t in leaves(mine)] == [t.shape for t in leaves(right)]


@pytest.mark.parametrize("kind", ["adaptive_average_pool", "adaptive_max_pool"])
@pytest.mark.parametrize(
    ("sizes", "counts"), [((7,), (3,)), ((5, 6), (3, 2)), ((3, 5, 4), (2, 2, 3))]
)
def test_adaptive_pooling(kind, sizes, counts):
    """Keras's own code for TensorFlow takes graph tensors only."""
    tf = pytest.importorskip("tensorflow")
    x = normal(2, *sizes, 3)
    theirs = tf.function(lambda x: getattr(keras.ops, kind)(x, counts))(tf.constant(x))
    np.testing.assert_allclose(
        np.asarray(getattr(ops, kind)(x, counts)), theirs.numpy(), rtol=1e-5, atol=1e-6
    )
