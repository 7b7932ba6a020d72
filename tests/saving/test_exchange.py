"""Files recorded from other Kerases, and all layers through our own files.

python test_exchange.py write FOLDER    for `golden/exchange.py check FOLDER` of another Keras
python test_exchange.py check FOLDER    reads what `golden/exchange.py record FOLDER` wrote
"""

import json
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "golden")]

import exchange  # noqa: E402

from kerasish import layers, models, saving  # noqa: E402
from kerasish.saving.layouts import Source, shares  # noqa: E402

h5py = pytest.importorskip("h5py")
GOLDEN = TESTS / "golden"
RECORDED = sorted(path.stem for kind in ("h5", "keras") for path in GOLDEN.glob(f"*.{kind}"))


def suffix_of(name):
    return ".keras" if (GOLDEN / f"{name}.keras").exists() else ".h5"


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_files(name, engine):
    if engine.name not in ("numpy", "tensorflow") and "chain" not in name:
        pytest.skip("one model per slow engine")
    says = saving.made_on("theano") if "1.2.2-theano" in name else nullcontext()
    with says:
        right, wrong = exchange.check(GOLDEN, models.load_model, name, suffix_of(name))
    assert (right, wrong) == (1, [])


def test_files_of_keras1_do_not_say_their_engine(tmp_path):
    path = GOLDEN / "keras-1.2.2-theano-same.h5"
    with pytest.warns(UserWarning, match="Keras 1") as told:
        as_on_tensorflow = models.load_model(path)
    words = [str(warning.message) for warning in told]
    assert len(words) == 2
    for part, text in zip(("padding", "the kernels of"), words, strict=True):
        assert part in text
        assert "made_on('theano')" in text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with saving.made_on("tensorflow"):
            again = models.load_model(path)
        with saving.made_on("theano"):
            as_on_theano = models.load_model(path)
            again.load_weights(path)
    for one, other in zip(again.get_weights(), as_on_theano.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    x = np.load(path.with_suffix(".npz"))["x0"]
    expected = as_on_theano.predict(x, verbose=0)
    assert not np.allclose(as_on_tensorflow.predict(x, verbose=0), expected)
    as_on_theano.save(tmp_path / "m.keras")
    back = models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(back.predict(x, verbose=0), expected, 1e-5, 1e-5)
    with pytest.raises(ValueError, match="made_on: expected one of"), saving.made_on("cntk"):
        pass


TURNED = [
    layers.Conv2D(2, 3),
    layers.ConvLSTM2D(2, 3),
    layers.ConvRNN2D(layers.ConvLSTM2DCell(2, 3)),
]


@pytest.mark.parametrize("layer", TURNED, ids=lambda layer: type(layer).__name__)
def test_theano_turns_the_kernels_of_all_convolutions(layer):
    layer.build((1, 5, 5, 3) if layer is TURNED[0] else (1, 4, 5, 5, 3))
    arrays = layer.get_weights()
    source = Source("2.3.1", "theano")
    (share,) = shares(layer, layer.weights, [a.shape for a in arrays], source)
    for turned, array in zip(share.convert(share.layer, arrays), arrays, strict=True):
        expected = array[::-1, ::-1] if array.ndim == 4 else array
        np.testing.assert_array_equal(turned, expected)


@pytest.mark.parametrize(
    ("name", "shape"), [("ConvLSTM2D", (3, 4, 4, 2)), ("SeparableConv2D", (4, 4, 2))]
)
def test_what_only_theano_padded(name, shape):
    layer = getattr(layers, name)(2, 2, padding="same", name="odd")
    model = models.Sequential([layers.Input(shape), layer])
    config = json.loads(model.to_json()) | {"backend": "theano", "keras_version": "2.3.1"}
    with pytest.raises(ValueError, match=rf"'odd' \({name}\) of a model made on Theano"):
        models.model_from_json(json.dumps(config))


@pytest.mark.parametrize("name", [name for name in RECORDED if name.endswith(("chain", "graph"))])
def test_recorded_training_goes_on(name):
    model = models.load_model(GOLDEN / (name + suffix_of(name)))
    assert int(model.optimizer.iterations) == 4  # 2 epochs of 2 steps
    assert all(np.any(slot != 0) for slot in model.optimizer.get_weights())
    before = model.get_weights()
    exchange.trained(model)
    assert any(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))


def test_weights_of_cudnn_fit_plain_layers_and_back():
    arrays = np.load(GOLDEN / "keras-2.3.1-cudnn.npz")
    path = GOLDEN / "keras-2.3.1-cudnn.h5"
    L = layers
    plain = models.Sequential(
        [
            L.Input((5, 4)),
            L.LSTM(3, return_sequences=True, name="a"),
            L.GRU(2, return_sequences=True, name="b"),
            L.Bidirectional(L.GRU(2, return_sequences=True), name="c"),
            L.Bidirectional(L.LSTM(2), name="d"),
        ]
    )
    for by_name in (False, True):
        plain.load_weights(path, by_name=by_name)
        np.testing.assert_allclose(plain.predict(arrays["x0"], verbose=0), arrays["y0"], 1e-5, 1e-5)
        plain.set_weights([0 * w for w in plain.get_weights()])
    before = models.Sequential([L.Input((5, 3)), L.GRU(2, reset_after=False, name="b")])
    with pytest.raises(ValueError, match="b/gru_cell/bias has shape"):
        before.load_weights(path, by_name=True)


