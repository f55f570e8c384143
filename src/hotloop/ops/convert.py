"""Arguments to tensors: conversion, type promotion and broadcasting."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.graph import Tensor, apply, canonical_dtype, constant, fill

_RANK = {"bool": 0, "int32": 1, "float32": 2}
_NUMBERS = (bool, int, float)
_BY_RANK = ("bool", "int32", "float32")


def cast_to(x: Tensor, dtype: str) -> Tensor:
    """`x` in `dtype`; `x` itself if it has it already."""
    return x if x.dtype == dtype else apply("cast", [x], dtype=dtype)


def shaped(x: Tensor, shape: Sequence[int]) -> Tensor:
    """The elements of `x` in another shape; `x` itself if it has it already."""
    return x if x.shape == tuple(shape) else apply("reshape", [x], shape=shape)


def result_dtype(*values: Any, least: str = "bool") -> str:
    """The dtype that holds all values: float32 over int32 over bool, and not below `least`."""
    rank = _RANK[least]
    for value in values:
        if type(value) is Tensor:
            rank = max(rank, _RANK[value.dtype])
        elif isinstance(value, bool):
            continue
        elif isinstance(value, float):
            rank = 2
        elif isinstance(value, int):
            rank = max(rank, 1)
        else:
            dtype = getattr(value, "dtype", None)
            if dtype is None:
                dtype = constant(value).dtype
            rank = max(rank, _RANK[canonical_dtype(dtype)])
    return _BY_RANK[rank]


def tensor(x: Any, least: str = "bool") -> Tensor:
    """`x` as a tensor, promoted to at least the dtype `least`."""
    x = constant(x)
    return x if _RANK[x.dtype] >= _RANK[least] else cast_to(x, least)


def float_tensor(x: Any) -> Tensor:
    """`x` as a float32 tensor."""
    return constant(x, "float32")


def like(value: Any, x: Tensor) -> Tensor:
    """`value` in the shape and dtype of `x`."""
    return fill(value, x.shape, x.dtype)


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """NumPy's rule. Raises `ValueError` naming the shapes."""
    try:
        return np.broadcast_shapes(*(tuple(shape) for shape in shapes))
    except ValueError:
        listed = " and ".join(str(tuple(shape)) for shape in shapes)
        raise ValueError(f"Shapes {listed} cannot be broadcast together.") from None


def expand(x: Tensor, shape: Sequence[int]) -> Tensor:
    """`x` repeated to `shape`, which it must broadcast to."""
    shape = tuple(shape)
    if x.shape == shape:
        return x
    if x.ndim < len(shape):
        x = apply("reshape", [x], shape=(1,) * (len(shape) - x.ndim) + x.shape)
    return x if x.shape == shape else apply("broadcast_to", [x], shape=shape)


def broadcast(*tensors: Tensor) -> list[Tensor]:
    """The tensors repeated to their common shape."""
    first = tensors[0].shape
    for x in tensors:
        if x.shape != first:
            break
    else:
        return list(tensors)
    shape = broadcast_shapes(*(x.shape for x in tensors))
    return [expand(x, shape) for x in tensors]


def promote(*values: Any, least: str = "bool") -> list[Tensor]:
    """The values as tensors of one dtype and one shape."""
    if len(values) == 2:
        a, b = values
        if type(a) is Tensor:
            if type(b) is Tensor:
                if a.shape == b.shape and a.dtype == b.dtype and _RANK[a.dtype] >= _RANK[least]:
                    return [a, b]
            elif a.dtype == "float32" and type(b) in _NUMBERS:
                return [a, fill(b, a.shape, a.dtype)]
    dtype = result_dtype(*values, least=least)
    rest = [constant(value, dtype) for value in values if type(value) not in _NUMBERS]
    if not rest:
        return [constant(value, dtype) for value in values]
    rest = broadcast(*rest)
    if len(rest) == len(values):
        return rest
    shape, others = rest[0].shape, iter(rest)
    return [
        fill(value, shape, dtype) if type(value) in _NUMBERS else next(others) for value in values
    ]


def normalize_axis(axis: Any, ndim: int) -> int:
    """A non-negative axis. Raises `ValueError` if it does not exist, `TypeError` if not an int."""
    try:
        index = operator.index(axis)
    except TypeError:
        raise TypeError(f"axis must be an integer, got {axis!r}.") from None
    if not -ndim <= index < ndim:
        raise ValueError(f"axis {axis} is out of range for a tensor with {ndim} axes.")
    return index % ndim


def normalize_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Sorted non-negative axes; None means all. Raises `ValueError` on repeats."""
    if axis is None:
        return tuple(range(ndim))
    if isinstance(axis, list | tuple):
        axes = tuple(sorted(normalize_axis(a, ndim) for a in axis))
        if len(set(axes)) != len(axes):
            raise ValueError(f"axis {axis} names an axis twice.")
        return axes
    return (normalize_axis(axis, ndim),)


def shape_tuple(shape: Any, name: str = "shape") -> tuple[int, ...]:
    """A shape given as an int or a sequence of ints. Raises `TypeError`/`ValueError` otherwise."""
    try:
        if isinstance(shape, list | tuple | np.ndarray):
            dims = tuple(operator.index(dim) for dim in shape)
        else:
            dims = (operator.index(shape),)
    except TypeError:
        raise TypeError(
            f"{name} must be an integer or a sequence of integers, got {shape!r}."
        ) from None
    if any(dim < 0 for dim in dims):
        raise ValueError(f"{name} must not have negative sizes, got {shape!r}.")
    return dims
