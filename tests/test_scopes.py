"""The `with` blocks of Keras 3, rematerialization, operations of one's own, and KerasTensor."""

import copy

import numpy as np
import pytest

import kerasish
from kerasish import Input, Model, Operation, RematScope, Variable, layers, ops
from kerasish.scopes import KerasTensor, StatelessScope, SymbolicScope, device, name_scope, remat

X = np.arange(12, dtype="float32").reshape(4, 3) / 10


# --- names -------------------------------------------------------------------------------


def test_paths_within_name_scopes():
    with name_scope("a"):
        assert Variable(0.0, name="v").path == "a/v"
        with name_scope("b", caller=object(), deduplicate=True):
            layer = layers.Dense(2, name="d")
            layer.build((None, 3))
        assert layer.kernel.path == "a/b/d/kernel"
        with name_scope("c", override_parent="x/y"):
            assert Variable(0.0, name="v").path == "x/y/c/v"
        assert Variable(0.0, name="v").path == "a/v"
    assert Variable(0.0, name="v").path == "v"


def test_a_call_within_a_name_scope_is_outermost():
    """The losses of an earlier call are forgotten, as outside of scopes."""
    layer = layers.ActivityRegularization(l1=1.0)
    with name_scope("a"):
        for _ in range(2):
            layer(X)
            assert len(layer.losses) == 1


@pytest.mark.parametrize("name", ["a/b", 3, None])
def test_names_that_are_none(name):
    with pytest.raises(ValueError, match="name_scope: name must be a string without"):
        name_scope(name)


def test_device_of_the_engine():
    with device("cpu"), device("CPU:0"), device("/device:CPU:0"):
        assert float(Variable(1.0)) == 1
    with pytest.raises(NotImplementedError, match="the numpy engine computes everything on cpu"):
        device("gpu:0").__enter__()
    with pytest.raises(ValueError, match="expected a name such as"):
        device("gpu:first").__enter__()


# --- state -------------------------------------------------------------------------------


def test_stateless_scope():
    v, w = Variable(np.ones(3, "float32")), Variable(2.0)
    with StatelessScope([(v, np.zeros(3))]) as scope:
        assert v.numpy().tolist() == [0, 0, 0]
        v.assign(v + 5)
        assert v.numpy().tolist() == [5, 5, 5]
        scope.add_update((w, 7.0))
        assert float(w) == 7
    assert v.numpy().tolist() == [1, 1, 1]
    assert float(w) == 2
    assert scope.get_current_value(v).numpy().tolist() == [5, 5, 5]
    assert scope.get_current_value(Variable(0.0)) is None


