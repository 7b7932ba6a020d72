"""Typical mistakes: the message names the operation, what came, and what fits."""

import numpy as np
import pytest

from kerasish import ops, random

A, B = np.zeros((2, 3), "float32"), np.zeros((4, 5), "float32")
IMAGE = np.zeros((1, 4, 4, 3), "float32")
INTS = np.array([1, 2])

# The mistake, and what the message must hold, in this order.
MISTAKES = [
    (lambda: ops.add(A, B), "add", "(2, 3)", "(4, 5)", "equal, or one of them 1"),
    (lambda: ops.where(A > 0, A, B), "where", "(2, 3)", "(4, 5)", "equal, or one of them 1"),
    (lambda: ops.matmul(A, B), "matmul", "inner sizes", "3 and 4", "(2, 3)", "(4, 5)"),
    (lambda: ops.matmul(A, 2.0), "matmul", "scalar", "ops.multiply"),
    (lambda: ops.dot(A, B), "dot", "(2, 3)", "(4, 5)"),
    (lambda: ops.tensordot(A, B, 1), "tensordot", "(2, 3)", "(4, 5)"),
    (lambda: ops.tensordot(A, B, [[5], [0]]), "tensordot", "axis 5", "rank 2"),
    (lambda: ops.einsum("ij,jk->ik", A, B), "einsum", "j", "3", "4"),
    (lambda: ops.tensordot(A, A, -1), "tensordot", "axes", "-1"),
    (lambda: ops.tensordot(A, A[0], 2), "tensordot", "axes", "rank", "2"),
    (lambda: ops.tensordot(A, A, [0]), "tensordot", "an int, or two lists", "[0]"),
    (lambda: ops.einsum("ijk->i", A), "einsum", "ijk", "2 axes"),
    (lambda: ops.einsum("ij"), "einsum", "at least one operand"),
    (lambda: ops.einsum("ij->ik", A), "einsum", "'k', which no operand has"),
    (lambda: ops.einsum("ij->ii", A), "einsum", "repeats 'i'"),
    (lambda: ops.sum(A, axis=2), "sum", "axis 2", "rank 2", "-2 to 1"),
    (lambda: ops.softmax(A, axis=-3), "softmax", "axis -3", "rank 2"),
    (lambda: ops.max(A, axis=(0, 0)), "max", "twice", "(0, 0)"),
    (lambda: ops.argmax(A, axis=0.5), "argmax", "int", "0.5"),
    (lambda: ops.concatenate([A, B]), "concatenate", "(2, 3)", "(4, 5)", "every axis but axis 0"),
    (lambda: ops.concatenate([]), "concatenate", "at least one"),
    (lambda: ops.concatenate([A, A[0]]), "concatenate", "(2, 3)", "(3,)"),
    (lambda: ops.stack([A, B]), "stack", "one shape", "(2, 3)", "(4, 5)"),
    (lambda: ops.reshape(A, (4, 2)), "reshape", "(2, 3)", "6 elements", "(4, 2)"),
    (lambda: ops.reshape(A, (-1, -1)), "reshape", "only one size may be -1"),
    (lambda: ops.reshape(A, (4, -1)), "reshape", "(2, 3)", "not a multiple of 4"),
    (lambda: ops.transpose(A, (0, 0)), "transpose", "(0, 0)", "2 axes"),
    (lambda: ops.squeeze(A, 0), "squeeze", "axis 0", "(2, 3)", "size 2"),
    (lambda: ops.expand_dims(A, 4), "expand_dims", "axis 4", "rank 3"),
    (lambda: ops.broadcast_to(A, (2, 4)), "broadcast_to", "(2, 3)", "(2, 4)"),
    (lambda: ops.split(A, 2, axis=1), "split", "axis 1", "size 3", "2 equal parts"),
    (lambda: ops.pad(A, [(1, 1)] * 3), "pad", "per axis (2)"),
    (lambda: ops.pad(A, -1), "pad", "negative"),
    (lambda: ops.pad(A, 1, mode="wrap"), "pad", "reflect", "'wrap'"),
    (lambda: ops.tile(A, -1), "tile", "negative", "-1"),
    (lambda: ops.repeat(A, [1, -1], 0), "repeat", "negative", "-1"),
    (lambda: ops.full((2, -3), 1), "full", "negative", "(2, -3)"),
    (lambda: ops.broadcast_to(A[:1], (-1, 3)), "broadcast_to", "negative", "(-1, 3)"),
    (lambda: ops.arange(0, 1, 0), "arange", "step", "0"),
    (lambda: ops.roll(A, (1, 2, 3), (0, 1)), "roll", "3", "2 axes"),
    (lambda: ops.segment_sum(A, [0, 1, 2]), "segment_sum", "per row", "(2, 3)", "(3,)"),
    (lambda: ops.scatter([[0]], A[:1], (3,)), "scatter", "(1,)", "(1, 3)"),
    (lambda: ops.scatter_update(A, [[0]], [1.0]), "scatter_update", "(1, 3)", "(1,)"),
    (lambda: ops.softmax(A, ()), "softmax", "one axis", "()"),
    (lambda: ops.arange(float("inf")), "arange", "finite", "inf"),
    (lambda: ops.vander(INTS, -1), "vander", "N", "negative", "-1"),
    (lambda: ops.vander(INTS, 2.5), "vander", "N", "an int", "2.5"),
    (lambda: ops.identity(2.5), "identity", "n must be an int", "2.5"),
    (lambda: ops.identity(-1), "identity", "-1 rows"),
    (lambda: ops.eye(2, 2.5), "eye", "M must be an int", "2.5"),
    (lambda: ops.eye(2, -1), "eye", "2 rows and -1 columns"),
    (lambda: ops.tri(2.5), "tri", "N must be an int", "2.5"),
    (lambda: ops.one_hot(INTS, 2.5), "one_hot", "num_classes must be an int", "2.5"),
    (lambda: ops.irfft((A, A), 2.5), "irfft", "fft_length must be an int", "2.5"),
    (lambda: ops.extract_sequences(A, 2.5, 1), "extract_sequences", "sequence_length", "2.5"),
    (lambda: ops.take(A, [0.5]), "take", "integers", "float32"),
    (lambda: ops.convert_to_tensor(A)[B > 0], "boolean", "4 elements", "axis 0 of size 2"),
    (lambda: ops.convert_to_tensor(A)[:, [True]], "boolean", "1 elements", "axis 1 of size 3"),
    (lambda: ops.convert_to_tensor(A)[True], "an index must be", "True"),
    (lambda: ops.convert_to_tensor(A)[0, np.False_], "an index must be", "False"),
    (lambda: ops.convert_to_tensor(A)[2], "index 2", "axis 0", "size 2"),
    (lambda: ops.convert_to_tensor(A)[0, 0, 0], "too many indices", "2 axes", "3"),
    (lambda: ops.cast(A, "floaty"), "dtype", "'floaty'", "float32"),
    (lambda: ops.convert_to_tensor("abc"), "numbers", "tensor", "'abc'"),
    (lambda: ops.bitwise_and(A, A), "bitwise_and", "int", "float32"),
    (lambda: ops.conv(IMAGE, np.zeros((3, 3, 2, 8))), "conv", "3 channels", "(3, 3, 2, 8)"),
    (lambda: ops.conv(A, np.zeros((3, 3, 3, 8))), "conv", "(3, 3, 3, 8)", "rank 4", "(2, 3)"),
    (lambda: ops.conv(IMAGE, np.zeros((5, 5, 3, 1))), "conv", "(5, 5)", "(1, 4, 4, 3)", "same"),
    (lambda: ops.conv(IMAGE, np.zeros((3, 3, 3, 1)), 1, "full"), "conv", "same", "'full'"),
    (lambda: ops.conv(A, A[0]), "conv", "1 to 3 spatial axes", "(3,)"),
    (lambda: ops.conv(A, A), "conv", "1 to 3 spatial axes", "(2, 3)"),
    (lambda: ops.conv(IMAGE, np.zeros((3, 3, 3, 1)), 1.5), "conv", "strides", "int", "1.5"),
    (lambda: ops.max_pool(IMAGE[None, None], 1), "max_pool", "1 to 3", "(1, 1, 1, 4, 4, 3)"),
    (lambda: ops.space_to_depth(IMAGE, 2.5), "space_to_depth", "block_size", "int", "2.5"),
    (lambda: ops.unfold(IMAGE, 2, padding=(1, -1)), "unfold", "padding", "at least 0", "(1, -1)"),
    (lambda: ops.max_pool(IMAGE, 5), "max_pool", "(5, 5)", "(1, 4, 4, 3)", "same"),
    (lambda: ops.max_pool(A, 2), "max_pool", "(batch, *sizes, channels)", "(2, 3)"),
    (lambda: ops.max_pool(IMAGE, (2, 2, 2)), "max_pool", "pool_size", "2 of them", "(2, 2, 2)"),
    (lambda: ops.max_pool(IMAGE, 2, data_format="last"), "data_format", "channels_last", "'last'"),
    (lambda: ops.solve(A, A), "solve", "(2, 3)"),
    (lambda: ops.solve(np.ones((3, 2, 2)), np.ones((2, 2, 4))), "solve", "(3,)", "(2,)"),
    (lambda: ops.inv(A), "inv", "square", "(2, 3)"),
    (lambda: ops.vectorized_map(abs, (A, A[0])), "vectorized_map", "first axis", "(2, 3), (3,)"),
    (lambda: ops.associative_scan(max, (A, A[0])), "associative_scan", "lengths differ"),
    (lambda: ops.fft((A, A[0])), "fft", "one shape", "(2, 3)", "(3,)"),
    (lambda: ops.average(A, None, A[0]), "average", "one axis"),
    (lambda: ops.percentile(A, 150), "percentile", "0 and 100", "150"),
    (lambda: ops.nanpercentile(A, [50, -1]), "nanpercentile", "0 and 100", "[50, -1]"),
    (lambda: ops.cholesky(A), "cholesky", "(2, 3)", "square"),
    (lambda: ops.norm(A, ord=7, axis=(0, 1)), "norm", "7", "'fro'"),
    (lambda: ops.top_k(A, 5), "top_k", "5", "3"),
    (lambda: ops.image.resize(A, (2, 2)), "resize", "(2, 3)"),
    (lambda: ops.image.gaussian_blur(IMAGE, (3, 3, 3)), "gaussian_blur", "(3, 3, 3)"),
    (lambda: ops.image.gaussian_blur(IMAGE, (0, 3)), "gaussian_blur", "positive", "0, 3"),
    (lambda: ops.image.gaussian_blur(IMAGE, (1.5, 3)), "gaussian_blur", "int", "(1.5, 3)"),
    (lambda: ops.image.gaussian_blur(IMAGE, 3, 0), "gaussian_blur", "sigma", "positive", "0"),
    (lambda: ops.image.ssim(IMAGE, IMAGE, filter_size=0), "ssim", "filter_size", "positive", "0"),
    (lambda: ops.image.ssim(IMAGE, IMAGE, filter_size=1.5), "ssim", "filter_size", "int", "1.5"),
    (
        lambda: ops.image.scale_and_translate(A, (2, 4), [1.0], [0.0], (0,), "linear"),
        *("scale_and_translate", "(0,)", "(2, 3)", "(2, 4)"),
    ),
    (lambda: ops.layer_normalization(A, np.ones(4)), "layer_normalization", "(2, 3)", "(4,)"),
    (lambda: ops.while_loop(lambda i: i < 3, lambda i: 1.5 * i, (0,)), "while", "int32", "float"),
    (lambda: ops.scan(lambda c, x: c, 0.0, A), "scan", "carry and a result"),
    (lambda: ops.cond(A > 0, lambda: 1, lambda: 2), "cond", "(2, 3)", "ops.where"),
    (lambda: ops.gradients(ops.sum(INTS), ops.convert_to_tensor(A)), "gradients", "int64"),
    (lambda: ops.view_as_complex(A), "view_as_complex", "size 2", "(2, 3)"),
    (lambda: ops.add(np.ones(2, "complex64"), 1), "complex", "ops.real"),
    (lambda: ops.vectorize(ops.dot, signature="n->")(A), "vectorize", "'n->'"),
    (lambda: ops.jvp(ops.sin, (A,), (B,)), "jvp", "(4, 5)", "(2, 3)"),
    (lambda: ops.unravel_index([1.5], (2, 3)), "unravel_index", "integers", "float32"),
    (lambda: ops.unravel_index(1, (2, -3)), "unravel_index", "negative", "(2, -3)"),
    (lambda: ops.slice_update(A, (5, 0), A[:0]), "slice_update", "5 to 5", "axis 0", "(2, 3)"),
    (lambda: ops.slice_update(A, (0,), A[:0]), "slice_update", "one start index per axis (2)"),
    (lambda: ops.slice_update(A, (0.5, 0), A), "slice_update", "ints", "0.5"),
    (lambda: ops.roll(A, 1.5), "roll", "int", "1.5"),
    (lambda: ops.roll(A, (1, 0.5), (0, 1)), "roll", "int", "0.5"),
    (lambda: ops.rot90(A, k=0.5), "rot90", "int", "0.5"),
    (lambda: ops.array_split(A, 2.5), "array_split", "int", "2.5"),
    (lambda: ops.rearrange(A, "(a b) c -> a b c", a=0), "rearrange", "size of 0", "'b'"),
    (lambda: ops.argpartition(A, 0.5), "argpartition", "int", "0.5"),
    (lambda: ops.in_top_k(INTS, A, 1.5), "in_top_k", "int", "1.5"),
    (lambda: ops.unique(A, size=-1), "unique", "negative", "-1"),
    (lambda: ops.unique(A, size=1.5), "unique", "int", "1.5"),
    (lambda: ops.repeat(A, 1.5), "repeat", "int", "1.5"),
    (lambda: ops.repeat(A, ops.convert_to_tensor(1.5)), "repeat", "int"),
    (lambda: ops.unstack(A, 1), "unstack", "num is 1", "axis 0 has size 2"),
    (lambda: ops.unstack(A, 4, axis=1), "unstack", "num is 4", "axis 1 has size 3"),
    (lambda: ops.unstack(A, -1), "unstack", "num is -1"),
    (lambda: ops.concatenate([A], axis=2), "concatenate", "axis 2", "rank 2"),
    (lambda: ops.moveaxis(A, (0, 1), (0, 0)), "moveaxis", "twice", "(0, 0)"),
    (lambda: ops.expand_dims(A, None), "expand_dims", "int", "None"),
    (lambda: ops.fori_loop(0, ops.convert_to_tensor(2.5), max, 0), "fori_loop", "upper", "int"),
    (lambda: ops.while_loop(lambda i: i < 3, abs, 1, -1), "while_loop", "negative", "-1"),
    (lambda: ops.while_loop(lambda i: [i < 3, i < 2], abs, 1), "while_loop", "a scalar bool", "["),
    (lambda: ops.associative_scan(lambda a, b: a[:0], A), "associative_scan", "(1, 3)", "(0, 3)"),
    (lambda: random.uniform((2,), dtype="int32"), "uniform", "float", "int32"),
    (lambda: random.randint((2,), 0, 5, dtype="float32"), "randint", "int", "float32"),
    (lambda: random.randint((2,), 3, 3), "randint", "above", "3 to 3"),
    (lambda: random.normal((2, -2)), "normal", "negative", "(2, -2)"),
    (lambda: random.normal((2,), seed="7"), "seed", "SeedGenerator", "'7'"),
    (lambda: random.categorical(INTS, 2), "categorical", "(batch, classes)", "(2,)"),
    (lambda: random.dropout(A, 1.5), "dropout", "1.5"),
    (lambda: random.dropout(A[:1], 0.5, (2, 3)), "dropout", "noise_shape", "(1, 3)", "(2, 3)"),
    (lambda: random.dropout(A, 0, seed="7"), "dropout", "seed", "'7'"),
]


def test_errors_of_users_functions_stay_as_they_are():
    def body(carry, x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        ops.scan(body, 0.0, A)


def test_aliases_are_one_function():
    assert ops.swish is ops.silu
    assert ops.nn.softmax is ops.softmax
    assert ops.linalg.norm is ops.norm


@pytest.mark.parametrize(
    ("mistake", "parts"),
    [(m, parts) for m, *parts in MISTAKES],
    ids=[" ".join(parts)[:40] for _, *parts in MISTAKES],
)
def test_messages(mistake, parts):
    with pytest.raises((ValueError, TypeError, IndexError)) as caught:
        mistake()
    message, place = str(caught.value), 0
    for part in parts:
        found = message.find(part, place)
        assert found >= 0, f"{part!r} is not in (the rest of): {message}"
        place = found + len(part)
