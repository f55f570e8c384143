"""Functions that make tensors, named as in `keras.ops`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hotloop.graph import Tensor, apply, canonical_dtype, constant, fill
from hotloop.ops.convert import cast_to, expand, promote, result_dtype, shape_tuple, tensor
from hotloop.ops.dispatch import op


@op
def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """Zeros, float32 unless `dtype` says otherwise."""
    return fill(0, shape_tuple(shape), canonical_dtype(dtype or "float32"))


@op
def ones(shape: Any, dtype: Any = None) -> Tensor:
    """Ones, float32 unless `dtype` says otherwise."""
    return fill(1, shape_tuple(shape), canonical_dtype(dtype or "float32"))


@op
def empty(shape: Any, dtype: Any = None) -> Tensor:
    """Zeros: tensors never change, so there is nothing to leave out."""
    return fill(0, shape_tuple(shape), canonical_dtype(dtype or "float32"))


@op
def array(x: Any, dtype: Any = None) -> Tensor:
    """`x` as a tensor: floats as float32, integers as int32, or in `dtype`."""
    return constant(x, dtype)


@op
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """`fill_value`, which may be a tensor that broadcasts, everywhere; float32 by default."""
    return expand(constant(fill_value, dtype or "float32"), shape_tuple(shape))


def _like_dtype(x: Any, dtype: Any) -> str:
    return canonical_dtype(dtype) if dtype is not None else tensor(x).dtype


@op
def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros in the shape, and by default the dtype, of `x`."""
    return fill(0, tensor(x).shape, _like_dtype(x, dtype))


@op
def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones in the shape, and by default the dtype, of `x`."""
    return fill(1, tensor(x).shape, _like_dtype(x, dtype))


@op
def empty_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros in the shape, and by default the dtype, of `x`."""
    return fill(0, tensor(x).shape, _like_dtype(x, dtype))


@op
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """`fill_value` in the shape, and by default the dtype, of `x`."""
    return expand(constant(fill_value, _like_dtype(x, dtype)), tensor(x).shape)


@op
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """start, start + step, … below `stop`; `arange(n)` counts from 0."""
    if dtype is None:
        dtype = result_dtype(*(v for v in (start, stop, step) if v is not None), least="int32")
    dtype = canonical_dtype(dtype)
    first, last = (0, start) if stop is None else (start, stop)
    first, last, by = (_number(v) for v in (first, last, 1 if step is None else step))
    if by == 0:
        raise ValueError("arange needs a step other than 0.")
    if dtype == "int32" and all(float(v).is_integer() for v in (first, last, by)):
        count = len(range(int(first), int(last), int(by)))
        ruler = apply("iota", [], shape=(count,), axis=0)
        if by != 1:
            ruler = apply("mul", promote(ruler, int(by)))
        return ruler if first == 0 else apply("add", promote(ruler, int(first)))
    return constant(np.arange(first, last, by), dtype)


def _number(value: Any) -> int | float:
    return value if isinstance(value, int | float) else np.asarray(value).item()


@op
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` evenly spaced numbers from `start` to `stop`; with `retstep` also their distance.

    `start` and `stop` must be known values.
    """
    values, distance = np.linspace(
        np.asarray(start, np.float64),
        np.asarray(stop, np.float64),
        num,
        endpoint=endpoint,
        retstep=True,
        axis=axis,
    )
    result = constant(values, dtype or "float32")
    return (result, constant(distance, dtype or "float32")) if retstep else result


@op
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """`num` numbers from base**start to base**stop, their exponents evenly spaced.

    `start`, `stop` and `base` must be known values.
    """
    values = np.logspace(
        np.asarray(start, np.float64),
        np.asarray(stop, np.float64),
        num,
        endpoint=endpoint,
        base=np.asarray(base, np.float64),
        axis=axis,
    )
    return constant(values, dtype or "float32")


@op
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Tensor:
    """`num` numbers from `start` to `stop` with a constant ratio, both known and not 0."""
    values = np.geomspace(
        np.asarray(start, np.float64),
        np.asarray(stop, np.float64),
        num,
        endpoint=endpoint,
        axis=axis,
    )
    return constant(values, dtype or "float32")


@op
def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:  # noqa: N803
    """Ones on the k-th diagonal of N × M zeros."""
    shape = shape_tuple((N, N if M is None else M))
    rows = apply("add", promote(apply("iota", [], shape=shape, axis=0), int(k)))
    hits = apply("eq", [rows, apply("iota", [], shape=shape, axis=1)])
    return cast_to(hits, canonical_dtype(dtype or "float32"))


@op
def identity(n: int, dtype: Any = None) -> Tensor:
    """Ones on the diagonal of n × n zeros."""
    return eye(n, dtype=dtype)


@op
def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:  # noqa: N803
    """Ones on and below the k-th diagonal of N × M zeros."""
    shape = shape_tuple((N, N if M is None else M))
    rows = apply("add", promote(apply("iota", [], shape=shape, axis=0), int(k)))
    hits = apply("le", [apply("iota", [], shape=shape, axis=1), rows])
    return cast_to(hits, canonical_dtype(dtype or "float32"))


def _triangle(x: Any, k: int, lower: bool) -> Tensor:
    x = tensor(x)
    if x.ndim < 2:
        raise ValueError(f"A triangle needs at least 2 axes, got shape {x.shape}.")
    rows = apply("add", promote(apply("iota", [], shape=x.shape, axis=x.ndim - 2), int(k)))
    columns = apply("iota", [], shape=x.shape, axis=x.ndim - 1)
    kept = apply("le", [columns, rows] if lower else [rows, columns])
    return apply("select", [kept, x, fill(0, x.shape, x.dtype)])


@op
def tril(x: Any, k: int = 0) -> Tensor:
    """Zeros above the k-th diagonal of the last two axes."""
    return _triangle(x, k, lower=True)


@op
def triu(x: Any, k: int = 0) -> Tensor:
    """Zeros below the k-th diagonal of the last two axes."""
    return _triangle(x, k, lower=False)


@op
def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """A new `axis` of size `num_classes` with a one at each integer of `x`, else zeros.

    Integers outside [0, num_classes) give zeros only.
    """
    if sparse:
        raise NotImplementedError("one_hot(sparse=True): hotloop has no sparse tensors.")
    return cast_to(one_hot_bool(x, num_classes, axis), canonical_dtype(dtype or "float32"))


def one_hot_bool(x: Any, num_classes: int, axis: int = -1) -> Tensor:
    """`one_hot` as bool."""
    x = cast_to(tensor(x), "int32")
    rank = x.ndim + 1
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is out of range for a result with {rank} axes.")
    axis %= rank
    x = apply("reshape", [x], shape=(*x.shape[:axis], 1, *x.shape[axis:]))
    shape = (*x.shape[:axis], num_classes, *x.shape[axis + 1 :])
    return apply("eq", [apply("iota", [], shape=shape, axis=axis), expand(x, shape)])


@op
def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """One grid of coordinates per vector."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f'indexing must be "xy" or "ij", got {indexing!r}.')
    vectors = [tensor(v) for v in x]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(order) > 1:
        order[0], order[1] = 1, 0
    shape = [0] * len(order)
    for place, vector in zip(order, vectors, strict=True):
        shape[place] = math.prod(vector.shape)
    grids = []
    for place, vector in zip(order, vectors, strict=True):
        line = [vector.size if a == place else 1 for a in range(len(order))]
        grids.append(expand(apply("reshape", [vector], shape=line), shape))
    return grids
