"""How Keras 1, Theano and CuDNN lay out the weights of some layers, and how those become ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasish.graph.variable import Variable
from kerasish.layers.conv_lstm import ConvLSTMCell
from kerasish.saving.origins import THEANO

Arrays = list[np.ndarray]
Conversion = Callable[[Any, Arrays], Arrays]


class Source(NamedTuple):
    """Where a file is from: the version of Keras and the backend, as far as it says."""

    version: str | None
    backend: str | None

    @property
    def is_keras1(self) -> bool:
        """Also for files that don't say: Keras 1 did not, in files of weights."""
        return self.version is None or self.version.startswith("1")


class Share(NamedTuple):
    """The weights of one layer among those of a file.

    layer: that owns the variables.
    variables: in the order of the file.
    size: how many arrays the file has for them.
    convert: makes the values of the variables of the arrays; None if they are equal.
    """

    layer: Any
    variables: list[Variable]
    size: int
    convert: Conversion | None


def shares(layer: Any, variables: Sequence[Variable], shapes: list[Any], source: Source) -> Any:
    """The weights of a layer, or of those within it, in the order of the file.

    Args:
        layer: with the variables, itself or in layers within.
        variables: in the order of Keras 2.
        shapes: of the arrays in the file.
        source: of the file.

    Returns:
        list of Share: their counts may come to another number than there are arrays.
    """
    found, at = [], 0
    for owner, own in _by_owner(layer, variables):
        count = _count(owner, own, source)
        conversion = _conversion(owner, own, shapes[at : at + count], source)
        found.append(Share(owner, own, count, conversion))
        at += count
    return found


def _by_owner(layer: Any, variables: Sequence[Variable]) -> list[tuple[Any, list[Variable]]]:
    owners = {id(v): inner for inner in layer._flatten_layers() for v in inner._own_variables()}
    found: list[tuple[Any, list[Variable]]] = []
    for variable in variables:
        owner = owners.get(id(variable), layer)
        if not found or found[-1][0] is not owner:
            found.append((owner, []))
        found[-1][1].append(variable)
    return found


def _kind(owner: Any) -> str:
    """The class of a layer: cells count as the layers that they are the insides of."""
    kind = type(owner).__name__.removesuffix("Cell").removeprefix("CuDNN")
    return "ConvLSTM" if isinstance(owner, ConvLSTMCell) else kind


# --- which conversion --------------------------------------------------------------------

# Keras 1 has the gates apart: kernel, recurrent kernel and bias of each, in this order.
_GATES = {"LSTM": (0, 2, 1, 3), "ConvLSTM": (0, 2, 1, 3), "GRU": (0, 1, 2)}


def _count(owner: Any, variables: list[Variable], source: Source) -> int:
    apart = source.is_keras1 and _kind(owner) in _GATES and len(variables) == 3
    return 3 * len(_GATES[_kind(owner)]) if apart else len(variables)


def _conversion(
    owner: Any, variables: list[Variable], shapes: list[Any], source: Source
) -> Conversion | None:
    kind = _kind(owner)
    steps: list[Conversion] = []
    if source.is_keras1 and len(shapes) != len(variables) and kind in _GATES:
        steps.append(_joined)
    if source.is_keras1 and kind in _KERAS1_AXES:
        steps.append(_turned)
    if source.backend == THEANO and kind in CONVOLUTIONS:
        steps.append(flipped)
    if kind in _CUDNN and len(shapes) == 3 and len(shapes[1]) == 2:
        units, gates = shapes[1][0], _CUDNN[kind]
        if tuple(shapes[2]) == (2 * gates * units,):
            steps.append(_from_cudnn)
    if not steps:
        return None

    def convert(owner: Any, arrays: Arrays) -> Arrays:
        for step in steps:
            arrays = step(owner, arrays)
        return [np.ascontiguousarray(array) for array in arrays]

    return convert


# --- Keras 1 -----------------------------------------------------------------------------


def _joined(owner: Any, arrays: Arrays) -> Arrays:
    order = _GATES[_kind(owner)]
    axis = 0 if _keras1_axes(owner) else -1  # of filters
    return [
        np.concatenate([arrays[3 * gate + i] for gate in order], axis=axis if i < 2 else -1)
        for i in range(3)
    ]


# (channels last, channels first) -> axes of the kernel in the order of ours; None: as they are.
_KERAS1_AXES: dict[str, tuple[tuple[int, ...] | None, tuple[int, ...] | None]] = {
    "Conv1D": ((0, 1, 2, 3), (0, 1, 2, 3)),
    "Conv2D": (None, (2, 3, 1, 0)),
    "Conv3D": (None, (2, 3, 4, 1, 0)),
    "Conv2DTranspose": ((0, 1, 3, 2), (2, 3, 0, 1)),
    "ConvLSTM": (None, (2, 3, 1, 0)),
}


def _keras1_axes(owner: Any) -> tuple[int, ...] | None:
    first = getattr(owner, "data_format", None) == "channels_first"
    return _KERAS1_AXES.get(_kind(owner), (None, None))[first]


def _turned(owner: Any, arrays: Arrays) -> Arrays:
    """Kernels with the axes in our order."""
    axes = _keras1_axes(owner)
    if axes is None:
        return arrays
    found = [a.transpose(axes) if a.ndim == len(axes) else a for a in arrays]
    if _kind(owner) == "Conv1D" and found[0].ndim == 4:
        kernel = found[0]
        if kernel.shape[1] != 1:  # Keras 1.1: filters, channels, length, 1
            kernel = kernel.transpose(2, 3, 1, 0)
        found[0] = kernel[:, 0]
    return found


# --- Theano ------------------------------------------------------------------------------

CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose", "ConvLSTM")


def is_turned_on_theano(owner: Any) -> bool:
    """Whether a layer has kernels that Theano runs through backwards."""
    return _kind(owner) in CONVOLUTIONS and max(owner.kernel_size) > 1


def flipped(owner: Any, arrays: Arrays) -> Arrays:
    """Theano's convolution runs through its kernel backwards."""
    return [np.flip(a, tuple(range(a.ndim - 2))) if a.ndim > 2 else a for a in arrays]


# --- CuDNN -------------------------------------------------------------------------------
# It multiplies from the other side: each gate's kernel is the transpose of ours. The files keep
# the shape of ours for kernels of inputs, with the numbers in CuDNN's order. There are two biases,
# one beside each kernel.

_CUDNN = {"LSTM": 4, "GRU": 3}


def _from_cudnn(owner: Any, arrays: Arrays) -> Arrays:
    kernel, recurrent, bias = arrays
    gates = _CUDNN[_kind(owner)]
    kernels = [k.ravel().reshape(k.shape[::-1]).T for k in np.split(kernel, gates, axis=1)]
    recurrents = [k.T for k in np.split(recurrent, gates, axis=1)]
    pair = bias.reshape(2, -1)
    together = pair.sum(axis=0) if _kind(owner) == "LSTM" else pair
    return [np.concatenate(kernels, axis=1), np.concatenate(recurrents, axis=1), together]
