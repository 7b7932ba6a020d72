"""Dtype policies: what they are, and what layers and models make of them."""

import copy
import json
import pickle

import numpy as np
import pytest

from kerasish import config, dtype_policies, layers, mixed_precision, models, ops, optimizers
from kerasish.dtype_policies import DTypePolicy, DTypePolicyMap
from kerasish.engines.base import MissingOperationError

L = layers
X = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)


def exchanged(data):
    return json.loads(json.dumps(data))


# --- policies ----------------------------------------------------------------------------

# name, what is computed in, what weights have
POLICIES = [
    ("float32", "float32", "float32"),
    ("float64", "float64", "float64"),
    ("float16", "float16", "float16"),
    ("int32", "int32", "int32"),
    ("mixed_float16", "float16", "float32"),
    ("mixed_bfloat16", "bfloat16", "float32"),
]


@pytest.mark.parametrize(("name", "compute", "variable"), POLICIES)
def test_dtypes_of_a_policy(name, compute, variable):
    policy = DTypePolicy(name)
    assert (policy.compute_dtype, policy.variable_dtype) == (compute, variable)
    for other in (
        name,
        policy,
        dtype_policies.serialize(policy),
        {"class_name": "Policy", "config": {"name": name}},
        pickle.loads(pickle.dumps(policy)),
        copy.deepcopy(policy),
    ):
        assert dtype_policies.get(other) == policy
        assert hash(dtype_policies.get(other)) == hash(policy)
    assert exchanged(dtype_policies.serialize(policy)) == {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": name},
        "registered_name": None,
    }


MISTAKES = [
    (lambda: DTypePolicy("mixed_float32"), ValueError, "Unknown dtype policy 'mixed_float32'"),
    (lambda: DTypePolicy(3), TypeError, "must be a string, but got 3"),
    (lambda: L.Dense(3, dtype="float"), ValueError, "Unknown dtype policy 'float'"),
    (lambda: L.Dense(3, dtype="float8_from_float32"), NotImplementedError, "only 'int8'"),
    (lambda: dtype_policies.GPTQDTypePolicy("gptq/4/128"), NotImplementedError, "only 'int8'"),
    (lambda: DTypePolicyMap(policy_map=3), TypeError, "policy_map must be a dict"),
    (lambda: overlapping()["a/b"], ValueError, r"'a/b' fits several patterns"),
    (lambda: overlapping().__setitem__("a/.*", "float32"), ValueError, "already a policy"),
]


def overlapping():
    return DTypePolicyMap("float32", {"a/.*": "float16", ".*/b": "float64"})


@pytest.mark.parametrize(("mistake", "error", "message"), MISTAKES)
def test_messages(mistake, error, message):
    with pytest.raises(error, match=message):
        mistake()


def test_the_global_policy():
    assert config.dtype_policy() == DTypePolicy("float32")
    config.set_floatx("float64")
    assert config.dtype_policy() == DTypePolicy("float64")
    mixed_precision.set_global_policy("mixed_float16")
    assert mixed_precision.global_policy() == mixed_precision.Policy("mixed_float16")
    assert L.Dense(3).dtype_policy.name == "mixed_float16"
    assert L.Dense(3, dtype="float32").dtype_policy.name == "float32"
    assert L.Input((3,)).dtype == "float64"  # floatx, whatever the policy
    config.set_dtype_policy(None)
    assert L.Dense(3).dtype == "float64"


def test_maps_of_policies():
    policies = DTypePolicyMap("float64", {"model/.*": "float16"})
    policies["model/first"] = "float32"
    assert list(policies) == ["model/.*", "model/first"]
    assert len(policies) == 2
    again = dtype_policies.get(exchanged(dtype_policies.serialize(policies)))
    assert again == policies
    assert [again[p].name for p in ("model/first", "model/b", "c")] == [
        "float32",
        "float16",
        "float64",
    ]
    del policies["model/first"]
    assert policies["model/first"].name == "float16"
    assert policies.compute_dtype == "float64"
    assert DTypePolicyMap().default_policy == config.dtype_policy()


def test_layers_find_their_policy_in_a_map_by_path():
    policies = DTypePolicyMap("float64", {"whole/first": "float16"})
    first, second = (L.Dense(2, name=name, dtype=policies) for name in ("first", "second"))

    class Whole(models.Model):
        def __init__(self):
            super().__init__(name="whole")
            self.first, self.second = first, second

        def call(self, x):
            return self.second(self.first(x))

    Whole()(X)
    assert first.path == "whole/first"
    assert (first.kernel.dtype, second.kernel.dtype) == ("float16", "float64")
    again = L.Dense.from_config(exchanged(first.get_config()))
    assert again.get_config() == first.get_config()


