"""Elementwise functions, named and promoted as in `keras.ops`.

All take numbers, arrays, tensors, variables or symbolic tensors, broadcast as NumPy does, and raise
`ValueError` on shapes that do not broadcast.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hotloop.graph import Tensor, apply, fill
from hotloop.ops.convert import broadcast, cast_to, float_tensor, promote, tensor
from hotloop.ops.dispatch import op


def _like(value: float, x: Tensor) -> Tensor:
    return fill(value, x.shape, x.dtype)


@op
def add(x1: Any, x2: Any) -> Tensor:
    """Sum; of two bools, logical or."""
    a, b = promote(x1, x2)
    return apply("or" if a.dtype == "bool" else "add", [a, b])


@op
def subtract(x1: Any, x2: Any) -> Tensor:
    """Difference. Raises `TypeError` on two bools."""
    a, b = promote(x1, x2)
    if a.dtype == "bool":
        raise TypeError("subtract does not take two bool tensors; use logical_xor or cast one.")
    return apply("sub", [a, b])


@op
def multiply(x1: Any, x2: Any) -> Tensor:
    """Product; of two bools, logical and."""
    a, b = promote(x1, x2)
    return apply("and" if a.dtype == "bool" else "mul", [a, b])


@op
def divide(x1: Any, x2: Any) -> Tensor:
    """Quotient, float32."""
    return apply("div", promote(x1, x2, least="float32"))


@op
def true_divide(x1: Any, x2: Any) -> Tensor:
    """Quotient, float32."""
    return apply("div", promote(x1, x2, least="float32"))


@op
def divide_no_nan(x1: Any, x2: Any) -> Tensor:
    """Quotient, float32, and 0 where `x2` is 0."""
    a, b = promote(x1, x2, least="float32")
    zero = _like(0.0, b)
    is_zero = apply("eq", [b, zero])
    safe = apply("select", [is_zero, _like(1.0, b), b])
    return apply("select", [is_zero, zero, apply("div", [a, safe])])


@op
def floor_divide(x1: Any, x2: Any) -> Tensor:
    """Quotient rounded down; integers stay integers, and x // 0 is 0 for them."""
    a, b = promote(x1, x2, least="int32")
    quotient = apply("div", [a, b])
    return quotient if a.dtype == "int32" else apply("floor", [quotient])


@op
def mod(x1: Any, x2: Any) -> Tensor:
    """Remainder with the sign of `x2`, as Python's `%`; x % 0 is 0 for integers."""
    return apply("mod", promote(x1, x2, least="int32"))


@op
def power(x1: Any, x2: Any) -> Tensor:
    """`x1` to the power `x2`. Small whole exponents multiply, as does JAX.

    Integer tensors take a Python integer >= 0 as exponent; other integer powers raise
    `NotImplementedError`.
    """
    if isinstance(x2, bool | int | float | np.integer | np.floating):
        exponent = float(x2)
        base = tensor(x1, "float32" if isinstance(x2, float | np.floating) else "int32")
        if exponent.is_integer():
            count = int(exponent)
            if base.dtype == "int32" and count >= 0:
                return _whole_power(base, count)
            if base.dtype == "float32" and -16 <= count <= 16:
                if count >= 0:
                    return _whole_power(base, count)
                result = _whole_power(base, -count)
                return apply("div", [_like(1.0, result), result])
        if exponent == 0.5:
            return apply("sqrt", [base])
    a, b = promote(x1, x2, least="int32")
    if a.dtype != "float32":
        raise NotImplementedError(
            "power of integer tensors takes a Python integer >= 0 as exponent. Convert to float32 "
            'first: ops.power(ops.cast(x, "float32"), y).'
        )
    return apply("pow", [a, b])


def _whole_power(x: Tensor, n: int) -> Tensor:
    """x · x · …, by squaring."""
    result = None
    while n:
        if n & 1:
            result = x if result is None else apply("mul", [result, x])
        n >>= 1
        if n:
            x = apply("mul", [x, x])
    return _like(1, x) if result is None else result


@op
def maximum(x1: Any, x2: Any) -> Tensor:
    """The larger; NaN if either is."""
    a, b = promote(x1, x2)
    return apply("or" if a.dtype == "bool" else "max", [a, b])


