"""Random tensors that are made of uniform ones by rejection and counting.

A compiled plan has a fixed number of steps, so rejection stops after so many rounds that what is
still open then (less than one draw in 10**10) does not show.
"""

from __future__ import annotations

import math
from typing import Any

from hotloop.graph import Tensor, apply
from hotloop.ops.convert import cast_to, like, shape_tuple
from hotloop.ops.shorthand import add, div, log, mul, select, sub
from hotloop.random.tensors import _float, _key, _unit, fitted, standard_normal

_GAMMA_ROUNDS = 10  # each accepts at least 95 %
_BINOMIAL_ROUNDS = 24  # each accepts at least 65 %
_INVERSION_STEPS = 48  # P(X > 48) < 1e-15 for a mean below 10
_STREAMS = 3 * _GAMMA_ROUNDS + 1  # that one gamma tensor takes of a key


def _parameter(value: Any, dims: tuple[int, ...], name: str) -> Tensor:
    """A parameter in the shape of the result, through which no gradient flows."""
    return apply("stop_gradient", [fitted(value, dims, name)])


def _positive_unit(dims: tuple[int, ...], key: Tensor, offset: int) -> Tensor:
    """Uniform in (0, 1]."""
    u = _unit(dims, key, offset)
    return sub(like(1.0, u), u)


def _gamma_parts(alpha: Tensor, key: Tensor, offset: int) -> tuple[Tensor, Tensor]:
    """A gamma variable as x·exp(y): y is below 0 where alpha is below 1, else 0.

    Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
    """
    dims = alpha.shape
    one, zero = like(1.0, alpha), like(0.0, alpha)
    low = apply("lt", [alpha, one])
    shape = select(low, add(alpha, one), alpha)
    d = sub(shape, like(1.0 / 3.0, shape))
    c = div(one, apply("sqrt", [mul(like(9.0, d), d)]))
    result = d  # v = 1, near the middle
    for turn in reversed(range(_GAMMA_ROUNDS)):
        at = offset + 3 * turn
        x = standard_normal(dims, key, at)
        root = add(one, mul(c, x))
        inside = apply("lt", [zero, root])
        v = select(inside, mul(root, mul(root, root)), one)
        bound = add(mul(like(0.5, x), mul(x, x)), mul(d, add(sub(one, v), log(v))))
        accepted = apply("lt", [log(_positive_unit(dims, key, at + 2)), bound])
        result = select(apply("and", [inside, accepted]), mul(d, v), result)
    boost = div(log(_positive_unit(dims, key, offset + _STREAMS - 1)), select(low, alpha, one))
    return result, select(low, boost, zero)


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers of the gamma distribution with the shape parameter `alpha` > 0 and scale 1.

    `alpha` broadcasts to `shape`; no gradient flows through it. NaN where it is not positive.
    """
    _float(dtype)
    alpha = _parameter(alpha, shape_tuple(shape), "alpha")
    x, boost = _gamma_parts(alpha, _key(seed), 0)
    valid = apply("lt", [like(0.0, alpha), alpha])
    return select(valid, mul(x, apply("exp", [boost])), like(math.nan, x))


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers of the beta distribution with the parameters `alpha` and `beta` > 0.

    Both broadcast to `shape`; no gradient flows through them. NaN where they are not positive.
    """
    _float(dtype)
    dims, key = shape_tuple(shape), _key(seed)
    sides = [_parameter(alpha, dims, "alpha"), _parameter(beta, dims, "beta")]
    logs = []
    for number, side in enumerate(sides):
        x, boost = _gamma_parts(side, key, number * _STREAMS)
        logs.append(add(log(x), boost))
    # x / (x + y), with logarithms: tiny parameters make both x and y underflow.
    share = apply("sigmoid", [sub(*logs)])
    valid = apply("lt", [like(0.0, share), apply("min", sides)])
    return select(valid, share, like(math.nan, share))


def _by_inversion(n: Tensor, p: Tensor, u: Tensor) -> Tensor:
    """How many values of the distribution function `u` has reached; for means below 10."""
    one, zero = like(1.0, n), like(0.0, n)
    odds = div(p, sub(one, p))
    mass = apply("exp", [mul(n, apply("log1p", [apply("neg", [p])]))])
    reached, k = mass, zero
    for j in range(_INVERSION_STEPS):
        k = add(k, cast_to(apply("le", [reached, u]), "float32"))
        rest = apply("max", [sub(n, like(float(j), n)), zero])
        mass = mul(mass, mul(div(rest, like(float(j + 1), n)), odds))
        reached = add(reached, mass)
    return apply("min", [k, n])


