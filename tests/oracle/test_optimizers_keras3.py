"""Trajectories of the optimizers and learning rate schedules, against those of Keras 3."""

import numpy as np
import pytest

from kerasish import optimizers
from kerasish.graph.variable import Variable

keras = pytest.importorskip("keras", minversion="3")
# Raised inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("SGD", {"weight_decay": 0.1, "clipvalue": 0.2}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.8, "centered": True}),
    ("RMSprop", {"momentum": 0.5}),
    ("RMSprop", {"momentum": 0.5, "centered": True, "epsilon": 1e-3}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "beta_1": 0.5}),
    ("Adam", {"clipnorm": 0.3}),
    ("Adam", {"global_clipnorm": 0.3}),
    ("Adam", {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3}),
    ("Adam", {"gradient_accumulation_steps": 3, "clipnorm": 0.3, "weight_decay": 0.1}),
    ("Adam", {"gradient_accumulation_steps": 2, "use_ema": True, "ema_overwrite_frequency": 4}),
    ("Adam", {"gradient_accumulation_steps": 2, "learning_rate": "ExponentialDecay"}),
    ("Adam", {"loss_scale_factor": 8.0}),
    ("AdamW", {"weight_decay": 0.1}),
    ("Adagrad", {}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Nadam", {"gradient_accumulation_steps": 2}),
    ("Ftrl", {}),
    (
        "Ftrl",
        {
            "l1_regularization_strength": 0.01,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.2,
        },
    ),
    ("Ftrl", {"learning_rate_power": -0.3}),
    ("Lion", {"learning_rate": 0.01}),
    ("Lamb", {}),
    ("Adafactor", {}),
    ("Adafactor", {"learning_rate": 1.0, "weight_decay": 0.1, "clip_threshold": 0.5}),
    ("Adafactor", {"relative_step": False, "epsilon_2": 0.5, "beta_2_decay": -0.5}),
    ("Muon", {}),
    ("Muon", {"nesterov": False, "rms_rate": None, "adam_weight_decay": 0.1, "ns_steps": 3}),
    ("Muon", {"exclude_layers": ["kern"], "adam_lr_ratio": 0.5, "weight_decay": None}),
    # Keras on TensorFlow follows the paper for this beta_1 only; test_optimizers.py has others.
    ("ScheduleFreeAdamW", {"beta_1": 1.0}),
    (
        "ScheduleFreeAdamW",
        {"beta_1": 1.0, "warmup_steps": 5, "weight_decay": 0.1, "beta_2": 0.9},
    ),
]

SCHEDULES = [
    ("ExponentialDecay", (0.1, 3, 0.5), {}),
    ("ExponentialDecay", (0.1, 3, 0.5), {"staircase": True}),
    ("InverseTimeDecay", (0.1, 3, 0.5), {}),
    ("InverseTimeDecay", (0.1, 3, 0.5), {"staircase": True}),
    ("PiecewiseConstantDecay", ([3, 8], [0.1, 0.05, 0.01]), {}),
    ("PolynomialDecay", (0.1, 7), {"power": 2.0}),
    ("PolynomialDecay", (0.1, 7), {"cycle": True, "end_learning_rate": 0.01}),
    ("CosineDecay", (0.1, 9), {"alpha": 0.1}),
    ("CosineDecay", (0.01, 9), {"warmup_target": 0.1, "warmup_steps": 4}),
    ("CosineDecayRestarts", (0.1, 4), {"m_mul": 0.8}),
    ("CosineDecayRestarts", (0.1, 4), {"t_mul": 1.0, "alpha": 0.1}),
    ("CosineDecayRestarts", (0.1, 3), {"t_mul": 1.3, "m_mul": 0.8, "alpha": 0.1}),
]


def trajectory(optimizer, kernel, bias, numbers):
    """The values after each of 20 steps, with gradients that depend on them."""
    values = []
    for target in numbers:
        grads = [np.asarray(v) - target for v in (kernel, bias)]
        optimizer.apply_gradients(zip(grads, (kernel, bias), strict=True))
        values.append(np.concatenate([np.ravel(np.asarray(v)) for v in (kernel, bias)]))
    return np.stack(values)


