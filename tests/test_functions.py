"""Functions in long-running programs: many shapes, many models, several threads."""

import gc
import threading
import weakref

import numpy as np
import pytest

from kerasish import layers, models, ops
from kerasish.graph import function as functions
from kerasish.graph import trace
from kerasish.graph.function import Function
from kerasish.graph.tensor import Placeholder


def in_threads(*tasks):
    """Runs them at the same time, and raises what any of them raised."""
    errors = []

    def guarded(task):
        try:
            task()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def small_model(seed=0):
    return models.Sequential(
        [layers.Input((4,)), layers.Dense(8, "tanh"), layers.Dropout(0.5), layers.Dense(2)]
    )


def test_only_so_many_shapes_are_kept():
    x = Placeholder((None,), "float32")
    f = Function([x], [ops.sum(x)])
    for size in range(1, functions.CACHE_SIZE + 9):
        f(np.ones(1))  # used all the time, so it stays
        f(np.ones(size))
    sizes = [special.program.inputs[0][1].shape[0] for special in f._cache.values()]
    assert len(sizes) == functions.CACHE_SIZE
    assert 1 in sizes
    assert 2 not in sizes


def test_models_are_let_go(engine):
    """Also those whose sizes are known at run time only: nothing remembers a graph."""
    model = small_model()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((5, 4)), np.ones((5, 2)), batch_size=2, verbose=0)
    model.predict(np.ones((3, 4)), verbose=0)
    gone = [weakref.ref(part) for part in (model, model.layers[0], model.weights[0])]
    del model
    gc.collect()
    assert [part() for part in gone] == [None] * 3


def test_gradients_of_users_are_let_go():
    @ops.custom_gradient
    def doubled(x):
        return x * 1, lambda upstream: upstream * 2

    y = doubled(Placeholder((2,), "float32"))
    gone = weakref.ref(y.node.attrs["backward"])
    del y
    gc.collect()
    assert gone() is None


def test_threads_share_a_model(engine):
    """Each gets the results of its own data, whatever shapes come and go meanwhile."""
    model = small_model()
    data = np.random.default_rng(0).normal(size=(3, 40, 4)).astype("float32")
    wanted = [np.asarray(model(x)) for x in data]

    def predict(number):
        for size in (40, 40, 1, 7, 23, 40, number + 2):
            got = model.predict(data[number][:size], batch_size=16, verbose=0)
            np.testing.assert_allclose(got, wanted[number][:size], atol=1e-5)

    in_threads(*(lambda n=n: predict(n) for n in range(3)))


def test_threads_that_push_each_others_shapes_out(monkeypatch):
    monkeypatch.setattr(functions, "CACHE_SIZE", 1)
    x = Placeholder((None,), "float32")
    f = Function([x], [ops.sum(x)])

    def sums(start):
        for size in range(start, start + 60):
            assert f(np.ones(size % 7 + 1))[0] == size % 7 + 1

    in_threads(lambda: sums(0), lambda: sums(3), lambda: sums(5))
    assert len(f._cache) == 1


def test_threads_train_their_own_models(engine):
    x = np.random.default_rng(1).normal(size=(30, 4)).astype("float32")
    losses = {}

    def fit(number, name):
        ones = {"kernel_initializer": "ones"}
        inner, outer = layers.Dense(3 + number, "tanh", **ones), layers.Dense(1, **ones)
        model = models.Sequential([layers.Input((4,)), inner, outer])
        model.compile("adam", "mse")
        kept = model.fit(x, x[:, :1], epochs=3, batch_size=8, shuffle=False, verbose=0)
        losses[number, name] = kept.history["loss"]

    in_threads(*(lambda n=n: fit(n, "together") for n in range(3)))
    for number in range(3):
        fit(number, "alone")
        np.testing.assert_allclose(losses[number, "together"], losses[number, "alone"], rtol=1e-5)


def test_a_model_asks_another_while_it_is_built(engine):
    inner = small_model()
    x = np.ones((3, 4), "float32")
    center = inner.predict(x, verbose=0)[:1]
    outer = models.Sequential(
        [layers.Input((4,)), layers.Lambda(lambda t: t[:, :2] - inner.predict(x, verbose=0)[:1])]
    )
    np.testing.assert_allclose(outer.predict(x, verbose=0), x[:, :2] - center, rtol=1e-6)


def fails(*args):
    raise RuntimeError("on purpose")


class Fails(layers.Layer):
    def call(self, x):
        return fails(x)


@pytest.mark.parametrize(
    "use",
    [
        lambda: Fails()(np.ones((2, 3))),
        lambda: models.Sequential([layers.Input((3,)), Fails()]),
        lambda: layers.TimeDistributed(Fails(dtype="float16"))(layers.Input((2, 3))),
        lambda: ops.scan(fails, ops.zeros(()), ops.zeros((3,))),
        lambda: ops.cond(ops.sum(layers.Input((3,))) > 0, fails, fails),
        lambda: ops.vectorized_map(fails, ops.zeros((3, 2))),
    ],
    ids=["eager", "functional", "nested", "scan", "cond", "map"],
)
def test_an_error_while_tracing_leaves_nothing_behind(use):
    with pytest.raises(RuntimeError, match="on purpose"):
        use()
    fresh = trace._State()
    assert {key: getattr(trace._state, key) for key in vars(fresh)} == vars(fresh)


@pytest.mark.parametrize("array", [np.ones(3, "float32"), np.ones((3, 2), "float32")[:, 0]])
def test_a_tensor_keeps_its_numbers(array):
    """What an array holds when a tensor is made of it, though the graph runs later."""
    array = array.copy() if array.base is None else array
    made, later = ops.convert_to_tensor(array), ops.add(array, 1.0)
    array[:] = 9.0
    assert made.numpy().tolist() == [1.0] * 3
    assert later.numpy().tolist() == [2.0] * 3
    for tensor in (made, later):
        before = tensor.numpy().tolist()
        result = np.asarray(tensor)
        result *= 5.0
        assert tensor.numpy().tolist() == before
        assert float(ops.sum(tensor)) == sum(before)


def test_predictions_are_no_views_of_the_data(engine):
    x = np.ones((3, 2, 2), "float32")
    model = models.Sequential([layers.Input((2, 2)), layers.Reshape((4,))])
    for result in (model.predict(x, verbose=0), model.predict_on_batch(x), np.asarray(model(x))):
        result[:] = 7.0
    assert x.max() == 1.0
