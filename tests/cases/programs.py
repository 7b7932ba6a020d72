"""Programs as Keras 1 and 2 had them, small ones."""

PROGRAMS = {}


def program(text):
    """Takes in a program under the name in its first line, `# name`."""
    PROGRAMS[text.split("\n", 1)[0].removeprefix("# ")] = text


program("""# images, Keras 1
import numpy as np
from keras import backend as K
from keras.models import Sequential
from keras.layers.core import Activation, Dense, Dropout, Flatten
from keras.layers.convolutional import Convolution2D, MaxPooling2D, ZeroPadding2D
from keras.layers.advanced_activations import LeakyReLU
from keras.layers.normalization import BatchNormalization
from keras.optimizers import SGD
from keras.utils import np_utils

np.random.seed(1337)
K.set_image_dim_ordering('th')
labels = np.random.randint(0, 3, 90)
X = np.random.rand(90, 1, 8, 8) * 0.5
for i, label in enumerate(labels):
    X[i, 0, 2 * label:2 * label + 3, 2:5] += 1
Y = np_utils.to_categorical(labels, 3)

model = Sequential()
model.add(ZeroPadding2D((1, 1), input_shape=(1, 8, 8)))
model.add(Convolution2D(6, 3, 3, border_mode='valid', init='he_normal', W_regularizer=None))
model.add(BatchNormalization(axis=1))
model.add(LeakyReLU(alpha=0.1))
model.add(MaxPooling2D(pool_size=(2, 2), strides=(2, 2), dim_ordering='th'))
model.add(Convolution2D(4, 3, 1, subsample=(1, 1)))
model.add(Activation('relu'))
model.add(Dropout(0.1))
model.add(Flatten())
model.add(Dense(output_dim=3, init='uniform'))
model.add(Activation('softmax'))
assert model.layers[1].kernel_size == (3, 3) and model.output_shape == (None, 3)
assert model.layers[5].output_shape == (None, 4, 2, 4)
model.compile(loss='categorical_crossentropy', metrics=['accuracy'],
              optimizer=SGD(lr=0.1, decay=1e-6, momentum=0.9, nesterov=True))
model.fit(X, Y, batch_size=16, nb_epoch=12, verbose=0, validation_data=(X, Y))
score = model.evaluate(X, Y, verbose=0)
assert score[1] > 0.9, score
assert (model.predict_classes(X, verbose=0) == labels).mean() == score[1]
""")

program("""# sequences and merge, Keras 1
import numpy as np
from keras.engine import Input, Model
from keras.layers import Dense, Embedding, GRU, Highway, LSTM, MaxoutDense, merge
from keras.layers.embeddings import Embedding as SameEmbedding
from keras.layers.recurrent import LSTM as SameLSTM
from keras.layers.wrappers import Bidirectional, TimeDistributed

assert SameLSTM is LSTM and SameEmbedding is Embedding
left = Input(shape=(6,), dtype='int32', name='left')
right = Input(shape=(4,), name='right')
x = Embedding(input_dim=10, output_dim=5, input_length=6)(left)
x = TimeDistributed(Dense(4))(x)
x = Bidirectional(GRU(output_dim=3, return_sequences=True))(x)
x = LSTM(output_dim=4, inner_init='orthogonal', dropout_W=0.1, dropout_U=0.1)(x)
y = Highway(activation='relu')(right)
both = merge([x, y], mode='concat', concat_axis=1)
both = merge([both, both], mode=lambda t: t[0] * t[1], output_shape=(8,))
out = MaxoutDense(1, nb_feature=2)(merge([both, both], mode='sum'))
model = Model(input=[left, right], output=out)
model.compile('rmsprop', 'mse')
rng = np.random.RandomState(0)
data = [rng.randint(0, 10, (32, 6)), rng.rand(32, 4)]
history = model.fit(data, data[1].sum(1), nb_epoch=8, batch_size=8, verbose=0)
losses = history.history['loss']
assert losses[-1] < losses[0], losses
assert model.get_layer(index=0).name == 'left'
""")

