"""Element by element: arithmetic, comparison, logic, and functions of one variable.

Inputs broadcast as NumPy's do. dtypes combine by `graph.dtypes.result_type`, in which
Python numbers are weak: `x + 1.0` keeps the dtype of a float x.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.primitive import Primitive, as_tensor, primitive
from kerasish.graph.shapes import Dim, broadcast_shapes
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Tensor


def promoted(*values: Any, to: Callable[[str], str] | None = None) -> tuple[Tensor, ...]:
    """`values` as tensors of the dtype in which they combine (passed through `to`)."""
    dtype = dtypes.result_type(*(_dtype_of(v) for v in values))
    dtype = to(dtype) if to else dtype
    return tuple(cast(as_tensor(v, dtype if _is_weak(v) else None), dtype) for v in values)


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
    from kerasish.ops.array import reshape
    from kerasish.ops.reduce import sum as sum_

    extra = x.rank - like.rank
    stretched = [
        i
        for i, size in enumerate(x.shape)
        if i < extra or (like.shape[i - extra] == 1 and size != 1)
    ]
    return reshape(sum_(x, axis=tuple(stretched)), like.shape)


# --- one input ---------------------------------------------------------------------------


def _same(x: Spec) -> Spec:
    return x


def _float_rule(x: Spec) -> Spec:
    if not dtypes.is_float(x.dtype):
        raise TypeError(f"expected a float, but got {x.dtype}.")
    return x


def _bool_rule(x: Spec) -> Spec:
    return Spec(x.shape, "bool")


def _named(name: str, rule: Callable[..., Spec]) -> Primitive:
    def spec_rule(*specs: Spec) -> Spec:
        return rule(*specs)

    spec_rule.__name__ = name
    return primitive(spec_rule)


negative_p = _named("negative", _same)
abs_p = _named("abs", _same)
sign_p = _named("sign", _same)
square_p = _named("square", _same)
floor_p = _named("floor", _float_rule)
ceil_p = _named("ceil", _float_rule)
round_p = _named("round", _float_rule)
exp_p = _named("exp", _float_rule)
expm1_p = _named("expm1", _float_rule)
log_p = _named("log", _float_rule)
log1p_p = _named("log1p", _float_rule)
sqrt_p = _named("sqrt", _float_rule)
rsqrt_p = _named("rsqrt", _float_rule)
sin_p = _named("sin", _float_rule)
cos_p = _named("cos", _float_rule)
tanh_p = _named("tanh", _float_rule)
erf_p = _named("erf", _float_rule)
sigmoid_p = _named("sigmoid", _float_rule)
softplus_p = _named("softplus", _float_rule)
relu_p = _named("relu", _same)
isnan_p = _named("isnan", _bool_rule)
isfinite_p = _named("isfinite", _bool_rule)
logical_not_p = _named("logical_not", _bool_rule)
stop_gradient_p = _named("stop_gradient", _same)


@primitive
def cast_p(x: Spec, *, dtype: str) -> Spec:
    return Spec(x.shape, dtype)


@primitive
def phase_p(train: Spec, test: Spec) -> Spec:
    """Chosen when a Function specialises; no Program ever holds one."""
    return Spec(broadcast_shapes(train.shape, test.shape), train.dtype)


def _floating(x: Any) -> Tensor:
    return promoted(x, to=dtypes.floating)[0]


def cast(x: Any, dtype: Any) -> Tensor:
    """`x` with another dtype. Floats are cut off towards zero when they become ints.

    >>> cast([1.7, -1.7], "int32").numpy()
    array([ 1, -1], dtype=int32)
    """
    x, dtype = as_tensor(x), dtypes.standardize(dtype)
    return x if x.dtype == dtype else cast_p(x, dtype=dtype)


def stop_gradient(variable: Any) -> Tensor:
    """The tensor, which gradients treat as a constant."""
    return stop_gradient_p(as_tensor(variable))


def negative(x: Any) -> Tensor:
    """-x."""
    return negative_p(*promoted(x, to=_number))


def abs(x: Any) -> Tensor:
    """The absolute value."""
    x = as_tensor(x)
    return x if x.dtype == "bool" or x.dtype in dtypes.UNSIGNED else abs_p(x)


absolute = abs


def sign(x: Any) -> Tensor:
    """-1, 0 or 1 by the sign of x."""
    return sign_p(*promoted(x, to=_number))


def square(x: Any) -> Tensor:
    """x * x."""
    x = as_tensor(x)
    return square_p(cast(x, "int32") if x.dtype == "bool" else x)


def floor(x: Any) -> Tensor:
    """The largest whole number not above x, as a float."""
    return floor_p(_floating(x))


def ceil(x: Any) -> Tensor:
    """The smallest whole number not below x, as a float."""
    return ceil_p(_floating(x))


def round(x: Any, decimals: int = 0) -> Tensor:
    """x rounded to `decimals` places, halves to the even neighbour.

    >>> round([0.5, 1.5, -1.2]).numpy()
    array([ 0.,  2., -1.], dtype=float32)
    """
    x = as_tensor(x)
    if dtypes.is_int(x.dtype) and decimals >= 0:
        return x
    factor = 10.0**decimals
    rounded = round_p(_floating(x) * factor) / factor if decimals else round_p(_floating(x))
    return cast(rounded, x.dtype) if dtypes.is_int(x.dtype) else rounded


def exp(x: Any) -> Tensor:
    """e to the power of x."""
    return exp_p(_floating(x))


def expm1(x: Any) -> Tensor:
    """exp(x) - 1, exact for small x."""
    return expm1_p(_floating(x))


def log(x: Any) -> Tensor:
    """The natural logarithm; -inf at 0, NaN below."""
    return log_p(_floating(x))


def log1p(x: Any) -> Tensor:
    """log(1 + x), exact for small x."""
    return log1p_p(_floating(x))


def sqrt(x: Any) -> Tensor:
    """The square root; NaN for negative x."""
    return sqrt_p(_floating(x))


def rsqrt(x: Any) -> Tensor:
    """1 / sqrt(x)."""
    return rsqrt_p(_floating(x))


def reciprocal(x: Any) -> Tensor:
    """1 / x."""
    return divide(1, x)


def sin(x: Any) -> Tensor:
    """The sine of x in radians."""
    return sin_p(_floating(x))


def cos(x: Any) -> Tensor:
    """The cosine of x in radians."""
    return cos_p(_floating(x))


def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent."""
    return tanh_p(_floating(x))


