"""Matrices taken apart, systems of equations, Fourier transforms: their definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray


def lu(x: Array) -> tuple[Array, Array]:
    """By rows, the largest element of the column first (partial pivoting)."""
    n = x.shape[-1]
    factors = x.reshape(int(np.prod(x.shape[:-2])), n, n).copy()
    order = np.tile(np.arange(n), (len(factors), 1))
    each = np.arange(len(factors))
    for i in range(n):
        largest = i + np.abs(factors[:, i:, i]).argmax(-1)
        for array in (factors, order):
            array[each, i], array[each, largest] = array[each, largest], array[each, i].copy()
        pivot = factors[:, i, i, None]
        column = np.divide(
            factors[:, i + 1 :, i],
            pivot,
            out=np.zeros_like(factors[:, i + 1 :, i]),
            where=pivot != 0,
        )
        factors[:, i + 1 :, i] = column
        factors[:, i + 1 :, i + 1 :] -= column[:, :, None] * factors[:, i, None, i + 1 :]
    return factors.reshape(x.shape), order.reshape(x.shape[:-1])


def eig(x: Array) -> tuple[Array, ...]:
    values, vectors = np.linalg.eig(x)
    return values.real, values.imag, vectors.real, vectors.imag


def fft(real: Array, imaginary: Array, *, inverse: bool) -> tuple[Array, Array]:
    result = (np.fft.ifft if inverse else np.fft.fft)(real + 1j * imaginary)
    return result.real, result.imag


def rfft(x: Array) -> tuple[Array, Array]:
    result = np.fft.rfft(x)
    return result.real, result.imag


TABLE: dict[str, Callable[..., Any]] = {
    "cholesky": np.linalg.cholesky,
    "lu": lu,
    "qr": lambda x, *, complete: tuple(np.linalg.qr(x, "complete" if complete else "reduced")),
    "svd": lambda x, *, full_matrices: tuple(np.linalg.svd(x, full_matrices)),
    "eigh": lambda x: tuple(np.linalg.eigh(x)),
    "eig": eig,
    "solve": np.linalg.solve,
    "fft": fft,
    "rfft": rfft,
    "irfft": lambda real, imaginary, *, size: np.fft.irfft(real + 1j * imaginary, size),
}
