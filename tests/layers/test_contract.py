"""What every layer keeps to: configs, shapes, masks, dtypes, training, files, engines."""

import json

import numpy as np
import pytest
from cases.layers import APART, EVERY, halved

from kerasish import config, layers, models, ops, saving, tree
from kerasish.engines.base import MissingOperationError
from kerasish.graph import dtypes
from kerasish.graph.function import Function

L = layers
every_case = pytest.mark.parametrize(
    "case", EVERY, ids=[f"{case.name}-{i}" for i, case in enumerate(EVERY)]
)
CUSTOM = {"halved": halved}


def test_the_table_has_every_layer():
    known = {
        item.__name__
        for item in layers.registry.names.values()
        # These have tables of their own, or tests in test_compat.py.
        if not {"preprocessing", "compat"} & set(item.__module__.split("."))
    }
    assert known == {case.name for case in EVERY} | set(APART)


def exchanged(config):
    return json.loads(json.dumps(config))


def values_of(outputs):
    return [np.asarray(x) for x in tree.flatten(outputs)]


def built(case, **options):
    """The layer of a case, with weights none of which are 0 or 1."""
    layer = case.make(L)
    if options:
        with saving.custom_object_scope(CUSTOM):
            layer = type(layer).from_config(with_options(layer, options))
    case.call(layer, case.inputs())
    for i, w in enumerate(w for w in layer.weights if dtypes.is_float(w.dtype)):
        w.set_value(0.1 + np.abs(np.random.default_rng(i).normal(size=w.shape)) / 4)
    return layer


def with_options(layer, options):
    """The layer's config with a policy, for the layers and cells within it too."""

    def changed(item):
        if isinstance(item, list):
            return [changed(x) for x in item]
        if not isinstance(item, dict):
            return item
        new = {key: changed(value) for key, value in item.items()}
        return new | options if {"dtype", "name"} <= new.keys() else new

    return changed(exchanged(layer.get_config()))


def model_of(case, layer, batch=None):
    inputs = [
        L.Input(batch_shape=(batch, *shape[1:]), dtype="int32" if case.below else None)
        for shape in case.shapes
    ]
    outputs = tree.flatten(case.call(layer, inputs))
    return models.Model(inputs, outputs)


# --- configs and shapes ------------------------------------------------------------------


@every_case
def test_a_config_makes_an_equal_layer(case):
    layer = built(case)
    x = case.inputs(1)
    config = exchanged(layer.get_config())
    with saving.custom_object_scope(CUSTOM):
        twin = type(layer).from_config(config)
        again = L.deserialize(exchanged(L.serialize(layer)))
    assert exchanged(twin.get_config()) == config
    case.call(twin, x)
    twin.set_weights(layer.get_weights())
    for a, b in zip(*map(values_of, (case.call(layer, x), case.call(twin, x))), strict=True):
        np.testing.assert_array_equal(a, b)
    assert type(again) is type(layer)
    assert exchanged(again.get_config()) == config


@pytest.mark.parametrize("known", [True, False])
@every_case
def test_symbolic_shapes_are_those_of_values(case, known):
    batch = case.shapes[0][0] if known else None
    layer = case.make(L)
    x = [
        L.Input(batch_shape=(batch, *shape[1:]), dtype="int32" if case.below else None)
        for shape in case.shapes
    ]
    returned = case.call(layer, x)
    outputs = tree.flatten(returned)
    found = Function(x, outputs)(*case.inputs())
    for symbolic, value in zip(outputs, found, strict=True):
        # Nothing but the batch size is left open.
        assert symbolic.shape == (batch, *value.shape[1:])
        assert symbolic.dtype == value.dtype.name
    if not case.spread and not case.below:
        shapes = [t.shape for t in x]
        shape = layer.compute_output_shape(shapes if isinstance(case.shape, list) else shapes[0])
        assert shape == tree.map_structure(lambda x: x.shape, returned)


# --- masks -------------------------------------------------------------------------------


