"""Models: how they are put together, their weights, configs, clones and summaries."""

import json

import numpy as np
import pytest

from kerasish import layers, models, ops
from kerasish.graph.trace import Trace
from kerasish.models import Model, Sequential, clone_model
from kerasish.saving import custom_object_scope, deserialize_keras_object, serialize_keras_object

L = layers
X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


def same(actual, expected):
    if isinstance(expected, dict):
        assert sorted(actual) == sorted(expected)
        actual, expected = ([d[k] for k in sorted(expected)] for d in (actual, expected))
    if isinstance(expected, (list, tuple)):
        for a, e in zip(actual, expected, strict=True):
            same(a, e)
    else:
        np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), 1e-6, 1e-6)


def through_json(config):
    return json.loads(json.dumps(config))


# --- Sequential --------------------------------------------------------------------------

STACKS = {
    "Input": lambda: Sequential([L.Input((4,)), L.Dense(3), L.Dense(2)]),
    "InputLayer": lambda: Sequential([L.InputLayer((4,)), L.Dense(3), L.Dense(2)]),
    "input_shape": lambda: Sequential([L.Dense(3, input_shape=(4,)), L.Dense(2)]),
    "input_dim": lambda: Sequential([L.Dense(3, input_dim=4), L.Dense(2)]),
    "batch_input_shape": lambda: Sequential([L.Dense(3, batch_input_shape=(None, 4)), L.Dense(2)]),
    "nested": lambda: Sequential([Sequential([L.Dense(3, input_shape=(4,))]), L.Dense(2)]),
    "build": lambda: built(Sequential([L.Dense(3), L.Dense(2)])),
    "data": lambda: called(Sequential([L.Dense(3), L.Dense(2)])),
    "add": lambda: added(L.Input((4,)), L.Dense(3), L.Dense(2)),
}


def built(model):
    model.build((None, 4))
    return model


def called(model):
    model(X)
    return model


def added(*items):
    model = Sequential()
    for item in items:
        model.add(item)
    return model


@pytest.mark.parametrize("make", STACKS.values(), ids=STACKS)
def test_every_way_to_make_a_sequential(make):
    model = make()
    assert model.built
    assert len(model.layers) == 2
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    assert [w.shape for w in model.weights] == [(4, 3), (3,), (3, 2), (2,)]
    assert model.count_params() == 23
    expected = X
    weights = iter(model.get_weights())
    for kernel, bias in zip(weights, weights, strict=True):
        expected = expected @ kernel + bias
    same(model(X), expected)
    same(model.predict(X, verbose=0), expected)
    # And back from its config.
    config = through_json(model.get_config())
    again = Sequential.from_config(config)
    assert through_json(again.get_config()) == config
    again.set_weights(model.get_weights())
    same(again(X), expected)


def test_a_sequential_without_a_shape_waits_for_data():
    model = Sequential([L.Dense(3), L.Dropout(0.5)])
    assert not model.built
    assert model.weights == []
    assert Sequential.from_config(model.get_config()).weights == []
    with pytest.raises(ValueError, match="isn't built"):
        model.count_params()
    model(np.ones((2, 7)))
    assert model.input_shape == (None, 7)
    ids = Sequential([L.Embedding(9, 3), L.Flatten()])
    ids(np.array([[1, 2], [3, 4]]))
    assert ids.inputs[0].dtype == "int32"


def sums():
    inputs = [L.Input((4,)), L.Input((4,))]
    return Model(inputs, L.Add()(inputs))


class Halves(L.Layer):
    def call(self, inputs):
        return inputs["left"] + inputs["right"]


