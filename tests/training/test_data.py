"""Every kind of input gives the training, evaluation and prediction that arrays give."""

import itertools
import threading
import time
import traceback
import tracemalloc
import warnings

import numpy as np
import pytest

from kerasish import layers, models
from kerasish.callbacks import Callback
from kerasish.training import data as data_module
from kerasish.training.prefetch import Prefetcher
from kerasish.training.sources import Order
from kerasish.utils import HDF5Matrix, PyDataset, Sequence, set_random_seed

# Python 3.12 and later warn when a program with threads forks, as `multiprocessing` does there.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

BATCH = 16
COUNT = 70  # the last batch is smaller
EPOCHS = 2


def blobs(n=COUNT):
    rng = np.random.default_rng(1)
    centres = np.random.default_rng(99).normal(size=(3, 4)) * 2
    y = rng.integers(0, 3, n)
    x = centres[y] + rng.normal(size=(n, 4)) * 0.5
    return x.astype("float32"), y.astype("int32")


def classifier():
    model = models.Sequential([layers.Input((4,)), layers.Dense(8, "relu"), layers.Dense(3)])
    model.add(layers.Softmax())
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


X, Y = blobs()
WEIGHTS = np.linspace(0.5, 1.5, COUNT).astype("float32")
STEPS = -(-COUNT // BATCH)


def batches(*arrays):
    for start in range(0, COUNT, BATCH):
        yield tuple(array[start : start + BATCH] for array in arrays)


def forever(*arrays):
    while True:
        yield from batches(*arrays)


class Batches(Sequence):
    def __init__(self, *arrays, **kwargs):
        super().__init__(**kwargs)
        self.arrays = arrays

    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        rows = slice(index * BATCH, (index + 1) * BATCH)
        return tuple(array[rows] for array in self.arrays)


class OldBatches:
    """As a library of Keras 2's time has it, derived from another Sequence."""

    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        return next(itertools.islice(batches(X, Y), index, None))

    def on_epoch_end(self):
        pass


class Loader:
    """As torch's DataLoader: lists of tensors, as often as wanted."""

    class Tensor:
        def __init__(self, array):
            self.array = array

        def detach(self):
            return self

        cpu = detach

        def numpy(self):
            return self.array

    def __init__(self, *arrays):
        self.arrays = arrays

    def __len__(self):
        return STEPS

    def __iter__(self):
        return ([self.Tensor(a) for a in group] for group in batches(*self.arrays))


def tf_dataset(*arrays):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH)


def torch_loader(*arrays):
    torch = pytest.importorskip("torch")
    tensors = [torch.from_numpy(a) for a in arrays]
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors), BATCH)


def on_disk(path, name, array):
    h5py = pytest.importorskip("h5py")
    place = path / f"{name}{len(list(path.iterdir()))}.h5"
    with h5py.File(place, "w") as file:
        file[name] = array
    return h5py.File(place, "r")[name]


def hdf5_matrix(path, name, array):
    padded = np.concatenate([array[:3], array])  # `start` skips what is before
    file = on_disk(path, name, padded).file.filename
    return HDF5Matrix(file, name, 3, normalizer=lambda rows: rows)


def memmap(path, name, array):
    np.save(path / f"{name}.npy", array.astype("float64" if array.dtype.kind == "f" else "int64"))
    return np.load(path / f"{name}.npy", mmap_mode="r")


def frame(path, name, array):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(array) if array.ndim == 2 else pandas.Series(array)


# Arrays of another kind: one function makes each of x, y and sample_weight.
ARRAYS = {"h5py": on_disk, "HDF5Matrix": hdf5_matrix, "memmap": memmap, "pandas": frame}

# Sources of batches: one function makes them of (x, y[, sample_weight]).
SOURCES = {
    "Sequence": Batches,
    "Sequence without a thread": lambda *a: Batches(*a, workers=0),
    "Sequence, threads": lambda *a: Batches(*a, workers=3),
    "Sequence, processes": lambda *a: Batches(*a, workers=2, use_multiprocessing=True),
    "a loader of tensors": Loader,
    "torch.DataLoader": torch_loader,
    "tf.data.Dataset": tf_dataset,
}

