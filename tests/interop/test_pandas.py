"""DataFrames and Series as training data, against the arrays that they hold."""

import numpy as np
import pytest

import hotloop as keras

pd = pytest.importorskip("pandas")

RNG = np.random.default_rng(2)
X = RNG.random((40, 3), dtype=np.float32)
Y = (X.sum(axis=1) * 2).astype(np.int32) % 3
FRAME = pd.DataFrame(X, columns=["a", "b", "c"], index=np.arange(40) * 7)


def make_model(units=3, loss="sparse_categorical_crossentropy"):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units, activation="softmax")])
    model.compile("adam", loss)
    return model


def fitted(x, y=None, **kwargs):
    model = make_model()
    history = model.fit(x, y, epochs=2, batch_size=8, verbose=0, **kwargs).history
    return history, model.predict(x, verbose=0)


def check(left, right):
    assert left[0] == right[0]
    np.testing.assert_array_equal(left[1], right[1])


@pytest.mark.parametrize("dtype", ["float32", "float64", "Float32", "Float64"])
def test_a_frame_is_the_array_of_its_columns(dtype):
    check(fitted(FRAME.astype(dtype), pd.Series(Y)), fitted(X, Y))


def test_weights_validation_and_classes():
    weight = RNG.random(40)
    arguments = {"validation_split": 0.25, "class_weight": {1: 2.0}}
    check(
        fitted(FRAME, pd.Series(Y, dtype="Int64"), sample_weight=pd.Series(weight), **arguments),
        fitted(X, Y, sample_weight=weight, **arguments),
    )
    held_back = (FRAME, pd.DataFrame({"class": Y}))
    check(fitted(FRAME, Y, validation_data=held_back), fitted(X, Y, validation_data=(X, Y)))


def test_columns_of_several_dtypes():
    frame = pd.DataFrame({"n": [1, 2, 3, 4], "b": [True, False, True, True], "f": [0.5, 1, 2, 3]})
    found = make_model().predict(frame, verbose=0)
    np.testing.assert_array_equal(
        found, make_model().predict(frame.to_numpy(np.float32), verbose=0)
    )
    whole = frame[["n", "b"]].assign(u=np.arange(4, dtype=np.uint8))
    np.testing.assert_array_equal(
        make_model().predict(whole, verbose=0),
        make_model().predict(whole.to_numpy(np.float32), verbose=0),
    )


def test_a_series_is_a_column():
    inputs = {name: keras.Input((1,), name=name) for name in ("a", "b")}
    joined = keras.layers.Concatenate()(list(inputs.values()))
    model = keras.Model(inputs, keras.layers.Dense(2)(joined))
    expected = model.predict({"a": X[:, :1], "b": X[:, 1:2]}, verbose=0)
    np.testing.assert_array_equal(model.predict(dict(FRAME[["a", "b"]]), verbose=0), expected)


def test_one_hot_targets():
    hot = pd.get_dummies(pd.Series(Y))
    assert set(hot.dtypes) == {np.dtype(bool)}
    left, right = (make_model(loss="categorical_crossentropy") for _ in range(2))
    assert left.train_on_batch(FRAME, hot) == right.train_on_batch(X, np.eye(3)[Y])


def test_missing_values_become_nan():
    column = pd.Series([1, None, 3], dtype="Int64")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    np.testing.assert_array_equal(model.predict(column, verbose=0), [[1], [np.nan], [3]])


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["x", "y"] * 20),
        pd.Series(["x", "y"] * 20, dtype="category"),
        pd.Series(pd.to_datetime(["2020-01-01", "2021-01-01"] * 20)),
    ],
    ids=["strings", "categories", "dates"],
)
def test_columns_that_are_not_numbers_are_named(column):
    model = make_model()
    frame = FRAME.assign(c=column.to_numpy() if column.dtype == object else column.array)
    with pytest.raises(TypeError, match=r"`x`: column 'c' has dtype .*, which does not hold"):
        model.fit(frame, Y, verbose=0)
    with pytest.raises(TypeError, match=r"`y`: the Series has dtype"):
        model.fit(X, column, verbose=0)