@pytest.mark.parametrize("built_first", [False, True])
@pytest.mark.parametrize(
    ("first", "x"),
    [(L.Add, [X, X + 1]), (Halves, {"left": X, "right": X + 1}), (sums, [X, X + 1])],
)
def test_a_sequential_may_begin_with_a_layer_of_several_inputs(first, x, built_first):
    model = Sequential([first(), L.Dense(3)])
    if built_first:
        model.build(dict.fromkeys(x, (None, 4)) if isinstance(x, dict) else [(None, 4)] * 2)
        assert [w.shape for w in model.weights] == [(4, 3), (3,)]
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(x, X[:, :3], verbose=0)
    assert not before or not np.array_equal(before[0], model.get_weights()[0])
    kernel, bias = model.get_weights()
    same(model.predict(x, verbose=0), (2 * X + 1) @ kernel + bias)
    same(model(x), (2 * X + 1) @ kernel + bias)


@pytest.mark.parametrize("make", [STACKS["Input"], lambda: Sequential([L.Dense(3), L.Dense(2)])])
def test_pop_and_add(make):
    model = make()
    assert model.predict(X, verbose=0).shape == (5, 2)
    last = model.layers[-1]
    assert model.pop() is last
    assert model.output_shape == (None, 3)
    assert model.layers[0].output_shape == (None, 3)
    assert model.predict(X, verbose=0).shape == (5, 3)
    model.add(L.Dense(5))
    assert model.predict(X, verbose=0).shape == model(X).shape == (5, 5)
    model.pop()
    model.pop()
    with pytest.raises(ValueError, match="no layer left"):
        model.pop()


# --- functional --------------------------------------------------------------------------


def branched(structure):
    """Two inputs and two outputs, in lists or dicts; shared and nested layers; raw operations."""
    a, b = L.Input((4,), name="a"), L.Input((4,), name="b")
    shared = L.Dense(3, activation="relu", name="shared")
    u, v = shared(a), shared(b)
    joined = L.Concatenate(name="joined")([u, v])
    inner = Sequential([L.Dense(5, input_shape=(6,)), L.BatchNormalization()], name="inner")
    norm = ops.sqrt(ops.sum(ops.square(u), axis=-1, keepdims=True))
    raw = 2.0 - norm * v[:, ::-1] / np.array([1, 2, 4], "float32")
    outputs = [inner(joined), raw]
    if structure is dict:
        return Model({"a": a, "b": b}, {"one": outputs[0], "two": outputs[1]}, name="both")
    return Model([a, b], outputs, name="both")


def single():
    x = L.Input((4,), name="x")
    return Model(x, L.Dense(2)(L.Dense(4, name="h")(x)), name="single")


def twice():
    """A model within a model, called twice; a layer called with an argument."""
    inner = Model(x := L.Input((4,)), L.Dense(4, activation="tanh")(x), name="inner")
    y = L.Input((4,), name="y")
    out = L.Dropout(0.5)(inner(inner(y)), training=False)
    return Model(y, [out], name="twice")


def unknown_sizes():
    x = L.Input((None, 4), name="x")
    return Model(x, ops.reshape(x, (-1, 4)) + 1.0, name="sizes")


MODELS = {
    "list": (lambda: branched(list), [X, X + 1]),
    "dict": (lambda: branched(dict), {"a": X, "b": X + 1}),
    "single": (single, X),
    "twice": (twice, X),
    "sizes": (unknown_sizes, X[None]),
}


@pytest.mark.parametrize(("make", "x"), MODELS.values(), ids=MODELS)
def test_functional_models_round_trip(make, x):
    model = make()
    expected = model(x)
    same(model.predict(x, verbose=0, batch_size=8), expected)
    config = through_json(model.get_config())
    again = Model.from_config(config)
    assert through_json(again.get_config()) == config
    again.set_weights(model.get_weights())
    same(again(x), expected)
    clone = clone_model(model)
    assert through_json(clone.get_config()) == config
    assert not set(map(id, clone.weights)) & set(map(id, model.weights))
    clone.set_weights(model.get_weights())
    same(clone(x), expected)
    whole = through_json(serialize_keras_object(model))
    assert whole["class_name"] == "Functional"
    assert deserialize_keras_object(whole).get_config() == again.get_config()


