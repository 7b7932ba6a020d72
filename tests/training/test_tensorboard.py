"""TensorBoard: its own reader finds what was written."""

import json

import numpy as np
import pytest

from kerasish import callbacks, engines, layers, models

pytest.importorskip("tensorboard")
X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = X[:, :1]


def _model():
    model = models.Sequential(
        [layers.Input((4,)), layers.Dense(3, "relu", name="wide"), layers.Dense(1, name="out")]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def events(folder):
    """run -> tag -> list of (step, plugin, value), by TensorBoard's own loader."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.util.tensor_util import make_ndarray

    found = {}
    for path in sorted(folder.glob("*/events.out.tfevents.*")):
        tags = found.setdefault(path.parent.name, {})
        for raw in RawEventFileLoader(str(path)).Load():
            event = Event.FromString(raw)
            if event.graph_def:
                tags["graph"] = event.graph_def
            for value in event.summary.value:
                entry = (
                    event.step,
                    value.metadata.plugin_data.plugin_name,
                    make_ndarray(value.tensor),
                )
                tags.setdefault(value.tag, []).append(entry)
    return found


def test_curves_histograms_images_and_graphs(tmp_path):
    model = _model()
    callback = callbacks.TensorBoard(
        tmp_path,
        histogram_freq=1,
        write_images=True,
        write_steps_per_second=True,
        update_freq=np.int64(2),
    )
    history = model.fit(
        X, Y, validation_split=0.2, batch_size=8, epochs=2, verbose=0, callbacks=callback
    ).history
    found = events(tmp_path)
    train, validation = found["train"], found["validation"]
    for run, prefix in ((train, ""), (validation, "val_")):
        steps, plugins, values = zip(*run["epoch_loss"], strict=True)
        assert (steps, set(plugins)) == ((0, 1), {"scalars"})
        np.testing.assert_allclose(values, history[prefix + "loss"], rtol=1e-6)
    assert [step for step, *_ in train["batch_mae"]] == [2, 4, 6, 8]
    assert [step for step, *_ in validation["evaluation_mae_vs_iterations"]] == [4, 8]
    assert float(train["epoch_learning_rate"][0][2]) == pytest.approx(0.001)
    assert float(train["epoch_steps_per_second"][0][2]) > 0
    assert len(train["batch_steps_per_second"]) == 4

    kernel = model.layers[-2].kernel
    step, plugin, table = train[f"{kernel.path}/histogram"][-1]
    assert (step, plugin) == (1, "histograms")
    assert table[:, 2].sum() == kernel.numpy().size
    np.testing.assert_allclose(
        [table[0, 0], table[-1, 1]], [kernel.numpy().min(), kernel.numpy().max()]
    )
    width, height, picture = train[f"{kernel.path}/image"][0][2]
    assert (width, height) == (b"4", b"3")
    assert picture.startswith(b"\x89PNG")
    _check_graphs(train, model)


def _check_graphs(train, model):
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

    ((_, plugin, config),) = train["keras"]
    assert plugin == "graph_keras_model"
    shown = keras_model_to_graph_def(json.loads(config.item()))
    assert {node.name.rpartition("/")[2] for node in shown.node} >= {"wide", "out"}
    graph = GraphDef.FromString(train["graph"])
    names = [node.name for node in graph.node]
    assert len(set(names)) == len(names)
    assert all(name in names for node in graph.node for name in node.input)
    assert any(node.op == "matmul" and "wide" in node.name for node in graph.node)


def test_the_accumulator_of_tensorboard_reads_it(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _model().fit(X, Y, epochs=3, verbose=0, callbacks=callbacks.TensorBoard(tmp_path))
    reader = EventAccumulator(str(tmp_path / "train"))
    reader.Reload()
    assert {"epoch_loss", "epoch_mae", "epoch_learning_rate", "keras"} <= set(
        reader.Tags()["tensors"]
    )
    assert reader.Tags()["graph"]
    assert [event.step for event in reader.Tensors("epoch_loss")] == [0, 1, 2]


def served(folder):
    """A function that asks TensorBoard's server of a folder for a path."""
    from tensorboard import default, program
    from tensorboard.backend import application
    from tensorboard.backend.event_processing.data_ingester import LocalDataIngester
    from werkzeug.test import Client

    board = program.TensorBoard(default.get_plugins())
    board.configure(argv=["tensorboard", "--logdir", str(folder)])
    source = LocalDataIngester(board.flags)
    runs = source.deprecated_multiplexer
    runs.AddRunsFromDirectory(str(folder))
    runs.Reload()
    client = Client(
        application.TensorBoardWSGIApp(
            board.flags,
            board.plugin_loaders,
            source.data_provider,
            board.assets_zip_provider,
            runs,
        )
    )

    def ask(path, **query):
        answer = client.get(f"/data/{path}", query_string=query)
        assert answer.status_code == 200, (path, answer.data)
        return answer.data

    return ask


# Raised inside TensorBoard.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_its_server_shows_it(tmp_path):
    words = layers.Embedding(5, 3, name="words")
    model = models.Sequential([layers.Input((2,), dtype="int32"), words, layers.Flatten()])
    model.add(layers.Dense(1, name="out"))
    model.compile("sgd", "mse")
    (tmp_path / "labels.tsv").write_text("a\nb\nc\nd\ne\n")
    callback = callbacks.TensorBoard(
        tmp_path / "logs",
        histogram_freq=1,
        write_images=True,
        embeddings_freq=1,
        embeddings_metadata=str(tmp_path / "labels.tsv"),
    )
    data = np.ones((4, 2), "int32"), np.ones((4, 1))
    model.fit(*data, epochs=2, validation_data=data, verbose=0, callbacks=callback)
    ask = served(tmp_path / "logs")
    train = {"run": "train"}
    assert json.loads(ask("runs")) == ["train", "validation"]
    losses = json.loads(ask("plugin/scalars/scalars", tag="epoch_loss", **train))
    assert [step for _, step, _ in losses] == [0, 1]
    (_, step, buckets) = json.loads(
        ask("plugin/histograms/histograms", tag="out/kernel/histogram", **train)
    )[-1]
    assert (step, sum(count for *_, count in buckets)) == (1, 6)
    pictures = json.loads(
        ask("plugin/images/images", tag="words/embeddings/image", sample=0, **train)
    )
    _, key = pictures[-1]["query"].split("=", 1)
    assert ask("plugin/images/individualImage", blob_key=key).startswith(b"\x89PNG")
    about = json.loads(ask("plugin/graphs/info"))["train"]
    assert about["run_graph"]
    assert about["tags"]["keras"]["conceptual_graph"]
    assert b"Embedding" in ask("plugin/graphs/graph", tag="keras", conceptual="true", **train)
    assert b"out" in ask("plugin/graphs/graph", **train)
    embedded = {"run": ".", "name": "words"}
    table = np.frombuffer(ask("plugin/projector/tensor", **embedded), "float32")
    np.testing.assert_allclose(table.reshape(5, 3), words.embeddings.numpy(), rtol=1e-4)
    assert ask("plugin/projector/metadata", **embedded).split() == [b"a", b"b", b"c", b"d", b"e"]


def test_evaluation_by_itself(tmp_path):
    model = _model()
    loss, _ = model.evaluate(X, Y, verbose=0, callbacks=callbacks.TensorBoard(tmp_path))
    ((step, _, value),) = events(tmp_path)["validation"]["evaluation_loss_vs_iterations"]
    assert (step, float(value)) == (0, pytest.approx(loss))


def test_embeddings(tmp_path):
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    model = models.Sequential(
        [layers.Input((2,), dtype="int32"), layers.Embedding(5, 3, name="words"), layers.Flatten()]
    )
    model.add(layers.Dense(1))
    model.compile("sgd", "mse")
    callback = callbacks.TensorBoard(
        tmp_path, embeddings_freq=1, embeddings_metadata={"words": "words.txt"}, batch_size=8
    )
    model.fit(np.ones((4, 2), "int32"), np.ones((4, 1)), verbose=0, callbacks=callback)
    config = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (entry,) = config.embeddings
    assert (entry.tensor_name, entry.metadata_path) == ("words", "words.txt")
    table = np.loadtxt(tmp_path / entry.tensor_path)
    np.testing.assert_allclose(table, model.layers[-3].embeddings.numpy(), rtol=1e-4)
    callback.embeddings_metadata = {"wrods": "words.txt"}
    with pytest.raises(ValueError, match="no Embedding layer called 'wrods'"):
        model.fit(np.ones((4, 2), "int32"), np.ones((4, 1)), verbose=0, callbacks=callback)


def test_embeddings_of_data(tmp_path):
    """As Keras 2 writes them: what the layer makes of inputs, with labels from anywhere."""
    model = models.Sequential(
        [layers.Input((2,), dtype="int32"), layers.Embedding(5, 3, name="words"), layers.Flatten()]
    )
    model.add(layers.Dense(1))
    model.compile("sgd", "mse")
    data = np.array([[0, 1], [4, 4], [2, 3]], "int32")
    labels = tmp_path / "labels.tsv"
    labels.write_text("a\nb\nc\n")
    options = {"embeddings_layer_names": ["words"], "embeddings_metadata": str(labels)}
    callback = callbacks.TensorBoard(
        tmp_path / "logs", embeddings_freq=1, embeddings_data=data, batch_size=2, **options
    )
    model.fit(data, np.ones((3, 1)), epochs=2, verbose=0, callbacks=callback)
    table = np.loadtxt(tmp_path / "logs" / "words.tsv")
    weights = model.layers[0].embeddings.numpy()
    np.testing.assert_allclose(table, weights[data].reshape(3, 6), rtol=1e-4)
    listed = (tmp_path / "logs" / "projector_config.pbtxt").read_text()
    assert 'metadata_path: "labels.tsv"' in listed  # the projector reads nothing outside
    assert (tmp_path / "logs" / "labels.tsv").read_text() == "a\nb\nc\n"


def test_gradients(tmp_path):
    """Those of the mean loss on the validation data, in the arguments' order of Keras 2."""
    model = models.Sequential([layers.Input((4,)), layers.Dense(1, name="out")])
    model.compile("sgd", "mse")
    callback = callbacks.TensorBoard(tmp_path, 1, 16, False, True)
    given = {"validation_data": (X, Y), "verbose": 0, "callbacks": callback}
    model.fit(X, Y, epochs=2, **given)
    gradient = 2 * X.T @ (model.predict(X, verbose=0) - Y) / len(X)
    found = events(tmp_path)["train"]
    assert "graph" not in found
    step, plugin, rows = found["out/kernel/gradient"][-1]
    assert (step, plugin, rows[:, 2].sum()) == (1, "histograms", 4)
    np.testing.assert_allclose([rows[0, 0], rows[-1, 1]], [gradient.min(), gradient.max()], 1e-4)
    with pytest.raises(ValueError, match="write_grads needs validation data"):
        model.fit(X, Y, verbose=0, callbacks=callback)


class Profiler:
    def __init__(self):
        self.calls = []

    def start(self, folder):
        self.calls.append(("start", folder))

    def stop(self):
        self.calls.append("stop")


@pytest.mark.parametrize(
    ("batches", "first", "last"), [(2, 2, 2), ((2, 4), 2, 4), ("1,3", 1, 3), ((4, 99), 4, 5)]
)
def test_the_profiler_runs_during_the_batches(batches, first, last, tmp_path, monkeypatch):
    profiler = Profiler()
    monkeypatch.setattr(type(engines.current_engine()), "profiler", profiler)

    class Watch(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            profiler.calls.append(batch + 1)

    board = callbacks.TensorBoard(tmp_path, write_graph=False, profile_batch=batches)
    _model().fit(X, Y, batch_size=8, verbose=0, callbacks=[Watch(), board])
    before, during = range(1, first), range(first, last + 1)
    start = ("start", str(tmp_path / "train"))
    assert profiler.calls == [*before, start, *during, "stop", *range(last + 1, 6)]


def test_the_profiler_of_an_engine(engine, tmp_path):
    board = callbacks.TensorBoard(tmp_path, profile_batch=2)
    if engines.current_engine().profiler is None:
        with pytest.raises(NotImplementedError, match="profile_batch=2 needs an engine with"):
            _model().fit(X, Y, verbose=0, callbacks=board)
    else:
        _model().fit(X, Y, batch_size=8, verbose=0, callbacks=board)
        (found,) = tmp_path.glob("train/plugins/profile/*/*.xplane.pb")
        assert found.stat().st_size > 1000


def test_kernels_of_convolutions_are_pictures():
    from kerasish.callbacks.tensorboard import _pictures

    shapes = {(3, 5, 2, 4): [(3, 5)] * 8, (7,): [(1, 7)], (4, 2): [(2, 4)], (2, 2, 2, 2, 2): None}
    for shape, wanted in shapes.items():
        found = _pictures(np.zeros(shape))
        assert (found and [picture.shape for picture in found]) == wanted


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"profile_batch": (3, 2)}, ValueError, r"a pair of them, .* got \(3, 2\)"),
        ({"profile_batch": "2,x"}, ValueError, "number of a batch"),
        ({"profile_batch": -1}, ValueError, "number of a batch"),
        ({"update_freq": "never"}, ValueError, "'epoch', 'batch' or a number"),
        ({"log_direction": "x"}, TypeError, "'log_direction'. Did you mean 'log_dir'"),
    ],
)
def test_refuses(options, error, words):
    with pytest.raises(error, match=words):
        callbacks.TensorBoard(**options)