def erf(x: Any) -> Tensor:
    """The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return erf_p(_floating(x))


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x))."""
    return sigmoid_p(_floating(x))


def softplus(x: Any) -> Tensor:
    """log(1 + exp(x)), without overflow."""
    return softplus_p(_floating(x))


def relu(x: Any) -> Tensor:
    """max(x, 0), with gradient 0 at 0."""
    return relu_p(as_tensor(x))


def isnan(x: Any) -> Tensor:
    """Where x is not a number."""
    return isnan_p(_floating(x))


def isfinite(x: Any) -> Tensor:
    """Where x is neither infinite nor NaN."""
    return isfinite_p(_floating(x))


def isinf(x: Any) -> Tensor:
    """Where x is infinite."""
    x = _floating(x)
    return logical_not(logical_or(isfinite(x), isnan(x)))


def logical_not(x: Any) -> Tensor:
    """Not x; numbers other than 0 count as true."""
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
    return g * cast(x > 0, x.dtype)


@cast_p.vjp
def _(g, x, *, dtype):
    return cast(g, x.dtype) if dtypes.is_float(x.dtype) and dtypes.is_float(dtype) else None


def _constant_gradient(g, *inputs):
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
    _flat.vjp(_constant_gradient)


# --- two inputs --------------------------------------------------------------------------


def _same_dtype(x: Spec, y: Spec) -> Spec:
    if x.dtype != y.dtype:
        raise TypeError(f"both inputs must have one dtype, but got {x.dtype} and {y.dtype}.")
    return Spec(broadcast_shapes(x.shape, y.shape), x.dtype)


def _float_pair(x: Spec, y: Spec) -> Spec:
    _float_rule(x)
    return _same_dtype(x, y)


def _comparison(x: Spec, y: Spec) -> Spec:
    return Spec(_same_dtype(x, y).shape, "bool")


add_p = _named("add", _same_dtype)
subtract_p = _named("subtract", _same_dtype)
multiply_p = _named("multiply", _same_dtype)
divide_p = _named("divide", _float_pair)
power_p = _named("power", _same_dtype)
maximum_p = _named("maximum", _same_dtype)
minimum_p = _named("minimum", _same_dtype)
floor_divide_p = _named("floor_divide", _same_dtype)
mod_p = _named("mod", _same_dtype)
equal_p = _named("equal", _comparison)
not_equal_p = _named("not_equal", _comparison)
less_p = _named("less", _comparison)
less_equal_p = _named("less_equal", _comparison)
greater_p = _named("greater", _comparison)
greater_equal_p = _named("greater_equal", _comparison)
logical_and_p = _named("logical_and", _comparison)
logical_or_p = _named("logical_or", _comparison)


@primitive
def where_p(condition: Spec, x: Spec, y: Spec) -> Spec:
    pair = _same_dtype(x, y)
    return Spec(broadcast_shapes(condition.shape, pair.shape), pair.dtype)


def _number(dtype: str) -> str:
    """Arithmetic on booleans happens in int32."""
    return "int32" if dtype == "bool" else dtype


def add(x1: Any, x2: Any) -> Tensor:
    """x1 + x2.

    >>> add([1.0, 2.0], 10).numpy()
    array([11., 12.], dtype=float32)
    """
    x, y = promoted(x1, x2)
    return logical_or(x, y) if x.dtype == "bool" else add_p(x, y)


def subtract(x1: Any, x2: Any) -> Tensor:
    """x1 - x2."""
    return subtract_p(*promoted(x1, x2, to=_number))


def multiply(x1: Any, x2: Any) -> Tensor:
    """x1 * x2."""
    x, y = promoted(x1, x2)
    return logical_and(x, y) if x.dtype == "bool" else multiply_p(x, y)