def test_inputs_by_name_or_position():
    model = branched(list)
    expected = model([X, X + 1])
    same(model({"a": X, "b": X + 1}), expected)
    same(branched(dict)({"a": X, "b": X})["two"].shape, (5, 3))
    renamed = Model({"y": model.inputs[0], "x": model.inputs[1]}, model.outputs)
    named = {"y": X, "x": X + 1}
    same(renamed.predict(named, verbose=0), expected)  # the keys of the dict are the names
    renamed.compile("sgd", "mse")
    assert renamed.fit(named, model.predict([X, X + 1], verbose=0), verbose=0).history["loss"]
    assert model.input_names == ["a", "b"]
    assert len(set(model.output_names)) == 2
    assert branched(dict).input_names == ["a", "b"]


def test_shared_layers_share_weights():
    model = branched(list)
    shared = model.get_layer("shared")
    assert shared in model.layers
    assert sum(w is shared.kernel for w in model.weights) == 1
    with pytest.raises(AttributeError, match=r"shared has 2 calls .* get_output_at"):
        _ = shared.output
    assert shared.get_output_at(1).shape == (None, 3)
    assert shared.get_input_at(0) is model.inputs[0]


def test_a_model_of_inner_tensors():
    model = single()
    part = Model(model.input, model.get_layer("h").output)
    same(part(X), X @ model.get_weights()[0] + model.get_weights()[1])
    tail = Model(model.get_layer("h").output, model.output)
    same(tail(part(X)), model(X))
    assert model.get_layer(index=-1) is model.layers[-1]


def test_a_model_called_on_a_new_input():
    model = single()
    x = L.Input(batch_shape=(2, 4))
    assert model(x).shape == (2, 2)
    outer = Model(x, model(x) * 2.0)
    same(outer(X[:2]), 2 * model(X[:2]).numpy())
    assert outer.weights == model.weights


# --- subclassed --------------------------------------------------------------------------


class Blocks(Model):
    """Layers in a list, a dict and a nested list."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.blocks = [L.Dense(width, name=f"block{i}") for i in range(2)]
        self.heads = {"left": L.Dense(1, name="left"), "deep": [L.Dense(2, name="deep")]}
        self.norm = L.BatchNormalization(name="norm")

    def call(self, inputs, training=None):
        for block in self.blocks:
            inputs = block(inputs)
        inputs = self.norm(inputs, training=training)
        return {"left": self.heads["left"](inputs), "deep": self.heads["deep"][0](inputs)}


def test_subclassed_models_track_their_layers():
    model = Blocks(3)
    y = model(X)
    assert y["deep"].shape == (5, 2)
    assert [layer.name for layer in model.layers] == ["block0", "block1", "left", "deep", "norm"]
    assert len(model.weights) == 2 * 4 + 4
    assert len(model.non_trainable_weights) == 2
    again = Blocks.from_config(through_json(model.get_config()))
    assert (again.width, again.name) == (3, model.name)
    with custom_object_scope({"Blocks": Blocks}):
        assert deserialize_keras_object(serialize_keras_object(model)).width == 3
    with pytest.raises(ValueError, match="subclassed model"):
        clone_model(model)
    assert "(5, 2)" in text_of(model)


class Sum(Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = L.Dense(3), L.LSTM(2)

    def call(self, a, b=None):
        a = a if b is not None else a["a"] + a["b"]
        return self.first(a) + (0.0 if b is None else self.second(b)[:, :1])


BUILT = {  # shapes -> how many weights there are then
    "plain": ([(None, 4), (None, 5, 2)], {}, 5),
    "dict": ([{"a": (None, 4), "b": (2, 4)}], {}, 2),
    "named": ([], {"a_shape": (None, 4), "b_shape": (None, 5, 2)}, 5),
    "older": ([], {"input_shape": {"a": (None, 4), "b": (None, 4)}}, 2),
}


@pytest.mark.parametrize(("shapes", "named", "weights"), BUILT.values(), ids=BUILT)
def test_a_subclassed_model_is_built_for_shapes(shapes, named, weights):
    model = Sum()
    model.build(*shapes, **named)
    assert model.built
    assert len(model.weights) == weights


class Perceptron(Model):
    """A functional model that makes its layers from arguments of its own."""

    def __init__(self, units, **kwargs):
        x = L.Input((4,))
        super().__init__(inputs=x, outputs=L.Dense(units)(x), **kwargs)
        self.units = units


class Stack(Sequential):
    def __init__(self, units, **kwargs):
        super().__init__([L.Input((4,)), L.Dense(units)], **kwargs)
        self.units = units


@pytest.mark.parametrize("cls", [Perceptron, Stack])
def test_classes_with_arguments_of_their_own(cls):
    model = cls(3, name="own")
    assert model.get_config()["units"] == 3
    again = cls.from_config(through_json(model.get_config()))
    assert (again.units, again.name, again.count_params()) == (3, "own", 15)


class Bare(L.Layer):
    """A layer whose __init__ has neither name nor **kwargs."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


