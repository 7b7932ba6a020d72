"""Training loops of TensorFlow's kind over our models: tapes and functions."""

import os
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest

from kerasish import config, layers, losses, metrics, models, optimizers
from kerasish.compat.run import run_script
from kerasish.engines import registry


@pytest.fixture(autouse=True)
def tf():
    there, problem = registry.installed("tensorflow")
    if not there:
        required = os.environ.get("KERASISH_REQUIRE_ENGINES", "").split(",")
        (pytest.fail if "tensorflow" in required else pytest.skip)(problem)
    config.set_backend("tensorflow")
    registry.load("tensorflow")
    import tensorflow

    return tensorflow


DATA = np.random.RandomState(0).rand(64, 3).astype("float32")
TARGETS = DATA.sum(1, keepdims=True)


def small_model():
    return models.Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="ones")])


def losses_by_fit():
    model = small_model()
    model.compile(optimizers.SGD(0.1), "mse")
    return model.fit(DATA, TARGETS + 1, batch_size=64, epochs=3, verbose=0).history["loss"]


@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "tf.function"])
def test_loop_of_ones_own(tf, compiled):
    model, optimizer, loss_of = small_model(), optimizers.SGD(0.1), losses.MeanSquaredError()

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        grads = tape.gradient(loss, model.trainable_weights)
        before = float(loss)  # tensors of ours have the values of the moment
        optimizer.apply_gradients(zip(grads, model.trainable_weights, strict=True))
        return before

    step = tf.function(step) if compiled else step
    batches = tf.data.Dataset.from_tensor_slices((DATA, TARGETS + 1)).batch(64)
    said = pytest.warns(UserWarning, match="step uses models .* as plain Python")
    with said if compiled else nullcontext():
        found = [step(x, y) for _ in range(3) for x, y in batches]
    np.testing.assert_allclose(found, losses_by_fit(), rtol=1e-5)


def test_functions_of_tensorflow_on_a_tape(tf):
    """Also where only a part of the loss goes through them."""
    model, optimizer = small_model(), optimizers.SGD(0.1)
    found = []
    for _ in range(3):
        with tf.GradientTape() as tape:
            errors = tf.square(model(DATA, training=True) - (TARGETS + 1))
            mask = tf.cast(errors > 1e9, errors.dtype)
            loss = 0 + losses.MeanSquaredError()(TARGETS + 1, model(DATA)) / 2
            loss += tf.reduce_mean(tf.where(tf.equal(mask, 0), errors, mask)) / 2
        grads = tape.gradient(loss, model.trainable_weights)
        found.append(float(loss))
        optimizer.apply_gradients(zip(grads, model.trainable_weights, strict=True))
    np.testing.assert_allclose(found, losses_by_fit(), rtol=1e-5)
    assert isinstance(tf.reduce_mean(model(DATA)), tf.Tensor)  # no tape, nothing to remember
    with pytest.raises(KeyError), tf.GradientTape():
        raise KeyError
    assert isinstance(tf.reduce_mean(model(DATA)), tf.Tensor)


def test_train_step_with_a_tape(tf):
    class Model(models.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1, kernel_initializer="ones")
            self.mean = metrics.Mean(name="loss")

        def call(self, x):
            return self.dense(x)

        @tf.function
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(y - self(x, training=True)))
            weights = self.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            self.mean.update_state(loss)
            return {"loss": self.mean.result()}

    model = Model()
    model.compile(optimizers.SGD(0.1))
    history = model.fit(DATA, TARGETS + 1, batch_size=64, epochs=3, verbose=0).history
    np.testing.assert_allclose(history["loss"], losses_by_fit(), rtol=1e-5)


def test_gradients_of_what_is_watched(tf):
    model = small_model()
    x = model.inputs[0] * 1.0
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = model(x)
    (slope,) = tape.gradient(y, [x], output_gradients=[y * 0 + 2.0])
    found = models.Model(model.inputs, slope).predict(DATA[:2], verbose=0)
    np.testing.assert_array_equal(found, np.full((2, 3), 2.0))


def test_tensorflows_own_are_as_before(tf):
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    assert float(tape.gradient(y, x)) == 6
    assert float(tf.function(lambda x: x + 1)(tf.constant(1.0))) == 2

    @tf.function
    def wrong(x):
        raise KeyError("of the user's")

    with pytest.raises(KeyError, match="of the user's"):
        wrong(tf.constant(1.0))


def test_keras_inside_of_tensorflow(tf, tmp_path):
    before = tf.keras
    path = tmp_path / "program.py"
    path.write_text("""
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

assert keras.__name__ == 'kerasish' and tf.keras is keras

class Twice(layers.Layer):
    def call(self, x):
        return tf.nn.relu(x) * 2.0

model = keras.Sequential([keras.Input((2,)), Twice()])
assert model.predict(np.array([[1.0, -1.0]]), verbose=0).tolist() == [[2.0, 0.0]]
""")
    run_script(str(path))
    assert tf.keras is before


