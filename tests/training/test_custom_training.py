"""Training that the user writes: steps overridden, loops of one's own, added losses, eager runs."""

import numpy as np
import pytest
from feeding import X, Y, classifier

import kerasish
from kerasish import backend as K
from kerasish import engines, layers, losses, metrics, models, ops, optimizers
from kerasish.callbacks import Callback
from kerasish.utils import is_keras_tensor, set_random_seed, unpack_x_y_sample_weight

TARGETS = X[:, :1] * 2


def model_of(kind, **compile_arguments):
    set_random_seed(1)
    inputs = layers.Input((4,))
    model = kind(inputs, layers.Dense(1, name="out")(inputs))
    model.compile("sgd", "mse", **compile_arguments)
    return model


def history(model, *data, **options):
    return model.fit(*(data or (X, TARGETS)), epochs=2, shuffle=False, verbose=0, **options).history


# --- steps overridden --------------------------------------------------------------------


class WithComputeLoss(models.Model):
    def train_step(self, data):
        x, y = data
        y_pred = self(x, training=True)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        gradients = kerasish.gradients(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=ops.shape(x)[0])
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


class WithoutComputeLoss(models.Model):
    def train_step(self, data):
        x, y, _ = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=True)
        loss = ops.mean(ops.square(y - y_pred))
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(kerasish.gradients(loss, weights), weights, strict=True))
        return self.compute_metrics(x, y, y_pred) | {"loss": loss}


class WithOwnLoss(models.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.square(y - y_pred))


@pytest.mark.parametrize("kind", [WithComputeLoss, WithoutComputeLoss, WithOwnLoss])
@pytest.mark.parametrize("eagerly", [False, True])
def test_a_step_of_ones_own_is_as_good_as_the_given_one(kind, eagerly):
    expected, found = model_of(models.Model, metrics=["mae"]), model_of(kind, metrics=["mae"])
    found.run_eagerly = eagerly
    wanted, got = history(expected), history(found)
    assert set(got) == {"loss", "mae"}
    np.testing.assert_allclose(got["mae"], wanted["mae"], rtol=1e-5)
    for a, b in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert found.evaluate(X, TARGETS, verbose=0)[1] == pytest.approx(
        expected.evaluate(X, TARGETS, verbose=0)[1], rel=1e-5
    )


