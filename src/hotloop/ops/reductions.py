"""Reductions, named and promoted as in `keras.ops`.

`axis` is an int, a tuple of ints, or None for all axes; `keepdims=True` leaves reduced axes with
size 1. A bad axis raises `ValueError`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hotloop._later import Later
from hotloop.graph import Tensor, apply, fill
from hotloop.ops.convert import (
    broadcast,
    cast_to,
    expand,
    float_tensor,
    normalize_axes,
    normalize_axis,
    shaped,
    tensor,
)
from hotloop.ops.core import cast
from hotloop.ops.dispatch import op

if TYPE_CHECKING:
    from hotloop.graph.primitives import matrices
else:
    matrices = Later("hotloop.graph.primitives.matrices")

Axis = int | Sequence[int] | None


def drop_axes(x: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    """Without the axes of size 1 that a reduction left, unless `keepdims`."""
    if keepdims or not axes:
        return x
    return apply("reshape", [x], shape=[d for a, d in enumerate(x.shape) if a not in axes])


def reduce(primitive: str, x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """A reduction of a float32 or int32 tensor."""
    axes = normalize_axes(axis, x.ndim)
    if axes:
        x = apply(primitive, [x], axes=axes)
    return drop_axes(x, axes, keepdims)


def _count(x: Tensor, axis: Axis) -> int:
    return math.prod(x.shape[a] for a in normalize_axes(axis, x.ndim))


def _mean(x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    total = reduce("sum", x, axis, keepdims)
    count = _count(x, axis)
    if count == 1:
        return total
    return apply("div", [total, fill(float(count), total.shape, "float32")])


@op
def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum; bools are counted as int32."""
    return reduce("sum", tensor(x, "int32"), axis, keepdims)


