"""Functions that count, search and summarise."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from hotloop.graph import Tensor, TracingError, apply, constant, fill
from hotloop.ops.arrangement import diagonal_of
from hotloop.ops.convert import (
    broadcast,
    cast_to,
    expand,
    float_tensor,
    normalize_axis,
    tensor,
)
from hotloop.ops.dispatch import op
from hotloop.ops.indexing import take
from hotloop.ops.manipulation import diff, flip, reshape, take_range, transpose
from hotloop.ops.products import matmul
from hotloop.ops.reductions import Axis, max, mean, min, reduce
from hotloop.ops.reductions import sum as sum_of
from hotloop.ops.scattering import scatter_rows
from hotloop.ops.sorting import sort


def _integers(name: str, x: Any) -> Tensor:
    x = tensor(x, "int32")
    if x.dtype != "int32":
        raise TypeError(f"{name} takes integers, got {x.dtype}.")
    return x


@op
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often each of 0, 1, … occurs in a vector, or in each row of a matrix; or the sum of its
    `weights`.

    The largest value decides the length, which therefore must be known: raises `TracingError` on
    symbolic tensors.
    """
    if sparse:
        raise NotImplementedError("bincount(sparse=True): hotloop has no sparse tensors.")
    x = _integers("bincount", x)
    if x.ndim not in (1, 2):
        raise ValueError(f"bincount takes a vector or a matrix, got shape {x.shape}.")
    if minlength < 0:
        raise ValueError(f"minlength must not be negative, got {minlength}.")
    if not x.concrete:
        raise TracingError(
            "bincount of a symbolic tensor has a length that depends on values. Use "
            "ops.sum(ops.one_hot(x, num_classes), axis=0), or compile with run_eagerly=True."
        )
    known = np.asarray(x)
    length = int(known.max(initial=-1)) + 1
    length = builtins.max(length, minlength)
    rows = x if x.ndim == 2 else reshape(x, (1, x.size))
    w = fill(1, x.shape, "int32") if weights is None else tensor(weights, "int32")
    if w.shape != x.shape:
        raise ValueError(f"weights of shape {w.shape} do not fit x of shape {x.shape}.")
    updates = reshape(w, (*rows.shape, 1))
    total = apply("scatter", [rows, updates], rows=length, combine="sum")
    return reshape(total, (*x.shape[:-1], length))


def _vector(name: str, x: Tensor) -> None:
    if x.ndim != 1:
        raise ValueError(f"{name} must be a vector, got shape {x.shape}.")


def _promoted(*tensors: Tensor) -> tuple[Tensor, ...]:
    kinds = {t.dtype for t in tensors}
    wanted = next((d for d in ("float32", "int32") if d in kinds), "bool")
    return tuple(cast_to(t, wanted) for t in tensors)


@op
def digitize(x: Any, bins: Any) -> Tensor:
    """Which of the intervals between the sorted `bins` each value is in, int32: 0 below all.

    An interval holds its lower end. `bins` may fall as well as rise.
    """
    points, line = _promoted(tensor(x), tensor(bins))
    _vector("bins", line)
    if not line.size:
        return fill(0, points.shape, "int32")
    points, line = tensor(points, "int32"), tensor(line, "int32")
    rising = apply("searchsorted", [line, points], right=True)
    turned = apply("searchsorted", [flip(line), points], right=True)
    falling = apply("sub", [fill(line.size, points.shape, "int32"), turned])
    first, last = (
        take_range(line, 0, range(1)),
        take_range(line, 0, range(line.size - 1, line.size)),
    )
    rises = expand(reshape(apply("le", [first, last]), (1,) * points.ndim), points.shape)
    return apply("select", [rises, rising, falling])


@op
def histogram(x: Any, bins: int = 10, range: Any = None) -> tuple[Tensor, Tensor]:
    """The number of elements of a vector in each of `bins` equal intervals, and their edges.

    `range` is (low, high); by default the smallest and largest element. The last interval holds its
    upper end.
    """
    if not isinstance(bins, int) or isinstance(bins, bool):
        raise TypeError(f"bins must be an integer, got {bins!r}.")
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}.")
    x = float_tensor(x)
    _vector("x", x)
    if range is not None:
        if len(range) != 2 or not range[0] <= range[1]:
            raise ValueError(f"range must be (low, high) with low <= high, got {range!r}.")
        low, high = (float_tensor(v) for v in range)
    elif x.size:
        low, high = min(x), max(x)
    else:
        low, high = float_tensor(0.0), float_tensor(1.0)
    half = fill(0.5, (), "float32")
    flat = apply("eq", [low, high])
    low = apply("select", [flat, apply("sub", [low, half]), low])
    high = apply("select", [flat, apply("add", [high, half]), high])
    ruler = constant(np.arange(bins + 1) / bins, "float32")
    rest = constant(1.0 - np.arange(bins + 1) / bins, "float32")
    edges = apply(
        "add",
        [
            apply("mul", [expand(low, rest.shape), rest]),
            apply("mul", [expand(high, ruler.shape), ruler]),
        ],
    )
    inner = take_range(edges, 0, builtins.range(bins))
    place = apply("searchsorted", [inner, x], right=True)
    place = apply("sub", [place, fill(1, x.shape, "int32")])
    inside = apply("le", [x, expand(high, x.shape)])  # what is below or NaN has no place either
    place = apply("select", [inside, place, fill(-1, x.shape, "int32")])
    ones = fill(1, (x.size, 1), "int32")
    return reshape(scatter_rows(place, ones, bins, "sum"), (bins,)), edges