program("""# what layers see, Keras 2
import numpy as np
import keras
from keras import backend as K
from keras.models import Sequential
from keras.layers import Conv2D, Dense, Dropout, Flatten

model = Sequential([
    Conv2D(4, (3, 3), activation='relu', input_shape=(6, 6, 1), name='conv'),
    Dropout(0.5), Flatten(), Dense(2, activation='softmax')])
images = np.random.RandomState(0).rand(5, 6, 6, 1)
see = K.function([model.layers[0].input, K.learning_phase()], [model.layers[1].output])
test, train = see([images, 0])[0], see([images, 1])[0]
assert test.shape == (5, 4, 4, 4) and (train == 0).sum() > (test == 0).sum()
assert np.allclose(train[train != 0], 2 * test[train != 0])

# An image that a filter likes: gradient ascent in input space.
layers = dict((layer.name, layer) for layer in model.layers)
loss = K.mean(layers['conv'].output[:, :, :, 0])
grads = K.gradients(loss, model.input)[0]
grads /= K.sqrt(K.mean(K.square(grads))) + 1e-5
iterate = K.function([model.input], [loss, grads])
image, seen = images[:1] - 0.5, []
for _ in range(5):
    value, step = iterate([image])
    image = image + 0.1 * step
    seen.append(value)
assert seen[-1] > seen[0], seen
before = K.get_value(model.layers[-1].kernel)
K.set_value(model.layers[-1].kernel, before * 2)
assert np.allclose(model.get_weights()[-2], before * 2)
""")

program("""# layers, losses and metrics of one's own, Keras 2
import numpy as np
from keras import backend as K
from keras import initializers, losses, metrics, objectives, regularizers
from keras.engine.topology import InputSpec, Layer
from keras.layers import Input, Lambda
from keras.models import Model
from keras.utils.generic_utils import get_custom_objects
from keras.utils.conv_utils import conv_output_length

assert objectives.mean_squared_error is losses.mean_squared_error
assert conv_output_length(10, 3, 'valid', 2) == 4


class Attend(Layer):
    def __init__(self, size, **kwargs):
        self.size = size
        self.supports_masking = True
        super(Attend, self).__init__(**kwargs)

    def build(self, input_shape):
        self.W = self.add_weight(name='W', shape=(input_shape[-1], self.size),
                                 initializer='glorot_uniform', trainable=True)
        self.u = self.add_weight(name='u', shape=(self.size,), initializer='uniform')
        self.input_spec = InputSpec(ndim=3)
        super(Attend, self).build(input_shape)

    def call(self, x, mask=None):
        scores = K.dot(K.tanh(K.dot(x, self.W)), K.expand_dims(self.u))
        weights = K.exp(K.squeeze(scores, -1))
        weights /= K.cast(K.sum(weights, axis=1, keepdims=True) + K.epsilon(), K.floatx())
        return K.sum(x * K.expand_dims(weights), axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])

    def get_config(self):
        return dict(list(super(Attend, self).get_config().items()) + [('size', self.size)])


def dice_loss(y_true, y_pred):
    y_true_f, y_pred_f = K.flatten(y_true), K.flatten(y_pred)
    return 1 - (2. * K.sum(y_true_f * y_pred_f) + 1) / (K.sum(y_true_f) + K.sum(y_pred_f) + 1)


def accuracy(y_true, y_pred):
    return K.mean(K.equal(y_true, K.round(y_pred)), axis=-1)


def top(t):
    return K.concatenate([K.max(t, axis=-1, keepdims=True), K.l2_normalize(t, 1)])


def squash(t):
    y = K.hard_sigmoid(K.reshape(t, (-1, t.get_shape().as_list()[1]))[:, :1])
    y._keras_shape = t._keras_shape[:1] + (1,)
    return y


get_custom_objects().update({'Attend': Attend, 'dice_loss': dice_loss, 'accuracy': accuracy,
                             'top': top, 'squash': squash})
x = Input(shape=(7, 3))
h = Attend(4)(x)
out = Lambda(squash, output_shape=(1,))(Lambda(top)(h))
model = Model(inputs=x, outputs=out)
model.compile(optimizer='adam', loss='dice_loss', metrics=['accuracy'])
data = np.random.RandomState(0).rand(40, 7, 3)
target = (data.mean((1, 2)) > 0.5).astype('float32')[:, None]
model.fit(data, target, epochs=2, verbose=0)
again = Model.from_config(model.get_config())
again.set_weights(model.get_weights())
assert np.allclose(again.predict(data), model.predict(data))
""")

