"""Cases of kerasish.ops.random: engines draw other numbers, but of the same kind."""

import numpy as np
from cases.case import Case, f32, normal

from kerasish import ops, random
from kerasish.ops.random import dropout_mask_p

N = 20000


def _uniform(low, high):
    def check(x):
        assert low <= x.min() < x.max() < high
        width = high - low
        np.testing.assert_allclose(x.mean(), (low + high) / 2, atol=0.015 * width)
        np.testing.assert_allclose(x.std(), width / 12**0.5, atol=0.01 * width)
        assert len(np.unique(x)) > 0.9 * x.size

    return check


def _below_one(x):
    assert x.max() < 1


def _normal(mean, stddev):
    def check(x):
        z = (x - mean) / stddev
        np.testing.assert_allclose([z.mean(), z.std()], [0, 1], atol=0.03)
        np.testing.assert_allclose(np.mean(np.abs(z) < 1), 0.6827, atol=0.015)
        assert np.abs(z).max() > 3

    return check


def _moments(mean, variance, low=-np.inf, high=np.inf):
    def check(x):
        assert low <= x.min() <= x.max() <= high
        deviation = np.sqrt(variance)
        np.testing.assert_allclose(x.mean(), mean, atol=0.04 * deviation)
        np.testing.assert_allclose(x.var(), variance, rtol=0.12)

    return check


def _each_row(*checks):
    def check(x):
        for row, right in zip(x, checks, strict=True):
            right(row)

    return check


def _in_other_order(x):
    assert sorted(x[:, 0].tolist()) == list(range(100))
    assert np.mean(x[:, 0] == np.arange(100)) < 0.2
    np.testing.assert_array_equal(x[:, 1], x[:, 0] + 0.5)


def _classes(x):
    assert x.dtype == np.int32
    shares = [np.bincount(row, minlength=3) / x.shape[1] for row in x]
    np.testing.assert_allclose(shares, [[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]], atol=0.02)


def _whole(x):
    values, counts = np.unique(x, return_counts=True)
    assert values.tolist() == [-1, 0, 1, 2]
    np.testing.assert_allclose(counts / x.size, 0.25, atol=0.02)


def _dropped(rate, shared=()):
    def check(x):
        kept = x != 0
        np.testing.assert_allclose(x[kept], 1 / (1 - rate), rtol=1e-5)
        np.testing.assert_allclose(kept.mean(), 1 - rate, atol=0.02)
        for axis in shared:
            assert (kept == np.take(kept, [0], axis)).all()

    return check


def _same(x, y):
    np.testing.assert_array_equal(x, y)


def _other(x, y):
    assert np.mean(x == y) < 0.01


def _twice(function, seed):
    return lambda: (function((100,), seed=seed), function((100,), seed=seed))


CASES = [
    Case("uniform", lambda: random.uniform((N,), seed=1), (), check=_uniform(0, 1)),
    Case(
        "uniform between",
        lambda: random.uniform((N // 2, 2), -3, 5, seed=2),
        (),
        check=_uniform(-3, 5),
    ),
    Case(
        "uniform for each sample",
        lambda x: random.uniform(ops.shape(x), seed=3) + 0 * x,
        (normal(N, 1),),
        check=_uniform(0, 1),
    ),
    Case(
        "uniform in two bytes",  # where 1 is the next number to many
        lambda: random.uniform((N,), dtype="float16", seed=19),
        (),
        check=_below_one,
    ),
    Case("uniform same seed", _twice(random.uniform, 4), (), check=_same),
    Case("uniform no seed", _twice(random.uniform, None), (), check=_other),
    Case("normal", lambda: random.normal((N,), seed=5), (), check=_normal(0, 1)),
    Case(
        "normal moved",
        lambda: random.normal((2, N // 2), 3, 0.5, seed=6),
        (),
        check=_normal(3, 0.5),
    ),
    Case("normal same seed", _twice(random.normal, 7), (), check=_same),
    Case("normal no seed", _twice(random.normal, None), (), check=_other),
    Case("randint", lambda: random.randint((N,), -1, 3, seed=8), (), check=_whole),
    Case(
        "truncated_normal",
        lambda: random.truncated_normal((N,), 1, 2, seed=12),
        (),
        # The variance of a normal distribution cut off at two deviations is 0.7737.
        check=_moments(1, 4 * 0.7737, -3, 5),
    ),
    Case(
        "gamma",
        lambda a: random.gamma((3, N), a, seed=13),
        (f32([0.5], [1.0], [20.0]),),
        check=_each_row(*(_moments(a, a, 0) for a in (0.5, 1, 20))),
        grad=False,
    ),
    Case(
        "beta",
        lambda a, b: random.beta((2, N), a, b, seed=14),
        (f32([2.0], [0.5]), f32([6.0], [0.5])),
        check=_each_row(_moments(0.25, 0.1875 / 9, 0, 1), _moments(0.5, 0.125, 0, 1)),
        grad=False,
    ),
    Case(
        "binomial",
        lambda: random.binomial((N,), 8, 0.25, seed=15),
        (),
        check=_moments(2, 1.5, 0, 8),
    ),
    Case(
        "binomial of many",
        lambda: random.binomial((2, N), [[50], [3000]], [[0.5], [0.01]], seed=16),
        (),
        check=_each_row(_moments(25, 12.5, 0, 50), _moments(30, 29.7, 0, 3000)),
    ),
    Case(
        "categorical",
        lambda x: random.categorical(x, N, seed=17),
        (np.log(f32([0.1, 0.2, 0.7], [0.5, 0.5, 1e-9])),),
        check=_classes,
    ),
    Case(
        "shuffle",
        lambda x: random.shuffle(x, seed=18),
        (np.stack([np.arange(100), np.arange(100) + 0.5], axis=1).astype("float32"),),
        check=_in_other_order,
        grad=False,
    ),
    Case(
        "gamma same seed",
        _twice(lambda s, seed: random.gamma(s, 2, seed=seed), 19),
        (),
        check=_same,
    ),
    Case(
        "shuffle no seed",
        _twice(lambda s, seed: random.shuffle(np.arange(500), seed=seed), None),
        (),
        check=_other,
    ),
    Case(
        "dropout",
        lambda x: random.dropout(x, 0.3, seed=9),
        (np.ones((N // 10, 10), "float32"),),
        check=_dropped(0.3),
    ),
    Case(
        "dropout of whole rows",
        lambda x: random.dropout(x, 0.5, noise_shape=(None, 1), seed=10),
        (np.ones((N, 3), "float32"),),
        check=_dropped(0.5, shared=[1]),
    ),
    Case("dropout rate 0", lambda x: random.dropout(x, 0), (normal(3),), lambda x: x),
    Case(
        "dropout_mask",
        lambda: dropout_mask_p(shape=(N,), rate=0.1, dtype="float32", stream=11, counted=False),
        (),
        check=_dropped(0.1),
    ),
]
