"""Callbacks, driven as `fit` drives them, on a model that is only weights and a flag."""

import csv
import math
import warnings

import numpy as np
import pytest

from kerasish import callbacks as C
from kerasish import metrics
from kerasish.callbacks.callback import HOOKS

NAN = math.nan


class Optimizer:
    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate


class Model:
    def __init__(self):
        self.weights = [np.zeros(2)]
        self.optimizer = Optimizer()
        self.stop_training = False
        self.saved = []

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = [w.copy() for w in weights]

    def save(self, path):
        self.saved.append(path)

    def save_weights(self, path):
        self.saved.append("weights:" + path)


def run(callbacks, epochs, batches=2, model=None, **params):
    """Trains through `epochs`, a list of each epoch's logs; weights hold the epoch's number."""
    model = model or Model()
    params = {"verbose": 0, "epochs": len(epochs), "steps": batches, **params}
    hooks = C.CallbackList(callbacks, add_history=True, model=model, **params)
    logs = {}
    hooks.on_train_begin()
    for epoch, values in enumerate(epochs):
        hooks.on_epoch_begin(epoch)
        for batch in range(batches):
            hooks.on_train_batch_begin(batch)
            hooks.on_train_batch_end(batch, dict(values))
        model.weights = [np.full(2, float(epoch))]
        logs = dict(values)
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    hooks.on_train_end(logs)
    return model


def series(name, *values):
    return [{name: value} for value in values]


def epoch_of(model):
    return int(model.weights[0][0])


# ---- base and list ----


class Recorder(C.Callback):
    """Writes down every hook; must be told of the batch hooks by their modern names only."""

    def __init__(self):
        self.calls = []


def _recording(hook):
    def method(self, *arguments):
        self.calls.append((hook, *arguments[:-1]))

    return method


for _hook in HOOKS:
    if _hook not in ("on_batch_begin", "on_batch_end"):
        setattr(Recorder, _hook, _recording(_hook))


def test_hooks_are_called_in_order():
    recorder = Recorder()
    model = run(recorder, series("loss", 1.0), batches=2)
    assert recorder.calls == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0),
        ("on_train_batch_begin", 1),
        ("on_train_batch_end", 1),
        ("on_epoch_end", 0),
        ("on_train_end",),
    ]
    assert recorder.model is model
    assert recorder.params == {"verbose": 0, "epochs": 1, "steps": 2}


@pytest.mark.parametrize("hook", HOOKS)
def test_list_passes_every_hook_on(hook):
    recorder = Recorder()
    arguments = (3,) if "batch" in hook or "epoch" in hook else ()
    getattr(C.CallbackList([recorder]), hook)(*arguments)
    modern = hook.replace("on_batch", "on_train_batch")
    assert recorder.calls == [(modern, *arguments)]


def test_older_batch_hooks_are_called():
    seen = []

    class Old(C.Callback):
        def on_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            seen.append(("end", batch, logs["loss"]))

    run(Old(), series("loss", 1.0), batches=1)
    assert seen == [("begin", 0), ("end", 0, 1.0)]


class OldBatch(C.Callback):
    def on_batch_end(self, batch, logs=None): ...


class TestBatch(C.Callback):
    __test__ = False

    def on_test_batch_end(self, batch, logs=None): ...


# callback, what it needs every batch of, what it watches at all
NEEDS = [
    (C.Callback(), "", ""),
    (C.EarlyStopping(), "", ""),
    (C.History(), "", ""),
    (C.ModelCheckpoint("x.keras"), "", ""),
    (C.ModelCheckpoint("x.keras", save_freq=10), "train", "train"),
    (C.TerminateOnNaN(), "", "train"),
    (C.ProgbarLogger(), "", "train test predict"),
    (OldBatch(), "train", "train"),
    (TestBatch(), "test", "test"),
    (C.LambdaCallback(on_epoch_end=print), "", ""),
    (C.LambdaCallback(on_train_batch_end=print), "train", "train"),
    (C.LambdaCallback(on_predict_batch_begin=print), "predict", "predict"),
]


@pytest.mark.parametrize(("callback", "needs", "watches"), NEEDS)
def test_list_knows_who_looks_at_batches(callback, needs, watches):
    hooks = C.CallbackList([C.Callback(), callback])
    for kind in ("train", "test", "predict"):
        assert getattr(hooks, f"needs_{kind}_batches") == (kind in needs)
        assert getattr(hooks, f"watches_{kind}_batches") == (kind in watches)


