"""Functions that move elements, named as in `keras.ops`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.graph import Tensor, apply, constant
from hotloop.ops.convert import (
    broadcast_shapes,
    cast_to,
    expand,
    normalize_axes,
    normalize_axis,
    result_dtype,
    shape_tuple,
    tensor,
)
from hotloop.ops.dispatch import op


@op
def reshape(x: Any, newshape: Any) -> Tensor:
    """The elements in row-major order in another shape; one size may be -1.

    Raises `ValueError` if the number of elements differs.
    """
    x = tensor(x)
    wanted = tuple(int(d) for d in newshape) if isinstance(newshape, list | tuple) else (newshape,)
    dims = list(wanted)
    unknown = [i for i, dim in enumerate(dims) if dim == -1]
    if len(unknown) == 1:
        known = math.prod(dim for dim in dims if dim != -1)
        if known > 0 and x.size % known == 0:
            dims[unknown[0]] = x.size // known
    if any(dim < 0 for dim in dims) or math.prod(dims) != x.size:
        raise ValueError(
            f"Cannot reshape a tensor of shape {x.shape} ({x.size} elements) to {wanted}."
        )
    return x if tuple(dims) == x.shape else apply("reshape", [x], shape=dims)


@op
def ravel(x: Any) -> Tensor:
    """All elements in one axis."""
    x = tensor(x)
    return apply("reshape", [x], shape=(x.size,))


@op
def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in the order `axes`, by default reversed."""
    x = tensor(x)
    if axes is None:
        perm = tuple(reversed(range(x.ndim)))
    else:
        perm = tuple(normalize_axis(axis, x.ndim) for axis in axes)
        if sorted(perm) != list(range(x.ndim)):
            raise ValueError(f"axes {tuple(axes)} is not an order of the axes of shape {x.shape}.")
    return apply("transpose", [x], perm=perm)