program("""# recurrence of one's own, Keras 2
import numpy as np
from keras import backend as K
from keras.engine.base_layer import Layer
from keras.layers import Input, Masking
from keras.layers.recurrent import Recurrent
from keras.models import Model


class Decay(Layer):
    supports_masking = True

    def build(self, shape):
        self.rate = self.add_weight(shape=(shape[-1],), initializer='ones', name='rate')
        self.built = True

    def call(self, x, mask=None):
        def step(x_t, states):
            new = states[-1] * states[0] + x_t
            return new, [new]
        first = K.zeros_like(x[:, 0])
        last, outputs, states = K.rnn(step, x, [first], mask=mask, constants=[self.rate * 0.5])
        return last


class Old(Recurrent):
    def __init__(self, units, **kwargs):
        super(Old, self).__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units), initializer='ones', name='k')
        self.built = True

    def preprocess_input(self, inputs, training=None):
        return K.dot(inputs, self.kernel)

    def step(self, inputs, states):
        output = K.maximum(inputs, states[0])
        return output, [output]


x = Input((4, 2))
model = Model(x, [Decay()(Masking()(x)), Old(3, return_sequences=True)(x)])
data = np.array([[[1, 1], [0, 0], [2, 2], [0, 0]]], 'float32')
decayed, largest = model.predict(data)
assert decayed.tolist() == [[2.5, 2.5]], decayed
assert largest[0, :, 0].tolist() == [2, 2, 4, 4], largest
model.compile('sgd', 'mse')
model.fit(data, [decayed * 2, largest], epochs=1, verbose=0)
assert (model.layers[2].get_weights()[0] if model.layers[2].weights
        else model.layers[3].get_weights()[0]).shape == (2,)
""")

program("""# connectionist temporal classification, Keras 2
import numpy as np
from keras import backend as K
from keras.layers import Dense, Input, Lambda
from keras.layers.recurrent import GRU
from keras.layers.merge import add, concatenate
from keras.models import Model
from keras.optimizers import Adam


def ctc_lambda_func(args):
    y_pred, labels, input_length, label_length = args
    return K.ctc_batch_cost(labels, y_pred, input_length, label_length)


x = Input(name='x', shape=(8, 3))
forward = GRU(8, return_sequences=True)(x)
backward = GRU(8, return_sequences=True, go_backwards=True)(x)
backward = Lambda(lambda t: K.reverse(t, axes=1))(backward)
y_pred = Dense(4, activation='softmax', name='softmax')(
    concatenate([add([forward, backward]), x]))
labels = Input(name='labels', shape=[3], dtype='float32')
input_length = Input(name='input_length', shape=[1], dtype='int64')
label_length = Input(name='label_length', shape=[1], dtype='int64')
loss_out = Lambda(ctc_lambda_func, output_shape=(1,), name='ctc')(
    [y_pred, labels, input_length, label_length])
model = Model(inputs=[x, labels, input_length, label_length], outputs=loss_out)
model.compile(loss={'ctc': lambda y_true, y_pred: y_pred}, optimizer=Adam(0.05))
rng = np.random.RandomState(0)
target = rng.randint(0, 3, (24, 3))
target[:, 1] = (target[:, 0] + 1) % 3
target[:, 2] = (target[:, 1] + 1) % 3
data = np.repeat(np.eye(3)[target], 3, axis=1)[:, :8]
inputs = {'x': data, 'labels': target, 'input_length': np.full((24, 1), 8),
          'label_length': np.full((24, 1), 3)}
history = model.fit(inputs, {'ctc': np.zeros(24)}, epochs=25, batch_size=8, verbose=0)
assert history.history['loss'][-1] < 0.3 * history.history['loss'][0], history.history
read = K.function([x, K.learning_phase()], [y_pred])([data, 0])[0]
found = K.get_value(K.ctc_decode(read, input_length=np.full(24, 8), greedy=True)[0][0])
assert (found[:, :3] == target).mean() > 0.8, found
""")