class Writer(C.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["extra"] = 7.0


def test_default_callbacks_and_their_places():
    early, rate = C.EarlyStopping(), C.ReduceLROnPlateau()
    names = [type(c).__name__ for c in C.CallbackList([early], add_history=True, add_progbar=True)]
    assert names == ["ProgbarLogger", "EarlyStopping", "History"]
    names = [type(c).__name__ for c in C.CallbackList([rate, early], add_progbar=True)]
    assert names == ["ReduceLROnPlateau", "ProgbarLogger", "EarlyStopping"]
    own = C.History()
    hooks = C.CallbackList([own, C.ProgbarLogger()], add_history=True, add_progbar=True)
    assert len(hooks) == 2
    assert hooks.history is own
    model = Model()
    late = C.Callback()
    hooks.set_model(model)
    hooks.append(late)
    assert model.history is own
    assert late.model is model


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([C.EarlyStopping], r"EarlyStopping\(\.\.\.\)"),
        (["early"], "type str, which has no set_params"),
    ],
)
def test_list_refuses_what_is_no_callback(wrong, message):
    with pytest.raises(TypeError, match=message):
        C.CallbackList(wrong)


def test_history_collects_what_callbacks_add():
    model = run(Writer(), series("loss", 1.0, 0.5))
    assert model.history.history == {"loss": [1.0, 0.5], "extra": [7.0, 7.0]}
    assert model.history.epoch == [0, 1]


def test_lambda_callback():
    seen = []
    callback = C.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["loss"])),
        on_test_begin=lambda logs: seen.append("test"),
        colour="red",
    )
    run(callback, series("loss", 1.0))
    callback.on_test_begin({})
    assert seen == [(0, 1.0), "test"]
    assert callback.colour == "red"
    with pytest.raises(TypeError, match="no hook 'on_epoch_finish'"):
        C.LambdaCallback(on_epoch_finish=print)
    with pytest.raises(TypeError, match="on_epoch_end must be callable, got 3"):
        C.LambdaCallback(on_epoch_end=3)


# ---- following one value ----

# arguments, values per epoch, epoch of the stop (None: ran through), best epoch
EARLY = [
    ({}, [3, 2, 1], None, 2),
    ({}, [3, 2, 2], 2, 1),
    ({"patience": 2}, [3, 2, 2, 1, 1, 1], 5, 3),
    ({"patience": 1, "min_delta": 0.5}, [3, 2.8, 2.6, 0], 1, 0),
    ({"mode": "max", "patience": 1}, [3, 2, 4], 1, 0),
    ({"baseline": 1.0, "patience": 2}, [3, 2, 2], 2, 1),
    ({"start_from_epoch": 2}, [1, 2, 3, 4], 3, 2),
    ({"patience": 1}, [2, NAN], 1, 0),
    ({"patience": 2}, [NAN, 2, 1], None, 2),
]


@pytest.mark.parametrize(("arguments", "values", "stop", "best"), EARLY)
def test_early_stopping(arguments, values, stop, best):
    callback = C.EarlyStopping(monitor="loss", restore_best_weights=True, **arguments)
    model = run(callback, series("loss", *values))
    assert model.stop_training == (stop is not None)
    assert callback.stopped_epoch == (stop or 0)
    assert callback.best_epoch == best == epoch_of(model)


def test_early_stopping_speaks_and_starts_anew(capsys):
    callback = C.EarlyStopping("loss", verbose=1, restore_best_weights=True)
    for _ in range(2):
        run(callback, series("loss", 1.0, 2.0))
    lines = capsys.readouterr().out.splitlines()
    assert lines == 2 * [
        "Epoch 2: stopped early, loss no longer improves.",
        "Restoring the weights of epoch 1, the best.",
    ]


# monitor, logged name
@pytest.mark.parametrize(
    ("monitor", "logged"),
    [("acc", "accuracy"), ("val_accuracy", "val_acc"), ("lr", "learning_rate"), ("a", "a")],
)
def test_monitor_finds_other_spellings(monitor, logged):
    callback = C.EarlyStopping(monitor)
    assert callback.get_monitor_value({logged: np.float32(0.5)}) == 0.5


@pytest.mark.parametrize(
    ("name", "larger"),
    [
        ("loss", False),
        ("val_acc", True),
        ("val_auc_2", True),
        ("mse", False),
        ("error", True),
        ("val_mean_io_u", True),
        ("pearson_correlation", True),
        ("val_dice_loss", False),
        ("previous_mse", False),
        ("accumulated_error", False),
        ("val_overlap", True),
    ],
)
def test_monitor_direction(name, larger):
    callback = C.EarlyStopping(name)
    model = Model()
    # A metric's own word goes before its name.
    model.metrics = [type("Metric", (), {"name": "error", "_direction": "up"})()]
    model.metrics += [metrics.MeanIoU(2, "overlap"), metrics.MeanSquaredError("previous_mse")]
    callback.set_model(model)
    assert callback.larger_is_better == larger


def test_absent_monitor_warns_once():
    with pytest.warns(UserWarning, match="'val_loss'.*available: loss; .*validation data") as seen:
        run(C.EarlyStopping(), series("loss", 1.0, 1.0, 1.0))
    assert len(seen) == 1


