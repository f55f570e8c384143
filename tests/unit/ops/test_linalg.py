"""Factorisations and what is computed from them, against NumPy in double precision."""

import numpy as np
import pytest
from both_ways import both, compiled, gradient

from hotloop import ops

RNG = np.random.default_rng(21)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def definite(*shape):
    b = normal(*shape)
    return (b @ np.swapaxes(b, -1, -2) + np.eye(shape[-1])).astype(np.float32)


def close(found, wanted, tolerance=2e-4):
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 3, 6, 6), (0, 3, 3), (150, 150)])
def test_square_matrices(shape):
    x = definite(*shape) if shape[-1] < 100 else (normal(*shape) + 20 * np.eye(150, dtype="f"))
    close(both(ops.inv, x), np.linalg.inv(x.astype(np.float64)))
    sign, size = (part.numpy() for part in ops.slogdet(x))
    wanted = np.linalg.slogdet(x.astype(np.float64))
    close(sign, wanted[0])
    close(size, wanted[1])
    close(ops.logdet(x).numpy(), wanted[1])
    if shape[-1] < 100:
        close(both(ops.det, x), np.linalg.det(x.astype(np.float64)))
        close(both(ops.cholesky, x), np.linalg.cholesky(x.astype(np.float64)))
        close(ops.cholesky(x, upper=True).numpy(), np.swapaxes(ops.cholesky(x).numpy(), -1, -2))
        factor = ops.cholesky(x)
        close(ops.cholesky_inverse(factor).numpy(), np.linalg.inv(x), 1e-3)
        turned = ops.swapaxes(factor, -1, -2)
        close(ops.cholesky_inverse(turned, upper=True).numpy(), np.linalg.inv(x), 1e-3)


def test_rows_are_exchanged():
    x = np.float32([[0, 2, 1], [1, 0, 3], [4, 1, 0]])
    close(ops.det(x).numpy(), np.linalg.det(x))
    close(ops.inv(x).numpy(), np.linalg.inv(x))
    factors, turns = ops.lu_factor(x)
    assert (turns.tolist(), turns.dtype) == ([2, 2, 2], "int32")
    lower = np.tril(factors.numpy(), -1) + np.eye(3)
    rows = [0, 1, 2]
    for k, turn in enumerate(turns.tolist()):
        rows[k], rows[turn] = rows[turn], rows[k]
    close(lower @ np.triu(factors.numpy()), x[rows])
    assert ops.det(np.ones((2, 2))).item() == 0
    assert [part.item() for part in ops.slogdet(np.zeros((2, 2)))] == [0, -np.inf]


@pytest.mark.parametrize("columns", [None, 1, 5])
def test_systems(columns):
    a, b = normal(4, 4), normal(4) if columns is None else normal(4, columns)
    close(both(ops.solve, a, b), np.linalg.solve(a.astype(np.float64), b))
    for lower, half in ((True, np.tril(a)), (False, np.triu(a))):
        found = both(lambda a, b, lower=lower: ops.solve_triangular(a, b, lower), a, b)
        close(found, np.linalg.solve(half.astype(np.float64), b), 1e-3)


def test_systems_broadcast():
    a, b = normal(3, 1, 4, 4), normal(2, 4, 5)
    close(ops.solve(a, b).numpy(), np.linalg.solve(a.astype(np.float64), b), 1e-3)


@pytest.mark.parametrize("mode", ["reduced", "complete"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 5, 3), (3, 5), (1, 4), (4, 1), (4, 0), (0, 4)])
def test_qr(shape, mode):
    x = normal(*shape)
    for found, wanted in zip(
        ops.qr(x, mode), np.linalg.qr(x.astype(np.float64), mode), strict=True
    ):
        if mode == "complete" and shape[-2] > shape[-1]:
            assert found.shape == wanted.shape
        else:
            close(found.numpy(), wanted)
    q, r = ops.qr(x, mode)
    close(ops.matmul(q, r).numpy(), x)
    close(ops.matmul(ops.swapaxes(q, -1, -2), q).numpy(), np.zeros(r.shape[:-1])[..., None] +
          np.eye(q.shape[-1]))  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 3, 5, 5)])
