"""Layers of one's own as Keras 1, 2 and tf.keras let one write them, run by `kerasish run`."""

import contextlib
import io

import pytest

from kerasish import backend
from kerasish.compat.run import run_script
from kerasish.utils import set_random_seed

PROGRAMS = {}


def program(text):
    """Takes in a program under the name in its first line, `# name`."""
    PROGRAMS[text.split("\n", 1)[0].removeprefix("# ")] = text


BEGINNING = """
import numpy as np
import keras
from keras import backend as K
from keras.layers import Dense, Embedding, Input, Layer
from keras.models import Model, load_model

def learns(model, x, y, unchanged=()):
    model.compile('sgd', 'mse')
    before = [K.get_value(w) for w in model.trainable_weights]
    model.train_on_batch(x, y)
    after = [K.get_value(w) for w in model.trainable_weights]
    same = [w.name for w, a, b in zip(model.trainable_weights, before, after) if (a == b).all()]
    assert before and same == list(unchanged), same

def comes_back(model, x, objects, ends=('.keras', '.h5')):
    for end in ends:
        model.save(PATH + end)
        other = load_model(PATH + end, custom_objects=objects)
        assert np.allclose(other.predict(x), model.predict(x), atol=1e-6), end
    return other

rng = np.random.RandomState(0)
"""

program("""# initializations that make variables, Keras 1
from keras import constraints, initializations, regularizers
from keras.engine import InputSpec

class Old(Layer):
    def __init__(self, output_dim, init='glorot_uniform', **kwargs):
        self.output_dim = output_dim
        self.init = initializations.get(init)
        super(Old, self).__init__(**kwargs)

    def build(self, input_shape):
        self.input_spec = [InputSpec(shape=input_shape)]
        self.W = self.init((input_shape[1], self.output_dim), name='{}_W'.format(self.name))
        self.g = initializations.uniform((self.output_dim,), scale=0.5)
        self.b = self.add_weight((self.output_dim,), initializer=initializations.get('zero'))
        self.trainable_weights = [self.W, self.g, self.b]
        regularizer = regularizers.get({'name': 'WeightRegularizer', 'l1': 0.0, 'l2': 0.5})
        regularizer.set_param(self.g)
        regularizers.l1(0.5).set_layer(self)
        self.regularizers = [regularizer]
        self.constraints = {self.W: constraints.get('nonneg')}

    def call(self, x, mask=None):
        return K.dot(x, self.W) * self.g + self.b

    def get_output_shape_for(self, input_shape):
        return (input_shape[0], self.output_dim)

    def get_config(self):
        config = {'output_dim': self.output_dim, 'init': self.init.__name__}
        return dict(list(super(Old, self).get_config().items()) + list(config.items()))

x = Input(shape=(3,))
layer = Old(4, init='he_normal')
model = Model(x, layer(x))
assert layer.get_config()['init'] == 'he_normal' and layer.W.name == layer.name + '_W'
assert 0 < abs(K.get_value(layer.g)).max() <= 0.5
data = rng.rand(5, 3)
assert len(model.losses) == 1 and layer.activity_regularizer.l1 == 0.5
learns(model, data, rng.rand(5, 4))
assert (K.get_value(layer.W) >= 0).all()
comes_back(model, data, {'Old': Old})
assert initializations.get_fans((3, 3, 2, 8)) == (18, 72)
""")

