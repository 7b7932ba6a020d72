"""Seeds, streams and runs of random numbers."""

import numpy as np
import pytest
from cases.graphs import f32, placeholder

from kerasish import ops
from kerasish.graph import function as functions
from kerasish.graph.function import Function
from kerasish.graph.trace import Trace
from kerasish.ops import distributions, random


def draws(function, runs=2):
    return [np.array(function()[0]) for _ in range(runs)]


def test_a_fixed_seed_gives_the_same_in_each_run(engine):
    first, second = draws(Function([], [random.normal((5,), seed=3)]))
    np.testing.assert_array_equal(first, second)
    (other,) = draws(Function([], [random.normal((5,), seed=4)]), 1)
    assert (first != other).all()


def test_a_seed_generator_differs_by_use_and_by_run(engine):
    seeds = random.SeedGenerator(7)
    with Trace():
        uses = [random.uniform((6,), seed=seeds) for _ in range(2)]
    function = Function([], [ops.stack(uses)])
    values = np.concatenate(draws(function, 3))
    assert len(np.unique(values)) == values.size
    random_counter = functions.run_counter
    random_counter.next = 0
    np.testing.assert_array_equal(np.concatenate(draws(function, 3)), values)


def test_what_a_seed_generator_gives_at_once_follows_from_its_seed():
    first, again = random.SeedGenerator(7), random.SeedGenerator(7)
    values = [random.uniform((6,), seed=seeds).numpy() for seeds in (first, again, first)]
    np.testing.assert_array_equal(values[0], values[1])
    assert (values[0] != values[2]).all()


def test_a_seed_generator_gives_the_same_streams_in_each_trace():
    seeds = random.SeedGenerator(7)

    def streams():
        with Trace():
            return [random.uniform((2,), seed=seeds).node.attrs["stream"] for _ in range(3)]

    first = streams()
    assert first == streams()
    assert len(set(first)) == 3


def test_steps_in_bulk_draw_other_numbers_each(engine):
    x = placeholder(1)
    step = Function([x], [random.uniform((4,)) + x])
    (values,) = step.run_steps([engine.put(f32(0))], np.zeros((5, 1), "int32"), collect=True)
    assert len(np.unique(values)) == 20


def test_the_global_seed_repeats_all():
    def numbers():
        random.global_seed.reset(42)
        functions.run_counter.next = 0
        return [
            random.normal((3,)).numpy(),
            random.uniform((3,), seed=random.SeedGenerator()).numpy(),
        ]

    for first, second in zip(numbers(), numbers(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_its_rate_and_masks_the_gradient(engine, rate):
    x = placeholder(None, 100)
    y = random.dropout(x, rate)
    value, grad = Function([x], [y, ops.gradients(y, x)])(np.full((100, 100), 2))
    np.testing.assert_allclose(np.mean(value == 0), rate, atol=0.02)
    np.testing.assert_allclose(value, 2 * grad, rtol=1e-5)
    np.testing.assert_allclose(value[value != 0], 2 / (1 - rate), rtol=1e-5)


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan")])
def test_dropout_rates_are_checked(rate):
    with pytest.raises(ValueError, match="rate must be from 0 to 1"):
        random.dropout(placeholder(2), rate)


def test_a_rate_of_one_drops_everything():
    assert not random.dropout(np.array([1.0, np.nan], "float32"), 1).numpy().any()


def test_generators_are_made_again_from_their_config():
    first = random.SeedGenerator(7, name="mine")
    again = random.SeedGenerator.from_config(first.get_config())
    assert again.name == "mine"
    np.testing.assert_array_equal(again.next(), first.next())
    with pytest.raises(ValueError, match=r"seed must be an int or None, but got 1\.5"):
        random.SeedGenerator(1.5)


def test_the_state_of_a_generator_can_be_put_back():
    seeds = random.SeedGenerator(7)
    np.testing.assert_array_equal(seeds.state, [7, 0])
    np.testing.assert_array_equal([seeds.next() for _ in range(2)], [[7, 0], [7, 1]])
    first = random.uniform((3,), seed=seeds).numpy()
    np.testing.assert_array_equal(seeds.state, [7, 3])
    seeds.state.assign([7, 2])
    np.testing.assert_array_equal(random.uniform((3,), seed=seeds), first)


def test_the_next_seed_differs_in_each_run():
    seeds = random.SeedGenerator(7)
    with Trace():
        both = [seeds.next(), seeds.next()]
    values = np.concatenate([np.ravel(v) for _ in range(2) for v in Function([], both)()])
    assert len(np.unique(values)) == 8


@pytest.mark.parametrize(("noise_shape", "axis"), [((4,), 0), ((1,), (0, 1)), ([None, 1], 1)])
def test_masks_of_fewer_axes_are_shared_along_the_first(noise_shape, axis):
    dropped = random.dropout(np.ones((3, 4), "float32"), 0.5, noise_shape, seed=2).numpy()
    np.testing.assert_array_equal(dropped.max(axis), dropped.min(axis))


def test_classes_may_be_drawn_as_floats():
    drawn = distributions.categorical([[0.0, 100.0]], 2, dtype="float32", seed=1).numpy()
    np.testing.assert_array_equal(drawn, np.ones((1, 2), "float32"))


def test_seeds_are_checked():
    with pytest.raises(TypeError, match="seed must be None, an int or a SeedGenerator"):
        random.uniform((2,), seed="x")