def test_eigh(shape):
    x = definite(*shape)
    values, vectors = ops.eigh(x)
    close(values.numpy(), np.linalg.eigvalsh(x.astype(np.float64)))
    scaled = vectors.numpy() * values.numpy()[..., None, :]
    close(scaled @ np.swapaxes(vectors.numpy(), -1, -2), x)
    close(compiled(lambda x: ops.eigh(x)[0], x), values.numpy(), 0)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 5, 3), (3, 6), (1, 3), (60, 40)])
def test_svd(shape, full):
    x = normal(*shape)
    u, s, vt = (part.numpy() for part in ops.svd(x, full_matrices=full))
    wanted = np.linalg.svd(x.astype(np.float64), full_matrices=full)
    assert (u.shape, vt.shape) == (wanted[0].shape, wanted[2].shape)
    close(s, wanted[1])
    k = s.shape[-1]
    close((u[..., :k] * s[..., None, :]) @ vt[..., :k, :], x)
    for basis in (u, np.swapaxes(vt, -1, -2)):
        close(np.swapaxes(basis, -1, -2) @ basis, np.zeros(basis.shape[:-2] + (1, 1)) +
              np.eye(basis.shape[-1]))  # fmt: skip
    close(ops.svd(x, full, compute_uv=False).numpy(), s, 0)


def test_rank_pseudoinverse_and_least_squares():
    x = normal(2, 6, 4)
    x[1, :, 3] = x[1, :, 0] - x[1, :, 1]
    assert ops.matrix_rank(x).tolist() == [4, 3]
    assert ops.matrix_rank(np.diag([3.0, 2.0, 1.0]), tol=1.5).item() == 2
    close(both(ops.pinv, x), np.linalg.pinv(x.astype(np.float64), rcond=1e-5), 1e-3)
    close(ops.pinv(x[0].T).numpy(), np.linalg.pinv(x[0].T.astype(np.float64)), 1e-3)
    for b in (normal(6), normal(6, 2)):
        wanted = np.linalg.lstsq(x[0].astype(np.float64), b, rcond=None)[0]
        close(both(ops.lstsq, x[0], b), wanted, 1e-3)


@pytest.mark.parametrize("ord", [2, -2, "nuc"])
def test_norms_of_singular_values(ord):
    x = normal(3, 4, 5)
    for axis in [(0, 1), (1, 2), (2, 0)]:
        wanted = np.linalg.norm(x.astype(np.float64), ord, axis)
        close(ops.norm(x, ord, axis).numpy(), wanted)
        close(ops.norm(x, ord, axis, keepdims=True).numpy().reshape(wanted.shape), wanted)


def test_gradients_of_functions_that_have_a_simple_one():
    x = definite(3, 3)
    inverse = np.linalg.inv(x.astype(np.float64))
    close(gradient(ops.logdet, x), inverse.T, 1e-3)
    close(gradient(lambda x: ops.trace(ops.inv(x)), x), -(inverse @ inverse).T, 1e-3)
    close(gradient(lambda x: ops.eigh(x)[0], x), np.eye(3), 1e-3)
    y = normal(4, 3)
    u, _, vt = np.linalg.svd(y.astype(np.float64), full_matrices=False)
    close(gradient(lambda y: ops.svd(y, compute_uv=False), y), u @ vt, 1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.inv(np.zeros((2, 3))), "square"),
        (lambda: ops.eigh(np.zeros(3)), "square"),
        (lambda: ops.svd(np.zeros(3)), "matrices"),
        (lambda: ops.svd(np.zeros((0, 3))), "elements"),
        (lambda: ops.qr(np.eye(2), mode="full"), "mode"),
        (lambda: ops.solve(np.eye(3), np.zeros(2)), "does not fit"),
        (lambda: ops.lstsq(np.zeros((2, 3, 3)), np.zeros(3)), "one matrix"),
        (lambda: ops.lstsq(np.zeros((4, 3)), np.zeros(3)), "does not fit"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_has_no_factor():
    assert np.isnan(ops.cholesky([[1.0, 2.0], [2.0, 1.0]]).numpy()).all()
    assert not np.isfinite(ops.inv(np.ones((2, 2))).numpy()).all()
