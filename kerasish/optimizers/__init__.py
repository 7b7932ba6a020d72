"""Optimizers: how gradients change weights.

Each is two small methods, `slots` (the state per variable) and `step`.
"""

from __future__ import annotations

from kerasish.optimizers import schedules
from kerasish.optimizers.adagrad import Adadelta, Adagrad
from kerasish.optimizers.adam import Adam, Adamax, AdamW, Lamb, Nadam
from kerasish.optimizers.ftrl import Ftrl
from kerasish.optimizers.optimizer import Optimizer
from kerasish.optimizers.rmsprop import RMSprop
from kerasish.optimizers.sgd import SGD, Lion
from kerasish.saving.serialization import Registry

registry = Registry(
    "optimizer",
    [Adadelta, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, Nadam, RMSprop, SGD],
    callables=False,
)
get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