program("""# policy gradients, Keras 2
import numpy as np
from keras import backend as K
from keras.layers import Dense, Input
from keras.models import Model
from keras.optimizers import Adam, RMSprop

state = Input((3,))
policy = Model(state, Dense(2, activation='softmax')(state))
action = K.placeholder(shape=(None, 2))
reward = K.placeholder(shape=(None,))
chosen = K.sum(action * policy.output, axis=1)
loss = -K.mean(K.log(chosen + 1e-10) * reward)
updates = Adam(lr=0.05).get_updates(params=policy.trainable_weights, loss=loss)
train = K.function([policy.input, action, reward], [loss], updates=updates)
counter = K.variable(0, dtype='int32')
count = K.function([], [counter], updates=[K.update_add(counter, 1)])
rng = np.random.RandomState(0)
states = rng.randn(40, 3)
best = np.eye(2)[(states[:, 0] > 0).astype(int)]
before = policy.get_weights()[0]
losses = [train([states, best, np.ones(40)])[0] for _ in range(20)]
assert losses[-1] < losses[0] and not np.allclose(before, policy.get_weights()[0])
assert [int(count([])[0]) for _ in range(3)] == [0, 1, 2] and K.get_value(counter) == 3
""")

program("""# optimizers of one's own, Keras 2 and 1
import numpy as np
from keras import backend as K
from keras import optimizers
from keras.layers import Dense
from keras.legacy import interfaces
from keras.models import Sequential


class MyAdam(optimizers.Optimizer):
    def __init__(self, lr=0.01, beta_1=0.9, beta_2=0.999, **kwargs):
        super(MyAdam, self).__init__(**kwargs)
        with K.name_scope(self.__class__.__name__):
            self.iterations = K.variable(0, dtype='int64', name='iterations')
            self.lr = K.variable(lr, name='lr')
        self.beta_1, self.beta_2 = beta_1, beta_2

    @interfaces.legacy_get_updates_support
    def get_updates(self, loss, params):
        grads = self.get_gradients(loss, params)
        self.updates = [K.update_add(self.iterations, 1)]
        t = K.cast(self.iterations, K.floatx()) + 1
        lr_t = self.lr * (K.sqrt(1. - K.pow(self.beta_2, t)) / (1. - K.pow(self.beta_1, t)))
        ms = [K.zeros(K.int_shape(p), dtype=K.dtype(p)) for p in params]
        vs = [K.zeros(K.int_shape(p), dtype=K.dtype(p)) for p in params]
        self.weights = [self.iterations] + ms + vs
        for p, g, m, v in zip(params, grads, ms, vs):
            m_t = (self.beta_1 * m) + (1. - self.beta_1) * g
            v_t = (self.beta_2 * v) + (1. - self.beta_2) * K.square(g)
            self.updates.append(K.update(m, m_t))
            self.updates.append(K.update(v, v_t))
            self.updates.append(K.update(p, p - lr_t * m_t / (K.sqrt(v_t) + K.epsilon())))
        return self.updates

    def get_config(self):
        return {'lr': float(K.get_value(self.lr))}


class First(optimizers.Optimizer):
    def get_updates(self, params, constraints, loss):
        grads = self.get_gradients(loss, params)
        return [(p, p - 0.1 * g) for p, g in zip(params, grads)]


def trained(optimizer):
    model = Sequential([Dense(3, input_dim=2, activation='tanh'), Dense(1)])
    rng = np.random.RandomState(0)
    model.set_weights([rng.randn(*w.shape) for w in model.get_weights()])
    model.compile(optimizer, 'mse')
    x = rng.rand(50, 2)
    model.fit(x, x.sum(1), epochs=3, batch_size=16, shuffle=False, verbose=0)
    return model


for mine, theirs in [(MyAdam(lr=0.02), optimizers.Adam(lr=0.02, epsilon=1e-7)),
                     (First(clipnorm=0.5), optimizers.SGD(lr=0.1, clipnorm=0.5))]:
    model, expected = trained(mine), trained(theirs).get_weights()
    for got, right in zip(model.get_weights(), expected):
        assert np.allclose(got, right, rtol=1e-3, atol=1e-4), (mine, got, right)
adam = trained(MyAdam())
assert K.get_value(adam.optimizer.iterations) == 12
assert len(adam.optimizer.get_weights()) == 1 + 2 * 4
K.set_value(adam.optimizer.lr, 0.5)
assert adam.optimizer.get_config() == {'lr': 0.5}
""")

