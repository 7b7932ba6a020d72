"""Arguments of a wrong kind, or out of range, are refused where they are given."""

import inspect

import numpy as np
import pytest

from kerasish import (
    callbacks,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from kerasish.optimizers import schedules
from kerasish.utils import kinds

# Arguments without a default, which are right.
GIVEN = {
    "backup_dir": "backup",
    "boundaries": [1],
    "decay_rate": 0.5,
    "decay_steps": 10,
    "filename": "log.csv",
    "filepath": "model.keras",
    "first_decay_steps": 10,
    "initial_learning_rate": 0.1,
    "inner_optimizer": "sgd",
    "num_classes": 3,
    "precision": 0.5,
    "recall": 0.5,
    "reduction": "sum",
    "schedule": lambda epoch: 0.1,
    "sensitivity": 0.5,
    "specificity": 0.5,
    "target_class_ids": [0],
    "values": [1.0, 2.0],
}


def _classes():
    for module in (optimizers, schedules, losses, metrics, callbacks, initializers, constraints):
        for name in sorted({*dir(module), *getattr(module, "__all__", ())}):
            cls = getattr(module, name)
            if isinstance(cls, type) and issubclass(cls, kinds.Checked) and name == cls.__name__:
                yield cls


def _cases():
    for cls in dict.fromkeys(_classes()):
        for name, accepted in kinds.kinds_of(cls).items():
            if accepted:
                wrong = "3" if "str" not in accepted else 3 if "int" not in accepted else [1, 2]
                yield pytest.param(cls, name, wrong, id=f"{cls.__name__}-{name}")


def _needed(cls):
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: GIVEN[p.name] for p in parameters if p.default is p.empty and p.name in GIVEN}


@pytest.mark.parametrize(("cls", "name", "value"), list(_cases()))
def test_wrong_kinds(cls, name, value):
    with pytest.raises(TypeError, match=rf"^{cls.__name__}: {name} must be .*, but got "):
        cls(**{**_needed(cls), name: value})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: optimizers.SGD("0.1"), "learning_rate must be a number.*'0.1'"),
        (lambda: optimizers.SGD(momentum=None), "SGD: momentum must be a number, but got None"),
        (lambda: optimizers.SGD(momentum=1.5), "SGD: momentum must be from 0 to 1, but got 1.5"),
        (lambda: optimizers.Adam(beta_1=2), "Adam: beta_1 must be from 0 to 1, but got 2"),
        (lambda: optimizers.Nadam(epsilon=-1e-7), "Nadam: epsilon must be at least 0"),
        (lambda: optimizers.RMSprop(rho=-0.1), "RMSprop: rho must be from 0 to 1"),
        (lambda: optimizers.Adadelta(rho=3), "Adadelta: rho must be from 0 to 1"),
        (lambda: optimizers.Adagrad(epsilon=-1), "Adagrad: epsilon must be at least 0"),
        (lambda: optimizers.Muon(momentum=-1), "Muon: momentum must be from 0 to 1"),
        (lambda: optimizers.SGD(gradient_accumulation_steps=2.5), "a whole number or None.*2.5"),
        (
            lambda: losses.CategoricalCrossentropy(label_smoothing=2),
            "CategoricalCrossentropy: label_smoothing must be from 0 to 1, but got 2",
        ),
        (lambda: losses.CosineSimilarity(axis=0.5), "axis must be a whole number, but got 0.5"),
        (lambda: losses.Huber([1.0, 2.0]), r"Huber: delta must be a number, but got \[1.0, 2.0\]"),
        (lambda: metrics.IoU(3, "01"), "IoU: target_class_ids must be numbers.*'01'"),
        (lambda: metrics.IoU(3, [3]), "IoU: target_class_ids must be numbers from 0 to 2"),
        (lambda: callbacks.EarlyStopping(patience=-1), "EarlyStopping: patience must be at least"),
        (lambda: callbacks.EarlyStopping("loss", 0, "3"), "patience must be a whole number.*'3'"),
        (lambda: callbacks.ReduceLROnPlateau(cooldown=-1), "cooldown must be at least 0"),
        (lambda: callbacks.TensorBoard(histogram_freq=-1), "histogram_freq must be at least 0"),
        (lambda: initializers.RandomNormal(stddev=-1), "RandomNormal: stddev must be at least 0"),
        (lambda: initializers.GlorotUniform(seed="a"), "GlorotUniform: seed must be a whole"),
        (lambda: constraints.MinMaxNorm(rate=-1), "MinMaxNorm: rate must be from 0 to 1"),
        (lambda: constraints.MinMaxNorm(2, 1), "MinMaxNorm: max_value must be at least 2"),
        (lambda: constraints.MaxNorm(-2), "MaxNorm: max_value must be at least 0"),
        (lambda: constraints.UnitNorm(axis="a"), "UnitNorm: axis must be a whole number.*'a'"),
        (lambda: regularizers.L2("x"), "L2: l2 must be a finite number, but got 'x'"),
    ],
)
def test_wrong_values(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: optimizers.SGD(momentum=np.float32(0.5), nesterov=np.bool_(True)),
        lambda: optimizers.SGD(0.1, 0.9, 1e-6, True),  # lr, momentum, decay, nesterov
        lambda: optimizers.Adam(beta_1=np.array(0.9), epsilon=None, amsgrad=1),
        lambda: schedules.CosineDecay(0.1, 1000 / 32, warmup_target=1),
        lambda: callbacks.EarlyStopping(patience=float("inf"), baseline=np.float64(1)),
        lambda: losses.BinaryCrossentropy(from_logits=0, label_smoothing=1),
        lambda: losses.CategoricalFocalCrossentropy(alpha=[0.1, 0.9]),
        lambda: initializers.RandomUniform(0, 1, seed=np.int64(3)),
        lambda: constraints.MaxNorm(2, axis=(0, np.int64(1))),
    ],
)
def test_what_keras_takes_is_taken(call):
    call()


def test_subclasses_of_ones_own_take_what_they_like():
    class Shaped(callbacks.Callback):
        def __init__(self, patience: int):
            self.patience = patience

    assert Shaped("3").patience == "3"
