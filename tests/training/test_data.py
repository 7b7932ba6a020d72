"""Every kind of input gives the training, evaluation and prediction that arrays give."""

import itertools
import tracemalloc

import numpy as np
import pytest
from feeding import (
    BATCH,
    COUNT,
    EPOCHS,
    STEPS,
    WEIGHTS,
    Batches,
    X,
    Y,
    batches,
    classifier,
    forever,
    on_disk,
)

from kerasish import layers, models
from kerasish.training import data as data_module
from kerasish.utils import HDF5Matrix, set_random_seed

# Python 3.12 and later warn when a program with threads forks, as `multiprocessing` does there.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


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


def test_batches_may_change_their_kind():
    """What is known of one batch must not be taken for granted of the next."""
    x, y = X[:16], Y[:16]
    items = [
        *[(x, y), (x + 1, y)],
        *[(x.astype("float64"), y.astype("int64")), (x.astype("float64") * 2, y.astype("int64"))],
        *[(x, y[:, None]), (x * 2, y[:, None])],
        *[[x, y], [x.tolist(), y.tolist()]],
        *[(x, y, WEIGHTS[:16]), (x, y, WEIGHTS[16:32])],
        *[(x[:5], y[:5]), (x[5:], y[5:])],
    ]
    set_random_seed(3)
    by_hand = classifier()
    for item in items:
        by_hand.train_on_batch(*item)
    set_random_seed(3)
    model = classifier()
    model.fit(iter(items), verbose=0)
    for got, wanted in zip(model.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
    for wrong in ((x, y[:15]), (x[:, :3], y), (x, y.astype("U1"))):
        with pytest.raises((TypeError, ValueError), match=r"^Batch(es)? 3 of the list_iterator"):
            model.fit(iter([(x, y), (x, y), wrong]), verbose=0)


def test_whole_numbers_that_need_64_bits_keep_their_value():
    """Such as times in milliseconds: int32, which all others go as, has no room for them."""
    times = np.arange(COUNT * 4).reshape(COUNT, 4) * 2**33
    model = models.Sequential([layers.Input((4,)), layers.Rescaling(2.0**-35), layers.Dense(1)])
    wanted = model.predict(times.astype("float32"), verbose=0)
    for data in (times, times.astype("uint64"), iter([(times[:1],), (times[1:2],), (times[2:],)])):
        np.testing.assert_allclose(model.predict(data, verbose=0), wanted, rtol=1e-5)


def test_lists_of_numbers_of_numpy_are_arrays():
    model = classifier()
    wanted = model.evaluate(X, Y, sample_weight=WEIGHTS, verbose=0)
    found = model.evaluate(X, list(Y), sample_weight=list(WEIGHTS), verbose=0)
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize("kind", [list, dict])
def test_targets_and_weights_may_be_none(kind):
    def entries(price, sort):
        return [price, sort] if kind is list else {"price": price, "kind": sort}

    model = two_headed()
    x, y = [X[:, :3], X[:, 3:]], entries(X[:, :1], Y)
    one = model.evaluate(x, y, sample_weight=entries(WEIGHTS, None), verbose=0)
    other = model.evaluate(x, y, sample_weight=entries(WEIGHTS, np.ones(COUNT)), verbose=0)
    assert one == pytest.approx(other)
    model.compile("sgd", ["mse", None])
    wanted = model.evaluate(x, y, verbose=0)
    assert model.evaluate(x, entries(X[:, :1], None), verbose=0) == pytest.approx(wanted)


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


@pytest.mark.parametrize("declared", [False, True])
def test_a_sequential_takes_other_sizes_where_its_layers_do(declared):
    """Texts in batches of their own lengths, after a first one that told the shape."""
    stack = [layers.Dense(3), layers.GlobalAveragePooling1D()]
    model = models.Sequential([layers.Input((3, 2)), *stack] if declared else stack)
    traced = []

    def loss(y_true, y_pred):
        traced.append(y_pred.shape)
        return (y_true - y_pred) ** 2

    model.compile("sgd", loss)
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(2, n, 2)).astype("float32") for n in (3, 5, 3, 4, 9, 5)]
    model.fit(iter([(x, np.zeros((2, 3), "float32")) for x in inputs]), verbose=0)
    assert len(traced) == 3  # of the first sizes, of others, of any
    one_by_one = np.concatenate([np.asarray(model(x)) for x in inputs])
    found = model.predict(iter([(x,) for x in inputs]), verbose=0)
    np.testing.assert_allclose(found, one_by_one, rtol=1e-5)
    assert model.input_shape == (None, 3, 2)
    with pytest.raises(
        ValueError, match=r"\(None, 3, 2\), but got \(None, 4, 5\).* size 2 on axis"
    ):
        model.predict(np.ones((2, 4, 5)), verbose=0)


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
    whole = []
    on_engine = data_module.Data.on_engine
    monkeypatch.setattr(
        data_module.Data, "on_engine", lambda self: whole.append(self) or on_engine(self)
    )
    # float64 is converted batch by batch too.
    found = everything("arrays", lambda path, name, array: array.astype("float64"), None, X, Y)
    np.testing.assert_allclose(found[0]["loss"], expected["x, y"][0]["loss"], rtol=1e-5)
    assert not whole


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_memory_map_is_never_loaded_whole(tmp_path, dtype):
    samples, features = 1_000_000, 400  # gigabytes, but nothing is written to the disk
    x = np.memmap(tmp_path / "x", dtype, "w+", shape=(samples, features))
    y = np.zeros(samples, "int32")
    model = models.Sequential([layers.Input((features,)), layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    more = {"steps_per_epoch": 3, "class_weight": {0: 2.0}, "verbose": 0}
    tracemalloc.start()
    try:
        for shuffle in (True, "batch", False):
            model.fit(x, y, shuffle=shuffle, validation_split=0.5, validation_steps=2, **more)
        model.fit(((x[i : i + 8], y[i : i + 8]) for i in range(samples)), **more)
        model.evaluate(x[5:], y[5:], steps=3, verbose=0)
        model.predict(x, steps=3, verbose=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < x.nbytes / 20


def test_what_is_beside_the_names_is_for_others():
    """A generator may yield what only a callback of its own looks at, as in Keras's examples."""
    x = layers.Input((3,), name="x")
    model = models.Model(x, layers.Dense(1)(x))
    data = np.ones((2, 3))
    given = {"x": data, "source": ["a", "b"]}
    np.testing.assert_array_equal(model.predict(given, verbose=0), model.predict(data, verbose=0))
    with pytest.raises(ValueError, match="key 'z', but the model has no such name"):
        model.predict({"z": data}, verbose=0)
