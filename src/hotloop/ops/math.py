"""Elementwise functions of one tensor, named and promoted as in `keras.ops`.

All take numbers, arrays, tensors, variables or symbolic tensors, broadcast as NumPy does, and raise
`ValueError` on shapes that do not broadcast.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hotloop.graph import Tensor, apply
from hotloop.ops.convert import broadcast, cast_to, float_tensor, like, promote, tensor
from hotloop.ops.dispatch import op


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
    return apply("div", [like(1.0, root), root])


@op
def reciprocal(x: Any) -> Tensor:
    """1 / x."""
    x = float_tensor(x)
    return apply("div", [like(1.0, x), x])


@op
def exp(x: Any) -> Tensor:
    """e to the power x."""
    return apply("exp", [float_tensor(x)])


@op
def exp2(x: Any) -> Tensor:
    """2 to the power x."""
    x = float_tensor(x)
    return apply("pow", [like(2.0, x), x])


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
    return apply("div", [result, like(math.log(base), result)])


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
    endless = apply("eq", [apply("abs", [a]), like(math.inf, a)])
    endless = apply("and", [endless, apply("eq", [a, b])])
    gap = apply("select", [endless, like(0.0, gap), gap])  # not inf - inf
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
    zero = like(0.0, long)
    safe = apply("select", [apply("eq", [long, zero]), like(1.0, long), long])
    endless = apply("eq", [long, like(math.inf, long)])
    ratio = apply("select", [endless, zero, apply("div", [short, safe])])
    root = apply("sqrt", [apply("add", [apply("mul", [ratio, ratio]), like(1.0, ratio)])])
    return apply("mul", [long, root])


@op
def deg2rad(x: Any) -> Tensor:
    """Degrees as radians."""
    x = float_tensor(x)
    return apply("mul", [x, like(math.pi / 180.0, x)])


@op
def rad2deg(x: Any) -> Tensor:
    """Radians as degrees."""
    x = float_tensor(x)
    return apply("mul", [x, like(180.0 / math.pi, x)])


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
    half = like(0.5, x)
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
    negative_part = apply("lt", [x, like(0.0, x)])
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
    factor = like(10.0**decimals, x)
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
        (apply("eq", [x, like(math.inf, x)]), high),
        (apply("eq", [x, like(-math.inf, x)]), low),
    ):
        x = apply("select", [hit, like(value, x), x])
    return x
