"""Counting and looking up, which go through sorted lines and scattered sums, against NumPy."""

import numpy as np
import pytest
from both_ways import both

from hotloop import ops

RNG = np.random.default_rng(31)
X = RNG.normal(size=(20, 5)).astype(np.float32)
COUNTS = RNG.integers(0, 9, 50).astype(np.int32)


@pytest.mark.parametrize("bins", [[-1.0, 0.0, 0.5, 2.0], [2.0, 0.5, 0.0, -1.0], [0.0], []])
def test_digitize(bins):
    bins = np.array(bins, np.float32)
    x = np.concatenate([X.reshape(-1), bins])
    np.testing.assert_array_equal(both(ops.digitize, x, bins), np.digitize(x, bins))
    whole = bins.astype(int)
    if len(set(whole)) == len(bins):
        np.testing.assert_array_equal(ops.digitize(COUNTS, whole), np.digitize(COUNTS, whole))


@pytest.mark.parametrize("edges", [None, (-1.0, 1.0), (0.5, 0.5)])
def test_histogram(edges):
    x = np.append(X.reshape(-1), [1.0, -1.0, 0.5]).astype(np.float32)
    counts, found = ops.histogram(x, 7, edges)
    wanted, places = np.histogram(x, 7, edges)
    np.testing.assert_array_equal(counts.numpy(), wanted)
    np.testing.assert_allclose(found.numpy(), places, rtol=1e-5, atol=1e-6)


def test_bincount():
    np.testing.assert_array_equal(ops.bincount(COUNTS, minlength=12), np.bincount(COUNTS, None, 12))
    weights = RNG.normal(size=50).astype(np.float32)
    np.testing.assert_allclose(
        ops.bincount(COUNTS, weights), np.bincount(COUNTS, weights), rtol=1e-5, atol=1e-6
    )
    assert ops.bincount([[0, 1, 1], [2, 2, 2]]).tolist() == [[1, 2, 0], [0, 0, 3]]
    assert ops.bincount(np.zeros(0, int)).shape == (0,)
    with pytest.raises(ValueError, match="weights"):
        ops.bincount([1, 2], [1.0])


def test_isin():
    x = COUNTS.reshape(5, 10)
    found = both(lambda x: ops.isin(x, [3, 5, 3]), x)
    np.testing.assert_array_equal(found, np.isin(x, [3, 5]))
    assert ops.isin(x, [3, 5], invert=True).tolist() == (~found).tolist()
    assert ops.isin([1.0, np.nan], [np.nan, 1.0]).tolist() == [True, False]
    assert ops.isin([True, False], [True]).tolist() == [True, False]
    assert ops.isin([1, 2], []).tolist() == [False, False]