program("""# Recurrent with states, constants and dropout, Keras 1 and 2
from keras.engine import InputSpec
from keras.layers import Bidirectional, Recurrent
from keras.layers.recurrent import _time_distributed_dense

class Old(Recurrent):
    def __init__(self, units, dropout=0., **kwargs):
        super(Old, self).__init__(**kwargs)
        self.units = units
        self.dropout = dropout
        self.state_spec = [InputSpec(shape=(None, units))] * 2

    def build(self, input_shape):
        assert not hasattr(self, 'states')
        self.input_spec[0] = InputSpec(shape=(input_shape[0], None, input_shape[2]))
        self.states = [None, None]
        if self.stateful:
            self.reset_states()
        self.W = self.add_weight((input_shape[2], self.units), initializer='ones', name='W')
        if self.initial_weights is not None:
            self.set_weights(self.initial_weights)
        self.built = True

    def preprocess_input(self, x, training=None):
        return _time_distributed_dense(x, self.W, None, self.dropout, training=training)

    def get_constants(self, x, training=None):
        return [[K.cast_to_floatx(2.)]]

    def step(self, x, states):
        total = states[0] + states[2][0] * x
        return total, [total, states[1] + 1]

    def get_config(self):
        config = super(Old, self).get_config()
        return dict(config, units=self.units, dropout=self.dropout)

    def compute_output_shape(self, shape):
        first = shape[:2] + (self.units,) if self.return_sequences else (shape[0], self.units)
        state = (shape[0], self.units)
        return [first, state, state] if self.return_state else first

ones = np.ones((2, 3, 1))
x = Input(batch_shape=(2, 3, 1))
some, kernel = K.ones((1, 2, 50)), K.ones((50, 1))
dropped = K.eval(_time_distributed_dense(some, kernel, None, .5, training=True))
assert dropped[0, 0] == dropped[0, 1] != 50
assert Model(x, Old(2)(x)).predict(ones).tolist() == [[6, 6]] * 2
outputs = Model(x, Old(2, return_state=True)(x)).predict(ones)
assert [y[0, 0] for y in outputs] == [6, 6, 3], outputs
stateful = Old(2, stateful=True)
model = Model(x, stateful(x))
assert [model.predict(ones)[0, 0] for _ in range(2)] == [6, 12]
stateful.reset_states()
assert model.predict(ones)[0, 0] == 6 and len(model.weights) == 1
both = Bidirectional(Old(2, return_sequences=True))
model = Model(x, both(x))
assert model.predict(ones)[0, :, [0, 2]].tolist() == [[2, 4, 6], [6, 4, 2]]
learns(model, ones, np.ones((2, 3, 4)))
comes_back(model, ones, {'Old': Old})
""")

program("""# initial states as before Keras 2.0.6, and a mask
from keras.layers.recurrent import Recurrent

class Count(Recurrent):
    def __init__(self, output_dim, consume_less='gpu', **kwargs):
        self.output_dim = output_dim
        super(Count, self).__init__(consume_less=consume_less, **kwargs)

    def get_initial_states(self, x):
        ten = K.sum(K.zeros_like(x), axis=(1, 2)) + 10.
        return [K.tile(K.expand_dims(ten), [1, self.output_dim])]

    def step(self, x, states):
        return states[0] + 1, [states[0] + 1]

x = Input(shape=(4,))
model = Model(x, Count(2)(Embedding(5, 3, mask_zero=True)(x)))
assert model.predict(np.array([[1, 2, 0, 0]])).tolist() == [[12, 12]]
""")

