"""Matrices taken apart, systems of equations, Fourier transforms, error functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.engines.tensorflow.library import tf


def widened(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with 16 bit floats computed in 32, which the kernels need."""

    def wrapped(*inputs: Any, **attrs: Any) -> Any:
        dtype = inputs[0].dtype
        if dtype.size > 2:
            return function(*inputs, **attrs)
        results = function(*(tf.cast(x, tf.float32) for x in inputs), **attrs)
        if not isinstance(results, tuple):
            return tf.cast(results, dtype)
        return tuple(tf.cast(r, dtype) if r.dtype.is_floating else r for r in results)

    return wrapped


@tf.custom_gradient
def _lu(x: Any) -> Any:
    """TensorFlow has no gradient of it; this one is that of `ops.decompositions`."""
    factors, order = tf.linalg.lu(x)

    def gradient(g: Any, _: Any) -> Any:
        n = x.shape[-1]
        upper = tf.linalg.band_part(factors, 0, -1)
        lower = factors - upper + tf.eye(n, dtype=x.dtype)
        mixed = tf.linalg.band_part(g, 0, -1)
        inner = _strictly_lower(tf.matmul(lower, _strictly_lower(g), transpose_a=True))
        inner += tf.linalg.band_part(tf.matmul(mixed, upper, transpose_b=True), 0, -1)
        left = tf.linalg.triangular_solve(lower, inner, adjoint=True)
        right = tf.linalg.triangular_solve(upper, tf.linalg.matrix_transpose(left), lower=False)
        moves = tf.one_hot(order, n, dtype=x.dtype)
        return tf.matmul(moves, right, transpose_a=True, transpose_b=True)

    return (factors, order), gradient


def _strictly_lower(x: Any) -> Any:
    return x - tf.linalg.band_part(x, 0, -1)


def _qr(x: Any, *, complete: bool) -> Any:
    return tuple(tf.linalg.qr(x, full_matrices=complete))


def _svd(x: Any, *, full_matrices: bool) -> Any:
    s, u, v = tf.linalg.svd(x, full_matrices=full_matrices)
    return u, s, tf.linalg.matrix_transpose(v)


def _eigh(x: Any) -> Any:
    return tuple(tf.linalg.eigh(x))


def _eig(x: Any) -> Any:
    values, vectors = tf.linalg.eig(x)
    return tuple(part(y) for y in (values, vectors) for part in (tf.math.real, tf.math.imag))


def _triangular_solve(a: Any, b: Any, *, lower: bool) -> Any:
    return tf.linalg.triangular_solve(a, b, lower=lower)


def _slogdet(x: Any) -> Any:
    return tuple(tf.linalg.slogdet(x))


def _parts(x: Any) -> Any:
    return tf.math.real(x), tf.math.imag(x)


def _fft(real: Any, imaginary: Any, *, inverse: bool) -> Any:
    return _parts((tf.signal.ifft if inverse else tf.signal.fft)(tf.complex(real, imaginary)))


def _rfft(x: Any) -> Any:
    return _parts(tf.signal.rfft(x))


def _irfft(real: Any, imaginary: Any, *, size: int) -> Any:
    return tf.signal.irfft(tf.complex(real, imaginary), [size])


TABLE: dict[str, Callable[..., Any]] = {
    name: widened(function)
    for name, function in {
        "cholesky": tf.linalg.cholesky,
        "lu": _lu,
        "qr": _qr,
        "svd": _svd,
        "eigh": _eigh,
        "eig": _eig,
        "solve": tf.linalg.solve,
        "triangular_solve": _triangular_solve,
        "inv": tf.linalg.inv,
        "det": tf.linalg.det,
        "slogdet": _slogdet,
        "erfc": tf.math.erfc,
        "erfinv": tf.math.erfinv,
        "fft": _fft,
        "rfft": _rfft,
        "irfft": _irfft,
    }.items()
}
