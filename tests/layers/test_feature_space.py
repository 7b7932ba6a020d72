"""FeatureSpace: the columns of tables as numbers."""

import numpy as np
import pytest

from kerasish import Model, layers
from kerasish.saving import load_model
from kerasish.utils import FeatureSpace as FS

COLUMNS = {
    "size": np.array([1.0, 2.0, 3.0, 4.0]),
    "kind": np.array(["a", "b", "a", "c"]),
    "count": np.array([3, 5, 3, 9]),
    "age": np.array([0.0, 10.0, 20.0, 30.0]),
}


def space(output_mode="concat", **more):
    features = {
        "size": FS.float_rescaled(2.0, 1.0),
        "kind": "string_categorical",
        "count": FS.integer_hashed(4),
        "age": FS.float_discretized(bin_boundaries=[5.0, 15.0]),
    }
    made = FS(features, output_mode, crosses=[("kind", "count")], crossing_dim=3, **more)
    made.adapt(COLUMNS)
    return made


def test_columns_stand_in_the_order_of_their_names():
    encoded = space()(COLUMNS).numpy()
    assert encoded.shape == (4, 3 + 4 + 4 + 1 + 3)
    assert encoded[:, :3].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]  # age
    assert encoded[:, 11].tolist() == [3, 5, 7, 9]  # size
    assert (encoded[:, 3:11].sum(1) == 2).all()
    assert (encoded[:, 12:].sum(1) == 1).all()
    assert encoded[0, 7:11].tolist() == encoded[2, 7:11].tolist() == [0, 1, 0, 0]  # kind "a"


def test_one_sample_and_columns_of_rank_two():
    made = space()
    whole = made(COLUMNS).numpy()
    one = made({name: column[1] for name, column in COLUMNS.items()})
    assert one.numpy().tolist() == whole[1].tolist()
    wide = made({name: column[:, None] for name, column in COLUMNS.items()})
    assert wide.numpy().tolist() == whole.tolist()


def test_dict_of_encoded_features():
    made = FS(
        {"n": FS.integer_categorical(output_mode="int"), "x": "float", "s": "string_hashed"},
        output_mode="dict",
        crosses=[FS.cross(("n", "s"), 5, "int")],
        hashing_dim=6,
    )
    made.adapt([{"n": [1, 2]}, {"n": [2, 9]}])
    found = made({"n": [2, 7], "x": [0.5, 1.5], "s": ["p", "q"]})
    shapes = {name: (x.shape, x.dtype) for name, x in found.items()}
    assert list(shapes) == ["n", "s", "x", "n_X_s"]
    assert (shapes["s"], shapes["n_X_s"]) == (((2, 6), "float32"), ((2, 1), "int64"))
    assert found["n"].numpy().tolist() == [[1], [0]]
    encoded = made.get_encoded_features()
    model = Model(made.get_inputs(), encoded)
    data = {"n": np.array([2, 7]), "x": np.array([0.5, 1.5]), "s": np.array(["p", "q"])}
    predicted = model.predict(data, verbose=0)
    for name, x in found.items():
        assert predicted[name].tolist() == x.numpy().tolist()


@pytest.mark.parametrize("source", ["dict", "batches", "generator", "with targets"])
def test_what_adapt_takes(source):
    parts = [{k: v[i : i + 2] for k, v in COLUMNS.items()} for i in (0, 2)]
    data = {
        "dict": COLUMNS,
        "batches": parts,
        "generator": (part for part in parts),
        "with targets": [(part, np.zeros(2)) for part in parts],
    }[source]
    made = FS({"size": "float_normalized", "kind": "string_categorical"})
    made.adapt(data)
    found = made({k: COLUMNS[k] for k in ("size", "kind")}).numpy()
    assert found[:, -1] == pytest.approx((COLUMNS["size"] - 2.5) / np.sqrt(1.25))
    assert found[0, :4].tolist() == [0, 1, 0, 0]


def test_models_of_a_space(tmp_path):
    made = space()
    encoded = made.get_encoded_features()
    outputs = layers.Dense(1)(encoded)
    trained, complete = Model(encoded, outputs), Model(made.get_inputs(), outputs)
    trained.compile("sgd", "mse")
    numbers = made(COLUMNS).numpy()
    trained.fit(numbers, COLUMNS["size"], verbose=0)
    expected = trained.predict(numbers, verbose=0)
    assert complete.predict(COLUMNS, verbose=0) == pytest.approx(expected)
    complete.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    assert again.predict(COLUMNS, verbose=0) == pytest.approx(expected)


def test_files(tmp_path):
    made = space()
    made.save(tmp_path / "space.keras")
    again = load_model(tmp_path / "space.keras")
    assert again(COLUMNS).numpy().tolist() == made(COLUMNS).numpy().tolist()
    assert again.get_config() == made.get_config()
    with pytest.raises(ValueError, match=r"writes \.keras files, but got 'space.h5'"):
        made.save(tmp_path / "space.h5")


def own(mode, layer=None):
    return FS({"x": FS.feature("float32", layer or layers.Rescaling(2.0), mode)})


WRONG = [
    (lambda: FS({}), "features must be a dict of features"),
    (lambda: FS({"a": "floaty"}), "the feature 'a' must be 'float_discretized' or"),
    (lambda: FS({"a": "float"}, "list"), "output_mode must be 'concat' or 'dict'"),
    (lambda: FS({"a": "float"}, crosses=[("a", "b")]), r"names 'b', but the features are \['a'\]"),
    (lambda: FS({"a": "float"}, crosses=[("a",)]), "takes two or more names"),
    (lambda: FS({"a": "float"})([1.0]), "called with a dict of columns, but got"),
    (lambda: FS({"a": "float"})({"b": 1.0}), r"features are \['a'\], but got the columns \['b'\]"),
    (lambda: space().adapt({"size": [1.0]}), r"adapt needs the column 'kind', but got \['size'\]"),
    (lambda: space().adapt([3]), "must come as dicts of columns, but got 3"),
    (lambda: FS({"a": "float_normalized"})({"a": 1.0}), r"adapt\(dataset\) .*\['a'\] learn from"),
    (lambda: own("one_hot")({"x": 1.0}), "'x' cannot be one_hot"),
    (lambda: own("int", layers.Discretization([0.0]))({"x": 1.0}), "gives numbers of categories"),
    (lambda: own("maybe"), "A feature: output_mode must be 'int' or 'one_hot' or 'float'"),
    (lambda: FS.feature("string", 3, "int"), "preprocessor must be a layer, but got 3"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