program("""# cells that make their dropout masks themselves, Keras 2.1 and tf.keras
from keras.layers import RNN, AbstractRNNCell
from keras.layers.recurrent import DropoutRNNCellMixin
from keras.layers.recurrent import _generate_dropout_mask, _generate_dropout_ones
from keras import backend as of_library

class Cell(Layer):
    def __init__(self, units, **kwargs):
        super(Cell, self).__init__(**kwargs)
        self.units = self.state_size = units
        self._dropout_mask = None

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units), name='kernel')
        self.cache = of_library.ContextValueCache(lambda inputs: inputs * 2)
        self.built = True

    def call(self, inputs, states, training=None):
        if self._dropout_mask is None:
            ones = _generate_dropout_ones(inputs, K.shape(inputs)[-1])
            self._dropout_mask = _generate_dropout_mask(ones, 0.5, training=training, count=2)
        h = K.dot(inputs * self._dropout_mask[0], self.kernel) + states[0]
        if training is None:
            h._uses_learning_phase = True
        return h, [h]

class Mixed(DropoutRNNCellMixin, AbstractRNNCell):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.dropout, self.recurrent_dropout = units, 0.5, 0.
    state_size = output_size = property(lambda self: self.units)

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name='kernel')

    def call(self, inputs, states, training=None):
        assert self.get_recurrent_dropout_mask_for_cell(states[0], training) is None
        inputs = inputs * self.get_dropout_mask_for_cell(inputs, training, count=4)[1]
        h = K.dot(inputs, self.kernel) + states[0]
        return h, [h]

class Narrow(RNN):
    def call(self, inputs, mask=None, training=None, initial_state=None):
        self.cell._dropout_mask = None
        return super().call(inputs, mask=mask, training=training, initial_state=initial_state)

x = Input(shape=(4, 3))
assert keras.layers.Bidirectional(Narrow(Mixed(2)))(x).shape == (None, 4)
for cell in Cell(2), Mixed(2):
    model = Model(x, RNN(cell)(x))
    data = rng.rand(2, 4, 3)
    expected = data.sum(1).dot(K.get_value(cell.kernel))
    assert np.allclose(model.predict(data), expected, atol=1e-5)
    learns(model, data, rng.rand(2, 2))
""")

program("""# cells that compute their gates, tf.keras
from keras.layers import LSTMCell, RNN
class Counting(LSTMCell):
    def _compute_carry_and_output_fused(self, z, c_tm1):
        assert len(z) == 4
        return c_tm1 + 1, 2 * K.ones_like(c_tm1)

x = Input((3, 2))
model = Model(x, RNN(Counting(4))(x))
assert np.allclose(model.predict(np.zeros((5, 3, 2))), 2 * np.tanh(3))
""")

program("""# lists of weights that others are appended to, Keras 2
class Around(Layer):
    def __init__(self, **kwargs):
        super(Around, self).__init__(**kwargs)
        self.hidden = {'inner': (Dense(2),)}

    def build(self, input_shape):
        inner = self.hidden['inner'][0]
        inner.build(input_shape)
        for w in inner.trainable_weights:
            if w not in self._trainable_weights:
                self._trainable_weights.append(w)
        self._trainable_weights += inner.trainable_weights
        self.step = K.variable(1.)
        self._non_trainable_weights = self._non_trainable_weights + [self.step]
        super(Around, self).build(input_shape)

    def call(self, x):
        return self.hidden['inner'][0](x) * self.step

class Speaks(Layer):
    '''Its weights are those of the second layer; the first is a template.'''
    def build(self, input_shape):
        self.template, self.used = Dense(2), Dense(2, use_bias=False)
        self.template.build(input_shape)
        self.used.build(input_shape)

    def call(self, x):
        return self.used(x)

    @property
    def trainable_weights(self):
        return self._trainable_weights[:] + self.used.trainable_weights

x = Input(shape=(3,))
layer = Around()
model = Model(x, Speaks()(layer(x)))
assert [len(layer.trainable_weights), len(layer.non_trainable_weights)] == [2, 1]
assert len(model.trainable_weights) == 3 and len(model.weights) == 4, model.weights
learns(model, rng.rand(5, 3), rng.rand(5, 2))
""")

program("""# a loss that finds the layer of the predictions, Keras 2
from keras.engine.base_layer import Node

class Scores(Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(1,), name='scale', initializer='ones')

    def call(self, x):
        return x * self.scale

def loss(y_true, y_pred):
    layer, index = y_pred._keras_history[:2]
    assert isinstance(layer, Scores) and not layer._outbound_nodes
    node = layer._inbound_nodes[index]
    assert isinstance(node, Node) and node.input_masks == [None]
    assert node.inbound_layers[0].name == 'first'
    return K.square(node.input_tensors[0] * layer.scale * 2 - y_true)

x = Input(shape=(2,))
first = Dense(2, name='first')
model = Model(x, Scores()(first(x)))
assert model.output._keras_history.tensor_index == 0
assert first.outbound_nodes[0].outbound_layer.name == 'scores'
data = rng.rand(4, 2)
model.compile('sgd', loss)
expected = np.mean((2 * model.predict(data) - 1) ** 2)
assert np.allclose(model.evaluate(data, np.ones((4, 2)), verbose=0), expected)
model.fit(data, np.ones((4, 2)), verbose=0)
""")

