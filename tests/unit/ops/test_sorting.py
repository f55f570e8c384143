"""Order and running sums against NumPy."""

import numpy as np
import pytest
from both_ways import both, gradient

from hotloop import ops

RNG = np.random.default_rng(5)
SPECIAL = np.array([np.nan, 1, -0.0, 0.0, np.inf, -np.nan, -np.inf, 1, 1e-42], np.float32)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
@pytest.mark.parametrize("shape", [(3, 70), (50, 4), (1, 1), (0, 3), (2, 0)])
def test_sort(axis, dtype, shape):
    x = (RNG.normal(size=shape) * 3).astype(dtype)
    places = both(lambda x: ops.argsort(x, axis), x)
    np.testing.assert_array_equal(places, np.argsort(x, axis=axis, kind="stable"))
    assert places.dtype == np.int32
    np.testing.assert_array_equal(both(lambda x: ops.sort(x, axis), x), np.sort(x, axis=axis))


def test_special_values_are_ordered_as_numpy_does():
    np.testing.assert_array_equal(both(ops.argsort, SPECIAL), np.argsort(SPECIAL, kind="stable"))
    long = np.tile(SPECIAL, 20)
    np.testing.assert_array_equal(both(ops.argsort, long), np.argsort(long, kind="stable"))
    assert ops.argsort(3.0).tolist() == [0]


def test_sort_gradient():
    x, w = RNG.normal(size=(4, 6)).astype(np.float32), RNG.normal(size=(4, 6)).astype(np.float32)
    found = gradient(lambda x: ops.multiply(ops.sort(x, axis=0), w), x)
    wanted = np.zeros_like(x)
    np.put_along_axis(wanted, np.argsort(x, axis=0), w, axis=0)
    np.testing.assert_array_equal(found, wanted)


def test_top_k():
    x = RNG.normal(size=(3, 2, 50)).astype(np.float32)
    values, places = ops.top_k(x, 7)
    order = np.argsort(-x, axis=-1, kind="stable")[..., :7]
    np.testing.assert_array_equal(places.numpy(), order)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, order, -1))
    values, places = ops.top_k([2, 5, 5, 1], 3, sorted=False)
    assert (values.tolist(), places.tolist()) == ([5, 5, 2], [1, 2, 0])
    values, places = ops.top_k(SPECIAL, 3)
    assert places.tolist() == [0, 5, 4]
    assert ops.top_k([1.0], 0)[0].shape == (0,)
    for bad in (5, -1):
        with pytest.raises(ValueError):
            ops.top_k([1.0, 2.0], bad)
    with pytest.raises(ValueError, match="last axis"):
        ops.top_k(1.0, 1)


def test_in_top_k():
    scores = np.array([[0.1, 0.9, 0.5, 0.9], [np.nan, 0.1, 0.2, 0.3]], np.float32)
    for k, wanted in [(1, [False, False]), (2, [False, False]), (3, [True, False])]:
        assert ops.in_top_k([2, 0], scores, k).tolist() == wanted
    assert ops.in_top_k([1, 3], scores, 1).tolist() == [True, True]
    with pytest.raises(ValueError, match="classes"):
        ops.in_top_k([1], scores, 1)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_searchsorted(side, dtype):
    line = np.sort(RNG.integers(-5, 5, 20)).astype(dtype)
    values = RNG.integers(-8, 8, (6, 7)).astype(dtype)
    found = both(lambda a, v: ops.searchsorted(a, v, side), line, values)
    np.testing.assert_array_equal(found, np.searchsorted(line, values, side))


def test_searchsorted_edges():
    line = np.array([1.0, 2, 2, 3, np.nan], np.float32)
    wanted = np.array([2.0, np.nan, 0, 9], np.float32)
    assert ops.searchsorted(line, wanted).tolist() == [1, 4, 0, 4]
    assert ops.searchsorted(line, wanted, "right").tolist() == [3, 5, 0, 4]
    assert ops.searchsorted([1, 3], [2.5]).tolist() == [1]
    assert ops.searchsorted(np.zeros(0), [1.0]).tolist() == [0]
    with pytest.raises(ValueError, match="side"):
        ops.searchsorted([1.0], [1.0], "middle")
    with pytest.raises(ValueError, match="one axis"):
        ops.searchsorted([[1.0]], [1.0])


def test_argpartition():
    x = RNG.normal(size=(4, 9)).astype(np.float32)
    places = ops.argpartition(x, 3, axis=1).numpy()
    parted = np.take_along_axis(x, places, 1)
    assert (parted[:, :3] <= parted[:, 3:4]).all()
    assert (parted[:, 4:] >= parted[:, 3:4]).all()
    assert ops.argpartition(x, 2, axis=None).shape == (36,)
    with pytest.raises(ValueError):
        ops.argpartition(x, 9)


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "nancumsum", "nancumprod"])
@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("shape", [(7, 5), (3, 400), (1, 1), (0, 2), (2, 3, 4)])
def test_running(name, axis, shape):
    x = RNG.normal(size=shape).astype(np.float32)
    if "nan" in name:
        x[RNG.random(shape) < 0.3] = np.nan
    found = both(lambda x: getattr(ops, name)(x, axis), x)
    np.testing.assert_allclose(
        found, getattr(np, name)(x.astype(np.float64), axis=axis), rtol=1e-3, atol=1e-5
    )


def test_running_dtypes():
    assert ops.cumsum([True, True, False]).tolist() == [1, 2, 2]
    assert ops.cumprod([2, 3, 4]).tolist() == [2, 6, 24]
    assert ops.cumsum([1, 2], dtype="float32").dtype == "float32"
    assert ops.cumsum([1.7, 1.7], dtype="int32").tolist() == [1, 2]
    with pytest.raises(ValueError, match="axis"):
        ops.cumsum([1.0], axis=1)


def test_running_gradients():
    x = np.float32([2.0, 0.0, 3.0, 4.0])
    np.testing.assert_allclose(gradient(ops.cumsum, x), [4, 3, 2, 1])
    np.testing.assert_allclose(gradient(ops.cumprod, x), [1, 2 + 6 + 24, 0, 0])
