"""Arrays in one pass."""

import numpy as np
import pytest

from hotloop.graph import are_below, draw_uniform, has_nan


def generator(seed):
    return np.random.Generator(np.random.Philox(seed))


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1, 2**70 + 5])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (5, 8), (3, 5, 9), (1000, 33)])
def test_draws_are_numpys(seed, shape):
    low, high = -0.05, 0.3
    drawn = draw_uniform(generator(seed), shape, low, high)
    assert drawn.dtype == np.float32
    assert drawn.shape == shape
    expected = np.asarray(generator(seed).uniform(low, high, shape), np.float32)
    assert drawn.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("low", "high", "error"),
    [(0.0, np.inf, OverflowError), (np.nan, 1.0, OverflowError), (1.0, 0.0, ValueError)],
)
def test_ranges_are_refused_as_by_numpy(low, high, error):
    with pytest.raises(error):
        generator(1).uniform(low, high, 3)
    with pytest.raises(error):
        draw_uniform(generator(1), (3,), low, high)


def test_a_range_of_one_number():
    assert draw_uniform(generator(1), (3,), 2, 2).tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_is_found(dtype):
    array = np.zeros((3, 4), dtype)
    assert not has_nan(array)
    array[2, 3] = np.nan
    assert has_nan(array)
    assert has_nan(array.T)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_limits_of_indices(dtype):
    array = np.array([0, 3, 2], dtype)
    assert are_below(array, 4)
    assert not are_below(array, 3)
    assert not are_below(-array, 4)
    assert are_below(array[:0], 0)
