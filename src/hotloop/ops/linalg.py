"""Linear algebra by elimination, for batches of small matrices in the last two axes.

One turn of each loop per row or column is unrolled into the compiled function: for matrices of up
to a few dozen rows. Results are float32 and differentiable. Algorithms: Golub and Van Loan, "Matrix
computations", chapters 3 to 5.
"""

from __future__ import annotations

from typing import Any

from hotloop.graph import Tensor, apply, fill
from hotloop.ops.convert import broadcast, broadcast_shapes, expand, float_tensor
from hotloop.ops.creation import eye, triu
from hotloop.ops.differentiation import jvp
from hotloop.ops.dispatch import op
from hotloop.ops.manipulation import reshape, stack, swapaxes, take_range
from hotloop.ops.reductions import argmax, norm, prod
from hotloop.ops.reductions import sum as sum_of


def _matrix(name: str, x: Any, square: bool = True) -> Tensor:
    x = float_tensor(x)
    if x.ndim < 2 or (square and x.shape[-1] != x.shape[-2]):
        kind = "square matrices" if square else "matrices"
        raise ValueError(f"{name} takes {kind} in the last two axes, got shape {x.shape}.")
    return x


def _sub(a: Tensor, b: Tensor) -> Tensor:
    return apply("sub", broadcast(a, b))


def _mul(a: Tensor, b: Tensor) -> Tensor:
    return apply("mul", broadcast(a, b))


def _div(a: Tensor, b: Tensor) -> Tensor:
    return apply("div", broadcast(a, b))


