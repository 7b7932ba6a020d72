"""Mistakes that users make get an error, or a warning, that says what to do."""

import contextlib
import time
import warnings

import numpy as np
import pytest
from feeding import Batches, X, Y, batches, classifier, input_threads, on_disk

from kerasish import layers, losses, models, ops, optimizers
from kerasish.callbacks import Callback, EarlyStopping, LambdaCallback
from kerasish.metrics import F1Score, Mean, MeanIoU
from kerasish.training.mistakes import TrainingWarning

HOT = np.eye(3, dtype="float32")[Y]
ONES, ONES6 = [np.ones((70, 1))] * 2, np.ones(6)
STEPS = np.ones((70, 5, 4), "float32")
NAN = X.copy()
NAN[7, 2] = np.nan


def net(units, activation, loss, shape=(4,), metrics=None):
    model = models.Sequential([layers.Input(shape), layers.Dense(units, activation, name="out")])
    model.compile("sgd", loss, metrics)
    return model


def pair(loss="mse", metrics=None):
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    model = models.Model([a, b], [layers.Dense(1, name="p")(a), layers.Dense(1, name="q")(b)])
    model.compile("sgd", loss, metrics)
    return model


def steps_model():
    model = models.Sequential([layers.Input((5, 4)), layers.Dense(1)])
    model.compile("sgd", "mse", sample_weight_mode="temporal")
    return model


def stateful():
    inputs = layers.Input(batch_shape=(4, 5, 2))
    model = models.Model(inputs, layers.SimpleRNN(1, stateful=True)(inputs))
    model.compile("sgd", "mse")
    return model


