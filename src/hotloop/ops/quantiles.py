"""Quantiles of sorted lines, with the meaning they have in Keras on JAX."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hotloop.graph import Tensor, apply, fill
from hotloop.ops.convert import broadcast, cast_to, expand, float_tensor, normalize_axes
from hotloop.ops.dispatch import op
from hotloop.ops.indexing import take_along_axis
from hotloop.ops.manipulation import reshape
from hotloop.ops.reductions import Axis
from hotloop.ops.sorting import sort

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _lines(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """[lines, elements]: the axes that are reduced, flat, behind the others."""
    kept = [a for a in range(x.ndim) if a not in axes]
    count = math.prod(x.shape[a] for a in axes)
    if not count:
        raise ValueError(f"A quantile over nothing (shape {x.shape}, axes {axes}) has no value.")
    moved = apply("transpose", [x], perm=[*kept, *axes])
    return reshape(moved, (x.size // count, count))


def _between(low: Tensor, high: Tensor, share: Tensor, method: str) -> Tensor:
    """The value at the place `share` of the way from `low` to `high`."""
    if method == "lower":
        return low
    if method == "higher":
        return high
    half = fill(0.5, low.shape, "float32")
    if method == "nearest":
        return apply("select", [apply("le", [share, half]), low, high])
    if method == "midpoint":
        share = half
    rest = apply("sub", [fill(1.0, share.shape, "float32"), share])
    parts = []
    for value, weight in ((low, rest), (high, share)):
        # Nothing of a value without weight, which may be infinite.
        nothing = fill(0.0, weight.shape, "float32")
        product = apply("mul", [value, weight])
        parts.append(apply("select", [apply("eq", [weight, nothing]), nothing, product]))
    return apply("add", parts)


def _quantile(x: Any, q: Any, axis: Axis, method: str, keepdims: bool, skip_nan: bool) -> Tensor:
    if method not in _METHODS:
        raise ValueError(f"method must be one of {_METHODS}, got {method!r}.")
    x, q = float_tensor(x), float_tensor(q)
    if q.concrete and not (np.asarray(q) >= 0).all() & (np.asarray(q) <= 1).all():
        raise ValueError("Quantiles must be from 0 to 1 (percentiles from 0 to 100).")
    axes = normalize_axes(axis, x.ndim)
    lines = _lines(x, axes)
    rows, count = lines.shape
    nan = apply("isnan", [lines])
    missing = apply("sum", [cast_to(nan, "float32")], axes=(1,))
    zero = fill(0.0, (rows, 1), "float32")
    last = fill(float(count - 1), (rows, 1), "float32")
    if skip_nan:  # they are sorted to the end
        last = apply("max", [apply("sub", [last, missing]), zero])
    place = apply("mul", broadcast(last, reshape(q, (1, q.size))))
    below = apply("floor", [place])
    above = apply("min", broadcast(apply("ceil", [place]), last))
    ordered = sort(lines, axis=1)
    low, high = (take_along_axis(ordered, cast_to(t, "int32"), axis=1) for t in (below, above))
    result = _between(low, high, apply("sub", [place, below]), method)
    if not skip_nan:
        spoiled = expand(apply("lt", [zero, missing]), result.shape)
        result = apply("select", [spoiled, fill(math.nan, result.shape, "float32"), result])
    shape = [1 if a in axes else dim for a, dim in enumerate(x.shape) if keepdims or a not in axes]
    return reshape(apply("transpose", [result], perm=(1, 0)), (*q.shape, *shape))


def _percent(q: Any) -> Tensor:
    q = float_tensor(q)
    return apply("div", [q, fill(100.0, q.shape, "float32")])


@op
def quantile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """The values below which the shares `q` (0 to 1) of the elements are; NaN if any element is.

    The axes of `q` come first in the result. `method` says what lies between two elements:
    "linear", "lower", "higher", "midpoint" or "nearest". Raises `ValueError` for other methods, for
    known `q` out of range, and over nothing.
    """
    return _quantile(x, q, axis, method, keepdims, skip_nan=False)


@op
def percentile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` with `q` in percent."""
    return _quantile(x, _percent(q), axis, method, keepdims, skip_nan=False)


@op
def median(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The element in the middle, or the mean of the two there; NaN if any is."""
    return _quantile(x, 0.5, axis, "linear", keepdims, skip_nan=False)


@op
def nanquantile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` of what is not NaN; NaN if all is."""
    return _quantile(x, q, axis, method, keepdims, skip_nan=True)


@op
def nanpercentile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`percentile` of what is not NaN; NaN if all is."""
    return _quantile(x, _percent(q), axis, method, keepdims, skip_nan=True)


@op
def nanmedian(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The median of what is not NaN; NaN if all is."""
    return _quantile(x, 0.5, axis, "linear", keepdims, skip_nan=True)
