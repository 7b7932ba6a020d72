"""Layers of one's own: the documented recipe, in the forms of all generations of Keras."""

import numpy as np
import pytest

from kerasish import backend as K
from kerasish import layers, models, ops
from kerasish.graph.variable import Variable
from kerasish.layers import Layer

L = layers
X = np.arange(6, dtype="float32").reshape(2, 3)


# --- add_weight --------------------------------------------------------------------------

# positional arguments, keywords: all of them make a weight `w` of ones, of shape (3,)
ORDERS = {
    "keras1": ((3,), "ones", "w"),
    "keras1-regularized": ((3,), "ones", "w", True, "l2"),
    "keras2": ("w", (3,), None, "ones"),
    "keras2-all": ("w", (3,), "float32", "ones", "l2", True, "non_neg"),
    "keras3": ((3,), "ones", None, True, True, "l2", "non_neg"),
}
KEYWORDS = [
    {"name": "w", "shape": (3,), "initializer": "ones"},
    {"name": "w", "shape": 3, "initializer": np.ones, "aggregation": "mean"},
    {"name": "w", "shape": [3], "initializer": "ones", "experimental_autocast": False},
    {"name": "w", "shape": (3,), "initializer": "ones", "overwrite_with_gradient": False},
]


@pytest.mark.parametrize("arguments", ORDERS.values(), ids=ORDERS)
def test_orders_of_arguments_of_add_weight(arguments):
    w = Layer().add_weight(*arguments)
    assert (w.name, w.shape, w.dtype, w.trainable) == (
        "w" if "w" in arguments else "variable_0",
        (3,),
        "float32",
        True,
    )
    assert (w.regularizer is not None) == ("l2" in arguments)
    assert (w.constraint is not None) == ("non_neg" in arguments)
    np.testing.assert_array_equal(w.numpy(), 1)


@pytest.mark.parametrize("keywords", KEYWORDS)
def test_keywords_of_add_weight(keywords):
    layer = Layer()
    w = layer.add_variable(**keywords)
    assert layer.weights == [w]
    np.testing.assert_array_equal(w.numpy(), np.ones(3))
    assert w.autocast == keywords.get("experimental_autocast", True)


def test_mistakes_with_add_weight():
    with pytest.raises(TypeError, match="at most 7 positional"):
        Layer().add_weight("w", (3,), None, "ones", None, True, None, 8)
    with pytest.raises(TypeError, match="got 'shape' twice"):
        Layer().add_weight((3,), shape=(3,))
    with pytest.raises(ValueError, match="overwrite_with_gradient"):
        Layer().add_weight((3,), overwrite_with_gradient=True)
    with pytest.raises(ValueError, match="every size must be known"):
        Layer(name="open").add_weight((None, 3))


def test_variables_that_keras1_calls_weights():
    class Old(Layer):
        def build(self, input_shape):
            kernel, shift = K.variable(np.ones((input_shape[-1], 2))), K.variable(np.ones(2))
            self.read = lambda: (kernel, shift)
            self.trainable_weights = [kernel]
            self.non_trainable_weights = [shift]
            self.built = True

        def call(self, x, mask=None):
            kernel, shift = self.read()
            return K.dot(x, kernel) + shift

        def get_output_shape_for(self, input_shape):
            return (input_shape[0], 2)

    layer = Old(input_shape=(3,))
    model = models.Sequential([layer])
    assert [w.shape for w in layer.trainable_weights] == [(3, 2)]
    assert [w.shape for w in layer.non_trainable_weights] == [(2,)]
    assert layer.count_params() == 8
    assert model.output_shape == (None, 2)


# --- add_loss, add_update ----------------------------------------------------------------


class Penalised(Layer):
    def call(self, x):
        self.add_loss(ops.mean(ops.square(x)))
        return x


def fitted(layer, x=X, **compiled):
    model = models.Sequential([L.Input(x.shape[1:]), layer, L.Dense(1)])
    model.compile("sgd", "mse", **compiled)
    return model, model.fit(x, np.zeros((len(x), 1)), batch_size=len(x), verbose=0)