class Autoencoder(models.Model):
    """Metrics of its own; `data` is what `fit` was given, without targets."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = layers.Dense(2), layers.Dense(4)
        self.error = metrics.Mean(name="error")

    @property
    def metrics(self):
        return [self.error]

    def train_step(self, data):
        error = self._error(data)
        gradients = kerasish.gradients(error, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.error.update_state(error)
        return {"error": self.error.result()}

    def test_step(self, data):
        self.error.update_state(self._error(data))
        return {"error": self.error.result()}

    def predict_step(self, data):
        return {"code": self.inner(data)}

    def _error(self, x):
        return ops.mean(ops.square(self.outer(self.inner(x)) - x))


def test_metrics_of_ones_own_start_over_with_each_epoch():
    model = Autoencoder()
    model.compile("adam")
    found = history(model, X, validation_data=(X, None))
    assert set(found) == {"error", "val_error"}
    assert found["error"][1] < found["error"][0]
    assert model.evaluate(X, verbose=0) == pytest.approx(found["val_error"][-1], rel=1e-5)
    assert model.metrics_names == ["error"]
    assert model.predict(X, verbose=0)["code"].shape == (len(X), 2)


class Numbers(models.Model):
    def train_step(self, data):
        return {"number": 2, "array": np.float64(0.5), "switch": True, "mean": ops.mean(data[0])}


@pytest.mark.parametrize("eagerly", [False, True])
def test_logs_may_be_numbers(eagerly):
    found = history(model_of(Numbers, run_eagerly=eagerly), X, TARGETS, batch_size=len(X))
    mean = pytest.approx([X.mean()] * 2, rel=1e-4)
    assert found == {"array": [0.5] * 2, "mean": mean, "number": [2.0] * 2, "switch": [1.0] * 2}


class OtherTest(models.Model):
    def test_step(self, data):
        own = {"z": 1, "a": 2}
        return own | super().test_step(data)


def test_evaluations_list_the_metrics_before_other_logs():
    model = model_of(OtherTest, metrics=["mae"])
    found = model.evaluate(X, TARGETS, verbose=0, return_dict=True)
    assert list(found) == ["loss", "mae", "a", "z"]
    for values in (model.evaluate(X, TARGETS, verbose=0), model.test_on_batch(X, TARGETS)):
        assert values == pytest.approx(list(found.values()), rel=1e-4)


class Gan(models.Model):
    """Two networks, two optimizers, one step."""

    def __init__(self):
        super().__init__()
        self.maker = models.Sequential([layers.Input((2,)), layers.Dense(4)])
        self.judge = models.Sequential([layers.Input((4,)), layers.Dense(1)])

    def compile(self, maker, judge, loss):
        super().compile()
        self.of_maker, self.of_judge, self.judgement = maker, judge, loss

    def train_step(self, real):
        count = ops.shape(real)[0]
        made = self.maker(kerasish.random.normal((count, 2)))
        both = ops.concatenate([made, real], axis=0)
        labels = ops.concatenate([ops.ones((count, 1)), ops.zeros((count, 1))], axis=0)
        judged = self.judgement(labels, self.judge(both))
        self._step(self.of_judge, judged, self.judge)
        made = self.maker(kerasish.random.normal((count, 2)))
        fooled = self.judgement(ops.zeros((count, 1)), self.judge(made))
        self._step(self.of_maker, fooled, self.maker)
        return {"judged": judged, "fooled": fooled}

    def _step(self, optimizer, loss, part):
        optimizer.apply(kerasish.gradients(loss, part.trainable_weights), part.trainable_weights)


def test_several_optimizers():
    set_random_seed(0)
    model = Gan()
    makers, judges = optimizers.Adam(0.01), optimizers.SGD(0.02, momentum=0.9)
    model.compile(makers, judges, losses.BinaryCrossentropy(from_logits=True))
    before = model.get_weights()
    found = history(model, X, batch_size=35)
    assert set(found) == {"judged", "fooled"}
    assert int(makers.iterations) == int(judges.iterations) == 4
    assert not any(map(np.array_equal, before, model.get_weights()))


def test_all_optimizers_survive_an_engine_that_may_die(monkeypatch):
    engine = engines.current_engine()
    monkeypatch.setattr(engine, "volatile", True)
    model = Gan()
    makers, judges = optimizers.Adam(0.01), optimizers.SGD(0.02, momentum=0.9)
    model.compile(makers, judges, losses.BinaryCrossentropy(from_logits=True))
    history(model, X, batch_size=35)
    variables = [*model.weights, *makers.variables, *judges.variables]
    before = [engine.read(variable.key) for variable in variables]
    for variable in variables:
        engine.delete(variable.key)
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.path)


# --- loops of one's own ------------------------------------------------------------------


def trained_by_fit(optimizer):
    model = model_of(models.Model)
    model.compile(optimizer, "mse")
    model.fit(X, TARGETS, batch_size=len(X), epochs=3, shuffle=False, verbose=0)
    return model.get_weights()


def trained_by_gradients(optimizer):
    model = model_of(models.Model)
    for _ in range(3):
        loss = ops.mean(losses.mse(TARGETS, model(X)))
        optimizer.apply(kerasish.gradients(loss, model.trainable_weights), model.trainable_weights)
    return model.get_weights()


def trained_by_function(optimizer, get_updates):
    model = model_of(models.Model)
    y = K.placeholder((None, 1))
    loss = K.mean(K.square(model.output - y))
    updates = get_updates(optimizer, loss, model.trainable_weights)
    step = K.function([model.input, y], [loss], updates=updates)
    values = [float(step([X, TARGETS])[0]) for _ in range(3)]
    assert values == sorted(values, reverse=True)
    return model.get_weights()


LOOPS = {
    "train_on_batch": lambda o: trained_by_batches(o),
    "gradients": trained_by_gradients,
    "K.function": lambda o: trained_by_function(o, lambda o, loss, ws: o.get_updates(loss, ws)),
    "by name": lambda o: trained_by_function(
        o, lambda o, loss, ws: o.get_updates(params=ws, loss=loss)
    ),
    "Keras 1": lambda o: trained_by_function(o, lambda o, loss, ws: o.get_updates(ws, [], loss)),
}


def trained_by_batches(optimizer):
    model = model_of(models.Model)
    model.compile(optimizer, "mse")
    for _ in range(3):
        model.train_on_batch(X, TARGETS)
    return model.get_weights()


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_loops_of_ones_own_train_as_fit_does(name, optimizer):
    found = LOOPS[name](optimizers.get(optimizer))
    for a, b in zip(found, trained_by_fit(optimizers.get(optimizer)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_get_gradients_clips_and_get_updates_says_what_it_needs():
    weight = kerasish.Variable([3.0])
    (gradient,) = optimizers.SGD(clipvalue=1.0).get_gradients(ops.sum(weight * weight), [weight])
    assert float(gradient[0]) == 1.0
    with pytest.raises(TypeError, match="a loss and params"):
        optimizers.SGD().get_updates([weight])
    with pytest.raises(TypeError, match="constraints"):
        optimizers.SGD().get_updates([weight], {weight: abs}, weight)


# --- added losses and metrics ------------------------------------------------------------


class Adding(layers.Layer):
    def call(self, inputs):
        self.add_loss(ops.mean(ops.square(inputs)))
        self.add_metric(ops.mean(inputs), name="middle")
        return inputs


class Subclassed(models.Model):
    def __init__(self):
        super().__init__()
        self.dense, self.adding = layers.Dense(2), Adding()

    def call(self, inputs):
        return self.adding(self.dense(inputs))


def functional():
    inputs = layers.Input((4,))
    return models.Model(inputs, Adding()(layers.Dense(2)(inputs)))


def of_tensors():
    inputs = layers.Input((4,))
    outputs = layers.Dense(2)(inputs)
    model = models.Model(inputs, outputs)
    model.add_loss(K.mean(K.square(outputs)))
    model.add_metric(K.mean(outputs), name="middle", aggregation="mean")
    return model


@pytest.mark.parametrize("make", [Subclassed, functional, of_tensors])
def test_models_with_added_losses_only(make):
    set_random_seed(2)
    model = make()
    model(X)  # what a call adds counts for this call
    model(X)
    model.compile("adam")
    found = history(model, X)
    assert list(found) == ["loss", "middle"]
    assert found["loss"][1] < found["loss"][0]
    outputs = model.predict(X, verbose=0)
    expected = [np.mean(outputs**2), np.mean(outputs)]
    assert model.evaluate(X, batch_size=len(X), verbose=0) == pytest.approx(expected, rel=1e-4)


def test_losses_are_those_of_the_latest_call():
    layer = Adding()
    for factor in (1.0, 2.0):
        layer(np.full((2, 3), factor, "float32"))
        assert [float(loss) for loss in layer.losses] == [factor**2]
    model = models.Sequential([layers.Input((3,)), layers.Dense(1, kernel_regularizer="l2")])
    model.add_loss(lambda: ops.sum(model.layers[0].bias) + 1.0)
    assert len(model.losses) == 2
    with pytest.raises(ValueError, match="inside `call`"):
        Subclassed().add_loss(layers.Input((2,)))
    with pytest.raises(ValueError, match="needs a name"):
        functional().add_metric(layers.Input((2,)))


# --- eager runs --------------------------------------------------------------------------


class Looking(models.Model):
    """Looks at numbers in `call` and in `train_step`, and decides by them."""

    def __init__(self):
        super().__init__()
        self.dense, self.drop = layers.Dense(1), layers.Dropout(0.5)
        self.seen, self.losses_seen = [], []

    def call(self, inputs, training=None):
        self.seen.append(None if is_keras_tensor(inputs) else float(ops.sum(inputs)))
        return self.drop(self.dense(inputs), training=training)

    def train_step(self, data):
        x, y = data
        y_pred = self(x, training=True)
        loss = ops.mean(ops.square(y_pred - y))
        self.losses_seen.append(float(loss))
        if loss > 1e9:
            raise AssertionError
        self.optimizer.apply(
            kerasish.gradients(loss, self.trainable_weights), self.trainable_weights
        )
        return {"loss": loss}


def test_eager_runs_can_be_looked_at_step_by_step():
    model = Looking()
    model.compile("sgd", run_eagerly=True)
    shown = []

    class Show(Callback):
        def on_train_batch_end(self, batch, logs=None):
            shown.append(logs["loss"])

    model(X[:1])
    model.seen.clear()
    model.fit(X, TARGETS, batch_size=14, callbacks=[Show()], shuffle=False, verbose=0)
    sums = [X[i : i + 14].sum() for i in range(0, 70, 14)]
    np.testing.assert_allclose(model.seen, sums, rtol=1e-3, atol=1e-4)
    # With dropout: what was looked at is what the step computed.
    np.testing.assert_allclose(model.losses_seen, shown, rtol=1e-5)


def dropping(**options):
    set_random_seed(5)
    model = models.Sequential([layers.Input((4,)), layers.Dense(8, "relu"), layers.Dropout(0.5)])
    model.add(layers.BatchNormalization())
    model.add(layers.Dense(3, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"], **options)
    return model


def test_eager_runs_give_the_same_numbers():
    compiled = dropping()
    wanted = history(compiled, X, Y, validation_split=0.2)
    eager = dropping(run_eagerly=True)
    found = history(eager, X, Y, validation_split=0.2)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(
        eager.predict(X, verbose=0), compiled.predict(X, verbose=0), rtol=1e-4, atol=1e-6
    )
    assert eager.test_on_batch(X, Y) == pytest.approx(compiled.test_on_batch(X, Y), rel=1e-4)
    eager.run_eagerly = False
    assert eager.evaluate(X, Y, verbose=0) == pytest.approx(
        compiled.evaluate(X, Y, verbose=0), rel=1e-4
    )


# --- the functions behind the steps ------------------------------------------------------


def test_the_programs_of_the_steps_can_be_read():
    model = classifier()
    assert model.train_function is None
    assert model.make_train_function() is model.train_function
    with pytest.raises(RuntimeError, match=r"train_step yet: it is made for .* first batch"):
        print(model.train_function.program)
    model.fit(X, Y, validation_data=(X, Y), verbose=0)
    model.predict(X, verbose=0)
    for kind in ("train", "test", "predict"):
        text = str(getattr(model, f"{kind}_function").program)
        assert text.startswith(f"program {model.name}.{kind}_step(")
        assert "matmul(" in text
        assert "float32(" in text
    assert "loss/total" in str(model.train_function.program)
    assert str(model.train_function) == f"<StepFunction {model.name}.train_step>"


def test_the_steps_can_be_called():
    one, other = classifier(), classifier()
    other.set_weights(one.get_weights())
    logs = one.make_train_function()((X, Y))
    assert list(logs) == ["loss", "accuracy"]
    assert [float(v) for v in logs.values()] == pytest.approx(other.train_on_batch(X, Y), rel=1e-5)
    batches = iter([(X[:8], Y[:8])])
    assert float(one.make_test_function()(batches)["loss"]) > 0
    np.testing.assert_allclose(
        one.make_predict_function()(X), one.predict(X, verbose=0), rtol=1e-5, atol=1e-6
    )
    with pytest.raises(RuntimeError, match="compiled before make_train_function"):
        models.Sequential([layers.Dense(1)]).make_train_function()


def test_a_forgotten_step_is_traced_again():
    model = model_of(models.Model)
    model.fit(X, TARGETS, verbose=0)
    model.train_step = lambda data: {"other": ops.mean(data[0])}
    assert list(model.fit(X, TARGETS, verbose=0).history) == ["loss"]
    model.make_train_function(force=True)
    assert list(model.fit(X, TARGETS, verbose=0).history) == ["other"]
    assert model.get_metrics_result().keys() == {"loss"}


# --- all state at once -------------------------------------------------------------------


@pytest.mark.parametrize("value_format", ["backend_tensor", "numpy_array"])
def test_state_trees_carry_a_training_on(value_format):
    """Ten steps, then five more: from the tree as from the model itself."""
    models_ = [classifier() for _ in range(2)]
    for model in models_:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    one, other = models_
    one.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    other.train_on_batch(X, Y)  # makes the optimizer's state
    tree = one.get_state_tree(value_format)
    assert sorted(tree) == [
        "metrics_variables",
        "non_trainable_variables",
        "optimizer_variables",
        "trainable_variables",
    ]
    renamed = _renamed(tree, one, other)
    other.set_state_tree(renamed)
    for model in models_:
        model.fit(X, Y, epochs=1, shuffle=False, verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="no 'nothing' among its trainable_variables"):
        one.set_state_tree({"trainable_variables": {"nothing": 1}})
    with pytest.raises(ValueError, match="there is no 'weights'"):
        one.set_state_tree({"weights": {}})
    with pytest.raises(ValueError, match="value_format"):
        one.get_state_tree("list")


def _renamed(tree, one, other):
    """The tree with the names that the layers of another, equal model have."""
    names = dict(zip([x.name for x in one.layers], [x.name for x in other.layers], strict=True))
    names[one.name] = other.name

    def walk(branch):
        if not isinstance(branch, dict):
            return branch
        return {names.get(key, key): walk(item) for key, item in branch.items()}

    slots = {}
    for mine, its in zip(one.optimizer.variables, other.optimizer.variables, strict=True):
        slots[its.path.rpartition("/")[2]] = mine.numpy()
    return walk(tree) | {"optimizer_variables": {"adam": slots}}


def test_the_loss_without_side_effects():
    model = model_of(models.Model)
    model.test_on_batch(X, TARGETS)
    prediction = model.predict(X, verbose=0)
    before = model.get_weights()
    values = [np.zeros(v.shape) for v in model.trainable_variables]
    states = [v.numpy() for v in model.metrics_variables]
    loss, (trainable, fixed, after) = model.stateless_compute_loss(
        values, [], states, x=X, y=TARGETS, y_pred=prediction
    )
    assert float(loss) == pytest.approx(np.mean((TARGETS - prediction) ** 2), rel=1e-5)
    assert [len(group) for group in (trainable, fixed, after)] == [2, 0, 2]
    assert float(ops.sum(trainable[0])) == 0
    assert all(map(np.array_equal, before, model.get_weights()))


def test_the_stateless_style():
    """As Keras 3 writes it for JAX: values in, values out, and the variables are told at last."""
    model = model_of(models.Model)
    trainable = [variable.value for variable in model.trainable_variables]
    before = [np.array(value) for value in trainable]
    optimizer = optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)
    outputs, _ = model.stateless_call(trainable, [], X)
    np.testing.assert_allclose(np.asarray(outputs), model.predict(X, verbose=0), rtol=1e-5)
    rate = [variable.value for variable in optimizer.variables]
    ones = [np.ones_like(value) for value in before]
    trainable, _ = optimizer.stateless_apply(rate, ones, trainable)
    for variable, value in zip(model.trainable_variables, trainable, strict=True):
        variable.assign(value)
    for variable, old in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_allclose(variable.value, old - 0.1, rtol=1e-5)


class Remembers(models.Model):
    """Adds up what a weight was before each step, by `value`."""

    def __init__(self, *args):
        super().__init__(*args)
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")

    def train_step(self, data):
        bias = self.layers[-1].bias
        old = bias.value
        bias.assign(bias + 1)
        self.seen.assign_add(ops.sum(old))
        return {"now": ops.sum(bias.value)}


@pytest.mark.parametrize("eagerly", [False, True])
def test_the_value_of_a_variable_stays_when_that_changes(eagerly):
    model = model_of(Remembers, run_eagerly=eagerly)
    assert model.fit(X[:40], TARGETS[:40], 10, verbose=0).history["now"] == [4.0]
    assert float(model.seen.value) == 0 + 1 + 2 + 3


def test_steps_per_execution_can_be_read_and_changed():
    model = model_of(models.Model, steps_per_execution=3)
    assert model.steps_per_execution == 3
    model.steps_per_execution = 1
    assert model.steps_per_execution == 1
    for wrong in (0, 2.5):
        with pytest.raises(ValueError, match="steps_per_execution must be a positive int"):
            model.compile("sgd", "mse", steps_per_execution=wrong)