def test_custom_layers_within_models():
    model = Sequential([L.Input((4,)), Bare(3)])
    config = through_json(model.get_config())
    with pytest.raises(ValueError, match=r"Unknown .*'Bare'"):
        Sequential.from_config(config)
    again = Sequential.from_config(config, custom_objects={"Bare": Bare})
    assert again.get_config() == model.get_config()
    same(again(X), 3 * X)
    same(clone_model(model)(X), 3 * X)


# --- weights and switches ----------------------------------------------------------------


def test_trainable_switches():
    model = branched(list)
    everything = len(model.weights)
    assert len(model.trainable_weights) == everything - 2
    model.get_layer("inner").trainable = False
    assert [w.path for w in model.trainable_weights] == ["shared/kernel", "shared/bias"]
    again = Model.from_config(through_json(model.get_config()))
    assert len(again.trainable_weights) == 2
    model.trainable = False
    assert model.trainable_weights == []
    assert len(model.non_trainable_weights) == everything
    model.trainable = True
    assert len(model.trainable_weights) == everything - 2


def test_set_weights_checks_what_it_gets():
    model = single()
    with pytest.raises(ValueError, match="single has 4 weights, but set_weights got 1"):
        model.set_weights([np.ones((4, 4))])
    with pytest.raises(ValueError, match=r"h/kernel has shape \(4, 4\), .* \(4, 3\)"):
        model.set_weights([np.ones((4, 3)), *model.get_weights()[1:]])


def test_assignments_inside_of_models_happen_in_traces_only():
    model = Sequential([L.Input((4,)), L.BatchNormalization()])
    with Trace(training=True) as trace:
        model(X)
    assert len(trace.updates) == 2
    np.testing.assert_array_equal(model.layers[0].moving_mean.numpy(), 0)


# --- raw operations ----------------------------------------------------------------------


def test_raw_operations_of_every_kind_have_configs():
    x = L.Input((3, 4), name="x")
    y = ops.take(x, np.array([2, 0]), axis=1)
    y = ops.concatenate([y, ops.zeros_like(y)], axis=-1)
    y = ops.transpose(ops.reshape(y, (ops.shape(y)[0] * 2, 8)))
    y = ops.cast(y > 0, "float32") + ops.softmax(y, axis=0) ** 2
    y = ops.where(y > 1, y, ops.max(y, axis=0, keepdims=True))
    model = Model(x, y)
    again = Model.from_config(through_json(model.get_config()))
    data = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
    same(again(data), model(data))


def test_raw_operations_keep_their_dtype():
    x = L.Input((2,), dtype="float64")
    y = x * np.array([1.0, 1e-9])
    again = Model.from_config(through_json(Model(x, y).get_config()))
    assert again.outputs[0].dtype == "float64"


def test_operations_in_a_config_are_only_known_ones():
    x = L.Input((2,))
    config = through_json(Model(x, x + 1.0).get_config())
    config["layers"][1]["config"]["op"] = "os.system"
    with pytest.raises(ValueError, match=r"there is no operation 'os.system'"):
        Model.from_config(config)


