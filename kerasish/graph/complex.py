"""Complex numbers, which are no dtype of the graph: a pair of float tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish.graph.operators import operations
from kerasish.graph.spec import Shape, format_shape

if TYPE_CHECKING:
    from kerasish.graph.tensor import Tensor


class Complex:
    """An array of complex numbers. It knows arithmetic; other operations take its parts.

    `real, imaginary = z` unpacks it, which is how `ops.fft` and its like take and return them.

    Args:
        real: the real parts, floats.
        imag: the imaginary parts, of the same shape and dtype.

    >>> from kerasish.ops import view_as_complex
    >>> i = view_as_complex(np.float32([0.0, 1.0]))
    >>> np.asarray(i * i)
    array(-1.+0.j, dtype=complex64)
    """

    # NumPy leaves binary operators with an array on the left to this class.
    __array_priority__ = 1001

    def __init__(self, real: Tensor, imag: Tensor):
        self.real = real
        self.imag = imag

    @property
    def shape(self) -> Shape:
        return self.real.shape

    @property
    def ndim(self) -> int:
        return self.real.ndim

    @property
    def dtype(self) -> str:
        """The name of the dtype that the value has in NumPy."""
        return "complex128" if self.real.dtype == "float64" else "complex64"

    def numpy(self) -> Any:
        """The value, as that of a tensor. Raises ValueError if a placeholder stands behind it."""
        array = np.asarray(self)
        return array if array.ndim else array[()]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        value = np.asarray(np.asarray(self.real) + 1j * np.asarray(self.imag), self.dtype)
        return value if dtype is None else value.astype(dtype, copy=bool(copy))

    def __iter__(self) -> Any:
        return iter((self.real, self.imag))

    def __getitem__(self, key: Any) -> Complex:
        return Complex(self.real[key], self.imag[key])

    def conjugate(self) -> Complex:
        """The same real parts, the opposite imaginary parts."""
        return Complex(self.real, -self.imag)

    def __abs__(self) -> Tensor:
        return operations().hypot(self.real, self.imag)

    def __neg__(self) -> Complex:
        return Complex(-self.real, -self.imag)

    def _met(self, other: Any) -> Complex:
        """`other` as complex numbers; one of Python's numbers takes the dtype of these."""
        weak = isinstance(other, (int, float, complex))
        return as_complex(other, self.real.dtype if weak else None)

    def __eq__(self, other: Any) -> Any:
        z = self._met(other)
        return (self.real == z.real) & (self.imag == z.imag)

    def __ne__(self, other: Any) -> Any:
        return ~(self == other)

    __hash__ = object.__hash__

    def __add__(self, other: Any) -> Complex:
        z = self._met(other)
        return Complex(self.real + z.real, self.imag + z.imag)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Complex:
        return self + -self._met(other)

    def __rsub__(self, other: Any) -> Complex:
        return -self + other

    def __mul__(self, other: Any) -> Complex:
        z = self._met(other)
        return Complex(
            self.real * z.real - self.imag * z.imag, self.real * z.imag + self.imag * z.real
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Complex:
        if not is_complex(other):
            return Complex(self.real / other, self.imag / other)
        z, ops = self._met(other), operations()
        # Made small first: its square may lie beyond what the dtype holds.
        scale = ops.stop_gradient(ops.maximum(ops.abs(z.real), ops.abs(z.imag)))
        real, imag = z.real / scale, z.imag / scale
        size = (real * real + imag * imag) * scale
        return self * Complex(real / size, -imag / size)

    def __rtruediv__(self, other: Any) -> Complex:
        return self._met(other) / self

    def __repr__(self) -> str:
        return f"<Complex shape={format_shape(self.shape)} of {self.real!r}, {self.imag!r}>"


def is_complex(x: Any) -> bool:
    """Whether `x` holds complex numbers: a Complex, or a number or array of NumPy or Python."""
    return isinstance(x, (Complex, complex)) or (
        isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "c"
    )


def as_complex(x: Any, dtype: str | None = None) -> Complex:
    """`x` as complex numbers; tensors and real numbers have the imaginary part 0.

    Args:
        x: a Complex, or a real or complex number, array or tensor.
        dtype: of the parts made of numbers and arrays; their own, as floats, if None.
    """
    if isinstance(x, Complex):
        return x
    if is_complex(x):
        own = "float64" if getattr(x, "dtype", None) == np.complex128 else "float32"
        parts = (operations().convert_to_tensor(part, dtype or own) for part in (x.real, x.imag))
        return Complex(*parts)
    real = operations().promotion.as_float(operations().convert_to_tensor(x, dtype))
    return Complex(real, operations().zeros_like(real))
