"""Inverses of trigonometric, hyperbolic and other functions, elementwise and float32.

Polynomials: Moshier, "Cephes Mathematical Library" (single precision), and for `erfinv` Giles,
"Approximating the erfinv function", GPU Computing Gems 2, 2011. Their gradients are those of the
functions, not of the polynomials.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hotloop.graph import Tensor, apply
from hotloop.ops.convert import float_tensor, like, promote
from hotloop.ops.differentiation import with_gradient, with_slope
from hotloop.ops.dispatch import op
from hotloop.ops.shorthand import add, div, mul, select, sqrt, sub

_ASIN = (4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1)
_ATAN = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)
_ERFINV_NEAR = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
    -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip
_ERFINV_FAR = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
    0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip


def polynomial(coefficients: Sequence[float], x: Tensor) -> Tensor:
    """The polynomial with these coefficients, the highest power's first."""
    total = like(coefficients[0], x)
    for coefficient in coefficients[1:]:
        total = add(mul(total, x), like(coefficient, x))
    return total


def _signed(x: Tensor, size: Tensor) -> Tensor:
    """`size` with the sign of `x`; zeros keep theirs."""
    return select(apply("eq", [x, like(0.0, x)]), x, mul(apply("sign", [x]), size))


def _one_minus_square(x: Tensor) -> Tensor:
    """(1 - x)·(1 + x), exact near ±1."""
    one = like(1.0, x)
    return mul(sub(one, x), add(one, x))


def _arcsin_small(x: Tensor) -> Tensor:
    """For |x| <= 1/2."""
    z = mul(x, x)
    return add(x, mul(x, mul(z, polynomial(_ASIN, z))))


def _arcsin_value(x: Tensor) -> Tensor:
    size = apply("abs", [x])
    half, one = like(0.5, x), like(1.0, x)
    far = apply("lt", [half, size])
    root = sqrt(mul(half, sub(one, size)))
    inner = _arcsin_small(select(far, root, size))
    outer = sub(like(math.pi / 2, x), mul(like(2.0, x), inner))
    return _signed(x, select(far, outer, inner))


@op
def arcsin(x: Any) -> Tensor:
    """The angle from -π/2 to π/2 whose sine is `x`; NaN outside [-1, 1]."""
    x = float_tensor(x)
    y = apply("stop_gradient", [_arcsin_value(x)])
    return with_slope(y, x, lambda: div(like(1.0, x), sqrt(_one_minus_square(x))))


@op
def arccos(x: Any) -> Tensor:
    """The angle from 0 to π whose cosine is `x`; NaN outside [-1, 1]."""
    x = float_tensor(x)
    half, one, two = like(0.5, x), like(1.0, x), like(2.0, x)
    near = mul(two, _arcsin_small(sqrt(mul(half, sub(one, x)))))
    opposite = mul(two, _arcsin_small(sqrt(mul(half, add(one, x)))))
    beyond = sub(like(math.pi, x), opposite)
    middle = sub(like(math.pi / 2, x), _arcsin_small(x))
    y = select(apply("lt", [half, x]), near, middle)
    y = select(apply("lt", [x, like(-0.5, x)]), beyond, y)
    y = apply("stop_gradient", [select(apply("isnan", [x]), x, y)])
    return with_slope(y, x, lambda: div(like(-1.0, x), sqrt(_one_minus_square(x))))


def _arctan_value(x: Tensor) -> Tensor:
    """In three ranges, cut at tan(π/8) and tan(3π/8)."""
    size = apply("abs", [x])
    one = like(1.0, x)
    far = apply("lt", [like(2.414213562373095, x), size])
    middle = apply("lt", [like(0.4142135623730950, x), size])
    infinite = apply("eq", [size, like(math.inf, x)])
    bounded = select(infinite, one, size)
    inverted = select(infinite, like(0.0, x), div(like(-1.0, x), bounded))
    shifted = div(sub(bounded, one), add(bounded, one))
    reduced = select(far, inverted, select(middle, shifted, bounded))
    start = select(middle, like(math.pi / 4, x), like(0.0, x))
    start = select(far, like(math.pi / 2, x), start)
    z = mul(reduced, reduced)
    tail = add(reduced, mul(reduced, mul(z, polynomial(_ATAN, z))))
    return _signed(x, add(start, tail))


@op
def arctan(x: Any) -> Tensor:
    """The angle from -π/2 to π/2 whose tangent is `x`."""
    x = float_tensor(x)
    y = apply("stop_gradient", [_arctan_value(x)])
    return with_slope(y, x, lambda: div(like(1.0, x), add(like(1.0, x), mul(x, x))))


@op
def arctan2(x1: Any, x2: Any) -> Tensor:
    """The angle from -π to π of the point with ordinate `x1` and abscissa `x2`."""
    a, b = promote(x1, x2, least="float32")
    zero, one = like(0.0, a), like(1.0, a)
    sizes = [apply("abs", [t]) for t in (a, b)]
    long, short = apply("max", sizes), apply("min", sizes)
    equal = apply("eq", sizes)  # infinities too
    none = apply("eq", [long, zero])
    ratio = select(equal, one, div(short, select(none, one, long)))
    ratio = select(none, zero, ratio)
    angle = _arctan_value(ratio)
    steep = apply("lt", [sizes[1], sizes[0]])
    angle = select(steep, sub(like(math.pi / 2, a), angle), angle)
    angle = select(_negative(b), sub(like(math.pi, a), angle), angle)
    angle = select(_negative(a), apply("neg", [angle]), angle)
    nan = apply("or", [apply("isnan", [a]), apply("isnan", [b])])
    y = apply("stop_gradient", [select(nan, add(a, b), angle)])

    def backward(g: Tensor) -> list[Tensor]:
        share = div(g, add(mul(a, a), mul(b, b)))
        return [mul(share, b), apply("neg", [mul(share, a)])]

    return with_gradient(y, [a, b], backward)


