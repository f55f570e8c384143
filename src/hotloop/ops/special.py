"""More elementwise functions of `keras.ops`, and windows for signals."""

from __future__ import annotations

import math
import operator
from typing import Any

from hotloop.graph import Tensor, apply, canonical_dtype, fill
from hotloop.ops.convert import broadcast, cast_to, float_tensor, like, promote, tensor
from hotloop.ops.core import cast
from hotloop.ops.dispatch import op
from hotloop.ops.inverse import polynomial
from hotloop.ops.logic import isclose
from hotloop.ops.math import logaddexp
from hotloop.ops.reductions import all as all_of

# Abramowitz and Stegun, "Handbook of mathematical functions", 9.8.1 and 9.8.2.
_I0_NEAR = (0.0045813, 0.0360768, 0.2659732, 1.2067492, 3.0899424, 3.5156229, 1.0)
_I0_FAR = (
    0.00392377, -0.01647633, 0.02635537, -0.02057706, 0.00916281, -0.00157565, 0.00225319,
    0.01328592, 0.39894228,
)  # fmt: skip
# sin(t) / t in t², its Taylor series: the next term is below 2e-10 where |t| < 1.
_SINC_NEAR = tuple((-1) ** n / math.factorial(2 * n + 1) for n in range(5, -1, -1))
_INT_BITS = 32
_EUCLID_STEPS = 47  # of two int32, reached by neighbours in Fibonacci's sequence


@op
def fabs(x: Any) -> Tensor:
    """The absolute value, float32."""
    return apply("abs", [float_tensor(x)])


@op
def conj(x: Any) -> Tensor:
    """`x`: every tensor is real."""
    return tensor(x)


@op
def conjugate(x: Any) -> Tensor:
    """`x`: every tensor is real."""
    return tensor(x)


@op
def real(x: Any) -> Tensor:
    """`x`: every tensor is real."""
    return tensor(x)


@op
def imag(x: Any) -> Tensor:
    """Zeros: every tensor is real."""
    x = tensor(x)
    return like(0, x)


@op
def isreal(x: Any) -> Tensor:
    """True everywhere: every tensor is real."""
    return fill(True, tensor(x).shape, "bool")


@op
def angle(x: Any) -> Tensor:
    """The angle of a real number in the plane: π below 0, else 0; NaN stays NaN."""
    x = float_tensor(x)
    zero = like(0.0, x)
    result = apply("select", [apply("lt", [x, zero]), like(math.pi, x), zero])
    return apply("select", [apply("isnan", [x]), apply("stop_gradient", [x]), result])


