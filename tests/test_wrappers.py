"""Models as estimators of scikit-learn: the wrappers of Keras 3 and those of Keras 2."""

import pickle
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from kerasish import Sequential, layers, models, ops, optimizers, wrappers
from kerasish.compat.older_wrappers import BaseWrapper, KerasClassifier, KerasRegressor
from kerasish.compat.run import run_script
from kerasish.utils import set_random_seed

needs_sklearn = pytest.mark.skipif(find_spec("sklearn") is None, reason="needs scikit-learn")

X = np.random.RandomState(0).normal(size=(60, 4))
CLASSES = np.array(["blue", "green", "red"])[np.argmax(X[:, :3], axis=1)]
SUMS = X.sum(axis=1)
QUIET = {"verbose": 0}


def build(X, y, loss="mse", activation=None, units=8):
    """For the wrappers of Keras 3."""
    set_random_seed(0)
    model = Sequential([layers.Input(X.shape[1:]), layers.Dense(units, activation="tanh")])
    model.add(layers.Dense(1 if y is None else y.shape[1], activation=activation))
    model.compile(optimizers.Adam(0.02), loss)
    return model


def compiled(*last, **options):
    model = Sequential([layers.Input((4,)), layers.Dense(3), *last])
    model.compile(**({"optimizer": "sgd", "loss": "mse"} | options))
    return model


def one_output(X, y):
    return compiled(layers.Dense(1))


def estimator(kind, **options):
    """A wrapper of Keras 3, for `build`."""
    of_classes = {"loss": "categorical_crossentropy", "activation": "softmax"}
    kwargs = of_classes if kind == "Classifier" else {}
    options = {"model_kwargs": kwargs, "fit_kwargs": QUIET} | options
    return getattr(wrappers, f"SKLearn{kind}")(build, **options)


# --- Keras 3 -----------------------------------------------------------------------------


def test_without_scikit_learn(monkeypatch):
    for name in ["sklearn", *(name for name in sys.modules if name.startswith("sklearn."))]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "kerasish.wrappers.estimators", raising=False)
    for name in ("estimators", *wrappers._NAMES):
        monkeypatch.delitem(vars(wrappers), name, raising=False)
    with pytest.raises(ImportError, match=r"SKLearnRegressor needs .*pip install scikit-learn"):
        wrappers.SKLearnRegressor  # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'SKLearnRegresor'\. Did you mean"):
        wrappers.SKLearnRegresor  # noqa: B018


# As of Keras: two classes have two columns of decisions, where scikit-learn expects one. And a
# model that is trained so little does not leave out what weighs nothing.
FAILING = {
    "check_classifiers_train": "two columns",
    "check_classifiers_classes": "two columns",
    "check_classifiers_one_label_sample_weights": "little training",
}


