"""Older Keras's modules, layers and helpers are where older programs look for them."""

import importlib
import io
import json
import random
import sys

import numpy as np
import pytest

import kerasish
from kerasish import layers, models, ops, optimizers
from kerasish.compat import modules, older_layers
from kerasish.compat import older_utils as old
from kerasish.compat.tensors import of_keras_2

# A module of older Keras -> names that programs import from it.
MODULES = {
    "backend.tensorflow_backend": "set_session get_session function",
    "engine": "Input InputSpec Layer Model get_source_inputs",
    "engine.network": "Network get_source_inputs",
    "engine.topology": "Container Input InputLayer Layer Merge",
    "engine.training": "Model",
    "initializations": "glorot_uniform",
    "layers.advanced_activations": "ELU LeakyReLU PReLU ReLU Softmax ThresholdedReLU",
    "layers.convolutional": "AtrousConvolution2D Conv2D Convolution2D MaxPooling2D UpSampling2D",
    "layers.convolutional_recurrent": "ConvLSTM2D ConvRecurrent2D",
    "layers.core": "Activation Dense Dropout Flatten Lambda MaxoutDense Permute Reshape",
    "layers.cudnn_recurrent": "CuDNNGRU CuDNNLSTM",
    "layers.embeddings": "Embedding",
    "layers.local": "LocallyConnected2D",
    "layers.merge": "Concatenate add concatenate",
    "layers.noise": "GaussianNoise",
    "layers.normalization": "BatchNormalization",
    "layers.pooling": "GlobalAvgPool2D MaxPool2D",
    "layers.recurrent": "GRU LSTM Recurrent SimpleRNNCell",
    "layers.wrappers": "Bidirectional TimeDistributed",
    "legacy.interfaces": "generate_legacy_interface legacy_dense_support",
    "legacy.layers": "Highway MaxoutDense Recurrent",
    "objectives": "categorical_crossentropy get mse",
    "preprocessing.image": "DirectoryIterator ImageDataGenerator flip_axis img_to_array load_img",
    "preprocessing.sequence": "TimeseriesGenerator make_sampling_table pad_sequences skipgrams",
    "preprocessing.text": "Tokenizer base_filter text_to_word_sequence",
    "utils.conv_utils": "conv_output_length normalize_tuple",
    "utils.data_utils": "Sequence get_file validate_file",
    "utils.generic_utils": "CustomObjectScope Progbar get_custom_objects has_arg to_list",
    "utils.io_utils": "HDF5Matrix ask_to_proceed_with_overwrite",
    "utils.layer_utils": "convert_all_kernels_in_model count_params print_summary",
    "utils.np_utils": "normalize to_categorical",
}


@pytest.mark.parametrize("path", MODULES)
def test_modules(path):
    module = importlib.import_module(f"kerasish.{path}")
    homes = (layers, models, kerasish.utils, kerasish.losses, kerasish.backend, older_layers, old)
    for name in MODULES[path].split():
        found = getattr(module, name)
        known = [getattr(home, name) for home in homes if hasattr(home, name)]
        assert not known or any(found is item for item in known)
    parts = path.split(".")
    assert getattr(importlib.import_module(".".join(["kerasish", *parts[:-1]])), parts[-1])


def test_table_of_modules_names_what_there_is():
    for path, sources in modules.SOURCES.items():
        importlib.import_module(f"kerasish.{path}")
        for source in sources.split():
            assert importlib.import_module(f"kerasish.{source}")
    assert "engine" not in dir(kerasish)
    everything = {}
    exec("from kerasish.layers.advanced_activations import *", everything)
    assert everything["LeakyReLU"] is layers.LeakyReLU


@pytest.mark.parametrize(
    ("find", "message"),
    [
        (lambda: kerasish.engines_, "did you mean|no attribute 'engines_'"),
        (lambda: layers.Dens, r"no attribute 'Dens'\. Did you mean 'Dense'"),
        (lambda: kerasish.utils.to_categoric, "to_categorical"),
        (lambda: importlib.import_module("kerasish.engine").Modell, "Did you mean 'Model'"),
    ],
)
def test_unknown_names(find, message):
    with pytest.raises(AttributeError, match=message):
        find()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("kerasish.engine.nothing")
    assert "kerasish.engine.nothing" not in sys.modules