def divide(x1: Any, x2: Any) -> Tensor:
    """x1 / x2 as floats."""
    return divide_p(*promoted(x1, x2, to=dtypes.floating))


true_divide = divide


def divide_no_nan(x1: Any, x2: Any) -> Tensor:
    """x1 / x2, but 0 where x2 is 0."""
    x, y = promoted(x1, x2, to=dtypes.floating)
    zero = equal(y, 0)
    return where(zero, 0.0, x / where(zero, 1.0, y))


def power(x1: Any, x2: Any) -> Tensor:
    """x1 to the power of x2."""
    return power_p(*promoted(x1, x2, to=_number))


def maximum(x1: Any, x2: Any) -> Tensor:
    """The larger of x1 and x2."""
    return maximum_p(*promoted(x1, x2))


def minimum(x1: Any, x2: Any) -> Tensor:
    """The smaller of x1 and x2."""
    return minimum_p(*promoted(x1, x2))


def floor_divide(x1: Any, x2: Any) -> Tensor:
    """x1 / x2 rounded down."""
    return floor_divide_p(*promoted(x1, x2, to=_number))


def mod(x1: Any, x2: Any) -> Tensor:
    """The remainder of x1 / x2 rounded down; it has the sign of x2."""
    return mod_p(*promoted(x1, x2, to=_number))


def equal(x1: Any, x2: Any) -> Tensor:
    """Where x1 == x2."""
    return equal_p(*promoted(x1, x2))


def not_equal(x1: Any, x2: Any) -> Tensor:
    """Where x1 != x2."""
    return not_equal_p(*promoted(x1, x2))


def less(x1: Any, x2: Any) -> Tensor:
    """Where x1 < x2."""
    return less_p(*promoted(x1, x2))


def less_equal(x1: Any, x2: Any) -> Tensor:
    """Where x1 <= x2."""
    return less_equal_p(*promoted(x1, x2))


def greater(x1: Any, x2: Any) -> Tensor:
    """Where x1 > x2."""
    return greater_p(*promoted(x1, x2))


def greater_equal(x1: Any, x2: Any) -> Tensor:
    """Where x1 >= x2."""
    return greater_equal_p(*promoted(x1, x2))


def logical_and(x1: Any, x2: Any) -> Tensor:
    """x1 and x2; numbers other than 0 count as true."""
    return logical_and_p(cast(x1, "bool"), cast(x2, "bool"))


def logical_or(x1: Any, x2: Any) -> Tensor:
    """x1 or x2; numbers other than 0 count as true."""
    return logical_or_p(cast(x1, "bool"), cast(x2, "bool"))


def logical_xor(x1: Any, x2: Any) -> Tensor:
    """x1 or x2 but not both; numbers other than 0 count as true."""
    return not_equal(cast(x1, "bool"), cast(x2, "bool"))


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition holds, x2 elsewhere; without both, `nonzero` of the condition.

    >>> where([True, False], [1, 2], [3, 4]).numpy()
    array([1, 4], dtype=int32)
    """
    if x1 is None and x2 is None:
        from kerasish.ops.indexing import nonzero

        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ValueError("where: give both x1 and x2, or neither.")
    return where_p(cast(condition, "bool"), *promoted(x1, x2))


def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """x, kept within x_min and x_max.

    >>> clip([-2.0, 0.5, 2.0], -1, 1).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)
    """
    return minimum(maximum(x, x_min), x_max)


@add_p.vjp
def _(g, x, y):
    return sum_to(g, x), sum_to(g, y)


@subtract_p.vjp
def _(g, x, y):
    return sum_to(g, x), sum_to(-g, y)


@multiply_p.vjp
def _(g, x, y):
    return sum_to(g * y, x), sum_to(g * x, y)


@divide_p.vjp
def _(g, x, y):
    return sum_to(g / y, x), sum_to(-g * x / square(y), y)


@power_p.vjp
def _(g, x, y):
    positive = x > 0
    log_x = where(positive, log(where(positive, x, 1)), 0)
    return sum_to(g * y * power(x, y - 1), x), sum_to(g * power(x, y) * log_x, y)


def _split_ties(g, x, y, wins):
    """Where both inputs are equal, each gets half of the gradient."""
    share = cast(wins, x.dtype) + cast(equal(x, y), x.dtype) * 0.5
    return sum_to(g * share, x), sum_to(g * (1 - share), y)


@maximum_p.vjp
def _(g, x, y):
    return _split_ties(g, x, y, x > y)


@minimum_p.vjp
def _(g, x, y):
    return _split_ties(g, x, y, x < y)


@mod_p.vjp
def _(g, x, y):
    return sum_to(g, x), sum_to(-g * floor_divide(x, y), y)


@where_p.vjp
def _(g, condition, x, y):
    zero = as_tensor(0, g.dtype)
    return None, sum_to(where(condition, g, zero), x), sum_to(where(condition, zero, g), y)


for _flat in (
    floor_divide_p,
    equal_p,
    not_equal_p,
    less_p,
    less_equal_p,
    greater_p,
    greater_equal_p,
    logical_and_p,
    logical_or_p,
):
    _flat.vjp(_constant_gradient)