@needs_sklearn
@pytest.mark.parametrize("kind", ["Classifier", "Regressor", "Transformer"])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(kind):
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(estimator(kind), on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert {name: why for name, why in failed.items() if name not in FAILING} == {}
    assert sum(r["status"] == "passed" for r in results) > 35


@needs_sklearn
def test_classifier(engine):
    classifier = estimator("Classifier", fit_kwargs={"epochs": 30, "batch_size": 6, **QUIET})
    assert classifier.fit(X, CLASSES) is classifier
    assert classifier.classes_.tolist() == ["blue", "green", "red"]
    assert classifier.score(X, CLASSES) > 0.8
    assert classifier.epoch_ == 30
    decisions = classifier.decision_function(X)
    assert decisions.shape == (60, 3)
    np.testing.assert_array_equal(
        classifier.classes_[decisions.argmax(axis=1)], classifier.predict(X)
    )


@needs_sklearn
@pytest.mark.parametrize(
    "y", [SUMS > 0, (SUMS > 0) * 2 - 1, (SUMS > 0) * 1.0], ids=["bool", "-1 and 1", "float"]
)
def test_classes_of_all_kinds(y):
    classifier = estimator("Classifier").fit(X, y)
    assert classifier.predict(X).dtype == y.dtype
    np.testing.assert_array_equal(classifier.classes_, np.unique(y))
    assert classifier.decision_function(X).shape == (60, 2)


@needs_sklearn
def test_regressor_and_transformer():
    regressor = estimator("Regressor", fit_kwargs={"epochs": 30, **QUIET}).fit(X, SUMS)
    assert regressor.predict(X).shape == (60,)
    assert regressor.score(X, SUMS) > 0.5
    assert regressor.fit(X, SUMS, epochs=2).epoch_ == 2  # goes before fit_kwargs
    transformer = wrappers.SKLearnTransformer(one_output(X, SUMS), fit_kwargs=QUIET)
    assert transformer.fit_transform(X, SUMS).shape == (60, 1)
    np.testing.assert_array_equal(
        transformer.transform(X), transformer.model_.predict(X, verbose=0)
    )


@needs_sklearn
def test_transformer_without_targets():
    x = layers.Input((4,))
    code = layers.Dense(2)(x)
    encoder = models.Model(x, code)
    encoder.add_loss(ops.mean((layers.Dense(4)(code) - x) ** 2))
    encoder.compile("sgd")
    transformer = wrappers.SKLearnTransformer(lambda X, y: encoder, fit_kwargs=QUIET)
    assert transformer.fit_transform(X).shape == (60, 2)
    with pytest.raises(RuntimeError, match="compiled with a loss"):
        transformer.fit(X, SUMS)


class Own(models.Model):
    def __init__(self, units):
        super().__init__()
        self.units, self.dense = units, layers.Dense(units)

    def call(self, x):
        return self.dense(x)

    def get_config(self):
        return {"units": self.units}


def own():
    model = Own(1)
    model.compile("sgd", "mse")
    return model


@needs_sklearn
@pytest.mark.parametrize(
    "make",
    [
        lambda: compiled(layers.Dense(1)),
        lambda: compiled(layers.Dense(1), loss=lambda y, p: ops.mean((y - p) ** 2, axis=-1)),
        own,
    ],
    ids=["sequential", "a lambda as its loss", "own class"],
)
def test_a_given_model_is_copied(make):
    model = make()
    model.predict(X, verbose=0)
    before = model.get_weights()
    regressor = wrappers.SKLearnRegressor(model, fit_kwargs=QUIET).fit(X, SUMS)
    first = regressor.model_
    assert first is not model
    assert first.optimizer is not model.optimizer
    for old, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)
    assert regressor.fit(X, SUMS).model_ is not first


@needs_sklearn
def test_warm_start():
    regressor = estimator("Regressor", warm_start=True).fit(X, SUMS)
    model, before = regressor.model_, regressor.predict(X)
    regressor.fit(X, SUMS, epochs=0)
    assert regressor.model_ is model
    np.testing.assert_array_equal(regressor.predict(X), before)
    given = compiled(layers.Dense(1))
    assert wrappers.SKLearnRegressor(given, True, fit_kwargs=QUIET).fit(X, SUMS).model_ is given
    classifier = estimator("Classifier", warm_start=True).fit(X, CLASSES)
    with pytest.raises(ValueError, match=r"the classes of the last fit, \['blue'.* has \['blue'"):
        classifier.fit(X, np.where(CLASSES == "red", "pink", CLASSES))


@needs_sklearn
@pytest.mark.parametrize(
    ("kind", "model", "y", "error", "complaint"),
    [
        ("Regressor", "dense", SUMS, TypeError, "must be a model, or a function .* got 'dense'"),
        ("Regressor", lambda X, y: 3, SUMS, TypeError, "but it made 3"),
        ("Regressor", lambda X, y: Sequential([]), SUMS, RuntimeError, "must be compiled with"),
        (
            "Regressor",
            lambda X, y: compiled(loss=None),
            SUMS,
            RuntimeError,
            "must be compiled with a loss",
        ),
        ("Classifier", one_output, SUMS > 0, ValueError, r"each of 2 classes.*\(60, 1\)"),
        ("Classifier", one_output, SUMS, ValueError, "Unknown label type"),
        ("Classifier", one_output, SUMS > 99, ValueError, "all of it is of one class: .*False"),
        ("Regressor", one_output, None, ValueError, "requires y to be passed"),
    ],
)
@pytest.mark.filterwarnings("ignore::kerasish.training.mistakes.TrainingWarning")
def test_mistakes(kind, model, y, error, complaint):
    kind = getattr(wrappers, f"SKLearn{kind}")
    with pytest.raises(error, match=complaint):
        kind(model, fit_kwargs={"epochs": 0, **QUIET}).fit(X, y).predict(X)


@needs_sklearn
def test_pickled_and_cloned():
    from sklearn.base import clone

    regressor = estimator("Regressor").fit(X, SUMS)
    again = pickle.loads(pickle.dumps(regressor))
    np.testing.assert_array_equal(again.predict(X), regressor.predict(X))
    assert not hasattr(clone(regressor), "model_")


