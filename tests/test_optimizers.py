"""Optimizers: state, arguments, traces. Numbers: oracle/test_optimizers_keras3.py."""

import numpy as np
import pytest

from kerasish import constraints, layers, models, ops, optimizers
from kerasish.graph import trace
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients
from kerasish.graph.tensor import Placeholder
from kerasish.graph.variable import Variable
from kerasish.saving import custom_object_scope

WRAPPERS = ("LossScaleOptimizer", "MultiOptimizer", "OptimizerMap")
ALL = [name for name in optimizers.registry.names if name not in (*WRAPPERS, "Optimizer")]


def step_of(optimizer, weights):
    """A Function that does one step down the sum of (w - target)^2 and returns the loss."""
    target = Placeholder((1,), "float32")
    with trace.Trace(training=True) as traced:
        loss = sum(ops.sum(ops.square(w - target)) for w in weights)
        optimizer.apply(gradients(loss, weights), weights)
    return Function([target], [loss], traced.updates)


@pytest.mark.parametrize("name", ALL)
def test_inside_a_function(name):
    """A compiled step equals one that is done at once, and goes downhill."""
    start = np.array([[0.5, -2.0], [3.0, 1.0]], "float32")
    compiled, plain = [Variable(start), Variable([4.0])], [Variable(start), Variable([4.0])]
    options = {"learning_rate": 0.1, "weight_decay": 0.01, "clipnorm": 5.0}
    ours, other = (getattr(optimizers, name)(**options) for _ in range(2))
    step = step_of(ours, compiled)
    values = [float(step([1.0])[0]) for _ in range(6)]
    assert values[-1] < values[0]
    for _ in range(6):
        grads = [2.0 * (v.numpy() - 1.0) for v in plain]
        other.apply_gradients(zip(grads, plain, strict=True))
    for mine, its in zip([*compiled, *ours.variables], [*plain, *other.variables], strict=True):
        np.testing.assert_allclose(mine.numpy(), its.numpy(), rtol=1e-5, atol=1e-6)


def test_on_each_engine(engine):
    wanted = np.array([[0.5, -2.0]])
    weight, optimizer = Variable(wanted.astype("float32")), optimizers.Adam(0.1)
    step = step_of(optimizer, [weight])
    mean = square = 0.0
    for t in (1, 2, 3):
        step([1.0])
        grad = 2 * (wanted - 1)
        mean, square = 0.9 * mean + 0.1 * grad, 0.999 * square + 0.001 * grad**2
        wanted = wanted - 0.1 * (mean / (1 - 0.9**t)) / np.sqrt(square / (1 - 0.999**t))
    assert int(optimizer.iterations) == 3
    np.testing.assert_allclose(weight.numpy(), wanted, atol=1e-5)


def test_gradients_are_those_of_before_the_step():
    """Outside of a trace, too, no variable changes before all gradients are known."""
    a, b = Variable(2.0), Variable(3.0)
    grads = gradients(a * b, [a, b])
    optimizers.SGD(1.0).apply_gradients(zip(grads, [a, b], strict=True))
    assert [float(a), float(b)] == [-1.0, 1.0]


def test_learning_rate():
    optimizer = optimizers.SGD(lr=0.5)
    assert float(optimizer.learning_rate) == float(optimizer.lr) == 0.5
    optimizer.lr = 0.25
    assert float(optimizer.learning_rate) == 0.25
    optimizer.learning_rate.assign(0.125)
    assert optimizer.get_config()["learning_rate"] == 0.125
    scheduled = optimizers.SGD(optimizers.schedules.ExponentialDecay(1.0, 1, 0.5))
    weight = Variable(0.0)
    for _ in range(3):
        scheduled.apply([-1.0], [weight])
    assert float(weight) == 1.75
    assert float(scheduled.learning_rate) == 0.125
    with pytest.raises(TypeError, match="ExponentialDecay"):
        scheduled.learning_rate = 0.1
    later = optimizers.SGD(0.5)
    later.learning_rate = optimizers.schedules.ExponentialDecay(1.0, 1, 0.5)
    assert len(later.variables) == 1
    weight.assign(0.0)
    for _ in range(3):
        later.apply([-1.0], [weight])
    assert float(weight) == 1.75
    optimizer.apply([0.0], [weight])
    with pytest.raises(TypeError, match="once steps were done"):
        optimizer.learning_rate = scheduled._rate


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_short_floats_learn_too(name, dtype):
    """Numbers near 1, such as 0.999, have no neighbour of their own in two bytes."""
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    ends = []
    for each in (dtype, "float32"):
        weight = Variable([[1.0, -2.0]], dtype=each)
        optimizer = getattr(optimizers, name)(0.1)
        for _ in range(5):
            optimizer.apply([np.array([[0.5, -0.25]])], [weight])
        assert {v.dtype for v in optimizer._slots[weight].values()} <= {each}
        ends.append(weight.numpy().astype("float32"))
    np.testing.assert_allclose(*ends, atol=0.03)