def test_tensors_of_keras_2():
    x = layers.Input((3,))
    with of_keras_2(), of_keras_2():
        assert (x._keras_shape, x.get_shape().ndims) == ((None, 3), 2)
        with pytest.raises(ValueError, match=r"set to \(None, 4\)"):
            x._keras_shape = (None, 4)
    assert not hasattr(x, "get_shape")


# ---------------------------------------------------------------- layers

X = np.random.default_rng(0).standard_normal((2, 5)).astype("float32")


def test_maxout_dense_and_highway():
    maxout = layers.MaxoutDense(output_dim=3, nb_feature=2, init="normal")
    y = maxout(X).numpy()
    kernel, bias = maxout.get_weights()
    np.testing.assert_allclose(y, (np.einsum("bi,fio->bfo", X, kernel) + bias).max(1), rtol=1e-5)
    highway = layers.Highway(activation="tanh")
    y = highway(X).numpy()
    kernel, gate, bias, gate_bias = highway.get_weights()
    assert gate_bias.tolist() == [1] * 5
    share = 1 / (1 + np.exp(-(X @ gate + 1)))
    np.testing.assert_allclose(y, share * np.tanh(X @ kernel) + (1 - share) * X, rtol=1e-5)
    assert layers.Highway(bias=False)(X).shape == X.shape
    model = models.Sequential([layers.Input((5,)), highway, maxout])
    again = models.Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again(X), model(X), rtol=1e-6)


def test_activations_with_weights():
    shaped, soft = layers.SReLU(), layers.ParametricSoftplus(0.5, 2.0)
    y, z = shaped(X), soft(X).numpy()
    low, below, width, above = shaped.get_weights()
    high = low + abs(width)
    middle = np.where(low > X, low + below * (X - low), X)
    expected = np.where(high < X, high + above * (X - high), middle)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(z, 0.5 * np.log1p(np.exp(2 * X)), rtol=1e-5)
    pictures = layers.Input((4, 4, 3))
    assert layers.SReLU(shared_axes=[1, 2])(pictures).shape == pictures.shape
    model = models.Sequential([layers.Input((5,)), shaped, soft])
    again = models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(X), model(X))


def test_convolutions_of_keras_1():
    made = layers.Convolution2D(8, 3, 5, "he_normal", "relu", None, "same")
    assert isinstance(made, layers.Convolution2D)
    assert (type(made), made.kernel_size, made.padding) == (layers.Conv2D, (3, 5), "same")
    assert layers.Convolution2D(8, (3, 5)).kernel_size == (3, 5)
    assert layers.Convolution2D(8, nb_row=3, nb_col=5).kernel_size == (3, 5)
    assert layers.deserialize({"class_name": "Convolution2D", "config": made.get_config()})
    with pytest.raises(TypeError, match="at most 7"):
        layers.Convolution2D(8, 3, 5, "he_normal", "relu", None, "same", (1, 1))


