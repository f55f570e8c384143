"""take, take_along_axis, indexing with arrays, segments and scattering."""

import numpy as np
import pytest
from both_ways import both, compiled, gradient

from hotloop import graph, ops

RNG = np.random.default_rng(3)
X = RNG.normal(size=(4, 5, 3)).astype(np.float32)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, None])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,), (2, 0, 2)])
@pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
def test_take(axis, shape, dtype):
    x = (X * 3).astype(dtype)
    indices = RNG.integers(-3, 3, shape).astype(np.int32)
    found = both(lambda x, i: ops.take(x, i, axis), x, indices)
    np.testing.assert_array_equal(found, np.take(x, indices, axis))
    assert found.dtype == np.dtype(dtype)


def test_positions_that_do_not_exist():
    x = np.arange(6.0, dtype=np.float32).reshape(3, 2)
    indices = np.array([0, 3, -1, -4], np.int32)
    found = both(lambda x, i: ops.take(x, i, axis=0), x, indices)
    np.testing.assert_array_equal(found, [[0, 1], [np.nan] * 2, [4, 5], [np.nan] * 2])
    low = -(2**31)
    found = ops.take(x.astype(np.int32), indices, axis=0).numpy()
    np.testing.assert_array_equal(found, [[0, 1], [low] * 2, [4, 5], [low] * 2])
    np.testing.assert_array_equal(ops.take(x > 9, indices, axis=0)[:, 0], [0, 1, 0, 1])
    found = gradient(lambda x: ops.take(x, indices, axis=0), x)
    np.testing.assert_array_equal(found, [[1, 1], [0, 0], [1, 1]])


def test_take_needs_integers_and_something_to_take():
    with pytest.raises(TypeError, match="integers"):
        ops.take(X, [0.5], 0)
    with pytest.raises(ValueError, match="empty"):
        ops.take(np.zeros((0, 3)), [0], axis=0)
    with pytest.raises(ValueError, match="empty"):
        ops.take_along_axis(np.zeros((0, 3)), np.zeros((1, 3), int), axis=0)
    assert ops.take(np.zeros((0, 3)), [], axis=0).shape == (0, 3)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_take_along_axis(axis):
    indices = np.argsort(X, axis=axis).astype(np.int32)[:, :2]
    x = X if axis == 1 else X[:, :2]
    found = both(lambda x, i: ops.take_along_axis(x, i, axis), x, indices)
    np.testing.assert_array_equal(found, np.take_along_axis(x, indices, axis))


def test_take_along_axis_broadcasts():
    indices = np.array([[[2], [0]]], np.int32)
    found = ops.take_along_axis(X, indices, 1).numpy()
    np.testing.assert_array_equal(found, X[:, [2, 0]])
    with pytest.raises(ValueError, match="rank"):
        ops.take_along_axis(X, [0], 0)


def test_gradient_adds_up_repeated_rows():
    indices = np.array([[1, 1, -1], [0, 1, 1]], np.int32)
    weights = RNG.normal(size=(2, 3, 3)).astype(np.float32)
    found = gradient(lambda x: ops.multiply(ops.take(x, indices, axis=0), weights), X[0])
    wanted = np.zeros((5, 3))
    np.add.at(wanted, indices, weights.astype(np.float64))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_array_keys():
    x = graph.constant(X)
    i = np.array([[2, 0], [-1, 1]])
    for key in [
        (i,),
        (slice(None), i),
        (Ellipsis, i),
        (0, i),
        (i, 1),
        (slice(None), 0, i),
        (slice(1, 3), slice(None, None, 2), i),
        (None, i),
        (Ellipsis, i, slice(0, 2)),
        (Ellipsis, i, 1),
        (0, i, 1),
    ]:
        np.testing.assert_array_equal(x[key].numpy(), X[key])
    np.testing.assert_array_equal(x[i].numpy(), X[i])
    np.testing.assert_array_equal(x[graph.constant([1, 3])].numpy(), X[[1, 3]])
    np.testing.assert_array_equal(x[[1, 3]].numpy(), X[[1, 3]])
    np.testing.assert_array_equal(compiled(lambda x, i: x[i], X, np.array(2, np.int32)), X[2])


@pytest.mark.parametrize("key", [([0], [1]), np.array([True] * 4), 1.5])
def test_keys_that_are_refused(key):
    with pytest.raises(NotImplementedError, match="array of integers"):
        graph.constant(X)[key]
    with pytest.raises(NotImplementedError, match="step by step"):
        graph.constant(X)[[0], :, 1]


SEGMENTS = {
    "segment_sum": (np.add, 0.0),
    "segment_max": (np.maximum, -np.inf),
    "segment_min": (np.minimum, np.inf),
    "segment_prod": (np.multiply, 1.0),
}


@pytest.mark.parametrize("name", SEGMENTS)
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_segments(name, dtype):
    function, start = SEGMENTS[name]
    data = (2 * RNG.normal(size=(9, 2, 3))).astype(dtype)
    ids = np.array([0, 3, 3, 0, -1, 5, 3, 0, 7], np.int32)
    limits = {-np.inf: -(2**31), np.inf: 2**31 - 1}
    wanted = np.full((5, 2, 3), start if dtype == "float32" else limits.get(start, start), dtype)
    inside = (ids >= 0) & (ids < 5)
    function.at(wanted, ids[inside], data[inside])
    found = both(lambda d, i: getattr(ops, name)(d, i, num_segments=5), data, ids)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert found.dtype == np.dtype(dtype)


