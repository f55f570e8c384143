"""Strided views: which address an element of a tensor is read from."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

Ints = tuple[int, ...]


@lru_cache(maxsize=1024)
def strides_of(shape: Ints) -> Ints:
    """Row-major strides."""
    strides = []
    step = 1
    for dim in reversed(shape):
        strides.append(step)
        step *= dim
    return tuple(reversed(strides))


class View:
    """Element (i0, i1, …) of a tensor is `root[offset + Σ i_d · strides[d]]`.

    Without `strides` it is all of root, in order.
    """

    __slots__ = ("in_order", "offset", "root", "shape", "strides")

    def __init__(self, root: Any, shape: Ints, strides: Ints | None = None, offset: int = 0):
        self.root = root
        self.shape = shape
        self.in_order = strides is None
        self.strides = strides_of(shape) if strides is None else strides
        self.offset = offset

    def reshape(self, shape: Ints) -> View | None:
        """The same elements in order under another shape, or None if that needs a copy."""
        dims, strides = coalesce(self.shape, self.strides)
        result: list[int] = []
        at, left = 0, dims[0] if dims else 1
        for dim in shape:
            if dim == 1:
                result.append(0)
                continue
            if left == 1:
                at += 1
                left = dims[at]
            if left % dim:
                return None
            left //= dim
            result.append(strides[at] * left)
        return View(self.root, shape, tuple(result), self.offset)

    def transpose(self, perm: Ints) -> View:
        """The axes in another order."""
        return View(
            self.root,
            tuple([self.shape[axis] for axis in perm]),
            tuple([self.strides[axis] for axis in perm]),
            self.offset,
        )

    def broadcast(self, shape: Ints) -> View:
        """Axes of size 1 repeated."""
        strides = tuple(
            [
                s if dim == want else 0
                for s, dim, want in zip(self.strides, self.shape, shape, strict=True)
            ]
        )
        return View(self.root, shape, strides, self.offset)

    def slice(self, shape: Ints, start: Ints, step: Ints) -> View:
        """Every `step`-th element from `start` on, along each axis."""
        offset = self.offset
        for s, first in zip(self.strides, start, strict=True):
            offset += s * first
        strides = tuple([s * by for s, by in zip(self.strides, step, strict=True)])
        return View(self.root, shape, strides, offset)


def coalesce(shape: Ints, strides: Ints) -> tuple[list[int], list[int]]:
    """The fewest dimensions that walk the same addresses; none of size 1."""
    dims: list[int] = []
    steps: list[int] = []
    for dim, stride in zip(shape, strides, strict=True):
        if dim == 1:
            continue
        if dims and steps[-1] == stride * dim:
            dims[-1] *= dim
            steps[-1] = stride
        else:
            dims.append(dim)
            steps.append(stride)
    return dims, steps


def split_at(dims: list[int], strides: list[int], inner: int) -> int | None:
    """Splits (in place) so that the last dimensions have `inner` elements; the number before them.

    None if a dimension would have to be cut at no whole number.
    """
    size = 1
    for at in range(len(dims), -1, -1):
        if size == inner:
            return at
        if at == 0:
            return None
        dim = dims[at - 1]
        if size * dim > inner:
            if inner % size or (size * dim) % inner:
                return None
            low = inner // size
            dims[at - 1 : at] = [dim // low, low]
            strides[at - 1 : at] = [strides[at - 1] * low, strides[at - 1]]
            return at
        size *= dim
    return None


def cuts_of(dims: list[int]) -> list[int]:
    """Sizes of the inner blocks at which the walk changes its stride."""
    cuts = []
    size = 1
    for dim in reversed(dims[1:]):
        size *= dim
        cuts.append(size)
    return cuts


def spread(dims: list[int], strides: list[int], domain: list[int]) -> list[int]:
    """Strides of a walk over `domain`, whose dimensions subdivide `dims`."""
    result = [0] * len(domain)
    at = len(dims) - 1
    step = strides[at] if dims else 0
    left = dims[at] if dims else 1
    for d in range(len(domain) - 1, -1, -1):
        size = domain[d]
        if size == 1:
            continue
        if left == 1:
            at -= 1
            step, left = strides[at], dims[at]
        if left % size:
            raise AssertionError(f"domain {domain} does not subdivide {dims}")
        result[d] = step
        step *= size
        left //= size
    return result
