"""More functions that move elements: diagonals, parts, patterns."""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Sequence
from typing import Any

from hotloop.graph import Tensor, apply, constant, fill
from hotloop.ops.arithmetic import multiply, subtract
from hotloop.ops.convert import (
    broadcast,
    broadcast_shapes,
    cast_to,
    expand,
    normalize_axis,
    promote,
    result_dtype,
    shape_tuple,
    tensor,
)
from hotloop.ops.dispatch import op
from hotloop.ops.manipulation import (
    concatenate,
    flip,
    moveaxis,
    ravel,
    reshape,
    split,
    swapaxes,
    take_range,
)
from hotloop.ops.reductions import sum as sum_of


@op
def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """`x2` after `x1` along `axis`; None joins them flat."""
    return concatenate([x1, x2], axis)


@op
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """`split` into parts that may differ in size by one, the larger ones first."""
    x = tensor(x)
    axis = normalize_axis(axis, x.ndim)
    if not isinstance(indices_or_sections, int):
        return split(x, indices_or_sections, axis)
    if indices_or_sections < 1:
        raise ValueError(f"The number of parts must be at least 1, got {indices_or_sections}.")
    width, larger = divmod(x.shape[axis], indices_or_sections)
    sizes = [width + (i < larger) for i in range(indices_or_sections)]
    cuts = [builtins.sum(sizes[:i]) for i in range(1, len(sizes))]
    return split(x, cuts, axis)


def _split_along(name: str, x: Any, parts: Any, axis: int, rank: int) -> list[Tensor]:
    x = tensor(x)
    if x.ndim < rank:
        raise ValueError(f"{name} needs at least {rank} axes, got shape {x.shape}.")
    return split(x, parts, axis)


@op
def vsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the first axis of at least two."""
    return _split_along("vsplit", x, indices_or_sections, 0, 2)


@op
def hsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the second axis, vectors along their only one."""
    x = tensor(x)
    return _split_along("hsplit", x, indices_or_sections, 0 if x.ndim == 1 else 1, 1)


@op
def dsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the third axis."""
    return _split_along("dsplit", x, indices_or_sections, 2, 3)


@op
def dstack(xs: Any) -> Tensor:
    """Joined along the third axis; matrices get one of size 1, vectors are rows."""
    wide = []
    for x in map(tensor, xs):
        shape = x.shape if x.ndim > 1 else (1, x.size)
        wide.append(reshape(x, (*shape, 1) if len(shape) == 2 else shape))
    return concatenate(wide, axis=2)


def diagonal_of(x: Tensor, offset: int) -> Tensor:
    """The diagonal of the last two axes: every (columns + 1)-th element of the flat matrix."""
    rows, columns = x.shape[-2:]
    count = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    lead = x.shape[:-2]
    flat = reshape(x, (*lead, rows * columns))
    start = offset if offset >= 0 else -offset * columns
    if not count:
        return take_range(flat, flat.ndim - 1, range(0))
    last = start + (count - 1) * (columns + 1)
    return take_range(flat, flat.ndim - 1, range(start, last + 1, columns + 1))


@op
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonal of the planes of two axes, along a new last axis."""
    x = tensor(x)
    if x.ndim < 2:
        raise ValueError(f"diagonal needs at least 2 axes, got shape {x.shape}.")
    a, b = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    if a == b:
        raise ValueError(f"axis1 and axis2 must differ, got {axis1} and {axis2}.")
    return diagonal_of(moveaxis(x, (a, b), (-2, -1)), offset)