def _negative(x: Tensor) -> Tensor:
    """Whether the sign is minus, that of -0.0 too."""
    zero, one = like(0.0, x), like(1.0, x)
    is_zero = apply("eq", [x, zero])
    return apply("lt", [select(is_zero, div(one, select(is_zero, x, one)), x), zero])


@op
def signbit(x: Any) -> Tensor:
    """Whether the sign is minus, that of -0.0 too. NaN counts as positive."""
    x = float_tensor(x)
    return _negative(x)


@op
def arcsinh(x: Any) -> Tensor:
    """The inverse hyperbolic sine, exact near 0."""
    x = float_tensor(x)
    size, one = apply("abs", [x]), like(1.0, x)
    huge = apply("lt", [like(1e9, x), size])
    a = select(huge, one, size)
    square = mul(a, a)
    inner = add(a, div(square, add(one, sqrt(add(square, one)))))
    outer = add(apply("log", [select(huge, size, one)]), like(math.log(2.0), x))
    y = _signed(x, select(huge, outer, apply("log1p", [inner])))
    y = apply("stop_gradient", [select(apply("isnan", [x]), x, y)])

    def slope() -> Tensor:
        bounded = select(huge, one, x)
        near = div(one, sqrt(add(mul(bounded, bounded), one)))
        return select(huge, div(one, size), near)

    return with_slope(y, x, slope)


@op
def arccosh(x: Any) -> Tensor:
    """The inverse hyperbolic cosine, NaN below 1."""
    x = float_tensor(x)
    one, two = like(1.0, x), like(2.0, x)
    huge = apply("lt", [like(1e9, x), x])
    t = sub(select(huge, one, x), one)
    inner = add(t, sqrt(mul(t, add(two, t))))
    outer = add(apply("log", [select(huge, x, one)]), like(math.log(2.0), x))
    y = apply("stop_gradient", [select(huge, outer, apply("log1p", [inner]))])

    def slope() -> Tensor:
        # Split roots: the product of huge numbers would overflow.
        return div(one, mul(sqrt(sub(x, one)), sqrt(add(x, one))))

    return with_slope(y, x, slope)


@op
def arctanh(x: Any) -> Tensor:
    """The inverse hyperbolic tangent: ±inf at ±1, NaN beyond."""
    x = float_tensor(x)
    size, one = apply("abs", [x]), like(1.0, x)
    inner = div(mul(like(2.0, x), size), sub(one, size))
    inner = select(apply("lt", [one, size]), like(math.nan, x), inner)
    y = _signed(x, mul(like(0.5, x), apply("log1p", [inner])))
    y = apply("stop_gradient", [y])
    return with_slope(y, x, lambda: div(one, _one_minus_square(x)))


@op
def cbrt(x: Any) -> Tensor:
    """The real cube root."""
    x = float_tensor(x)
    size, zero, one = apply("abs", [x]), like(0.0, x), like(1.0, x)
    plain = apply("and", [apply("lt", [zero, size]), apply("lt", [size, like(math.inf, x)])])
    a = select(plain, size, one)
    root = apply("exp", [div(apply("log", [a]), like(3.0, x))])
    # One step of Newton's method takes the rounding of log and exp away.
    root = sub(root, div(sub(root, div(a, mul(root, root))), like(3.0, x)))
    y = select(plain, _signed(x, root), x)
    y = apply("stop_gradient", [y])
    return with_slope(y, x, lambda: div(one, mul(like(3.0, x), mul(y, y))))


@op
def erfinv(x: Any) -> Tensor:
    """The inverse of `erf`: ±inf at ±1, NaN beyond."""
    x = float_tensor(x)
    size, one = apply("abs", [x]), like(1.0, x)
    w = apply("neg", [apply("log1p", [apply("neg", [mul(x, x)])])])
    # Where 1 - x² cancels, log of the product does not.
    w_far = apply("neg", [apply("log", [_one_minus_square(x)])])
    w = select(apply("lt", [like(0.5, x), size]), w_far, w)
    near = apply("lt", [w, like(5.0, x)])
    inside = apply("lt", [size, one])
    w = select(inside, w, one)
    p_near = polynomial(_ERFINV_NEAR, sub(w, like(2.5, x)))
    p_far = polynomial(_ERFINV_FAR, sub(sqrt(w), like(3.0, x)))
    y = mul(x, select(near, p_near, p_far))
    edge = mul(x, like(math.inf, x))
    outside = select(apply("eq", [size, one]), edge, like(math.nan, x))
    y = apply("stop_gradient", [select(inside, y, outside)])
    return with_slope(y, x, lambda: mul(like(math.sqrt(math.pi) / 2, x), apply("exp", [mul(y, y)])))
