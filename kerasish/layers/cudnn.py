"""CuDNNGRU and CuDNNLSTM: what Keras 2 calls GRU and LSTM as NVIDIA's library computes them."""

from __future__ import annotations

from typing import Any

from kerasish.layers.recurrent_layers import GRU, LSTM

_FIXED = {"activation": "tanh", "recurrent_activation": "sigmoid"}


class CuDNNGRU(GRU):
    """`GRU` with `reset_after=True`, on every engine and device.

    Args: as those of `GRU`, without the activations, biases' switch and dropouts.

    >>> CuDNNGRU(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    def __init__(self, units: int, *args: Any, **kwargs: Any):
        super().__init__(units, **_named(args), **(_FIXED | {"reset_after": True} | kwargs))


class CuDNNLSTM(LSTM):
    """`LSTM`, on every engine and device.

    Args: as those of `LSTM`, without the activations, biases' switch and dropouts.

    >>> CuDNNLSTM(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    def __init__(self, units: int, *args: Any, **kwargs: Any):
        super().__init__(units, **_named(args), **(_FIXED | kwargs))


def _named(args: tuple[Any, ...]) -> dict[str, Any]:
    names = ("kernel_initializer", "recurrent_initializer", "bias_initializer")
    if len(args) > len(names):
        raise TypeError(f"Only units and {names} may be given by position.")
    return dict(zip(names, args, strict=False))