@op
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of the diagonal."""
    return sum_of(diagonal(x, offset, axis1, axis2), axis=-1)


@op
def diag(x: Any, k: int = 0) -> Tensor:
    """The k-th diagonal of a matrix, or the matrix with a vector on it."""
    x = tensor(x)
    if x.ndim == 2:
        return diagonal_of(x, k)
    if x.ndim != 1:
        raise ValueError(f"diag takes a vector or a matrix, got shape {x.shape}.")
    size = x.size + abs(k)
    rows = apply("iota", [], shape=(size, size), axis=0)
    columns = apply("iota", [], shape=(size, size), axis=1)
    hits = apply("eq", [columns, apply("add", [rows, fill(k, rows.shape, "int32")])])
    # Above the main diagonal the row says which element, below it the column.
    padded = apply("pad", [x], low=[0], high=[abs(k)])
    line = reshape(padded, (size, 1) if k >= 0 else (1, size))
    return apply("select", [hits, expand(line, hits.shape), fill(0, hits.shape, x.dtype)])


@op
def diagflat(x: Any, k: int = 0) -> Tensor:
    """The matrix with the elements of the flat `x` on its k-th diagonal."""
    return diag(ravel(x), k)


@op
def rot90(array: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Tensor:
    """Turned `k` times by 90° from the first towards the second of two axes."""
    x = tensor(array)
    if x.ndim < 2 or len(axes) != 2:
        raise ValueError(f"rot90 takes two axes of a tensor that has them, got {x.shape}, {axes}.")
    a, b = (normalize_axis(axis, x.ndim) for axis in axes)
    if a == b:
        raise ValueError(f"axes must differ, got {tuple(axes)}.")
    turns = k % 4
    if turns == 0:
        return x
    if turns == 2:
        return flip(x, (a, b))
    return swapaxes(flip(x, b), a, b) if turns == 1 else flip(swapaxes(x, a, b), b)


@op
def kron(x1: Any, x2: Any) -> Tensor:
    """The Kronecker product: each element of `x1` times the whole of `x2`."""
    a, b = tensor(x1), tensor(x2)
    rank = max(a.ndim, b.ndim)
    left = (1,) * (rank - a.ndim) + a.shape
    right = (1,) * (rank - b.ndim) + b.shape
    a = reshape(a, [n for dim in left for n in (dim, 1)])
    b = reshape(b, [n for dim in right for n in (1, dim)])
    return reshape(multiply(a, b), [m * n for m, n in zip(left, right, strict=True)])


@op
def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The vector product of vectors of 2 or 3 numbers; of two 2-vectors its only number."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)
    sizes = a.shape[-1], b.shape[-1]
    if any(size not in (2, 3) for size in sizes):
        raise ValueError(f"cross takes vectors of 2 or 3 numbers, got sizes {sizes}.")
    lead = broadcast_shapes(a.shape[:-1], b.shape[:-1])
    dtype = result_dtype(a, b, least="int32")
    a, b = (expand(cast_to(x, dtype), (*lead, x.shape[-1])) for x in (a, b))
    (a0, a1, a2), (b0, b1, b2) = _components(a), _components(b)

    def minor(p: Tensor, q: Tensor, r: Tensor, s: Tensor) -> Tensor:
        return subtract(multiply(p, q), multiply(r, s))

    last = minor(a0, b1, a1, b0)
    if sizes == (2, 2):
        return reshape(last, lead)
    parts = [minor(a1, b2, a2, b1), minor(a2, b0, a0, b2), last]
    return moveaxis(apply("concat", parts, axis=len(lead)), -1, axisc)


def _components(x: Tensor) -> list[Tensor]:
    axis = x.ndim - 1
    parts = [take_range(x, axis, range(i, i + 1)) for i in range(x.shape[-1])]
    return parts if len(parts) == 3 else [*parts, fill(0, parts[0].shape, x.dtype)]


@op
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:  # noqa: N803
    """The powers N - 1, …, 1, 0 of a vector's elements as rows; reversed if `increasing`."""
    x = tensor(x, "int32")
    if x.ndim != 1:
        raise ValueError(f"vander takes a vector, got shape {x.shape}.")
    count = x.size if N is None else N
    if count < 0:
        raise ValueError(f"N must not be negative, got {N}.")
    column = reshape(x, (x.size, 1))
    powers = [fill(1, column.shape, x.dtype)]
    for _ in range(count - 1):
        powers.append(apply("mul", [powers[-1], column]))
    powers = powers[:count] if increasing else powers[:count][::-1]
    if not powers:
        return fill(0, (x.size, 0), x.dtype)
    return powers[0] if len(powers) == 1 else apply("concat", powers, axis=1)


@op
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    """Each element from the choice of the first condition that holds, else `default`."""
    conditions, choices = list(condlist), list(choicelist)
    if not conditions or len(conditions) != len(choices):
        raise ValueError(
            "select takes as many choices as conditions, at least one, got "
            f"{len(conditions)} conditions and {len(choices)} choices."
        )
    *rest, result = promote(*choices, default)
    hits = [cast_to(tensor(condition), "bool") for condition in conditions]
    for hit, choice in zip(reversed(hits), reversed(rest), strict=True):
        shape = broadcast_shapes(hit.shape, choice.shape, result.shape)
        result = apply("select", [expand(t, shape) for t in (hit, choice, result)])
    return result


@op
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """`inputs` with the block that starts at `start_indices` replaced by `updates`.

    A block that would reach over the end is moved back into `inputs`, as in Keras on JAX. Starts
    may be tensors.
    """
    x = tensor(inputs)
    block = cast_to(tensor(updates), x.dtype)
    if block.ndim != x.ndim or any(n > d for n, d in zip(block.shape, x.shape, strict=True)):
        raise ValueError(f"updates of shape {block.shape} do not fit into shape {x.shape}.")
    starts = clamped_starts(start_indices, x.shape, block.shape)
    if isinstance(starts, Tensor):
        from hotloop.ops.indexing import take

        inside = fill(True, x.shape, "bool")
        for axis, (size, width) in enumerate(zip(x.shape, block.shape, strict=True)):
            start = take_range(starts, 0, range(axis, axis + 1))
            place = subtract(apply("iota", [], shape=(size,), axis=0), start)
            zero = fill(0, place.shape, "int32")
            end = fill(width, place.shape, "int32")
            here = apply("and", [apply("le", [zero, place]), apply("lt", [place, end])])
            block = take(block, apply("select", [here, place, zero]), axis)
            line = reshape(here, [size if a == axis else 1 for a in range(x.ndim)])
            inside = apply("and", broadcast(inside, line))
        return apply("select", [inside, block, x])
    high = [d - n - s for d, n, s in zip(x.shape, block.shape, starts, strict=True)]
    inside = apply("pad", [fill(True, block.shape, "bool")], low=starts, high=high)
    return apply("select", [inside, apply("pad", [block], low=starts, high=high), x])