@op
def minimum(x1: Any, x2: Any) -> Tensor:
    """The smaller; NaN if either is."""
    a, b = promote(x1, x2)
    return apply("and" if a.dtype == "bool" else "min", [a, b])


@op
def negative(x: Any) -> Tensor:
    """-x. Raises `TypeError` on bools."""
    x = tensor(x)
    if x.dtype == "bool":
        raise TypeError("negative does not take bool tensors; use logical_not.")
    return apply("neg", [x])


@op
def absolute(x: Any) -> Tensor:
    """The absolute value; its gradient at 0 is 1, as in JAX."""
    x = tensor(x)
    return x if x.dtype == "bool" else apply("abs", [x])


@op
def abs(x: Any) -> Tensor:
    """The absolute value; its gradient at 0 is 1, as in JAX."""
    x = tensor(x)
    return x if x.dtype == "bool" else apply("abs", [x])


@op
def sign(x: Any) -> Tensor:
    """-1, 0 or 1; NaN stays NaN."""
    return apply("sign", [tensor(x, "int32")])


@op
def square(x: Any) -> Tensor:
    """x·x."""
    x = tensor(x, "int32")
    return apply("mul", [x, x])


@op
def sqrt(x: Any) -> Tensor:
    """The square root; NaN below 0."""
    return apply("sqrt", [float_tensor(x)])


@op
def rsqrt(x: Any) -> Tensor:
    """1 / sqrt(x)."""
    root = apply("sqrt", [float_tensor(x)])
    return apply("div", [_like(1.0, root), root])


@op
def reciprocal(x: Any) -> Tensor:
    """1 / x."""
    x = float_tensor(x)
    return apply("div", [_like(1.0, x), x])


@op
def exp(x: Any) -> Tensor:
    """e to the power x."""
    return apply("exp", [float_tensor(x)])


@op
def exp2(x: Any) -> Tensor:
    """2 to the power x."""
    x = float_tensor(x)
    return apply("pow", [_like(2.0, x), x])


@op
def expm1(x: Any) -> Tensor:
    """exp(x) - 1, exact near 0."""
    return apply("expm1", [float_tensor(x)])


@op
def log(x: Any) -> Tensor:
    """The natural logarithm; -inf at 0, NaN below."""
    return apply("log", [float_tensor(x)])


@op
def log1p(x: Any) -> Tensor:
    """log(1 + x), exact near 0."""
    return apply("log1p", [float_tensor(x)])


def _scaled_log(x: Any, base: float) -> Tensor:
    result = apply("log", [float_tensor(x)])
    return apply("div", [result, _like(math.log(base), result)])


@op
def log2(x: Any) -> Tensor:
    """The logarithm to base 2."""
    return _scaled_log(x, 2.0)


@op
def log10(x: Any) -> Tensor:
    """The logarithm to base 10."""
    return _scaled_log(x, 10.0)


@op
def logaddexp(x1: Any, x2: Any) -> Tensor:
    """log(exp(x1) + exp(x2)) without overflow."""
    a, b = promote(x1, x2, least="float32")
    gap = apply("sub", [a, b])
    endless = apply("eq", [apply("abs", [a]), _like(math.inf, a)])
    endless = apply("and", [endless, apply("eq", [a, b])])
    gap = apply("select", [endless, _like(0.0, gap), gap])  # not inf - inf
    # One mask for both parts, so that the slopes add up to 1/2 each where a = b.
    below = apply("lt", [a, b])
    high = apply("select", [below, b, a])
    distance = apply("select", [below, gap, apply("neg", [gap])])
    return apply("add", [high, apply("log1p", [apply("exp", [distance])])])


@op
def hypot(x1: Any, x2: Any) -> Tensor:
    """sqrt(x1² + x2²) without overflow."""
    a, b = (apply("abs", [x]) for x in promote(x1, x2, least="float32"))
    long, short = apply("max", [a, b]), apply("min", [a, b])
    zero = _like(0.0, long)
    safe = apply("select", [apply("eq", [long, zero]), _like(1.0, long), long])
    endless = apply("eq", [long, _like(math.inf, long)])
    ratio = apply("select", [endless, zero, apply("div", [short, safe])])
    root = apply("sqrt", [apply("add", [apply("mul", [ratio, ratio]), _like(1.0, ratio)])])
    return apply("mul", [long, root])