@needs_sklearn
def test_inside_of_scikit_learn():
    import sklearn
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    grid = {"model_kwargs": [{"units": 2}, {"units": 3}]}
    search = GridSearchCV(estimator("Regressor"), grid, cv=2).fit(X, SUMS)
    assert search.best_estimator_.model_.layers[0].units in (2, 3)
    chain = make_pipeline(StandardScaler(), estimator("Transformer"), estimator("Classifier"))
    numbers = np.unique(CLASSES, return_inverse=True)[1]
    assert cross_val_score(chain, X, numbers, cv=3).shape == (3,)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = estimator("Regressor").set_fit_request(sample_weight=True)
        routed.set_score_request(sample_weight=True)
        weights = {"sample_weight": np.ones(60)}
        assert cross_val_score(routed, X, SUMS, cv=2, params=weights).shape == (2,)


# --- Keras 2 -----------------------------------------------------------------------------


def older(units=5, outputs=3, activation="softmax", loss="categorical_crossentropy", metric="acc"):
    """For the wrappers of Keras 2."""
    set_random_seed(0)
    model = Sequential([layers.Dense(units, activation="tanh", input_dim=4)])
    model.add(layers.Dense(outputs, activation=activation))
    model.compile(optimizers.Adam(0.02), loss, metrics=[metric] if metric else [])
    return model


ONE = {"outputs": 1, "activation": "sigmoid", "loss": "binary_crossentropy"}
NUMBERS = np.unique(CLASSES, return_inverse=True)[1]


@pytest.mark.parametrize(
    ("y", "options", "classes", "shape"),
    [
        (CLASSES, {}, ["blue", "green", "red"], (60,)),
        (NUMBERS, {"loss": "sparse_categorical_crossentropy"}, [0, 1, 2], (60,)),
        (NUMBERS + 5, {"metric": "categorical_accuracy"}, [5, 6, 7], (60,)),
        (np.eye(3)[NUMBERS], {}, [0, 1, 2], (60,)),
        (SUMS > 0, ONE, [False, True], (60, 1)),
        ((SUMS > 0)[:, None], ONE, [False, True], (60, 1)),
    ],
    ids=["names", "sparse", "numbers", "one-hot", "two", "column"],
)
def test_older_classifier(y, options, classes, shape):
    classifier = KerasClassifier(older, verbose=0, **options)
    history = classifier.fit(X, y, epochs=20, batch_size=6, sample_weight=np.ones(60))
    assert history.epoch == list(range(20))
    assert classifier.classes_.tolist() == classes
    predicted = classifier.predict(X, batch_size=60)
    assert (predicted.shape, predicted.dtype) == (shape, classifier.classes_.dtype)
    probabilities = classifier.predict_proba(X)
    assert probabilities.shape == (60, len(classes))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    expected = np.argmax(y, axis=1) if np.ndim(y) == 2 and np.shape(y)[1] > 1 else np.ravel(y)
    assert classifier.score(X, y) == pytest.approx(np.mean(predicted.ravel() == expected))
    assert classifier.score(X, y) > 0.8


def test_older_score_of_some_classes():
    """Keras 2 could not score data without the last of them."""
    classifier = KerasClassifier(older, verbose=0)
    classifier.fit(X, CLASSES)
    some = CLASSES != "red"
    expected = np.mean(classifier.predict(X[some]) == CLASSES[some])
    assert classifier.score(X[some], CLASSES[some]) == pytest.approx(expected)
    with pytest.raises(ValueError, match="classes that fit was not given: gray, pink"):
        classifier.score(X[:3], ["pink", "red", "gray"])


def regression(units=4, metric=None):
    return older(units, 1, None, "mse", metric)


def test_older_regressor():
    regressor = KerasRegressor(regression, metric="mae", epochs=3, verbose=0)
    assert len(regressor.fit(X, SUMS).epoch) == 3
    predicted = regressor.predict(X)
    assert predicted.shape == (60,)
    assert regressor.predict(X[:1]).shape == (1,)
    error = np.mean((predicted - SUMS) ** 2)
    assert regressor.score(X, SUMS) == pytest.approx(-error, rel=1e-5)


def test_older_parameters():
    wrapper = KerasRegressor(regression, units=3, nb_epoch=2, workers=1, verbose=0)
    assert wrapper.set_params(units=7, metric="mae") is wrapper
    expected = {"units": 7, "metric": "mae", "nb_epoch": 2, "workers": 1, "verbose": 0}
    assert wrapper.get_params(deep=True) == expected | {"build_fn": regression}
    assert wrapper.filter_sk_params(regression, {"metric": 1}) == {"units": 7, "metric": 1}
    assert len(wrapper.fit(X, SUMS).epoch) == 2
    assert wrapper.model.layers[0].units == 7


