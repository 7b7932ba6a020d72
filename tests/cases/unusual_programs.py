"""Programs of Keras 1 and 2 that use what was never documented."""

from cases.programs import PROGRAMS, program

__all__ = ["PROGRAMS"]

program("""# generators that count samples, Keras 1
import numpy as np
from keras.callbacks import LambdaCallback
from keras.models import Sequential
from keras.layers import Dense
from keras.utils import Sequence as Batched

model = Sequential([Dense(1, input_dim=3)])
model.compile('sgd', 'mse')
taken = []


def batches(size):
    while True:
        taken.append(size)
        yield np.ones((size, 3)), np.ones((size, 1))


found = model.fit_generator(batches(4), samples_per_epoch=10, nb_epoch=2, verbose=0,
                            validation_data=batches(5), nb_val_samples=10)
assert found.params['steps'] == 3, found.params
assert taken.count(5) >= 4, taken
found = model.fit_generator(batches(4), 8, nb_epoch=1, verbose=0, max_q_size=1)
assert found.params['steps'] == 2, found.params
assert model.predict_generator(batches(4), val_samples=8).shape == (8, 1)
assert model.predict_generator(batches(4), 2).shape == (8, 1)
model.evaluate_generator(batches(4), val_samples=8)


class Batches(Batched):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return np.ones((4, 3)), np.ones((4, 1))


lines = []
model.fit_generator(Batches(), steps_per_epoch=2, epochs=3, verbose=0, validation_data=Batches(),
                    validation_steps=4, callbacks=[LambdaCallback(
                        on_batch_end=lambda batch, logs: lines.append(batch))])
assert lines == [0, 1] * 3, lines
assert model.predict_generator(Batches(), 5).shape == (20, 1)
""")

program("""# windows of ints, and layers of older names, Keras 1 and 2
import numpy as np
from keras import backend as K
from keras.layers import Activation, AtrousConvolution1D, Conv2D, Conv3D, Convolution2D, Dense
from keras.layers import Input, Layer, MaxPooling2D
from keras.layers.pooling import _Pooling2D
from keras.layers.core import TimeDistributedDense
from keras.models import Sequential, model_from_json
from keras.regularizers import EigenvalueRegularizer
from keras.utils.generic_utils import get_custom_objects

assert isinstance(MaxPooling2D(), _Pooling2D) and not isinstance(Layer(), _Pooling2D)
assert Conv2D(8, 3, 5, border_mode='same').kernel_size == (3, 5)
assert Conv2D(8, 3, 2).strides == (2, 2)
assert Conv3D(8, 3, 4, 5).kernel_size == (3, 4, 5)


class Causal(AtrousConvolution1D):
    def __init__(self, nb_filter, filter_length, init='glorot_uniform', activation=None,
                 weights=None, border_mode='valid', atrous_rate=1, bias=True, **kwargs):
        super(Causal, self).__init__(nb_filter, filter_length, init, activation, weights,
                                     border_mode, atrous_rate=atrous_rate, bias=bias, **kwargs)

    def call(self, x, mask=None):
        x = K.asymmetric_temporal_padding(x, self.atrous_rate * (self.filter_length - 1), 0)
        return super(Causal, self).call(x, mask)


causal = Causal(4, 2, atrous_rate=3, bias=False, name='causal')
model = Sequential([Layer(input_shape=(6, 2)), causal, TimeDistributedDense(output_dim=5)])
assert model.output_shape == (None, 6, 5) and causal.name == 'causal'
x = np.random.rand(1, 6, 2)
later = x + np.arange(6).reshape(1, 6, 1) // 5
assert np.allclose(model.predict(x)[:, :5], model.predict(later)[:, :5])
model = model_from_json(Sequential([Layer(input_shape=(6, 2))]).to_json())
assert model.layers[0].__class__ is Layer


class Masked(Convolution2D):
    def call(self, x, mask=None):
        return 2 * super(Masked, self).call(x)


assert Masked(3, 2, 4, border_mode='same')(Input((5, 5, 1))).shape == (None, 5, 5, 3)
get_custom_objects().update({'third': Activation('relu'), 'relu3': Activation(K.relu)})
model = Sequential([Dense(2, input_dim=3, activation='third'), Activation('relu3')])
assert Sequential.from_config(model.get_config()).predict(np.ones((1, 3))).min() >= 0
rule = EigenvalueRegularizer(0.5)
assert np.isclose(K.eval(rule(K.variable(np.diag([1., 4.])))), 2, atol=1e-3)
assert K.random_normal((2,), std=0.).shape == (2,) and K.random_uniform((2,), low=1, high=2).shape
assert K.eval(K.lesser(K.variable([1., 3.]), 2.)).tolist() == [True, False]
""")

