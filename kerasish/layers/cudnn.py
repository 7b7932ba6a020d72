"""CuDNNGRU and CuDNNLSTM: what Keras 2 calls GRU and LSTM as NVIDIA's library computes them."""

from __future__ import annotations

from typing import Any

from kerasish.compat.arguments import by_name
from kerasish.layers.recurrent_layers import GRU, LSTM

_FIXED = {"activation": "tanh", "recurrent_activation": "sigmoid"}

# Keras 2's order of arguments after the units, of which an LSTM has one more.
_INITIALIZERS = ("kernel_initializer", "recurrent_initializer", "bias_initializer")
_OTHERS = (
    "kernel_regularizer",
    "recurrent_regularizer",
    "bias_regularizer",
    "activity_regularizer",
    "kernel_constraint",
    "recurrent_constraint",
    "bias_constraint",
    "return_sequences",
    "return_state",
    "stateful",
)


class CuDNNGRU(GRU):
    """`GRU` with `reset_after=True`, on every engine and device.

    Args: as those of `GRU`, without the activations, biases' switch and dropouts.

    >>> CuDNNGRU(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    def __init__(self, units: int, *args: Any, **kwargs: Any):
        names = (*_INITIALIZERS, *_OTHERS)
        given = by_name("CuDNNGRU", names, args, kwargs)
        super().__init__(units, **(_FIXED | {"reset_after": True} | given))


class CuDNNLSTM(LSTM):
    """`LSTM`, on every engine and device.

    Args: as those of `LSTM`, without the activations, biases' switch and dropouts.

    >>> CuDNNLSTM(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    def __init__(self, units: int, *args: Any, **kwargs: Any):
        names = (*_INITIALIZERS, "unit_forget_bias", *_OTHERS)
        super().__init__(units, **(_FIXED | by_name("CuDNNLSTM", names, args, kwargs)))
