"""Optimizers: how gradients change weights.

Each is two small methods, `slots` (the state per variable) and `step`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from kerasish.compat.modules import attributes as older_attributes
from kerasish.compat.optimizers import TFOptimizer
from kerasish.optimizers import schedules
from kerasish.optimizers.adafactor import Adafactor
from kerasish.optimizers.adagrad import Adadelta, Adagrad
from kerasish.optimizers.adam import Adam, Adamax, AdamW, Lamb, Nadam
from kerasish.optimizers.ftrl import Ftrl
from kerasish.optimizers.loss_scale import LossScaleOptimizer
from kerasish.optimizers.multi import MultiOptimizer, OptimizerMap
from kerasish.optimizers.muon import Muon
from kerasish.optimizers.optimizer import Optimizer
from kerasish.optimizers.rmsprop import RMSprop
from kerasish.optimizers.schedule_free import ScheduleFreeAdamW
from kerasish.optimizers.sgd import SGD, Lion
from kerasish.saving.serialization import Registry

registry = Registry(
    "optimizer",
    [
        Adadelta,
        Adafactor,
        Adagrad,
        Adam,
        AdamW,
        Adamax,
        Ftrl,
        Lamb,
        Lion,
        LossScaleOptimizer,
        MultiOptimizer,
        Muon,
        Nadam,
        Optimizer,
        OptimizerMap,
        RMSprop,
        SGD,
        ScheduleFreeAdamW,
    ],
    callables=False,
)
get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize


# Keras 2's other names. Some are modules here, whose names only this package's files use.
adadelta = Adadelta
adagrad = Adagrad
adam = Adam
adamax = Adamax
nadam = Nadam
rmsprop = RMSprop
sgd = SGD


def __getattr__(name: str) -> Any:
    """The module `legacy`, which needs this one first; and what older Keras has here."""
    if name == "legacy":
        return import_module("kerasish.optimizers.legacy")
    return older_attributes(__name__)(name)


__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "TFOptimizer",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
