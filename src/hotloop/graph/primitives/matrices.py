"""Factorisations of matrices, one after the other: block steps too.

Everything has the shape (batch, rows, columns). A factorisation that gives several matrices gives
them in one tensor; `hotloop.ops.linalg` takes it apart. For the gradients see Giles, "An extended
collection of matrix derivative results for forward and reverse mode AD" (2008); of the Cholesky
factor Murray, "Differentiation of the Cholesky decomposition" (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.graph.dtypes import FLOAT
from hotloop.graph.primitives.registry import Gradient, Shape, register
from hotloop.graph.tensor import Tensor, apply, fill

Attrs = dict[str, Any]


def multiply(a: Tensor, b: Tensor, ta: bool = False, tb: bool = False) -> Tensor:
    """op(a) op(b), per batch."""
    return apply("batch_matmul", [a, b], ta=ta, tb=tb)


def turn(x: Tensor) -> Tensor:
    """The transposed matrices."""
    return apply("transpose", [x], perm=(0, 2, 1))


def part(x: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """The range along one axis."""
    starts, stops = [0] * x.ndim, list(x.shape)
    starts[axis], stops[axis] = start, stop
    return apply("slice", [x], start=starts, stop=stops, step=[1] * x.ndim)


def masked(x: Tensor, compare: str, other: Tensor | float = 0.0) -> Tensor:
    """`x` where row `compare` column holds ("lt", "le", "eq"), elsewhere `other`."""
    row = apply("iota", [], shape=x.shape, axis=1)
    column = apply("iota", [], shape=x.shape, axis=2)
    filler = fill(other, x.shape, FLOAT) if isinstance(other, float) else other
    return apply("select", [apply(compare, [row, column]), x, filler])


def lower(x: Tensor, diagonal: bool) -> Tensor:
    """The lower triangle, with or without the diagonal."""
    zero = fill(0.0, x.shape, FLOAT)
    return masked(zero, "lt" if diagonal else "le", x)


def upper(x: Tensor) -> Tensor:
    """The upper triangle with the diagonal."""
    return masked(x, "le")


def _add(a: Tensor, b: Tensor) -> Tensor:
    return apply("add", [a, b])


def _sub(a: Tensor, b: Tensor) -> Tensor:
    return apply("sub", [a, b])


def _mul(a: Tensor, b: Tensor) -> Tensor:
    return apply("mul", [a, b])


def _halved_diagonal(x: Tensor) -> Tensor:
    return masked(_mul(x, fill(0.5, x.shape, FLOAT)), "eq", x)


def _for_lower_half(s: Tensor) -> Tensor:
    """What the gradient `s` for a symmetric matrix is for its lower half, all that is read."""
    return lower(_halved_diagonal(_add(s, turn(s))), diagonal=True)


def solve(t: Tensor, b: Tensor, lower: bool, trans: bool = False) -> Tensor:
    """The x with op(t) x = b for a triangular t."""
    return apply("triangular", [t, b], lower=lower, trans=trans)


def _infer(shape: Callable[[Attrs, int, int, int], Shape], square: bool) -> Any:
    def infer(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
        x = inputs[0]
        if x.ndim != 3 or x.dtype != FLOAT or (square and x.shape[1] != x.shape[2]):
            raise ValueError(
                f"{name!r} takes a float32 tensor of {'square ' * square}matrices (batch, rows, "
                f"columns), got {x.dtype}{list(x.shape)}."
            )
        return shape(attrs, *x.shape), FLOAT

    return infer


def _infer_triangular(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    """`triangular(t, b, lower, trans)`: the x with op(t) x = b; the other half of t is not read."""
    t, b = inputs
    _infer(lambda attrs, *shape: shape, square=True)(name, inputs, attrs)
    if b.ndim != 3 or b.dtype != FLOAT or b.shape[:2] != t.shape[:2]:
        raise ValueError(f"{name!r} of matrices {list(t.shape)} does not fit {list(b.shape)}.")
    return b.shape, FLOAT


def _triangular(float_dtype: Any, attrs: Attrs, t: np.ndarray, b: np.ndarray) -> np.ndarray:
    half = np.tril(t) if attrs["lower"] else np.triu(t)
    half = np.swapaxes(half, 1, 2) if attrs["trans"] else half
    return np.linalg.solve(half, b)


def _triangular_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    t = out.inputs[0]
    back = solve(t, g, out.attrs["lower"], not out.attrs["trans"])
    if i == 1:
        return back
    sides = [out, back] if out.attrs["trans"] else [back, out]
    outer = apply("neg", [multiply(sides[0], sides[1], tb=True)])
    return lower(outer, diagonal=True) if out.attrs["lower"] else upper(outer)


register("triangular", _infer_triangular, _triangular, _triangular_gradient)


# -- factorisations --------------------------------------------------------------------------------


def _each(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """The reference that factorises one matrix after the other."""

    def reference(float_dtype: Any, attrs: Attrs, x: np.ndarray) -> np.ndarray:
        return np.stack([np.asarray(function(matrix, **attrs)) for matrix in x]).astype(x.dtype)

    return reference


def _register(
    name: str,
    shape: Callable[[Attrs, int, int, int], Shape],
    function: Callable[..., Any],
    gradient: Gradient,
    square: bool = True,
) -> None:
    register(name, _infer(shape, square), _each(function), gradient)


def _cholesky_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    inner = multiply(out, lower(g, diagonal=True), ta=True)
    phi = lower(_halved_diagonal(inner), diagonal=True)
    left = solve(out, phi, lower=True, trans=True)
    both = turn(solve(out, turn(left), lower=True, trans=True))
    return _for_lower_half(both)


def _lu(a: np.ndarray) -> np.ndarray:
    n = len(a)
    a, origin, exchanged = a.copy(), np.arange(n), np.zeros(n)
    for k in range(n):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        exchanged[k] = pivot
        a[[k, pivot]], origin[[k, pivot]] = a[[pivot, k]], origin[[pivot, k]]
        if a[k, k]:
            a[k + 1 :, k] /= a[k, k]
            a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return np.concatenate([a, exchanged[None], origin[None]])


def unit_lower(x: Tensor) -> Tensor:
    """The strictly lower triangle, with ones on the diagonal."""
    return masked(fill(1.0, x.shape, FLOAT), "eq", lower(x, diagonal=False))


def rows_of_lu(out: Tensor) -> Tensor:
    """Which row of the matrix each row of its factors was, int32 of shape (batch, rows)."""
    n = out.shape[2]
    origin = apply("reshape", [part(out, 1, n + 1, n + 2)], shape=(out.shape[0], n))
    return apply("cast", [origin], dtype="int32")


def _lu_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    n = out.shape[2]
    factors, g = part(out, 1, 0, n), part(g, 1, 0, n)
    unit, right = unit_lower(factors), upper(factors)
    below = lower(multiply(unit, lower(g, diagonal=False), ta=True), diagonal=False)
    above = upper(multiply(upper(g), right, tb=True))
    left = solve(unit, _add(below, above), lower=True, trans=True)
    rows = turn(solve(right, turn(left), lower=False))
    return apply("scatter", [rows_of_lu(out), rows], rows=n, combine="sum")


def parts_of_qr(out: Tensor, rows: int, columns: int, complete: bool) -> tuple[Tensor, Tensor]:
    """Q and R of a tensor (batch, elements)."""
    k = rows if complete else min(rows, columns)
    q = apply("reshape", [part(out, 1, 0, rows * k)], shape=(out.shape[0], rows, k))
    rest = part(out, 1, rows * k, out.shape[1])
    return q, apply("reshape", [rest], shape=(out.shape[0], k, columns))


def _qr(a: np.ndarray, complete: bool) -> np.ndarray:
    q, r = np.linalg.qr(a, "complete" if complete else "reduced")
    return np.concatenate([q.reshape(-1), r.reshape(-1)])


def _shape_of_qr(attrs: Attrs, batch: int, rows: int, columns: int) -> Shape:
    k = rows if attrs["complete"] else min(rows, columns)
    return batch, rows * k + k * columns


def _qr_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    _, rows, columns = out.inputs[0].shape
    complete = out.attrs["complete"]
    if rows < columns or (complete and rows > columns):
        raise NotImplementedError(
            f"The gradient of a QR factorisation of {rows} by {columns} matrices"
            f"{' in complete mode' * complete} is not available."
        )
    q, r = parts_of_qr(out, rows, columns, complete)
    gq, gr = parts_of_qr(g, rows, columns, complete)
    m = _sub(multiply(r, upper(gr), tb=True), multiply(gq, q, ta=True))
    mirrored = _add(lower(m, diagonal=True), turn(lower(m, diagonal=False)))
    left = _add(gq, multiply(q, mirrored))
    return turn(solve(r, turn(left), lower=False))


def _differences(values: Tensor) -> Tensor:
    """[batch, i, j]: 1 / (value j - value i), 0 where they are equal."""
    batch, _, n = values.shape
    shape = (batch, n, n)
    row = apply("broadcast_to", [values], shape=shape)
    gap = _sub(row, apply("broadcast_to", [turn(values)], shape=shape))
    return _inverse(gap)


def _inverse(x: Tensor) -> Tensor:
    """1 / x, and 0 for 0."""
    zero, one = fill(0.0, x.shape, FLOAT), fill(1.0, x.shape, FLOAT)
    is_zero = apply("eq", [x, zero])
    inverse = apply("div", [one, apply("select", [is_zero, one, x])])
    return apply("select", [is_zero, zero, inverse])


def _diagonal(values: Tensor) -> Tensor:
    """(batch, 1, n) as diagonal matrices."""
    batch, _, n = values.shape
    return masked(apply("broadcast_to", [values], shape=(batch, n, n)), "eq")


def _eigh(a: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(a)
    return np.concatenate([values[None], vectors])


def _eigh_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    n = out.shape[2]
    values, vectors = part(out, 1, 0, 1), part(out, 1, 1, n + 1)
    inner = _mul(_differences(values), multiply(vectors, part(g, 1, 1, n + 1), ta=True))
    inner = _add(_diagonal(part(g, 1, 0, 1)), inner)
    s = multiply(multiply(vectors, inner), vectors, tb=True)
    return _for_lower_half(s)


def parts_of_svd(out: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor, Tensor]:
    """U, the singular values (batch, 1, k) and the transposed V of a tensor (batch, elements)."""
    batch, k = out.shape[0], min(rows, columns)
    ends = [0, rows * k, rows * k + k, rows * k + k + k * columns]
    shapes = [(batch, rows, k), (batch, 1, k), (batch, k, columns)]
    u, s, vt = (
        apply("reshape", [part(out, 1, start, stop)], shape=shape)
        for start, stop, shape in zip(ends, ends[1:], shapes, strict=False)
    )
    return u, s, vt


def _svd(a: np.ndarray) -> np.ndarray:
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return np.concatenate([u.reshape(-1), s, vt.reshape(-1)])


def _shape_of_svd(attrs: Attrs, batch: int, rows: int, columns: int) -> Shape:
    k = min(rows, columns)
    return batch, rows * k + k + k * columns


def _outside(g: Tensor, basis: Tensor) -> Tensor:
    """The part of `g` at right angles to the columns of `basis`."""
    return _sub(g, multiply(basis, multiply(basis, g, ta=True)))


def _svd_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    _, rows, columns = out.inputs[0].shape
    u, s, vt = parts_of_svd(out, rows, columns)
    gu, gs, gvt = parts_of_svd(g, rows, columns)
    v, gv = turn(vt), turn(gvt)
    gaps = _differences(_mul(s, s))

    def skew(basis: Tensor, change: Tensor) -> Tensor:
        inner = multiply(basis, change, ta=True)
        return _mul(gaps, _sub(inner, turn(inner)))

    size = gaps.shape
    across = apply("broadcast_to", [s], shape=size)
    down = apply("broadcast_to", [turn(s)], shape=size)
    middle = _add(_mul(skew(u, gu), across), _mul(down, skew(v, gv)))
    total = multiply(multiply(u, _add(middle, _diagonal(gs))), vt)
    inverse = _inverse(s)
    if rows > columns:
        scaled = _mul(_outside(gu, u), apply("broadcast_to", [inverse], shape=gu.shape))
        total = _add(total, multiply(scaled, vt))
    if columns > rows:
        scaled = _mul(_outside(gv, v), apply("broadcast_to", [inverse], shape=gv.shape))
        total = _add(total, multiply(u, scaled, tb=True))
    return total


def _same_shape(attrs: Attrs, batch: int, rows: int, columns: int) -> Shape:
    return batch, rows, columns


_register(
    "cholesky", _same_shape, lambda a: np.linalg.cholesky(np.tril(a) + np.tril(a, -1).T),
    _cholesky_gradient,
)  # fmt: skip
_register("lu", lambda attrs, batch, n, _: (batch, n + 2, n), _lu, _lu_gradient)
_register("qr", _shape_of_qr, _qr, _qr_gradient, square=False)
_register("eigh", lambda attrs, batch, n, _: (batch, n + 1, n), _eigh, _eigh_gradient)
_register("svd", _shape_of_svd, _svd, _svd_gradient, square=False)
