"""Quantiles against NumPy in double precision."""

import warnings

import numpy as np
import pytest
from both_ways import both, gradient

from hotloop import ops

RNG = np.random.default_rng(12)
X = RNG.normal(size=(4, 5, 6)).astype(np.float32)
HOLES = np.where(RNG.random(X.shape) < 0.4, np.nan, X).astype(np.float32)


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("q", [0.0, 0.3, [0.0, 0.25, 0.5, 1.0]])
def test_quantile(q, axis, method):
    found = both(lambda x: ops.quantile(x, q, axis, method), X)
    wanted = np.quantile(X.astype(np.float64), q, axis, method=method)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    kept = ops.quantile(X, q, axis, method, keepdims=True)
    assert kept.shape == np.quantile(X, q, axis, keepdims=True).shape
    np.testing.assert_array_equal(kept.numpy().reshape(found.shape), found)


@pytest.mark.parametrize("axis", [None, 1, (1, 2)])
def test_what_is_not_nan(axis):
    holes = HOLES.copy()
    holes[0, 1] = holes[2] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of lines that are all NaN
        wanted = np.nanquantile(holes.astype(np.float64), [0.2, 0.5], axis)
        middle = np.nanmedian(holes.astype(np.float64), axis)
    found = both(lambda x: ops.nanquantile(x, [0.2, 0.5], axis), holes)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ops.nanmedian(holes, axis).numpy(), middle, rtol=1e-5)
    np.testing.assert_array_equal(
        np.isnan(ops.quantile(holes, 0.5, axis).numpy()), np.isnan(holes).any(axis)
    )


def test_medians_and_percentiles():
    for x in (X, X[:3], np.arange(4), [3, 1, 2]):
        np.testing.assert_allclose(ops.median(x).numpy(), np.median(x), rtol=1e-6)
    np.testing.assert_allclose(ops.median(X, 1, True).numpy(), np.median(X, 1, keepdims=True))
    found = ops.percentile(X, [10, 90], axis=0).numpy()
    np.testing.assert_allclose(found, np.percentile(X, [10, 90], axis=0), rtol=1e-5, atol=1e-6)
    found = ops.nanpercentile(HOLES, 40.0, axis=(0, 1)).numpy()
    np.testing.assert_allclose(found, np.nanpercentile(HOLES, 40, axis=(0, 1)), rtol=1e-4)
    assert ops.quantile([1.0, 2.0, 3.0, 4.0], 0.5, method="nearest").item() == 2.0
    assert ops.median([np.inf, 1.0, np.inf]).item() == np.inf


def test_gradient_goes_to_the_neighbours():
    found = gradient(lambda x: ops.quantile(x, 0.25), np.float32([4.0, 1.0, 2.0]))
    np.testing.assert_allclose(found, [0, 0.5, 0.5])


def test_what_is_refused():
    with pytest.raises(ValueError, match="method"):
        ops.quantile(X, 0.5, method="guess")
    with pytest.raises(ValueError, match="over nothing"):
        ops.median(np.zeros((0, 3)), axis=0)
    with pytest.raises(ValueError, match="axis"):
        ops.percentile(X, 50, axis=3)