@op
def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged."""
    x = tensor(x)
    perm = list(range(x.ndim))
    a, b = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    perm[a], perm[b] = b, a
    return apply("transpose", [x], perm=perm)


@op
def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """The axes `source` moved to `destination`, the others in their order."""
    x = tensor(x)
    sources = source if isinstance(source, list | tuple) else [source]
    targets = destination if isinstance(destination, list | tuple) else [destination]
    sources = [normalize_axis(a, x.ndim) for a in sources]
    targets = [normalize_axis(a, x.ndim) for a in targets]
    if len(sources) != len(targets) or len(set(sources)) != len(sources):
        raise ValueError(f"source {source} and destination {destination} must name as many axes.")
    perm = [axis for axis in range(x.ndim) if axis not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        perm.insert(target, axis)
    return apply("transpose", [x], perm=perm)


@op
def expand_dims(x: Any, axis: int | Sequence[int]) -> Tensor:
    """New axes of size 1 at the positions `axis` of the result."""
    x = tensor(x)
    count = len(axis) if isinstance(axis, list | tuple) else 1
    axes = normalize_axes(axis, x.ndim + count)
    dims = iter(x.shape)
    shape = [1 if a in axes else next(dims) for a in range(x.ndim + count)]
    return apply("reshape", [x], shape=shape)


@op
def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """Without axes of size 1: all of them, or those of `axis`.

    Raises `ValueError` if an axis given has another size.
    """
    x = tensor(x)
    if axis is None:
        axes = tuple(a for a, dim in enumerate(x.shape) if dim == 1)
    else:
        axes = normalize_axes(axis, x.ndim)
        for a in axes:
            if x.shape[a] != 1:
                raise ValueError(f"Cannot squeeze axis {a} of shape {x.shape}: its size is not 1.")
    return apply("reshape", [x], shape=[d for a, d in enumerate(x.shape) if a not in axes])


def _joinable(xs: Any) -> list[Tensor]:
    xs = list(xs)
    if not xs:
        raise ValueError("Need at least one tensor to join.")
    dtype = result_dtype(*xs)
    return [constant(x, dtype) for x in xs]


@op
def concatenate(xs: Any, axis: int | None = 0) -> Tensor:
    """The tensors one after the other along `axis`; None joins them flat."""
    tensors = _joinable(xs)
    if axis is None:
        tensors = [apply("reshape", [x], shape=(x.size,)) for x in tensors]
        axis = 0
    axis = normalize_axis(axis, tensors[0].ndim)
    return tensors[0] if len(tensors) == 1 else apply("concat", tensors, axis=axis)


@op
def stack(x: Any, axis: int = 0) -> Tensor:
    """The tensors, all of one shape, along a new axis."""
    tensors = _joinable(x)
    shape = tensors[0].shape
    if any(t.shape != shape for t in tensors):
        raise ValueError(f"stack takes tensors of one shape, got {[t.shape for t in tensors]}.")
    axis = normalize_axis(axis, len(shape) + 1)
    wide = (*shape[:axis], 1, *shape[axis:])
    parts = [apply("reshape", [t], shape=wide) for t in tensors]
    return parts[0] if len(parts) == 1 else apply("concat", parts, axis=axis)


@op
def vstack(xs: Any) -> Tensor:
    """Joined along the first axis, vectors as rows."""
    tensors = [t if t.ndim > 1 else apply("reshape", [t], shape=(1, t.size)) for t in _joinable(xs)]
    return concatenate(tensors, axis=0)


@op
def hstack(xs: Any) -> Tensor:
    """Joined along the second axis, vectors along their only one."""
    tensors = [t if t.ndim else apply("reshape", [t], shape=(1,)) for t in _joinable(xs)]
    return concatenate(tensors, axis=0 if tensors[0].ndim == 1 else 1)


def take_range(x: Tensor, axis: int, taken: range) -> Tensor:
    """The positions `taken` of one axis."""
    start, stop, step = [0] * x.ndim, list(x.shape), [1] * x.ndim
    start[axis], stop[axis], step[axis] = taken.start, taken.stop, taken.step
    return apply("slice", [x], start=start, stop=stop, step=step)


@op
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """A list of parts along `axis`: a number of equal ones, or cut before the given positions.

    Raises `ValueError` if the axis does not divide.
    """
    x = tensor(x)
    axis = normalize_axis(axis, x.ndim)
    size = x.shape[axis]
    if isinstance(indices_or_sections, int):
        if indices_or_sections < 1 or size % indices_or_sections:
            raise ValueError(
                f"Cannot split {size} elements into {indices_or_sections} equal parts."
            )
        width = size // indices_or_sections
        cuts = list(range(width, size, width)) if width else [0] * (indices_or_sections - 1)
    else:
        cuts = [range(size)[: int(cut)].stop for cut in indices_or_sections]
    edges = [0, *cuts, size]
    pairs = itertools.pairwise(edges)
    return [take_range(x, axis, range(a, b if b > a else a)) for a, b in pairs]


@op
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """A list of the tensors along `axis`, without it."""
    x = tensor(x)
    axis = normalize_axis(axis, x.ndim)
    if num is not None and num != x.shape[axis]:
        raise ValueError(f"num is {num}, but axis {axis} of shape {x.shape} has another size.")
    return [squeeze(take_range(x, axis, range(i, i + 1)), axis) for i in range(x.shape[axis])]


@op
def flip(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """The order of elements reversed along `axis`, by default along all."""
    x = tensor(x)
    axes = [a for a in normalize_axes(axis, x.ndim) if x.shape[a] > 1]
    if not axes:
        return x
    return apply(
        "slice",
        [x],
        start=[d - 1 if a in axes else 0 for a, d in enumerate(x.shape)],
        stop=[-1 if a in axes else d for a, d in enumerate(x.shape)],
        step=[-1 if a in axes else 1 for a in range(x.ndim)],
    )


@op
def fliplr(x: Any) -> Tensor:
    """The order along the second axis reversed."""
    return flip(x, 1)


@op
def flipud(x: Any) -> Tensor:
    """The order along the first axis reversed."""
    return flip(x, 0)


@op
def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbours along `axis`, `n` times; of bools, whether they differ."""
    x = tensor(a)
    axis = normalize_axis(axis, x.ndim)
    if n < 0:
        raise ValueError(f"n must not be negative, got {n}.")
    for _ in range(n):
        size = max(x.shape[axis], 1)
        pair = [take_range(x, axis, range(1, size)), take_range(x, axis, range(size - 1))]
        x = apply("xor" if x.dtype == "bool" else "sub", pair)
    return x