def keras1(name, **config):
    return {"class_name": name, "config": {"name": name.lower(), **config}}


def test_layers_of_keras1_that_do_not_say_where_the_channels_are():
    first = keras1(
        "Convolution2D", nb_filter=3, nb_row=2, nb_col=2, batch_input_shape=[None, 2, 6, 7],
        dim_ordering="th",
    )  # fmt: skip
    stack = [
        first,
        keras1("ZeroPadding2D", padding=[1, 1]),
        keras1("Cropping2D", cropping=[[1, 0]] * 2),
    ]
    config = {"class_name": "Sequential", "config": stack, "keras_version": "1.2.2"}
    assert models.model_from_json(json.dumps(config)).output_shape == (None, 3, 6, 7)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (keras1("BatchNormalization", mode=1), "mode 1, by the statistics of each sample"),
        (keras1("BatchNormalization", mode=2), "mode 2, by the statistics of each batch"),
        (keras1("Merge", mode="halves", layers=[]), "merges by 'halves'"),
    ],
)
def test_what_only_keras1_did(layer, words):
    first = keras1("Dense", output_dim=3, batch_input_shape=[None, 2])
    config = {"class_name": "Sequential", "config": [first, layer], "keras_version": "1.2.2"}
    with pytest.raises(ValueError, match=f"{layer['config']['name']}.* {words}"):
        models.model_from_json(json.dumps(config))


def test_attention_in_the_form_of_tf_keras(tmp_path):
    x = layers.Input((4, 6))
    model = models.Model(x, layers.MultiHeadAttention(2, 3)(x, value=x))
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        config = json.loads(file.attrs["model_config"])["config"]["layers"][1]["config"]
    for key in ("query_shape", "key_shape", "value_shape"):  # which it needs
        assert config[key] is None
    assert not {"flash_attention", "sliding_window", "use_gate", "seed"} & config.keys()
    loaded = models.load_model(tmp_path / "m.h5")
    assert loaded.count_params() == model.count_params()


def test_bilinear_keeps_its_meaning(tmp_path):
    """That of Keras 2.3 differs from all later ones', under one name."""
    x = np.arange(8, dtype="float32").reshape(1, 2, 4, 1)
    images = layers.Input((2, 4, 1))
    for name, version in (("keras2_bilinear", "2.3.1"), ("bilinear", "2.15.0")):
        model = models.Sequential([images, layers.UpSampling2D(2, interpolation=name)])
        for suffix in (".keras", ".h5"):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model.save(tmp_path / f"m{suffix}")
            told = any("2.2 and 2.3" in str(w.message) for w in caught)
            assert told is (suffix == ".h5" and name == "bilinear")
            loaded = models.load_model(tmp_path / f"m{suffix}")
            assert loaded.layers[0].interpolation == name
            np.testing.assert_array_equal(loaded(x), model(x))
        with h5py.File(tmp_path / "m.h5") as file:
            assert file.attrs["keras_version"].decode() == version
            assert (
                json.loads(file.attrs["model_config"])["config"]["layers"][1]["config"][
                    "interpolation"
                ]
                == "bilinear"
            )
    model.add(layers.UpSampling2D(2, interpolation="keras2_bilinear"))
    with pytest.raises(ValueError, match=r"bilinear and keras2_bilinear.* one and the same name"):
        model.save(tmp_path / "m.h5")


def test_hard_sigmoid_keeps_its_meaning(tmp_path):
    """Keras 2's differs from Keras 3's, under one name."""
    x = np.linspace(-4, 4, 8, dtype="float32").reshape(1, 8)
    expected = {
        "keras2_hard_sigmoid": np.clip(0.2 * x + 0.5, 0, 1),
        "hard_sigmoid": np.clip(x / 6 + 0.5, 0, 1),
    }
    for name, values in expected.items():
        model = models.Sequential([layers.Input((8,)), layers.Activation(name)])
        for suffix in (".keras", ".h5"):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model.save(tmp_path / f"m{suffix}")
            told = any("another way" in str(w.message) for w in caught)
            assert told is (suffix == ".h5" and name == "hard_sigmoid")
            loaded = models.load_model(tmp_path / f"m{suffix}")
            np.testing.assert_allclose(loaded.predict(x, verbose=0), values, 1e-5, 1e-5)
    model.add(layers.Activation("keras2_hard_sigmoid"))
    with pytest.raises(ValueError, match="one and the same name"):
        model.save(tmp_path / "m.h5")


@pytest.mark.filterwarnings("ignore:Programs of Keras 2")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_every_layer_comes_back(suffix, tmp_path):
    exchange.write(tmp_path, "ours", layers, models, suffix)
    right, wrong = exchange.check(tmp_path, models.load_model, "ours", suffix)
    assert wrong == []
    assert right == len(exchange.makers(layers, models))


if __name__ == "__main__":
    if sys.argv[1] == "write":
        exchange.write(sys.argv[2], "kerasish", layers, models)
    else:
        right, wrong = exchange.check(sys.argv[2], models.load_model)
        print("\n".join(wrong))
        print(right, "right,", len(wrong), "wrong")
