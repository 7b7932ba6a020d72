"""Quantizers, and layers and models that are quantized."""

import numpy as np
import pytest

from kerasish import Input, Model, Sequential, Variable, layers, ops, quantizers, saving

X = np.random.RandomState(0).normal(size=(2, 3, 4)).astype("float32")


# --- functions ---------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_packed_numbers_come_back(axis, dtype):
    numbers = np.random.RandomState(1).randint(-8, 8, (5, 3)) + (8 if dtype == "uint8" else 0)
    numbers = numbers.astype(dtype)
    packed, shape, length = quantizers.pack_int4(numbers, axis, dtype)
    assert packed.shape == shape
    assert shape[axis] == (numbers.shape[axis] + 1) // 2
    assert (quantizers.unpack_int4(packed, length, axis, dtype).numpy() == numbers).all()


def test_gradients_pass_fake_quantization():
    x, low, high = Variable(np.array([-2.0, -0.5, 0.1, 0.6, 3.0])), Variable(-1.0), Variable(1.0)
    loss = ops.sum(quantizers.fake_quant_with_min_max_vars(x, low, high))
    found = [g.numpy().tolist() for g in ops.gradients(loss, [x, low, high])]
    assert found == [[0, 1, 1, 1, 0], 1, 1]


def test_quantizers_by_name_and_config():
    one = quantizers.AbsMaxQuantizer(axis=0)
    again = quantizers.deserialize(quantizers.serialize(one))
    assert again.get_config() == one.get_config()
    assert quantizers.get("AbsMaxQuantizer").axis == ()
    assert (quantizers.get(None), quantizers.get(one)) == (None, one)
    config = quantizers.deserialize(quantizers.serialize(quantizers.Int8QuantizationConfig(one)))
    assert (config.mode, config.weight_quantizer.axis) == ("int8", (0,))


# --- layers ------------------------------------------------------------------------------

EINSUMS = ["abc,cd->abd", "abc,bd->adc", "abc,cde->abed", "...c,cd->...d"]
SIZES = {"abc,cd->abd": (None, 5), "abc,bd->adc": (5, 4), "abc,cde->abed": (None, 2, 5)}
MAKE = {
    "Dense": lambda **kwargs: layers.Dense(5, "tanh", **kwargs),
    "Embedding": lambda **kwargs: layers.Embedding(7, 4, **kwargs),
    **{
        equation: lambda equation=equation, **kwargs: layers.EinsumDense(
            equation, SIZES.get(equation, (5,)), bias_axes="d", **kwargs
        )
        for equation in EINSUMS
    },
}


def inputs_of(name):
    return np.array([[1, 6]]) if name == "Embedding" else X


@pytest.mark.parametrize("name", MAKE)
def test_quantized_layers_compute_nearly_the_same(name):
    layer, x = MAKE[name](), inputs_of(name)
    before = layer(x).numpy()
    layer.quantize("int8")
    after = layer(x).numpy()
    assert 0 < np.abs(after - before).max() < 0.03
    table, scale = layer._table, f"{layer._table}_scale"
    assert (getattr(layer, table).dtype, getattr(layer, scale).trainable) == ("int8", False)
    again = type(layer).from_config(layer.get_config())
    again(x)
    again.set_weights(layer.get_weights())
    assert again(x).numpy().tolist() == after.tolist()


def test_inputs_stay_as_they_are_if_the_config_says_so():
    layer = layers.Dense(5)
    layer.build(X.shape)
    layer.quantize(config=quantizers.Int8QuantizationConfig(activation_quantizer=None))
    kernel = layer.kernel.numpy() / layer.kernel_scale.numpy()
    assert layer(X).numpy() == pytest.approx(X @ kernel, abs=1e-6)
    assert layer.get_config()["quantization_config"]["config"]["activation_quantizer"] is None


