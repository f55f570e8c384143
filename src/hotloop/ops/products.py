"""Products of tensors, named as in `keras.ops`."""

from __future__ import annotations

import math
from typing import Any

from hotloop.graph import Tensor, apply
from hotloop.ops.arithmetic import multiply
from hotloop.ops.convert import (
    broadcast,
    broadcast_shapes,
    cast_to,
    expand,
    normalize_axis,
    result_dtype,
    shaped,
    tensor,
)
from hotloop.ops.dispatch import op


def multiply_matrices(a: Tensor, b: Tensor) -> Tensor:
    """[m, k] × [k, n]; integers multiply exactly, one product at a time."""
    if a.dtype == "float32":
        return apply("matmul", [a, b])
    if a.dtype == "bool":  # whether any pair holds
        return cast_to(multiply_matrices(cast_to(a, "int32"), cast_to(b, "int32")), "bool")
    (m, k), n = a.shape, b.shape[1]
    left = apply("reshape", [a], shape=(m, k, 1))
    right = apply("reshape", [b], shape=(1, k, n))
    total = apply("sum", [apply("mul", broadcast(left, right))], axes=(1,))
    return apply("reshape", [total], shape=(m, n))


def _contract(a: Tensor, b: Tensor) -> Tensor:
    """The last axis of `a` with the first of `b`."""
    k = b.shape[0]
    rows, columns = a.shape[:-1], b.shape[1:]
    product = multiply_matrices(shaped(a, (math.prod(rows), k)), shaped(b, (k, math.prod(columns))))
    return shaped(product, rows + columns)


def _operands(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    dtype = result_dtype(x1, x2)
    return cast_to(tensor(x1), dtype), cast_to(tensor(x2), dtype)


@op
def matmul(x1: Any, x2: Any) -> Tensor:
    """The matrix product over the last axis of `x1` and the last but one of `x2`.

    A vector counts as a row on the left and as a column on the right, and its axis is not in the
    result. With more than two axes the last two hold matrices and the others broadcast. Raises
    `ValueError` if the sizes do not meet.
    """
    a, b = _operands(x1, x2)
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"matmul needs at least one axis each, got shapes {a.shape}, {b.shape}.")
    if a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        raise ValueError(
            f"matmul of shapes {a.shape} and {b.shape}: the last axis of the first has size "
            f"{a.shape[-1]}, axis {max(b.ndim - 2, 0)} of the second "
            f"{b.shape[max(b.ndim - 2, 0)]}; they must be equal."
        )
    if b.ndim <= 2:
        return _contract(a, b)
    left = shaped(a, (1, a.size)) if a.ndim == 1 else a
    result = multiply_stacks(left, b)
    return shaped(result, result.shape[:-2] + result.shape[-1:]) if a.ndim == 1 else result


def multiply_stacks(a: Tensor, b: Tensor) -> Tensor:
    """The products of the matrices in the last two axes; the leading axes broadcast."""
    try:
        lead = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ValueError(
            f"Stacks of matrices of shapes {a.shape} and {b.shape} cannot be multiplied: the "
            f"leading axes {a.shape[:-2]} and {b.shape[:-2]} cannot be broadcast together."
        ) from None
    m, n = a.shape[-2], b.shape[-1]
    if math.prod(lead) == 1:
        flat = multiply_matrices(shaped(a, a.shape[-2:]), shaped(b, b.shape[-2:]))
        return shaped(flat, (*lead, m, n))
    if a.dtype == "bool":
        return cast_to(multiply_stacks(cast_to(a, "int32"), cast_to(b, "int32")), "bool")
    if a.dtype == "int32":  # one product at a time
        left = shaped(a, (*a.shape, 1))
        right = shaped(b, (*b.shape[:-2], 1, *b.shape[-2:]))
        product = apply("mul", broadcast(left, right))
        total = apply("sum", [product], axes=(product.ndim - 2,))
        return shaped(total, (*lead, m, n))
    a, b = expand(a, lead + a.shape[-2:]), expand(b, lead + b.shape[-2:])
    if m == n == 1:
        product = apply("mul", [a, shaped(b, a.shape)])
        return apply("sum", [product], axes=(product.ndim - 1,))
    return apply("batch_matmul", [a, b])


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
    return apply("reshape", [multiply_matrices(a, b)], shape=shape)


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
