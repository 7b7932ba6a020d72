"""Data sets split, cut into windows, packed and unpacked; batches made ahead by enqueuers."""

import numpy as np
import pytest
from feeding import STEPS, Batches, X, Y, classifier, input_threads

from kerasish import tree, utils
from kerasish.utils import (
    GeneratorEnqueuer,
    OrderedEnqueuer,
    SequenceEnqueuer,
    pack_x_y_sample_weight,
    split_dataset,
    timeseries_dataset_from_array,
    unpack_x_y_sample_weight,
)


@pytest.mark.parametrize(
    ("parts", "packed"),
    [
        (("x",), "x"),
        ((["a", "b"],), (["a", "b"],)),
        (("x", "y"), ("x", "y")),
        (("x", "y", "w"), ("x", "y", "w")),
        (("x", None, "w"), ("x", None, "w")),
    ],
)
def test_pack_and_unpack(parts, packed):
    assert pack_x_y_sample_weight(*parts) == packed
    assert unpack_x_y_sample_weight(packed) == (*parts, None, None)[:3]


def test_unpack_refuses_more():
    with pytest.raises(ValueError, match="tuple of 4"):
        unpack_x_y_sample_weight((1, 2, 3, 4))


NUMBERS = np.arange(10)


class MapStyle:
    """As torch's data sets are."""

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return NUMBERS[index]


@pytest.mark.parametrize(
    "make", [lambda: NUMBERS, lambda: list(NUMBERS), lambda: iter(NUMBERS), MapStyle]
)
@pytest.mark.parametrize(
    ("sizes", "left", "right"),
    [
        ({"left_size": 0.8}, [0, 1, 2, 3, 4, 5, 6, 7], [8, 9]),
        ({"right_size": 3}, [0, 1, 2, 3, 4, 5, 6], [7, 8, 9]),
        ({"left_size": 2, "right_size": 0.3}, [0, 1], [7, 8, 9]),
    ],
)
def test_split_dataset(make, sizes, left, right):
    found = split_dataset(make(), **sizes)
    assert [[int(x) for x in part] for part in found] == [left, right]
    assert [len(part) for part in found] == [len(left), len(right)]


PAIRS = [(np.array([i, i]), i) for i in range(4)]


@pytest.mark.parametrize(
    ("samples", "first"),
    [
        (PAIRS, ([0, 0], 0)),
        ([{"a": 1, "b": [2]}] * 4, {"a": 1, "b": [2]}),
        ([[1, 2], [3, 4]], [1, 2]),
        (([1, 2], [3, 4]), (1, 3)),
        ({"a": [1, 2], "b": np.eye(2)}, {"a": 1, "b": [1, 0]}),
        (["a", "b"], "a"),
        (("a", "b"), "a"),
    ],
)
def test_split_dataset_of_lists(samples, first):
    """A list holds samples, unless all that it holds are arrays; a tuple is one of columns."""
    left, right = split_dataset(samples, 0.5)
    assert len(left) == len(right)
    plain = tree.map_structure(lambda x: np.asarray(x).tolist(), left[0])
    assert plain == first


def test_first_looks():
    windows = timeseries_dataset_from_array(np.arange(8.0), np.arange(8), 3, batch_size=2)
    assert [(x.numpy().shape, y.numpy().tolist()) for x, y in windows.take(2)] == [
        ((2, 3), [0, 1]),
        ((2, 3), [2, 3]),
    ]
    left, _ = split_dataset(np.arange(4), 0.5)
    assert [int(x) for x in left.take(9)] == [0, 1]


def test_split_samples_stay_together_and_train():
    left, right = split_dataset((X, Y), left_size=0.8, shuffle=True, seed=1)
    pairs = [(tuple(x), int(y)) for part in (left, right) for x, y in part]
    assert len(pairs) == len(X)
    assert set(pairs) == {(tuple(x), int(y)) for x, y in zip(X, Y, strict=True)}
    assert pairs[0][0] != tuple(X[0])
    again, _ = split_dataset((X, Y), left_size=0.8, shuffle=True, seed=1)
    np.testing.assert_array_equal(again[0][0], left[0][0])
    model = classifier()
    history = model.fit(left.batch(8), validation_data=right.batch(8), verbose=0).history
    assert "val_loss" in history


@pytest.mark.parametrize(
    ("data", "sizes", "words"),
    [
        (NUMBERS, {}, "left_size or right_size"),
        (NUMBERS, {"left_size": 1.5}, "left_size must be a share"),
        (NUMBERS, {"right_size": 10}, "10 samples"),
        (NUMBERS, {"left_size": 8, "right_size": 8}, "ask for 8 and 8 of 10"),
        ([NUMBERS, NUMBERS[:3]], {"left_size": 1}, "same number"),
        (iter(()), {"left_size": 1}, "no samples"),
    ],
)
def test_split_dataset_explains(data, sizes, words):
    with pytest.raises(ValueError, match=words):
        split_dataset(data, **sizes)


