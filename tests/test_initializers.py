"""Initial values: distributions, seeds, shapes."""

import numpy as np
import pytest

from kerasish import initializers, ops
from kerasish.initializers import compute_fans
from kerasish.ops.random import SeedGenerator, global_seed

SHAPE = (60, 80)
FAN_IN, FAN_OUT = SHAPE

# name, arguments, standard deviation, largest absolute value (deviations if None)
DRAWN = [
    ("RandomNormal", {"mean": 0.0, "stddev": 0.3}, 0.3, 6 * 0.3),
    ("RandomUniform", {"minval": -0.6, "maxval": 0.6}, 0.6 / 3**0.5, 0.6),
    ("TruncatedNormal", {"stddev": 0.3}, 0.3 * 0.87962566, 0.6),
    ("GlorotUniform", {}, (2 / 140) ** 0.5, (6 / 140) ** 0.5),
    ("GlorotNormal", {}, (2 / 140) ** 0.5, 2 * (2 / 140) ** 0.5 / 0.8796),
    ("HeUniform", {}, (2 / 60) ** 0.5, (6 / 60) ** 0.5),
    ("HeNormal", {}, (2 / 60) ** 0.5, 2 * (2 / 60) ** 0.5 / 0.8796),
    ("LecunUniform", {}, (1 / 60) ** 0.5, (3 / 60) ** 0.5),
    ("LecunNormal", {}, (1 / 60) ** 0.5, 2 * (1 / 60) ** 0.5 / 0.8796),
    (
        "VarianceScaling",
        {"scale": 3.0, "mode": "fan_out", "distribution": "untruncated_normal"},
        (3 / 80) ** 0.5,
        6 * (3 / 80) ** 0.5,
    ),
    ("HeNormal", {"input_axes": [1]}, (2 / 80) ** 0.5, 2 * (2 / 80) ** 0.5 / 0.8796),
]


@pytest.mark.parametrize(("name", "options", "deviation", "largest"), DRAWN)
def test_distributions(name, options, deviation, largest):
    make = getattr(initializers, name)
    values = make(seed=1, **options)(SHAPE)
    assert values.shape == SHAPE
    assert values.dtype == "float32"
    assert abs(values.mean()) < 4 * deviation / values.size**0.5
    assert values.std() == pytest.approx(deviation, rel=0.04)
    assert np.abs(values).max() <= largest * 1.001
    again, other = make(seed=1, **options), make(seed=2, **options)
    assert (again(SHAPE) == values).all()
    assert (again(SHAPE) == values).all()  # an int seed: the same at each call
    assert (other(SHAPE) != values).any()


def test_global_seed():
    make = initializers.GlorotUniform()
    global_seed.reset(7)
    first, second = make((3, 3)), make((3, 3))
    assert (first != second).any()
    global_seed.reset(7)
    assert (make((3, 3)) == first).all()


def test_seed_generator():
    make = initializers.RandomNormal(seed=SeedGenerator(3))
    assert (make((4,)) != make((4,))).any()


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 2, 3), (4, 4)])
def test_orthogonal(shape):
    w = initializers.Orthogonal(gain=2.0, seed=1)(shape, "float64").reshape(-1, shape[-1])
    small = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


@pytest.mark.parametrize(
    ("initializer", "expected"),
    [
        (initializers.Zeros(), [[0, 0], [0, 0]]),
        (initializers.Ones(), [[1, 1], [1, 1]]),
        (initializers.Constant(3), [[3, 3], [3, 3]]),
        (initializers.Constant([1, 2]), [[1, 2], [1, 2]]),
        (initializers.Identity(2.0), [[2, 0], [0, 2]]),
    ],
)
def test_constants(initializer, expected):
    values = initializer((2, 2), "float16")
    assert values.dtype == "float16"
    assert values.tolist() == expected
    values[0, 0] = 9  # writable, and no view of anything


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((4,), (4, 4)), ((3, 5), (3, 5)), ((2, 4, 8), (8, 16))],
)
def test_fans(shape, fans):
    assert compute_fans(shape) == fans


def test_a_function_of_the_user_may_return_a_tensor():
    from kerasish.graph.variable import Variable

    assert Variable(lambda shape, dtype: ops.ones(shape, dtype), (2,)).numpy().tolist() == [1, 1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: initializers.VarianceScaling(mode="fan"), "fan_in, fan_out, fan_avg"),
        (lambda: initializers.VarianceScaling(distribution="gauss"), "truncated_normal"),
        (lambda: initializers.VarianceScaling(scale=0), "above 0"),
        (lambda: initializers.Identity()((2, 2, 2)), r"matrix.*\(2, 2, 2\)"),
        (lambda: initializers.Orthogonal()((3,)), r"two or more axes.*\(3,\)"),
        (lambda: initializers.STFT("imaginary"), "STFT: side must be one of real, imag"),
        (lambda: initializers.STFT()((8, 5)), "window length, 1, frequencies"),
        (lambda: initializers.STFT(window=np.ones(3))((8, 1, 5)), "must hold 8 numbers"),
    ],
)
def test_errors(call, words):
    with pytest.raises(ValueError, match=words):
        call()