class Factory:
    def __call__(self, units=4):
        return regression(units)

    def method(self, units=4):
        return regression(units)


class Itself(KerasRegressor):
    def __call__(self, units=4):
        return regression(units)


@pytest.mark.parametrize(
    "make",
    [
        lambda: KerasRegressor(Factory(), units=2, verbose=0),
        lambda: KerasRegressor(Factory().method, units=2, verbose=0),
        lambda: Itself(units=2, verbose=0),
    ],
    ids=["object", "method", "subclass"],
)
def test_what_makes_models(make):
    wrapper = make()
    wrapper.fit(X, SUMS)
    assert wrapper.model.layers[0].units == 2


@pytest.mark.parametrize(
    ("act", "error", "complaint"),
    [
        (lambda: KerasClassifier(older, unit=3), ValueError, "unit is not a legal parameter of K"),
        (lambda: BaseWrapper(older).set_params(build_fn=3), ValueError, "build_fn is not a legal"),
        (lambda: KerasClassifier().fit(X, CLASSES), TypeError, "build_fn must be .* got None"),
        (lambda: KerasClassifier(older).predict(X), AttributeError, "call fit first"),
        (lambda: KerasClassifier(older).score(X, CLASSES), AttributeError, "call fit first"),
        (lambda: KerasRegressor(older).score(X, SUMS), AttributeError, "call fit first"),
        (
            lambda: KerasClassifier(older).fit(X, np.zeros((60, 2, 2))),
            ValueError,
            r"\(samples,\) or \(samples, classes\), but got \(60, 2, 2\)",
        ),
    ],
)
def test_older_mistakes(act, error, complaint):
    with pytest.raises(error, match=complaint):
        act()


def test_older_score_needs_the_accuracy():
    classifier = KerasClassifier(older, metric=None, verbose=0)
    classifier.fit(X, CLASSES)
    with pytest.raises(ValueError, match=r"computes loss\. Compile it with metrics"):
        classifier.score(X, CLASSES)


@needs_sklearn
def test_older_wrappers_inside_of_scikit_learn():
    from sklearn.base import clone
    from sklearn.ensemble import VotingClassifier
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = KerasClassifier(older, units=3, verbose=0, callbacks=[])
    assert clone(classifier).get_params() == classifier.get_params()
    grid = {"units": [2, 3], "epochs": [1, 2]}
    search = GridSearchCV(classifier, grid, cv=3).fit(X, NUMBERS)
    assert sorted(search.best_params_) == ["epochs", "units"]
    assert search.cv_results_["mean_test_score"].shape == (4,)
    chain = Pipeline([("scale", StandardScaler()), ("model", KerasRegressor(regression))])
    chain.set_params(model__verbose=0)
    assert cross_val_score(chain, X, SUMS, cv=3).shape == (3,)
    assert chain.fit(X, SUMS).predict(X).shape == (60,)
    two = KerasClassifier(older, **ONE, verbose=0)
    areas = cross_val_score(two, X, SUMS > 0, cv=3, scoring="roc_auc")
    assert ((areas >= 0) & (areas <= 1)).all()
    votes = VotingClassifier([("a", classifier), ("b", classifier)], voting="soft")
    assert votes.fit(X, NUMBERS).predict(X).shape == (60,)


@pytest.mark.parametrize("keras", ["keras", "tensorflow.keras"])
def test_programs_of_keras_2(keras, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(f"""
import numpy as np
from {keras}.layers import Dense
from {keras}.models import Sequential
from {keras}.wrappers.scikit_learn import KerasClassifier, KerasRegressor
from {keras} import wrappers

def create_model(optimizer='rmsprop', init='glorot_uniform'):
    model = Sequential()
    model.add(Dense(12, input_dim=8, kernel_initializer=init, activation='relu'))
    model.add(Dense(1, kernel_initializer=init, activation='sigmoid'))
    model.compile(loss='binary_crossentropy', optimizer=optimizer, metrics=['accuracy'])
    return model

assert wrappers.scikit_learn.KerasClassifier is KerasClassifier
X = np.random.RandomState(0).rand(20, 8)
model = KerasClassifier(build_fn=create_model, init='uniform', epochs=2, batch_size=5, verbose=0)
model.fit(X, X[:, 0] > 0.5)
assert 0 <= model.score(X, X[:, 0] > 0.5) <= 1
""")
    run_script(str(path), keras=2)