def made(options, module):
    """The options, in which the name of a schedule stands for one."""
    rate = options.get("learning_rate")
    if not isinstance(rate, str):
        return options
    return {**options, "learning_rate": getattr(module.schedules, rate)(0.1, 3, 0.5)}


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_trajectories(name, options):
    random = np.random.default_rng(3)
    kernel, bias = random.normal(size=(3, 2)).astype("float32"), np.zeros(2, "float32")
    numbers = random.normal(size=20).astype("float32")
    ours, theirs = (
        getattr(module, name)(**{"learning_rate": 0.05, **made(options, module)})
        for module in (optimizers, keras.optimizers)
    )
    weights = Variable(kernel, name="kernel"), Variable(bias, name="bias")
    wanted = trajectory(
        theirs, keras.Variable(kernel, name="kernel"), keras.Variable(bias, name="bias"), numbers
    )
    got = trajectory(ours, *weights, numbers)
    np.testing.assert_allclose(got, wanted, rtol=2e-4, atol=2e-6)
    assert int(np.asarray(ours.iterations)) == int(theirs.iterations)
    # Files store these in order.
    assert [tuple(v.shape) for v in ours.variables] == [tuple(v.shape) for v in theirs.variables]
    for mine, other in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(mine.numpy(), np.asarray(other), rtol=2e-4, atol=2e-6)


def scaled(module):
    return module.LossScaleOptimizer(
        module.SGD(0.05, momentum=0.5), initial_scale=2.0, dynamic_growth_steps=3
    )


def scaled_once(module):
    inner = module.Adam(0.05, loss_scale_factor=8.0, weight_decay=0.1)
    return module.LossScaleOptimizer(inner, initial_scale=2.0)


def several(module):
    adam, sgd = module.Adam(0.05, use_ema=True), module.SGD(0.05)
    return module.MultiOptimizer(
        module.OptimizerMap(sgd, {"ker.*": adam, "nothing": module.Lion()})
    )


def several_scaled(module):
    table = module.OptimizerMap(module.SGD(0.05), {".*bias": module.Adam(0.05)})
    return module.MultiOptimizer(table, loss_scale_factor=4.0)


@pytest.mark.parametrize("make", [scaled, scaled_once, several, several_scaled])
def test_wrappers(make):
    random = np.random.default_rng(4)
    kernel, bias = random.normal(size=(3, 2)).astype("float32"), np.zeros(2, "float32")
    numbers = random.normal(size=20).astype("float32")
    numbers[[4, 5, 11]] = np.inf if make is scaled else 0.0
    ours, theirs = make(optimizers), make(keras.optimizers)
    weights = [Variable(kernel, name="kernel"), Variable(bias, name="bias")]
    others = [keras.Variable(kernel, name="kernel"), keras.Variable(bias, name="bias")]
    wanted, got = trajectory(theirs, *others, numbers), trajectory(ours, *weights, numbers)
    np.testing.assert_allclose(got, wanted, rtol=2e-4, atol=2e-6)
    assert int(np.asarray(ours.iterations)) == int(theirs.iterations)
    for mine, other in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(mine.numpy(), np.asarray(other), rtol=2e-4, atol=2e-6)
    assert float(ours.scale_loss(1.0)) == float(theirs.scale_loss(1.0))
    again = type(theirs).from_config(ours.get_config())
    assert again.get_config() == {**ours.get_config(), "name": again.name}
    back = optimizers.deserialize(keras.optimizers.serialize(theirs))
    assert type(back) is type(ours)
    assert len(back.variables) == len(make(optimizers).variables)


SINGLE = sorted({name for name, _ in OPTIMIZERS})


@pytest.mark.parametrize("name", SINGLE)
def test_configs(name):
    ours, theirs = getattr(optimizers, name)(), getattr(keras.optimizers, name)()
    mine = ours.get_config()
    assert mine == {**theirs.get_config(), "name": mine["name"]}
    again = getattr(keras.optimizers, name).from_config(mine)
    assert again.get_config() == mine
    back = optimizers.deserialize(keras.optimizers.serialize(theirs))
    assert {**back.get_config(), "name": mine["name"]} == mine


@pytest.mark.parametrize(("name", "args", "options"), SCHEDULES)
def test_schedules(name, args, options):
    ours = getattr(optimizers.schedules, name)(*args, **options)
    theirs = getattr(keras.optimizers.schedules, name)(*args, **options)
    assert ours.get_config() == theirs.get_config()
    for step in range(20):
        assert float(ours(step)) == pytest.approx(float(theirs(step)), rel=1e-5, abs=1e-8)