def test_monitor_refuses():
    with pytest.raises(ValueError, match="mode must be 'auto', 'min' or 'max', got 'most'"):
        C.EarlyStopping(mode="most")
    with pytest.raises(ValueError, match="'f1' must be one number"):
        C.EarlyStopping("f1").get_monitor_value({"f1": np.ones(2)})


# ---- checkpoints ----

# arguments, saved names; values are 3, 1, 2 with 4 batches an epoch
CHECKPOINTS = [
    ({"filepath": "m.keras"}, ["m.keras"] * 3),
    (
        {"filepath": "m.{epoch:02d}-{loss:.1f}.keras"},
        ["m.01-3.0.keras", "m.02-1.0.keras", "m.03-2.0.keras"],
    ),
    ({"filepath": "{epoch}", "save_best_only": True, "monitor": "loss"}, ["1", "2"]),
    ({"filepath": "{epoch}", "save_best_only": True, "monitor": "loss", "mode": "max"}, ["1"]),
    (
        {
            "filepath": "{epoch}",
            "save_best_only": True,
            "monitor": "loss",
            "initial_value_threshold": 1.5,
        },
        ["2"],
    ),
    ({"filepath": "{epoch}", "save_weights_only": True, "period": 2}, ["weights:2"]),
    ({"filepath": "{epoch}.{batch}", "save_freq": 3}, ["1.3", "2.2", "3.1", "3.4"]),
    ({"filepath": "{epoch}.{batch}", "save_freq": 2 * np.ceil(2.5)}, ["2.2", "3.4"]),
]


@pytest.mark.parametrize(("arguments", "saved"), CHECKPOINTS)
def test_model_checkpoint(arguments, saved, tmp_path):
    arguments = {**arguments, "filepath": tmp_path / "new" / arguments["filepath"]}
    model = run(C.ModelCheckpoint(**arguments), series("loss", 3.0, 1.0, 2.0), batches=4)
    assert [path.replace(f"{tmp_path}/new/", "") for path in model.saved] == saved
    assert (tmp_path / "new").is_dir()


def test_model_checkpoint_without_the_value():
    """A misspelt name must not lose a training; an epoch without validation not the best."""
    with pytest.warns(UserWarning, match="watches 'val_los', which is absent .*every state"):
        model = run(C.ModelCheckpoint("{epoch}", "val_los", 0, True), series("loss", 1.0, 2.0))
    assert model.saved == ["1", "2"]
    logs = [{"loss": 1.0, "val_loss": 1.0}, {"loss": 2.0}, {"loss": 0.5, "val_loss": 0.5}]
    with pytest.warns(UserWarning, match="absent"):
        assert run(C.ModelCheckpoint("{epoch}", save_best_only=True), logs).saved == ["1", "3"]


def test_model_checkpoint_speaks(capsys):
    run(C.ModelCheckpoint("m", "loss", 1, True), series("loss", 3.0, 1.0, 2.0))
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1: loss improved to 3.000, saved m.",
        "Epoch 2: loss improved from 3.000 to 1.000, saved m.",
        "Epoch 3: loss 2.000 isn't better than 1.000.",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"save_freq": 0}, "'epoch' or a number of batches, got 0"),
        ({"save_freq": "batch"}, "'epoch' or a number of batches, got 'batch'"),
        ({"save_freq": True}, "'epoch' or a number of batches, got True"),
        ({"save_freq": math.inf}, "'epoch' or a number of batches, got inf"),
        ({"period": 0}, "ModelCheckpoint: period must be at least 1"),
    ],
)
def test_model_checkpoint_refuses(arguments, words):
    with pytest.raises(ValueError, match=words):
        C.ModelCheckpoint("m", **arguments)


def test_model_checkpoint_names_unknown_values():
    with pytest.raises(KeyError, match=r"uses 'val_loss'.*known: .*loss.*epoch"):
        run(C.ModelCheckpoint("{val_loss}.keras"), series("loss", 1.0))
    model = run(C.ModelCheckpoint("{acc:.1f}"), series("accuracy", 0.5))
    assert model.saved == ["0.5"]


# ---- learning rates ----


def halve(epoch, rate):
    return rate / 2


def by_epoch(epoch, offset=None):
    return np.float32(1 / (epoch + 1)) if offset is None else offset * 2


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (halve, [0.05, 0.025, 0.0125]),
        (lambda epoch: 1 / (epoch + 1), [1, 1 / 2, 1 / 3]),
        (by_epoch, [0.2, 0.4, 0.8]),  # two can be given, so two are
    ],
)
def test_learning_rate_scheduler(schedule, rates):
    model = run(C.LearningRateScheduler(schedule), series("loss", 1, 1, 1))
    assert model.history.history["learning_rate"] == pytest.approx(rates)
    assert model.optimizer.learning_rate == pytest.approx(rates[-1])


