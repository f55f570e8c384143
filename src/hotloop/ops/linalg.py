"""Linear algebra on batches of matrices in the last two axes.

Results are float32, computed in double precision one matrix after the other, and differentiable.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hotloop._absent import missing
from hotloop.graph import Tensor, apply, fill
from hotloop.graph.primitives import matrices
from hotloop.ops.convert import broadcast, broadcast_shapes, expand, float_tensor, shaped
from hotloop.ops.creation import eye
from hotloop.ops.differentiation import jvp
from hotloop.ops.dispatch import op
from hotloop.ops.manipulation import swapaxes, take_range
from hotloop.ops.products import multiply_stacks
from hotloop.ops.reductions import max as max_of
from hotloop.ops.reductions import norm, prod
from hotloop.ops.reductions import sum as sum_of

_EPSILON = float(np.finfo(np.float32).eps)


def _matrix(name: str, x: Any, square: bool = True) -> Tensor:
    x = float_tensor(x)
    if x.ndim < 2 or (square and x.shape[-1] != x.shape[-2]):
        kind = "square matrices" if square else "matrices"
        raise ValueError(f"{name} takes {kind} in the last two axes, got shape {x.shape}.")
    return x


def _flat(x: Tensor) -> Tensor:
    """(batch, rows, columns)."""
    return shaped(x, (math.prod(x.shape[:-2]), *x.shape[-2:]))


def _like(x: Tensor, result: Tensor) -> Tensor:
    """A result per matrix, with the leading axes of `x`."""
    return shaped(result, (*x.shape[:-2], *result.shape[1:]))


def _symmetric(x: Tensor) -> Tensor:
    total = apply("add", [x, swapaxes(x, -1, -2)])
    return apply("mul", [total, fill(0.5, total.shape, "float32")])


def _with_columns(name: str, a: Tensor, b: Any) -> tuple[Tensor, Tensor, bool]:
    """Both with one batch shape, `b` as columns, and whether it was one vector per matrix."""
    b = float_tensor(b)
    vector = b.ndim == 1
    b = shaped(b, (*b.shape, 1)) if vector else b
    if b.ndim < 2 or b.shape[-2] != a.shape[-2]:
        raise ValueError(f"{name} of a of shape {a.shape} does not fit b of shape {b.shape}.")
    lead = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return expand(a, (*lead, *a.shape[-2:])), expand(b, (*lead, *b.shape[-2:])), vector


def _without_columns(x: Tensor, vector: bool) -> Tensor:
    return shaped(x, x.shape[:-1]) if vector else x


# -- triangles and elimination ---------------------------------------------------------------------


@op
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """The x with a·x = b for an upper (or `lower`) triangular `a`; its other half is not read."""
    a, b, vector = _with_columns("solve_triangular", _matrix("solve_triangular", a), b)
    return _without_columns(_like(b, matrices.solve(_flat(a), _flat(b), bool(lower))), vector)


@op
def solve(a: Any, b: Any) -> Tensor:
    """The x with a·x = b, for vectors or matrices `b`; inf or NaN if `a` is singular."""
    a, b, vector = _with_columns("solve", _matrix("solve", a), b)
    n = a.shape[-1]
    decomposed = apply("lu", [_flat(a)])
    factors = matrices.part(decomposed, 1, 0, n)
    exchanged = apply("gather", [_flat(b), matrices.rows_of_lu(decomposed)], fill=0)
    half = matrices.solve(matrices.unit_lower(factors), exchanged, lower=True)
    return _without_columns(_like(b, matrices.solve(factors, half, lower=False)), vector)


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
    decomposed = apply("lu", [_flat(x)])
    turns = apply("cast", [matrices.part(decomposed, 1, n, n + 1)], dtype="int32")
    return _like(x, matrices.part(decomposed, 1, 0, n)), shaped(turns, x.shape[:-1])


def _pivot_line(x: Tensor) -> tuple[Tensor, Tensor]:
    """The diagonal of U, (batch, n), and the sign of the exchanges, (batch,)."""
    n = x.shape[-1]
    decomposed = apply("lu", [_flat(x)])
    batch = decomposed.shape[0]
    flat = shaped(decomposed, (batch, n * (n + 2)))
    line = take_range(flat, 1, range(0, n * n, n + 1))
    turns = take_range(flat, 1, range(n * n, n * n + n))
    places = apply("cast", [apply("iota", [], shape=(batch, n), axis=1)], dtype="float32")
    one, minus = (fill(value, turns.shape, "float32") for value in (1.0, -1.0))
    signs = apply("select", [apply("eq", [turns, places]), one, minus])
    return line, prod(signs, axis=-1)


@op
def det(x: Any) -> Tensor:
    """The determinant."""
    x = _matrix("det", x)
    line, sign = _pivot_line(x)
    return _like(x, apply("mul", [sign, prod(line, axis=-1)]))


@op
def slogdet(x: Any) -> tuple[Tensor, Tensor]:
    """The sign of the determinant and the logarithm of its size; 0 and -inf if it is 0."""
    x = _matrix("slogdet", x)
    line, sign = _pivot_line(x)
    sign = apply("mul", [sign, prod(apply("sign", [line]), axis=-1)])
    size = sum_of(apply("log", [apply("abs", [line])]), axis=-1)
    return _like(x, sign), _like(x, size)


@op
def logdet(x: Any) -> Tensor:
    """The logarithm of the size of the determinant."""
    x = _matrix("logdet", x)
    line, _ = _pivot_line(x)
    return _like(x, sum_of(apply("log", [apply("abs", [line])]), axis=-1))


@op
def cholesky(x: Any, upper: bool = False) -> Tensor:
    """The lower triangular L with x = L·Lᵀ (or, with `upper`, its transpose).

    Of (x + xᵀ) / 2, as in Keras on JAX. NaN where `x` is not positive definite.
    """
    x = _matrix("cholesky", x)
    factor = _like(x, apply("cholesky", [_flat(_symmetric(x))]))
    return swapaxes(factor, -1, -2) if upper else factor


@op
def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of the matrix whose Cholesky factor, lower or `upper` triangular, is `x`."""
    x = _matrix("cholesky_inverse", x)
    factor = _flat(x)
    half = matrices.solve(factor, expand(eye(x.shape[-1]), factor.shape), not upper, bool(upper))
    return _like(x, matrices.solve(factor, half, not upper, not upper))