@op
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of `x1` is in `x2`; with `invert`, whether it is not.

    `assume_unique` promises what makes no difference here.
    """
    points, candidates = (tensor(x, "int32") for x in _promoted(tensor(x1), tensor(x2)))
    if not candidates.size:
        return fill(bool(invert), points.shape, "bool")
    line = sort(reshape(candidates, (candidates.size,)))
    place = apply("searchsorted", [line, points])
    place = apply("min", [place, fill(candidates.size - 1, place.shape, "int32")])
    found = apply("eq", [take(line, place), points])
    return apply("not", [found]) if invert else found


@op
def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest minus the smallest element."""
    x = tensor(x, "int32")
    return apply("sub", [reduce("amax", x, axis, keepdims), reduce("amin", x, axis, keepdims)])


@op
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    """The area under `y` by trapezoids, at the points `x` or at distances `dx`."""
    y = float_tensor(y)
    axis = normalize_axis(axis, y.ndim)
    size = y.shape[axis]
    if size < 2:
        return sum_of(take_range(y, axis, range(0)), axis=axis)
    pair = [take_range(y, axis, range(1, size)), take_range(y, axis, range(size - 1))]
    middle = apply("mul", [apply("add", pair), fill(0.5, pair[0].shape, "float32")])
    if x is None:
        gaps = float_tensor(dx)
    else:
        points = float_tensor(x)
        if points.ndim == 1:
            gaps = diff(points)
            gaps = reshape(gaps, [gaps.size if a == axis else 1 for a in range(y.ndim)])
        else:
            gaps = diff(points, axis=axis)
    return sum_of(apply("mul", broadcast(middle, gaps)), axis=axis)


@op
def cdist(x: Any, y: Any) -> Tensor:
    """The Euclidean distances between the rows of `x` and those of `y`."""
    a, b = float_tensor(x), float_tensor(y)
    if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-1]:
        raise ValueError(
            f"cdist takes matrices with rows of one length, got shapes {a.shape} and {b.shape}."
        )
    a = reshape(a, (*a.shape[:-1], 1, a.shape[-1]))
    b = reshape(b, (*b.shape[:-2], 1, *b.shape[-2:]))
    gap = apply("sub", broadcast(a, b))
    return apply("sqrt", [sum_of(apply("mul", [gap, gap]), axis=-1)])


@op
def corrcoef(x: Any) -> Tensor:
    """The correlation coefficients of the rows of a matrix, limited to [-1, 1]."""
    x = float_tensor(x)
    if x.ndim > 2:
        raise ValueError(f"corrcoef takes a vector or a matrix, got shape {x.shape}.")
    rows = reshape(x, (1, x.size)) if x.ndim < 2 else x
    centred = apply("sub", [rows, expand(mean(rows, axis=1, keepdims=True), rows.shape)])
    covariance = matmul(centred, transpose(centred))
    scale = apply("sqrt", [diagonal_of(covariance, 0)])
    by_row = apply("div", broadcast(covariance, reshape(scale, (scale.size, 1))))
    result = apply("div", broadcast(by_row, reshape(scale, (1, scale.size))))
    one = fill(1.0, result.shape, "float32")
    result = apply("max", [apply("min", [result, one]), apply("neg", [one])])
    return reshape(result, ()) if x.ndim < 2 else result


@op
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Tensor:
    """The sums of products of two vectors, one moved along the other.

    `mode` is "valid" (where they overlap fully), "same" or "full". One step per element of the
    shorter vector.
    """
    if mode not in ("valid", "same", "full"):
        raise ValueError(f'mode must be "valid", "same" or "full", got {mode!r}.')
    a, v = _promoted(tensor(x1, "int32"), tensor(x2, "int32"))
    _vector("x1", a)
    _vector("x2", v)
    if not a.size or not v.size:
        raise ValueError("correlate takes vectors with at least one element.")
    if a.size < v.size:
        return flip(correlate(v, a, mode))
    n, m = a.size, v.size
    left = {"valid": 0, "same": m // 2, "full": m - 1}[mode]
    length = {"valid": n - m + 1, "same": n, "full": n + m - 1}[mode]
    padded = apply("pad", [a], low=[left], high=[length + m - 1 - n - left])
    total = fill(0, (length,), a.dtype)
    for j in range(m):
        weight = expand(take_range(v, 0, range(j, j + 1)), (length,))
        total = apply(
            "add", [total, apply("mul", [take_range(padded, 0, range(j, j + length)), weight])]
        )
    return total