@op
def roll(x: Any, shift: int, axis: int | None = None) -> Tensor:
    """Moved by `shift` places along `axis` (None: of the flat tensor), around its end."""
    x = tensor(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    axis = normalize_axis(axis, x.ndim)
    size = x.shape[axis]
    if not size or not shift % size:
        return x
    cut = size - shift % size
    parts = [take_range(x, axis, range(cut, size)), take_range(x, axis, range(cut))]
    return apply("concat", parts, axis=axis)


@op
def tile(x: Any, repeats: Any) -> Tensor:
    """Copies side by side, `repeats` of them per axis."""
    x = tensor(x)
    counts = shape_tuple(repeats, "repeats")
    rank = max(x.ndim, len(counts))
    counts = (1,) * (rank - len(counts)) + counts
    shape = (1,) * (rank - x.ndim) + x.shape
    split_shape = [n for dim in shape for n in (1, dim)]
    wide = [n for count, dim in zip(counts, shape, strict=True) for n in (count, dim)]
    x = expand(apply("reshape", [x], shape=split_shape), wide)
    return apply("reshape", [x], shape=[c * d for c, d in zip(counts, shape, strict=True)])


def _chosen(x: Tensor, places: np.ndarray, axis: int) -> Tensor:
    """The elements at known places of one axis."""
    from hotloop.ops.indexing import take  # which stands on this module

    return take(x, places, axis)


@op
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element `repeats` times along `axis`; of the flat tensor if None.

    `repeats` may hold one count per element; they decide the shape and must be known
    (`TracingError` otherwise). Raises `ValueError` for counts that are negative or do not fit.
    """
    x = tensor(x)
    if axis is None:
        x, axis = apply("reshape", [x], shape=(x.size,)), 0
    axis = normalize_axis(axis, x.ndim)
    counts = shape_tuple(np.asarray(repeats).reshape(-1), "repeats")
    if len(counts) != 1:
        if len(counts) != x.shape[axis]:
            raise ValueError(
                f"repeats has {len(counts)} counts for axis {axis} of shape {x.shape}."
            )
        return _chosen(x, np.repeat(np.arange(len(counts)), counts), axis)
    (repeats,) = counts
    before, size, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    x = apply("reshape", [x], shape=(*before, size, 1, *after))
    x = expand(x, (*before, size, repeats, *after))
    return apply("reshape", [x], shape=(*before, size * repeats, *after))


@op
def broadcast_to(x: Any, shape: Any) -> Tensor:
    """Repeated to `shape`. Raises `ValueError` if that is not broadcasting."""
    x, target = tensor(x), shape_tuple(shape)
    if len(target) < x.ndim or broadcast_shapes(x.shape, target) != target:
        raise ValueError(f"Cannot broadcast a tensor of shape {x.shape} to {target}.")
    return expand(x, target)


@op
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Tensor:
    """Elements added around: `pad_width` is n, (before, after), or one pair per axis.

    `mode` is "constant" (with `constant_values`, by default 0), "reflect" (mirrored at the first
    and last element) or "symmetric" (mirrored at the edges).
    """
    x = tensor(x)
    if mode not in ("constant", "reflect", "symmetric"):
        raise ValueError(f'mode must be "constant", "reflect" or "symmetric", got {mode!r}.')
    if mode != "constant" and constant_values is not None:
        raise ValueError(f"constant_values belong to mode='constant', got mode={mode!r}.")
    widths = [pad_width] if isinstance(pad_width, int) else list(pad_width)
    pairs = [(w, w) if isinstance(w, int) else tuple(w) for w in widths]
    if len(widths) == 2 and all(isinstance(w, int) for w in widths):
        pairs = [(widths[0], widths[1])]
    if len(pairs) == 1:
        pairs = pairs * x.ndim
    if len(pairs) != x.ndim:
        raise ValueError(f"pad_width {pad_width!r} has no pair for each axis of shape {x.shape}.")
    if mode != "constant":
        mirror: Any = mode
        for axis, pair in enumerate(pairs):
            if any(pair):
                if not x.shape[axis]:
                    raise ValueError(f"Axis {axis} of shape {x.shape} has nothing to mirror.")
                places = np.pad(np.arange(x.shape[axis]), (pair[0], pair[-1]), mode=mirror)
                x = _chosen(x, places, axis)
        return x
    low, high = [p[0] for p in pairs], [p[-1] for p in pairs]
    padded = apply("pad", [x], low=low, high=high)
    if constant_values is None or constant_values == 0:
        return padded
    inside = apply("pad", [expand(constant(True), x.shape)], low=low, high=high)
    value = expand(cast_to(tensor(constant_values), x.dtype), padded.shape)
    return apply("select", [inside, padded, value])
