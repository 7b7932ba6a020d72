"""What an epoch takes from generators and sequences, and in which order."""

import itertools
import warnings

import numpy as np
import pytest
from feeding import (
    BATCH,
    COUNT,
    STEPS,
    Batches,
    Recorder,
    X,
    Y,
    batches,
    classifier,
)

from kerasish.training.sources import Order
from kerasish.utils import PyDataset, set_random_seed

# Python 3.12 and later warn when a program with threads forks, as `multiprocessing` does there.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def test_a_generator_gives_exactly_what_the_steps_need():
    taken = itertools.count()
    data = ((next(taken), X[:BATCH], Y[:BATCH])[1:] for _ in itertools.count())
    recorder = Recorder()
    classifier().fit(data, steps_per_epoch=7, epochs=3, callbacks=[recorder], verbose=0)
    assert recorder.steps == [7, 7, 7]
    assert next(taken) == 21


@pytest.mark.parametrize(
    "make",
    [lambda: {"x": Batches(X, Y)}, lambda: {"x": X, "y": Y, "batch_size": BATCH}],
    ids=["Sequence", "arrays"],
)
def test_an_epoch_goes_on_where_the_last_one_stopped(make):
    set_random_seed(1)
    short = classifier()
    recorder = Recorder()
    more = {"shuffle": False, "verbose": 0}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        short.fit(**make(), steps_per_epoch=3, epochs=2, callbacks=[recorder], **more)
    # 5 batches: three, then two and a warning
    assert recorder.steps == [3, 2]
    assert "ran out after 2 of the 3 steps" in str(caught[0].message)
    set_random_seed(1)
    whole = classifier()
    whole.fit(**make(), **more)
    for a, b in zip(short.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_generator_that_ends_early_says_so_and_stops():
    recorder = Recorder()
    with pytest.warns(UserWarning, match="ended after 5 batches, in epoch 2 of 4. 3 batches per"):
        history = classifier().fit(
            batches(X, Y), steps_per_epoch=3, epochs=4, callbacks=[recorder], verbose=0
        )
    assert recorder.steps == [3, 2]
    assert len(history.history["loss"]) == 2
    with pytest.warns(UserWarning, match="ended after 5 batches, in epoch 1 of 2"):
        classifier().fit(batches(X, Y), epochs=2, verbose=0)
    with pytest.warns(UserWarning, match="ran out after 5 of the 9 steps"):
        classifier().evaluate(batches(X, Y), steps=9, verbose=0)


def test_a_validation_generator_that_ends_says_so():
    with pytest.warns(UserWarning, match="of validation_data ended after 5 batches"):
        history = classifier().fit(X, Y, validation_data=batches(X, Y), epochs=3, verbose=0).history
    assert len(history["val_loss"]) == 1
    assert len(history["loss"]) == 3


class Hooked(Batches):
    def __init__(self, *arrays, **kwargs):
        super().__init__(*arrays, **kwargs)
        self.calls = []

    def __getitem__(self, index):
        self.calls.append(index)
        return super().__getitem__(index)

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


def test_sequences_are_shuffled_by_batch_and_hear_of_epochs():
    set_random_seed(0)
    sequence = Hooked(X, Y)
    classifier().fit(sequence, epochs=2, verbose=0)
    first, second = sequence.calls[:7], sequence.calls[7:]
    for epoch in (first, second):
        assert (epoch[0], epoch[-1]) == ("begin", "end")
        assert sorted(epoch[1:-1]) == list(range(STEPS))
    assert first != second
    sequence.calls.clear()
    classifier().fit(sequence, shuffle=False, verbose=0)
    assert sequence.calls == ["begin", *range(STEPS), "end"]


class Noise(Batches):
    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        return x + np.random.normal(size=x.shape), y


def test_processes_draw_other_numbers_for_each_batch_and_the_same_for_one_seed():
    predictions = []
    for _ in range(2):
        set_random_seed(3)
        model = classifier()
        noise = Noise(np.zeros_like(X), Y, workers=2, use_multiprocessing=True)
        model.fit(noise, epochs=2, verbose=0)
        predictions.append(model.predict(noise, verbose=0))
    np.testing.assert_array_equal(*predictions)
    assert len(np.unique(predictions[0][:, 0])) == COUNT


class Growing(Batches):
    batches = 2

    def __len__(self):
        return self.batches

    def on_epoch_end(self):
        self.batches += 1


@pytest.mark.parametrize("processes", [False, True])
def test_a_sequence_may_change_between_epochs(processes):
    recorder = Recorder()
    data = Growing(X, Y, workers=2, use_multiprocessing=processes)
    classifier().fit(data, epochs=3, callbacks=[recorder], verbose=0)
    assert recorder.steps == [2, 3, 4]


class Endless(PyDataset):
    num_batches = None

    def __getitem__(self, index):
        return X[index % COUNT :][:2], Y[index % COUNT :][:2]


def test_a_sequence_without_end():
    recorder = Recorder()
    data = Endless(workers=2)
    classifier().fit(data, steps_per_epoch=4, epochs=2, callbacks=[recorder], verbose=0)
    assert recorder.steps == [4, 4]


def test_shuffling_batches_keeps_their_samples_together():
    seen = []

    order = Order(COUNT, BATCH, "batch", seed=0)
    for drawn in (order.draw(), order.draw()):
        assert sorted(drawn) == list(range(COUNT))
        head = drawn[: 4 * BATCH].reshape(4, BATCH)
        np.testing.assert_array_equal(head, head[:, :1] + np.arange(BATCH))
        np.testing.assert_array_equal(drawn[4 * BATCH :], np.arange(4 * BATCH, COUNT))
        seen.append(tuple(head[:, 0]))
    assert seen[0] != seen[1]