program("""# sizes that are computed as tensors
from keras import ops

class Causal(Layer):
    def call(self, x):
        batch, length = ops.shape(x)[0], ops.shape(x)[1]
        mask = ops.cast(ops.arange(length)[:, None] >= ops.arange(length), 'float32')
        mask = ops.reshape(mask, (1, length, length))
        times = ops.concatenate([ops.expand_dims(batch, -1), ops.convert_to_tensor([1, 1])], axis=0)
        twice = ops.stack([times[0] * 2 // 2, ops.prod(times) - batch + 2 * length])
        extra = ops.zeros((ops.maximum(twice[0], 1), twice[1] - length, length))
        return ops.concatenate([ops.tile(mask, times), extra], axis=1)

x = Input(shape=(None, 3))
model = Model(x, Causal()(x))
for batch, length in (2, 3), (1, 4):
    y = model.predict(np.zeros((batch, length, 3)))
    assert y.shape == (batch, 2 * length, length) and (y[:, :length] == np.tri(length)).all()
try:
    ops.zeros((ops.cast(ops.sum(Input(shape=())), 'int32'),))
except ValueError as error:
    assert 'has no value yet' in str(error), error
else:
    assert False
""")

program("""# a layer that returns its weights, tied to another one
class Words(Embedding):
    def call(self, x):
        return [super(Words, self).call(x), self.embeddings + 0]

    def compute_mask(self, x, mask=None):
        return [super(Words, self).compute_mask(x, mask), None]

class Similar(Layer):
    def call(self, inputs):
        return K.dot(inputs[0], K.transpose(inputs[1]))

x = Input(shape=(3,), dtype='int32')
hidden, table = Words(5, 4)(x)
model = Model(x, Similar()([hidden, table]))
data, target = np.array([[1, 2, 3]]), np.ones((1, 3, 5))
other = comes_back(model, data, {'Words': Words, 'Similar': Similar})
for one in model, other:
    one.compile('sgd', 'mse')
    one.fit(data, target, epochs=3, verbose=0)
assert np.allclose(other.predict(data), model.predict(data))
""")

program("""# configs of one's own classes, whatever their names and entries
class MultiHeadAttention(Layer):
    def __init__(self, head_num, weights=None, **kwargs):
        super().__init__(**kwargs)
        self.head_num = head_num
        self.initial_weights = weights

    def build(self, shape):
        self.heads = self.add_weight((self.head_num, shape[-1]), initializer='uniform')
        if self.initial_weights is not None:
            self.set_weights(self.initial_weights)
            del self.initial_weights

    def call(self, x):
        return K.dot(x, K.transpose(self.heads))

class Several(Layer):
    def __init__(self, layers, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers

    def call(self, x):
        return sum(layer(x) for layer in self.inner)

    def get_config(self):
        inner = [{'class_name': 'Dense', 'config': x.get_config()} for x in self.inner]
        return dict(super().get_config(), layers=inner)

    @classmethod
    def from_config(cls, config):
        inner = [keras.layers.deserialize(x) for x in config.pop('layers')]
        return cls(inner, **config)

x = Input(shape=(3,))
attention = MultiHeadAttention(2, weights=[np.ones((2, 3))])
model = Model(x, Several([Dense(2), Dense(2)])(attention(x)))
assert 'weights' not in attention.get_config()
learns(model, rng.rand(4, 3), rng.rand(4, 2))
names = {'MultiHeadAttention': MultiHeadAttention, 'Several': Several}
comes_back(model, rng.rand(4, 3), names)
""")