SERIES = np.arange(20.0)
WINDOWS = [
    {"sequence_length": 4},
    {"sequence_length": 4, "sequence_stride": 3},
    {"sequence_length": 3, "sampling_rate": 2},
    {"sequence_length": 3, "start_index": 5, "end_index": 15},
    {"sequence_length": 5, "sequence_stride": 2, "sampling_rate": 3, "batch_size": 2},
]


@pytest.mark.parametrize("options", WINDOWS)
@pytest.mark.parametrize("aimed", [False, True])
def test_windows_are_those_written_out(options, aimed):
    targets = SERIES * 10 if aimed else None
    found = timeseries_dataset_from_array(SERIES, targets, **options)
    start, end = options.get("start_index", 0), options.get("end_index", 20)
    length, rate = options["sequence_length"], options.get("sampling_rate", 1)
    last = end - (length - 1) * rate
    starts = range(start, last, options.get("sequence_stride", 1))
    expected = [SERIES[s : s + length * rate : rate] for s in starts]
    batches = list(found)
    x = np.concatenate([batch[0] if aimed else batch for batch in batches])
    np.testing.assert_array_equal(x, expected)
    assert all(len(b[0] if aimed else b) <= options.get("batch_size", 128) for b in batches)
    if aimed:
        np.testing.assert_array_equal(
            np.concatenate([y for _, y in batches]), np.array(starts) * 10.0
        )


def test_windows_in_random_order_and_one_by_one():
    one, other = (
        timeseries_dataset_from_array(SERIES, None, 2, batch_size=None, shuffle=True, seed=3)
        for _ in range(2)
    )
    firsts = [int(window[0]) for window in one]
    assert firsts == [int(window[0]) for window in other]
    assert sorted(firsts) == list(range(19)) != firsts
    with pytest.raises(ValueError, match="no window of 30 times"):
        timeseries_dataset_from_array(SERIES, None, 30)
    with pytest.raises(ValueError, match="end_index=50"):
        timeseries_dataset_from_array(SERIES, None, 3, end_index=50)
    with pytest.raises(ValueError, match="sampling_rate must be positive"):
        timeseries_dataset_from_array(SERIES, None, 3, sampling_rate=0)


@pytest.mark.parametrize("processes", [False, True])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_enqueuers_make_batches_in_order(processes):
    enqueuer = OrderedEnqueuer(Batches(X, Y), use_multiprocessing=processes)
    with pytest.raises(RuntimeError, match="start"):
        next(enqueuer.get())
    enqueuer.start(workers=2, max_queue_size=3)
    assert enqueuer.is_running()
    batches = enqueuer.get()
    for i in range(2 * STEPS):
        np.testing.assert_array_equal(next(batches)[0], Batches(X, Y)[i % STEPS][0])
    enqueuer.stop()
    assert not enqueuer.is_running()
    assert input_threads() == []


def test_enqueuers_of_generators():
    enqueuer = GeneratorEnqueuer(iter([1, 2, 3]))
    enqueuer.start()
    assert list(enqueuer.get()) == [1, 2, 3]
    enqueuer.stop()
    with pytest.raises(ValueError, match="PyDataset"):
        GeneratorEnqueuer(iter([]), use_multiprocessing=True)
    with pytest.raises(NotImplementedError, match="OrderedEnqueuer"):
        SequenceEnqueuer(None).start()


def test_small_questions():
    from kerasish import layers

    utils.clear_session()
    assert layers.Dense(1).name == "dense"
    assert utils.is_keras_tensor(layers.Input((2,)))
    assert not utils.is_keras_tensor(X)
    assert utils.standardize_dtype(np.float32) == "float32"
    with pytest.raises(ValueError, match="Unknown dtype"):
        utils.standardize_dtype("float31")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: split_dataset(X, 0.5, preferred_backend="tensorflow"), "preferred_backend"),
        (lambda: timeseries_dataset_from_array(X, None, 2, format="grain"), '"tf"'),
    ],
)
def test_other_libraries_data_sets_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_generator_has_one_worker():
    with pytest.warns(UserWarning, match="wait_time has no effect"):
        enqueuer = GeneratorEnqueuer(iter([1, 2]), wait_time=0.05)
    with pytest.warns(UserWarning, match="one worker"):
        enqueuer.start(workers=4)
    assert list(enqueuer.get()) == [1, 2]
    enqueuer.stop(timeout=1)
