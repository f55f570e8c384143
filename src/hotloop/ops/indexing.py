"""Choosing elements by position."""

from __future__ import annotations

import builtins
from typing import Any

from hotloop.graph import Tensor, apply, constant
from hotloop.ops.convert import (
    broadcast,
    cast_to,
    expand,
    normalize_axis,
    promote,
    shape_tuple,
    tensor,
)
from hotloop.ops.dispatch import op
from hotloop.ops.manipulation import ravel


@op
def get_item(x: Any, key: Any) -> Tensor:
    """`x[key]` for integers, slices, None and Ellipsis; others raise `NotImplementedError`."""
    x = tensor(x)
    keys = key if isinstance(key, tuple) else (key,)
    taken = sum(1 for k in keys if k is not None and k is not Ellipsis)
    if sum(1 for k in keys if k is Ellipsis) > 1 or taken > x.ndim:
        raise IndexError(f"Index {key!r} does not fit a tensor of shape {x.shape}.")
    if not any(k is Ellipsis for k in keys):
        keys = (*keys, Ellipsis)
    box: list[range] = []
    shape: list[int] = []
    axis = 0
    for k in keys:
        if k is None:
            shape.append(1)
            continue
        if k is Ellipsis:
            for dim in x.shape[axis : axis + x.ndim - taken]:
                box.append(range(dim))
                shape.append(dim)
            axis += x.ndim - taken
            continue
        dim = x.shape[axis]
        if isinstance(k, builtins.slice):
            rng = range(dim)[k]
            shape.append(len(rng))
        else:
            index = _position(k, x)
            if not -dim <= index < dim:
                raise IndexError(
                    f"Index {index} is out of range for axis {axis} of shape {x.shape}."
                )
            rng = range(index % dim, index % dim + 1)
        box.append(rng)
        axis += 1
    if any(rng != range(dim) for rng, dim in zip(box, x.shape, strict=True)):
        x = apply(
            "slice",
            [x],
            start=[rng.start for rng in box],
            stop=[rng.stop for rng in box],
            step=[rng.step for rng in box],
        )
    return x if x.shape == tuple(shape) else apply("reshape", [x], shape=shape)


def _position(k: Any, x: Tensor) -> int:
    if not isinstance(k, bool) and hasattr(k, "__index__") and getattr(k, "ndim", 0) == 0:
        return k.__index__()
    raise NotImplementedError(
        f"A tensor can be indexed with integers, slices, None and Ellipsis, not with {k!r}. Use "
        "ops.take, ops.where or a mask to choose elements by value, or convert with .numpy()."
    )


@op
def slice(inputs: Any, start_indices: Any, shape: Any) -> Tensor:
    """The block of the given shape that starts at `start_indices`."""
    x = tensor(inputs)
    starts, sizes = shape_tuple(start_indices, "start_indices"), shape_tuple(shape)
    if len(starts) != x.ndim or len(sizes) != x.ndim:
        raise ValueError(f"start_indices {starts} and shape {sizes} do not fit shape {x.shape}.")
    stops = [a + n for a, n in zip(starts, sizes, strict=True)]
    return apply("slice", [x], start=starts, stop=stops, step=[1] * x.ndim)


def _hits(indices: Tensor, size: int, axis: int) -> Tensor:
    """Bool: along a new `axis` of `size`, whether the position is the index modulo `size`."""
    spread = apply("reshape", [indices], shape=(*indices.shape[:axis], 1, *indices.shape[axis:]))
    shape = (*indices.shape[:axis], size, *indices.shape[axis:])
    places = apply("iota", [], shape=shape, axis=axis)
    wrapped = apply("mod", promote(spread, size))
    return apply("eq", broadcast(places, wrapped))


@op
def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """The elements at integer positions `indices` along `axis`; of the flat tensor if None.

    Positions count modulo the size. Costs as much as looking at every element once per index.
    """
    x, indices = tensor(x), _integers(indices)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    before, size, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    count = indices.size
    hits = _hits(apply("reshape", [indices], shape=(count,)), size, 1)
    hits = apply("reshape", [hits], shape=(1,) * len(before) + (count, size) + (1,) * len(after))
    source = apply("reshape", [x], shape=(*before, 1, size, *after))
    result = _pick(hits, source, axis + 1)
    return apply("reshape", [result], shape=before + indices.shape + after)


@op
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Per line along `axis` the elements at its own `indices`, of the rank of `x`.

    Positions count modulo the size. Costs as much as looking at every element once per index.
    """
    x, indices = tensor(x), _integers(indices)
    if axis is None:
        x, indices, axis = ravel(x), ravel(indices), 0
    axis = normalize_axis(axis, x.ndim)
    if indices.ndim != x.ndim:
        raise ValueError(f"indices of shape {indices.shape} must have the rank of {x.shape}.")
    hits = _hits(indices, x.shape[axis], axis + 1)
    shape = (*x.shape[:axis], 1, *x.shape[axis:])
    result = _pick(hits, apply("reshape", [x], shape=shape), axis + 1)
    return apply("reshape", [result], shape=result.shape[: axis + 1] + result.shape[axis + 2 :])


def _integers(indices: Any) -> Tensor:
    indices = tensor(indices)
    if indices.dtype != "int32":
        raise TypeError(f"indices must be integers, got {indices.dtype}.")
    return indices


def _pick(hits: Tensor, source: Tensor, axis: int) -> Tensor:
    dtype = source.dtype
    source = cast_to(source, "int32") if dtype == "bool" else source
    hits, source = broadcast(hits, source)
    nothing = expand(constant(0, source.dtype), source.shape)
    chosen = apply("sum", [apply("select", [hits, source, nothing])], axes=(axis,))
    return cast_to(chosen, dtype)