program("""# branches merged in a Sequential, Keras 1
import numpy as np
from keras.models import Sequential
from keras.layers import Activation, Dense, Embedding, LSTM, Merge, Permute

story, question, memory = (Sequential() for _ in range(3))
story.add(Embedding(9, 4, input_length=5))
question.add(Embedding(9, 4, input_length=3))
memory.add(Embedding(9, 3, input_length=5))
match = Sequential()
match.add(Merge([story, question], mode='dot', dot_axes=[2, 2]))
match.add(Activation('softmax'))
response = Sequential()
response.add(Merge([match, memory], mode='sum'))
response.add(Permute((2, 1)))
answer = Sequential()
answer.add(Merge([response, question], mode='concat', concat_axis=-1))
answer.add(LSTM(4))
answer.add(Dense(2, activation='softmax'))
answer.compile('rmsprop', 'sparse_categorical_crossentropy')
x = [np.random.randint(0, 9, (6, size)) for size in (5, 3, 5)]
answer.fit(x, np.arange(6) % 2, verbose=0)
assert answer.predict(x).shape == (6, 2) and answer.predict_classes(x).shape == (6,)
answer.pop()
assert answer.output_shape == (None, 4) and len(answer.inputs) == 3
try:
    Merge([Sequential([Dense(3)]), story])
except ValueError as error:
    assert 'input_shape' in str(error)
else:
    raise AssertionError
""")

program("""# layers that are popped, Keras 1 and 2
import numpy as np
from keras.models import Model, Sequential
from keras.layers import Dense, Input

model = Sequential([Dense(4, input_dim=3), Dense(5), Dense(6)])
model.layers.pop()
model.outputs = [model.layers[-1].output]
model.layers[-1].outbound_nodes = []
assert model.predict(np.ones((2, 3))).shape == (2, 5)
model.add(Dense(2, activation='softmax'))
assert [layer.units for layer in model.layers] == [4, 5, 2]
model.compile('sgd', 'mse')
model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)

x = Input((3,))
middle = Dense(5)(Dense(4)(x))
model = Model(input=[x], output=[Dense(6)(middle)])
assert model.input is x and model.predict(np.ones((2, 3))).shape == (2, 6)
assert model.layers.pop().units == 6 and model.layers[-1].output is middle
assert model.output_shape == (None, 6)
model.outputs = [model.layers[-1].output]
assert model.predict(np.ones((2, 3))).shape == (2, 5)
assert len(model.layers) == 3
""")

program("""# the loss as a tensor, and metrics that are added, Keras 2
import numpy as np
from keras import backend as K
from keras.engine.training import _make_batches, _slice_arrays
from keras.layers import Dense, Dropout, Input
from keras.models import Model, Sequential

model = Sequential([Dense(2, input_dim=3, kernel_initializer='ones', kernel_regularizer='l2')])
model.compile('sgd', 'mse')
kernel = model.layers[0].kernel
grads = model.optimizer.get_gradients(model.total_loss, [kernel])
assert model.total_loss is model.total_loss
inputs = model.inputs + model.targets + model.sample_weights + [K.learning_phase()]
loss, grad = K.function(inputs, [model.total_loss] + grads)(
    [np.ones((4, 3)), np.ones((4, 2)), np.array([1., 1, 0, 0]), 0])
assert np.isclose(loss, 4 / 2 + 0.01 * 6), loss
assert np.allclose(grad, 2 / 2 + 0.02), grad
kept = K.batch_get_value(model.optimizer.weights)
model.optimizer.set_weights(kept)
assert len(kept) == len(model.optimizer.get_weights()) > 0
assert _make_batches(5, 2) == [(0, 2), (2, 4), (4, 5)]
assert _slice_arrays([np.arange(4)], 1, 3)[0].tolist() == [1, 2]

x = Input((3,))
y = Dense(2)(x)
model = Model([x], [y])
size = K.sum(K.abs(y))
model.add_loss(K.mean(K.square(y)))
model.compile('sgd')
model.metrics_names.append('size')
model.metrics_tensors.append(size)
assert model.fit(np.ones((4, 3)), None, verbose=0).history['size'][0] > 0
assert not model.uses_learning_phase
assert Sequential([Dropout(0.5, input_shape=(2,))]).uses_learning_phase

two = Model(x, [Dense(1, name='a')(y), Dense(1, name='b')(y)])
two.compile('sgd', 'mse', metrics=['mae'])
assert len(two.metrics_names) == 5, two.metrics_names
ones = np.ones((4, 1))
assert len(two.train_on_batch(np.ones((4, 3)), [ones, ones])) == 5
doubled = K.function([x, K.learning_phase()], [K.in_train_phase(2 * x, x)])
assert doubled([np.ones((1, 3))])[0].sum() == 3 and doubled([np.ones((1, 3)), 1])[0].sum() == 6
""")

