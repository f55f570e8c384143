"""Comparisons and logic. Results are bool."""

from __future__ import annotations

import math
from typing import Any

from hotloop.graph import Tensor, apply, fill
from hotloop.ops.convert import broadcast, cast_to, float_tensor, promote, tensor
from hotloop.ops.dispatch import op


@op
def equal(x1: Any, x2: Any) -> Tensor:
    """x1 == x2."""
    return apply("eq", promote(x1, x2))


@op
def not_equal(x1: Any, x2: Any) -> Tensor:
    """x1 != x2."""
    return apply("ne", promote(x1, x2))


@op
def less(x1: Any, x2: Any) -> Tensor:
    """x1 < x2."""
    return apply("lt", promote(x1, x2))


@op
def less_equal(x1: Any, x2: Any) -> Tensor:
    """x1 <= x2."""
    return apply("le", promote(x1, x2))


@op
def greater(x1: Any, x2: Any) -> Tensor:
    """x1 > x2."""
    a, b = promote(x1, x2)
    return apply("lt", [b, a])


@op
def greater_equal(x1: Any, x2: Any) -> Tensor:
    """x1 >= x2."""
    a, b = promote(x1, x2)
    return apply("le", [b, a])


def _logical(primitive: str, *values: Any) -> Tensor:
    return apply(primitive, broadcast(*(cast_to(tensor(value), "bool") for value in values)))


@op
def logical_and(x1: Any, x2: Any) -> Tensor:
    """Both are not zero."""
    return _logical("and", x1, x2)


@op
def logical_or(x1: Any, x2: Any) -> Tensor:
    """At least one is not zero."""
    return _logical("or", x1, x2)


@op
def logical_xor(x1: Any, x2: Any) -> Tensor:
    """Exactly one is not zero."""
    return _logical("xor", x1, x2)


@op
def logical_not(x: Any) -> Tensor:
    """Is zero."""
    return _logical("not", x)


def _bits(x: Tensor) -> list[Tensor]:
    """The 32 bits of integers as bools, the lowest first; the last is the sign."""
    zero, two = fill(0, x.shape, "int32"), fill(2, x.shape, "int32")
    bits = []
    rest = x
    for _ in range(31):
        bits.append(apply("ne", [apply("mod", [rest, two]), zero]))
        rest = apply("div", [rest, two])  # rounded down: the sign stays
    return [*bits, apply("lt", [x, zero])]


def _bitwise(name: str, primitive: str, x: Any, y: Any) -> Tensor:
    a, b = promote(x, y)
    if a.dtype == "bool":
        return apply(primitive, [a, b])
    if a.dtype != "int32":
        raise TypeError(
            f"{name} (and its operator) takes bools and integers, got {a.dtype}. Compare first, or "
            f"use {name.replace('bitwise', 'logical')}."
        )
    total = fill(0, a.shape, "int32")
    for place, pair in enumerate(zip(_bits(a), _bits(b), strict=True)):
        bit = cast_to(apply(primitive, list(pair)), "int32")
        weight = 2**place if place < 31 else -(2**31)
        total = apply("add", [total, apply("mul", [bit, fill(weight, bit.shape, "int32")])])
    return total


@op
def bitwise_and(x: Any, y: Any) -> Tensor:
    """`x & y` of bools, or bit by bit of integers."""
    return _bitwise("bitwise_and", "and", x, y)


@op
def bitwise_or(x: Any, y: Any) -> Tensor:
    """`x | y` of bools, or bit by bit of integers."""
    return _bitwise("bitwise_or", "or", x, y)


@op
def bitwise_xor(x: Any, y: Any) -> Tensor:
    """`x ^ y` of bools, or bit by bit of integers."""
    return _bitwise("bitwise_xor", "xor", x, y)


def _inverted(name: str, x: Any) -> Tensor:
    x = tensor(x)
    if x.dtype == "bool":
        return apply("not", [x])
    if x.dtype != "int32":
        raise TypeError(f"{name} (and its operator) takes bools and integers, got {x.dtype}.")
    return apply("sub", [fill(-1, x.shape, "int32"), x])


@op
def bitwise_not(x: Any) -> Tensor:
    """`~x` of bools or integers."""
    return _inverted("bitwise_not", x)


@op
def bitwise_invert(x: Any) -> Tensor:
    """`~x` of bools or integers."""
    return _inverted("bitwise_invert", x)


@op
def isnan(x: Any) -> Tensor:
    """Is not a number."""
    return apply("isnan", [float_tensor(x)])


def _magnitude(x: Any) -> list[Tensor]:
    x = apply("abs", [float_tensor(x)])
    return [x, fill(math.inf, x.shape, "float32")]


@op
def isinf(x: Any) -> Tensor:
    """Is inf or -inf."""
    return apply("eq", _magnitude(x))


@op
def isposinf(x: Any) -> Tensor:
    """Is inf."""
    x = float_tensor(x)
    return apply("eq", [x, fill(math.inf, x.shape, "float32")])


@op
def isneginf(x: Any) -> Tensor:
    """Is -inf."""
    x = float_tensor(x)
    return apply("eq", [x, fill(-math.inf, x.shape, "float32")])


@op
def isfinite(x: Any) -> Tensor:
    """Is neither infinite nor NaN."""
    return apply("lt", _magnitude(x))


@op
def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """|x1 - x2| <= atol + rtol·|x2|, or equal."""
    a, b = promote(x1, x2, least="float32")
    gap = apply("abs", [apply("sub", [a, b])])
    slack = apply("mul", [apply("abs", [b]), fill(rtol, b.shape, "float32")])
    limit = apply("add", [slack, fill(atol, b.shape, "float32")])
    finite = apply("lt", _magnitude(b))
    near = apply("and", [apply("le", [gap, limit]), finite])
    near = apply("or", [near, apply("eq", [a, b])])
    if equal_nan:
        near = apply("or", [near, apply("and", [apply("isnan", [a]), apply("isnan", [b])])])
    return near