@every_case
def test_a_mask_that_leaves_nothing_out_changes_nothing(case):
    layer = built(case)
    plain = [ops.convert_to_tensor(x) for x in case.inputs()]
    masked = [ops.convert_to_tensor(x) for x in case.inputs()]
    for x in masked:
        x.mask = ops.ones(x.shape[:2], dtype="bool") if x.ndim > 2 else None
    if all(x.mask is None for x in masked):
        return
    if case.name == "Softmax":
        for x in masked:
            x.mask = ops.ones(x.shape, dtype="bool")
    expected, found = case.call(layer, plain), case.call(layer, masked)
    for a, b in zip(*map(values_of, (expected, found)), strict=True):
        np.testing.assert_allclose(b, a, 1e-6, 1e-6)
    masks = [x.mask for x in tree.flatten(found) if getattr(x, "mask", None) is not None]
    own = type(layer).compute_mask is not L.Layer.compute_mask
    assert bool(masks) == layer.supports_masking or own
    for mask in masks:
        assert mask.dtype == "bool"
        assert np.asarray(mask).all()


# --- dtypes ------------------------------------------------------------------------------

# policy -> how far results may be from those in float64
TOLERANCES = {"float64": 0, "float32": 1e-4, "mixed_float16": 0.05}


@every_case
def test_dtypes_follow_the_policy(case):
    results = []
    for policy, tolerance in TOLERANCES.items():
        layer = built(case, dtype=policy)
        assert layer.dtype_policy.name == policy
        floats = {w.dtype for w in layer.weights if dtypes.is_float(w.dtype)}
        assert floats <= {layer.variable_dtype}
        outputs = case.call(layer, case.inputs(1))
        assert {x.dtype for x in tree.flatten(outputs)} == {layer.compute_dtype}
        results.append(values_of(outputs))
        for a, b in zip(results[0], results[-1], strict=True):
            np.testing.assert_allclose(b.astype("float64"), a, tolerance, tolerance)


# --- training ----------------------------------------------------------------------------


def trained(case, layer):
    """The weights after a step, beginning with those of `built`."""
    model = model_of(case, layer)
    model.compile("sgd", "mse")
    y = [0.3 * np.ones((case.shapes[0][0], *x.shape[1:])) for x in model.outputs]
    x = case.inputs(1)
    model.train_on_batch(x if len(x) > 1 else x[0], y if len(y) > 1 else y[0])
    return layer.get_weights()


# Weights that change nothing: one that adds the same to all logits of a softmax.
WITHOUT_EFFECT = ("key/bias",)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@every_case
def test_a_step_changes_every_trainable_weight(case, policy):
    layer = built(case, dtype=policy)
    if not layer.trainable_weights:
        return
    before = layer.get_weights()
    after = trained(case, layer)
    for variable, old, new in zip(layer.weights, before, after, strict=True):
        assert variable.dtype == new.dtype.name
        changes = variable.trainable and not variable.path.endswith(WITHOUT_EFFECT)
        assert (old != new).any() or not changes, variable.path
        assert np.isfinite(new).all()


# --- files -------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Programs of Keras 2 .* compute hard_sigmoid")
@pytest.mark.filterwarnings("ignore:Programs of Keras 2.2 and 2.3 .* enlarge images")
@pytest.mark.parametrize("ending", ["keras", "h5"])
@every_case
def test_files(case, ending, tmp_path):
    layer = built(case)
    model = model_of(case, layer)
    x = case.inputs(1)
    path = tmp_path / f"model.{ending}"
    model.save(path)
    again = models.load_model(path, custom_objects=CUSTOM)
    expected, found = (values_of(m(x if len(x) > 1 else x[0])) for m in (model, again))
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(a, b)


# --- engines -----------------------------------------------------------------------------


@every_case
def test_engines_agree(case, loaded_engine):
    """On the outputs, and on the weights after a step of training."""
    if loaded_engine.name == "numpy":
        pytest.skip("the others are compared with it")
    results = []
    for name in ("numpy", loaded_engine.name):
        with config.backend_scope(name):
            layer = built(case)
            try:
                outputs = values_of(model_of(case, layer)(case.inputs(2)))
                weights = trained(case, layer) if layer.weights and not case.drops else []
            except MissingOperationError as error:
                pytest.skip(str(error)[:200])
        results.append([*outputs, *weights])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(b, a, 2e-4, 2e-4)