def test_segments_of_nothing_and_what_is_refused():
    assert ops.segment_sum(np.zeros((0, 2)), np.zeros(0, int), 3).shape == (3, 2)
    assert ops.segment_sum([True, True], [0, 0], 1).tolist() == [2]
    with pytest.raises(ValueError, match="num_segments"):
        ops.segment_sum([1.0], [0])
    for ids in ([0], [[0, 0]], [0.0, 1.0]):
        with pytest.raises(ValueError, match="segment id"):
            ops.segment_max([1.0, 2.0], ids, 2)


def test_segment_max_gradient_is_shared():
    found = gradient(lambda x: ops.segment_max(x, [0, 0, 1, 1], 2), np.float32([1, 3, 2, 2]))
    np.testing.assert_array_equal(found, [0, 1, 0.5, 0.5])


def test_scatter():
    indices = np.array([[0, 1], [2, -1], [0, 1], [5, 0], [-4, 0]], np.int32)
    values = RNG.normal(size=(5, 2)).astype(np.float32)
    wanted = np.zeros((3, 4, 2), np.float32)
    np.add.at(wanted, ([0, 2, 0], [1, -1, 1]), values[:3])
    found = both(lambda i, v: ops.scatter(i, v, (3, 4, 2)), indices, values)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert ops.scatter([[1], [1]], [True, True], (3,)).tolist() == [False, True, False]
    assert ops.scatter([[1], [1]], [2, 3], (3,)).tolist() == [0, 5, 0]


@pytest.mark.parametrize(
    ("reduction", "function"),
    [(None, None), ("add", np.add), ("mul", np.multiply), ("max", np.maximum), ("min", np.minimum)],
)
def test_scatter_update(reduction, function):
    inputs = RNG.normal(size=(4, 3)).astype(np.float32)
    indices = np.array([[1], [3], [1], [-1], [9]], np.int32)
    updates = RNG.normal(size=(5, 3)).astype(np.float32)
    wanted = inputs.copy()
    for row, update in zip(indices[:4, 0], updates, strict=False):
        wanted[row] = update if function is None else function(wanted[row], update)
    found = both(lambda x, i, u: ops.scatter_update(x, i, u, reduction), inputs, indices, updates)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_scatter_update_gradient_goes_to_what_counts():
    inputs, updates = np.zeros(3, np.float32), np.float32([1.0, 2.0, 3.0])
    with graph.Scope(symbolic=False):
        x, u = graph.constant(inputs), graph.constant(updates)
        result = ops.multiply(ops.scatter_update(x, [[1], [1], [2]], u), [1.0, 10.0, 100.0])
        gx, gu = graph.gradients(result, [x, u])
    assert gx.tolist() == [1, 0, 0]
    assert gu.tolist() == [0, 10, 100]


def test_scatter_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="last axis"):
        ops.scatter([[0, 0]], [1.0], (3,))
    with pytest.raises(ValueError, match="updates of shape"):
        ops.scatter_update(np.zeros((3, 2)), [[0]], np.zeros((1, 5)))
    with pytest.raises(ValueError, match="reduction"):
        ops.scatter_update(np.zeros(3), [[0]], [1.0], "mean")
    assert ops.scatter_update(np.zeros(3), np.zeros((0, 1), int), np.zeros(0)).tolist() == [0, 0, 0]


def test_symbolic_shapes():
    ids = ops.KerasTensor((None, 7), "int32")
    assert ops.take(np.zeros((10, 4)), ids, axis=0).shape == (None, 7, 4)
    data = ops.KerasTensor((None, 3))
    assert ops.segment_sum(data, ops.KerasTensor((None,), "int32"), 6).shape == (6, 3)
    values, places = ops.top_k(data, 2)
    assert (values.shape, places.shape, places.dtype) == ((None, 2), (None, 2), "int32")


@pytest.mark.parametrize("threads", [1, 3])
def test_an_embedding_learns_alike_on_any_number_of_threads(threads):
    """The table is gathered from and multiplied with (in panels), and gets both gradients."""
    from hotloop import _native

    rng = np.random.default_rng(0)
    table = graph.Variable(rng.normal(size=(60, 40)).astype(np.float32), name="table")
    twin = table.numpy().astype(np.float64)
    ids = rng.integers(0, 60, (32, 6)).astype(np.int32)
    x = rng.normal(size=(32, 60)).astype(np.float32)

    def step(ids, x):
        rows = ops.sum(ops.take(table, ids, axis=0), axis=1)
        loss = ops.sum(ops.square(ops.add(rows, ops.matmul(x, table))))
        (g,) = graph.gradients(loss, [table.value])
        table.assign_sub(ops.multiply(g, 1e-4))
        return []

    trace = graph.trace(step, [(ids.shape, "int32"), (x.shape, "float32")])
    executable = graph.compile(trace, batched=True)
    _native.set_num_threads(threads)
    try:
        executable.run([ids, x])
    finally:
        _native.set_num_threads(0)
    assert table.layout == "panel"
    out = 2 * (twin[ids].sum(1) + x @ twin)
    wanted = x.T @ out
    np.add.at(wanted, ids, out[:, None])
    np.testing.assert_allclose(table.numpy(), twin - 1e-4 * wanted, atol=1e-5)