def _where(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return apply("select", broadcast(condition, a, b))


def _row(x: Tensor, i: int) -> Tensor:
    """[…, 1, columns]."""
    return take_range(x, x.ndim - 2, range(i, i + 1))


def _column(x: Tensor, j: int) -> Tensor:
    """[…, rows, 1]."""
    return take_range(x, x.ndim - 1, range(j, j + 1))


def _places(count: int) -> Tensor:
    """0, 1, … as a column."""
    return apply("iota", [], shape=(count, 1), axis=0)


def _number(value: int) -> Tensor:
    return fill(value, (1, 1), "int32")


def _after(count: int, k: int) -> Tensor:
    """A column: whether a row lies below row k."""
    return apply("lt", broadcast(_number(k), _places(count)))


def _eliminate(x: Tensor, n: int) -> tuple[Tensor, list[Tensor], Tensor]:
    """Gaussian elimination with row exchanges on the first n columns of […, n, columns].

    Returns the matrix with the factors in place of the zeros they made, the row exchanged in each
    turn ([…, 1, 1]), and the sign of the exchanges ([…, 1, 1]). An empty column is left alone.
    """
    lead = x.shape[:-2]
    places = _places(n)
    sign = fill(1.0, (*lead, 1, 1), "float32")
    pivots = []
    columns = apply("iota", [], shape=(1, x.shape[-1]), axis=1)
    zero = fill(0.0, (1, 1), "float32")
    for k in range(n):
        height = apply("abs", [_column(x, k)])
        height = _where(
            apply("lt", broadcast(places, _number(k))), fill(-1.0, (1, 1), "float32"), height
        )
        pivot = argmax(apply("stop_gradient", [height]), axis=-2, keepdims=True)
        pivots.append(pivot)
        at_pivot = apply("eq", broadcast(places, pivot))
        chosen = sum_of(_where(at_pivot, x, zero), axis=-2, keepdims=True)
        x = _where(at_pivot, _row(x, k), x)
        x = _where(apply("eq", broadcast(places, _number(k))), chosen, x)
        same = apply("eq", broadcast(pivot, _number(k)))
        sign = _where(same, sign, apply("neg", [sign]))
        head = _column(chosen, k)
        empty = apply("eq", broadcast(head, zero))
        safe = _where(empty, fill(1.0, (1, 1), "float32"), head)
        factor = _where(_after(n, k), _div(_column(x, k), safe), zero)
        right = apply("lt", broadcast(_number(k), columns))
        x = _sub(x, _mul(factor, _where(right, chosen, zero)))
        stored = apply("and", broadcast(_after(n, k), apply("eq", broadcast(columns, _number(k)))))
        x = _where(stored, factor, x)
    return x, pivots, sign


def _substitute(a: Tensor, b: Tensor, lower: bool) -> Tensor:
    """The solution of a·x = b for a triangular `a`, one row of x at a time."""
    n = a.shape[-1]
    rows: dict[int, Tensor] = {}
    for k in range(n) if lower else reversed(range(n)):
        row = _div(_row(b, k), _column(_row(a, k), k))
        rows[k] = row
        b = _sub(b, _mul(_column(a, k), row))
    if n == 1:
        return rows[0]
    parts = [rows[k] for k in range(n)]
    return apply("concat", parts, axis=parts[0].ndim - 2)


def _with_columns(name: str, a: Tensor, b: Any) -> tuple[Tensor, Tensor, bool]:
    """Both with one batch shape, `b` as columns, and whether it was one vector per matrix."""
    b = float_tensor(b)
    vector = b.ndim == 1
    b = reshape(b, (*b.shape, 1)) if vector else b
    if b.ndim < 2 or b.shape[-2] != a.shape[-1]:
        raise ValueError(f"{name} of a of shape {a.shape} does not fit b of shape {b.shape}.")
    lead = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return expand(a, (*lead, *a.shape[-2:])), expand(b, (*lead, *b.shape[-2:])), vector


def _without_columns(x: Tensor, vector: bool) -> Tensor:
    return reshape(x, x.shape[:-1]) if vector else x


@op
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """The x with a·x = b for an upper (or `lower`) triangular `a`; its other half is not read."""
    a, b, vector = _with_columns("solve_triangular", _matrix("solve_triangular", a), b)
    return _without_columns(_substitute(a, b, lower), vector)


@op
def solve(a: Any, b: Any) -> Tensor:
    """The x with a·x = b, for vectors or matrices `b`; inf or NaN if `a` is singular."""
    a, b, vector = _with_columns("solve", _matrix("solve", a), b)
    n = a.shape[-1]
    reduced, _, _ = _eliminate(apply("concat", [a, b], axis=a.ndim - 1), n)
    left = take_range(reduced, reduced.ndim - 1, range(n))
    right = take_range(reduced, reduced.ndim - 1, range(n, reduced.shape[-1]))
    return _without_columns(_substitute(left, right, lower=False), vector)


@op
def inv(x: Any) -> Tensor:
    """The inverse matrix; inf or NaN if there is none."""
    x = _matrix("inv", x)
    return solve(x, expand(eye(x.shape[-1]), x.shape))


@op
def lu_factor(x: Any) -> tuple[Tensor, Tensor]:
    """Both triangles of x = P·L·U in one matrix, and the row exchanged in each turn, int32."""
    x = _matrix("lu_factor", x)
    n = x.shape[-1]
    reduced, pivots, _ = _eliminate(x, n)
    lead = x.shape[:-2]
    return reduced, stack([reshape(p, lead) for p in pivots], axis=len(lead))


def _pivot_line(x: Tensor) -> tuple[Tensor, Tensor]:
    """The diagonal of U and the sign of the exchanges, without the last two axes' remains."""
    n = x.shape[-1]
    reduced, _, sign = _eliminate(x, n)
    flat = reshape(reduced, (*x.shape[:-2], n * n))
    line = take_range(flat, flat.ndim - 1, range(0, n * n, n + 1))
    return line, reshape(sign, x.shape[:-2])


@op
def det(x: Any) -> Tensor:
    """The determinant."""
    line, sign = _pivot_line(_matrix("det", x))
    return apply("mul", [sign, prod(line, axis=-1)])


@op
def slogdet(x: Any) -> tuple[Tensor, Tensor]:
    """The sign of the determinant and the logarithm of its size; 0 and -inf if it is 0."""
    line, sign = _pivot_line(_matrix("slogdet", x))
    sign = apply("mul", [sign, prod(apply("sign", [line]), axis=-1)])
    return sign, sum_of(apply("log", [apply("abs", [line])]), axis=-1)


@op
def logdet(x: Any) -> Tensor:
    """The logarithm of the size of the determinant."""
    line, _ = _pivot_line(_matrix("logdet", x))
    return sum_of(apply("log", [apply("abs", [line])]), axis=-1)


@op
def cholesky(x: Any, upper: bool = False) -> Tensor:
    """The lower triangular L with x = L·Lᵀ (or, with `upper`, its transpose).

    Of (x + xᵀ) / 2, as in Keras on JAX. NaN where `x` is not positive definite.
    """
    x = _matrix("cholesky", x)
    n = x.shape[-1]
    rest = _mul(apply("add", [x, swapaxes(x, -1, -2)]), fill(0.5, (1, 1), "float32"))
    zero = fill(0.0, (1, 1), "float32")
    columns = []
    for k in range(n):
        column = _column(rest, k)
        column = _div(column, apply("sqrt", [_row(column, k)]))
        if k:
            column = _where(_after(n, k - 1), column, zero)
        columns.append(column)
        rest = _sub(rest, _mul(column, swapaxes(column, -1, -2)))
    factor = columns[0] if n == 1 else apply("concat", columns, axis=x.ndim - 1)
    return swapaxes(factor, -1, -2) if upper else factor


@op
def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of the matrix whose Cholesky factor, lower or `upper` triangular, is `x`."""
    x = _matrix("cholesky_inverse", x)
    lower = swapaxes(x, -1, -2) if upper else x
    half = _substitute(lower, expand(eye(x.shape[-1]), x.shape), lower=True)
    return _substitute(swapaxes(lower, -1, -2), half, lower=False)


@op
def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Orthonormal columns Q and an upper triangular R with x = Q·R (Householder's reflections).

    `mode` is "reduced" (as many columns as the smaller side) or "complete".
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f'mode must be "reduced" or "complete", got {mode!r}.')
    r = _matrix("qr", x, square=False)
    rows, columns = r.shape[-2:]
    lead = r.shape[:-2]
    q = expand(eye(rows), (*lead, rows, rows))
    zero, one = fill(0.0, (1, 1), "float32"), fill(1.0, (1, 1), "float32")
    for k in range(min(rows - 1, columns)):
        at = apply("eq", broadcast(_places(rows), _number(k)))
        below = _after(rows, k)
        column = _column(r, k)
        head = _row(column, k)
        tail = _where(below, column, zero)
        tail_square = sum_of(_mul(tail, tail), axis=-2, keepdims=True)
        trivial = apply("eq", broadcast(tail_square, zero))
        square = apply("add", [_mul(head, head), tail_square])
        length = apply("sqrt", [_where(trivial, one, square)])
        positive = apply("le", broadcast(zero, head))
        diagonal = _where(positive, apply("neg", [length]), length)
        v = apply("add", broadcast(tail, _where(at, _sub(head, diagonal), zero)))
        # 2 / |v|², written with what is known of v
        scale = _div(one, _where(trivial, one, _mul(diagonal, _sub(diagonal, head))))
        scale = _where(trivial, zero, scale)
        weight = _mul(scale, v)
        r = _sub(r, _mul(weight, sum_of(_mul(v, r), axis=-2, keepdims=True)))
        line = swapaxes(v, -1, -2)
        q = _sub(q, _mul(sum_of(_mul(q, line), axis=-1, keepdims=True), swapaxes(weight, -1, -2)))
    r = triu(r)
    if mode == "reduced" and rows > columns:
        q = take_range(q, q.ndim - 1, range(columns))
        r = take_range(r, r.ndim - 2, range(columns))
    return q, r


__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "inv",
    "jvp",
    "logdet",
    "lu_factor",
    "norm",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
]