@op
def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether `isclose` holds everywhere."""
    return all_of(isclose(x1, x2, rtol, atol, equal_nan))


def _extremum(primitive: str, x1: Any, x2: Any) -> Tensor:
    a, b = promote(x1, x2)
    if a.dtype != "float32":
        logic = {"max": "or", "min": "and"}[primitive]
        return apply(logic if a.dtype == "bool" else primitive, [a, b])
    nan_a, nan_b = apply("isnan", [a]), apply("isnan", [b])
    return apply(primitive, [apply("select", [nan_a, b, a]), apply("select", [nan_b, a, b])])


@op
def fmax(x1: Any, x2: Any) -> Tensor:
    """The larger; of a number and NaN, the number."""
    return _extremum("max", x1, x2)


@op
def fmin(x1: Any, x2: Any) -> Tensor:
    """The smaller; of a number and NaN, the number."""
    return _extremum("min", x1, x2)


@op
def fmod(x1: Any, x2: Any) -> Tensor:
    """Remainder with the sign of `x1`, as in C; x fmod 0 is 0 for integers."""
    a, b = promote(x1, x2, least="int32")
    size = apply("mod", [apply("abs", [a]), apply("abs", [b])])
    return apply("select", [apply("lt", [a, like(0, a)]), apply("neg", [size]), size])


@op
def heaviside(x1: Any, x2: Any) -> Tensor:
    """0 below 0, 1 above, and `x2` at 0."""
    a, b = promote(x1, x2, least="float32")
    zero, one = like(0.0, a), like(1.0, a)
    step = apply("select", [apply("lt", [zero, a]), one, zero])
    step = apply("select", [apply("eq", [a, zero]), b, step])
    return apply("select", [apply("isnan", [a]), a, step])


@op
def ldexp(x1: Any, x2: Any) -> Tensor:
    """`x1` times 2 to the power `x2`, an integer."""
    if tensor(x2).dtype == "float32":
        raise TypeError("ldexp takes integers as x2, got float32.")
    a, n = broadcast(float_tensor(x1), float_tensor(x2))
    # In halves, so that a power beyond float32 does not spoil a product within it.
    half = apply("floor", [apply("mul", [n, like(0.5, n)])])
    two = like(2.0, n)
    a = apply("mul", [a, apply("pow", [two, half])])
    return apply("mul", [a, apply("pow", [two, apply("sub", [n, half])])])


@op
def logaddexp2(x1: Any, x2: Any) -> Tensor:
    """log2(2**x1 + 2**x2) without overflow."""
    a, b = promote(x1, x2, least="float32")
    log2 = like(math.log(2.0), a)
    return apply("div", [logaddexp(apply("mul", [a, log2]), apply("mul", [b, log2])), log2])


@op
def sinc(x: Any) -> Tensor:
    """sin(πx) / (πx), and 1 at 0."""
    t = float_tensor(x)
    t = apply("mul", [t, like(math.pi, t)])
    # Near 0 the quotient's derivative, cos t / t - sin t / t², cancels; the series' does not.
    near = apply("lt", [apply("abs", [t]), like(1.0, t)])
    small = apply("select", [near, t, like(0.0, t)])
    series = polynomial(_SINC_NEAR, apply("mul", [small, small]))
    large = apply("select", [near, like(1.0, t), t])
    return apply("select", [near, series, apply("div", [apply("sin", [large]), large])])


@op
def i0(x: Any) -> Tensor:
    """The modified Bessel function of the first kind and order 0."""
    size = apply("abs", [float_tensor(x)])
    edge = like(3.75, size)
    near = apply("lt", [size, edge])
    t = apply("div", [apply("select", [near, size, like(0.0, size)]), edge])
    inner = polynomial(_I0_NEAR, apply("mul", [t, t]))
    far = apply("select", [near, edge, size])
    outer = polynomial(_I0_FAR, apply("div", [edge, far]))
    growth = apply("div", [apply("exp", [far]), apply("sqrt", [far])])
    outer = apply("mul", [growth, outer])
    return apply("select", [near, inner, outer])


def _window_ruler(x: Any) -> tuple[Tensor, int]:
    """0, 1, …, and how far it goes, for a window of `x` points."""
    try:
        count = operator.index(x)
    except TypeError:
        raise TypeError(f"The length of a window must be an integer, got {x!r}.") from None
    if count < 0:
        raise ValueError(f"The length of a window must not be negative, got {count}.")
    return cast_to(apply("iota", [], shape=(count,), axis=0), "float32"), max(count - 1, 1)


def _cosines(x: Any, *weights: float) -> Tensor:
    """Σ w_k·cos(2πkn / (N - 1)); a window of one point is 1."""
    n, last = _window_ruler(x)
    if n.size == 1:
        return like(1.0, n)
    total = like(weights[0], n)
    for k, weight in enumerate(weights[1:], start=1):
        phase = apply("mul", [n, like(2.0 * math.pi * k / last, n)])
        total = apply("add", [total, apply("mul", [apply("cos", [phase]), like(weight, n)])])
    return total


@op
def hanning(x: Any) -> Tensor:
    """Hann's window of `x` points."""
    return _cosines(x, 0.5, -0.5)


@op
def hamming(x: Any) -> Tensor:
    """Hamming's window of `x` points."""
    return _cosines(x, 0.54, -0.46)


@op
def blackman(x: Any) -> Tensor:
    """Blackman's window of `x` points."""
    return _cosines(x, 0.42, -0.5, 0.08)


@op
def bartlett(x: Any) -> Tensor:
    """The triangular window of `x` points, zero at both ends."""
    n, last = _window_ruler(x)
    if n.size == 1:
        return like(1.0, n)
    rise = apply("div", [n, like(last / 2.0, n)])
    return apply("min", [rise, apply("sub", [like(2.0, n), rise])])


@op
def kaiser(x: Any, beta: Any) -> Tensor:
    """Kaiser's window of `x` points and the shape `beta`, a number."""
    n, last = _window_ruler(x)
    if n.size == 1:
        return like(1.0, n)
    beta = float_tensor(beta)
    if beta.shape != ():
        raise ValueError(f"beta must be one number, got shape {beta.shape}.")
    place = apply("sub", [apply("mul", [n, like(2.0 / last, n)]), like(1.0, n)])
    inside = apply("sub", [like(1.0, n), apply("mul", [place, place])])
    root = apply("sqrt", [apply("max", [inside, like(0.0, n)])])
    shape, root = broadcast(beta, root)
    return apply("div", [i0(apply("mul", [shape, root])), i0(shape)])