def test_weights_outside_of_layers_have_no_config():
    x = L.Input((4,))
    dense = L.Dense(4)
    model = Model(x, dense(x) * dense.bias)
    with pytest.raises(TypeError, match=r"uses the weight .*bias outside of any layer"):
        model.get_config()


# --- configs of older Keras --------------------------------------------------------------

OLD_DENSE = {
    "name": "d",
    "trainable": True,
    "dtype": "float32",
    "units": 2,
    "activation": "linear",
    "use_bias": True,
    "kernel_initializer": {
        "class_name": "VarianceScaling",
        "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None},
    },
    "bias_initializer": {"class_name": "Zeros", "config": {}},
    "kernel_regularizer": None,
    "bias_regularizer": None,
    "activity_regularizer": None,
    "kernel_constraint": None,
    "bias_constraint": None,
}


def test_an_input_may_be_an_output_too():
    x, unused = L.Input((4,), name="x"), L.Input((1,), name="unused")
    model = Model([x, unused], [L.Dense(2, name="d")(x), x])
    assert model.output_names == ["d", "x"]
    # As in Keras 3: what has no way to an output comes before the other layers at the end.
    assert [layer.name for layer in model.layers] == ["x", "unused", "d"]
    model.compile("sgd", "mse")
    y = np.zeros((len(X), 2)), X
    assert model.train_on_batch([X, X[:, :1]], y, return_dict=True)["x_loss"] == 0


def test_places_of_outputs_in_models_within():
    """Among the outputs Keras 3 counts the making of a functional model as its first call."""
    inner_x, x = L.Input((4,)), L.Input((4,))
    inner = Model(inner_x, L.Dense(4, name="d")(inner_x), name="inner")
    chain = Sequential([L.Dense(4)], name="chain")
    first = inner(x)
    model = Model(x, {"a": first, "b": inner(first), "c": chain(first)})
    config = through_json(model.get_config())
    assert config["output_layers"] == {
        "a": ["inner", 1, 0],
        "b": ["inner", 2, 0],
        "c": ["chain", 0, 0],
    }
    again = Model.from_config(config)
    again.set_weights(model.get_weights())
    for key, value in model(X).items():
        same(again(X)[key], value)


OLD_INPUT = {"batch_input_shape": [None, 4], "dtype": "float32", "sparse": False}


def old_input(name):
    config = {**OLD_INPUT, "name": name}
    return {"name": name, "class_name": "InputLayer", "config": config, "inbound_nodes": []}


def test_functional_config_of_keras_2():
    dense = {"name": "d", "class_name": "Dense", "config": OLD_DENSE}
    dense["inbound_nodes"] = [[["a", 0, 0, {}]], [["b", 0, 0, {}]]]
    add = {"name": "s", "class_name": "Add", "config": {"name": "s", "trainable": True}}
    add["inbound_nodes"] = [[["d", 0, 0, {}], ["d", 1, 0, {}]]]
    drop = {"name": "o", "class_name": "Dropout", "config": {"name": "o", "rate": 0.5}}
    drop["inbound_nodes"] = [[["s", 0, 0, {"training": False}]]]
    config = {
        "name": "old",
        "layers": [drop, add, dense, old_input("a"), old_input("b")],
        "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["o", 0, 0]],
    }
    model = Model.from_config(config)
    kernel, bias = model.get_weights()
    same(model([X, X]), 2 * (X @ kernel + bias))
    assert model.output is model.outputs[0]
    nested = {"class_name": "Model", "config": config}
    assert deserialize_keras_object(nested).count_params() == 10
    add["inbound_nodes"] = [[["o", 0, 0, {}]]]
    with pytest.raises(ValueError, match=r"in a circle: \['o', 's'\]"):
        Model.from_config(config)
    add["inbound_nodes"] = [[["d", 2, 0, {}]]]
    with pytest.raises(ValueError, match=r"connects layer 's' to the output of 'd' \(call 2\)"):
        Model.from_config(config)