def broken(epoch, rate):
    raise TypeError("inside")


def test_learning_rate_scheduler_refuses(capsys):
    with pytest.raises(ValueError, match="must return a number, got None for epoch 0"):
        run(C.LearningRateScheduler(lambda epoch: None), series("loss", 1))
    with pytest.raises(TypeError, match=r"must be a function of the epoch .* got 0\.1"):
        C.LearningRateScheduler(0.1)
    with pytest.raises(TypeError, match="inside"):  # not taken for a wrong number of arguments
        run(C.LearningRateScheduler(broken), series("loss", 1))
    model = Model()
    model.optimizer = None
    with pytest.raises(ValueError, match="expected a model compiled with an optimizer"):
        run(C.LearningRateScheduler(halve), series("loss", 1), model=model)
    run(C.LearningRateScheduler(halve, verbose=1), series("loss", 1))
    assert capsys.readouterr().out == "Epoch 1: learning rate 0.05.\n"


# arguments, values, rates after each epoch
PLATEAUS = [
    ({"patience": 1}, [3, 2, 2, 2, 1], [0.1, 0.1, 0.05, 0.025, 0.025]),
    ({"patience": 2}, [1, 1, 1, 1, 1], [0.1, 0.1, 0.05, 0.05, 0.025]),
    ({"patience": 1, "cooldown": 2}, [1, 1, 1, 1, 1], [0.1, 0.05, 0.05, 0.025, 0.025]),
    ({"patience": 1, "min_lr": 0.04}, [1, 1, 1, 1], [0.1, 0.05, 0.04, 0.04]),
    ({"patience": 1, "mode": "max"}, [1, 2, 1], [0.1, 0.1, 0.05]),
    ({"patience": 1, "epsilon": 0.5}, [1, 0.8], [0.1, 0.05]),
]


@pytest.mark.parametrize(("arguments", "values", "rates"), PLATEAUS)
def test_reduce_lr_on_plateau(arguments, values, rates):
    seen = []
    callback = C.ReduceLROnPlateau(monitor="loss", factor=0.5, **arguments)
    model = Model()
    watch = C.LambdaCallback(on_epoch_end=lambda *_: seen.append(model.optimizer.learning_rate))
    run([callback, watch], series("loss", *values), model=model)
    assert seen == pytest.approx(rates)
    # The logged rate is the one that the epoch ran with.
    assert model.history.history["learning_rate"] == pytest.approx([0.1, *rates[:-1]])


def test_reduce_lr_on_plateau_refuses():
    with pytest.raises(ValueError, match="factor must be below 1, got"):
        C.ReduceLROnPlateau(factor=1.5)
    with pytest.raises(TypeError, match=r"'patient'\. Did you mean 'patience'"):
        C.ReduceLROnPlateau(patient=3)


# ---- the rest ----


@pytest.mark.parametrize(("value", "stops"), [(NAN, True), (math.inf, True), (1e30, False)])
def test_terminate_on_nan(value, stops, capsys):
    model = run(C.TerminateOnNaN(), series("loss", value), batches=1)
    assert model.stop_training == stops
    assert ("training stops" in capsys.readouterr().out) == stops
    if stops:
        with pytest.raises(RuntimeError, match=f"Batch 0: the loss is {value}"):
            run(C.TerminateOnNaN(raise_error=True), series("loss", value))


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    first = [{"loss": 0.5, "acc": np.float32(0.25)}, {"loss": 0.25, "acc": 1, "val_loss": 2.0}]
    run(C.CSVLogger(path), first)
    run(C.CSVLogger(path, append=True), [{"loss": 0.1, "f1": np.array([1, 2])}])
    assert list(csv.reader(path.read_text().splitlines())) == [
        ["epoch", "acc", "loss", "val_loss", "f1"],
        ["0", "0.25", "0.5", "NA", "NA"],
        ["1", "1", "0.25", "2.0", "NA"],
        ["0", "NA", "0.1", "NA", "[1, 2]"],
    ]
    run(C.CSVLogger(path, separator=";"), [{"loss": 1.0}])
    assert path.read_text() == "epoch;loss\n0;1.0\n"


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (C.BackupAndRestore, "backup_dir"),
        (C.CSVLogger, "filename"),
        (C.ModelCheckpoint, "filepath"),
        (C.TensorBoard, "log_dir"),
    ],
)
def test_paths(make, argument):
    with pytest.raises(TypeError, match=rf"{make.__name__}: {argument} must be a path, got None"):
        make(None)


def test_csv_logger_refuses_separators_of_several_characters():
    with pytest.raises(ValueError, match="separator must be one character, got ';;'"):
        C.CSVLogger("log.csv", ";;")


def test_present_monitor_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(C.EarlyStopping("loss"), series("loss", 1.0))
