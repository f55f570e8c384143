"""Choosing elements by position."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from hotloop.graph import Tensor, Variable, apply, fill
from hotloop.ops.arrangement import clamped_starts
from hotloop.ops.convert import (
    broadcast_shapes,
    cast_to,
    expand,
    normalize_axis,
    promote,
    shape_tuple,
    shaped,
    tensor,
)
from hotloop.ops.dispatch import op
from hotloop.ops.manipulation import ravel

# The bits of what a position that does not exist gives: NaN, the smallest integer, True.
_NOTHING = {"float32": 0x7FC00000, "int32": 0x80000000, "bool": 1}


@op
def get_item(x: Any, key: Any) -> Tensor:
    """`x[key]` for integers, slices, None, Ellipsis, and one array of integers among them.

    The array chooses along its axis as in `take`. Several arrays, and bool masks (whose result has
    a shape that depends on values), raise `NotImplementedError`.
    """
    x = tensor(x)
    keys = key if isinstance(key, tuple) else (key,)
    arrays = [i for i, k in enumerate(keys) if _is_indices(k)]
    if len(arrays) == 1:
        return _take_by_key(x, keys, arrays[0])
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


def _is_indices(k: Any) -> bool:
    """Whether a key is an array of integers, or an integer that is not known yet."""
    if isinstance(k, list | np.ndarray | Tensor | Variable):
        k = tensor(k)
        return k.dtype == "int32" and (k.ndim > 0 or bool(k.origin))
    return False


def _take_by_key(x: Tensor, keys: tuple[Any, ...], at: int) -> Tensor:
    """The array of positions in `keys[at]` chooses, once the other keys have been followed."""
    chosen = [i for i, k in enumerate(keys) if i == at or hasattr(k, "__index__")]
    if chosen[-1] - chosen[0] >= len(chosen):
        raise NotImplementedError(
            f"A tensor of shape {x.shape} cannot be indexed with an array and integers that are "
            "apart; index it step by step."
        )
    rest = get_item(x, (*keys[:at], builtins.slice(None), *keys[at + 1 :]))
    axis = chosen[0]
    if any(k is Ellipsis for k in keys[:axis]):
        axis = rest.ndim - (len(keys) - chosen[-1])
    return take(rest, keys[at], axis=axis)


def _position(k: Any, x: Tensor) -> int:
    if not isinstance(k, bool) and hasattr(k, "__index__") and getattr(k, "ndim", 0) == 0:
        return k.__index__()
    raise NotImplementedError(
        "A tensor can be indexed with integers, slices, None, Ellipsis and one array of integers, "
        f"not with {k!r}. Use ops.take, ops.where or a mask to choose elements by value, or "
        "convert with .numpy()."
    )


@op
def slice(inputs: Any, start_indices: Any, shape: Any) -> Tensor:
    """The block of the given shape that starts at `start_indices`; a size -1 is all that remains.

    A block that would reach over the end is moved back into `inputs`, as in Keras on JAX. Starts
    may be tensors.
    """
    x = tensor(inputs)
    wanted = [shape] if isinstance(shape, int) else list(shape)
    if len(wanted) != x.ndim:
        raise ValueError(f"shape {tuple(wanted)} must have one size per axis of shape {x.shape}.")
    if -1 in wanted:
        starts = list(start_indices)
        wanted = [x.shape[i] - int(starts[i]) if n == -1 else n for i, n in enumerate(wanted)]
    sizes = shape_tuple(wanted)
    if any(n > dim for n, dim in zip(sizes, x.shape, strict=True)):
        raise ValueError(f"A block of shape {sizes} does not fit into shape {x.shape}.")
    begin = clamped_starts(start_indices, x.shape, sizes)
    if isinstance(begin, list):
        stops = [a + n for a, n in zip(begin, sizes, strict=True)]
        return apply("slice", [x], start=begin, stop=stops, step=[1] * x.ndim)
    for axis, (n, dim) in enumerate(zip(sizes, x.shape, strict=True)):
        if n != dim:
            first = apply("slice", [begin], start=[axis], stop=[axis + 1], step=[1])
            places = apply("add", promote(apply("iota", [], shape=(n,), axis=0), first))
            x = take(x, places, axis)
    return x


def row_numbers(indices: Tensor, size: int) -> Tensor:
    """Negative positions counted from the end; those out of range stay out of range."""
    zero = fill(0, indices.shape, "int32")
    from_end = apply("add", [indices, fill(size, indices.shape, "int32")])
    return apply("select", [apply("lt", [indices, zero]), from_end, indices])


def gather_rows(x: Tensor, indices: Tensor) -> Tensor:
    """Per batch of `x` (batch, rows, columns) the rows at `indices` (batch or 1, count)."""
    return apply("gather", [x, indices], fill=_NOTHING[x.dtype])


@op
def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """The elements at integer positions `indices` along `axis`; of the flat tensor if None.

    Negative positions count from the end. A position that does not exist gives NaN, the smallest
    integer, or True, as with Keras on JAX, and takes no part in the gradient. Raises `TypeError`
    for indices that are no integers, `ValueError` for indices into an empty axis.
    """
    x, indices = tensor(x), _integers(indices)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    before, size, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    if not size and indices.size:
        raise ValueError(f"take cannot choose from axis {axis} of shape {x.shape}: it is empty.")
    table = shaped(x, (math.prod(before), size, math.prod(after)))
    rows = row_numbers(shaped(indices, (1, indices.size)), size)
    return shaped(gather_rows(table, rows), before + indices.shape + after)


@op
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Per line along `axis` the elements at its own `indices`, of the rank of `x`.

    The other axes broadcast. Positions count as in `take`, and its errors are raised; `ValueError`
    also if the ranks differ.
    """
    x, indices = tensor(x), _integers(indices)
    if axis is None:
        x, indices, axis = ravel(x), ravel(indices), 0
    axis = normalize_axis(axis, x.ndim)
    if indices.ndim != x.ndim:
        raise ValueError(f"indices of shape {indices.shape} must have the rank of {x.shape}.")
    size, count = x.shape[axis], indices.shape[axis]
    if not size and indices.size:
        raise ValueError(
            f"take_along_axis cannot choose from axis {axis} of shape {x.shape}: it is empty."
        )
    others = broadcast_shapes(*(t.shape[:axis] + (1,) + t.shape[axis + 1 :] for t in (x, indices)))
    lines = math.prod(others)
    last = [a for a in range(x.ndim) if a != axis] + [axis]
    sides = []
    for t in (x, indices):
        shape = (*others[:axis], t.shape[axis], *others[axis + 1 :])
        sides.append(apply("transpose", [expand(t, shape)], perm=last))
    table = shaped(sides[0], (lines, size, 1))
    rows = row_numbers(shaped(sides[1], (lines, count)), size)
    result = shaped(gather_rows(table, rows), (*others[:axis], *others[axis + 1 :], count))
    back = [*range(axis), x.ndim - 1, *range(axis, x.ndim - 1)]
    return apply("transpose", [result], perm=back)


def _integers(indices: Any) -> Tensor:
    indices = tensor(indices)
    if not indices.size and indices.dtype == "float32":
        return cast_to(indices, "int32")  # an empty list
    if indices.dtype != "int32":
        raise TypeError(f"indices must be integers, got {indices.dtype}.")
    return indices