# What older programs can say in two ways, or not at all, and words of the error.
CONTRADICTIONS = [
    (lambda: layers.Convolution2D(8, 3, 3, nb_row=5), "Convolution2D got 'nb_row' twice"),
    (lambda: layers.Convolution2D(8, 3, 3, output_shape=(None, 1, 1, 8)), "output_shape"),
    (lambda: optimizers.SGD(0.1, 0.9, 1e-6, momentum=0.5), "SGD got 'momentum' twice"),
    (lambda: optimizers.SGD(0.1, 0.9, 1e-6, True, "sgd"), r"SGD takes at most 4 .*lr, momentum"),
    (lambda: optimizers.SGD().get_updates([], {}, 0.0, 1), r"get_updates takes at most 3 "),
    (lambda: optimizers.SGD().get_updates(loss=0.0, params=[], rate=1), "argument 'rate'"),
    (lambda: old.conv_output_length(9, 3, "some", 1), "'valid' or 'full', but got 'some'"),
    (lambda: old.conv_input_length(9, 3, "some", 1), "'valid' or 'full', but got 'some'"),
    (lambda: old.deconv_length(9, 3, 3, "some", None), "'valid' or 'full', but got 'some'"),
    (lambda: old.normalize_padding("full"), "'same' or 'causal', but got 'full'"),
    (lambda: models.Model().fit(nb_worker=1, workers=2), "workers was given twice"),
    (lambda: layers.Dense(3).add_weight((2,), shape=(3,)), "add_weight got 'shape' twice"),
    (lambda: layers.Dense(3, input_shape=(4,), batch_input_shape=(None, 5)), "contradict"),
    (lambda: layers.Dense(3, batch_input_shape=(2, 5), batch_size=3), "batch_size=3 and the shape"),
    (lambda: layers.Dense(3, input_shape=(4, 5), input_length=6), "input_length=6 and the shape"),
    (lambda: layers.Dense(3, input_shape=(), input_length=4), "input_length=4 and the shape"),
    (lambda: layers.Dense(3, input_shape=(4, 5), input_dim=6), "input_dim=6 and the shape"),
    (lambda: layers.Dense(3, input_length=5), "input_length=5 alone"),
    (lambda: layers.Dense(3, batch_size=5), "batch_size=5 alone"),
    (lambda: models.Model().fit(epochs=2, nb_epoch=3), "epochs was given twice: 2, and 3"),
    (
        lambda: models.Model(layers.Input((2,)), input=layers.Input((2,))),
        "Model got 'inputs' twice",
    ),
    (
        lambda: models.Model(input=layers.Input((2,)), inputs=layers.Input((2,))),
        "'input' is an older",
    ),
    (lambda: layers.Merge(mode="sum", arguments={"by": 2}), "arguments is of use to a function"),
    (lambda: layers.merge([X, X], output_shape=(3,)), "output_shape is of use to a function"),
]


