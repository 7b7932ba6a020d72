"""Quantizers, quantized layers and FeatureSpace, against Keras 3."""

import numpy as np
import pytest

import kerasish
from kerasish import quantizers, saving

keras = pytest.importorskip("keras", minversion="3")
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Layer InputLayer does not have a `quantize`:UserWarning"),
]

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(3, 4)).astype("float32")
SPREAD = np.concatenate([2.0 ** np.arange(-18, 10), np.linspace(-500, 500, 41), [0, 1.0625]])
SPREAD = SPREAD.astype("float32")
LOW, HIGH = np.array([-1, -2, -0.5, 0], "float32"), np.array([1, 1, 0.5, 2], "float32")
NUMBERS = RANDOM.randint(-8, 8, (5, 3)).astype("int8")

CALLS = [
    ("abs_max_quantize", (X,), {"axis": 0}),
    ("abs_max_quantize", (X,), {"axis": None}),
    ("abs_max_quantize", (X,), {"axis": (0, 1), "value_range": (-8, 7), "dtype": "int16"}),
    ("abs_max_quantize", (X.astype("float16"),), {"axis": -1}),
    *(
        ("abs_max_quantize_grouped_with_zero_point", (x,), {"block_size": size})
        for x, size in [
            (RANDOM.normal(size=(6, 2)).astype("float32"), 4),
            (X * 0, 2),
            (X * 0 + 3, 2),
        ]
    ),
    *(
        ("quantize_and_dequantize", (x, np.float32(scale), dtype, "float32"), {})
        for dtype in ("float8_e4m3fn", "float8_e5m2")
        for x, scale in [(SPREAD, 1.0), (SPREAD * 1000, 0.37)]
    ),
    *(
        ("compute_float8_scale", (np.float32(amax), np.float32(3), 448.0, margin), {})
        for amax in (2, 0, np.inf)
        for margin in (0, 1)
    ),
    ("compute_float8_amax_history", (X, np.arange(4, dtype="float32")), {}),
    ("pack_int4", (NUMBERS,), {"axis": 0}),
    ("pack_int4", (NUMBERS,), {"axis": -1}),
    ("pack_int4", ((NUMBERS + 8).astype("uint8"),), {"dtype": "uint8"}),
    ("fake_quant_with_min_max_vars", (X, -1.0, 1.0), {"num_bits": 4, "narrow_range": True}),
    ("fake_quant_with_min_max_vars", (X, 0.3, 1.0), {}),
    ("fake_quant_with_min_max_vars", (X, LOW, HIGH), {"axis": 1}),
]


@pytest.mark.parametrize(
    ("name", "args", "kwargs"), CALLS, ids=lambda x: x if type(x) is str else ""
)
def test_functions(name, args, kwargs):
    wanted = getattr(keras.quantizers, name)(*args, **kwargs)
    found = getattr(quantizers, name)(*args, **kwargs)
    pairs = [(wanted, found)] if not isinstance(found, tuple) else zip(wanted, found, strict=True)
    for theirs, ours in pairs:
        theirs, ours = np.asarray(theirs), np.asarray(ours)
        assert (theirs.dtype, theirs.shape) == (ours.dtype, ours.shape)
        assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-6)


CUBE = RANDOM.normal(size=(2, 3, 4)).astype("float32")
LAYERS = [
    ("Dense", (5, "relu"), CUBE),
    ("EinsumDense", ("abc,cde->abde", (None, 2, 3)), CUBE),
    ("EinsumDense", ("abc,ced->abde", (None, 5, 2)), CUBE),
    ("EinsumDense", ("abc,bd->adc", (5, 4)), CUBE),
    ("Embedding", (7, 4), np.array([[1, 2, 6]])),
]


@pytest.mark.parametrize(("name", "args", "x"), LAYERS)
def test_quantized_layers(name, args, x):
    theirs, ours = (getattr(module.layers, name)(*args, name="l") for module in (keras, kerasish))
    theirs(x), ours(x)
    ours.set_weights([np.asarray(w) for w in theirs.weights])
    theirs.quantize("int8")
    ours.quantize("int8")
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    for wanted, found in zip(theirs.weights, ours.weights, strict=True):
        assert (wanted.dtype, wanted.trainable) == (found.dtype, found.trainable)
        assert (np.asarray(wanted) == found.numpy()).all()
    assert ours(x).numpy() == pytest.approx(np.asarray(theirs(x)), abs=1e-6)
    for entry in ("dtype", "quantization_config"):
        assert ours.get_config()[entry] == theirs.get_config()[entry]


def test_files_of_quantized_models(tmp_path):
    def made(module):
        sizes = [module.layers.Input((4,)), module.layers.Dense(3, "relu"), module.layers.Dense(2)]
        model = module.Sequential(sizes)
        model.quantize("int8")
        return model

    theirs, ours = made(keras), made(kerasish)
    theirs.save(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    read = saving.load_model(tmp_path / "theirs.keras")
    assert read(X).numpy() == pytest.approx(np.asarray(theirs(X)), abs=1e-6)
    read = keras.models.load_model(tmp_path / "ours.keras")
    assert np.asarray(read(X)) == pytest.approx(ours(X).numpy(), abs=1e-6)


# --- FeatureSpace ------------------------------------------------------------------------

ROWS = 40
COLUMNS = {
    "z": RANDOM.normal(size=ROWS).astype("float32"),
    "b": RANDOM.choice(list("xyzw"), ROWS),
    "i": RANDOM.randint(0, 6, ROWS),
    "f": RANDOM.normal(size=ROWS),
    "d": RANDOM.normal(size=ROWS),
    "h": RANDOM.randint(0, 99, ROWS),
    "g": RANDOM.choice(["p", "q"], ROWS),
}


def space(module):
    kinds = module.utils.FeatureSpace
    features = {
        "z": kinds.float_normalized(),
        "b": kinds.string_categorical(max_tokens=4),
        "i": "integer_categorical",
        "f": kinds.float_rescaled(2.0, 1.0),
        "d": kinds.float_discretized(num_bins=4),
        "h": kinds.integer_hashed(7),
        "g": "string_hashed",
    }
    crosses = [("i", "b"), kinds.cross(("g", "h"), 5)]
    return kinds(features, crosses=crosses, crossing_dim=9, hashing_dim=3)


def test_feature_space(tmp_path):
    import tensorflow as tf

    rows = tf.data.Dataset.from_tensor_slices(COLUMNS)
    theirs, ours = space(keras), space(kerasish)
    for each in (theirs, ours):
        each.adapt(rows.batch(16))
    wanted = np.asarray(theirs(COLUMNS))
    assert ours(COLUMNS).numpy() == pytest.approx(wanted, abs=1e-6)
    one = {name: column[3] for name, column in COLUMNS.items()}
    assert ours(one).numpy() == pytest.approx(np.asarray(theirs(one)), abs=1e-6)
    mapped = rows.batch(16).map(ours)
    assert mapped.element_spec.shape == (None, wanted.shape[1])
    found = np.concatenate(list(mapped.as_numpy_iterator()))
    assert found == pytest.approx(wanted, abs=1e-6)
    assert rows.map(ours).element_spec.shape == wanted.shape[1:]
    theirs.save(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    read = saving.load_model(tmp_path / "theirs.keras")
    assert read(COLUMNS).numpy() == pytest.approx(wanted, abs=1e-6)
    read = keras.models.load_model(tmp_path / "ours.keras")
    assert np.asarray(read(COLUMNS)) == pytest.approx(wanted, abs=1e-6)