ARRAY_CASES = [pytest.param("arrays", make, id=name) for name, make in ARRAYS.items()]
SOURCE_CASES = [pytest.param("source", make, id=name) for name, make in SOURCES.items()]
SOURCE_CASES += [
    pytest.param("generator", forever, id="generator"),
    pytest.param("fit_generator", forever, id="fit_generator"),
]


def arguments(kind, make, path, *arrays):
    """What to pass for x, y and sample_weight."""
    names = ("x", "y", "sample_weight")
    if kind != "arrays":
        return {"x": make(*arrays)}
    return {n: make(path, n, a) for n, a in zip(names, arrays, strict=False)}


def everything(kind, make, path, *arrays):
    """The history, evaluation and prediction from a kind of data."""
    set_random_seed(4)
    model = classifier()
    more = {"batch_size": BATCH} if kind == "arrays" else {}
    data = arguments(kind, make, path, *arrays)
    held = data["x"] if kind != "arrays" else tuple(data.values())
    limit, held_limit = (STEPS, STEPS) if "generator" in kind else (None, None)
    fit = model.fit_generator if kind == "fit_generator" else model.fit
    first = {"generator": data["x"]} if kind == "fit_generator" else data
    held = make(*arrays) if "generator" in kind else held
    history = fit(
        **first,
        **more,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        steps_per_epoch=limit,
        validation_data=held,
        validation_steps=held_limit,
    ).history
    data = arguments(kind, make, path, *arrays)
    found = model.evaluate(**data, **more, steps=limit, verbose=0)
    # All that is yielded but x is left alone.
    x = {"x": arguments(kind, make, path, *arrays)["x"]}
    prediction = model.predict(**x, **more, steps=limit, verbose=0)
    return history, found, prediction


@pytest.fixture(scope="module")
def expected():
    def identity(path, name, array):
        return array

    return {
        "x, y": everything("arrays", identity, None, X, Y),
        "x, y, sample_weight": everything("arrays", identity, None, X, Y, WEIGHTS),
    }


@pytest.mark.parametrize("parts", ["x, y", "x, y, sample_weight"])
@pytest.mark.parametrize(("kind", "make"), ARRAY_CASES + SOURCE_CASES)
def test_all_sources_give_what_arrays_give(kind, make, parts, expected, tmp_path):
    arrays = (X, Y, WEIGHTS)[: parts.count(",") + 1]
    history, found, prediction = everything(kind, make, tmp_path, *arrays)
    history_expected, found_expected, prediction_expected = expected[parts]
    assert list(history) == list(history_expected)
    for name, values in history_expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(found, found_expected, rtol=1e-5)
    np.testing.assert_allclose(prediction, prediction_expected, rtol=1e-5, atol=1e-6)


def test_a_sequence_of_another_library_works():
    model = classifier()
    history = model.fit(OldBatches(), validation_data=OldBatches(), epochs=2, verbose=0).history
    assert len(history["val_loss"]) == 2


def two_headed():
    a, b = layers.Input((3,), name="a"), layers.Input((1,), name="b")
    h = layers.Concatenate()([layers.Dense(4)(a), b])
    p = layers.Dense(1, name="price")(h)
    k = layers.Dense(3, "softmax", name="kind")(h)
    model = models.Model(inputs=[a, b], outputs=[p, k])
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"])
    return model


