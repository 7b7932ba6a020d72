"""Cases of kerasish.ops.fft, against NumPy's transforms."""

import numpy as np
from cases.case import Case, integers, normal

from kerasish import ops

HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(6) / 6)


def parts(x):
    return x.real, x.imag


def transform(function, *how):
    return lambda re, im: parts(function(re + 1j * im, *how))


def pieces(x, length, stride):
    starts = range(0, x.shape[-1] - length + 1, stride)
    return np.stack([x[..., i : i + length] for i in starts], -2)


def stft(x, length, stride, size, window, center):
    x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(size // 2,) * 2], "reflect") if center else x
    weights = np.zeros(size)
    weights[(size - len(window)) // 2 :][: len(window)] = window
    return parts(np.fft.rfft(pieces(x, size, stride) * weights))


CASES = [
    *(
        Case(
            f"fft of {n}",
            lambda re, im: ops.fft((re, im)),
            (normal(3, n), normal(3, n)),
            transform(np.fft.fft),
            batch=(0, 1),
        )
        for n in (1, 4, 5)
    ),
    *(
        Case(
            name,
            lambda re, im, name=name: getattr(ops, name)((re, im)),
            (normal(2, 3, 4), normal(2, 3, 4)),
            transform(getattr(np.fft, name)),
            batch=(0, 1),
        )
        for name in ("fft2", "ifft2")
    ),
    *(
        Case(
            f"rfft of {n} from {length}",
            lambda x, length=length: ops.rfft(x, length),
            (normal(2, n),),
            lambda x, length=length: parts(np.fft.rfft(x, length)),
        )
        for n, length in ((5, None), (6, None), (5, 8), (6, 3))
    ),
    Case(
        "fft of complex numbers",
        lambda re, im: ops.fft(ops.view_as_complex(ops.stack([re, im], -1))),
        (normal(2, 5), normal(2, 5)),
        lambda re, im: parts(np.fft.fft(re + 1j * im)),
    ),
    Case("rfft of ints", ops.rfft, (integers(0, 9, 2, 5),), lambda x: parts(np.fft.rfft(x))),
    *(
        Case(
            f"irfft of {n} to {length}",
            lambda re, im, length=length: ops.irfft((re, im), length),
            (normal(2, n), normal(2, n)),
            lambda re, im, length=length: np.fft.irfft(re + 1j * im, length),
            batch=(0, 1),
        )
        for n, length in ((4, None), (4, 7), (3, 8), (5, 4))
    ),
    Case(
        "extract_sequences",
        lambda x: ops.extract_sequences(x, 4, 3),
        (normal(2, 12),),
        lambda x: pieces(x, 4, 3),
    ),
    *(
        Case(
            f"stft {what}",
            lambda x, window=window, center=center: ops.stft(x, 6, 4, 8, window, center),
            (normal(2, 21),),
            lambda x, weights=weights, center=center: stft(x, 6, 4, 8, weights, center),
        )
        for what, window, weights, center in (
            ("around points", "hann", HANN, True),
            ("of plain pieces", None, np.ones(8), False),
            ("by weights", np.arange(6.0), np.arange(6.0), False),
        )
    ),
    Case(
        "stft of one signal",
        lambda x: ops.stft(x, 5, 2, 5, "hamming"),
        (normal(12),),
        lambda x: stft(x, 5, 2, 5, 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(5) / 5), True),
        batch=(),
    ),
    Case(
        "stft of lone elements",
        lambda x: ops.stft(x, 1, 2, 1, "hann", center=False),
        (normal(5),),
        lambda x: (x[::2, None], 0 * x[::2, None]),
        batch=(),
    ),
    Case(
        "istft",
        lambda x: ops.istft(ops.stft(x, 6, 2, 8), 6, 2, 8, length=20),
        (normal(2, 20),),
        lambda x: x,
    ),
    Case(
        "istft of plain pieces",
        lambda x: ops.istft(ops.stft(x, 8, 4, 8, None, False), 8, 4, 8, None, None, False),
        (normal(2, 20),),
        lambda x: x,
    ),
]