@pytest.mark.parametrize(("call", "words"), CONTRADICTIONS, ids=[w for _, w in CONTRADICTIONS])
def test_contradictions_are_refused(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()


# A layer, Keras 1's arguments, and the same of today.
ARGUMENTS = {
    "LSTM": (
        {"output_dim": 3, "inner_init": "zeros", "forget_bias_init": "one", "consume_less": "gpu"},
        {"units": 3, "recurrent_initializer": "zeros", "unit_forget_bias": True},
    ),
    "Embedding": (
        {"input_dim": 3, "output_dim": 2, "init": "zeros", "dropout": 0.0},
        {"input_dim": 3, "output_dim": 2, "embeddings_initializer": "zeros"},
    ),
    "BatchNormalization": ({"mode": 0, "beta_init": "ones"}, {"beta_initializer": "ones"}),
    "PReLU": ({"init": "ones"}, {"alpha_initializer": "ones"}),
    "UpSampling1D": ({"length": 3}, {"size": 3}),
    "UpSampling2D": ({"dim_ordering": "th"}, {"data_format": "channels_first"}),
    "ZeroPadding2D": ({"dim_ordering": "tf"}, {"data_format": "channels_last"}),
    "Cropping3D": ({"dim_ordering": "th"}, {"data_format": "channels_first"}),
    "LocallyConnected2D": (
        {"nb_filter": 4, "nb_row": 3, "nb_col": 2},
        {"filters": 4, "kernel_size": (3, 2)},
    ),
    "Conv3D": (
        {"nb_filter": 4, "kernel_dim1": 3, "kernel_dim2": 2, "kernel_dim3": 1, "subsample": 2},
        {"filters": 4, "kernel_size": (3, 2, 1), "strides": 2},
    ),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_of_keras_1(name):
    older, newer = ARGUMENTS[name]
    made = [getattr(layers, name)(name="same", **given) for given in (older, newer)]
    assert made[0].get_config() == made[1].get_config()


def test_regularizers_of_keras_1():
    from kerasish.regularizers import WeightRegularizer, activity_l2, l1l2

    assert float(l1l2(1.0, 0.5)(np.array([1.0, -2.0]))) == 5.5
    assert WeightRegularizer(l2=0.5)([2.0]) == activity_l2(0.5)([2.0]) == 2.0


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("sum", 2 * X),
        ("mul", X * X),
        ("ave", X),
        ("max", X),
        ("concat", np.concatenate([X, X], 1)),
        ("dot", (X * X).sum(1, keepdims=True)),
        ("cos", np.ones((2, 1))),
        (lambda tensors: tensors[0] - tensors[1], 0 * X),
    ],
)
def test_merge(mode, expected):
    tensor = ops.convert_to_tensor(X)
    np.testing.assert_allclose(layers.merge([tensor, tensor], mode=mode), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.BatchNormalization(mode=2), ValueError, "mode: .* can only be 0"),
        (lambda: layers.Conv2D(1, 2, nb_row=1), TypeError, "kernel_size"),
        (lambda: layers.Merge([layers.Dense(1)]), ValueError, "dense.* doesn't know the shape"),
        (lambda: layers.Merge(mode="sub"), ValueError, "mode must be one of sum"),
        (lambda: layers.Recurrent()(X[None]), ValueError, "must set units"),
        (lambda: layers.ConvRecurrent2D(3, 3), NotImplementedError, "use ConvLSTM2D"),
        (lambda: layers.ThresholdedReLU(-1), ValueError, "must not be negative"),
        (lambda: old.normalize_tuple((1, 2), 3, "size"), ValueError, "size must be an int or 3"),
        (lambda: old.normalize_padding("full"), ValueError, "padding must be"),
        (lambda: old.convert_kernel(X), ValueError, "3 to 5 axes"),
        (lambda: old.slice_arrays(X, [0], 1), ValueError, "stop must be None"),
        (lambda: old.transpose_shape((1,), "first", (1,)), ValueError, "data_format"),
        (lambda: old.check_for_unexpected_keys("d", {"a": 1}, ["b"]), ValueError, "keys .'a'."),
        (lambda: old.convert_dense_weights_data_format(0, (1,), "x"), ValueError, "channels_first"),
        (lambda: old.multi_gpu_model(0, gpus=2), NotImplementedError, "on one"),
    ],
)
def test_clear_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---------------------------------------------------------------- utils


@pytest.mark.parametrize("padding", ["valid", "same", "causal", "full"])
@pytest.mark.parametrize(("window", "stride", "dilation"), [(3, 1, 1), (2, 2, 1), (3, 1, 2)])
def test_lengths_of_convolutions(padding, window, stride, dilation):
    got = old.conv_output_length(9, window, padding, stride, dilation)
    reach = (window - 1) * dilation
    padded = {"valid": 9, "same": 9 + reach, "causal": 9 + reach, "full": 9 + 2 * reach}[padding]
    assert got == len(range(0, padded - reach, stride))
    if padding in ("valid", "same"):
        conv = layers.Conv1D(1, window, strides=stride, padding=padding, dilation_rate=dilation)
        assert conv.compute_output_shape((None, 9, 1)) == (None, got, 1)
        back = layers.Conv1DTranspose(1, window, strides=stride, padding=padding)
        if dilation == 1:
            length = old.deconv_length(9, stride, window, padding, None)
            assert back.compute_output_shape((None, 9, 1)) == (None, length, 1)
    assert old.conv_output_length(None, window, padding, stride) is None


def test_lengths_the_other_way():
    assert old.conv_input_length(4, 3, "valid", 2) == 9
    assert old.conv_input_length(4, 3, "full", 1) == 2
    assert old.deconv_length(5, 2, 3, "full", None) == 7
    assert old.deconv_length(5, 2, 3, "same", 1) == 10
    assert old.conv_input_length(None, 3, "valid", 2) is old.deconv_length(None, 1, 1, "same", 0)


