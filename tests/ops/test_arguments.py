"""Every argument of every operation made wrong: the error says so, at once and in our words."""

import inspect
import re

import numpy as np
import pytest

from kerasish import ops, random, tree

A = np.arange(1, 7, dtype="float32").reshape(2, 3)
SQUARE = np.eye(2, dtype="float32") * 2
INTS = np.array([0, 2, 1])
BITS = np.array([[1, 2], [4, 5]])
IMAGE, KERNEL = np.ones((1, 6, 6, 3), "float32"), np.ones((3, 3, 3, 3), "float32")
HEADS = np.ones((1, 2, 2, 3), "float32")
CUBE = np.ones((2, 2, 2), "float32")

# A call that is right, and the operations that take it.
CALLS = [
    (
        (A,),
        """
        abs all amax amin angle any arccos arccosh arcsin arcsinh arctan arctanh argmax argmin
        argsort array average cbrt ceil celu conj convert_to_numpy convert_to_tensor copy corrcoef
        cos cosh count_nonzero cumprod cumsum deg2rad diag diagflat diagonal diff dtype elu
        empty_like erf erfc erfinv exp exp2 expm1 fabs flatten flip fliplr flipud floor gelu
        hard_shrink hard_sigmoid hard_silu hard_tanh histogram i0 imag is_tensor isfinite isinf
        isnan isneginf isposinf isreal l2_normalize layer_normalization leaky_relu log log10 log1p
        log2 log_sigmoid log_softmax logical_not logsumexp matrix_rank max mean median min mish
        nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin
        nanprod nanstd nansum nanvar ndim negative nonzero norm normalize ones_like pinv prod ptp
        qr rad2deg real reciprocal relu relu6 rms_normalization round rsqrt selu shape sigmoid
        sign signbit silu sin sinc sinh size soft_shrink softmax softplus softsign sort
        sparse_plus sparse_sigmoid sparsemax sqrt square squareplus squeeze std stop_gradient sum
        svd tan tanh tanh_shrink trace transpose trapezoid tril triu trunc unique unstack var
        view_as_real zeros_like random.shuffle
        """,
    ),
    (
        (A, A),
        """
        add allclose append arctan2 binary_crossentropy categorical_crossentropy cdist cross
        divide divide_no_nan equal floor_divide fmax fmin fmod greater greater_equal heaviside
        hypot inner isclose isin kron less less_equal logaddexp logaddexp2 logical_and logical_or
        logical_xor maximum minimum mod multiply nextafter not_equal outer polar power subtract
        vdot
        """,
    ),
    (([A, A],), "concatenate dstack hstack stack vstack"),
    ((A, 0.5), "full_like nanpercentile nanquantile percentile quantile random.dropout"),
    ((A, 1), "argpartition array_split expand_dims pad repeat roll split tile top_k"),
    ((A, 1), "hsplit vsplit random.categorical"),
    ((A, INTS), "digitize take"),
    ((A, (3, 2)), "broadcast_to reshape"),
    ((A, 0, 1), "clip moveaxis swapaxes"),
    ((A, "int32"), "cast saturate_cast view"),
    ((BITS,), "bitwise_not view_as_complex rot90"),
    ((BITS, BITS), "bitwise_and bitwise_or bitwise_xor gcd lcm ldexp left_shift right_shift"),
    ((SQUARE,), "cholesky cholesky_inverse det eig eigh inv logdet lu_factor slogdet"),
    ((SQUARE, SQUARE), "dot lstsq matmul solve solve_triangular tensordot"),
    ((CUBE, 1), "dsplit glu"),
    ((IMAGE,), "image.elastic_transform image.hsv_to_rgb image.rgb_to_grayscale image.rgb_to_hsv"),
    ((IMAGE,), "image.sobel_edges"),
    ((IMAGE, 2), "average_pool adaptive_average_pool adaptive_max_pool max_pool depth_to_space"),
    ((IMAGE, 2), "space_to_depth image.extract_patches unfold"),
    ((IMAGE[None], 2), "image.extract_patches_3d"),
    ((IMAGE, (3, 3)), "image.gaussian_blur image.resize"),
    ((IMAGE, IMAGE), "image.ssim"),
    ((IMAGE, KERNEL), "conv conv_transpose depthwise_conv"),
    ((IMAGE, KERNEL, np.ones((1, 1, 9, 2))), "separable_conv"),
    ((IMAGE, 1, 1, None, None, 4, 4), "image.crop_images"),
    ((IMAGE, 1, 1, None, None, 8, 8), "image.pad_images"),
    ((IMAGE, np.ones(8)), "image.affine_transform"),
    ((IMAGE, np.eye(4, 2), 2 * np.eye(4, 2)), "image.perspective_transform"),
    ((A, np.ones((2, 4)), 1), "image.map_coordinates"),
    ((A, (4, 4), [1.0, 1.0], [0.0, 0.0], (0, 1), "linear"), "image.scale_and_translate"),
    ((INTS,), "bincount vander"),
    ((INTS, 3), "multi_hot one_hot"),
    ((INTS, INTS), "searchsorted correlate"),
    ((INTS, INTS, 3), "segment_max segment_min segment_prod segment_sum"),
    ((INTS, (4,)), "unravel_index"),
    ((INTS[:, None], INTS, (3,)), "scatter"),
    ((INTS, INTS[:, None], INTS), "scatter_update"),
    ((INTS, (1,), INTS[:2]), "slice_update"),
    ((INTS, (1,), (2,)), "slice"),
    ((INTS[:2], np.ones((2, 3), "float32"), 1), "in_top_k"),
    ((INTS[:2], np.ones((2, 3), "float32")), "sparse_categorical_crossentropy"),
    (([A > 1], [A]), "select"),
    ((A > 1, A, A), "where"),
    ((A, INTS[None], 1), "take_along_axis"),
    ((A, A, 1.0), "psnr"),
    ((A, 0), "moments get_item"),
    ((A, 0.1, 0), "threshold"),
    ((A, A[0], A[0], -1), "batch_normalization"),
    ((HEADS, HEADS, HEADS), "dot_product_attention"),
    ((np.ones((1, 4, 4)), (3, 3), 2), "fold"),
    ((A[0], 2, 1), "extract_sequences"),
    ((A.ravel(), 4, 2, 4), "stft"),
    ((A,), "rfft"),
    (((A, A),), "fft fft2 ifft2 irfft"),
    (((np.ones((2, 3)), np.ones((2, 3))), 4, 2, 4), "istft"),
    ((INTS[None], np.ones((1, 5, 4)), [2], [5]), "ctc_loss"),
    ((np.ones((1, 5, 4)), [5]), "ctc_decode"),
    ((3,), "arange bartlett blackman eye hamming hanning identity tri"),
    ((3, 1.0), "kaiser"),
    ((1.0, 2.0, 3), "geomspace linspace logspace"),
    (((2, 3),), "empty ones zeros random.normal random.truncated_normal random.uniform"),
    (((2, 3), 1.0), "full random.gamma"),
    (((2, 3), 1.0, 0.5), "random.beta random.binomial"),
    (((2, 3), 1, 5), "random.randint"),
    (("ij->ji", A), "einsum"),
    ((A, "a b -> b a"), "rearrange"),
    ((lambda a, b: a + b, A), "associative_scan"),
    ((True, lambda: 1, lambda: 2), "cond"),
    ((0, 3, lambda i, c: c + 1, 0), "fori_loop"),
    ((lambda row: row, A), "map vectorized_map"),
    ((lambda c, x: (c + 1, x), 0, A), "scan"),
    ((0, [lambda x: x, lambda x: -x], A), "switch"),
    ((lambda i: i < 3, lambda i: i + 1, (0,)), "while_loop"),
    ((ops.sin, (A,), (A,)), "jvp"),
    ((lambda x: x,), "vectorize"),
    ((lambda x: (x, lambda g: g),), "custom_gradient"),
]
ROWS = [(name, args) for args, names in CALLS for name in names.split()]
# They take anything, or several values as such, or are tested elsewhere.
WITHOUT = {"gradients", "in_train_phase", "meshgrid", "native_call"}
WRONG = {
    "None": None,
    "a string": "abc",
    "a fraction": 1.5,
    "negative": -2,
    "large": 9,
    "an object": object(),
    "nothing": [],
    "a vector": np.ones(5, "float32"),
    "a matrix of ints": np.array([[1, 2], [3, 4]]),
    "strings": np.array(["a", "b"]),
    "a complex number": 1j,
    "a dict": {"a": 1},
    "a function": len,
    "negative sizes": (-1, -3),
    "NaN": float("nan"),
}
# What Python and NumPy say, which says nothing of the call.
FOREIGN = re.compile(
    "object is not|unsupported operand|not supported between|ufunc|as an integer|invalid literal|"
    "could not convert|operands could not|has no attribute|required positional|not subscriptable|"
    "not iterable|unhashable|inhomogeneous|bad operand|to unpack|must be real|cannot reshape array|"
    "shape mismatch|list index|tuple index|division by zero|math domain|truth value|zero-size|"
    "out of bounds|only integer|Python scalars"
)
# An index beyond the end is found when it is looked up; a matrix that has no factors, then.
FOUND_LATE = {
    *("take", "take_along_axis", "getitem", "scatter_update", "scatter", "cholesky", "logdet"),
    "perspective_transform",
}
# They go to a function of the user's, which complains itself.
THE_USERS = {"init", "init_val", "loop_vars"}