def clamped_starts(starts: Any, shape: Sequence[int], sizes: Sequence[int]) -> Any:
    """Where a block of `sizes` starts in `shape`: a list if known, else an int32 vector.

    Negative starts count from the end; what reaches over it is moved back.
    Raises `ValueError` unless there is one start per axis.
    """
    room = [d - n for d, n in zip(shape, sizes, strict=True)]
    parts = list(starts) if isinstance(starts, list | tuple) else tensor(starts)
    if isinstance(parts, list) and all(_known(part) for part in parts):
        parts = tensor([int(part) for part in parts] or [0][:0])
    if isinstance(parts, list):
        vector = concatenate([reshape(cast_to(tensor(p), "int32"), (1,)) for p in parts])
    else:
        vector = parts
    if vector.shape != (len(room),):
        raise ValueError(
            f"start_indices must have one entry for each axis of shape {tuple(shape)}, got shape "
            f"{vector.shape}."
        )
    if vector.concrete:
        places = [s + d if s < 0 else s for s, d in zip(vector.tolist(), shape, strict=True)]
        return [min(max(s, 0), r) for s, r in zip(places, room, strict=True)]
    limit, zero = constant(room, "int32"), fill(0, (len(room),), "int32")
    from_end = apply("add", [vector, constant(list(shape), "int32")])
    vector = apply("select", [apply("lt", [vector, zero]), from_end, vector])
    return apply("max", [apply("min", [vector, limit]), zero])


def _known(value: Any) -> bool:
    return not isinstance(value, Tensor) or value.concrete


@op
def unravel_index(indices: Any, shape: Any) -> tuple[Tensor, ...]:
    """The position along each axis of `shape` of integers that count its elements."""
    dims = shape_tuple(shape)
    rest = tensor(indices)
    if rest.dtype != "int32":
        raise TypeError(f"indices must be integers, got {rest.dtype}.")
    rest = apply("mod", promote(rest, max(math.prod(dims), 1)))
    places: list[Tensor] = []
    for dim in reversed(dims):
        size = fill(max(dim, 1), rest.shape, "int32")
        places.insert(0, apply("mod", [rest, size]))
        rest = apply("div", [rest, size])
    return tuple(places)


def _parse(side: str, pattern: str) -> list[list[str]]:
    """`a (b c)` as [[a], [b, c]]."""
    groups = []
    for token in re.findall(r"\([^()]*\)|\S+", side):
        names = token[1:-1].split() if token.startswith("(") else [token]
        if any(not name.isidentifier() and name != "1" for name in names):
            raise ValueError(f"Cannot read {token!r} in the pattern {pattern!r}.")
        groups.append([name for name in names if name != "1"])
    return groups


@op
def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """Axes split, ordered and merged as a pattern like `"b (h w) c -> b c h w"` says (einops).

    `axes_lengths` gives the sizes within groups on the left; one of each may be left out. Raises
    `ValueError` when the pattern does not fit the shape.
    """
    x = constant(tensor)
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(f'A pattern has one "->" between two sides, got {pattern!r}.')
    left, right = (_parse(side, pattern) for side in sides)
    names = [name for group in left for name in group]
    after = [name for group in right for name in group]
    if len(set(names)) != len(names) or sorted(names) != sorted(after):
        raise ValueError(f"Both sides of {pattern!r} must name the same axes, each of them once.")
    unused = sorted(set(axes_lengths) - set(names))
    if unused or len(left) != x.ndim:
        raise ValueError(
            f"The pattern {pattern!r} with sizes {axes_lengths} does not fit shape {x.shape}."
        )
    sizes: dict[str, int] = {}
    for group, dim in zip(left, x.shape, strict=True):
        known = {name: axes_lengths[name] for name in group if name in axes_lengths}
        open_names = [name for name in group if name not in known]
        product = math.prod(known.values())
        if len(open_names) == 1 and product and dim % product == 0:
            known[open_names[0]] = dim // product
        if len(known) != len(group) or math.prod(known.values()) != dim:
            raise ValueError(
                f"The sizes {axes_lengths} do not split an axis of size {dim} as "
                f"({' '.join(group)}) in {pattern!r}."
            )
        sizes.update(known)
    x = reshape(x, [sizes[name] for name in names])
    order = [names.index(name) for name in after]
    x = apply("transpose", [x], perm=order)
    return reshape(x, [math.prod(sizes[name] for name in group) for group in right])