program("""# tensors as of TensorFlow 1
import warnings
import numpy as np
from keras import backend as K
from keras.layers import Dense, Input, Lambda, Layer
from keras.models import Model, Sequential, model_from_json

x, y, wide = Input((3,)), Input((3,)), Input((4, 5))
assert y in [x, y] and wide not in [x, y] and [x, wide, y].index(y) == 2
assert x == x and not x == y
assert K.eval(K.equal(K.variable([1., 2.]), 2.)).tolist() == [False, True]
assert not hasattr(x, '__len__') and len(K.variable([1., 2.])) == 2


class Running(Layer):
    def build(self, input_shape):
        self.state = self.add_weight(name='state', shape=(3,), initializer='ones')

    def call(self, x):
        self.state = self.state + K.sum(x, 0)
        return x * self.state


model = Model([x], [Running()(x)])
assert model.predict(np.ones((2, 3))).tolist() == [[3.] * 3] * 2
assert model.predict(np.ones((1, 3))).tolist() == [[2.] * 3]
assert len(model.weights) == 1

three = 3
model = Sequential([Lambda(lambda x: three * x, input_shape=(2,))])
with warnings.catch_warnings():
    warnings.simplefilter('ignore')  # of the byte code
    text = model.to_json()
for again in (Sequential.from_config(model.get_config()), model_from_json(text)):
    assert again.predict(np.ones((1, 2))).tolist() == [[3., 3.]]
model = Sequential([Dense(2, input_dim=1, kernel_initializer='ones')])
model.compile('sgd', 'mse')
assert model.predict(np.zeros(1)).shape == (1, 2)
""")

program("""# class weights that Keras 2 ignores
import warnings
import numpy as np
from keras.layers import Dense
from keras.models import Sequential

model = Sequential([Dense(2, input_dim=3, activation='softmax')])
model.compile('sgd', 'categorical_crossentropy')
x, y = np.ones((4, 3)), np.eye(2)[[0, 1, 0, 1]]
plain = model.test_on_batch(x, y)
for weights in ('auto', [1., 9.], np.array([1., 9.]), [{0: 1.}, {0: 1.}]):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        model.fit(x, y, class_weight=weights, verbose=0)
    assert any('is ignored' in str(w.message) for w in said), weights
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter('always')
    model.train_on_batch(x, y, class_weight=[{0: 1., 1: 9.}])
assert not said, [str(w.message) for w in said]
""")

program("""# an optimizer that wraps another, Keras 2
import numpy as np
from keras import backend as K
from keras.layers import Dense
from keras.models import Sequential
from keras.optimizers import SGD, Adam, Optimizer


class WithMore(Optimizer):
    def __init__(self, optimizer, more):
        super(WithMore, self).__init__()
        self.optimizer, self.more = optimizer, more

    def get_updates(self, params, loss):
        self.updates = self.optimizer.get_updates(params=params, loss=loss) + self.more
        return self.updates


class Own(SGD):
    def get_updates(self, loss, params):
        assert self.initial_decay == 0.5
        lr = self.lr / (1. + self.decay * self.iterations)
        grads = self.get_gradients(loss, params)
        return [K.update(p, p - lr * g) for p, g in zip(params, grads)]


count = K.variable(0.)
x, y = np.random.rand(20, 3), np.random.rand(20, 1)
for optimizer in (WithMore(Adam(lr=0.05), [K.update_add(count, 1.)]), Own(lr=0.1, decay=0.5)):
    model = Sequential([Dense(1, input_dim=3)])
    model.compile(optimizer, 'mse')
    losses = model.fit(x, y, epochs=6, verbose=0, batch_size=10).history['loss']
    assert losses[-1] < losses[0], losses
assert K.get_value(count) == 12
""")