def test_small_helpers():
    assert (old.to_list(1), old.to_list((1, 2), allow_tuple=True)) == ([1], [1, 2])
    assert (old.unpack_singleton([1]), old.unpack_singleton([1, 2])) == (1, [1, 2])
    assert old.is_all_none([None, None])
    assert not old.is_all_none(0)
    assert old.object_list_uid([X, X]) != old.object_list_uid([X])
    assert old.slice_arrays([X, None], [1])[0].tolist() == X[[1]].tolist()
    assert old.slice_arrays(None) == [None]
    assert old.has_arg(lambda **kwargs: 1, "x", accept_all=True)
    assert not old.has_arg(lambda **kwargs: 1, "x")
    assert old.getargspec(lambda x, y=1: x).args == ["x", "y"]
    offset = 3
    assert old.func_load(old.func_dump(lambda x: x + offset))(1) == 4
    shared = layers.Dense(2)
    shared.build((None, 3))
    assert old.count_params([*shared.weights, shared.kernel]) == 8
    a, b = layers.Input((3,)), layers.Input((3,))
    found = old.get_source_inputs(layers.add([shared(a), shared(b)]))
    assert {id(x) for x in found} == {id(a), id(b)}


def test_kernels_for_other_layouts():
    model = models.Sequential(
        [layers.Input((4, 4, 2)), layers.Conv2D(3, 2), layers.Flatten(), layers.Dense(2)]
    )
    kernel, dense = model.layers[0].get_weights()[0], model.layers[2].get_weights()[0]
    old.convert_all_kernels_in_model(model)
    turned = model.layers[0].get_weights()[0]
    np.testing.assert_array_equal(turned, kernel[::-1, ::-1])
    maps = np.random.default_rng(0).standard_normal((1, 3, 3, 3)).astype("float32")
    expected = model.layers[2](maps.reshape(1, -1)).numpy()
    old.convert_dense_weights_data_format(model.layers[2], (3, 3, 3))
    got = model.layers[2](np.moveaxis(maps, -1, 1).reshape(1, -1)).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    old.convert_dense_weights_data_format(model.layers[2], (3, 3, 3), "channels_last")
    np.testing.assert_array_equal(model.layers[2].get_weights()[0], dense)


def test_files_in_memory_and_questions(monkeypatch):
    stream = io.BytesIO()
    old.save_to_binary_h5py(lambda file: file.create_dataset("x", data=X), stream)
    stream.seek(0)
    np.testing.assert_array_equal(old.load_from_binary_h5py(lambda file: file["x"][:], stream), X)
    answers = iter(["what", "Y", "n"])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    assert [old.ask_to_proceed_with_overwrite("x.h5") for _ in range(2)] == [True, False]


def test_h5_dict(tmp_path):
    from kerasish.utils.io_utils import H5Dict

    path = tmp_path / "some.h5"
    with H5Dict(path) as file:
        file["layer"]["kernel"] = X
        file.update({"config": "{}", "bytes": b"\0x\0"}, names=["a", "b"])
        assert file.setdefault("count", 3) == file.setdefault("count", 4) == 3
        with pytest.raises(KeyError, match="is there already"):
            file["count"] = 4
    with H5Dict(str(path), "r") as file:
        assert sorted(file) == sorted(file.keys()) == ["bytes", "config", "count", "layer", "names"]
        np.testing.assert_array_equal(file["layer"]["kernel"], X)
        assert (file["config"], file["bytes"], list(file["names"])) == ("{}", b"\0x\0", ["a", "b"])
        assert (len(file), file.get("nothing", 1)) == (5, 1)
        with pytest.raises(KeyError, match="has no 'nothing'"):
            file["nothing"]
        with pytest.raises(ValueError, match="for reading only"):
            file["new"] = 1
    with pytest.raises(TypeError, match="path of a file"):
        H5Dict({})


