"""TensorFlow's tensors and data sets as training data. Skipped where TensorFlow is missing."""

import numpy as np
import pytest

import hotloop as keras

tf = pytest.importorskip("tensorflow")

RNG = np.random.default_rng(2)
X = RNG.random((50, 6), dtype=np.float32)
Y = (X[:, 0] * 3).astype(np.int64)
W = RNG.random(50, dtype=np.float32)


def make_model():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fitted(x, y=None, **kwargs):
    model = make_model()
    history = model.fit(x, y, epochs=2, shuffle=False, verbose=0, **kwargs).history
    return history, model.get_weights()[0]


def check(left, right):
    assert left[0] == right[0]
    np.testing.assert_array_equal(left[1], right[1])


def batches(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays).batch(16)


def test_tensors():
    check(fitted(tf.constant(X), tf.Variable(Y), batch_size=16), fitted(X, Y, batch_size=16))
    model = make_model()
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(tf.sparse.from_dense(X), verbose=0), expected)
    half = tf.cast(X, tf.bfloat16)
    np.testing.assert_array_equal(
        model.predict(half, verbose=0), model.predict(tf.cast(half, tf.float32), verbose=0)
    )


def test_data_sets():
    check(fitted(batches(X, Y)), fitted(X, Y, batch_size=16))
    check(fitted(batches(X, Y, W)), fitted(X, Y, sample_weight=W, batch_size=16))
    check(
        fitted(batches(X, Y), validation_data=batches(X, Y), class_weight={1: 2.0}),
        fitted(X, Y, batch_size=16, validation_data=(X, Y), class_weight={1: 2.0}),
    )
    check(fitted(batches(X, Y).repeat(), steps_per_epoch=4), fitted(X, Y, batch_size=16))
    unknown = batches(X, Y).filter(lambda x, y: True)
    check(fitted(unknown), fitted(X, Y, batch_size=16))
    model = make_model()
    assert model.evaluate(batches(X, Y), verbose=0) == model.evaluate(
        X, Y, batch_size=16, verbose=0
    )
    np.testing.assert_array_equal(
        model.predict(batches(X), verbose=0), model.predict(X, batch_size=16, verbose=0)
    )


def test_endless_data_needs_steps():
    with pytest.raises(ValueError, match="endless"):
        make_model().fit(batches(X, Y).repeat(), verbose=0)


def test_dictionaries_of_inputs():
    inputs = {"a": keras.Input((6,)), "b": keras.Input((6,))}
    model = keras.Model(inputs, keras.layers.Add()(list(inputs.values())))
    data = tf.data.Dataset.from_tensor_slices({"a": X, "b": X}).batch(16)
    np.testing.assert_array_equal(model.predict(data, verbose=0), X + X)


def test_ragged_data_is_refused():
    ragged = tf.ragged.constant([[1.0], [2.0, 3.0]])
    with pytest.raises((TypeError, ValueError), match="`x`"):
        make_model().predict(ragged, verbose=0)