def _integers(name: str, *values: Any) -> list[Tensor]:
    tensors = [tensor(value) for value in values]
    if any(x.dtype == "float32" for x in tensors):
        raise TypeError(f"{name} takes integers, got {' and '.join(x.dtype for x in tensors)}.")
    return broadcast(*(cast_to(x, "int32") for x in tensors))


def _greatest_common_divisor(a: Tensor, b: Tensor) -> Tensor:
    """Euclid's algorithm, as many steps as the longest needs."""
    a, b = apply("abs", [a]), apply("abs", [b])
    zero = like(0, a)
    for _ in range(_EUCLID_STEPS):
        done = apply("eq", [b, zero])
        a, b = (
            apply("select", [done, a, b]),
            apply("select", [done, zero, apply("mod", [a, b])]),
        )
    return a


@op
def gcd(x1: Any, x2: Any) -> Tensor:
    """The greatest common divisor of integers."""
    return _greatest_common_divisor(*_integers("gcd", x1, x2))


@op
def lcm(x1: Any, x2: Any) -> Tensor:
    """The least common multiple of integers; 0 if either is 0."""
    a, b = _integers("lcm", x1, x2)
    return apply("abs", [apply("mul", [apply("div", [a, _greatest_common_divisor(a, b)]), b])])


def _shift(name: str, primitive: str, x: Any, y: Any) -> Tensor:
    """One power of two after the other, as the bits of `y` say."""
    x, y = _integers(name, x, y)
    zero = like(0, y)
    for bit in range(5):
        hit = apply("div", [y, like(2**bit, y)])
        hit = apply("ne", [apply("mod", [hit, like(2, y)]), zero])
        x = apply("select", [hit, apply(primitive, [x, like(2 ** (2**bit), x)]), x])
    outside = apply("or", [apply("lt", [y, zero]), apply("le", [like(_INT_BITS, y), y])])
    rest = like(0, x)
    if primitive == "div":  # an arithmetic shift keeps the sign
        rest = apply("select", [apply("lt", [x, zero]), like(-1, x), rest])
    return apply("select", [outside, rest, x])


@op
def left_shift(x: Any, y: Any) -> Tensor:
    """`x << y` of integers; shifts outside 0 … 31 give 0."""
    return _shift("left_shift", "mul", x, y)


@op
def bitwise_left_shift(x: Any, y: Any) -> Tensor:
    """`x << y` of integers; shifts outside 0 … 31 give 0."""
    return _shift("bitwise_left_shift", "mul", x, y)


@op
def right_shift(x: Any, y: Any) -> Tensor:
    """`x >> y` of integers, the sign kept; shifts outside 0 … 31 give 0 or -1."""
    return _shift("right_shift", "div", x, y)


@op
def bitwise_right_shift(x: Any, y: Any) -> Tensor:
    """`x >> y` of integers, the sign kept; shifts outside 0 … 31 give 0 or -1."""
    return _shift("bitwise_right_shift", "div", x, y)


@op
def saturate_cast(x: Any, dtype: Any) -> Tensor:
    """`x` in another dtype, what does not fit as the nearest value that does."""
    x, wanted = tensor(x), canonical_dtype(dtype)
    if x.dtype == "float32" and wanted == "int32":
        # The largest float32 that is an int32; what lies above is caught separately.
        top = like(2147483520.0, x)
        over = apply("lt", [top, x])
        inside = cast_to(apply("min", [x, top]), "int32")
        nan = apply("isnan", [x])
        most = fill(2**31 - 1, x.shape, "int32")
        inside = apply("select", [over, most, inside])
        return apply("select", [nan, fill(0, x.shape, "int32"), inside])
    return cast(x, dtype)


@op
def view(x: Any, dtype: Any = None) -> Tensor:
    """`x` itself. Raises `NotImplementedError` for another dtype: bits cannot be reinterpreted."""
    x = tensor(x)
    if dtype is not None and canonical_dtype(dtype) != x.dtype:
        raise NotImplementedError(
            f"view({x.dtype}, dtype={dtype!r}) would reinterpret bits, which no tensor function "
            "can. Use ops.cast, or numpy's view before making a tensor."
        )
    return x
