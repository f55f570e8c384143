"""Activations that are exactly zero in parts."""

from __future__ import annotations

from typing import Any

from hotloop.graph import Tensor, apply, fill
from hotloop.ops.convert import cast_to, expand, float_tensor, normalize_axis
from hotloop.ops.cumulative import cumsum
from hotloop.ops.dispatch import op
from hotloop.ops.manipulation import flip
from hotloop.ops.sorting import sort


@op
def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, `x` from 1 on, and the parabola (x + 1)² / 4 between."""
    x = float_tensor(x)
    one = fill(1.0, x.shape, "float32")
    shifted = apply("add", [x, one])
    middle = apply("mul", [fill(0.25, x.shape, "float32"), apply("mul", [shifted, shifted])])
    upper = apply("select", [apply("lt", [x, one]), middle, x])
    low = apply("le", [x, apply("neg", [one])])
    return apply("select", [low, fill(0.0, x.shape, "float32"), upper])


@op
def sparse_sigmoid(x: Any) -> Tensor:
    """0 up to -1, 1 from 1 on, and the line between."""
    x = float_tensor(x)
    zero, one = fill(0.0, x.shape, "float32"), fill(1.0, x.shape, "float32")
    middle = apply("mul", [fill(0.5, x.shape, "float32"), apply("add", [x, one])])
    upper = apply("select", [apply("le", [one, x]), one, middle])  # NaN stays NaN
    return apply("select", [apply("le", [x, apply("neg", [one])]), zero, upper])


@op
def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The nearest point whose entries are at least 0 and add up to 1 along `axis`.

    Martins and Astudillo, "From softmax to sparsemax", 2016, algorithm 1.
    """
    x = float_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    falling = flip(sort(x, axis), axis)
    total = cumsum(falling, axis)
    one, zero = fill(1.0, x.shape, "float32"), fill(0.0, x.shape, "float32")
    place = cast_to(apply("iota", [], shape=x.shape, axis=axis), "float32")
    rank = apply("add", [place, one])
    reach = apply("add", [one, apply("mul", [rank, falling])])
    inside = apply("lt", [total, reach])
    count = apply("sum", [cast_to(inside, "float32")], axes=(axis,))
    chosen = apply("sum", [apply("select", [inside, falling, zero])], axes=(axis,))
    threshold = apply("div", [apply("sub", [chosen, fill(1.0, chosen.shape, "float32")]), count])
    above = apply("sub", [x, expand(threshold, x.shape)])
    return apply("select", [apply("lt", [zero, above]), above, zero])