def test_stateless_scope_and_layers():
    layer = layers.BatchNormalization()
    layer.build(X.shape)
    with StatelessScope(collect_losses=True) as scope:
        layer(X, training=True)
        layers.ActivityRegularization(l1=1.0)(X)
        scope.add_loss(3.0)
    assert layer.moving_mean.numpy().tolist() == [0, 0, 0]
    assert scope.get_current_value(layer.moving_mean).numpy() == pytest.approx(X.mean(0) / 100)
    assert [float(x) for x in scope.losses] == pytest.approx([X.sum() / 4, 3.0])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: StatelessScope([(1, 2)]), ValueError, "expected a variable to map, but got 1"),
        (lambda: StatelessScope([(Variable(X), X[0])]), ValueError, r"shape \(4, 3\), but is giv"),
        (lambda: StatelessScope(initialize_variables=False), NotImplementedError, "first value"),
        (lambda: RematScope("all"), ValueError, "mode must be one of .* but got 'all'"),
        (lambda: RematScope(output_size_threshold="1"), ValueError, "must be a whole number"),
        (lambda: RematScope(layer_names="dense"), ValueError, "layer_names must be a list"),
        (lambda: remat(3), TypeError, "remat takes a function of tensors, but got 3"),
        (lambda: KerasTensor((2,), sparse=True), NotImplementedError, "sparse=True"),
        (lambda: Operation("a/b"), ValueError, "name must be a string without"),
        (lambda: Operation()(X), NotImplementedError, "has no `call`"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_symbolic_scope():
    v = Variable(1.0)
    with SymbolicScope():
        assert layers.Dense(5)(KerasTensor((None, 3))).shape == (None, 5)
        with pytest.raises(TypeError, match="may be another one"):
            float(v)
        v.assign(3.0)
    assert float(v) == 1


# --- tensors and operations --------------------------------------------------------------


def test_keras_tensor():
    x = KerasTensor((None, 3), "int32", name="x")
    assert (x.shape, x.dtype, x.name, x.ndim) == ((None, 3), "int32", "x", 2)
    assert (x.sparse, x.ragged) == (False, False)
    assert [isinstance(t, KerasTensor) for t in (x, x + 1, Input((2,)))] == [True] * 3
    assert [isinstance(t, KerasTensor) for t in (Variable(1.0), ops.ones(2), 3)] == [False] * 3
    assert KerasTensor((2, 1)).squeeze(1).shape == (2,)


class Scale(Operation):
    def __init__(self, factor, name=None):
        super().__init__(name)
        self.factor = factor

    def call(self, x):
        return x * self.factor


class Wrong(Scale):
    def compute_output_spec(self, x):
        return KerasTensor((*x.shape, 1), x.dtype)


def test_operations_compute_and_are_parts_of_models():
    double = Scale(2, name="double")
    assert double(X).numpy() == pytest.approx(2 * X)
    inputs = Input((3,))
    outputs = double(inputs)
    assert double.input is inputs
    assert double.output is outputs
    assert double.symbolic_call(inputs).shape == (None, 3)
    assert Scale.from_config(double.get_config()).factor == 2
    model = Model(inputs, layers.Dense(1)(outputs))
    again = Model.from_config(model.get_config(), {"Scale": Scale})
    again.set_weights(model.get_weights())
    assert again.predict(X, verbose=0) == pytest.approx(model.predict(X, verbose=0))


def test_all_layers_are_operations():
    dense = layers.Dense(1)
    assert issubclass(layers.Dense, Operation)
    assert [isinstance(x, Operation) for x in (dense, Scale(2), 3)] == [True, True, False]
    assert not isinstance(dense, Scale)


def test_compute_output_spec_is_held_to():
    with pytest.raises(ValueError, match=r"output_spec says .*4, 3, 1.* but `call` returned"):
        Wrong(2)(X)


# --- rematerialization -------------------------------------------------------------------


def trained(scope, engine):
    """What a model with all that is special has learnt, and the text of its training step."""
    kerasish.utils.set_random_seed(3)
    with kerasish.backend_scope(engine):
        with scope:
            x = inputs = Input((5, 4))
            x = layers.LSTM(6, return_sequences=True, name="lstm")(layers.Masking()(x))
            x = layers.Dense(8, "tanh", name="dense")(x)
            x = layers.BatchNormalization(name="norm")(x)
            x = layers.Dropout(0.3)(x)
            outputs = layers.Dense(1, activity_regularizer="l2")(layers.GRU(3)(x))
            model = Model(inputs, outputs)
        model.compile("sgd", "mse")
        random = np.random.RandomState(0)
        data = random.normal(size=(8, 5, 4)).astype("float32")
        data[:, 3:] = 0  # masked
        losses = model.fit(data, data[:, 0, :1], batch_size=4, epochs=3, verbose=0).history["loss"]
        again = copy.deepcopy(model)
        assert again.predict(data, verbose=0) == pytest.approx(model.predict(data, verbose=0))
        return losses, model.get_weights(), str(model.train_function.program)


MODES = {
    "full": (RematScope(), True),
    "activations": (RematScope("activations"), True),
    "named": (RematScope("list_of_layers", layer_names=["dense", "norm"]), True),
    "others": (RematScope("list_of_layers", layer_names=["nobody"]), False),
    "large": (RematScope("larger_than", 20), True),
    "larger": (RematScope("larger_than", 1000), False),
}


@pytest.mark.parametrize("mode", MODES)
def test_rematerialized_layers_learn_the_same(mode):
    scope, is_used = MODES[mode]
    plain = trained(RematScope(None), "numpy")
    found = trained(scope, "numpy")
    assert ("held_back" in found[2]) == is_used
    assert found[0] == pytest.approx(plain[0], rel=1e-5)
    for ours, theirs in zip(found[1], plain[1], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)


def test_rematerialized_layers_on_engines(engine):
    plain, found = (trained(RematScope(mode), engine.name) for mode in (None, "full"))
    assert found[0] == pytest.approx(plain[0], rel=1e-4)


def live_at_most(program):
    """How many numbers of the computed ones are there at the same time."""
    last = {v: k for k, i in enumerate(program.instructions) for v in i.inputs}
    sizes = {}
    most = 0
    for k, instruction in enumerate(program.instructions):
        if instruction.op != "held_back":  # which is no copy
            for v, spec in zip(instruction.outputs, instruction.specs, strict=True):
                sizes[v] = int(np.prod(spec.shape))
        most = max(most, sum(sizes.values()))
        for v in {v for v in instruction.inputs if last[v] == k}:
            sizes.pop(v, None)
    return most


class Block(layers.Layer):
    """Large inside, small at its ends."""

    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], shape[-1]))

    def call(self, x):
        for _ in range(10):
            x = ops.tanh(ops.matmul(x, self.kernel))
        return x


def test_rematerialization_takes_less_memory():
    def program(mode):
        with RematScope(mode):
            x = inputs = Input((8,))
            for _ in range(6):
                x = Block()(x)
            model = Model(inputs, x)
        model.compile("sgd", "mse")
        model.train_on_batch(np.ones((64, 8)), np.ones((64, 8)))
        return model.train_function.program

    assert live_at_most(program("full")) < 0.4 * live_at_most(program(None))


def test_remat_of_a_function():
    v = Variable(X)

    @remat
    def block(x, factor, more=None):
        return {"a": ops.sin(x * factor), "b": [x + v, more]}

    found = block(v * 1, 2.0, more=None)
    assert found["b"][1] is None
    total = ops.sum(found["a"]) + ops.sum(found["b"][0])
    assert ops.gradients(total, v).numpy() == pytest.approx(2 * np.cos(2 * X) + 2)
    first = ops.gradients(ops.sum(remat(ops.exp)(v)), v)
    assert ops.gradients(ops.sum(first), v).numpy() == pytest.approx(np.exp(X))


@pytest.mark.filterwarnings("ignore:Model .* has no trainable weights")
def test_state_and_losses_within_remat():
    v = Variable(0.0)

    class Counting(layers.Layer):
        def call(self, x):
            v.assign(v + ops.sum(x))
            self.add_loss(ops.sum(x))
            return x * 2

    with RematScope():
        x = inputs = Input((3,))
        model = Model(inputs, Counting()(x))
    model.compile("sgd", "mse")
    logs = model.train_on_batch(X, 2 * X, return_dict=True)
    assert logs["loss"] == pytest.approx(X.sum())
    assert float(v) == pytest.approx(X.sum())