@op
def prod(x: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The product, computed in `dtype` where one is given."""
    x = tensor(x, "int32")
    return reduce("prod", x if dtype is None else cast(x, dtype), axis, keepdims)


@op
def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean, float32; NaN over nothing."""
    return _mean(float_tensor(x), axis, keepdims)


@op
def var(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean squared distance from the mean, float32."""
    x = float_tensor(x)
    centred = apply("sub", [x, expand(_mean(x, axis, True), x.shape)])
    return _mean(apply("mul", [centred, centred]), axis, keepdims)


@op
def std(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The square root of the variance, float32."""
    return apply("sqrt", [var(x, axis, keepdims)])


def _extremum(primitive: str, x: Any, axis: Axis, keepdims: bool, initial: Any) -> Tensor:
    x = tensor(x)
    is_bool = x.dtype == "bool"
    axes = normalize_axes(axis, x.ndim)
    if initial is not None:
        start = cast_to(tensor(initial), x.dtype)
        shape = [1 if a in axes else d for a, d in enumerate(x.shape)]
        if 0 in x.shape and 0 not in shape:
            return drop_axes(expand(start, shape), axes, keepdims)
    result = reduce(primitive, cast_to(x, "int32") if is_bool else x, axis, keepdims)
    if is_bool:
        result = cast_to(result, "bool")
    if initial is not None:
        pair = broadcast(result, start)
        names = {"amax": ("max", "or"), "amin": ("min", "and")}[primitive]
        result = apply(names[1] if is_bool else names[0], pair)
    return result


@op
def max(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The largest element, or `initial` if that is larger; NaN if any is.

    Raises `ValueError` over nothing without `initial`.
    """
    return _extremum("amax", x, axis, keepdims, initial)


@op
def min(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The smallest element, or `initial` if that is smaller; NaN if any is.

    Raises `ValueError` over nothing without `initial`.
    """
    return _extremum("amin", x, axis, keepdims, initial)


@op
def amax(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element; NaN if any is."""
    return _extremum("amax", x, axis, keepdims, None)


@op
def amin(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest element; NaN if any is."""
    return _extremum("amin", x, axis, keepdims, None)


@op
def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether an element is not zero."""
    hits = cast_to(cast_to(tensor(x), "bool"), "int32")
    return cast_to(reduce("sum", hits, axis, keepdims), "bool")


@op
def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether no element is zero."""
    misses = cast_to(apply("not", [cast_to(tensor(x), "bool")]), "int32")
    return apply("not", [cast_to(reduce("sum", misses, axis, keepdims), "bool")])


@op
def count_nonzero(x: Any, axis: Axis = None) -> Tensor:
    """How many elements are not zero, int32."""
    return reduce("sum", cast_to(cast_to(tensor(x), "bool"), "int32"), axis, False)


def _arg(primitive: str, x: Any, axis: int | None, keepdims: bool) -> Tensor:
    x = tensor(x, "int32")
    rank = x.ndim
    if axis is None:
        result = apply(primitive, [apply("reshape", [x], shape=(x.size,))], axis=0)
        return apply("reshape", [result], shape=(1,) * rank if keepdims else ())
    axis = normalize_axis(axis, rank)
    return drop_axes(apply(primitive, [x], axis=axis), (axis,), keepdims)


@op
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The position of the first largest element, int32; of the flat tensor if `axis` is None."""
    return _arg("argmax", x, axis, keepdims)


@op
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The position of the first smallest element, int32; of the flat tensor if `axis` is None."""
    return _arg("argmin", x, axis, keepdims)


@op
def average(x: Any, axis: int | None = None, weights: Any = None) -> Tensor:
    """The mean weighted with `weights`, of the shape of `x` or, along one axis, 1-D."""
    if weights is None:
        return _mean(float_tensor(x), axis, False)
    x, w = float_tensor(x), float_tensor(weights)
    if w.shape != x.shape:
        if axis is None or w.ndim != 1:
            raise ValueError(
                f"weights of shape {w.shape} do not fit x of shape {x.shape} and axis {axis}: pass "
                "weights of the shape of x, or 1-D weights and their axis."
            )
        axis = normalize_axis(axis, x.ndim)
        w = apply("reshape", [w], shape=[w.size if a == axis else 1 for a in range(x.ndim)])
        w = expand(w, x.shape)
    total = reduce("sum", apply("mul", [x, w]), axis, False)
    return apply("div", [total, reduce("sum", w, axis, False)])


@op
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) without overflow."""
    x = float_tensor(x)
    high = apply("stop_gradient", [reduce("amax", x, axis, True)])
    finite = apply("lt", [apply("abs", [high]), fill(math.inf, high.shape, "float32")])
    high = apply("select", [finite, high, fill(0.0, high.shape, "float32")])
    e = apply("exp", [apply("sub", [x, expand(high, x.shape)])])
    total = apply("add", [apply("log", [reduce("sum", e, axis, True)]), high])
    return drop_axes(total, normalize_axes(axis, x.ndim), keepdims)


def _matrix_norm(x: Tensor, ord: Any, axes: tuple[int, int], keepdims: bool) -> Tensor:
    rows, columns = axes
    dropped = normalize_axes(axes, x.ndim)
    if ord in ("nuc", 2, -2):
        kept = [a for a in range(x.ndim) if a not in axes]
        turned = apply("transpose", [x], perm=[*kept, rows, columns])
        stacked = shaped(turned, (math.prod(turned.shape[:-2]), *turned.shape[-2:]))
        _, values, _ = matrices.parts_of_svd(apply("svd", [stacked]), *stacked.shape[1:])
        chosen = reduce({"nuc": "sum", 2: "amax", -2: "amin"}[ord], values, 2, True)
        return shaped(
            chosen,
            [1 if a in axes else d for a, d in enumerate(x.shape) if keepdims or a not in axes],
        )
    if ord in (None, "fro"):
        return apply("sqrt", [reduce("sum", apply("mul", [x, x]), dropped, keepdims)])
    if ord not in (1, -1, math.inf, -math.inf):
        raise ValueError(
            f"ord must be None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf for a matrix norm, got "
            f"{ord!r}."
        )
    along, over = (rows, columns) if ord in (1, -1) else (columns, rows)
    sums = reduce("sum", apply("abs", [x]), along, True)
    return drop_axes(reduce("amax" if ord > 0 else "amin", sums, over, True), dropped, keepdims)


@op
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The norm of vectors along one axis, of matrices along two, or of all elements.

    `ord` is for vectors any number (None is 2; 0 counts what is not zero) and for matrices None or
    "fro" (the root of the sum of squares), 1, -1, inf or -inf (sums of columns or rows), 2, -2 or
    "nuc" (the largest singular value, the smallest, their sum).
    """
    x = float_tensor(x)
    axes = normalize_axes(axis, x.ndim)
    if len(axes) == 2 and (ord is not None or axis is not None):
        first, second = axis if isinstance(axis, list | tuple) else (0, 1)
        pair = (normalize_axis(first, x.ndim), normalize_axis(second, x.ndim))
        return _matrix_norm(x, ord, pair, keepdims)
    if len(axes) > 2 and ord is not None:
        raise ValueError(f"norm with ord={ord!r} takes one or two axes, got {len(axes)}.")
    if ord is None or ord == 2:
        return apply("sqrt", [reduce("sum", apply("mul", [x, x]), axes, keepdims)])
    size = apply("abs", [x])
    if ord == 1:
        return reduce("sum", size, axes, keepdims)
    if ord == math.inf:
        return reduce("amax", size, axes, keepdims)
    if ord == -math.inf:
        return reduce("amin", size, axes, keepdims)
    if not isinstance(ord, int | float):
        raise ValueError(f"ord must be None or a number for vectors, got {ord!r}.")
    if ord == 0:
        return reduce("sum", cast_to(cast_to(x, "bool"), "float32"), axes, keepdims)
    powered = apply("pow", [size, fill(float(ord), size.shape, "float32")])
    total = reduce("sum", powered, axes, keepdims)
    return apply("pow", [total, fill(1.0 / ord, total.shape, "float32")])