# --- layers ------------------------------------------------------------------------------


class Probe(L.Layer):
    """Remembers the dtypes that its call sees."""

    def build(self, input_shape):
        self.w = self.add_weight(shape=(), initializer="ones", name="w")
        self.kept = self.add_weight(shape=(), initializer="ones", name="kept", autocast=False)
        self.count = self.add_weight(shape=(), initializer="zeros", dtype="int32", name="count")

    def call(self, x, y=None, mask=None):
        self.seen = [x.dtype, y.dtype, *(ops.add(v, v).dtype for v in (self.w, self.kept))]
        self.seen += [(self.w * x).dtype, (self.count + 1).dtype, mask.dtype]
        return x * self.w


SEEN = [
    ("float32", True, ["float32"] * 5 + ["int32", "bool"]),
    ("mixed_float16", True, ["float16", "float16", "float16", "float32", "float16"]),
    ("float16", True, ["float16"] * 5),
    ("mixed_float16", False, ["float32"] * 5),
    ("mixed_bfloat16", True, ["bfloat16", "bfloat16", "bfloat16", "float32", "bfloat16"]),
]


@pytest.mark.parametrize(("policy", "autocast", "seen"), SEEN)
def test_what_call_sees(policy, autocast, seen):
    layer = Probe(dtype=policy, autocast=autocast)
    layer(X, y=X, mask=np.array([True, False, True]))
    assert layer.seen == (seen + ["int32", "bool"])[:7]
    assert {w.dtype for w in (layer.w, layer.kept)} == {layer.variable_dtype}
    assert layer.count.dtype == "int32"
    again = Probe.from_config(exchanged(layer.get_config()))
    assert again.dtype_policy == layer.dtype_policy
    assert again.autocast == autocast


def test_layers_within_follow_their_own_policy():
    class Outer(L.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = L.Dense(2, dtype="float64")

        def build(self, shape):
            self.w = self.add_weight(shape=(), initializer="ones")

        def call(self, x):
            self.seen = [x.dtype, self.inner(x).dtype, (self.w * x).dtype]
            return x

    outer = Outer(dtype="mixed_float16")
    outer(X)
    assert outer.seen == ["float16", "float64", "float16"]


def test_the_policy_can_be_changed():
    layer = L.Dense(2)
    layer(X)
    layer.dtype_policy = "mixed_float16"
    assert layer(X).dtype == "float16"
    assert layer.kernel.dtype == "float32"


def test_assignments_keep_all_digits():
    class Count(L.Layer):
        def build(self, shape):
            self.total = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.total.assign_add(1.0001)
            return x

    layer = Count(dtype="mixed_float16")
    for _ in range(3):
        layer(X, training=True)
    np.testing.assert_allclose(layer.total.numpy(), 3.0003, rtol=1e-6)


def test_statistics_are_kept_in_float32():
    layer = L.BatchNormalization(dtype="mixed_float16", momentum=0.0)
    x = 1000 + np.arange(8, dtype="float32").reshape(8, 1)
    y = layer(x, training=True)
    assert y.dtype == "float16"
    np.testing.assert_allclose(layer.moving_mean.numpy(), x.mean(0), rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x.var(0), rtol=1e-3)


# --- models ------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["float64", "mixed_float16", "mixed_bfloat16"])
def test_models_learn_under_each_policy(policy, engine):
    if policy == "mixed_bfloat16" and engine.name in ("theano", "cntk"):
        with pytest.raises(MissingOperationError, match="engine has no bfloat16"):
            learn(policy)
        return
    learn(policy)


def learn(policy):
    config.set_dtype_policy(policy)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 4)).astype("float32")
    y = x @ np.array([[1.0], [2], [-1], [0.5]], "float32")
    model = models.Sequential([L.Input((4,)), L.Dense(16, activation="relu"), L.Dense(1)])
    model.compile(optimizers.Adam(0.03), "mse")
    scaled = isinstance(model.optimizer, optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    losses = model.fit(x, y, batch_size=32, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.1 * losses[0]
    assert {w.dtype for w in model.weights} == {model.dtype}
    assert model(x[:2]).dtype == model.layers[-1].compute_dtype


def test_loss_scaling_can_be_left_out():
    model = models.Sequential([L.Input((4,)), L.Dense(1)])
    model.dtype_policy = "mixed_float16"
    model.compile("sgd", "mse", auto_scale_loss=False)
    assert type(model.optimizer) is optimizers.SGD
    model.compile(optimizers.LossScaleOptimizer("sgd"), "mse")
    assert type(model.optimizer.inner_optimizer) is optimizers.SGD
