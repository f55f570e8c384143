"""Products of tensors, named as in `keras.ops`."""

from __future__ import annotations

import math
from typing import Any

from hotloop.graph import Tensor, apply
from hotloop.ops.convert import broadcast, cast_to, normalize_axis, result_dtype, tensor
from hotloop.ops.dispatch import op
from hotloop.ops.math import multiply


def _product(a: Tensor, b: Tensor) -> Tensor:
    """[m, k] × [k, n]; integers multiply exactly, one product at a time."""
    if a.dtype == "float32":
        return apply("matmul", [a, b])
    if a.dtype == "bool":  # whether any pair holds
        return cast_to(_product(cast_to(a, "int32"), cast_to(b, "int32")), "bool")
    (m, k), n = a.shape, b.shape[1]
    left = apply("reshape", [a], shape=(m, k, 1))
    right = apply("reshape", [b], shape=(1, k, n))
    total = apply("sum", [apply("mul", broadcast(left, right))], axes=(1,))
    return apply("reshape", [total], shape=(m, n))


def _contract(a: Tensor, b: Tensor) -> Tensor:
    """The last axis of `a` with the first of `b`."""
    k = b.shape[0]
    rows, columns = a.shape[:-1], b.shape[1:]
    product = _product(_shaped(a, (math.prod(rows), k)), _shaped(b, (k, math.prod(columns))))
    return _shaped(product, rows + columns)


def _shaped(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    return x if x.shape == shape else apply("reshape", [x], shape=shape)


def _operands(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    dtype = result_dtype(x1, x2)
    return cast_to(tensor(x1), dtype), cast_to(tensor(x2), dtype)


@op
def matmul(x1: Any, x2: Any) -> Tensor:
    """The matrix product: of vectors and matrices, or of more axes with a matrix on the right.

    Raises `ValueError` if the sizes do not meet, `NotImplementedError` for batches of matrices on
    the right.
    """
    a, b = _operands(x1, x2)
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"matmul needs at least one axis each, got shapes {a.shape}, {b.shape}.")
    if b.ndim > 2 and math.prod(b.shape[:-2]) == 1 and a.ndim <= 2:
        lead = b.shape[:-2]
        result = matmul(a, apply("reshape", [b], shape=b.shape[-2:]))
        return apply("reshape", [result], shape=lead + result.shape)
    if b.ndim > 2:
        raise NotImplementedError(
            f"matmul of shapes {a.shape} and {b.shape}: products with a batch of matrices on the "
            "right are not available. The right operand can be a vector or a matrix."
        )
    if a.shape[-1] != b.shape[0]:
        raise ValueError(
            f"matmul of shapes {a.shape} and {b.shape}: the last axis of the first has size "
            f"{a.shape[-1]}, the first axis of the second {b.shape[0]}; they must be equal."
        )
    return _contract(a, b)


@op
def dot(x1: Any, x2: Any) -> Tensor:
    """The sum product over the last axis of `x1` and the last but one of `x2`."""
    a, b = _operands(x1, x2)
    if a.ndim == 0 or b.ndim == 0:
        return multiply(a, b)
    return tensordot(a, b, axes=[[a.ndim - 1], [max(b.ndim - 2, 0)]])


@op
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Tensor:
    """The sum product over `axes`: how many inner ones, or the lists of both sides."""
    a, b = _operands(x1, x2)
    if isinstance(axes, int):
        if not 0 <= axes <= min(a.ndim, b.ndim):
            raise ValueError(f"axes={axes} does not fit shapes {a.shape} and {b.shape}.")
        left, right = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        left, right = ([n] if isinstance(n, int) else list(n) for n in axes)
    left = [normalize_axis(axis, a.ndim) for axis in left]
    right = [normalize_axis(axis, b.ndim) for axis in right]
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ValueError(
            f"tensordot of shapes {a.shape} and {b.shape} over axes {left} and {right}: the sizes "
            "must be equal."
        )
    rows = [i for i in range(a.ndim) if i not in left]
    columns = [i for i in range(b.ndim) if i not in right]
    shape = [a.shape[i] for i in rows] + [b.shape[i] for i in columns]
    k = math.prod(a.shape[i] for i in left)
    a = _reorder(a, rows + left)
    b = _reorder(b, right + columns)
    a = apply("reshape", [a], shape=(a.size // k if k else math.prod(shape[: len(rows)]), k))
    b = apply("reshape", [b], shape=(k, math.prod(shape[len(rows) :])))
    return apply("reshape", [_product(a, b)], shape=shape)


def _reorder(x: Tensor, perm: list[int]) -> Tensor:
    return x if perm == list(range(x.ndim)) else apply("transpose", [x], perm=perm)


@op
def inner(x1: Any, x2: Any) -> Tensor:
    """The sum product over the last axes of both."""
    a, b = _operands(x1, x2)
    if a.ndim == 0 or b.ndim == 0:
        return multiply(a, b)
    return tensordot(a, b, axes=[[a.ndim - 1], [b.ndim - 1]])


@op
def outer(x1: Any, x2: Any) -> Tensor:
    """Every element of the flat `x1` times every element of the flat `x2`."""
    a, b = _operands(x1, x2)
    a = apply("reshape", [a], shape=(a.size, 1))
    return multiply(a, apply("reshape", [b], shape=(1, b.size)))


@op
def vdot(x1: Any, x2: Any) -> Tensor:
    """The sum of products of the flat tensors."""
    a, b = _operands(x1, x2)
    if a.size != b.size:
        raise ValueError(f"vdot of shapes {a.shape} and {b.shape}: the sizes must be equal.")
    return _contract(apply("reshape", [a], shape=(a.size,)), apply("reshape", [b], shape=(b.size,)))
