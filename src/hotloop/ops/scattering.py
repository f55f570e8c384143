"""Elements combined by position: segments and scattering, named as in `keras.ops`."""

from __future__ import annotations

import math
from typing import Any

from hotloop.graph import Tensor, apply, fill
from hotloop.ops.arithmetic import add, maximum, minimum, multiply
from hotloop.ops.convert import cast_to, expand, result_dtype, shape_tuple, tensor
from hotloop.ops.dispatch import op
from hotloop.ops.indexing import row_numbers

_REDUCTIONS = {
    "add": ("sum", add),
    "mul": ("prod", multiply),
    "max": ("max", maximum),
    "min": ("min", minimum),
}


def scatter_rows(indices: Tensor, updates: Tensor, rows: int, combine: str) -> Tensor:
    """`rows` rows, each combined from the `updates` (count, columns) whose index it is."""
    spread = apply("reshape", [updates], shape=(1, *updates.shape))
    places = apply("reshape", [indices], shape=(1, indices.size))
    result = apply("scatter", [places, spread], rows=rows, combine=combine)
    return apply("reshape", [result], shape=result.shape[1:])


def _segments(
    name: str, combine: str, data: Any, segment_ids: Any, num_segments: int | None
) -> Tensor:
    if num_segments is None:
        raise ValueError(
            f"{name} needs num_segments: the number of segments, which is the first size of the "
            "result, cannot depend on values."
        )
    data, ids = tensor(data, "int32"), tensor(segment_ids)
    (count,) = shape_tuple(num_segments, "num_segments")
    if ids.dtype != "int32" or ids.ndim != 1 or data.shape[:1] != ids.shape:
        raise ValueError(
            f"{name} takes one integer segment id for each entry of data along its first axis, got "
            f"{ids.dtype} ids of shape {ids.shape} for data of shape {data.shape}."
        )
    flat = apply("reshape", [data], shape=(ids.size, math.prod(data.shape[1:])))
    result = scatter_rows(ids, flat, count, combine)
    return apply("reshape", [result], shape=(count, *data.shape[1:]))