# -- orthogonal factors ----------------------------------------------------------------------------


@op
def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Orthonormal columns Q and an upper triangular R with x = Q·R (Householder's reflections).

    `mode` is "reduced" (as many columns as the smaller side) or "complete", which has no gradient
    for more rows than columns.
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f'mode must be "reduced" or "complete", got {mode!r}.')
    x = _matrix("qr", x, square=False)
    flat = _flat(x)
    batch, rows, columns = flat.shape
    left = min(rows, columns)
    complete = mode == "complete" and rows > columns
    if not left:
        q = expand(eye(rows, rows if complete else 0), (batch, rows, rows if complete else 0))
        return _like(x, q), _like(x, fill(0.0, (batch, q.shape[2], columns), "float32"))
    decomposed = apply("qr", [matrices.part(flat, 2, 0, left)], complete=complete)
    q, r = matrices.parts_of_qr(decomposed, rows, left, complete)
    if columns > left:  # R says how the first columns make up the others
        rest = matrices.multiply(q, matrices.part(flat, 2, left, columns), ta=True)
        r = apply("concat", [r, rest], axis=2)
    return _like(x, q), _like(x, r)


@op
def eigh(x: Any) -> tuple[Tensor, Tensor]:
    """The eigenvalues, smallest first, and the eigenvectors (as columns) of symmetric matrices.

    Of (x + xᵀ) / 2, as in Keras on JAX. The sign of each vector is arbitrary.
    """
    x = _matrix("eigh", x)
    n = x.shape[-1]
    found = apply("eigh", [_flat(_symmetric(x))])
    values = shaped(matrices.part(found, 1, 0, 1), x.shape[:-1])
    return values, _like(x, matrices.part(found, 1, 1, n + 1))