def test_losses_of_a_call():
    layer = Penalised()
    layer(X)
    assert [float(x) for x in layer.losses] == pytest.approx([(X**2).mean()])
    _, with_penalty = fitted(Penalised())
    assert with_penalty.history["loss"][0] >= (X**2).mean()


class Costly(L.Wrapper):
    """Adds a loss of weights as they are made, to another layer (as concrete dropout does)."""

    def build(self, input_shape=None):
        super().build(input_shape)
        self.layer.add_loss(K.sum(K.square(self.layer.kernel)))

    def call(self, x):
        return self.layer(x)


def test_losses_added_in_build_count_in_training():
    dense = L.Dense(3, kernel_initializer="ones")
    model = models.Sequential([L.Input((3,)), Costly(dense)])
    model.compile("sgd", "mse")
    zeros = np.zeros((2, 3))
    assert model.train_on_batch(zeros, zeros) == pytest.approx(9)
    assert model.train_on_batch(zeros, zeros) < 9
    dense(X)
    assert len(dense.losses) == 1


def test_losses_and_updates_for_inputs():
    layer = models.Sequential([L.Input((3,)), Penalised(), L.Dense(2, kernel_regularizer="l2")])
    layer.add(L.BatchNormalization())
    x = L.Input((3,))
    (of_weights,) = layer.get_losses_for(None)
    assert float(of_weights) == pytest.approx(float(layer.losses[-1]))
    (of_inputs,) = layer.get_losses_for(x)
    assert models.Model(x, of_inputs).predict(X, verbose=0) == pytest.approx((X**2).mean())
    changed = [variable.name for variable, _ in layer.get_updates_for(x)]
    assert changed == ["moving_mean", "moving_variance"]
    assert layer.get_updates_for(None) == []


