"""The optimizers that tf.keras kept as `optimizers.legacy`: here they are the same ones.

They take the same arguments; `lr` and `decay` are understood everywhere.
"""

from kerasish.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    Ftrl,
    Nadam,
    Optimizer,
    RMSprop,
)

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "Ftrl",
    "Nadam",
    "Optimizer",
    "RMSprop",
]
