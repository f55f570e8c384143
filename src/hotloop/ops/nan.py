"""Reductions that leave NaN out. Integers, which have none, are reduced as usual."""

from __future__ import annotations

import math
from typing import Any

from hotloop.graph import Tensor, apply, fill
from hotloop.ops.convert import cast_to, expand, float_tensor, normalize_axes, tensor
from hotloop.ops.dispatch import op
from hotloop.ops.reductions import Axis, argmax, argmin, drop_axes, reduce


def _without(x: Tensor, value: float) -> tuple[Tensor, Tensor]:
    """`x` with `value` in place of NaN, and where they were."""
    nan = apply("isnan", [x])
    return apply("select", [nan, fill(value, x.shape, "float32"), x]), nan


def _filled(x: Any, value: float) -> Tensor:
    x = tensor(x, "int32")
    return _without(x, value)[0] if x.dtype == "float32" else x


def _present(nan: Tensor, axis: Axis) -> Tensor:
    """How many are not NaN, as float32, reduced axes kept."""
    return reduce("sum", cast_to(apply("not", [nan]), "float32"), axis, True)


@op
def nansum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum of what is not NaN."""
    return reduce("sum", _filled(x, 0.0), axis, keepdims)


@op
def nanprod(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The product of what is not NaN."""
    return reduce("prod", _filled(x, 1.0), axis, keepdims)


def _mean(x: Tensor, axis: Axis) -> tuple[Tensor, Tensor, Tensor]:
    """The mean with reduced axes kept, the values with 0 for NaN, and where NaN were."""
    values, nan = _without(x, 0.0)
    return apply("div", [reduce("sum", values, axis, True), _present(nan, axis)]), values, nan


@op
def nanmean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean of what is not NaN; NaN if all is."""
    x = float_tensor(x)
    return drop_axes(_mean(x, axis)[0], normalize_axes(axis, x.ndim), keepdims)


@op
def nanvar(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The variance of what is not NaN; NaN if all is."""
    x = float_tensor(x)
    mean, values, nan = _mean(x, axis)
    gap = apply("sub", [values, expand(mean, x.shape)])
    gap = apply("select", [nan, fill(0.0, x.shape, "float32"), gap])
    total = reduce("sum", apply("mul", [gap, gap]), axis, True)
    result = apply("div", [total, _present(nan, axis)])
    return drop_axes(result, normalize_axes(axis, x.ndim), keepdims)


@op
def nanstd(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The square root of `nanvar`."""
    return apply("sqrt", [nanvar(x, axis, keepdims)])


def _extremum(primitive: str, worst: float, x: Any, axis: Axis, keepdims: bool) -> Tensor:
    x = tensor(x, "int32")
    if x.dtype != "float32":
        return reduce(primitive, x, axis, keepdims)
    values, nan = _without(x, worst)
    result = reduce(primitive, values, axis, True)
    present = _present(nan, axis)
    nothing = apply("eq", [present, fill(0.0, present.shape, "float32")])
    result = apply("select", [nothing, fill(math.nan, result.shape, "float32"), result])
    return drop_axes(result, normalize_axes(axis, x.ndim), keepdims)


@op
def nanmax(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element that is not NaN; NaN if all are."""
    return _extremum("amax", -math.inf, x, axis, keepdims)


@op
def nanmin(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest element that is not NaN; NaN if all are."""
    return _extremum("amin", math.inf, x, axis, keepdims)


def _position(function: Any, worst: float, x: Any, axis: int | None, keepdims: bool) -> Tensor:
    x = tensor(x, "int32")
    if x.dtype != "float32":
        return function(x, axis, keepdims)
    values, nan = _without(x, worst)
    place = function(values, axis, keepdims)
    found = drop_axes(_present(nan, axis), normalize_axes(axis, x.ndim), keepdims)
    nothing = apply("eq", [found, fill(0.0, found.shape, "float32")])
    return apply("select", [nothing, fill(-1, place.shape, "int32"), place])


@op
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The position of the first largest element that is not NaN; -1 if all are, as in JAX."""
    return _position(argmax, -math.inf, x, axis, keepdims)


@op
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The position of the first smallest element that is not NaN; -1 if all are, as in JAX."""
    return _position(argmin, math.inf, x, axis, keepdims)
