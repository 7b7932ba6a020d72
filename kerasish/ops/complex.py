"""Complex numbers from tensors and back, and their parts."""

from __future__ import annotations

from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.complex import Complex, as_complex, is_complex
from kerasish.graph.primitive import as_tensor
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.binary import multiply
from kerasish.ops.comparisons import equal
from kerasish.ops.elementwise import cos, sin
from kerasish.ops.filling import ones_like, zeros_like
from kerasish.ops.joining import stack
from kerasish.ops.promotion import as_float, promoted


def view_as_complex(x: Any) -> Complex:
    """Pairs on the last axis, (real part, imaginary part), as complex numbers.

    There are no complex dtypes in the graph, so the result is a `Complex`: two tensors that know
    arithmetic, `ops.real`, `imag`, `abs`, `angle`, `conj` and `view_as_real`. Its `real` and
    `imag` go into any other operation.

    Args:
        x: numbers (..., 2).

    Returns:
        A `Complex` of the shape of x without its last axis; its parts have the dtype of x if that
        is a float, else floatx.

    Raises:
        ValueError: if the last axis does not have size 2.
        TypeError: if x is complex already, or no array of numbers.

    >>> np.asarray(view_as_complex(np.float32([[1, 2], [3, -4]])))
    array([1.+2.j, 3.-4.j], dtype=complex64)
    """
    x = as_float(x)
    if not x.shape or x.shape[-1] not in (2, None):
        raise ValueError(
            "view_as_complex: the last axis must have size 2 (real and imaginary part), but x has "
            f"shape {format_shape(x.shape)}."
        )
    return Complex(x[..., 0], x[..., 1])


def view_as_real(x: Any) -> Tensor:
    """Complex numbers as pairs (real part, imaginary part) on a new last axis.

    Args:
        x: a `Complex` or complex array of shape (...); real numbers have the imaginary part 0.

    Returns:
        Floats (..., 2): of the dtype of the parts if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> view_as_real(np.complex64([1 + 2j, 3 - 4j])).numpy()
    array([[ 1.,  2.],
           [ 3., -4.]], dtype=float32)
    """
    z = as_complex(x)
    return stack([z.real, z.imag], axis=-1)


def polar(abs_: Any, angle: Any) -> Complex:
    """Complex numbers from their distance to 0 and their angle.

    Args:
        abs_: distances.
        angle: angles in radians, which broadcast with the distances.

    Returns:
        A `Complex` of the broadcast shape: abs_ * cos(angle) and abs_ * sin(angle), as real and
        imaginary part, of the promoted dtype if that is a float, else of floatx.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if one of both is complex, or no array of numbers.

    >>> np.round(np.asarray(polar([2.0], [np.pi])), 3)
    array([-2.-0.j], dtype=complex64)
    """
    size, turn = promoted(abs_, angle, to=dtypes.floating)
    return Complex(multiply(size, cos(turn)), multiply(size, sin(turn)))


def real(x: Any) -> Tensor:
    """The real part of complex numbers; numbers that are real as they are.

    Args:
        x: a tensor, or what `view_as_complex` and `polar` return; any shape.

    Returns:
        A tensor of the shape of x: floats of complex numbers, else of the dtype of x.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> real(np.complex64([1 + 2j])).numpy()
    array([1.], dtype=float32)
    """
    return as_complex(x).real if is_complex(x) else as_tensor(x)


def imag(x: Any) -> Tensor:
    """The imaginary part of complex numbers; 0 of real ones.

    Args:
        x: a tensor, or what `view_as_complex` and `polar` return; any shape.

    Returns:
        A tensor of the shape of x: floats of complex numbers, else of the dtype of x.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> imag(np.complex64([1 + 2j])).numpy()
    array([2.], dtype=float32)
    """
    if is_complex(x):
        return as_complex(x).imag
    return zeros_like(x)


def conjugate(x: Any) -> Any:
    """The complex conjugate; real numbers as they are.

    Args:
        x: a tensor, or what `view_as_complex` and `polar` return; any shape.

    Returns:
        A `Complex` of the shape of x; of real numbers a tensor of its shape and dtype.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.asarray(conjugate(np.complex64([1 + 2j])))
    array([1.-2.j], dtype=complex64)
    """
    return as_complex(x).conjugate() if is_complex(x) else as_tensor(x)


conj = conjugate


def isreal(x: Any) -> Tensor:
    """Where x has no imaginary part.

    Args:
        x: a tensor (True everywhere), or complex numbers; any shape.

    Returns:
        A boolean tensor of the shape of x.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> isreal(np.complex64([1 + 2j, 3])).numpy()
    array([False,  True])
    """
    if is_complex(x):
        return equal(as_complex(x).imag, 0)
    return ones_like(x, "bool")
