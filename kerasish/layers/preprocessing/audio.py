"""Sounds as pictures of their frequencies over time."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from kerasish import config, initializers, ops
from kerasish.graph import dtypes
from kerasish.graph.shapes import Dim
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import data_format as checked_format
from kerasish.layers.checks import one_of, positive
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.preprocessing.base import DataLayer


class MelSpectrogram(DataLayer):
    """How strong the pitches of a sound are over time, on the scale on which people hear them.

    Source: Davis and Mermelstein, 1980, https://doi.org/10.1109/TASSP.1980.1163420

    Args:
        fft_length: the size of the Fourier transforms.
        sequence_stride: the distance of the pieces that are transformed.
        sequence_length: the length of the pieces; fft_length if None.
        window: the weights within a piece: "hann", "hamming", an array, or None.
        sampling_rate: samples per second.
        num_mel_bins: the number of pitches.
        min_freq: the lowest frequency that counts.
        max_freq: the highest; half of sampling_rate if None.
        power_to_db: whether to give decibels.
        top_db: how far below the loudest decibels go.
        mag_exp: the power of the magnitudes: 1 for amplitudes, 2 for energies.
        min_power: the least power that counts.
        ref_power: the power of 0 decibels.

    Shapes:
        (batch, samples) -> (batch, num_mel_bins, pieces); (samples,) likewise

    >>> MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=8)(np.ones((2, 320))).shape
    (2, 8, 11)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.fft_length = positive(fft_length, "MelSpectrogram: fft_length")
        self.sequence_stride = positive(sequence_stride, "MelSpectrogram: sequence_stride")
        self.sequence_length = sequence_length or fft_length
        if self.sequence_length > fft_length:
            raise ValueError(
                f"MelSpectrogram: sequence_length, {sequence_length}, must not be above "
                f"fft_length, {fft_length}."
            )
        self.window = window
        self.sampling_rate = sampling_rate
        self.num_mel_bins = positive(num_mel_bins, "MelSpectrogram: num_mel_bins")
        self.min_freq = min_freq
        self.max_freq = max_freq or int(sampling_rate / 2)
        self.power_to_db = power_to_db
        self.top_db = top_db
        self.mag_exp = mag_exp
        self.min_power = min_power
        self.ref_power = ref_power
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The strengths."""
        wide = self.compute_dtype in ("float32", "float64")
        x = ops.cast(inputs, self.compute_dtype if wide else "float32")
        real, imaginary = ops.stft(
            x, self.sequence_length, self.sequence_stride, self.fft_length, self.window
        )
        power = ops.square(real) + ops.square(imaginary)
        if self.mag_exp != 2.0:
            power = ops.power(ops.sqrt(power), self.mag_exp)
        matrix = self.linear_to_mel_weight_matrix(
            self.num_mel_bins,
            self.fft_length // 2 + 1,
            self.sampling_rate,
            self.min_freq,
            self.max_freq,
        )
        mel = ops.matmul(power, ops.cast(matrix, x.dtype))
        if self.power_to_db:
            mel = self._decibels(mel)
        return ops.cast(ops.swapaxes(mel, -1, -2), self.compute_dtype)

    def _decibels(self, power: Tensor) -> Tensor:
        reference = 10 * math.log10(max(abs(self.ref_power), self.min_power))
        decibels = 10 * ops.log10(ops.maximum(power, self.min_power)) - reference
        return ops.maximum(decibels, ops.max(decibels) - self.top_db)

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: int = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: str = "float32",
    ) -> np.ndarray:
        """How much of each frequency counts for each pitch: triangles around the pitches.

        Returns:
            (num_spectrogram_bins, num_mel_bins)
        """
        edges = np.linspace(_mel(lower_edge_hertz), _mel(upper_edge_hertz), num_mel_bins + 2)
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        pitches = _mel(np.linspace(0, sampling_rate / 2, num_spectrogram_bins))[:, None]
        rising, falling = (pitches - low) / (middle - low), (high - pitches) / (high - middle)
        weights = np.maximum(0, np.minimum(rising, falling))
        weights[0] = 0  # the constant part of a sound has no pitch
        return weights.astype(dtype)


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log1p(np.asarray(hertz, "float64") / 700.0)


_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class STFTSpectrogram(DataLayer):
    """The strength of frequencies over time, by a convolution whose kernel can be trained.

    Source: Allen and Rabiner, 1977, https://doi.org/10.1109/PROC.1977.10770

    Args:
        mode: what to give of the transforms: "log" of their magnitudes, "magnitude", "psd" (the
            power), "real", "imag", "angle", or "stft" (real and imaginary parts side by side).
        frame_length: the length of the pieces that are transformed.
        frame_step: their distance; half of their length if None.
        fft_length: the size of the transforms; the next power of 2 if None.
        window: the weights within a piece: a name, an array, or None.
        periodic: whether the window is periodic rather than symmetric.
        scaling: "density", "spectrum" or None, as of `initializers.STFT`.
        padding: "valid" (none) or "same" (zeros, so that there is a piece at each step).
        expand_dims: whether channels stay an axis of their own.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Shapes:
        (batch, samples, channels) -> (batch, pieces, frequencies * channels), or with
        expand_dims (batch, pieces, frequencies, channels)

    >>> STFTSpectrogram(frame_length=16, frame_step=8)(np.ones((2, 64, 1))).shape
    (2, 7, 9)
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.mode = one_of(mode, _MODES, "STFTSpectrogram: mode")
        self.frame_length = positive(frame_length, "STFTSpectrogram: frame_length")
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ValueError(
                f"STFTSpectrogram: frame_step must be from 1 to frame_length, {frame_length}, but "
                f"got {frame_step}."
            )
        if fft_length is not None and fft_length < frame_length:
            raise ValueError(
                f"STFTSpectrogram: fft_length, {fft_length}, must not be below frame_length, "
                f"{frame_length}."
            )
        if fft_length is not None and fft_length & -fft_length != fft_length:
            warnings.warn(
                f"STFTSpectrogram: fft_length {fft_length} is no power of 2.", stacklevel=2
            )
        if scaling is not None:
            one_of(scaling, ("density", "spectrum"), "STFTSpectrogram: scaling")
        self.frame_step, self.fft_length = frame_step, fft_length
        self.window, self.periodic, self.scaling = window, periodic, scaling
        self.padding = one_of(padding, ("valid", "same"), "STFTSpectrogram: padding")
        self.expand_dims = expand_dims
        self.data_format = checked_format(data_format, "STFTSpectrogram")
        self.input_spec = InputSpec(ndim=3)

    @property
    def _size(self) -> int:
        return self.fft_length or 2 ** math.ceil(math.log2(self.frame_length))

    def build(self, input_shape: Any) -> None:
        """Makes the kernels."""
        shape = (self.frame_length, 1, self._size // 2 + 1)
        for side, without in (("real", "imag"), ("imag", "real")):
            if self.mode != without:
                start = initializers.STFT(side, self.window, self.scaling, self.periodic)
                kernel = self.add_weight(name=f"{side}_kernel", shape=shape, initializer=start)
                setattr(self, f"{side}_kernel", kernel)

    def call(self, inputs: Tensor) -> Tensor:
        """The transforms, in the form of `mode`."""
        if not dtypes.is_float(inputs.dtype):
            raise TypeError(f"Layer {self.name} takes floats, but got {inputs.dtype}.")
        x = inputs if self.data_format == "channels_last" else ops.swapaxes(inputs, 1, 2)
        if x.shape[2] is None:
            raise ValueError(
                f"Layer {self.name}: the number of channels must be known, but the inputs have "
                f"shape {format_shape(inputs.shape)}."
            )
        return self._arranged(self._of_mode(x))

    def _of_mode(self, x: Tensor) -> Tensor:
        """(batch, channels, pieces, frequencies)"""
        if self.mode == "real":
            return self._transformed(x, self.real_kernel)
        imaginary = self._transformed(x, self.imag_kernel)
        if self.mode == "imag":
            return imaginary
        real = self._transformed(x, self.real_kernel)
        if self.mode == "angle":
            return ops.arctan2(imaginary, real)
        if self.mode == "stft":
            return ops.concatenate([real, imaginary], axis=-1)
        power = ops.square(real) + ops.square(imaginary)
        if self.mode == "psd":
            # All frequencies but the first and the last stand for their mirror images too.
            inner = ops.pad(power[..., 1:-1], [(0, 0)] * 3 + [(1, 1)])
            return power + inner
        magnitude = ops.sqrt(ops.maximum(power, config.epsilon()))
        if self.mode == "magnitude":
            return magnitude
        return ops.log(ops.maximum(magnitude, config.epsilon()))

    def _transformed(self, x: Tensor, kernel: Any) -> Tensor:
        channels = x.shape[2]
        single = ops.reshape(ops.swapaxes(x, 1, 2), (-1, Dim.of(x, 1), 1))
        step = self.frame_step or self.frame_length // 2
        y = ops.conv(
            single,
            ops.cast(kernel, x.dtype),
            strides=step,
            padding=self.padding,
            data_format="channels_last",
        )
        return ops.reshape(y, (-1, channels, Dim.of(y, 1), y.shape[2]))

    def _arranged(self, y: Tensor) -> Tensor:
        last = self.data_format == "channels_last"
        if self.expand_dims:
            return ops.transpose(y, (0, 2, 3, 1)) if last else y
        sizes: Any = y.shape
        channels, frequencies = sizes[1], sizes[3]
        y = ops.reshape(ops.swapaxes(y, 2, 3), (-1, channels * frequencies, Dim.of(y, 2)))
        return ops.swapaxes(y, 1, 2) if last else y