def function_of(name):
    owner, _, short = name.rpartition(".")
    return getattr({"": ops, "image": ops.image, "random": random}[owner], short)


def complaint(function, arguments):
    """The error of a call, or of looking at what it returns; None if there is none."""
    try:
        result = function(**arguments)
    except Exception as error:
        return error
    try:
        for x in tree.flatten(result):
            np.asarray(x)
    except Exception as error:
        return None if function.__name__ in FOUND_LATE else error
    return None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "args"), ROWS, ids=[name for name, _ in ROWS])
def test_wrong_arguments(name, args):
    function = function_of(name)
    signature = inspect.signature(function)
    right = signature.bind(*args).arguments
    several = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    single = {p.name for p in signature.parameters.values() if p.kind not in several}
    if not single.issuperset(right):
        return  # einsum and switch take any number of operands
    own = name.rpartition(".")[2]
    for parameter in single - THE_USERS:
        for what, wrong in WRONG.items():
            error = complaint(function, {**right, parameter: wrong})
            told = f"{parameter}={what}: {type(error).__name__}: {error}"
            if error is not None:
                assert isinstance(error, (ValueError, TypeError, IndexError)), told
                assert not FOREIGN.search(str(error)), told
                assert str(error).startswith((own, function.__name__)), told


def test_every_operation_is_called():
    public = {
        prefix + name
        for prefix, module in (("", ops), ("image.", ops.image), ("random.", random))
        for name, value in vars(module).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }
    called = {function_of(name) for name, _ in ROWS}
    assert {name for name in public if function_of(name) not in called} == WITHOUT