def test_rows_of_hdf5_matrix(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"] = np.arange(8)
    rows = kerasish.utils.HDF5Matrix(tmp_path / "x.h5", "x", start=2, end=7)
    everything = np.arange(2, 7)
    for key in (0, -1, slice(1, 4), slice(None, None, -2), [3, 0, 3], [], everything % 2 == 0):
        np.testing.assert_array_equal(rows[key], everything[key])
    for key in ([1.5], [True, False], 5, [-6], ["a"]):
        with pytest.raises(IndexError, match="HDF5Matrix"):
            rows[key]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"length": 4, "sampling_rate": 2, "stride": 3, "batch_size": 2},
        {"length": 2, "start_index": 3, "end_index": 11, "reverse": True, "batch_size": 3},
    ],
)
def test_timeseries_generator(options):
    from kerasish.preprocessing.sequence import TimeseriesGenerator

    asked = {"length": 3, "stride": 1, "sampling_rate": 1, "start_index": 0, "end_index": 19}
    asked |= {"reverse": False, "batch_size": 128} | options
    data, targets = np.arange(40).reshape(20, 2), list(range(100, 120))
    batches = TimeseriesGenerator(data, targets, **asked)
    first, last = asked["start_index"] + asked["length"], asked["end_index"]
    ends = range(first, last + 1, asked["stride"])
    windows = [data[end - asked["length"] : end][:: asked["sampling_rate"]] for end in ends]
    windows = [window[::-1] if asked["reverse"] else window for window in windows]
    assert len(batches) == -(-len(windows) // asked["batch_size"])
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), windows)
    assert np.concatenate([y for _, y in batches]).tolist() == [100 + end for end in ends]
    config = json.loads(batches.to_json())["config"]
    assert (json.loads(config["data"])[1], config["start_index"]) == ([2, 3], first)
    model = models.Sequential([layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit_generator(batches, epochs=1, verbose=0)


def test_timeseries_generator_at_random_and_refused():
    from kerasish.preprocessing.sequence import TimeseriesGenerator

    x, y = TimeseriesGenerator(range(9), range(9), 2, shuffle=True, batch_size=50)[0]
    assert (x[:, 1] + 1 == y).all()
    assert set(y) == set(range(2, 9))
    for arguments, words in (((range(9), range(8), 2), "each of the 9"), ((X, X, 99), "no window")):
        with pytest.raises(ValueError, match=words):
            TimeseriesGenerator(*arguments)


def test_skipgrams():
    from kerasish.preprocessing.sequence import make_sampling_table, skipgrams

    text = [1, 2, 0, 3, 4, 1]
    pairs, labels = skipgrams(text, 5, window_size=2, seed=1)
    near = {(a, b) for i, a in enumerate(text) for b in text[max(0, i - 2) : i + 3] if a and b}
    found = [tuple(pair) for pair, label in zip(pairs, labels, strict=True) if label]
    assert set(found) == near - {(n, n) for n in range(5)}
    assert (len(pairs), sum(labels)) == (2 * len(found), len(found))
    assert all(0 < a < 5 and 0 < b < 5 for a, b in pairs)
    assert (pairs, labels) == skipgrams(text, 5, window_size=2, seed=1)
    assert skipgrams(text, 5, categorical=True)[1][0] in ([0, 1], [1, 0])
    assert skipgrams(text, 5, sampling_table=np.zeros(5)) == ([], [])
    # What Keras 2.3.1 draws.
    random.seed(1)
    pairs = [[2, 8], [2, 1], [3, 2], [2, 8], [1, 2], [2, 3], [3, 5], [1, 2]]
    assert skipgrams([1, 2, 3], 9, window_size=1) == (pairs, [0, 1, 1, 0, 0, 1, 0, 1])
    pairs, _ = skipgrams([1, 2, 3], 9, window_size=1, negative_samples=0, seed=4)
    assert pairs == [[2, 3], [1, 2], [3, 2], [2, 1]]
    table = make_sampling_table(10**6, 1e-3)
    assert table[0] == table[1] == pytest.approx(0.0315, abs=1e-4)
    assert (np.diff(table) >= 0).all()
    assert table[-1] == 1