def test_gradient_is_that_of_the_rounded_kernel():
    layer = layers.Dense(5)
    layer.build(X.shape)
    layer.quantize("int8")
    x = Variable(X)
    kernel = layer.kernel.numpy() / layer.kernel_scale.numpy()
    found = ops.gradients(ops.sum(layer(x)), x).numpy()
    assert found == pytest.approx(np.broadcast_to(kernel.sum(1), X.shape), abs=1e-6)


def test_models(tmp_path, engine):
    inputs = Input((3, 4))
    x = layers.MultiHeadAttention(2, 3)(inputs, inputs)
    x = layers.Dense(3, name="chosen")(layers.BatchNormalization()(x))
    model = Model(inputs, layers.Dense(1, name="other")(x))
    model.compile("adam", "mse")
    target = X[:, :, :1]
    model.fit(X, target, verbose=0)
    before = model.predict(X, verbose=0)
    model.quantize("int8", filters="^(?!other)")
    modes = {layer.name: layer.quantization_mode for layer in model._flatten_layers()}
    assert (modes["chosen"], modes["query"], modes["other"]) == ("int8", "int8", None)
    assert model.predict(X, verbose=0) == pytest.approx(before, abs=0.1)
    model.fit(X, target, verbose=0)
    expected = model.predict(X, verbose=0)
    model.save(tmp_path / "model.keras")
    again = saving.load_model(tmp_path / "model.keras")
    assert again.predict(X, verbose=0) == pytest.approx(expected, abs=1e-6)
    again.save_weights(tmp_path / "w.weights.h5")
    model.load_weights(tmp_path / "w.weights.h5")
    assert model.predict(X, verbose=0) == pytest.approx(expected, abs=1e-6)


class Own(layers.Dense):
    pass


def built(layer):
    layer.build((None, 4))
    return layer


def twice():
    layer = built(layers.Dense(2))
    layer.quantize("int8")
    layer.quantize("int8")


Q = quantizers
WRONG = [
    (lambda: layers.Dense(2).quantize("int8"), ValueError, "needs a layer that is built"),
    (lambda: built(layers.Dense(2)).quantize(), ValueError, "needs a mode, or a config"),
    (lambda: built(layers.Dense(2)).quantize("int7"), ValueError, 'must be "int8", but got \'int'),
    (lambda: built(layers.Dense(2)).quantize("float8"), NotImplementedError, 'only "int8" is'),
    (lambda: built(Own(2)).quantize("int8"), NotImplementedError, "not what a subclass of it"),
    (twice, ValueError, "quantized already, as int8_from_float32"),
    (lambda: layers.Dropout(0.5).quantize("int8"), NotImplementedError, "cannot be quantized"),
    (lambda: Sequential([]).quantize("int7"), ValueError, "Model .*: the mode must be"),
    (lambda: Q.Int4QuantizationConfig(), NotImplementedError, "only int8"),
    (lambda: Q.QuantizationConfig().mode, NotImplementedError, "has no mode"),
    (lambda: Q.Quantizer()(X), NotImplementedError, "Quantizer must define"),
    (lambda: Q.get("abs_max"), ValueError, "Unknown quantizer 'abs_max'"),
    (lambda: Q.abs_max_quantize(np.array([1]), 0), TypeError, "takes floats, but got int"),
    (lambda: Q.pack_int4(X.astype("int32")), TypeError, "of dtype int8, but got int32"),
    (lambda: Q.pack_int4(X, dtype="int16"), ValueError, '"int8" or "uint8", but got \'int16\''),
    (lambda: Q.fake_quant_with_min_max_vars(X, 0, 1, 17), ValueError, "from 2 to 16, but got 17"),
    (lambda: Q.quantize_and_dequantize(X, 1, "int8", "float32"), ValueError, "must be one of"),
    (lambda: Q.abs_max_quantize_grouped_with_zero_point(X, 2), ValueError, "but got 3 axes"),
]


@pytest.mark.parametrize(("make", "error", "message"), WRONG)
def test_mistakes(make, error, message):
    with pytest.raises(error, match=message):
        make()