def _thin_svd(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    u, s, vt = matrices.parts_of_svd(apply("svd", [_flat(x)]), *x.shape[-2:])
    return u, shaped(s, (s.shape[0], s.shape[2])), vt


def _completed(basis: Tensor) -> Tensor:
    """(batch, n, k) orthonormal columns, and more of them until there are n."""
    _, n, k = basis.shape
    if n == k:
        return basis
    decomposed = apply("qr", [basis], complete=True)
    q, _ = matrices.parts_of_qr(decomposed, n, k, True)
    return apply("concat", [basis, matrices.part(q, 2, k, n)], axis=2)


@op
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Orthonormal U and Vᵀ and the singular values s, largest first, with x = U·diag(s)·Vᵀ.

    Args:
        x: matrices in the last two axes.
        full_matrices: whether U and Vᵀ are square; else they have as many columns (rows) as the
            smaller side. Square ones have no gradient unless `x` is square.
        compute_uv: whether to return U, s and Vᵀ; else only s.

    The sign of each pair of vectors is arbitrary.
    """
    x = _matrix("svd", x, square=False)
    if not min(x.shape[-2:]):
        raise ValueError(f"svd takes matrices with elements, got shape {x.shape}.")
    u, s, vt = _thin_svd(x)
    if not compute_uv:
        return _like(x, s)
    if full_matrices:
        u, vt = _completed(u), matrices.turn(_completed(matrices.turn(vt)))
    return _like(x, u), _like(x, s), _like(x, vt)


def _counted(s: Tensor, cut: Any) -> Tensor:
    """Bool: which singular values, (batch, k), are larger than `cut`, one for all or for each."""
    cut = float_tensor(cut)
    return apply("lt", broadcast(shaped(cut, (*cut.shape, 1)), s))


def _largest(s: Tensor, share: Any) -> Tensor:
    """(batch,): the largest singular value times `share`."""
    return apply("mul", broadcast(max_of(s, axis=-1), float_tensor(share)))


@op
def matrix_rank(x: Any, tol: Any = None) -> Tensor:
    """How many singular values are larger than `tol`, int32.

    `tol` is by default the largest one times float32's epsilon and the longer side.
    """
    x = _matrix("matrix_rank", x, square=False)
    _, s, _ = _thin_svd(x)
    cut = _largest(s, _EPSILON * max(x.shape[-2:])) if tol is None else tol
    rank = sum_of(apply("cast", [_counted(s, cut)], dtype="int32"), axis=-1)
    return shaped(rank, x.shape[:-2])


def _pinv(x: Tensor, share: Any) -> Tensor:
    u, s, vt = _thin_svd(x)
    kept = _counted(s, _largest(s, share))
    one, zero = fill(1.0, s.shape, "float32"), fill(0.0, s.shape, "float32")
    inverse = apply("div", [one, apply("select", [kept, s, one])])
    inverse = apply("select", [kept, inverse, zero])
    scaled = apply("mul", broadcast(vt, shaped(inverse, (*inverse.shape, 1))))
    return matrices.multiply(scaled, u, ta=True, tb=True)


@op
def pinv(x: Any, rcond: Any = None) -> Tensor:
    """The pseudoinverse of Moore and Penrose, from the singular values.

    Those below the largest one times `rcond` count as 0; by default ten times float32's epsilon
    times the longer side, as in Keras on JAX.
    """
    x = _matrix("pinv", x, square=False)
    share = 10.0 * _EPSILON * max(x.shape[-2:]) if rcond is None else rcond
    return _like(x, _pinv(x, share))


@op
def lstsq(a: Any, b: Any, rcond: Any = None) -> Tensor:
    """The x that makes the norm of a·x - b smallest; of several the one with the smallest norm.

    Args:
        a: one matrix `[rows, columns]`.
        b: a vector `[rows]` or a matrix `[rows, k]`.
        rcond: singular values below the largest one times this count as 0; by default float32's
            epsilon times the longer side.
    """
    a = _matrix("lstsq", a, square=False)
    a, b, vector = _with_columns("lstsq", a, b)
    if a.ndim != 2:
        raise ValueError(f"lstsq takes one matrix a, got shape {a.shape}.")
    share = _EPSILON * max(a.shape) if rcond is None else rcond
    return _without_columns(multiply_stacks(_like(a, _pinv(a, share)), b), vector)


__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eigh",
    "inv",
    "jvp",
    "logdet",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
]

__getattr__ = missing(__name__, "hotloop.ops")
