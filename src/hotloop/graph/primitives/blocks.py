"""Primitives whose results may depend on any element, so that no tile program computes them.

Each becomes a block step of the native plan: whole arrays in, one whole array out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.graph.dtypes import BOOL, FLOAT, INT
from hotloop.graph.primitives.registry import Shape, register
from hotloop.graph.tensor import Tensor, apply, fill

Attrs = dict[str, Any]

COMBINES: dict[str, Any] = {
    "sum": np.add,
    "max": np.maximum,
    "min": np.minimum,
    "prod": np.multiply,
}
_NEUTRAL: dict[str, dict[str, Any]] = {
    FLOAT: {"sum": 0.0, "max": -np.inf, "min": np.inf, "prod": 1.0},
    INT: {"sum": 0, "max": -(2**31), "min": 2**31 - 1, "prod": 1},
}


def neutral(combine: str, dtype: str) -> float | int:
    """What combining nothing gives."""
    return _NEUTRAL[dtype][combine]


def lane(bits: int, dtype: str) -> Any:
    """The scalar of a dtype that has these 32 bits."""
    word = np.array([bits], np.uint32)
    if dtype == FLOAT:
        return word.view(np.float32)[0]
    return word.view(np.int32)[0] if dtype == INT else np.bool_(bits)


def _expand(x: Tensor, shape: Shape) -> Tensor:
    return x if x.shape == shape else apply("broadcast_to", [x], shape=shape)


# -- gather and scatter ----------------------------------------------------------------------------


def _check_rows(name: str, table: Tensor, indices: Tensor) -> None:
    if (
        table.ndim != 3
        or indices.ndim != 2
        or indices.dtype != INT
        or indices.shape[0] not in (1, table.shape[0])
    ):
        raise ValueError(
            f"{name!r} takes a tensor of shape (batch, rows, columns) and int32 indices of shape "
            f"(batch or 1, count), got {table.dtype}{list(table.shape)} and "
            f"{indices.dtype}{list(indices.shape)}."
        )


def _infer_gather(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    """`gather(table, indices, fill)`: per batch the rows that the indices name.

    An index that is no row gives the element with the 32 bits `fill`.
    """
    table, indices = inputs
    _check_rows(name, table, indices)
    attrs["fill"] = int(attrs["fill"])
    return (table.shape[0], indices.shape[1], table.shape[2]), table.dtype


def _gather(float_dtype: Any, attrs: Attrs, table: np.ndarray, indices: np.ndarray) -> np.ndarray:
    batch, rows, cols = table.shape
    kind = {"f": FLOAT, "i": INT, "b": BOOL}[table.dtype.kind]
    result = np.full((batch, indices.shape[1], cols), lane(attrs["fill"], kind), table.dtype)
    indices = np.broadcast_to(indices, (batch, indices.shape[1]))
    which, place = np.nonzero((indices >= 0) & (indices < rows))
    result[which, place] = table[which, indices[which, place]]
    return result


def _gather_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    table, indices = out.inputs
    return apply("scatter", [indices, g], rows=table.shape[1], combine="sum")


def _infer_scatter(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    """`scatter(indices, updates, rows, combine)`: per batch row r combines the updates whose index
    is r, in their order; indices that are no row are left out."""
    indices, updates = inputs
    _check_rows(name, updates, indices)
    rows, combine = attrs["rows"], attrs["combine"]
    if indices.shape[1] != updates.shape[1] or rows < 0 or updates.dtype == BOOL:
        raise ValueError(
            f"{name!r} into {rows} rows takes one index for each of the float32 or int32 updates, "
            f"got {indices.shape[1]} for {updates.dtype}{list(updates.shape)}."
        )
    if combine not in COMBINES:
        raise ValueError(f"{name!r} combines by {', '.join(COMBINES)}, not {combine!r}.")
    return (updates.shape[0], rows, updates.shape[2]), updates.dtype


def _scatter(
    float_dtype: Any, attrs: Attrs, indices: np.ndarray, updates: np.ndarray
) -> np.ndarray:
    batch, count, cols = updates.shape
    rows, combine = attrs["rows"], attrs["combine"]
    kind = FLOAT if updates.dtype.kind == "f" else INT
    result = np.full((batch, rows, cols), neutral(combine, kind), updates.dtype)
    indices = np.broadcast_to(indices, (batch, count))
    which, place = np.nonzero((indices >= 0) & (indices < rows))
    with np.errstate(all="ignore"):
        COMBINES[combine].at(result, (which, indices[which, place]), updates[which, place])
    return result


def _scatter_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    indices, updates = out.inputs
    combine, rows = out.attrs["combine"], out.attrs["rows"]

    def back(x: Tensor) -> Tensor:
        return apply("gather", [x, indices], fill=0)

    def total(x: Tensor) -> Tensor:
        return apply("scatter", [indices, x], rows=rows, combine="sum")

    if combine == "sum":
        return back(g)
    zero = fill(0.0, updates.shape, FLOAT)
    if combine in ("max", "min"):  # shared equally among the updates that are the extremum
        chosen = apply("eq", [updates, back(out)])
        count = total(apply("cast", [chosen], dtype=FLOAT))
        return apply("select", [chosen, back(apply("div", [g, count])), zero])
    # The product of the others: as for the reduction `prod`.
    one = fill(1.0, updates.shape, FLOAT)
    is_zero = apply("eq", [updates, zero])
    zeros = apply("cast", [is_zero], dtype=FLOAT)
    filled = apply("select", [is_zero, one, updates])
    rest = back(apply("scatter", [indices, filled], rows=rows, combine="prod"))
    others = apply("sub", [back(total(zeros)), zeros])
    product = apply("select", [apply("eq", [others, zero]), apply("div", [rest, filled]), zero])
    return apply("mul", [back(g), product])


register("gather", _infer_gather, _gather, _gather_gradient)
register("scatter", _infer_scatter, _scatter, _scatter_gradient)


# -- running sums and products ---------------------------------------------------------------------


def _infer_scan(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    """`cumsum(x, axis, reverse)`, `cumprod(x, axis, reverse)`; reverse: from the end on."""
    (x,) = inputs
    attrs["reverse"] = bool(attrs.get("reverse", False))
    if x.dtype == BOOL or not 0 <= attrs["axis"] < x.ndim:
        raise ValueError(
            f"{name!r} along axis {attrs['axis']} of {x.dtype}{list(x.shape)}: it takes float32 or "
            "int32 tensors that have this axis."
        )
    return x.shape, x.dtype


def _scan(name: str) -> Any:
    function: Any = {"cumsum": np.cumsum, "cumprod": np.cumprod}[name]

    def reference(float_dtype: Any, attrs: Attrs, x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            if not attrs["reverse"]:
                return function(x, axis=attrs["axis"], dtype=x.dtype)
            backwards = np.flip(x, attrs["axis"])
            return np.flip(function(backwards, axis=attrs["axis"], dtype=x.dtype), attrs["axis"])

    return reference


def _cumsum_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    return apply("cumsum", [g], axis=out.attrs["axis"], reverse=not out.attrs["reverse"])


def _cumprod_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    """Behind the first zero nothing matters; at it, what the products would be without it."""
    (x,) = out.inputs
    axis, reverse = out.attrs["axis"], out.attrs["reverse"]
    one, zero = fill(1.0, x.shape, FLOAT), fill(0.0, x.shape, FLOAT)
    is_zero = apply("eq", [x, zero])
    zeros = apply("cumsum", [apply("cast", [is_zero], dtype=FLOAT)], axis=axis, reverse=reverse)
    at_first = apply("and", [is_zero, apply("eq", [zeros, one])])
    without = apply("select", [at_first, one, x])

    def behind(y: Tensor) -> Tensor:
        return apply("cumsum", [apply("mul", [g, y])], axis=axis, reverse=not reverse)

    before = apply("div", [behind(out), apply("select", [is_zero, one, x])])
    there = behind(apply("cumprod", [without], axis=axis, reverse=reverse))
    later = apply("select", [at_first, there, zero])
    return apply("select", [apply("eq", [zeros, zero]), before, later])


register("cumsum", _infer_scan, _scan("cumsum"), _cumsum_gradient)
register("cumprod", _infer_scan, _scan("cumprod"), _cumprod_gradient)


# -- order -----------------------------------------------------------------------------------------


def _infer_argsort(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    """`argsort(x, descending)`: along the last axis; equal values keep their order.

    NaN is above everything: last, or first if descending.
    """
    (x,) = inputs
    attrs["descending"] = bool(attrs.get("descending", False))
    if x.ndim == 0 or x.dtype == BOOL:
        raise ValueError(
            f"{name!r} takes float32 or int32 tensors with an axis to sort along, got "
            f"{x.dtype}{list(x.shape)}."
        )
    return x.shape, INT


def _ranks(x: np.ndarray) -> np.ndarray:
    """Whole numbers in the order of the elements, NaN above all."""
    _, ranks = np.unique(np.where(np.isnan(x), np.nan, x + 0.0), return_inverse=True)
    return ranks.reshape(x.shape)


def _argsort(float_dtype: Any, attrs: Attrs, x: np.ndarray) -> np.ndarray:
    ranks = _ranks(x) if attrs["descending"] else x
    keys = -ranks if attrs["descending"] else ranks
    return np.argsort(keys, axis=-1, kind="stable").astype(np.int32)


def _infer_search(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    """`searchsorted(line, values, right)`: where the values belong in a sorted line."""
    line, values = inputs
    attrs["right"] = bool(attrs.get("right", False))
    if line.ndim != 1 or line.dtype != values.dtype or line.dtype == BOOL:
        raise ValueError(
            f"{name!r} takes a sorted line and values of its dtype, float32 or int32, got "
            f"{line.dtype}{list(line.shape)} and {values.dtype}{list(values.shape)}."
        )
    return values.shape, INT


def _search(float_dtype: Any, attrs: Attrs, line: np.ndarray, values: np.ndarray) -> np.ndarray:
    places = np.searchsorted(line, values, "right" if attrs["right"] else "left")
    return places.astype(np.int32)


register("argsort", _infer_argsort, _argsort)
register("searchsorted", _infer_search, _search)