def test_decay_of_keras_2():
    weight, optimizer = Variable(0.0), optimizers.SGD(lr=1.0, decay=1.0)
    for _ in range(3):
        optimizer.apply([-1.0], [weight])
    assert float(weight) == pytest.approx(1 + 1 / 2 + 1 / 3)
    assert optimizers.SGD.from_config(optimizer.get_config()).decay == 1.0


@pytest.mark.parametrize("beta", [0.0, 0.6, 0.9])
def test_schedule_free_as_in_the_paper(beta):
    weight = Variable([1.0, -2.0])
    optimizer = optimizers.ScheduleFreeAdamW(0.1, beta_1=beta, beta_2=0.9, warmup_steps=3)
    mean = copy = point = weight.numpy()
    square = 0.0
    for number in range(1, 8):
        grad = 2 * point + 1
        optimizer.apply([grad], [weight])
        square = 0.9 * square + 0.1 * grad**2
        rate = 0.1 * min(1.0, number / 3)
        copy = copy - rate * grad / np.sqrt(square / (1 - 0.9**number))
        mean = mean + (copy - mean) / number
        point = (1 - beta) * copy + beta * mean
        np.testing.assert_allclose(weight.numpy(), point, rtol=1e-5)


def test_constraints_and_exclusions():
    kept, shrunk = Variable([1.0], name="dense/bias"), Variable([-1.0], name="dense/kernel")
    shrunk.constraint = constraints.NonNeg()
    optimizer = optimizers.SGD(0.1, weight_decay=1.0)
    optimizer.exclude_from_weight_decay(var_names=["^bias$"])
    optimizer.apply([np.zeros(1), np.zeros(1)], [kept, shrunk])
    assert [kept.numpy()[0], shrunk.numpy()[0]] == [1.0, 0.0]


def test_averages_also_of_what_has_no_gradient():
    pair = [Variable([1.0]), Variable([1.0])]
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    optimizer.apply([[-1.0], [-1.0]], pair)
    optimizer.apply([[0.0], None], pair)
    pair[1].assign([4.0])
    optimizer.apply([[0.0], None], pair)
    assert [float(optimizer.average_of(v)[0]) for v in pair] == [2.0, 3.0]


