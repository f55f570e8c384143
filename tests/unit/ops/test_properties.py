"""Functions of ops on random shapes: compiled is eager, bit for bit, and both near the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotloop import graph, ops

QUICK = settings(max_examples=25, deadline=None)
SIZES = st.integers(1, 5)
SHAPES = st.lists(SIZES, min_size=1, max_size=4).map(tuple)


def values(shape, seed):
    return np.random.default_rng(seed).uniform(-2, 2, shape).astype(np.float32)


def check(function, *arrays, tolerance=2e-5):
    """Eager, compiled and double precision agree; so do eager and compiled gradients."""
    eager = function(*map(graph.constant, arrays))
    trace = graph.trace(lambda *tensors: [function(*tensors)], [(a.shape, a.dtype) for a in arrays])
    (compiled,) = graph.compile(trace, batched=False)(list(arrays))
    (truth,), _ = graph.reference.run(trace, arrays, np.float64)
    np.testing.assert_array_equal(compiled, eager.numpy())
    np.testing.assert_allclose(compiled, truth, rtol=tolerance, atol=tolerance)
    if eager.dtype != "float32":
        return

    def slopes(*tensors):
        loss = ops.sum(ops.square(function(*tensors)))
        return graph.gradients(loss, [t for t in tensors if t.dtype == "float32"])

    trace = graph.trace(slopes, [(a.shape, a.dtype) for a in arrays])
    compiled_slopes = graph.compile(trace, batched=False)(list(arrays))
    exact, _ = graph.reference.run(trace, arrays, np.float64)
    for found, expected in zip(compiled_slopes, exact, strict=True):
        scale = 1 + np.abs(expected).max(initial=0)
        np.testing.assert_allclose(found / scale, expected / scale, rtol=1e-3, atol=1e-4)


ELEMENTWISE = [
    ops.arctan, ops.arcsinh, ops.cbrt, ops.sinc, ops.i0, ops.sparse_plus,
    lambda x: ops.arcsin(ops.tanh(x)), lambda x: ops.erfinv(0.5 * ops.sin(x)),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ELEMENTWISE)))
@QUICK
@given(SHAPES, st.integers(0, 99))
def test_elementwise(number, shape, seed):
    check(ELEMENTWISE[number], values(shape, seed))


BINARY = [ops.arctan2, ops.fmax, ops.logaddexp2, lambda x, y: ops.ldexp(x, ops.cast(y, "int32"))]


@pytest.mark.parametrize("number", range(len(BINARY)))
@QUICK
@given(SHAPES, st.data(), st.integers(0, 99))
def test_broadcasting(number, shape, data, seed):
    other = tuple(data.draw(st.sampled_from((1, n))) for n in shape)
    other = other[data.draw(st.integers(0, len(shape) - 1)) :]
    check(BINARY[number], values(shape, seed), values(other, seed + 1))


REDUCTIONS = [
    ops.nansum, ops.nanmean, ops.nanvar, ops.nanmax, ops.ptp, ops.median, ops.logsumexp,
    lambda x, axis, keepdims: ops.quantile(x, 0.3, axis=axis, keepdims=keepdims),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(REDUCTIONS)))
@QUICK
@given(SHAPES, st.data(), st.booleans(), st.integers(0, 99))
def test_reductions(number, shape, data, keepdims, seed):
    axes = data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
    axis = data.draw(st.sampled_from((None, tuple(axes), min(axes) - len(shape))))
    x = values(shape, seed)
    check(lambda t: REDUCTIONS[number](t, axis=axis, keepdims=keepdims), x)


@QUICK
@given(st.integers(1, 6), st.integers(1, 6), st.integers(-7, 7), st.integers(0, 99))
def test_diagonals(rows, columns, offset, seed):
    x = values((2, rows, columns), seed)
    found = ops.diagonal(x, offset, axis1=1, axis2=2).numpy()
    np.testing.assert_array_equal(found, np.diagonal(x, offset, axis1=1, axis2=2))
    np.testing.assert_array_equal(ops.diag(x[0, 0], offset), np.diag(x[0, 0], offset))
    if found.size:
        check(lambda t: ops.diagonal(t, offset, axis1=1, axis2=2), x)


@QUICK
@given(SHAPES, st.data(), st.integers(0, 99))
def test_slices(shape, data, seed):
    sizes = [data.draw(st.integers(1, n)) for n in shape]
    starts = [data.draw(st.integers(-n, n)) for n in shape]
    x, block = values(shape, seed), values(sizes, seed + 1)
    places = [
        min(max(s + n if s < 0 else s, 0), n - k)
        for s, n, k in zip(starts, shape, sizes, strict=True)
    ]
    box = tuple(slice(s, s + k) for s, k in zip(places, sizes, strict=True))
    updated = x.copy()
    updated[box] = block
    indices = np.array(starts, np.int32)
    for given_starts in (starts, indices):
        np.testing.assert_array_equal(ops.slice(x, given_starts, sizes), x[box])
        np.testing.assert_array_equal(ops.slice_update(x, given_starts, block), updated)
    check(lambda t, i: ops.slice(t, i, sizes), x, indices)
    check(lambda t, i, b: ops.slice_update(t, i, b), x, indices, block)


@QUICK
@given(st.integers(1, 7), st.integers(1, 7), st.sampled_from(["valid", "same", "full"]))
def test_correlations(n, m, mode):
    a, v = values((n,), n), values((m,), m + 50)
    np.testing.assert_allclose(ops.correlate(a, v, mode), np.correlate(a, v, mode), atol=1e-5)


@QUICK
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 99))
def test_linear_algebra(n, m, seed):
    a = values((n, m), seed)
    q, r = ops.qr(a)
    np.testing.assert_allclose(ops.matmul(q, r), a, atol=1e-5)
    np.testing.assert_allclose(q.numpy().T @ q.numpy(), np.eye(min(n, m)), atol=1e-5)
    square = values((n, n), seed) + 4 * np.eye(n, dtype=np.float32)
    np.testing.assert_allclose(ops.inv(square) @ square, np.eye(n), atol=2e-5)
    np.testing.assert_allclose(ops.det(square), np.linalg.det(square.astype(float)), rtol=1e-4)
    lower = ops.cholesky(square @ square.T)
    np.testing.assert_allclose(ops.matmul(lower, lower.T), square @ square.T, rtol=1e-4, atol=1e-4)
    check(lambda s: ops.inv(s), square)


@QUICK
@given(SHAPES, st.data(), st.integers(0, 99))
def test_sparsemax_is_a_distribution(shape, data, seed):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = values(shape, seed)
    p = ops.sparsemax(x, axis).numpy()
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis), 1.0, rtol=1e-5)
    # The nearest point of the simplex: x - p is constant on the support and smaller beyond it.
    rest = x - p
    level = np.where(p > 0, rest, -np.inf).max(axis, keepdims=True)
    np.testing.assert_allclose(
        np.where(p > 0, rest, level), np.broadcast_to(level, shape), atol=1e-5
    )
    assert (rest <= level + 1e-5).all()
    check(lambda t: ops.sparsemax(t, axis), x)
