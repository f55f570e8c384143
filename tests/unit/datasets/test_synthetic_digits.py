import hashlib

import numpy as np
import pytest

from hotloop.datasets import digit_strokes, synthetic_digits


def small(**kwargs):
    return synthetic_digits.load_data(**{"train": 600, "test": 200, **kwargs})


def test_form():
    (x_train, y_train), (x_test, y_test) = small()
    assert x_train.shape == (600, 28, 28)
    assert x_test.shape == (200, 28, 28)
    assert y_train.shape == (600,)
    assert y_test.shape == (200,)
    for array in (x_train, y_train, x_test, y_test):
        assert array.dtype == np.uint8
    assert set(y_train) == set(range(10))
    assert x_train.max() > 240
    assert 0.6 < (x_train == 0).mean() < 0.9


def test_the_same_seed_gives_the_same_images_everywhere():
    (x_train, y_train), (x_test, y_test) = small()
    digest = hashlib.sha256()
    for array in (x_train, y_train, x_test, y_test):
        digest.update(array)
    # Recorded when the digits were designed. If they are changed on purpose, raise _VERSION too.
    assert digest.hexdigest() == "13e7c87fd073a5730b2da9e250b0496c67cd775e29c98a3029a05617ac8c5f66"


def test_seeds_and_splits_differ():
    first, second = small(), small(seed=1)
    assert not np.array_equal(first[0][0], second[0][0])
    assert not np.array_equal(first[0][0][:200], first[1][0])


def test_a_small_set_is_the_beginning_of_a_large_one():
    (x_train, y_train), (x_test, y_test) = synthetic_digits.load_data(train=2700, test=300)
    (x_small, y_small), (x_small_test, y_small_test) = small()
    np.testing.assert_array_equal(x_small, x_train[:600])
    np.testing.assert_array_equal(y_small, y_train[:600])
    np.testing.assert_array_equal(x_small_test, x_test[:200])
    np.testing.assert_array_equal(y_small_test, y_test[:200])


def test_chunks_do_not_repeat():
    (x, _), _ = synthetic_digits.load_data(train=5000, test=0)
    assert not np.array_equal(x[:2500], x[2500:])


def test_large_sets_are_kept(places):
    first = synthetic_digits.load_data(train=25000, test=0)
    assert len(list((places / "cache" / "datasets").iterdir())) == 1
    again = synthetic_digits.load_data(train=25000, test=0)
    np.testing.assert_array_equal(first[0][0], again[0][0])
    np.testing.assert_array_equal(first[0][1], again[0][1])


@pytest.mark.parametrize(
    "kwargs", [{"seed": -1}, {"seed": 2**64}, {"seed": 1.0}, {"train": -1}, {"test": "10"}]
)
def test_wrong_arguments(kwargs):
    with pytest.raises(ValueError, match=next(iter(kwargs))):
        small(**kwargs)


def test_empty():
    (x_train, y_train), (x_test, y_test) = synthetic_digits.load_data(train=0, test=0)
    assert x_train.shape == x_test.shape == (0, 28, 28)
    assert y_train.shape == y_test.shape == (0,)


def test_nearest_centroid_finds_it_neither_trivial_nor_hopeless():
    (x, y), (x_test, y_test) = synthetic_digits.load_data(train=2500, test=500)
    x, x_test = x.reshape(len(x), -1) / 255.0, x_test.reshape(len(x_test), -1) / 255.0
    centers = np.array([x[y == digit].mean(axis=0) for digit in range(10)])
    distance = ((x_test[:, None] - centers) ** 2).sum(axis=-1)
    assert 0.5 < (distance.argmin(axis=1) == y_test).mean() < 0.9


def test_skeletons():
    skeletons = digit_strokes.skeletons()
    assert [skeleton.digit for skeleton in skeletons] == sorted(s.digit for s in skeletons)
    assert {skeleton.digit for skeleton in skeletons} == set(range(10))
    for skeleton in skeletons:
        assert skeleton.weights.shape == (digit_strokes.SAMPLES, len(skeleton.points))
        np.testing.assert_allclose(skeleton.weights.sum(axis=1), 1)
        samples = skeleton.weights @ skeleton.points
        assert samples.min() > 0
        assert samples.max() < 1
