"""Element by element: functions of one variable, and how dtypes combine.

Inputs broadcast as NumPy's do. dtypes combine by `graph.dtypes.result_type`, in which
Python numbers are weak: `x + 1.0` keeps the dtype of a float x.

The file is long because each of these short functions is documented in full.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.complex import as_complex, is_complex
from kerasish.graph.primitive import Primitive, as_tensor, primitive
from kerasish.graph.shapes import Dim, broadcast_shapes
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Tensor


def promoted(*values: Any, to: Callable[[str], str] | None = None) -> tuple[Tensor, ...]:
    """`values` as tensors of the dtype in which they combine (passed through `to`)."""
    dtype = combined_dtype(*values)
    dtype = to(dtype) if to else dtype
    for value in values:
        check_fits(value, dtype)
    return tuple(cast(as_tensor(v, dtype if _is_weak(v) else None), dtype) for v in values)


def comparable(x1: Any, x2: Any) -> tuple[Tensor, ...]:
    """As `promoted`; a Python int beyond the other's dtype is compared all the same."""
    dtype = combined_dtype(x1, x2)
    if not (is_beyond(x1, dtype) or is_beyond(x2, dtype)):
        return promoted(x1, x2)
    if _is_weak(x1) and _is_weak(x2):
        return joined(x1, x2)
    # All that the dtype holds lies on one side of such a number, as 0 does of 1 or of -1.
    x, y = ((1 if v > 0 else -1) if _is_weak(v) else cast(v, "int32") * 0 for v in (x1, x2))
    return promoted(x, y)


def is_beyond(value: Any, dtype: str) -> bool:
    """Whether it is one of Python's ints, and outside of the range of ints that `dtype` holds."""
    if dtypes.weak_dtype(value) != dtypes.WEAK_INT or not dtypes.is_int(dtype):
        return False
    return not dtypes.lowest(dtype) <= value <= dtypes.highest(dtype)


def check_fits(value: Any, dtype: str) -> None:
    """Raises OverflowError for one of Python's ints that `dtype`, one of ints, does not hold."""
    if is_beyond(value, dtype):
        raise OverflowError(
            f"the number {value} does not fit {dtype}, which holds {dtypes.lowest(dtype)} to "
            f"{dtypes.highest(dtype)}; give what it meets a wider dtype."
        )


def combined_dtype(*values: Any) -> str:
    """The dtype in which `values` combine."""
    return dtypes.result_type(*(_dtype_of(v) for v in values))


def plain(number: Any) -> Any:
    """A hyperparameter that is one of NumPy's scalars as Python's number, which widens nothing."""
    return number.item() if isinstance(number, np.generic) else number


def joined(x1: Any, x2: Any, to: Callable[[str], str] | None = None) -> tuple[Tensor, ...]:
    """As `promoted`, but Python's numbers widen as arrays of int32 or floatx do.

    So it is in those of Keras's operations that make tensors of what they get at once.
    """
    return promoted(as_tensor(x1), as_tensor(x2), to=to)


def _is_weak(value: Any) -> bool:
    return dtypes.weak_dtype(value) is not None


def _dtype_of(value: Any) -> str:
    weak = dtypes.weak_dtype(value)
    if weak is not None:
        return weak
    return "int32" if isinstance(value, Dim) else as_tensor(value).dtype


def sum_to(x: Tensor, like: Tensor) -> Tensor:
    """Undoes broadcasting in a gradient: `x` summed to the shape of `like`."""
    if x.shape == like.shape:
        return x
    extra = x.rank - like.rank
    stretched = [
        i
        for i, size in enumerate(x.shape)
        if i < extra or (like.shape[i - extra] == 1 and size != 1)
    ]
    return x.sum(axis=tuple(stretched)).reshape(like.shape)


def _same(x: Spec) -> Spec:
    return x


def float_rule(x: Spec) -> Spec:
    if not dtypes.is_float(x.dtype):
        raise TypeError(f"expected a float, but got {x.dtype}.")
    return x


def _bool_rule(x: Spec) -> Spec:
    return Spec(x.shape, "bool")


def named(name: str, rule: Callable[..., Spec]) -> Primitive:
    def spec_rule(*specs: Spec) -> Spec:
        return rule(*specs)

    spec_rule.__name__ = name
    return primitive(spec_rule)


negative_p = named("negative", _same)
abs_p = named("abs", _same)
sign_p = named("sign", _same)
square_p = named("square", _same)
floor_p = named("floor", float_rule)
ceil_p = named("ceil", float_rule)
round_p = named("round", float_rule)
exp_p = named("exp", float_rule)
expm1_p = named("expm1", float_rule)
log_p = named("log", float_rule)
log1p_p = named("log1p", float_rule)
sqrt_p = named("sqrt", float_rule)
rsqrt_p = named("rsqrt", float_rule)
sin_p = named("sin", float_rule)
cos_p = named("cos", float_rule)
tanh_p = named("tanh", float_rule)
erf_p = named("erf", float_rule)
sigmoid_p = named("sigmoid", float_rule)
softplus_p = named("softplus", float_rule)
relu_p = named("relu", _same)
isnan_p = named("isnan", _bool_rule)
isfinite_p = named("isfinite", _bool_rule)
logical_not_p = named("logical_not", _bool_rule)
stop_gradient_p = named("stop_gradient", _same)


