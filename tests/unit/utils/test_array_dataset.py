"""Data sets of arrays, their splits, and windows over a series."""

import numpy as np
import pytest

import hotloop as keras
from hotloop.utils import ArrayDataset, split_dataset, timeseries_dataset_from_array

X, Y = np.arange(20.0).reshape(10, 2), np.arange(10)


def test_samples_and_batches():
    data = ArrayDataset.from_arrays((X, {"a": Y}))
    assert len(data) == data.cardinality() == 10
    samples = list(data)
    np.testing.assert_array_equal([x for x, _ in samples], X)
    assert [y["a"] for _, y in samples] == list(range(10))
    batches = list(data.batch(4))
    assert [len(x) for x, _ in batches] == [4, 4, 2]
    assert len(data.batch(4)) == 3
    assert [len(x) for x, _ in data.batch(4, drop_remainder=True)] == [4, 4]
    assert len(data.batch(4).repeat(2)) == len(list(data.repeat(2).batch(4))) == 6
    assert data.repeat().cardinality() == -1
    with pytest.raises(TypeError, match="endless"):
        len(data.repeat())
    with pytest.raises(ValueError, match="batches already"):
        data.batch(2).batch(2)
    with pytest.raises(ValueError, match="`batch_size`"):
        data.batch(0)
    with pytest.raises(ValueError, match="same length"):
        ArrayDataset.from_arrays((X, Y[:-1]))


def test_every_iteration_has_its_order():
    data = ArrayDataset.from_arrays(Y).shuffle(3).batch(10)
    (first,), (second,) = list(data), list(data)
    assert sorted(first) == sorted(second) == list(range(10))
    assert list(first) != list(second)
    np.testing.assert_array_equal(
        first, next(iter(ArrayDataset.from_arrays(Y).shuffle(3).batch(10)))
    )


def test_fit_takes_one():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = ArrayDataset.from_arrays((X, Y.astype("float32")))
    model.fit(data.batch(4), epochs=2, verbose=0)
    model.fit(data.batch(4).repeat(), steps_per_epoch=5, verbose=0)
    assert model.optimizer.iterations.numpy() == 11
    assert model.predict(data.batch(3), verbose=0).shape == (10, 1)
    with pytest.raises(ValueError, match="endless"):
        model.fit(data.batch(4).repeat(), verbose=0)


class Rows:
    """Like a data set of PyTorch: samples by position."""

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return X[index], Y[index]


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        return X[rows], Y[rows]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"left_size": 0.7}, (7, 3)),
        ({"right_size": 2}, (8, 2)),
        ({"left_size": 3, "right_size": 0.5}, (3, 5)),
    ],
)
@pytest.mark.parametrize(
    "data",
    [(X, Y), [X, Y], Rows(), Batches(), ArrayDataset.from_arrays((X, Y)).batch(4)],
    ids=["tuple", "list", "samples", "PyDataset", "batches"],
)
def test_split(data, sizes, expected):
    left, right = split_dataset(data, **sizes)
    batched = isinstance(data, (Batches, ArrayDataset))
    assert left.batch_size == right.batch_size == (4 if batched else None)
    for part, rows in ((left, slice(0, expected[0])), (right, slice(10 - expected[1], 10))):
        elements = list(part if batched else part.batch(4))
        np.testing.assert_array_equal(np.concatenate([x for x, _ in elements]), X[rows])
        np.testing.assert_array_equal(np.concatenate([y for _, y in elements]), Y[rows])


def test_split_of_one_array_and_shuffling():
    left, right = split_dataset(X, left_size=4)
    np.testing.assert_array_equal(list(left), X[:4])
    # Python's own shuffle, as in Keras: the same seed gives the same split.
    left, right = split_dataset(Y, left_size=0.5, shuffle=True, seed=7)
    assert [list(left), list(right)] == [[8, 3, 1, 4, 7], [0, 9, 6, 2, 5]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "At least one"),
        ({"left_size": "2"}, TypeError, "`left_size` must be an int"),
        ({"left_size": 10}, ValueError, "`left_size` must be a number"),
        ({"right_size": 1.0}, ValueError, "`right_size` must be a number"),
        ({"left_size": 0.7, "right_size": 0.7}, ValueError, "more than 1"),
        ({"left_size": 8, "right_size": 8}, ValueError, "cannot be taken"),
        ({"left_size": 0.01}, ValueError, "empty"),
        ({"left_size": 1, "preferred_backend": "torch"}, ValueError, "`preferred_backend`"),
    ],
)
def test_bad_sizes(arguments, error, message):
    with pytest.raises(error, match=message):
        split_dataset((X, Y), **arguments)


def test_what_cannot_be_split():
    with pytest.raises(TypeError, match="`dataset` must be"):
        split_dataset(3, left_size=1)
    with pytest.raises(ValueError, match="empty"):
        split_dataset(iter([]), left_size=1)


def test_windows():
    data = np.arange(30) * 10
    batches = list(timeseries_dataset_from_array(data, np.arange(30), 4, batch_size=10))
    x, y = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert [len(b) for b, _ in batches] == [10, 10, 7]
    np.testing.assert_array_equal(x, [[10 * (i + j) for j in range(4)] for i in range(27)])
    np.testing.assert_array_equal(y, np.arange(27))
    (x,) = timeseries_dataset_from_array(
        data, None, 3, sequence_stride=4, sampling_rate=2, start_index=5, end_index=20
    )
    np.testing.assert_array_equal(
        x, [[10 * (5 + i + 2 * j) for j in range(3)] for i in range(0, 11, 4)]
    )
    single = timeseries_dataset_from_array(data, data, 4, batch_size=None)
    assert [w.shape for w, _ in single] == [(4,)] * 27
    shuffled = timeseries_dataset_from_array(data, data, 4, shuffle=True, seed=1, batch_size=27)
    ((x, y),) = shuffled
    np.testing.assert_array_equal(x[:, 0], y)
    assert sorted(y) == sorted(data[:27]) and list(y) != sorted(y)


@pytest.mark.parametrize(
    "arguments",
    [
        {"start_index": -1},
        {"start_index": 30},
        {"end_index": 30},
        {"start_index": 5, "end_index": 5},
        {"sampling_rate": 0},
        {"sampling_rate": 30},
        {"sequence_stride": 0},
        {"sequence_stride": 30},
        {"sequence_length": 0},
        {"sequence_length": 16, "sampling_rate": 2, "end_index": 20},
        {"format": "grain"},
        {"targets": np.arange(3), "start_index": 1, "sequence_length": 2},
    ],
)
def test_bad_windows(arguments):
    with pytest.raises(ValueError, match=r"must|too few"):
        timeseries_dataset_from_array(
            **{"data": np.arange(30), "targets": None, "sequence_length": 3} | arguments
        )


def test_packing():
    pack, unpack = keras.utils.pack_x_y_sample_weight, keras.utils.unpack_x_y_sample_weight
    assert unpack(pack(1, 2, 3)) == (1, 2, 3)
    assert unpack(pack(1, 2)) == (1, 2, None)
    assert (pack(1), pack([1, 2])) == (1, ([1, 2],))
    assert unpack([1, 2]) == (1, 2, None)
    with pytest.raises(ValueError, match="expected to be in format"):
        unpack((1, 2, 3, 4))