def frozen():
    model = classifier()
    model.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def embedded():
    model = models.Sequential([layers.Embedding(5, 2), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


class NeverBegins(Callback):
    """Mistakes in validation data come before any time was spent on training."""

    def on_train_begin(self, logs=None):
        raise AssertionError("training has begun")


def returning(make, kind="train"):
    """A model whose step of its own returns what `make` makes of the outputs."""

    class Net(models.Model):
        pass

    def step(self, data):
        return make(self(data[0] if kind == "train" else data))

    setattr(Net, f"{kind}_step", step)
    inputs = layers.Input((4,))
    model = Net(inputs, layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    return model


def quiet(model):
    """The model after a first try, whose warning is not what is tested."""
    with warnings.catch_warnings(), contextlib.suppress(ValueError):
        warnings.simplefilter("ignore")
        model.fit(X, Y, verbose=0)
    return model


def wrong_labels():
    yield X[:8], Y[:8]
    yield X[:8], Y[:8] + 7


def with_nan(first=2):
    for number in range(1, 20):
        yield X[:8] * (np.nan if number >= first else 1), Y[:8]


def late_mistake():
    for number in range(30):
        time.sleep(0.002)
        yield X[:8], Y[:8] if number < 20 else Y[:7]


class Samples:
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return X[index], Y[index]


MISTAKES = {
    "wrong features": (lambda m: m.fit(X[:, :3], Y), ValueError, ["(None, 4)", "(None, 3)"]),
    "sample counts": (lambda m: m.fit(X, Y[:5]), ValueError, ["x: 70", "y: 5"]),
    "text": (lambda m: m.fit(X.astype(str), Y), TypeError, ["x must hold numbers", "<U"]),
    "labels": (lambda m: m.fit(X, Y + 5), ValueError, ["3 classes", "0 to 2", "y holds"]),
    "negative labels": (lambda m: m.fit(X, Y - 1), ValueError, ["from 0 to 2", "y holds -1"]),
    "nan": (lambda m: m.fit(NAN, Y), ValueError, ["x holds NaN", "sample 7"]),
    "no y": (lambda m: m.fit(X), ValueError, ["needs targets"]),
    "empty": (lambda m: m.fit(X[:0], Y[:0]), ValueError, ["0 samples"]),
    "method": (lambda m: m.complie(), AttributeError, ["complie", "Did you mean 'compile'"]),
    "argument": (lambda m: m.fit(X, Y, batch=8), TypeError, ["'batch'", "'batch_size'"]),
    "optimizer": (lambda m: m.compile("adm"), ValueError, ["adm", "adam"]),
    "loss": (lambda m: m.compile("sgd", "mean_sqared_error"), ValueError, ["mean_squared_error"]),
    "metric": (lambda m: m.compile("sgd", "mse", ["acuracy"]), ValueError, ["acuracy", "Accuracy"]),
    "batch size": (lambda m: m.fit(X, Y, batch_size=0), ValueError, ["batch_size", "positive"]),
    "activation": (lambda m: layers.Dense(3, "rleu"), ValueError, ["rleu", "relu"]),
    "layer argument": (lambda m: layers.Dense(3, activaton="relu"), TypeError, ["activaton"]),
    "rank": (lambda m: m.add(layers.Conv2D(3, 3)), ValueError, ["conv2d", "rank 4", "(None, 3)"]),
    # sources of batches
    "tuple of 4": (lambda m: m.fit(iter([(X, Y, X, Y)])), ValueError, ["Batch 1", "tuple of 4"]),
    "none": (lambda m: m.fit(iter([None])), TypeError, ["Batch 1 of the", "is None; expected (x"]),
    "text of batches": (lambda m: m.fit(iter([("a", "b")])), TypeError, ["Batch 1", "got str"]),
    "sizes": (lambda m: m.fit(iter([(X, Y[:3])])), ValueError, ["Batch 1", "x: 70, y: 3"]),
    "no samples": (lambda m: m.fit(iter([(X[:0], Y[:0])])), ValueError, ["Batch 1", "0 samples"]),
    "features": (lambda m: m.fit(iter([(X[:, :3], Y)])), ValueError, ["(None, 4)", "(None, 3)"]),
    "no targets": (lambda m: m.fit(iter([(X,)])), ValueError, ["Batch 1 of", "needs targets"]),
    "labels of batches": (
        lambda m: m.fit(wrong_labels(), callbacks=[LambdaCallback(on_batch_end=print)]),
        ValueError,
        ["Batch 2 of the generator: ", "3 classes", "0 to 2"],
    ),
    "a batch much later": (
        lambda m: m.fit(late_mistake()),
        ValueError,
        ["Batch 21 of the generator: ", "x: 8, y: 7"],
    ),
    "names of classes": (lambda m: m.fit(X, Y.astype(str)), TypeError, ["np.unique(y, return_inv"]),
    "array of arrays": (
        lambda m: m.fit(np.fromiter(X, object), Y),
        TypeError,
        ["np.stack(list(x))"],
    ),
    "symbolic": (lambda m: m.fit(layers.Input((4,)), Y), ValueError, ["depends on an Input"]),
    "split as text": (lambda m: m.fit(X, Y, validation_split="0.1"), ValueError, ["'0.1'"]),
    "features of batches": (
        lambda m: m.fit(iter([(X, Y), (X[:, :3], Y)])),
        ValueError,
        ["Batch 2 of the list_iterator: ", "(None, 4)", "(None, 3)"],
    ),
    "validation features": (
        lambda m: m.fit(X, Y, validation_data=(X[:, :3], Y), callbacks=[NeverBegins()]),
        ValueError,
        ["validation_data: ", "(None, 4)", "(None, 3)"],
    ),
    "validation labels": (
        lambda m: m.fit(X, Y, validation_data=(X, Y + 9), callbacks=[NeverBegins()]),
        ValueError,
        ["validation_data: ", "from 0 to 2"],
    ),
    "validation sizes": (
        lambda m: m.fit(X, Y, validation_data=(X, Y[1:])),
        ValueError,
        ["validation_data: ", "x: 70, y: 69"],
    ),
    "validation batches": (
        lambda m: m.fit(X, Y, validation_data=iter([(X, Y[1:])])),
        ValueError,
        ["Batch 1 of the list_iterator of validation_data: ", "x: 70, y: 69"],
    ),
    "validation of x alone": (
        lambda m: m.fit(X, Y, validation_data=X),
        ValueError,
        ["validation_data: ", "needs targets"],
    ),
    "targets among inputs": (lambda m: m.fit((X, Y)), ValueError, ["but got 2", "pass it as y"]),
    "input with batch axis": (
        lambda m: net(1, None, "mse", shape=(None, 4)).fit(X, Y),
        ValueError,
        ["(None, None, 4)", "without the batch axis"],
    ),
    "layers not in a list": (
        lambda m: models.Sequential(layers.Dense(1), layers.Dense(2)),
        TypeError,
        ["list of layers", "Dense"],
    ),
    "rows of an embedding": (
        lambda m: embedded().fit(np.full((8, 3), 5), np.zeros(8)),
        ValueError,
        ["embedding", "rows 0 to 4", "holds 5", "input_dim=6"],
    ),
    "rows of an embedding, one batch": (
        lambda m: embedded().predict_on_batch(np.full((8, 3), 5)),
        ValueError,
        ["rows 0 to 4", "holds 5"],
    ),
    "rows of an embedding, predict": (
        lambda m: embedded().predict(iter([np.zeros((2, 3)), np.full((2, 3), -1)])),
        ValueError,
        ["of the list_iterator: ", "rows 0 to 4", "holds -1"],
    ),
    "nan of batches": (
        lambda m: m.fit(with_nan()),
        ValueError,
        ["Batch 2 of the generator: x holds NaN"],
    ),
    "nan among many batches": (
        lambda m: m.fit(with_nan(first=17)),
        ValueError,
        ["Batch 17 of the generator: x holds NaN", "8 of 8 samples"],
    ),
    "nothing": (lambda m: m.fit(iter([])), ValueError, ["ended before its first batch"]),
    "empty evaluate": (lambda m: m.evaluate(iter([])), ValueError, ["ended before"]),
    "empty predict": (lambda m: m.predict(x for x in ()), ValueError, ["the generator ended"]),
    "function": (lambda m: m.fit(wrong_labels), TypeError, ["function 'wrong_labels'", "Call it"]),
    "map-style": (lambda m: m.fit(Samples()), TypeError, ["Samples", "DataLoader", "PyDataset"]),
    "y too": (lambda m: m.fit(batches(X, Y), Y), ValueError, ["y must not", "the generator"]),
    "split": (
        lambda m: m.fit(batches(X, Y), validation_split=0.1),
        ValueError,
        ["validation_split must not"],
    ),
    "validation": (lambda m: m.fit(X, Y, validation_data=(X,)), ValueError, ["tuple of 1"]),
    "validation batch size": (
        lambda m: m.fit(X, Y, validation_data=(X, Y), validation_batch_size=0),
        ValueError,
        ["validation_batch_size", "positive"],
    ),
    "validation batch size of batches": (
        lambda m: m.fit(X, Y, validation_data=Batches(X, Y), validation_batch_size=8),
        ValueError,
        ["validation_batch_size must not be given beside validation_data of type Batches"],
    ),
    "verbose": (
        lambda m: m.fit(X, Y, verbose="yes"),
        ValueError,
        ["verbose must be 0, 1, 2 or 'auto'", "'yes'"],
    ),
    "steps": (
        lambda m: m.fit(X, Y, steps_per_epoch=0),
        ValueError,
        ["steps_per_epoch", "positive"],
    ),
    "frequency": (
        lambda m: m.fit(X, Y, validation_freq=0),
        ValueError,
        ["validation_freq", "positive"],
    ),
    "workers": (lambda m: m.fit(Batches(X, Y), workers=-1), ValueError, ["workers", "-1"]),
    "shuffle": (lambda m: m.fit(X, Y, shuffle="epoch"), ValueError, ["'epoch'", '"batch"']),
    "samples_per_epoch": (
        lambda m: m.fit_generator(batches(X, Y), 3, samples_per_epoch=70),
        TypeError,
        ["samples_per_epoch", "steps_per_epoch"],
    ),
    # names and numbers of inputs and outputs
    "input name": (
        lambda m: pair().fit({"a": X, "c": X}, ONES, verbose=0),
        ValueError,
        ["key 'c'", "['a', 'b']"],
    ),
    "input missing": (lambda m: pair().fit({"a": X}, ONES), ValueError, ["called 'b'", "['a']"]),
    "inputs": (lambda m: pair().fit(X, ONES), ValueError, ["takes 2 input(s) (a, b)", "got 1"]),
    "output name": (
        lambda m: pair().fit([X, X], {"p": X, "qq": X}),
        ValueError,
        ["['p', 'qq']", "Did you mean 'q'"],
    ),
    "outputs": (lambda m: pair().fit([X, X], X), ValueError, ["1 array(s)", "2 output(s)"]),
    "loss of what": (
        lambda m: pair(loss={"p": "mse", "price": "mse"}).fit([X, X], ONES),
        ValueError,
        ["no output called 'price'", "['p', 'q']"],
    ),
    "losses": (
        lambda m: pair(loss=["mse"] * 3).fit([X, X], ONES),
        ValueError,
        ["3 entries", "2 outputs"],
    ),
    "metric of what": (
        lambda m: pair(metrics={"pp": "mae"}).fit([X, X], ONES),
        ValueError,
        ["metrics", "'pp'", "Did you mean 'p'"],
    ),
    # targets and losses
    "sparse for one-hot": (
        lambda m: net(3, "softmax", "categorical_crossentropy").fit(X, Y),
        ValueError,
        ["(None, 3)", "(None,)", "sparse_categorical_crossentropy", "to_categorical"],
    ),
    "one-hot for sparse": (
        lambda m: net(3, "softmax", "sparse_categorical_crossentropy").fit(X, HOT),
        ValueError,
        ["class numbers", "Use categorical_crossentropy"],
    ),
    "one unit": (
        lambda m: quiet(net(1, "sigmoid", "sparse_categorical_crossentropy")).fit(X, Y),
        ValueError,
        ["1 unit", 'Dense(1, "sigmoid")', "binary_crossentropy", "3 units"],
    ),
    "numbers as classes": (
        lambda m: m.fit(X, Y + 0.5),
        ValueError,
        ["must be whole", ".5", "mean_squared_error"],
    ),
    "width": (
        lambda m: net(3, None, "mse").fit(X, X),
        ValueError,
        ["Output out: mean_squared_error", "(None, 4)", "(None, 3)", "last layer 4 units"],
    ),
    "weights per class": (
        lambda m: net(3, "softmax", "categorical_crossentropy").fit(X, HOT, sample_weight=HOT),
        ValueError,
        ["Output out: sample_weight", "(samples,), one number per sample, but", "(None, 3)"],
    ),
    "weights of other steps": (
        lambda m: net(3, "softmax", "kld", (5, 4)).fit(STEPS, STEPS[..., :3], sample_weight=X),
        ValueError,
        ["Output out: sample_weight", "(samples,)", "(None, 5), one per time step", "(None, 4)"],
    ),
    "column": (
        lambda m: net(3, None, "mse").fit(X, Y),
        ValueError,
        ["(None,)", "(None, 3)", "as many units"],
    ),
    "arity": (
        lambda m: m.compile("sgd", lambda prediction: prediction),
        TypeError,
        ["(prediction)", "y_true and y_pred"],
    ),
    "no return": (
        lambda m: net(1, None, lambda t, p: None).fit(X, Y),
        TypeError,
        ["returned None", "return"],
    ),
    "no gradient": (
        lambda m: net(1, None, lambda t, p: ops.cast(p > t, "float32")).fit(X, Y),
        ValueError,
        ["no gradient with respect to any of its 2 trainable weights", "comparisons"],
    ),
    "no optimizer": (
        lambda m: m.compile(None, "mse") or m.fit(X, X[:, :3]),
        RuntimeError,
        ["optimizer=None", "train_step"],
    ),
    "targets for predict": (
        lambda m: m.predict(X, Y),
        ValueError,
        ["batch_size must be a positive int, but got an array of shape (70,)"],
    ),
    # arguments
    "class_weight": (lambda m: m.fit(X, Y, class_weight=[1, 2]), TypeError, ["dict", "{0: 1.0"]),
    "class names": (lambda m: m.fit(X, Y, class_weight={"a": 1}), ValueError, ["key is 'a'"]),
    "half a class": (lambda m: m.fit(X, Y, class_weight={0.5: 1}), ValueError, ["key is 0.5"]),
    "weights": (lambda m: m.fit(X, Y, sample_weight=Y[:3]), ValueError, ["sample_weight: 3"]),
    "mode": (lambda m: m.compile(sample_weight_mode="x"), ValueError, ["temporal", "'x'"]),
    "temporal": (
        lambda m: steps_model().fit(np.ones((6, 5, 4)), np.ones((6, 5, 1)), sample_weight=ONES6),
        ValueError,
        ["temporal", "(samples, time steps)", "(6,)"],
    ),
    "epochs": (lambda m: m.fit(X, Y, epochs="3"), TypeError, ["epochs", "'3'"]),
    "split of all": (lambda m: m.fit(X, Y, validation_split=1.0), ValueError, ["between 0 and 1"]),
    "callback class": (
        lambda m: m.fit(X, Y, callbacks=[EarlyStopping]),
        TypeError,
        ["EarlyStopping", "EarlyStopping(...)"],
    ),
    "one sample": (lambda m: m.predict(X[0]), ValueError, ["(4,)", "(None, 4)", "x[None]"]),
    "single samples": (
        lambda m: m.fit(zip(X, Y, strict=True)),
        ValueError,
        ["Batch 1 of the zip", "scalar", "batches"],
    ),
    "file name": (lambda m: m.fit("train.csv"), TypeError, ["str", "Load the file"]),
    "ragged": (lambda m: m.fit([[1, 2], [1]], [0, 1]), ValueError, ["differ in length"]),
    "batch size of stateful": (
        lambda m: stateful().fit(np.ones((8, 5, 2)), np.ones((8, 1)), batch_size=2),
        ValueError,
        ["fixed batch size 4", "batch_size=4"],
    ),
    "samples of stateful": (
        lambda m: stateful().fit(np.ones((6, 5, 2)), np.ones((6, 1))),
        ValueError,
        ["fixed batch size 4", "Leave out the last 2"],
    ),
    "no dict": (
        lambda m: returning(ops.mean).fit(X, X),
        TypeError,
        ["train_step must return a dict", "Tensor"],
    ),
    "no log": (
        lambda m: returning(lambda y: {"loss": ops.mean(y), "note": "good"}).fit(X, X),
        TypeError,
        ["train_step must return tensors or numbers", "'note' is str 'good'"],
    ),
    "no result": (
        lambda m: returning(lambda y: {"mean": Mean()}).fit(X, X),
        TypeError,
        ["'mean' is Mean", "its result()"],
    ),
    "no prediction": (
        lambda m: returning(lambda y: None, "predict").predict(X),
        TypeError,
        ["predict_step must return", "it returned NoneType"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_explained(name):
    mistake, kind, words = MISTAKES[name]
    with pytest.raises(kind) as error:
        mistake(classifier())
    for word in words:
        assert word in str(error.value)
    assert input_threads() == []


# What runs, but hardly as it was meant: a model, its targets -> words of the warning.
SUSPECT = {
    "softmax of one": (lambda: net(1, "softmax", "mse"), Y % 2, ["always 1", "sigmoid"]),
    "categories of one": (
        lambda: net(1, "sigmoid", "categorical_crossentropy"),
        Y[:, None] % 2,
        ["always 0", "binary_crossentropy"],
    ),
    "logits twice": (
        lambda: net(3, "softmax", losses.SparseCategoricalCrossentropy(from_logits=True)),
        Y,
        ["from_logits=True", "softmax already", "twice"],
    ),
    "sigmoid twice": (
        lambda: net(1, "sigmoid", losses.BinaryCrossentropy(from_logits=True)),
        Y % 2,
        ["sigmoid already"],
    ),
    "logits": (
        lambda: net(3, None, "sparse_categorical_crossentropy"),
        Y,
        ["no activation", 'activation="softmax"', "from_logits=True"],
    ),
    "binary logits": (
        lambda: net(1, None, "binary_crossentropy"),
        Y % 2,
        ["no activation", 'activation="sigmoid"'],
    ),
    "relu": (lambda: net(3, "relu", "categorical_crossentropy"), HOT, ["a relu", "softmax"]),
    "tanh": (lambda: net(1, "tanh", "binary_crossentropy"), Y % 2, ["a tanh", "sigmoid"]),
    "sigmoids": (lambda: net(3, "sigmoid", "categorical_crossentropy"), HOT, ["add up to 1"]),
    "each class": (lambda: net(3, "softmax", "binary_crossentropy"), HOT, ["each class by itself"]),
    "columns": (lambda: net(1, None, "mse"), X, ["(None, 4)", "(None, 1)", "as many units"]),
    "pixels": (
        lambda: net(1, "sigmoid", "binary_crossentropy"),
        Y * 100,
        ["from 0 to 1", "y holds 200", "/ 255"],
    ),
    "negative counts": (lambda: net(1, "relu", "poisson"), Y - 1, ["at least 0", "y holds -1"]),
    "accuracy of numbers": (
        lambda: net(1, None, "mse", metrics=["accuracy"]),
        X[:, 0],
        ["accuracy counts", "equal the target", "mae"],
    ),
    "diverging": (
        lambda: net(1, None, "mse"),
        X[:, 0] * 1e30,
        ["NaN", "find_nan", "TerminateOnNaN"],
    ),
}


@pytest.mark.parametrize("name", SUSPECT)
def test_what_hardly_can_be_meant_warns(name):
    make, y, words = SUSPECT[name]
    x = X * 1e30 if name == "diverging" else X
    with pytest.warns(TrainingWarning) as caught, np.errstate(all="ignore"):
        make().fit(x, y, verbose=0)
    for word in words:
        assert word in str(caught[0].message)


@pytest.mark.parametrize(
    ("units", "activation", "loss", "y"),
    [
        (3, "softmax", "sparse_categorical_crossentropy", Y),
        (3, "softmax", "categorical_crossentropy", HOT),
        (3, None, losses.CategoricalCrossentropy(from_logits=True), HOT),
        (1, "sigmoid", "binary_crossentropy", Y % 2),
        (3, "sigmoid", "binary_crossentropy", HOT),
        (1, None, "mse", Y),
        (4, "tanh", "mse", X),
    ],
)
def test_what_is_right_does_not_warn(units, activation, loss, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net(units, activation, loss).fit(X, y, verbose=0)


def test_fit_before_compile():
    model = models.Sequential([layers.Input((4,)), layers.Dense(3)])
    with pytest.raises(RuntimeError, match="compiled before fit"):
        model.fit(X, Y)


def test_workers_on_a_generator_warn():
    with pytest.warns(UserWarning, match="no effect on a generator"):
        classifier().fit(batches(X, Y), workers=4, verbose=0)


def test_pandas_columns_of_text_are_named():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"age": [1, 2], "city": ["a", "b"]})
    with pytest.raises(TypeError, match="column 'city'"):
        classifier().fit(table, Y[:2])
    mixed = pandas.DataFrame({"a": [1, 2], "b": [True, False], "c": [0.5, 1.5], "d": [1, 1]})
    assert classifier().predict(mixed, verbose=0).shape == (2, 3)


class Shifted(models.Model):
    def predict_step(self, data):
        return self(ops.maximum(data, 0))


def test_a_step_of_ones_own_may_make_other_rows_of_the_data():
    inputs = layers.Input((3,))
    model = Shifted(inputs, layers.Embedding(5, 2)(inputs))
    assert model.predict(np.full((2, 3), -1), verbose=0).shape == (2, 3, 2)


def test_whole_numbers_of_files_that_are_too_large(tmp_path):
    np.save(tmp_path / "times.npy", np.full((8, 4), 2**40))
    times = np.load(tmp_path / "times.npy", mmap_mode="r")
    with pytest.raises(ValueError, match=r"int64 holds numbers that do not fit .*floats"):
        classifier().predict(times, verbose=0)


def test_a_closed_file_is_named(tmp_path):
    data = on_disk(tmp_path, "y", Y)
    data.file.close()
    for arrays in ((X, data), (data, Y), ([data], Y)):
        with pytest.raises(ValueError, match="the file of this h5py Dataset is closed"):
            classifier().fit(*arrays, verbose=0)


def test_warnings_name_the_line_of_the_user():
    with pytest.warns(UserWarning, match="no trainable weights.*frozen") as found:
        frozen().fit(X, Y, verbose=0)
    assert found[0].filename == __file__


def test_weights_without_gradient_stay_as_they_are():
    inputs = layers.Input((4,))
    outputs = [layers.Dense(1, kernel_initializer="ones", name=name)(inputs) for name in "ab"]
    model = models.Model(inputs, outputs)
    model.compile(optimizers.AdamW(0.1, weight_decay=0.5), ["mse", None])
    with pytest.warns(UserWarning, match="respect to the weights b/kernel, b/bias, which"):
        model.fit(X, [X[:, :1]] * 2, verbose=0)
    assert not (model.get_weights()[0] == 1.0).any()
    assert (model.get_weights()[2] == 1.0).all()
    # All of them have their state, as in Keras's files.
    assert len(model.optimizer.variables) == 2 + 2 * 4


@pytest.mark.parametrize("samples", [16, 3])
@pytest.mark.parametrize(
    ("loss", "metric", "words"),
    [
        ("hinge", None, r"Output out: hinge: expected y_true .*\(None, 3\).*\(None,\)\. For class"),
        ("dice", None, "dice: expected y_true with the axes of y_pred"),
        ("poisson", None, "poisson: expected y_true with the axes of y_pred"),
        (None, "AUC", "AUC: expected y_true .* For class numbers take a sparse loss or metric"),
        (None, "Precision", "Precision: expected y_true"),
        (None, "Accuracy", "accuracy: expected y_true"),
        (None, F1Score(), "f1_score: expected y_true"),
        (None, MeanIoU(3), r"mean_io_u: .* y_pred of shape \(None, 3\) .*sparse_y_pred=False"),
    ],
)
def test_class_numbers_where_each_class_has_a_number(loss, metric, words, samples):
    """Also where there are as many samples as classes, so that the shapes would broadcast."""
    loss = loss or "sparse_categorical_crossentropy"
    model = net(3, "softmax", loss, metrics=metric and [metric])
    with pytest.raises(ValueError, match=words):
        model.fit(X[:samples], Y[:samples], verbose=0)


def test_class_weights_for_several_labels_warn():
    with pytest.warns(UserWarning, match="the rows aren't one-hot"):
        net(3, "sigmoid", "binary_crossentropy").fit(
            X, np.ones_like(HOT), class_weight={0: 2.0}, verbose=0
        )


def test_reset_metrics_of_keras_2():
    model = classifier()
    alone = [model.test_on_batch(X[rows], Y[rows])[0] for rows in (slice(8), slice(8, 16))]
    model.test_on_batch(X[:8], Y[:8])
    both = model.test_on_batch(X[8:16], Y[8:16], reset_metrics=False)[0]
    assert both == pytest.approx(np.mean(alone), rel=1e-5)