def test_the_engine_may_be_what_imports_tensorflow(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import keras, numpy as np\n"
        "print(keras.Sequential([keras.layers.Dense(1)]).predict(np.ones((2, 2))).shape)\n"
        "import tensorflow as tf\n"
        "assert tf.keras is keras\n"
    )
    command = [sys.executable, "-m", "kerasish", "run", str(path)]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["(2, 1)"]), done.stderr


def test_what_the_loss_does_not_depend_on(tf):
    used, unused = small_model(), small_model()
    with tf.GradientTape() as tape:
        loss = losses.MeanSquaredError()(TARGETS, used(DATA))
    sources = [*used.trainable_weights, *unused.trainable_weights]
    assert [g is None for g in tape.gradient(loss, sources)] == [False, False, True, True]
    zeros = tape.gradient(loss, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    np.testing.assert_array_equal(zeros[2], np.zeros((3, 1)))


def test_gradients_of_values_that_are_watched(tf):
    model, x = small_model(), tf.constant([[1.0, 2.0, 3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(model(x) ** 2)
    np.testing.assert_allclose(tape.gradient(loss, x).numpy(), [[12.0] * 3])
    with tf.GradientTape() as tape:  # and what has nothing to do with us
        tape.watch(x)
        loss = tf.reduce_sum(x * x)
    np.testing.assert_allclose(tape.gradient(loss, x).numpy(), [[2.0, 4.0, 6.0]])


def test_checkpoints(tf, tmp_path):
    model, optimizer, step = small_model(), optimizers.Adam(), tf.Variable(1)
    model.compile(optimizer, "mse")
    model.fit(DATA, TARGETS, verbose=0)
    checkpoint = tf.train.Checkpoint(step=step, model=model, optimizer=optimizer)
    assert checkpoint.model is model
    manager = tf.train.CheckpointManager(checkpoint, str(tmp_path), max_to_keep=1)
    path = manager.save()
    before = [*model.get_weights(), *(v.numpy() for v in optimizer.variables)]
    model.fit(DATA, TARGETS, verbose=0)
    checkpoint.restore(path).assert_existing_objects_matched()
    after = [*model.get_weights(), *(v.numpy() for v in optimizer.variables)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.warns(UserWarning, match="model has no variables yet"):
        tf.train.Checkpoint(model=models.Sequential([layers.Dense(1)])).restore(path)


PROGRAM = """
import numpy as np
import tensorflow as tf
from tensorflow import keras

series = keras.utils.timeseries_dataset_from_array(
    np.arange(6.0), np.arange(6.0), sequence_length=2, batch_size=3)
assert isinstance(series, tf.data.Dataset), series
pairs = tf.data.Dataset.zip((series, series)).map(lambda a, b: a[0])
assert [x.shape for x in pairs.as_numpy_iterator()] == [(3, 2), (2, 2)]
assert int(tf.data.experimental.cardinality(series)) == 2

lookup = keras.layers.StringLookup(vocabulary=['a', 'b'], mask_token=None)
back = keras.layers.StringLookup(vocabulary=['a', 'b'], mask_token=None, invert=True)
assert tf.strings.reduce_join(back([1, 2])).numpy() == b'ab'
ragged = lookup(tf.strings.unicode_split(['ab', 'a'], 'UTF-8'))
assert ragged.to_list() == [[1, 2], [1]]
(mapped,) = tf.data.Dataset.from_tensors(['ab', 'a']).map(
    lambda x: lookup(tf.strings.unicode_split(x, 'UTF-8')).to_tensor()).as_numpy_iterator()
assert mapped.tolist() == [[1, 2], [1, 0]]


class Zeros(keras.layers.Layer):
    def call(self, x):
        return x + tf.zeros([tf.shape(x)[0], 3])


class Tiled(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        x = tf.reshape(self.dense(x), shape=[tf.shape(x)[0], 2])
        sizes = tf.shape(x)
        mask = tf.reshape(tf.range(2), [1, 2])
        return x * tf.cast(
            tf.tile(mask, tf.concat([tf.expand_dims(sizes[0], -1), tf.constant([1])], 0)), x.dtype)


class Compared(keras.layers.Layer):
    def call(self, x):
        images = tf.reshape(x, [-1, 1, 3, 1])
        return tf.image.psnr(images, images + 0.1, max_val=1.0)


x = keras.Input((3,))
y = Tiled()(Zeros()(x))
assert y.shape == (None, 2), y
assert keras.Model(x, y).predict(np.ones((4, 3)), verbose=0)[:, 0].tolist() == [0.0] * 4
found = keras.Model(x, Compared()(x)).predict(np.ones((4, 3)), verbose=0)
assert np.allclose(found, 20, rtol=1e-3), found
"""


def test_tensors_and_data_sets_as_programs_expect_them(tf, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    run_script(str(path))