@primitive
def cast_p(x: Spec, *, dtype: str) -> Spec:
    return Spec(x.shape, dtype)


@primitive
def phase_p(train: Spec, test: Spec) -> Spec:
    """Chosen when a Function specialises; no Program ever holds one."""
    return Spec(broadcast_shapes(train.shape, test.shape), train.dtype)


def as_float(x: Any) -> Tensor:
    """`x` as floats: itself if it holds floats, else in floatx."""
    return promoted(x, to=dtypes.floating)[0]


def wide_floating(dtype: str) -> str:
    """The float in which a few operations compute 64-bit integers: float64, not floatx."""
    return "float64" if dtype == "int64" else dtypes.floating(dtype)


def as_wide_float(x: Any) -> Tensor:
    """`x` as floats, 64-bit integers as float64."""
    return promoted(x, to=wide_floating)[0]


def cast(x: Any, dtype: Any) -> Tensor:
    """`x` with another dtype. Floats are cut off towards zero when they become ints.

    Args:
        x: a tensor of any shape.
        dtype: of the result; floatx if None.

    Returns:
        A tensor of the shape of x and the given dtype.

    Raises:
        ValueError: if there is no such dtype.
        TypeError: for what holds no numbers.

    >>> cast([1.7, -1.7], "int32").numpy()
    array([ 1, -1], dtype=int32)
    """
    x, dtype = as_tensor(x), dtypes.standardize(dtype)
    return x if x.dtype == dtype else cast_p(x, dtype=dtype)


def stop_gradient(variable: Any) -> Tensor:
    """The tensor, which gradients treat as a constant.

    Args:
        variable: a tensor.

    Returns:
        A tensor of the shape and dtype of `variable`.

    Raises:
        TypeError: for what holds no numbers.

    >>> x = Variable(3.0)
    >>> from kerasish.ops import gradients
    >>> float(gradients(x * stop_gradient(x), x))
    3.0
    """
    return stop_gradient_p(as_tensor(variable))


def negative(x: Any) -> Tensor:
    """-x.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of the shape and dtype of x. Booleans become int32.

    Raises:
        TypeError: for what holds no numbers.

    >>> negative([1, -2]).numpy()
    array([-1,  2], dtype=int32)
    """
    return negative_p(*promoted(x, to=number))


def abs(x: Any) -> Tensor:
    """The absolute value; of complex numbers the distance to 0.

    Args:
        x: a tensor of any shape, or complex numbers.

    Returns:
        A tensor of the shape and dtype of x; of complex numbers a float.

    Raises:
        TypeError: for what holds no numbers.

    >>> abs([-1.5, 2.0]).numpy()
    array([1.5, 2. ], dtype=float32)
    """
    if is_complex(x):
        return builtins.abs(as_complex(x))
    x = as_tensor(x)
    return x if x.dtype == "bool" or x.dtype in dtypes.UNSIGNED else abs_p(x)


absolute = abs


def sign(x: Any) -> Tensor:
    """-1, 0 or 1 by the sign of x.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of the shape and dtype of x. Booleans become int32.

    Raises:
        TypeError: for what holds no numbers.

    >>> sign([-2.0, 0.0, 3.0]).numpy()
    array([-1.,  0.,  1.], dtype=float32)
    """
    return sign_p(*promoted(x, to=number))


def square(x: Any) -> Tensor:
    """x * x.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of the shape and dtype of x. Booleans become int32.

    Raises:
        TypeError: for what holds no numbers.

    >>> square([2, -3]).numpy()
    array([4, 9], dtype=int32)
    """
    x = as_tensor(x)
    return square_p(cast(x, "int32") if x.dtype == "bool" else x)


def floor(x: Any) -> Tensor:
    """The largest whole number not above x.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> floor([1.7, -1.2]).numpy()
    array([ 1., -2.], dtype=float32)
    """
    return floor_p(as_float(x))


def ceil(x: Any) -> Tensor:
    """The smallest whole number not below x.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> ceil([1.2, -1.2]).numpy()
    array([ 2., -1.], dtype=float32)
    """
    return ceil_p(as_float(x))


def round(x: Any, decimals: int = 0) -> Tensor:
    """x rounded to `decimals` places, halves to the even neighbour.

    Args:
        x: a tensor of any shape.
        decimals: how many places; tens, hundreds ... if negative.

    Returns:
        A tensor of the shape and dtype of x; booleans become floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> round([0.5, 1.5, -1.2]).numpy()
    array([ 0.,  2., -1.], dtype=float32)
    """
    x = as_tensor(x)
    if dtypes.is_int(x.dtype) and decimals >= 0:
        return x
    factor = 10.0**decimals
    rounded = round_p(as_float(x) * factor) / factor if decimals else round_p(as_float(x))
    return cast(rounded, x.dtype) if dtypes.is_int(x.dtype) else rounded