program("""# losses that look into the model, Keras 2
import numpy as np
from functools import partial
from keras import backend as K
from keras.layers import Dense, Input, Layer, LeakyReLU
from keras.models import Model, Sequential

x = Input((3,))
z = Dense(2, name='z')(x)
model = Model(x, Dense(1)(z))


def loss(y_true, y_pred):
    return K.mean(K.square(y_true - y_pred), axis=-1) + 0.5 * K.sum(K.square(z), axis=-1)


def size(y_true, y_pred):
    return K.mean(K.abs(z)) * K.cast(K.shape(z)[0], 'float32')


model.compile('sgd', loss=loss, metrics=[size])
data = np.random.RandomState(0).rand(8, 3)
target = data.sum(1, keepdims=True)
codes = Model(x, z).predict(data)
errors = (model.predict(data) - target) ** 2
got = model.evaluate(data, target, verbose=0)
assert np.allclose(got, [np.mean(errors[:, 0] + 0.5 * (codes ** 2).sum(1)),
                         8 * np.abs(codes).mean()], rtol=1e-4), got
model.fit(data, target, epochs=30, verbose=0)
assert model.evaluate(data, target, verbose=0)[0] < got[0]


# A critic whose slope between real and made samples shall be 1.
class Between(Layer):
    def call(self, inputs):
        share = K.random_uniform((K.shape(inputs[0])[0], 1))
        return share * inputs[0] + (1 - share) * inputs[1]


def gradient_penalty(y_true, y_pred, between):
    slopes = K.gradients(y_pred, between)[0]
    norm = K.sqrt(K.sum(K.square(slopes), axis=np.arange(1, len(slopes.shape))))
    return K.mean(K.square(1 - norm))


critic = Sequential([Dense(8, input_dim=2), LeakyReLU(0.2), Dense(1)])
real, made = Input((2,)), Input((2,))
between = Between()([real, made])
penalty = partial(gradient_penalty, between=between)
penalty.__name__ = 'gradient_penalty'
wasserstein = lambda y_true, y_pred: K.mean(y_true * y_pred)
model = Model([real, made], [critic(real), critic(made), critic(between)])
model.compile('rmsprop', loss=[wasserstein, wasserstein, penalty], loss_weights=[1, 1, 10])
batch = [np.random.rand(16, 2), np.random.rand(16, 2) + 1]
signs = [-np.ones((16, 1)), np.ones((16, 1)), np.zeros((16, 1))]
first = model.train_on_batch(batch, signs)
for _ in range(60):
    last = model.train_on_batch(batch, signs)
assert last[0] < first[0] and last[3] < 0.7, (first, last)
""")

program("""# fine tuning with a fixed learning phase, Keras 2
import numpy as np
from keras import backend as K
from keras.layers import BatchNormalization, Dense, Dropout, Input
from keras.models import Model, Sequential

K.set_learning_phase(0)
base = Sequential([Dense(4, input_dim=3), BatchNormalization(), Dropout(0.9)])
K.set_learning_phase(1)
model = Model(base.input, Dense(1)(base.output))
model.compile('sgd', 'mse')
data = np.random.RandomState(0).rand(32, 3) * 5
before = base.layers[1].get_weights()[2]
model.fit(data, data[:, 0], epochs=2, verbose=0)
assert np.allclose(base.layers[1].get_weights()[2], before)  # the moving mean did not move
K.clear_session()
free = Sequential([BatchNormalization(input_shape=(3,))])
free.compile('sgd', 'mse')
free.fit(data, data, epochs=1, verbose=0)
assert not np.allclose(free.get_weights()[2], 0)
""")

program("""# an autoencoder that draws, Keras 2
import numpy as np
from keras import backend as K
from keras import metrics
from keras.layers import Dense, Input, Lambda, Layer
from keras.models import Model

x = Input(shape=(6,))
h = Dense(8, activation='relu')(x)
z_mean, z_log_var = Dense(2)(h), Dense(2)(h)


def sampling(args):
    mean, log_var = args
    epsilon = K.random_normal(shape=(K.shape(mean)[0], K.int_shape(mean)[1]), mean=0., stddev=0.1)
    return mean + K.exp(log_var / 2) * epsilon


z = Lambda(sampling, output_shape=(2,))([z_mean, z_log_var])
decoded = Dense(6, activation='sigmoid')(z)
vae = Model(x, decoded)
reconstruction = 6 * metrics.binary_crossentropy(x, decoded)
kl = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
vae.add_loss(K.mean(reconstruction + kl))
vae.compile(optimizer='rmsprop', loss=None)
data = (np.random.RandomState(0).rand(64, 6) > 0.5).astype('float32')
losses = vae.fit(data, epochs=10, batch_size=16, verbose=0).history['loss']
assert losses[-1] < losses[0], losses
""")