@pytest.mark.parametrize("named", [False, True])
def test_generators_of_several_inputs_and_outputs(named):
    # Input b is a vector of samples: one feature each.
    x, y = [X[:, :3], X[:, 3]], [X[:, :1], Y]
    if named:
        x, y = dict(zip("ab", x, strict=True)), dict(zip(["price", "kind"], y, strict=True))

    def part(value, rows):
        if isinstance(value, dict):
            return {key: array[rows] for key, array in value.items()}
        return [array[rows] for array in value]

    def generate(*values):
        for start in range(0, COUNT, BATCH):
            rows = slice(start, start + BATCH)
            yield values[0] if not values else tuple(part(value, rows) for value in values)

    results = []
    for data in ({"x": generate(x, y)}, {"x": x, "y": y, "batch_size": BATCH}):
        set_random_seed(0)
        model = two_headed()
        history = model.fit(**data, shuffle=False, verbose=0).history
        xs = data["x"] if "y" in data else (part(x, slice(i, i + 9)) for i in range(0, COUNT, 9))
        results.append([*history.values(), *model.predict(xs, verbose=0)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [lambda: (X, Y), lambda: (forever(X, Y),)], ids=["arrays", "gen"])
def test_class_weights_and_chunks_of_steps(make):
    set_random_seed(2)
    model = classifier()
    size = {"batch_size": BATCH} if len(make()) == 2 else {"steps_per_epoch": STEPS}
    weights = {0: 0.0, 1: 2.0}
    got = model.fit(*make(), **size, class_weight=weights, shuffle=False, verbose=0).history
    set_random_seed(2)
    by_hand = np.array([0.0, 2.0, 1.0], "float32")[Y]
    model = classifier()
    wanted = model.fit(X, Y, BATCH, sample_weight=by_hand, shuffle=False, verbose=0).history
    np.testing.assert_allclose(got["loss"], wanted["loss"], rtol=1e-5)


@pytest.mark.parametrize("fixed", [1, 2])
def test_batches_of_odd_sizes_run_by_themselves(fixed):
    sizes = [8] * 30 + [3, 5, 5, 1] + [8] * 10
    ends = np.cumsum(sizes)
    x = np.random.default_rng(0).normal(size=(ends[-1], 4)).astype("float32")

    def generate():
        return ((x[end - size : end],) for end, size in zip(ends, sizes, strict=True))

    model = classifier()
    model.compile("sgd", "mse", steps_per_execution=fixed)
    np.testing.assert_allclose(
        model.predict(generate(), verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("named", [False, True])
def test_sequences_of_varying_length_share_a_step(named):
    x = layers.Input((None, 2), name="x")
    h = layers.Dense(3)(x)
    model = models.Model({"x": x} if named else x, layers.GlobalAveragePooling1D()(h))
    traced = []

    def loss(y_true, y_pred):
        traced.append(y_pred.shape)
        return (y_true - y_pred) ** 2

    model.compile("sgd", loss)
    lengths = [3, 5, 3, 4, 9, 5]
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(2, n, 2)).astype("float32") for n in lengths]
    batches = [({"x": x} if named else x, np.zeros((2, 3), "float32")) for x in inputs]
    assert np.isfinite(model.fit(iter(batches), verbose=0).history["loss"][0])
    assert len(traced) == 2
    one_by_one = np.concatenate([np.asarray(model(x)) for x, _ in batches])
    np.testing.assert_allclose(model.predict(iter(batches), verbose=0), one_by_one, rtol=1e-5)
    # What the model does not leave open is still a mistake.
    with pytest.raises(ValueError, match="2"):
        model.fit({"x": np.ones((2, 4, 5))} if named else np.ones((2, 4, 5)), np.zeros((2, 3)))


# --- epochs ------------------------------------------------------------------------------


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.steps = []

    def on_epoch_begin(self, epoch, logs=None):
        self.steps.append(0)

    def on_train_batch_end(self, batch, logs=None):
        self.steps[-1] += 1


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
    with pytest.warns(UserWarning, match="Validation data: .* ended after 5 batches"):
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


def test_shuffled_files_train_as_shuffled_arrays(tmp_path):
    results = []
    for shuffle in (True, "batch"):
        for x in (X, on_disk(tmp_path, f"x{shuffle}", X)):
            set_random_seed(6)
            model = classifier()
            model.fit(x, Y, BATCH, 2, shuffle=shuffle, validation_split=0.3, verbose=0)
            results.append(model.get_weights()[0])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(results[2], results[3], rtol=1e-5, atol=1e-6)
    assert not np.allclose(results[0], results[2])


def test_large_arrays_go_to_the_engine_batch_by_batch(monkeypatch, expected):
    monkeypatch.setattr(data_module, "RESIDENT_BYTES", 100)
    placed = []
    on_engine = data_module.Data.on_engine
    monkeypatch.setattr(
        data_module.Data, "on_engine", lambda self: placed.append(self.size) or on_engine(self)
    )
    # float64 is converted batch by batch too.
    found = everything("arrays", lambda path, name, array: array.astype("float64"), None, X, Y)
    np.testing.assert_allclose(found[0]["loss"], expected["x, y"][0]["loss"], rtol=1e-5)
    assert max(placed) < COUNT


def test_a_memory_map_is_never_loaded_whole(tmp_path):
    samples, features = 100_000, 400
    x = np.memmap(tmp_path / "x", "float64", "w+", shape=(samples, features))
    y = np.zeros(samples, "int32")
    model = models.Sequential([layers.Input((features,)), layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    more = {"steps_per_epoch": 3, "validation_steps": 2, "class_weight": {0: 2.0}, "verbose": 0}
    tracemalloc.start()
    try:
        for shuffle in (True, "batch", False):
            model.fit(x, y, shuffle=shuffle, validation_split=0.5, **more)
        model.predict(x, steps=3, verbose=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < x.nbytes / 10


# --- the thread --------------------------------------------------------------------------


def input_threads():
    names = (t.name for t in threading.enumerate())
    # The thread of an engine's process stays as long as the process.
    return [n for n in names if n.startswith("kerasish-") and n != "kerasish-engine"]


class Interrupt(Callback):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_no_thread_outlives_fit(error):
    for data in (forever(X, Y), Batches(X, Y, workers=3)):
        with pytest.raises(error):
            classifier().fit(data, callbacks=[Interrupt(error)], verbose=0)
        assert input_threads() == []
        classifier().fit(data, steps_per_epoch=2, verbose=0)
        assert input_threads() == []


def faulty_reader():
    yield X[:4], Y[:4]
    raise OSError("the disk is gone")


class FaultySequence(Batches):
    def __getitem__(self, index):
        if index == 3:
            raise OSError("the disk is gone")
        return super().__getitem__(index)


@pytest.mark.parametrize(
    "make",
    [
        faulty_reader,
        lambda: FaultySequence(X, Y),
        lambda: FaultySequence(X, Y, workers=2),
        lambda: FaultySequence(X, Y, workers=2, use_multiprocessing=True),
    ],
    ids=["generator", "one thread", "threads", "processes"],
)
def test_errors_of_the_producer_arrive_with_their_traceback(make):
    with pytest.raises(OSError, match="the disk is gone") as error:
        classifier().fit(make(), shuffle=False, verbose=0)
    text = "".join(traceback.format_exception(error.value))
    assert "faulty_reader" in text or 'raise OSError("the disk is gone")' in text
    assert input_threads() == []


def test_the_queue_is_bounded():
    made = itertools.count()
    ahead = Prefetcher(iter(lambda: next(made), -1), size=3)
    assert ahead.peek(2, least=3) == [0, 1]
    ahead.drop(2)
    assert ahead.peek(9, least=3) == [2, 3, 4]
    time.sleep(0.02)
    ahead.close()
    assert next(made) <= 6


def test_input_is_made_while_the_engine_computes():
    """Making a batch and a step take 8 ms each: overlapped, a step costs little more than 8."""
    pause, steps = 0.008, 40

    def slow():
        while True:
            time.sleep(pause)
            yield X[:BATCH], Y[:BATCH]

    class Busy(Callback):
        def on_train_batch_end(self, batch, logs=None):
            time.sleep(pause)

    def seconds():
        start = time.perf_counter()
        model.fit(slow(), steps_per_epoch=steps, callbacks=[Busy()], verbose=0)
        return time.perf_counter() - start

    model = classifier()
    model.fit(slow(), steps_per_epoch=5, verbose=0)
    # One after the other would take twice the time. Busy machines get several tries.
    assert any(seconds() < 1.5 * pause * steps for _ in range(4))


# --- mistakes ----------------------------------------------------------------------------


def wrong_labels():
    yield X[:8], Y[:8]
    yield X[:8], Y[:8] + 7


def with_nan():
    yield X[:8], Y[:8]
    yield X[:8] * np.nan, Y[:8]


class Samples:
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return X[index], Y[index]


MISTAKES = {
    "tuple of 4": (lambda m: m.fit(iter([(X, Y, X, Y)])), ValueError, ["Batch 1", "tuple of 4"]),
    "none": (lambda m: m.fit(iter([None])), TypeError, ["Batch 1 of the", "is None; expected (x"]),
    "text": (lambda m: m.fit(iter([("a", "b")])), TypeError, ["Batch 1", "got str"]),
    "sizes": (lambda m: m.fit(iter([(X, Y[:3])])), ValueError, ["Batch 1", "x: 70, y: 3"]),
    "no samples": (lambda m: m.fit(iter([(X[:0], Y[:0])])), ValueError, ["Batch 1", "0 samples"]),
    "features": (lambda m: m.fit(iter([(X[:, :3], Y)])), ValueError, ["(None, 4)", "(None, 3)"]),
    "no targets": (lambda m: m.fit(iter([(X,)])), ValueError, ["needs targets"]),
    "labels": (lambda m: m.fit(wrong_labels()), ValueError, ["3 classes", "0 to 2"]),
    "nan": (lambda m: m.fit(with_nan()), ValueError, ["Batch 2 of the generator: x holds NaN"]),
    "nothing": (lambda m: m.fit(iter([])), ValueError, ["ended before its first batch"]),
    "empty evaluate": (lambda m: m.evaluate(iter([])), ValueError, ["ended before"]),
    "empty predict": (lambda m: m.predict(x for x in ()), ValueError, ["the generator ended"]),
    "function": (lambda m: m.fit(wrong_labels), TypeError, ["function 'wrong_labels'", "Call it"]),
    "map-style": (lambda m: m.fit(Samples()), TypeError, ["Samples", "DataLoader", "PyDataset"]),
    "y too": (lambda m: m.fit(batches(X, Y), Y), ValueError, ["y must not", "the generator"]),
    "batch size": (
        lambda m: m.fit(Batches(X, Y), batch_size=8),
        ValueError,
        ["batch_size must not", "the Batches"],
    ),
    "split": (
        lambda m: m.fit(batches(X, Y), validation_split=0.1),
        ValueError,
        ["validation_split must not"],
    ),
    "validation": (lambda m: m.fit(X, Y, validation_data=(X,)), ValueError, ["tuple of 1"]),
    "steps": (
        lambda m: m.fit(X, Y, steps_per_epoch=0),
        ValueError,
        ["steps_per_epoch", "positive"],
    ),
    "workers": (lambda m: m.fit(Batches(X, Y), workers=-1), ValueError, ["workers", "-1"]),
    "shuffle": (lambda m: m.fit(X, Y, shuffle="epoch"), ValueError, ["'epoch'", '"batch"']),
    "samples_per_epoch": (
        lambda m: m.fit_generator(batches(X, Y), samples_per_epoch=70),
        TypeError,
        ["counts samples", "steps_per_epoch"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_explained(name):
    mistake, kind, words = MISTAKES[name]
    with pytest.raises(kind) as error:
        mistake(classifier())
    for word in words:
        assert word in str(error.value)
    assert input_threads() == []


def test_workers_on_a_generator_warn():
    with pytest.warns(UserWarning, match="no effect on a generator"):
        classifier().fit(batches(X, Y), workers=4, verbose=0)


def test_pandas_columns_of_text_are_named():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"age": [1, 2], "city": ["a", "b"]})
    with pytest.raises(TypeError, match="column 'city'"):
        classifier().fit(table, Y[:2])
    mixed = pandas.DataFrame({"a": [1, 2], "b": [True, False], "c": [0.5, 1.5], "d": [1, 1]})
    assert classifier().predict(mixed, verbose=0).shape == (2, 3)


def test_reset_metrics_of_keras_2():
    model = classifier()
    alone = [model.test_on_batch(X[rows], Y[rows])[0] for rows in (slice(8), slice(8, 16))]
    model.test_on_batch(X[:8], Y[:8])
    both = model.test_on_batch(X[8:16], Y[8:16], reset_metrics=False)[0]
    assert both == pytest.approx(np.mean(alone), rel=1e-5)
