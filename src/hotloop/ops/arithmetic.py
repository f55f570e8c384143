"""Functions of two numbers each, named and promoted as in `keras.ops`.

All take numbers, arrays, tensors, variables or symbolic tensors, broadcast as NumPy does, and raise
`ValueError` on shapes that do not broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.graph import Tensor, apply
from hotloop.ops.convert import like, promote, tensor
from hotloop.ops.dispatch import op


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
    zero = like(0.0, b)
    is_zero = apply("eq", [b, zero])
    safe = apply("select", [is_zero, like(1.0, b), b])
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
                return apply("div", [like(1.0, result), result])
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
    return like(1, x) if result is None else result


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