@op
def segment_sum(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The sums of the entries of `data` with the same segment id; 0 where there is none.

    Args:
        data: tensor of shape `(n, …)`; bools count as int32.
        segment_ids: int32 of shape `(n,)`. Ids outside `[0, num_segments)` are left out.
        num_segments: first size of the result; it must be given.
        sorted: that the ids are in order, which makes no difference here.

    Sums are taken in the order of the entries. Raises `ValueError` without `num_segments` and if
    the ids do not fit the data.
    """
    return _segments("segment_sum", "sum", data, segment_ids, num_segments)


@op
def segment_max(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The largest entries by segment id; -inf (the smallest integer) where there is none.

    Arguments and errors as for `segment_sum`.
    """
    return _segments("segment_max", "max", data, segment_ids, num_segments)


@op
def segment_min(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The smallest entries by segment id; inf (the largest integer) where there is none.

    Arguments and errors as for `segment_sum`.
    """
    return _segments("segment_min", "min", data, segment_ids, num_segments)


@op
def segment_prod(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The products of the entries by segment id; 1 where there is none.

    Arguments and errors as for `segment_sum`.
    """
    return _segments("segment_prod", "prod", data, segment_ids, num_segments)


def _rows_of(name: str, indices: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, int, int]:
    """The row number of each index vector, and how many rows of how many elements there are."""
    if indices.dtype != "int32" or indices.ndim == 0 or indices.shape[-1] > len(shape):
        raise ValueError(
            f"{name} takes integer indices whose last axis names positions along the first axes of "
            f"the shape {shape}, got {indices.dtype} of shape {indices.shape}."
        )
    depth = indices.shape[-1]
    count = math.prod(indices.shape[:-1])
    vectors = apply("reshape", [indices], shape=(count, depth))
    rows = fill(0, (count,), "int32")
    exists = fill(True, (count,), "bool")
    for axis in range(depth):
        column = apply("slice", [vectors], start=(0, axis), stop=(count, axis + 1), step=(1, 1))
        size = shape[axis]
        place = row_numbers(apply("reshape", [column], shape=(count,)), size)
        above = apply("le", [fill(0, (count,), "int32"), place])
        below = apply("lt", [place, fill(size, (count,), "int32")])
        exists = apply("and", [exists, apply("and", [above, below])])
        scaled = apply("mul", [rows, fill(size, (count,), "int32")])
        rows = apply("add", [scaled, place])
    nowhere = fill(-1, (count,), "int32")
    numbers = apply("select", [exists, rows, nowhere])
    return numbers, math.prod(shape[:depth]), math.prod(shape[depth:])


def _updates_of(
    name: str, updates: Tensor, indices: Tensor, shape: tuple[int, ...], cols: int
) -> Tensor:
    wanted = indices.shape[:-1] + shape[indices.shape[-1] :]
    try:
        updates = expand(updates, wanted)
    except ValueError:
        raise ValueError(
            f"{name} with indices of shape {indices.shape} into {shape} takes updates of shape "
            f"{wanted}, got {updates.shape}."
        ) from None
    return apply("reshape", [updates], shape=(math.prod(indices.shape[:-1]), cols))


@op
def scatter(indices: Any, values: Any, shape: Any) -> Tensor:
    """Zeros of `shape` to which `values` are added at `indices`, in their order.

    Args:
        indices: int32 of shape `(…, d)`: positions along the first `d` axes. Negative ones count
            from the end; those that do not exist are left out.
        values: tensor of shape `(…, *shape[d:])`.
        shape: the shape of the result.

    Raises `ValueError` if the shapes do not fit.
    """
    indices, values, dims = tensor(indices), tensor(values), shape_tuple(shape)
    dtype = values.dtype
    rows, count, cols = _rows_of("scatter", indices, dims)
    updates = _updates_of("scatter", values, indices, dims, cols)
    total = scatter_rows(rows, tensor(updates, "int32"), count, "sum")
    return cast_to(apply("reshape", [total], shape=dims), dtype)


@op
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Tensor:
    """`inputs` with `updates` put in at `indices`, or combined with what is there.

    Args:
        inputs: any tensor.
        indices: int32 of shape `(…, d)`: positions along the first `d` axes. Negative ones count
            from the end; those that do not exist are left out.
        updates: tensor of shape `(…, *inputs.shape[d:])`.
        reduction: None (the last update of a place counts), "add", "mul", "max" or "min".

    Raises `ValueError` if the shapes do not fit, or for another reduction.
    """
    dtype = result_dtype(tensor(inputs))
    x, indices = tensor(inputs), tensor(indices)
    rows, count, cols = _rows_of("scatter_update", indices, x.shape)
    changes = _updates_of("scatter_update", cast_to(tensor(updates), dtype), indices, x.shape, cols)
    if reduction is not None:
        if reduction not in _REDUCTIONS:
            raise ValueError(
                f"scatter_update takes reduction None, {', '.join(map(repr, _REDUCTIONS))}, not "
                f"{reduction!r}."
            )
        combine, join = _REDUCTIONS[reduction]
        combined = scatter_rows(rows, tensor(changes, "int32"), count, combine)
        return cast_to(join(x, apply("reshape", [combined], shape=x.shape)), dtype)
    if not x.size or not rows.size:
        return x
    # Which update is the last of each row, counted from 1; 0 where there is none.
    order = apply("iota", [], shape=(rows.size, 1), axis=0)
    numbers = apply("add", [order, fill(1, order.shape, "int32")])
    last = scatter_rows(rows, numbers, count, "max")
    place = apply("sub", [last, fill(1, last.shape, "int32")])
    chosen = apply(
        "gather",
        [
            apply("reshape", [changes], shape=(1, *changes.shape)),
            apply("reshape", [place], shape=(1, count)),
        ],
        fill=0,
    )
    given = apply("lt", [fill(0, last.shape, "int32"), last])
    flat = (count, cols)
    return apply(
        "reshape",
        [
            apply(
                "select",
                [
                    expand(given, flat),
                    apply("reshape", [chosen], shape=flat),
                    apply("reshape", [x], shape=flat),
                ],
            )
        ],
        shape=x.shape,
    )