def _stirling_tail(k: Tensor) -> Tensor:
    """log(k!) minus Stirling's approximation of it."""
    m = add(k, like(1.0, k))
    square = mul(m, m)
    inner = sub(like(1.0 / 360.0, m), div(like(1.0 / 1260.0, m), square))
    return div(sub(like(1.0 / 12.0, m), div(inner, square)), m)


def _by_rejection(n: Tensor, p: Tensor, key: Tensor, offset: int) -> Tensor:
    """Hörmann, "The generation of binomial random variates", 1993: BTRS, for means from 10."""
    one, zero, half = like(1.0, n), like(0.0, n), like(0.5, n)
    q = sub(one, p)
    mean = mul(n, p)
    spread = apply("sqrt", [mul(mean, q)])
    b = add(like(1.15, n), mul(like(2.53, n), spread))
    a = add(mul(like(0.0248, n), b), sub(mul(like(0.01, n), p), like(0.0873, n)))
    c = add(mean, half)
    quick = sub(like(0.92, n), div(like(4.2, n), b))
    alpha = mul(add(like(2.83, n), div(like(5.1, n), b)), spread)
    odds = div(p, q)
    m = apply("floor", [mul(add(n, one), p)])
    above_m = add(sub(n, m), one)
    peak = mul(add(m, half), log(div(add(m, one), mul(odds, above_m))))
    peak = add(peak, add(_stirling_tail(m), _stirling_tail(sub(n, m))))
    result = m
    for turn in reversed(range(_BINOMIAL_ROUNDS)):
        at = offset + 2 * turn
        u = sub(_unit(n.shape, key, at), half)
        v = _positive_unit(n.shape, key, at + 1)
        us = sub(half, apply("abs", [u]))
        us = apply("max", [us, like(1e-7, n)])
        k = apply("floor", [add(mul(add(div(add(a, a), us), b), u), c)])
        inside = apply("and", [apply("le", [zero, k]), apply("le", [k, n])])
        at_once = apply("and", [apply("le", [like(0.07, n), us]), apply("le", [v, quick])])
        k = apply("min", [apply("max", [k, zero]), n])
        height = log(div(mul(v, alpha), add(div(a, mul(us, us)), b)))
        above_k = add(sub(n, k), one)
        bound = add(peak, mul(add(n, one), log(div(above_m, above_k))))
        ratio = div(mul(odds, above_k), add(k, one))
        bound = add(bound, mul(add(k, half), log(ratio)))
        bound = sub(bound, add(_stirling_tail(k), _stirling_tail(sub(n, k))))
        accepted = apply("or", [at_once, apply("le", [height, bound])])
        result = select(apply("and", [inside, accepted]), k, result)
    return result


def binomial(
    shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Tensor:
    """How many of `counts` trials succeed with `probabilities`, as float32.

    Both broadcast to `shape`; no gradient flows through them. NaN where a count is negative or a
    probability is not from 0 to 1. Fractions of counts are cut off; from about a million on,
    float32 blurs the distribution.
    """
    _float(dtype)
    dims, key = shape_tuple(shape), _key(seed)
    n = apply("floor", [_parameter(counts, dims, "counts")])
    p = _parameter(probabilities, dims, "probabilities")
    zero, one, half = like(0.0, n), like(1.0, n), like(0.5, n)
    valid = apply("and", [apply("le", [zero, n]), apply("le", [zero, p])])
    valid = apply("and", [valid, apply("le", [p, one])])
    mirrored = apply("lt", [half, p])
    rare = select(valid, select(mirrored, sub(one, p), p), zero)
    n = select(valid, n, zero)
    few = apply("lt", [mul(n, rare), like(10.0, n)])
    counted = _by_inversion(select(few, n, zero), rare, _unit(dims, key))
    # Where it does not apply, something that does: 40 trials at 1/2.
    trials, chance = select(few, like(40.0, n), n), select(few, half, rare)
    found = select(few, counted, _by_rejection(trials, chance, key, 1))
    found = select(mirrored, sub(n, found), found)
    return select(valid, found, like(math.nan, n))