@pytest.mark.parametrize("first", [0, 1])
def test_shared_models_in_a_config_of_keras_2(first):
    """The making of a model counts as its first call, that of some versions' Sequential not."""
    dense = {"class_name": "Dense", "config": {**OLD_DENSE, "batch_input_shape": [None, 4]}}
    inner = {"class_name": "Sequential", "name": "m", "config": {"name": "m", "layers": [dense]}}
    inner["inbound_nodes"] = [[["a", 0, 0, {}]], [["b", 0, 0, {}]]]
    minus = {"name": "s", "class_name": "Subtract", "config": {"name": "s"}}
    minus["inbound_nodes"] = [[["m", first, 0, {}], ["m", first + 1, 0, {}]]]
    config = {
        "layers": [minus, inner, old_input("a"), old_input("b")],
        "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["s", 0, 0], ["m", first, 0]],
    }
    model = Model.from_config(config)
    base = model.get_layer("m")
    difference, left = model([X, 2 * X])
    same(difference, base(X) - base(2 * X))
    same(left, base(X))


@pytest.mark.parametrize("wrapped", [True, False])
def test_sequential_config_of_keras_2(wrapped):
    first = {**OLD_DENSE, "batch_input_shape": [None, 4]}
    stack = [
        {"class_name": "Dense", "config": first},
        {"class_name": "Activation", "config": {"name": "a", "activation": "relu"}},
    ]
    model = Sequential.from_config({"name": "old", "layers": stack} if wrapped else stack)
    assert model.output_shape == (None, 2)
    assert model.layers[0].name == "d"


# --- clones ------------------------------------------------------------------------------


def test_clones_of_sequentials():
    for make in STACKS.values():
        model = make()
        clone = clone_model(model)
        assert clone.get_config() == model.get_config()
        assert not set(map(id, clone.weights)) & set(map(id, model.weights))


def test_clones_with_other_inputs_and_layers():
    model = single()

    def wider(layer):
        config = layer.get_config()
        return L.Dense.from_config({**config, "units": config["units"] + 1})

    assert clone_model(model, clone_function=wider).output_shape == (None, 3)
    x = L.Input(batch_shape=(7, 4))
    assert clone_model(model, input_tensors=x).output_shape == (7, 2)
    for stack in (STACKS["Input"](), Sequential([L.Dense(3), L.Dense(2)])):
        for tensor in (x, L.Dense(4)(x)):
            assert clone_model(stack, input_tensors=tensor).input_shape == (7, 4)
    for several in (model, stack):
        with pytest.raises(ValueError, match="has 1 inputs, but got 2"):
            clone_model(several, input_tensors=[x, x])


# --- summaries ---------------------------------------------------------------------------


def text_of(model, **options):
    lines = []
    model.summary(print_fn=lines.append, **options)
    assert all("\n" not in line for line in lines)
    return "\n".join(lines)


def test_summary_of_a_chain():
    model = Sequential(
        [L.Input((28, 28, 1)), L.Conv2D(32, 3, name="conv"), L.Flatten(name="flat"),
         L.Dense(10, name="a_rather_long_name_for_a_dense_layer")],
        name="net",
    )  # fmt: skip
    expected = """\
Model: "net"
┌──────────────────────────────────────────────┬────────────────────┬─────────┐
│ Layer (type)                                 │ Output Shape       │ Param # │
├──────────────────────────────────────────────┼────────────────────┼─────────┤
│ conv (Conv2D)                                │ (None, 26, 26, 32) │     320 │
│ flat (Flatten)                               │ (None, 21632)      │       0 │
│ a_rather_long_name_for_a_dense_layer (Dense) │ (None, 10)         │ 216,330 │
└──────────────────────────────────────────────┴────────────────────┴─────────┘
Total params: 216,650 (846.3 KB)
Trainable params: 216,650 (846.3 KB)
Non-trainable params: 0 (0 B)"""
    assert text_of(model) == expected
    wide = text_of(model, line_length=100).splitlines()
    assert len(wide[1]) == 100
    assert text_of(model, positions=[0.6, 0.9, 1.0], line_length=90).splitlines()[1][54] == "┬"
    only = text_of(model, layer_range=["fl.*", "a_.*"])
    assert "conv" not in only
    assert "flat" in only
    with pytest.raises(ValueError, match="no layer is called 'x'"):
        text_of(model, layer_range=["x", "flat"])