@op
def deg2rad(x: Any) -> Tensor:
    """Degrees as radians."""
    x = float_tensor(x)
    return apply("mul", [x, _like(math.pi / 180.0, x)])


@op
def rad2deg(x: Any) -> Tensor:
    """Radians as degrees."""
    x = float_tensor(x)
    return apply("mul", [x, _like(180.0 / math.pi, x)])


@op
def sin(x: Any) -> Tensor:
    """Sine."""
    return apply("sin", [float_tensor(x)])


@op
def cos(x: Any) -> Tensor:
    """Cosine."""
    return apply("cos", [float_tensor(x)])


@op
def tan(x: Any) -> Tensor:
    """Tangent."""
    x = float_tensor(x)
    return apply("div", [apply("sin", [x]), apply("cos", [x])])


def _cosh(x: Tensor) -> Tensor:
    half = _like(0.5, x)
    up = apply("mul", [half, apply("exp", [x])])
    return apply("add", [up, apply("mul", [half, apply("exp", [apply("neg", [x])])])])


@op
def cosh(x: Any) -> Tensor:
    """Hyperbolic cosine."""
    return _cosh(float_tensor(x))


@op
def sinh(x: Any) -> Tensor:
    """Hyperbolic sine, exact near 0."""
    x = float_tensor(x)
    return apply("mul", [apply("tanh", [x]), _cosh(x)])


@op
def tanh(x: Any) -> Tensor:
    """Hyperbolic tangent."""
    return apply("tanh", [float_tensor(x)])


@op
def floor(x: Any) -> Tensor:
    """Rounded down, float32."""
    return apply("floor", [float_tensor(x)])


@op
def ceil(x: Any) -> Tensor:
    """Rounded up, float32."""
    return apply("ceil", [float_tensor(x)])


@op
def trunc(x: Any) -> Tensor:
    """Rounded toward zero."""
    x = tensor(x)
    if x.dtype != "float32":
        return x
    negative_part = apply("lt", [x, _like(0.0, x)])
    return apply("select", [negative_part, apply("ceil", [x]), apply("floor", [x])])


@op
def round(x: Any, decimals: int = 0) -> Tensor:
    """Rounded to `decimals` places, halves to even."""
    x = tensor(x, "int32")
    if x.dtype == "int32":
        if decimals < 0:
            raise NotImplementedError("round of integer tensors takes decimals >= 0.")
        return x
    if not decimals:
        return apply("round", [x])
    factor = _like(10.0**decimals, x)
    return apply("div", [apply("round", [apply("mul", [x, factor])]), factor])


@op
def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """`x` limited to [x_min, x_max]; None means no limit."""
    x = tensor(x, "int32")
    if x_min is not None:
        x = apply("max", promote(x, x_min))
    if x_max is not None:
        x = apply("min", promote(x, x_max))
    return x


@op
def where(condition: Any, x1: Any = None, x2: Any = None) -> Tensor:
    """`x1` where `condition` holds, else `x2`.

    Raises `NotImplementedError` without `x1` and `x2`: the number of hits would decide the shape.
    """
    if x1 is None or x2 is None:
        raise NotImplementedError(
            "where(condition) without x1 and x2 gives a result whose shape depends on values, "
            "which compiled functions cannot have. Pass x1 and x2."
        )
    a, b = promote(x1, x2)
    chosen, a, b = broadcast(cast_to(tensor(condition), "bool"), a, b)
    return apply("select", [chosen, a, b])


@op
def nan_to_num(
    x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """NaN and the infinities replaced; by default with 0 and the largest and smallest float32."""
    x = tensor(x)
    if x.dtype != "float32":
        return x
    limits = np.finfo(np.float32)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    for hit, value in (
        (apply("isnan", [x]), nan),
        (apply("eq", [x, _like(math.inf, x)]), high),
        (apply("eq", [x, _like(-math.inf, x)]), low),
    ):
        x = apply("select", [hit, _like(value, x), x])
    return x
