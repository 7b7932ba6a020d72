"""The table of layers: each with arguments and the shape of an input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# layer, arguments, shape(s) of the input(s)
CASES = [
    ("Dense", {"units": 3, "activation": "relu"}, (2, 5)),
    ("Dense", {"units": 3, "use_bias": False, "activation": "softmax"}, (2, 4, 5)),
    ("Activation", {"activation": "tanh"}, (2, 5)),
    ("ReLU", {"max_value": 0.5, "negative_slope": 0.1, "threshold": 0.1}, (2, 5)),
    ("LeakyReLU", {}, (2, 5)),
    ("LeakyReLU", {"negative_slope": 0.1}, (2, 5)),
    ("ELU", {"alpha": 0.5}, (2, 5)),
    ("PReLU", {}, (2, 3, 5)),
    ("PReLU", {"shared_axes": [1]}, (2, 3, 5)),
    ("Softmax", {}, (2, 5)),
    ("Softmax", {"axis": [1, 2]}, (2, 3, 5)),
    ("Flatten", {}, (2, 3, 4)),
    ("Flatten", {"data_format": "channels_first"}, (2, 3, 4, 5)),
    ("Flatten", {}, (4,)),
    ("Reshape", {"target_shape": (2, -1)}, (2, 3, 4)),
    ("Permute", {"dims": (3, 1, 2)}, (2, 3, 4, 5)),
    ("RepeatVector", {"n": 3}, (2, 4)),
    ("ZeroPadding1D", {"padding": (1, 2)}, (2, 3, 4)),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3))}, (2, 3, 4, 2)),
    ("ZeroPadding2D", {"padding": 1, "data_format": "channels_first"}, (2, 3, 4, 2)),
    ("ZeroPadding3D", {"padding": (1, 2, 0)}, (1, 2, 3, 4, 2)),
    ("Cropping1D", {}, (2, 5, 4)),
    ("Cropping2D", {"cropping": ((1, 0), (2, 1))}, (2, 5, 6, 2)),
    ("Cropping3D", {}, (1, 4, 4, 3, 2)),
    ("UpSampling1D", {"size": 3}, (2, 3, 4)),
    ("UpSampling2D", {"size": (2, 3)}, (2, 3, 4, 2)),
    ("UpSampling2D", {"data_format": "channels_first"}, (2, 3, 4, 2)),
    ("UpSampling2D", {"interpolation": "bilinear"}, (2, 3, 4, 2)),
    ("UpSampling2D", {"size": (3, 2), "interpolation": "lanczos3"}, (2, 3, 4, 2)),
    ("UpSampling3D", {}, (1, 2, 3, 2, 2)),
    ("Conv1D", {"filters": 3, "kernel_size": 2, "strides": 2}, (2, 7, 4)),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal"}, (2, 7, 4)),
    ("Conv1D", {"filters": 3, "kernel_size": 2, "dilation_rate": 2}, (2, 7, 4)),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "activation": "relu"}, (2, 6, 5, 2)),
    ("Conv2D", {"filters": 3, "kernel_size": (2, 3), "padding": "same"}, (2, 6, 5, 2)),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, (2, 6, 5, 2)),
    ("Conv2D", {"filters": 4, "kernel_size": 2, "groups": 2, "use_bias": False}, (2, 6, 5, 2)),
    ("Conv3D", {"filters": 2, "kernel_size": 2}, (1, 4, 3, 5, 2)),
    ("DepthwiseConv1D", {"kernel_size": 2, "depth_multiplier": 2}, (2, 7, 3)),
    ("DepthwiseConv2D", {"kernel_size": 2, "depth_multiplier": 2}, (2, 5, 6, 3)),
    ("DepthwiseConv2D", {"kernel_size": 3, "strides": 2, "padding": "same"}, (2, 5, 6, 3)),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 2}, (2, 7, 3)),
    ("SeparableConv2D", {"filters": 4, "kernel_size": 2, "depth_multiplier": 2}, (2, 5, 6, 3)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2}, (2, 5, 4)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 2, "dilation_rate": 2}, (2, 5, 4)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "padding": "same"}, (2, 4, 5, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": (2, 3), "strides": 2}, (2, 4, 5, 2)),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1},
        (2, 4, 5, 2),
    ),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2}, (1, 2, 3, 2, 2)),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, (2, 7, 3)),
    ("MaxPooling2D", {}, (2, 7, 6, 3)),
    ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, (2, 7, 6, 3)),
    ("MaxPooling3D", {}, (1, 4, 4, 4, 2)),
    ("AveragePooling1D", {"pool_size": 2}, (2, 7, 3)),
    ("AveragePooling2D", {"pool_size": 2}, (2, 7, 6, 3)),
    ("AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, (2, 7, 6, 3)),
    ("AveragePooling3D", {"pool_size": 2}, (1, 4, 4, 4, 2)),
    ("GlobalMaxPooling1D", {}, (2, 7, 3)),
    ("GlobalMaxPooling2D", {"keepdims": True}, (2, 4, 5, 3)),
    ("GlobalMaxPooling3D", {}, (2, 2, 3, 2, 3)),
    ("GlobalAveragePooling1D", {}, (2, 7, 3)),
    ("GlobalAveragePooling2D", {"data_format": "channels_first"}, (2, 4, 5, 3)),
    ("GlobalAveragePooling3D", {}, (2, 2, 3, 2, 3)),
    ("AdaptiveAveragePooling1D", {"output_size": 3}, (2, 7, 3)),
    ("AdaptiveAveragePooling2D", {"output_size": (2, 3)}, (2, 7, 6, 3)),
    ("AdaptiveAveragePooling3D", {"output_size": 2}, (2, 3, 4, 5, 2)),
    ("AdaptiveMaxPooling1D", {"output_size": 3}, (2, 7, 3)),
    ("AdaptiveMaxPooling2D", {"output_size": (2, 3)}, (2, 7, 6, 3)),
    ("AdaptiveMaxPooling3D", {"output_size": 2}, (2, 3, 4, 5, 2)),
    ("BatchNormalization", {}, (4, 5)),
    ("BatchNormalization", {"axis": 1, "scale": False}, (2, 3, 4, 5)),
    ("BatchNormalization", {"center": False, "epsilon": 0.1}, (2, 3, 4, 5)),
    ("LayerNormalization", {}, (2, 3, 5)),
    ("LayerNormalization", {"axis": [1, 2], "center": False}, (2, 3, 5)),
    ("GroupNormalization", {"groups": 2}, (2, 3, 4)),
    ("GroupNormalization", {"groups": -1, "axis": 1}, (2, 3, 4)),
    ("RMSNormalization", {}, (2, 3, 4)),
    ("RMSNormalization", {"axis": [1, 2], "epsilon": 0.1}, (2, 3, 4)),
    ("UnitNormalization", {"axis": 1}, (2, 3, 4)),
    ("Add", {}, [(2, 3), (2, 3), (2, 3)]),
    ("Add", {}, [(2, 3), (2, 5, 3)]),
    ("Subtract", {}, [(2, 3), (2, 3)]),
    ("Multiply", {}, [(2, 3, 4), (2, 1, 4)]),
    ("Average", {}, [(2, 3), (2, 3), (2, 3)]),
    ("Maximum", {}, [(2, 3), (2, 3)]),
    ("Minimum", {}, [(2, 3), (2, 3)]),
    ("Concatenate", {}, [(2, 3), (2, 4)]),
    ("Concatenate", {"axis": 1}, [(2, 3, 2), (2, 1, 2)]),
    ("Dot", {"axes": 1}, [(2, 3), (2, 3)]),
    ("Dot", {"axes": (2, 1), "normalize": True}, [(2, 5, 3), (2, 3, 4)]),
    ("Dot", {"axes": (1, 2)}, [(2, 3, 5), (2, 4, 3)]),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 4, "bias_axes": "c"}, (2, 3)),
    (
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": (None, 2, 4), "bias_axes": "de"},
        (2, 5, 3),
    ),
    (
        "EinsumDense",
        {"equation": "...x,xy->...y", "output_shape": 4, "activation": "relu"},
        (2, 5, 3),
    ),
    (
        "EinsumDense",
        {"equation": "ab...,bc->ac...", "output_shape": 4, "bias_axes": "c"},
        (2, 5, 3),
    ),
    ("Attention", {}, [(2, 3, 4), (2, 5, 4)]),
    ("Attention", {"use_scale": True, "score_mode": "concat"}, [(2, 3, 4), (2, 5, 4), (2, 5, 4)]),
    ("AdditiveAttention", {}, [(2, 3, 4), (2, 5, 4)]),
    ("AdditiveAttention", {"use_scale": False}, [(2, 3, 4), (2, 5, 4)]),
    ("SimpleRNN", {"units": 3}, (2, 5, 4)),
    ("SimpleRNN", {"units": 3, "go_backwards": True, "return_sequences": True}, (2, 5, 4)),
    ("GRU", {"units": 3}, (2, 5, 4)),
    ("GRU", {"units": 3, "reset_after": False, "return_sequences": True}, (2, 5, 4)),
    ("GRU", {"units": 3, "use_bias": False, "unroll": True}, (2, 5, 4)),
    ("LSTM", {"units": 3}, (2, 5, 4)),
    ("LSTM", {"units": 3, "recurrent_activation": "hard_sigmoid", "unroll": True}, (2, 5, 4)),
    ("LSTM", {"units": 3, "return_sequences": True, "go_backwards": True}, (2, 5, 4)),
    ("ConvLSTM1D", {"filters": 2, "kernel_size": 2, "strides": 2}, (2, 3, 5, 3)),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": 2, "padding": "same"}, (2, 3, 4, 3, 2)),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": 2, "return_sequences": True}, (2, 3, 4, 3, 2)),
    ("ConvLSTM3D", {"filters": 2, "kernel_size": 2}, (1, 2, 3, 3, 2, 2)),
    ("Identity", {}, (2, 3)),
    ("Masking", {}, (2, 3, 4)),
    ("Dropout", {"rate": 0.5}, (2, 3)),
    ("SpatialDropout1D", {"rate": 0.5}, (2, 4, 3)),
    ("GaussianNoise", {"stddev": 0.5}, (2, 3)),
    ("GaussianDropout", {"rate": 0.5}, (2, 3)),
    ("AlphaDropout", {"rate": 0.5}, (2, 3)),
]


# What the table above can't say: layers of layers and of cells, several arguments, integers.
# layer, how it is made (of the module of layers), shape(s) of the input(s), options of Case
MORE = [
    ("ActivityRegularization", lambda L: L.ActivityRegularization(l1=0.1, l2=0.2), (2, 3), {}),
    ("Lambda", lambda L: L.Lambda(halved), (2, 3), {}),
    ("ThresholdedReLU", lambda L: L.ThresholdedReLU(theta=0.3), (2, 5), {}),
    ("SpatialDropout2D", lambda L: L.SpatialDropout2D(0.5), (2, 3, 4, 2), {}),
    ("SpatialDropout3D", lambda L: L.SpatialDropout3D(0.5), (2, 3, 2, 3, 2), {}),
    ("Embedding", lambda L: L.Embedding(4, 3, mask_zero=True), (3, 5), {"below": 4}),
    ("ReversibleEmbedding", lambda L: L.ReversibleEmbedding(4, 3), (3, 5), {"below": 4}),
    ("LocallyConnected1D", lambda L: L.LocallyConnected1D(3, 2), (2, 5, 3), {}),
    ("LocallyConnected2D", lambda L: L.LocallyConnected2D(3, (2, 1), strides=2), (2, 4, 3, 2), {}),
    ("CuDNNGRU", lambda L: L.CuDNNGRU(3), (2, 5, 4), {}),
    ("CuDNNLSTM", lambda L: L.CuDNNLSTM(3, return_state=True), (2, 5, 4), {}),
    ("RNN", lambda L: L.RNN(L.SimpleRNNCell(3)), (2, 5, 4), {}),
    ("RNN", lambda L: L.RNN([L.GRUCell(3), L.LSTMCell(2)], return_state=True), (2, 5, 4), {}),
    (
        "ConvRNN2D",
        lambda L: L.ConvRNN2D(L.ConvLSTM2DCell(2, 2), return_state=True),
        (2, 3, 4, 3, 2),
        {},
    ),
    ("LSTM", lambda L: L.LSTM(3, return_sequences=True, return_state=True), (2, 5, 4), {}),
    ("GRU", lambda L: L.GRU(3, dropout=0.5, recurrent_dropout=0.5), (2, 5, 4), {"drops": True}),
    ("TimeDistributed", lambda L: L.TimeDistributed(L.Conv1D(2, 2)), (2, 3, 4, 2), {}),
    ("Bidirectional", lambda L: L.Bidirectional(L.GRU(3)), (2, 5, 4), {}),
    (
        "Bidirectional",
        lambda L: L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode=None),
        (2, 5, 4),
        {},
    ),
    ("SpectralNormalization", lambda L: L.SpectralNormalization(L.Dense(3)), (2, 4), {}),
    (
        "MultiHeadAttention",
        lambda L: L.MultiHeadAttention(2, 3, value_dim=2, output_shape=5),
        [(2, 4, 6), (2, 5, 6)],
        {"spread": True},
    ),
    (
        "GroupedQueryAttention",
        lambda L: L.GroupQueryAttention(3, 4, 2, use_gate=True),
        [(2, 4, 6), (2, 5, 6)],
        {"spread": True},
    ),
]

# Layers that no case makes, and why.
APART = {
    "InputLayer": "is no layer that is called",
    "Wrapper": "is a base class",
    "FlaxLayer": "is an error",
    "JaxLayer": "is an error",
    "TFSMLayer": "needs a file: test_foreign.py",
    "TorchModuleWrapper": "is an error",
    "ConvLSTM2DCell": "ConvRNN2D calls it",
    "GRUCell": "RNN calls it",
    "LSTMCell": "RNN calls it",
    "SimpleRNNCell": "RNN calls it",
    "StackedRNNCells": "RNN makes it of a list",
}


def halved(x):
    return x * 0.5


@dataclass(frozen=True)
class Case:
    """A layer to try.

    Attributes:
        name: of its class.
        make: takes the module of layers and what all layers take, returns the layer.
        shape: of its input, or a list of shapes.
        below: inputs are integers below this, or floats if 0.
        spread: whether the inputs are the arguments `query` and `value`, and not a list.
        drops: whether a step of training is up to chance.
    """

    name: str
    make: Callable[..., Any]
    shape: Any
    below: int = 0
    spread: bool = False
    drops: bool = False

    @property
    def shapes(self):
        return self.shape if isinstance(self.shape, list) else [self.shape]

    def inputs(self, seed=0):
        """Arrays, one per input."""
        if self.below:
            rng = np.random.default_rng(seed)
            return [rng.integers(0, self.below, size=s).astype("int32") for s in self.shapes]
        return [data(s, seed + i) for i, s in enumerate(self.shapes)]

    def call(self, layer, inputs):
        """What the layer returns for a list of inputs."""
        if self.spread:
            return layer(inputs[0], value=inputs[1])
        return layer(list(inputs) if isinstance(self.shape, list) else inputs[0])


def of_table(name, arguments, shape):
    return Case(name, lambda L: getattr(L, name)(**arguments), shape)


EVERY = [of_table(*case) for case in CASES]
EVERY += [Case(name, make, shape, **options) for name, make, shape, options in MORE]


def data(shape, seed=0):
    """Normally distributed inputs of a shape, or of each in a list."""
    rng = np.random.default_rng(seed)
    if isinstance(shape, list):
        return [data(s, i) for i, s in enumerate(shape)]
    return rng.normal(size=shape).astype("float32")
