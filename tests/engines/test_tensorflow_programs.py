"""Layers of programs that call TensorFlow's functions, as tf.keras lets one write them."""

import os

import pytest

from kerasish import backend, config
from kerasish.compat.run import run_script
from kerasish.engines import registry
from kerasish.utils import set_random_seed

BEGINNING = """
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

x = np.random.RandomState(0).rand(4, 3).astype('float32')

def model_of(layer, shape=(3,)):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))
"""

PROGRAMS = {
    "variables of TensorFlow are weights": """
class Linear(layers.Layer):
    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.w = tf.Variable(tf.ones((3, units)), trainable=True)
        self.rest = [tf.Variable(tf.zeros((units,)), name='b')]
        self.total = tf.Variable(tf.zeros(()), trainable=False)

    def call(self, inputs):
        self.total.assign_add(tf.reduce_sum(inputs))
        return tf.matmul(inputs, self.w) + self.rest[0]

model = model_of(Linear())
assert [len(model.trainable_weights), len(model.weights)] == [2, 3]
model.compile('sgd', 'mse')
model.fit(x, np.zeros((4, 2)), verbose=0)
assert np.isclose(model.layers[1].total.numpy(), x.sum())
assert all((w.numpy() != first).all() for w, first in zip(model.trainable_weights, (1, 0)))
model.save(PATH + '.keras')
again = keras.models.load_model(PATH + '.keras', custom_objects={'Linear': Linear})
assert np.allclose(again.predict(x), model.predict(x))
""",
    "draws are new in each run": """
class Noisy(layers.Layer):
    def call(self, inputs):
        noise = tf.random.normal((3,), stddev=0.1) + tf.random.uniform((3,), 5., 6.)
        ints = tf.random.uniform((1,), maxval=7, dtype=tf.int32)
        batch = tf.random.truncated_normal(tf.concat([tf.shape(inputs)[:1], [1]], 0))
        return 0 * inputs + noise + 0 * batch + tf.cast(ints, tf.float32)

model = model_of(Noisy())
one, other = model.predict(x), model.predict(x)
assert (one != other).all() and (one[0] == one[1]).all() and 4 < one.mean() < 13
""",
    "loops, branches, arrays and gradients of one's own": """
@tf.custom_gradient
def reversed_gradient(x):
    return tf.identity(x), lambda g: -g

class Layer(layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(3,), initializer='ones', name='w')

    def call(self, inputs):
        y = tf.map_fn(lambda row: row * self.w, inputs)
        body = lambda i, h: (i + 1, h * self.w)
        _, y = tf.while_loop(lambda i, h: i < 2, body, [tf.constant(0), y])
        y = tf.cond(tf.reduce_sum(y) > 0., lambda: y * 2, lambda: y)
        y = tf.cond(True, lambda: y, lambda: y * self.w)
        seen = tf.TensorArray(tf.float32, size=2)
        for i in range(2):
            seen = seen.write(i, y * (i + 1))
        y = tf.reduce_sum(tf.transpose(seen.stack(), [1, 0, 2]), 1)
        y = y + tf.scan(lambda total, row: total + row, inputs)
        return reversed_gradient(y)

layer = Layer()
model = model_of(layer)
expected = 6 * x + np.cumsum(x, 0)
assert np.allclose(model.predict(x), expected)
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(model(x))
grad, = tape.gradient(loss, layer.trainable_weights)
assert np.allclose(grad, -18 * x.sum(0), rtol=1e-5), grad
""",
    "sizes that TensorFlow computes": """
class Sizes(layers.Layer):
    def call(self, inputs):
        batch, steps = tf.shape(inputs)[0], tf.shape(inputs)[1]
        shape = tf.concat([tf.stack([batch, steps]), [2]], 0)
        times = tf.concat([tf.expand_dims(batch, -1), tf.constant([1, 1], dtype=tf.int32)], axis=0)
        wide = tf.tile(tf.ones((1, steps, 2)), times) * tf.ones(shape)
        other = tf.broadcast_dynamic_shape(tf.shape(wide), tf.shape(inputs)[:2] + (1,))
        ones = tf.broadcast_to(tf.ones((1, 1, 2)), other)
        return layers.Dense(2)(tf.reshape(wide, shape)) * 0 + ones

model = model_of(Sizes(), (None, 3))
assert model.output_shape == (None, None, 2)
for shape in (2, 5, 3), (1, 4, 3):
    assert (model.predict(np.zeros(shape)) == np.ones((*shape[:2], 2))).all()
""",
    "sizes that a layer says": """
class Flipped(layers.Layer):
    def call(self, inputs):
        size = tf.maximum(tf.cast(tf.reduce_max(inputs[0, 0] * 0), tf.int32), 3)
        return tf.reshape(inputs[:, ::-1], [-1, size])

    def compute_output_shape(self, shape):
        return (shape[0], 3)

class Cell(layers.AbstractRNNCell):
    state_size = output_size = 2

    def build(self, shape):
        self.cell = layers.LSTMCell(2)
        self.w = self.add_weight(shape=(shape[-1], 2), initializer=tf.initializers.ones)

    def call(self, inputs, states):
        return tf.matmul(inputs, self.w) + states[0], [tf.matmul(inputs, self.w) + states[0]]

assert layers.Dense(2)(Flipped()(keras.Input((3,)))).shape == (None, 2)
assert model_of(layers.RNN(Cell()), (4, 3)).predict(np.ones((1, 4, 3))).tolist() == [[12, 12]]
assert tf.keras.losses.Reduction.AUTO == 'auto'
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, tmp_path):
    there, problem = registry.installed("tensorflow")
    if not there:
        required = os.environ.get("KERASISH_REQUIRE_ENGINES", "").split(",")
        (pytest.fail if "tensorflow" in required else pytest.skip)(problem)
    config.set_backend("tensorflow")
    path = tmp_path / "program.py"
    path.write_text(f"PATH = {str(tmp_path / 'model')!r}\n{BEGINNING}{PROGRAMS[name]}")
    set_random_seed(1)
    try:
        run_script(str(path))
    finally:
        backend.clear_session()
