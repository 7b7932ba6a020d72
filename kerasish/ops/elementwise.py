"""Element by element: functions of one variable."""

from __future__ import annotations

import builtins
import math
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.complex import as_complex, is_complex
from kerasish.graph.primitive import as_tensor, composite, primitive
from kerasish.graph.shapes import broadcast_shapes
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Tensor
from kerasish.ops.promotion import as_float, cast, promoted
from kerasish.ops.rules import constant_gradient, float_rule, named, number, one_rule, sum_to

negative_p = named("negative", one_rule)
abs_p = named("abs", one_rule)
sign_p = named("sign", one_rule)
square_p = named("square", one_rule)
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
relu_p = named("relu", one_rule)
stop_gradient_p = named("stop_gradient", one_rule)


@primitive
def phase_p(train: Spec, test: Spec) -> Spec:
    """Chosen when a Function specialises; no Program ever holds one."""
    return Spec(broadcast_shapes(train.shape, test.shape), train.dtype)


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
    if dtypes.is_int(x.dtype):
        return x if decimals >= 0 else _rounded_int(x, 10**-decimals)
    x = as_float(x)
    if decimals < 0:
        unit = 10.0**-decimals  # a whole number, unlike its inverse
        return round_p(x / unit) * unit
    factor = 10.0**decimals
    return round_p(x * factor) / factor if decimals else round_p(x)


def _rounded_int(x: Tensor, unit: int) -> Tensor:
    """The multiple of `unit` next to each int, of two equally near ones the even multiple."""
    if unit > dtypes.highest(x.dtype):
        return x * 0
    below = x // unit
    rest = x - below * unit  # compared with what is missing, for its double may overflow
    up = (rest > unit - rest) | ((rest == unit - rest) & (below % 2 == 1))
    return (below + cast(up, x.dtype)) * unit


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


# Gradients. A rule may compute its function again: equal expressions are merged later.


@phase_p.vjp
def _(g, train, test):
    nothing = as_tensor(0, g.dtype)
    return sum_to(phase_p(g, nothing), train), sum_to(phase_p(nothing, g), test)


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
    return relu_grad_p(g, relu(x))


@composite
def relu_grad_p(g: Tensor, y: Tensor) -> Tensor:
    """What the gradient of a relu makes of `g`, by its result y: `g` where that is above 0."""
    return g * cast(y > 0, g.dtype)


@relu_grad_p.vjp
def _(outer, g, y):
    return relu_grad_p(outer, y), None


for _flat in (
    stop_gradient_p,
    sign_p,
    floor_p,
    ceil_p,
    round_p,
):
    _flat.vjp(constant_gradient)