program("""# two models and one optimizer, Keras 2
import warnings
import numpy as np
from functools import partial
from keras import backend as K
from keras.layers import Dense, Input, LeakyReLU
from keras.layers.merge import _Merge
from keras.models import Model, Sequential
from keras.optimizers import Nadam


class RandomWeightedAverage(_Merge):
    def _merge_function(self, inputs):
        weights = K.random_uniform((8, 1))
        return weights * inputs[0] + (1 - weights) * inputs[1]


def gradient_penalty(y_true, y_pred, averaged):
    gradients = K.gradients(y_pred, averaged)[0]
    return K.mean(K.square(1 - K.sqrt(K.sum(K.square(gradients), axis=1))))


def wasserstein(y_true, y_pred):
    return K.mean(y_true * y_pred)


optimizer = Nadam(lr=0.001)
generator = Sequential([Dense(6, input_dim=4), LeakyReLU(alpha=0.2), Dense(3)])
critic = Sequential([Dense(5, input_dim=3), LeakyReLU(alpha=0.2), Dense(1)])
generator.trainable = False
real, noise = Input((3,)), Input((4,))
made = generator(noise)
between = RandomWeightedAverage()([real, made])
penalty = partial(gradient_penalty, averaged=between)
penalty.__name__ = 'penalty'
critic_model = Model([real, noise], [critic(real), critic(made), critic(between)])
critic_model.compile(optimizer, loss=[wasserstein, wasserstein, penalty], loss_weights=[1, 1, 10])
critic.trainable = False
generator.trainable = True
noise = Input((4,))
generator_model = Model(noise, critic(generator(noise)))
generator_model.compile(optimizer, loss=wasserstein)
warnings.filterwarnings('ignore', '.*changed after compile')

x, z, ones = np.random.rand(8, 3), np.random.rand(8, 4), np.ones((8, 1))
for _ in range(2):
    before = generator.get_weights() + critic.get_weights()
    assert len(critic_model.train_on_batch([x, z], [-ones, ones, 0 * ones])) == 4
    between = generator.get_weights() + critic.get_weights()
    generator_model.train_on_batch(z, -ones)
    after = generator.get_weights() + critic.get_weights()
    changed = [[not np.array_equal(*pair) for pair in zip(*two)]
               for two in ((before, between), (between, after))]
    # (the last bias falls out of a difference; how it was trained does not matter here)
    assert changed[0][:7] == 4 * [False] + 3 * [True], changed
    assert changed[1] == 4 * [True] + 4 * [False], changed
assert K.get_value(optimizer.iterations) == 4
""")

program("""# a dueling network and its twin, Keras 2
import numpy as np
import keras
from keras import backend as K
from keras.layers import Dense, Input, Lambda
from keras.models import Model, clone_model

assert keras.__version__.startswith('3.')
state = Input((4,))
values = Dense(4)(Dense(8, activation='relu')(state))
q = Lambda(lambda a: K.expand_dims(a[:, 0], -1) + a[:, 1:] - K.mean(a[:, 1:], keepdims=True),
           output_shape=(3,))(values)
model = Model(state, q)
assert K.tensorflow_backend.relu is K.relu
model._make_predict_function()
twin = clone_model(model)
twin.set_weights(model.get_weights())
x = np.random.rand(5, 4)
assert np.allclose(twin.predict(x, verbose=0), model.predict(x, verbose=0))


def error(args):
    wanted, found, mask = args
    return K.sum(K.square(wanted - found) * mask, axis=-1)


wanted, mask = Input((3,)), Input((3,))
loss = Lambda(error, output_shape=(1,), name='loss')([wanted, model.output, mask])
assert K.int_shape(loss) == (None, 1)
trainable = Model([state, wanted, mask], [loss, model.output])
trainable.compile('adam', loss=[lambda _, found: found, lambda _, found: K.zeros_like(found)])
targets, places = np.random.rand(5, 3), np.eye(3)[[0, 1, 2, 0, 1]]
losses = [trainable.train_on_batch([x, targets, places], [np.zeros(5), targets])[0]
          for _ in range(20)]
assert losses[-1] < losses[0], losses
""")