def exp(x: Any) -> Tensor:
    """e to the power of x.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> exp([0.0]).numpy()
    array([1.], dtype=float32)
    """
    return exp_p(as_float(x))


def expm1(x: Any) -> Tensor:
    """exp(x) - 1, exact for small x.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> expm1([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return expm1_p(as_float(x))


def log(x: Any) -> Tensor:
    """The natural logarithm; -inf at 0, NaN below.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> log([1.0]).numpy()
    array([0.], dtype=float32)
    """
    return log_p(as_float(x))


def log1p(x: Any) -> Tensor:
    """log(1 + x), exact for small x.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> log1p([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return log1p_p(as_float(x))


def sqrt(x: Any) -> Tensor:
    """The square root; NaN for negative x.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> sqrt([4.0, 9.0]).numpy()
    array([2., 3.], dtype=float32)
    """
    return sqrt_p(as_float(x))


def rsqrt(x: Any) -> Tensor:
    """1 / sqrt(x).

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> rsqrt([4.0]).numpy()
    array([0.5], dtype=float32)
    """
    return rsqrt_p(as_float(x))


def sin(x: Any) -> Tensor:
    """The sine of x in radians.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> sin([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return sin_p(as_float(x))


def cos(x: Any) -> Tensor:
    """The cosine of x in radians.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> cos([0.0]).numpy()
    array([1.], dtype=float32)
    """
    return cos_p(as_float(x))


def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> tanh([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return tanh_p(as_float(x))


def erf(x: Any) -> Tensor:
    """The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> erf([0.0, 10.0]).numpy()
    array([0., 1.], dtype=float32)
    """
    return erf_p(as_float(x))


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x)).

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> sigmoid([0.0]).numpy()
    array([0.5], dtype=float32)
    """
    return sigmoid_p(as_float(x))


def softplus(x: Any) -> Tensor:
    """log(1 + exp(x)), without overflow.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> softplus([0.0]).numpy()
    array([0.6931472], dtype=float32)
    """
    return softplus_p(as_float(x))


def relu(x: Any) -> Tensor:
    """max(x, 0), with gradient 0 at 0.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> relu([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """
    return relu_p(as_tensor(x))


def isnan(x: Any) -> Tensor:
    """Where x is not a number.

    Args:
        x: a tensor of any shape.

    Returns:
        A bool tensor of the shape of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> isnan([1.0, np.nan]).numpy()
    array([False,  True])
    """
    return isnan_p(as_float(x))


def isfinite(x: Any) -> Tensor:
    """Where x is neither infinite nor NaN.

    Args:
        x: a tensor of any shape.

    Returns:
        A bool tensor of the shape of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> isfinite([1.0, np.inf]).numpy()
    array([ True, False])
    """
    return isfinite_p(as_float(x))


def logical_not(x: Any) -> Tensor:
    """Not x; numbers other than 0 count as true.

    Args:
        x: a tensor of any shape.

    Returns:
        A bool tensor of the shape of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> logical_not([True, False]).numpy()
    array([False,  True])
    """
    return logical_not_p(cast(x, "bool"))


# Gradients. A rule may compute its function again: equal expressions are merged later.


@negative_p.vjp
def _(g, x):
    return -g


@abs_p.vjp
def _(g, x):
    return g * sign(x)


@square_p.vjp
def _(g, x):
    return g * x * 2


@exp_p.vjp
def _(g, x):
    return g * exp(x)


@expm1_p.vjp
def _(g, x):
    return g * exp(x)


@log_p.vjp
def _(g, x):
    return g / x


@log1p_p.vjp
def _(g, x):
    return g / (x + 1)


@sqrt_p.vjp
def _(g, x):
    return g * 0.5 / sqrt(x)


@rsqrt_p.vjp
def _(g, x):
    return g * -0.5 * rsqrt(x) / x


@sin_p.vjp
def _(g, x):
    return g * cos(x)


@cos_p.vjp
def _(g, x):
    return -g * sin(x)


@tanh_p.vjp
def _(g, x):
    return g * (1 - square(tanh(x)))


@erf_p.vjp
def _(g, x):
    return g * (2 / math.sqrt(math.pi)) * exp(-square(x))


@sigmoid_p.vjp
def _(g, x):
    y = sigmoid(x)
    return g * (y * (1 - y))


@softplus_p.vjp
def _(g, x):
    return g * sigmoid(x)


@relu_p.vjp
def _(g, x):
    # By the result, so that nothing else wants x: engines make one kernel of what made x and relu.
    return g * cast(relu(x) > 0, x.dtype)


@cast_p.vjp
def _(g, x, *, dtype):
    return cast(g, x.dtype) if dtypes.is_float(x.dtype) and dtypes.is_float(dtype) else None


def constant_gradient(g, *inputs):
    return (None,) * len(inputs)


for _flat in (
    stop_gradient_p,
    sign_p,
    floor_p,
    ceil_p,
    round_p,
    isnan_p,
    isfinite_p,
    logical_not_p,
):
    _flat.vjp(constant_gradient)


def number(dtype: str) -> str:
    """Arithmetic on booleans happens in int32."""
    return "int32" if dtype == "bool" else dtype
