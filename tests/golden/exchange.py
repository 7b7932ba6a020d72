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
from cases.layers import CASES, data


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
    return found


def inputs_of(model, n=3):
    found = [data((n,) + tuple(int(d) for d in x.shape[1:]), i) for i, x in enumerate(model.inputs)]
    if model.name == "wrapped":  # it takes numbers of words
        found = [np.floor(np.abs(100 * x)) % 9 for x in found]
    return found


def outputs_of(model, inputs):
    found = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    return found if isinstance(found, (list, tuple)) else [found]


def targets_of(model, n):
    return [
        np.abs(data((n,) + tuple(int(d) for d in x.shape[1:]), i))
        for i, x in enumerate(model.outputs)
    ]


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
        path = os.path.join(folder, label + "-" + name)
        inputs = inputs_of(model)
        arrays = {"x%d" % i: x for i, x in enumerate(inputs)}
        arrays.update({"y%d" % i: y for i, y in enumerate(outputs_of(model, inputs))})
        try:
            model.save(path + suffix)
        except ValueError as error:
            print("not saved:", name, error)
            continue
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
        try:
            found = outputs_of(load(os.path.join(folder, name)), inputs)
            for a, b in zip(found, expected):
                np.testing.assert_allclose(a, b, 1e-5, 1e-5)
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