def test_summary_of_a_graph():
    model = branched(list)
    model.get_layer("shared").trainable = False
    text = text_of(model, expand_nested=True, show_trainable=True)
    lines = text.splitlines()
    rows = {line.split()[1]: line for line in lines if "(" in line and "│" in line}
    assert rows["joined"].split("│")[4].strip() == "shared"
    assert rows["shared"].split("│")[4].strip() == "a"
    assert lines[lines.index(rows["shared"]) + 1].split("│")[4].strip() == "b"
    assert rows["shared"].split("│")[5].strip() == "no"
    assert "└ batch_normalization" in text
    assert "ops.subtract" in text
    assert "(operation)" in text
    assert len({len(line) for line in lines if line[:1] in "┌│├└"}) == 1
    assert "Non-trainable params: 25 (100 B)" in text


def test_summary_of_what_is_not_built():
    text = text_of(Sequential([L.Dense(3)]))
    assert "unbuilt" in text
    assert "?" in text
    assert "call it on data" in text
    assert "call it on data" in text_of(Sequential())
    assert "call it on data" not in text_of(STACKS["Input"]())


# --- what goes wrong ---------------------------------------------------------------------


def mixed_names():
    x = L.Input((4,))
    return Model(x, L.Dense(2, name="d")(L.Dense(3, name="d")(x)))


MISTAKES = [
    (lambda: Sequential([L.Dense]), "Did you forget the parentheses"),
    (lambda: Sequential([3]), "Sequential.add takes a Layer, but got 3"),
    (
        lambda: Sequential([L.Dense(2, name="d")(L.Input((3,)))]),
        "the layer d, not what it returned",
    ),
    (lambda: Sequential([L.Dense(2, name="d"), L.Dense(3, name="d")]), "two called 'd'"),
    (lambda: added(L.Dense(2), L.Input((3,))), "An Input can only be the first"),
    (mixed_names, "Two different layers of the model are called 'd'"),
    (lambda: Model(L.Input((4,)), X), r"Model\(outputs=...\) takes tensors that come from"),
    (lambda: Model(L.Input((4,)), L.Dense(2)(L.Input((4,), name="q"))), "depend on q of shape"),
    (lambda: Model(inputs=L.Input((4,))), "outputs is missing"),
    (lambda: single()(X[:, :3]), r"single: input x must have shape \(None, 4\), but got \(5, 3\)"),
    (lambda: branched(list)([X]), r"both takes 2 input\(s\) \(a, b\), but got 1"),
    (lambda: branched(list)({"a": X}), "both needs an input called 'b'"),
    (lambda: branched(dict)({"a": X, "c": X}), r"takes a dict with the keys \['a', 'b'\]"),
    (lambda: single().get_layer("hidden"), r"No layer called 'hidden'. There are: \['x', 'h'"),
    (lambda: single().get_layer(index=9), "has 3 layers, no number 9"),
    (lambda: single().get_layer(), "either a name or an index"),
    (lambda: Model()(X), "neither inputs and outputs nor a `call`"),
    (lambda: Sequential().build((None, 3)), "has no layers to build"),
    (lambda: Sequential([L.Dense(2)]).build(4), r"such as \(None, 4\), but got 4"),
    (lambda: single().summry(), "Did you mean 'summary'"),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_messages(mistake, message):
    with pytest.raises((ValueError, TypeError, NotImplementedError, AttributeError), match=message):
        mistake()


def test_models_are_exported():
    assert models.Model is Model
    assert models.registry.find("Functional") is Model