program("""# shapes with TensorFlow's names, Keras 2
class Flat(Layer):
    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], 2), name='kernel')
        self.u = self.add_weight(shape=tuple([1, self.kernel.shape.as_list()[-1]]), name='u')

    def call(self, x):
        assert x.shape.ndims == 3 and x.shape[1:].num_elements() == 12
        assert (x.shape[:1] + [5]).as_list() == [None, 5] and not x.shape.is_fully_defined()
        x.set_shape([None, 4, 3])
        return K.dot(x, self.kernel) * self.u

x = Input(shape=(4, 3))
y = Flat()(x)
assert y.shape == (None, 4, 2) and isinstance(y.shape, tuple)
try:
    y.set_shape((None, 5, 2))
except ValueError as error:
    assert 'set_shape got (None, 5, 2)' in str(error), error
else:
    assert False
wide = y * np.ones((4, 2)) + np.zeros(2)
assert wide.dtype == 'float32' and (np.ones((4, 2)) - y).dtype == 'float32'
assert y[[slice(None), None, slice(0, 2)]].shape == (None, 1, 2, 2)
""")

program("""# variables that are made where a layer is called
class Window(Layer):
    def build(self, shape):
        self.width = self.add_weight(shape=(3,), initializer='ones')
        self.kernel = K.abs(self.width) * 2  # an expression of a weight

    def call(self, x):
        middle = K.variable(K.ones(1))
        return x * K.concatenate([self.kernel[:1], middle, self.kernel[2:]])

x = Input(shape=(3,))
model = Model(x, Window()(x))
assert model.predict(np.ones((1, 3))).tolist() == [[2, 1, 2]]
learns(model, np.ones((1, 3)), np.zeros((1, 3)))
""")

program("""# a wrapper that replaces the weights of its layer where it is called
from keras.layers import Wrapper

class Dropped(Wrapper):
    def build(self, input_shape):
        self.layer.build(input_shape)
        super(Dropped, self).build()

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def call(self, x):
        kernel = self.layer.kernel
        self.layer.kernel = K.in_train_phase(K.dropout(kernel, 0.5), kernel)
        return self.layer.call(x)

x = Input(shape=(3,))
inner = Dense(4)
model = Model(x, Dropped(inner)(x))
data = rng.rand(2, 3)
expected = data.dot(inner.get_weights()[0])
assert np.allclose(model.predict(data), expected)
model.compile('sgd', 'mse')
losses = {model.train_on_batch(data, np.ones((2, 4)) + i) for i in range(3)}
assert np.allclose(model.predict(data), data.dot(inner.get_weights()[0]) + inner.get_weights()[1])
""")

program("""# a class of which nothing would be left, Keras 1
from keras.layers import LSTM

class Attentive(LSTM):
    def step(self, x, states):
        return super(Attentive, self).step(x, states)

try:
    Attentive(3)
except TypeError as error:
    assert 'Attentive defines step, as subclasses of LSTM did before Keras 2.1' in str(error), error
else:
    assert False
assert K.resize_images(K.zeros((1, 2, 2, 1)), 2, 2, 'tf').shape == (1, 4, 4, 1)
""")


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, tmp_path):
    path = tmp_path / "program.py"
    beginning = f"PATH = {str(tmp_path / 'model')!r}\n{BEGINNING}"
    path.write_text(beginning + PROGRAMS[name])
    set_random_seed(1)
    try:
        run_script(str(path))
    finally:
        backend.clear_session()


def test_masks_are_merged_as_in_keras_2(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("""
from keras.layers import Add, Embedding, Input
x = Input((3,))
a, b = (Embedding(4, 2, mask_zero=zero)(x) for zero in (True, False))
KEPT = Add()([a, b]).mask is not None
print("kept" if KEPT else "lost")
""")
    for keras, said in ((2, "kept"), (3, "lost")):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            run_script(str(path), keras=keras)
        assert out.getvalue() == f"{said}\n"