class Counts(Layer):
    """Counts its calls; the update in one of the forms of Keras 1 and 2."""

    def __init__(self, form, stateful=False, **kwargs):
        super().__init__(**kwargs)
        self.form, self.stateful = form, stateful

    def build(self, input_shape):
        self.count = self.add_weight("count", (), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.add_update(self.form(self.count), inputs)
        return inputs


FORMS = {
    "update_add": lambda v: K.update_add(v, 1.0),
    "list": lambda v: [K.update(v, v + 1.0)],
    "pair": lambda v: [(v, v + 1.0)],
    "function": lambda v: lambda: K.update_add(v, 1.0),
    "assign": lambda v: v.assign_add(1.0),
    "function, assign": lambda v: lambda: v.assign(v + 1.0),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("stateful", [False, True])
def test_updates_belong_to_training_unless_stateful(form, stateful):
    layer = Counts(form, stateful)
    model, _ = fitted(layer)
    assert float(layer.count) == 1
    model.predict(X, verbose=0)
    model.evaluate(X, np.zeros((2, 1)), verbose=0)
    assert float(layer.count) == (3 if stateful else 1)


def test_add_update_says_what_it_takes():
    with pytest.raises(TypeError, match=r"pair \(variable, new value\)"):
        Counts(lambda v: 3.0)(X)
    layer = Counts(FORMS["pair"])
    layer.build((2, 3))
    with pytest.raises(ValueError, match="add_update belongs in `call`"):
        layer.add_update((layer.count, layer.count + 1))


def test_updates_of_a_shared_layer_add_up():
    layer = Counts(FORMS["update_add"])
    x = L.Input((3,))
    model = models.Model(x, L.Dense(1)(layer(layer(x))))
    model.compile("sgd", "mse")
    model.train_on_batch(X, np.zeros((2, 1)))
    assert float(layer.count) == 2


class Phased(models.Model):
    """Hands on to the layers within whether it trains, in words or by being around them."""

    def __init__(self):
        super().__init__()
        self.inner, self.changed = L.Dropout(0.5), L.RandomBrightness((0.5, 0.5))

    def both(self, x, training):
        return self.inner(x), self.changed(x, training=training)


class EvaluatedByDefault(Phased):
    def call(self, x, training=False):
        return self.both(x, training)


class TrainedByDefault(Phased):
    def call(self, x, training=True):
        return self.both(x, training)


@pytest.mark.parametrize(
    ("kind", "arguments", "trains"),
    [
        (EvaluatedByDefault, {}, False),
        (EvaluatedByDefault, {"training": True}, True),
        (TrainedByDefault, {}, True),
        (TrainedByDefault, {"training": False}, False),
    ],
)
def test_the_default_of_training(kind, arguments, trains):
    images = np.full((2, 8, 8, 3), 100, "float32")
    dropped, brighter = (np.asarray(y) for y in kind()(images, **arguments))
    assert (dropped == 0).any() == trains
    assert (brighter > 200).all() == trains
    assert not (kind().predict(images, verbose=0)[1] > 200).any()


# --- shapes and masks --------------------------------------------------------------------


class Pairs(Layer):
    """Two inputs and two outputs; shapes and masks by hand."""

    def call(self, inputs, mask=None):
        a, b = inputs
        self.seen = mask
        return [a + b, ops.concatenate([a, b], axis=-1)]

    def compute_output_shape(self, input_shape):
        a, b = input_shape
        return [a, (*a[:-1], a[-1] + b[-1])]

    def compute_mask(self, inputs, mask=None):
        return [mask[0], None]


def test_several_inputs_and_outputs_with_masks():
    a, b = L.Input((4, 3)), L.Input((4, 3))
    layer = Pairs()
    total, both = layer([L.Masking()(a), b])
    assert (total.shape, both.shape) == ((None, 4, 3), (None, 4, 6))
    assert layer.compute_output_shape([(2, 4, 3), (2, 4, 3)]) == [(2, 4, 3), (2, 4, 6)]
    assert layer.seen[0] is not None
    assert layer.seen[1] is None
    assert total.mask is not None
    assert getattr(both, "mask", None) is None
    assert layer.output_mask[0] is total.mask
    assert layer.input_mask == [layer.input[0].mask, None]
    model = models.Model([a, b], [total, both])
    x = np.ones((2, 4, 3))
    assert [y.shape for y in model.predict([x, x], verbose=0)] == [(2, 4, 3), (2, 4, 6)]


class Scaled(Layer):
    def call(self, x, scale=None, offset=0.0):
        return x * scale + offset if scale is not None else x + offset


def test_keyword_tensors_and_numbers(tmp_path):
    x, scale = L.Input((3,)), L.Input((3,))
    model = models.Model([x, scale], Scaled()(x, scale=scale, offset=2.0))
    expected = X * X + 2
    np.testing.assert_allclose(model.predict([X, X], verbose=0), expected)
    model.save(tmp_path / "model.keras")
    again = models.load_model(tmp_path / "model.keras", custom_objects={"Scaled": Scaled})
    np.testing.assert_allclose(again.predict([X, X], verbose=0), expected)
    np.testing.assert_allclose(Scaled()(X, scale=X[:1]), X * X[:1])


def test_dicts_of_inputs_and_outputs():
    class Named(Layer):
        def call(self, inputs):
            return {"sum": inputs["a"] + inputs["b"], "first": inputs["a"]}

    found = Named()({"a": X, "b": X})
    np.testing.assert_array_equal(found["sum"], 2 * X)
    a, b = L.Input((3,), name="a"), L.Input((3,), name="b")
    model = models.Model({"a": a, "b": b}, Named()({"a": a, "b": b}))
    np.testing.assert_array_equal(model.predict({"a": X, "b": X}, verbose=0)["first"], X)


class Halves(Layer):
    """One of its outputs may be missing."""

    supports_masking = True

    def call(self, x, both=False):
        return x / 2, x / 2 if both else None


def test_an_output_may_be_missing():
    half, missing = Halves()(X)
    np.testing.assert_array_equal(half, X / 2)
    assert missing is None
    x = L.Input((4, 3))
    layer = Halves(activity_regularizer="l2")
    half, missing = layer(L.Masking()(x))
    assert missing is None
    assert layer.output_shape == layer.compute_output_shape((None, 4, 3)) == ((None, 4, 3), None)
    assert half.mask is not None
    data = np.ones((1, 4, 3), "float32")
    np.testing.assert_array_equal(models.Model(x, half).predict(data, verbose=0), data / 2)


class Summed(Layer):
    def call(self, sequences, mask=None):
        return ops.sum(sequences, axis=-1)


def test_the_first_argument_by_name_or_as_a_list():
    for given in ({"sequences": X}, {"inputs": X}):
        np.testing.assert_array_equal(Summed()(**given), X.sum(-1))
    np.testing.assert_array_equal(Summed()(X.tolist()), X.sum(-1))
    assert L.Embedding(7, 2)([[1, 2, 3]]).shape == (1, 3, 2)
    assert L.Dense(2)(inputs=X.tolist()).shape == (2, 2)
    x = L.Input((3,))
    layer = Summed()
    layer(sequences=x)
    assert layer.input is x


NO_TENSORS = [
    (lambda: L.Dense(2, name="d")("text"), "Layer d expects 1 input.* but got 0: 'text'"),
    (lambda: L.Dense(2, name="d")(), r"Layer d \(Dense\): its call needs the argument 'inputs'"),
    (lambda: L.MultiHeadAttention(2, 3, name="m")(X), "Layer m .*: its call needs .* 'value'"),
    (lambda: L.Embedding(2, 2, name="e")((1, 2)), "Layer e .* is built for the shape of a tensor"),
    (lambda: L.Dense(2, name="d")(X, colour=3), "Layer d .* unexpected keyword argument 'colour'"),
    (lambda: L.Dense(2, name="d")(X, X), r"too many positional .* its call, which takes: inputs\."),
    (lambda: L.Dense(2, name="d").kernel, "'d' has no attribute 'kernel'. It is not built yet"),
    (lambda: L.Dense(2, name="d")({"a": X}), "Layer d takes one tensor, but got .*'a'"),
]


@pytest.mark.parametrize(("call", "message"), NO_TENSORS, ids=[m for _, m in NO_TENSORS])
def test_mistakes_in_calls(call, message):
    with pytest.raises((ValueError, TypeError, AttributeError), match=message):
        call()


# --- layers within -----------------------------------------------------------------------


class Held(Layer):
    """Holds layers and variables in all ways."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.single = L.Dense(3, name="single")
        self.listed = [L.Dense(3, name="listed"), "no layer", [L.Dense(3, name="deeper")]]
        self.paired = (L.Dense(3, name="paired"),)
        self.named = {"x": L.Dense(3, name="named"), "y": {"z": L.Dense(3, name="inner")}}
        self.unordered = {L.Dense(3, name=f"of_set_{i}") for i in (10, 9)}
        self.extra = Variable(np.ones(3), name="extra")

    def build(self, input_shape):
        self.late = L.Dense(3, name="late")
        self.late.build(input_shape)

    def call(self, x):
        for layer in self._flatten_layers()[1:]:
            x = layer(x)
        return x * self.extra


def test_layers_within_are_found_wherever_they_are():
    layer = Held(name="held")
    layer(X)
    names = [
        "single",
        "listed",
        "deeper",
        "paired",
        "named",
        "inner",
        "of_set_9",
        "of_set_10",
        "late",
    ]
    assert [x.name for x in layer._flatten_layers()] == ["held", *names]
    assert [w.name for w in layer.weights] == ["extra"] + ["kernel", "bias"] * 9
    assert layer.count_params() == 3 + 9 * 12
    assert layer.single.path == "held/single"
    assert layer.single.kernel.path == "held/single/kernel"
    layer.listed[2][0].trainable = False
    assert len(layer.trainable_weights) == 17
    assert [w.path for w in layer.non_trainable_weights] == [
        "held/deeper/kernel",
        "held/deeper/bias",
    ]
    layer.trainable = False
    assert layer.trainable_weights == []
    assert not layer.named["y"]["z"].trainable
    layer.trainable = True
    before = layer.get_weights()
    fitted(layer)
    assert all((a != b).any() for a, b in zip(before, layer.get_weights(), strict=True))


def test_weights_of_layers_within_are_saved(tmp_path):
    model, _ = fitted(Held())
    model.save(tmp_path / "model.keras")
    again = models.load_model(tmp_path / "model.keras", custom_objects={"Held": Held})
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_layers_that_know_each_other():
    first, second = L.Dense(3), L.Dense(3)
    first.partner, second.partner = second, first
    first(X)
    second(X)
    assert len(first.weights) == len(second.weights) == 4
    first.trainable = False
    assert second.trainable_weights == []


def test_what_init_is_given_is_no_part_unless_kept():
    class Copies(Layer):
        def __init__(self, model):
            super().__init__()
            self.own = type(model).from_config(model.get_config() | {"name": "own"})

        def call(self, x):
            return self.own(x)

    layer = Copies(L.Dense(3))
    layer(X)
    assert len(layer.weights) == 2


# --- calls and states --------------------------------------------------------------------


def test_calls_of_a_shared_layer():
    a, b = L.Input((3,)), L.Input((3,))
    layer = L.Dense(2, name="shared")
    u, v = layer(a), layer(b)
    assert layer.get_input_at(0) is a
    assert layer.get_output_at(1) is v
    assert layer.get_input_shape_at(1) == (None, 3)
    assert layer.get_output_shape_at(0) == u.shape
    assert layer.get_input_mask_at(0) is layer.get_output_mask_at(0) is None
    with pytest.raises(AttributeError, match=r"shared has 2 calls .* get_input_at"):
        layer.input  # noqa: B018
    with pytest.raises(ValueError, match="none has the number 2"):
        layer.get_output_at(2)
    single = L.Dense(2)
    y = single(a)
    assert single.input is a
    assert single.output is y
    assert (single.input_shape, single.output_shape) == ((None, 3), (None, 2))


def test_stateless_calls():
    layer = L.BatchNormalization(momentum=0.5)
    layer(X)
    before = layer.get_weights()
    gamma, beta = np.full(3, 2.0), np.ones(3)
    moving = [np.zeros(3), np.ones(3)]
    outputs, after = layer.stateless_call([gamma, beta], moving, X, training=True)
    np.testing.assert_allclose(outputs.numpy().mean(0), 1, atol=1e-5)
    np.testing.assert_allclose(after[0], X.mean(0) / 2, rtol=1e-6)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    _, _, losses = Penalised().stateless_call([], [], X, return_losses=True)
    assert [float(x) for x in losses] == pytest.approx([(X**2).mean()])


@pytest.mark.parametrize("reset", ["model", "reset_states", "reset_state"])
def test_states_are_reset(reset):
    inner = L.LSTM(2, stateful=True)
    model = models.Sequential([L.Input(batch_shape=(2, 4, 3)), L.Bidirectional(inner)])
    x = np.ones((2, 4, 3), "float32")
    first = model.predict(x, batch_size=2, verbose=0)
    assert (model.predict(x, batch_size=2, verbose=0) != first).any()
    if reset == "model":
        model.reset_states()
    else:
        getattr(model.layers[0], reset)()
    np.testing.assert_array_equal(model.predict(x, batch_size=2, verbose=0), first)


class Twice(Layer):
    """What it is given by position: whether this is training, and a mask."""

    def call(self, x, training=False, mask=None):
        x = x * 2 if training else x
        return x if mask is None else x * ops.expand_dims(ops.cast(mask, x.dtype), -1)


def test_training_and_mask_by_position():
    mask = np.array([True, False])
    np.testing.assert_array_equal(Twice()(X, True), 2 * X)
    np.testing.assert_array_equal(Twice()(X, True, mask), 2 * X * mask[:, None])
    np.testing.assert_array_equal(Twice()(X, False, mask=mask), X * mask[:, None])
    model = models.Model(x := L.Input((3,)), Twice()(x, True))
    np.testing.assert_array_equal(model.predict(X, verbose=0), 2 * X)