def test_own_step_in_the_style_of_keras():
    class Signs(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.counts = {v: self.add_variable_from_reference(v, "count") for v in variables}

        def update_step(self, gradient, variable, learning_rate):
            self.counts[variable].assign_add(ops.ones_like(gradient))
            variable.assign_sub(learning_rate * ops.sign(gradient))

    weight, optimizer = Variable([1.0, -1.0]), Signs(0.5)
    step = step_of(optimizer, [weight])
    step([1.0])
    step([1.0])
    assert weight.numpy().tolist() == [1.0, 0.0]
    assert optimizer.variables[-1].numpy().tolist() == [2.0, 2.0]


def test_another_own_step_in_the_style_of_keras():
    class Heavy(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.moments = self.add_optimizer_variables(variables, "moment")
            self.first, self.second = self.add_optimizer_variables(
                variables, ["first", "second"], ["zeros", "ones"]
            )

        def update_step(self, gradient, variable, learning_rate):
            index = self._get_variable_index(variable)
            self.assign(self.moments[index], self.moments[index] * 0.5 + gradient)
            self.assign_sub(variable, learning_rate * self.moments[index])
            self.assign_add(self.second[index], gradient)

    weights, optimizer = [Variable([1.0]), Variable([2.0, 3.0])], Heavy(1.0)
    for _ in range(2):
        steps = optimizer.apply_gradients(zip([[1.0], [0.0, -1.0]], weights, strict=True))
    assert int(steps) == 2
    assert [w.numpy().tolist() for w in weights] == [[-1.5], [2.0, 5.5]]
    assert optimizer.second[1].numpy().tolist() == [1.0, -1.0]


@pytest.mark.parametrize("name", ["Adam", "Nadam", "LossScaleOptimizer"])
def test_steps_without_state(name):
    def make():
        inner = ("sgd",) if name == "LossScaleOptimizer" else (0.1,)
        return getattr(optimizers, name)(*inner)

    start, grad = np.array([1.0, -2.0], "float32"), np.array([0.5, 0.25], "float32")
    weight, other = Variable(start), Variable(start)
    stateful, stateless = make(), make()
    stateless.build([other])
    values, state = [start], stateless.get_weights()
    for _ in range(3):
        stateful.apply([grad], [weight])
        values, state = stateless.stateless_apply(state, [grad], values)
    np.testing.assert_allclose(values[0], weight.numpy(), rtol=1e-6)
    for mine, its in zip(state, stateful.get_weights(), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-6)
    assert other.numpy().tolist() == start.tolist()
    assert int(stateless.iterations) == 0
    with pytest.raises(ValueError, match=r"There are \d+ variables, but got \d+ values"):
        stateless.stateless_apply([], [grad], values)
    with pytest.raises(ValueError, match="needs build"):
        make().stateless_apply([], [grad], values)


def test_averages_can_be_taken_at_the_end():
    weight = Variable(0.0)
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        optimizer.apply([-1.0], [weight])
    optimizer.finalize_variable_values([weight])
    assert float(weight) == 1.5


def test_missing_gradients():
    a, b, optimizer = Variable(1.0), Variable(1.0), optimizers.SGD(1.0)
    optimizer.build([a, b])
    optimizer.apply([None, 1.0], [a, b])
    assert [float(a), float(b)] == [1.0, 0.0]
    with pytest.raises(ValueError, match="no gradient"):
        optimizer.apply([None, None], [a, b])


def test_weights():
    optimizer = optimizers.Adam()
    optimizer.build([Variable(np.ones(2), name="w")])
    values = [np.asarray(3), np.asarray(0.5), np.ones(2), 2 * np.ones(2)]
    optimizer.set_weights(values)
    assert [w.tolist() for w in optimizer.get_weights()] == [v.tolist() for v in values]
    assert [v.path for v in optimizer.variables][2:] == ["adam/w_momentum", "adam/w_velocity"]
    with pytest.raises(ValueError, match="4 variables, but got 1"):
        optimizer.set_weights([1])


def _scaled():
    return optimizers.LossScaleOptimizer("sgd", initial_scale=4.0, dynamic_growth_steps=2)


def test_configs_of_loss_scale_optimizers_of_earlier_versions():
    """They hold the options of all optimizers, which never had an effect."""
    idle = {"weight_decay": None, "use_ema": False, "ema_momentum": 0.99, "clipnorm": None}
    config = {**_scaled().get_config(), **idle}
    found = optimizers.LossScaleOptimizer.from_config(config)
    assert found.get_config() == _scaled().get_config()


@pytest.mark.parametrize("name", ["Adam", "RMSprop", "Adagrad", "Ftrl", "Adafactor"])
def test_rows_that_a_batch_looks_up_twice(name):
    """Their gradients are summed before they are squared or clipped, as of one-hot inputs."""
    rows, target = np.array([[0, 2], [2, 2], [1, 0]]), np.ones((3, 2, 2), "float32")
    found = []
    for inputs, layer in (
        (rows, layers.Embedding(3, 2, embeddings_initializer="ones")),
        (np.eye(3)[rows], layers.Dense(2, use_bias=False, kernel_initializer="ones")),
    ):
        model = models.Sequential([layers.Input(inputs.shape[1:], dtype="float32"), layer])
        optimizer = getattr(optimizers, name)(0.1, clipnorm=0.5)
        model.compile(optimizer, "mse")
        model.fit(inputs, 2 * target, epochs=5, verbose=0)
        found.append(model.get_weights()[0])
    assert np.abs(found[0] - 1).max() > 0.01
    np.testing.assert_allclose(*found, rtol=1e-5)


def _several():
    table = optimizers.OptimizerMap(optimizers.SGD(0.5), {"encoder/.*": optimizers.Adam(0.5)})
    return optimizers.MultiOptimizer(table)


def by_rank(variable):
    return optimizers.SGD(0.5) if variable.rank else optimizers.SGD(0.25)


@pytest.mark.parametrize(
    "make",
    [_scaled, _several, lambda: optimizers.MultiOptimizer(by_rank)],
    ids=["scaled", "several", "by_rank"],
)
def test_wrappers_inside_a_function(make):
    optimizer = make()
    weights = [Variable([0.5, 3.0], name="encoder/kernel"), Variable(4.0, name="bias")]
    step = step_of(optimizer, weights)
    values = [float(step([1.0])[0]) for _ in range(6)]
    assert values[-1] < values[0]
    with custom_object_scope({"by_rank": by_rank}):
        again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert optimizers.serialize(again) == optimizers.serialize(optimizer)
    again.build(weights)
    again.set_weights(optimizer.get_weights())
    assert [str(w) for w in again.get_weights()] == [str(w) for w in optimizer.get_weights()]


def test_a_map_of_optimizers_is_a_dict_of_patterns():
    adam, sgd = optimizers.Adam(), optimizers.SGD()
    table = optimizers.OptimizerMap(sgd, {"encoder/.*": adam})
    table["encoder/kernel"] = sgd
    paths = ["encoder/kernel", "encoder/bias", "decoder/encoder/bias"]
    assert [table[path] for path in paths] == [sgd, adam, sgd]
    assert table(Variable(0.0, name="encoder/bias")) is adam
    assert list(table.items()) == [("encoder/.*", adam), ("encoder/kernel", sgd)]
    assert "encoder/bias" not in table


def test_one_optimizer_under_several_patterns_does_one_step():
    weights = [Variable(1.0, name="kernel"), Variable(1.0, name="bias")]
    sgd = optimizers.SGD(0.5)
    table = optimizers.OptimizerMap(sgd, {"kernel": sgd, "b.*": sgd})
    optimizers.MultiOptimizer(table).apply([1.0, 1.0], weights)
    assert [float(w) for w in weights] == [0.5, 0.5]
    assert int(sgd.iterations) == 1


def test_losses_of_several_optimizers_are_scaled_once():
    """By the factor of the MultiOptimizer, whatever those inside were made with."""
    weight = Variable(1.0)
    inner = optimizers.SGD(0.5, loss_scale_factor=64.0)
    optimizer = optimizers.MultiOptimizer(optimizers.OptimizerMap(inner))
    optimizer.apply([optimizer.scale_loss(1.0)], [weight])
    assert float(weight) == 0.5


@pytest.mark.parametrize(
    "around",
    [
        optimizers.LossScaleOptimizer,
        lambda inner: optimizers.MultiOptimizer(optimizers.OptimizerMap(inner)),
    ],
)
def test_wrappers_pass_on_what_does_not_decay(around):
    weights = [Variable(1.0, name="dense/bias"), Variable(1.0, name="dense/kernel")]
    optimizer = around(optimizers.SGD(0.5, weight_decay=1.0))
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([0.0, 0.0], weights)
    assert [float(w) for w in weights] == [1.0, 0.5]


def test_loss_scale():
    optimizer, weight = _scaled(), Variable([1.0])
    scales = []
    for grad in (4.0, 4.0, np.inf, np.nan, 1.0):
        optimizer.apply([[grad]], [weight])
        scales.append(float(optimizer.dynamic_scale))
    assert scales == [4.0, 8.0, 4.0, 2.0, 2.0]
    assert float(optimizer.scale_loss(3.0)) == 6.0
    np.testing.assert_allclose(weight.numpy(), [1 - 0.01 * (1 + 1 + 0.5)])
    optimizer.learning_rate = 0.5
    assert float(optimizer.inner_optimizer.lr) == float(optimizer.lr) == 0.5


def test_muon_gives_matrices_orthogonal_steps():
    random = np.random.default_rng(0)
    start = random.normal(size=(3, 5)).astype("float32")
    kernel, table = Variable(start, name="kernel"), Variable(start, name="embedding/table")
    optimizer = optimizers.Muon(1.0, weight_decay=None, adam_weight_decay=None, rms_rate=None)
    optimizer.apply([start, start], [kernel, table])
    sizes = np.linalg.svd(start - kernel.numpy())[1]
    assert ((sizes > 0.6) & (sizes < 1.3)).all()
    np.testing.assert_allclose(np.abs(start - table.numpy()), 1.0, atol=1e-4)


# Arguments in the order of Keras 1 to 2.2 or of 2.3, and what they mean.
@pytest.mark.parametrize(
    ("made", "meant"),
    [
        (lambda: optimizers.SGD(0.1, 0.9, 1e-6, True), {"decay": 1e-6, "nesterov": True}),
        (lambda: optimizers.SGD(0.1, 0.9, True), {"nesterov": True}),
        (lambda: optimizers.RMSprop(0.1, 0.8, None, 0.5), {"rho": 0.8, "decay": 0.5}),
        (lambda: optimizers.Adagrad(0.1, None, 0.5), {"epsilon": 1e-7, "decay": 0.5}),
        (lambda: optimizers.Adam(0.1, 0.8, 0.99, None, 0.5, True), {"decay": 0.5, "amsgrad": True}),
        (lambda: optimizers.Adam(0.1, 0.8, 0.99, True), {"amsgrad": True, "epsilon": 1e-7}),
        (lambda: optimizers.Adam(0.1, 0.8, 0.99, 0.5, True), {"amsgrad": True, "epsilon": 0.5}),
        (lambda: optimizers.Nadam(lr=0.1, schedule_decay=0.004), {"schedule_decay": 0.004}),
    ],
)
def test_order_of_keras_2(made, meant):
    config = made().get_config()
    assert config == {**config, **meant}
    assert config["learning_rate"] == pytest.approx(0.1)
    assert type(made()).from_config(config).get_config() == config


def test_names_of_older_keras():
    assert optimizers.sgd is optimizers.legacy.SGD is optimizers.SGD
    with pytest.raises(AttributeError, match="sgd2"):
        _ = optimizers.sgd2


def _built():
    optimizer = optimizers.SGD()
    optimizer.build([Variable(1.0)])
    return optimizer


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: optimizers.SGD(rate=1), TypeError, "SGD got an unexpected argument 'rate'"),
        (lambda: optimizers.SGD("fast"), TypeError, "sgd: learning_rate must be .* got 'fast'"),
        (lambda: optimizers.SGD(momentum=2), ValueError, "momentum"),
        (lambda: optimizers.SGD(clipnorm=1, clipvalue=1), ValueError, "SGD: only one"),
        (lambda: optimizers.SGD(clipnorm=0), ValueError, "SGD: .* above 0"),
        (lambda: optimizers.SGD(gradient_accumulation_steps=1), ValueError, "at least 2"),
        (lambda: optimizers.ScheduleFreeAdamW(beta_1=2), ValueError, "beta_1 must be from 0 to 1"),
        (lambda: optimizers.LossScaleOptimizer("sgd", 0), ValueError, "initial_scale"),
        (lambda: optimizers.SGD(use_ema=True, ema_momentum=2), ValueError, "ema_momentum"),
        (lambda: optimizers.AdamW(weight_decay=None), ValueError, "use Adam"),
        (lambda: optimizers.Lion(beta_1=0), ValueError, "beta_1"),
        (lambda: optimizers.Ftrl(learning_rate_power=1), ValueError, "learning_rate_power"),
        (lambda: _built().apply([1.0, 2.0]), ValueError, "2 gradients for 1 variables"),
        (lambda: _built().apply([np.ones(2)]), ValueError, r"shape \(\), but got \(2,\)"),
        (lambda: _built().build([Variable(1.0, name="new")]), ValueError, "does not know new"),
        (lambda: _built().exclude_from_weight_decay(), ValueError, "before build"),
        (
            lambda: optimizers.schedules.PiecewiseConstantDecay([1], [0.1]),
            ValueError,
            "one more than boundaries",
        ),
        (
            lambda: optimizers.schedules.PiecewiseConstantDecay([5, 3], [0.1, 0.2, 0.3]),
            ValueError,
            "rising order",
        ),
        (lambda: optimizers.schedules.CosineDecay(0.1, 0), ValueError, "decay_steps"),
        (lambda: optimizers.LossScaleOptimizer("sgd", clipnorm=1), ValueError, "inner_optimizer"),
        (lambda: optimizers.MultiOptimizer(optimizers.SGD()), TypeError, "OptimizerMap"),
        (lambda: _several().learning_rate, AttributeError, "its `optimizers`"),
        (lambda: setattr(_several(), "lr", 0.1), AttributeError, "its `optimizers`"),
        (
            lambda: optimizers.MultiOptimizer(optimizers.OptimizerMap(_scaled())),
            TypeError,
            "none of them a LossScaleOptimizer",
        ),
        (
            lambda: optimizers.MultiOptimizer(lambda v: "sgd").build([Variable(0.0)]),
            TypeError,
            "but got 'sgd'",
        ),
        (
            lambda: optimizers.MultiOptimizer(by_rank).exclude_from_weight_decay(),
            ValueError,
            "expected an OptimizerMap",
        ),
        (lambda: _built().average_of(Variable(1.0)), ValueError, "use_ema=True"),
        (
            lambda: optimizers.OptimizerMap("sgd", {".*a": "sgd", "b.*": "sgd"})["bca"],
            ValueError,
            "fits several patterns",
        ),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call()
