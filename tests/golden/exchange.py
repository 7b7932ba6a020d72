"""Exchanges files with an older Keras; runs under that Keras, on any Python from 3.7.

    python exchange.py record FOLDER    writes models, with inputs and outputs, for kerasish to read
    python exchange.py check FOLDER     reads what kerasish wrote (test_exchange.py write FOLDER)

The files in this folder named `keras-2.3.1-*` and `tf.keras-2.15-*` were recorded so. Those named
`theano` are of Keras on Theano; the weights of `keras-2.3.1-cudnn` were brought into that layout by
Keras 2.3.1; `keras-1.2.2-*` are of Keras 1.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases.layers import CASES, MORE, data

# Names that some Kerases have and others not: what there is of them is exchanged.
ACTIVATIONS = "elu exponential gelu leaky_relu linear log_softmax mish relu relu6 selu sigmoid silu"
ACTIVATIONS += " softmax softplus softsign swish tanh"
INITIALIZERS = (
    "zeros ones random_normal random_uniform truncated_normal orthogonal identity he_normal"
)
INITIALIZERS += " he_uniform glorot_normal glorot_uniform lecun_normal lecun_uniform"
REGULARIZERS = "l1 l2 l1_l2"
CONSTRAINTS = "max_norm min_max_norm non_neg unit_norm"
OPTIMIZERS = "sgd adam rmsprop adagrad adadelta adamax nadam"
# Need a GPU in Keras 2; needs its function when loaded.
APART = ("CuDNNGRU", "CuDNNLSTM", "Lambda")


def the_keras():
    """Keras 2.3 or older if it is installed, else tf.keras."""
    import keras

    old = int(keras.__version__.split(".")[1]) < 4
    label = ("keras-" if old else "tf.keras-") + keras.__version__
    if not old:
        from tensorflow import keras
    return keras, label


def graph(L, M):
    """Shared and nested layers, two inputs and outputs; layers that end at different depths."""
    a, b = L.Input((4,), name="a"), L.Input((4,), name="b")
    shared = L.Dense(3, activation="relu", name="shared")
    inner = M.Sequential(name="inner")
    for i in range(2):
        inner.add(L.Dense(3, input_shape=(3,), name="inner%d" % i))
        inner.add(L.BatchNormalization(name="bn%d" % i))
    x = L.Input((3,), name="x")
    deep = M.Model(x, L.Dense(2, name="deepest")(inner(x)), name="deep")
    s = deep(L.Add(name="add")([shared(a), shared(b)]))
    short = L.Dense(1, name="short")(s)
    long = L.Dense(2, name="long")(L.Dropout(0.1, name="drop")(s))
    return M.Model([a, b], [long, short], name="graph")


def chain(L, M):
    return M.Sequential(
        [
            L.Conv2D(2, 3, activation="relu", input_shape=(6, 6, 1), name="conv"),
            L.BatchNormalization(name="bn"),
            L.MaxPooling2D(name="pool"),
            L.Flatten(name="flat"),
            L.Dense(3, activation="softmax", kernel_initializer="he_normal", name="out"),
        ],
        name="chain",
    )


def around(L, M, name, arguments, shape):
    """A model around one layer."""
    shapes = shape if isinstance(shape, list) else [shape]
    inputs = [L.Input(s[1:], name="in%d" % i) for i, s in enumerate(shapes)]
    whole = inputs if isinstance(shape, list) else inputs[0]
    return M.Model(whole, getattr(L, name)(name="layer", **arguments)(whole))


def around_more(L, M, make, shape, below=None, **_):
    """A model around a layer from the table of those that are made in other ways."""
    shapes = shape if isinstance(shape, list) else [shape]
    inputs = [L.Input(s[1:], name="in%d" % i) for i, s in enumerate(shapes)]
    more = {"value": inputs[1]} if len(inputs) > 1 else {}
    outputs = flat(make(L)(inputs[0], **more))
    return M.Model(inputs, outputs, name="words" if below else "around")


def flat(values):
    if not isinstance(values, (list, tuple)):
        return [values]
    return [item for value in values for item in flat(value)]


def activated(L, M, name):
    x = L.Input((4,))
    return M.Model(x, L.Activation(name)(L.Dense(4, activation=name)(x)))


def ruled(L, M, argument, name):
    """A layer with an initializer, regularizer or constraint."""
    x = L.Input((4,))
    return M.Model(x, L.Dense(4, **{"kernel_" + argument: name})(x))


def optimized(L, M, name):
    """Compiled with an optimizer, trained, and to be trained on."""
    layers = [L.Dense(3, activation="tanh", input_shape=(4,), name="one"), L.Dense(2, name="two")]
    model = M.Sequential(layers, name="optimized")
    model.compile(name, "mse")
    return model


def wrapped(L, M):
    """Layers around layers, and cells."""
    return M.Sequential(
        [
            L.Embedding(9, 4, mask_zero=True, input_length=5, name="table"),
            L.Bidirectional(L.LSTM(3, return_sequences=True), name="both"),
            L.TimeDistributed(L.Dense(4, activation="relu"), name="each"),
            L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="sum", name="sum"),
            L.RNN([L.LSTMCell(3), L.GRUCell(2)], name="cells"),
        ],
        name="wrapped",
    )


def stateful(L, M):
    """States that go from layer to layer; a mask; an activation that has two definitions."""
    hard = "keras2_hard_sigmoid" if L.__name__.startswith("kerasish") else "hard_sigmoid"
    x = L.Input((5, 4), name="x")
    y = L.Masking(0.5, name="mask")(x)
    y, h, c = L.LSTM(3, return_sequences=True, return_state=True, name="first")(y)
    y = L.LSTM(3, recurrent_activation=hard, name="second")(y, initial_state=[h, c])
    return M.Model(x, [y, L.Activation(hard, name="hard")(h)], name="stateful")


def filled(model):
    """The model with weights that are neither 0 nor 1."""
    shapes = [np.shape(w) for w in model.get_weights()]
    model.set_weights([np.abs(data(s, i)) + 0.1 for i, s in enumerate(shapes)])
    return model


def makers(L, M):
    """name -> a function that makes a model."""
    found = {f.__name__: lambda f=f: f(L, M) for f in (graph, chain, wrapped, stateful)}
    for i, (name, arguments, shape) in enumerate(CASES):
        if hasattr(L, name):
            found["layer-%02d-%s" % (i, name)] = lambda c=(name, arguments, shape): around(L, M, *c)
    for i, (name, make, shape, options) in enumerate(MORE):
        if hasattr(L, name) and name not in APART:
            case = lambda c=(make, shape), o=options: around_more(L, M, *c, **o)  # noqa: E731
            found["more-%02d-%s" % (i, name)] = case
    for kind in ("initializer", "regularizer", "constraint"):
        for name in globals()[kind.upper() + "S"].split():
            found[kind + "-" + name] = lambda c=(kind, name): ruled(L, M, *c)
    for name in ACTIVATIONS.split():
        found["activation-" + name] = lambda n=name: activated(L, M, n)
    for name in OPTIMIZERS.split():
        found["optimizer-" + name] = lambda n=name: optimized(L, M, n)
    return found


def inputs_of(model, n=3):
    found = [data((n,) + tuple(int(d) for d in x.shape[1:]), i) for i, x in enumerate(model.inputs)]
    words = {"wrapped": 9, "words": 4}.get(model.name)
    return [np.floor(np.abs(100 * x)) % words for x in found] if words else found


def outputs_of(model, inputs):
    found = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    return found if isinstance(found, (list, tuple)) else [found]


def targets_of(model, n):
    return [
        np.abs(data((n,) + tuple(int(d) for d in x.shape[1:]), i))
        for i, x in enumerate(model.outputs)
    ]


def stepped(model):
    """Trained by a few steps of the optimizer that it has."""
    x, y = inputs_of(model, 8), targets_of(model, 8)
    model.fit(x[0], y[0], batch_size=4, epochs=2, verbose=0, shuffle=False)
    return model


def trained(model):
    """Compiled and trained a little, so that the optimizer has a state."""
    x, y = inputs_of(model, 8), targets_of(model, 8)
    if len(y) == 1:
        x, y, loss, metrics = x[0], y[0], "mse", ["mae"]
    else:
        loss, metrics = ["mse"] * len(y), [["mae"]] * len(y)
    model.compile("adam", loss, metrics=metrics)
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, shuffle=False)
    return model


def write(folder, label, L, M, suffix=".h5"):
    """Models with inputs and outputs, as far as this Keras has the layers."""
    for name, make in makers(L, M).items():
        try:
            model = filled(make())
        except Exception as error:  # an argument, or a kind of input, that this Keras has not got
            print("not made:", name, str(error)[:100])
            continue
        if name in ("graph", "chain"):
            trained(model)
        if name.startswith("optimizer"):
            stepped(model)
        path = os.path.join(folder, label + "-" + name)
        inputs = inputs_of(model)
        arrays = {"x%d" % i: x for i, x in enumerate(inputs)}
        arrays.update({"y%d" % i: y for i, y in enumerate(outputs_of(model, inputs))})
        try:
            model.save(path + suffix)
        except (ValueError, NotImplementedError) as error:
            print("not saved:", name, str(error)[:200])
            continue
        if name.startswith("optimizer"):
            arrays.update({"w%d" % i: w for i, w in enumerate(stepped(model).get_weights())})
        np.savez(path + ".npz", **arrays)


def check(folder, load, prefix="", suffix=".h5"):
    """Reads models and compares their outputs; returns how many were right, and what was wrong."""
    right, wrong = 0, []
    for name in sorted(os.listdir(folder)):
        if not (name.startswith(prefix) and name.endswith(suffix)):
            continue
        arrays = np.load(os.path.join(folder, name[: -len(suffix)] + ".npz"))
        inputs = [arrays["x%d" % i] for i in range(9) if "x%d" % i in arrays]
        expected = [arrays["y%d" % i] for i in range(9) if "y%d" % i in arrays]
        weights = [arrays["w%d" % i] for i in range(9) if "w%d" % i in arrays]
        try:
            model = load(os.path.join(folder, name))
            found = outputs_of(model, inputs)
            for a, b in zip(found, expected):
                np.testing.assert_allclose(a, b, 1e-5, 1e-5)
            if weights:
                for a, b in zip(stepped(model).get_weights(), weights):
                    np.testing.assert_allclose(a, b, 1e-4, 1e-5)
            right += 1
        except Exception as error:
            wrong.append("%s: %s %.300s" % (name, type(error).__name__, error))
    return right, wrong


if __name__ == "__main__":
    keras, label = the_keras()
    if sys.argv[1] == "record":
        write(sys.argv[2], label, keras.layers, keras.models)
    else:
        right, wrong = check(sys.argv[2], keras.models.load_model)
        print("\n".join(wrong))
        print(label, right, "right,", len(wrong), "wrong")
