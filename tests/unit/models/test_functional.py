"""Functional and subclassed models."""

import numpy as np
import pytest

import hotloop as keras

RNG = np.random.default_rng(0)
X = RNG.random((20, 6), dtype=np.float32)
Z = RNG.random((20, 4), dtype=np.float32)


def chain():
    inputs = keras.Input((6,), name="pixels")
    hidden = keras.layers.Dense(5, activation="relu", name="hidden")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="out")(hidden))


def test_a_chain():
    model = chain()
    assert isinstance(model, keras.models.Functional)
    assert [layer.name for layer in model.layers] == ["pixels", "hidden", "out"]
    assert model.input_shape == (None, 6)
    assert model.output_shape == (None, 2)
    assert model.output_names == ["out"]
    assert model.count_params() == 47
    w1, b1, w2, b2 = model.get_weights()
    expected = np.maximum(X @ w1 + b1, 0) @ w2 + b2
    np.testing.assert_allclose(model(X), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_a_chain_trains():
    model = chain()
    model.compile("adam", "mse")
    losses = model.fit(X, X[:, :2], epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_keywords():
    inputs = keras.Input((6,))
    model = keras.Model(inputs=inputs, outputs=keras.layers.Dense(1)(inputs), name="line")
    assert model.name == "line"
    assert model(X).shape == (20, 1)


def several():
    a, b = keras.Input((6,), name="a"), keras.Input((4,), name="b")
    left, right = keras.layers.Dense(3, name="left")(a), keras.layers.Dense(3, name="right")(b)
    total = left + right
    return keras.Model([a, b], [total, keras.ops.relu(total)])


def test_several_inputs_and_outputs():
    model = several()
    wa, ba, wb, bb = model.get_weights()
    total = X @ wa + ba + Z @ wb + bb
    for x in ([X, Z], (X, Z), {"a": X, "b": Z}):
        first, second = model.predict(x, verbose=0, batch_size=7)
        np.testing.assert_allclose(first, total, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(second, np.maximum(total, 0), rtol=1e-5, atol=1e-6)
    first, _ = model([X, Z])
    np.testing.assert_allclose(first, total, rtol=1e-5, atol=1e-6)


def test_several_inputs_train():
    a, b = keras.Input((6,), name="a"), keras.Input((4,), name="b")
    total = keras.layers.Dense(2)(a) + keras.layers.Dense(2)(b)
    model = keras.Model({"a": a, "b": b}, total)
    model.compile("adam", "mse")
    losses = model.fit({"b": Z, "a": X}, X[:, :2], epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_outputs_in_a_dictionary():
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(3)(inputs)
    model = keras.Model(inputs, {"z": hidden, "a": keras.ops.relu(hidden)})
    predicted = model.predict(X, verbose=0)
    assert set(predicted) == {"a", "z"}
    np.testing.assert_array_equal(predicted["a"], np.maximum(predicted["z"], 0))


def test_one_target_for_several_outputs_is_refused():
    model = several()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="`y` must have the structure of the model's outputs"):
        model.fit([X, Z], X[:, :3], verbose=0)


def test_wrong_inputs():
    model = several()
    with pytest.raises(ValueError, match="`x` must be a list of 2 arrays"):
        model.predict(X, verbose=0)
    with pytest.raises(ValueError, match="keys"):
        model.predict({"a": X}, verbose=0)
    with pytest.raises(ValueError, match=r"`x\[1\]`"):
        model.predict([X, X], verbose=0)
    with pytest.raises(ValueError, match="`x\\[1\\]` has 19"):
        model.predict([X, Z[:19]], verbose=0)
    with pytest.raises(ValueError, match="expects shape"):
        model([X, X])


def test_shared_layers():
    a, b = keras.Input((6,)), keras.Input((6,))
    shared = keras.layers.Dense(3)
    model = keras.Model([a, b], shared(a) - shared(b))
    assert len(model.weights) == 2
    np.testing.assert_allclose(model.predict([X, X], verbose=0), 0.0, atol=1e-6)


def test_a_part_of_a_model_shares_its_weights():
    model = chain()
    part = keras.Model(model.inputs, model.get_layer("hidden").output)
    w1, b1 = model.get_weights()[:2]
    np.testing.assert_allclose(
        part.predict(X, verbose=0), np.maximum(X @ w1 + b1, 0), rtol=1e-5, atol=1e-6
    )
    assert part.weights[0] is model.weights[0]


def test_a_model_from_the_middle():
    model = chain()
    middle = model.get_layer("hidden").output
    head = keras.Model(middle, model.outputs[0])
    hidden = RNG.random((20, 5), dtype=np.float32)
    _, _, w2, b2 = model.get_weights()
    np.testing.assert_allclose(
        head.predict(hidden, verbose=0), hidden @ w2 + b2, rtol=1e-5, atol=1e-6
    )


def test_a_functional_model_as_a_layer():
    inner = chain()
    inputs = keras.Input((6,))
    outer = keras.Model(inputs, keras.layers.Softmax()(inner(inputs)))
    np.testing.assert_allclose(outer.predict(X, verbose=0).sum(-1), 1.0, rtol=1e-5)
    assert outer.weights[0] is inner.weights[0]


def test_disconnected_outputs_and_bad_arguments():
    a, b = keras.Input((6,)), keras.Input((6,))
    with pytest.raises(ValueError, match="not among `inputs`"):
        keras.Model(a, keras.layers.Dense(2)(b))
    with pytest.raises(ValueError, match="`inputs` values must be KerasTensors"):
        keras.Model(X, a)
    with pytest.raises(ValueError, match="unique names"):
        keras.Model(a, keras.layers.Dense(2, name="d")(keras.layers.Dense(2, name="d")(a)))


def test_one_column_may_come_with_or_without_its_axis():
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    flat = model.predict(X[:, 0], verbose=0)
    np.testing.assert_array_equal(flat, model.predict(X[:, :1], verbose=0))
    np.testing.assert_allclose(model(X[:, 0]), flat, rtol=1e-6)


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(8, activation="relu")
        self.dropout = keras.layers.Dropout(0.5)
        self.out = keras.layers.Dense(2)

    def call(self, x, training=None):
        return self.out(self.dropout(self.hidden(x), training=training))


def test_a_subclass_trains_and_predicts():
    model = Net()
    model.compile("adam", "mse", metrics=["mae"])
    losses = model.fit(X, X[:, :2], epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert [w.shape for w in model.weights] == [(6, 8), (8,), (8, 2), (2,)]
    w1, b1, w2, b2 = model.get_weights()
    expected = np.maximum(X @ w1 + b1, 0) @ w2 + b2
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model(X), expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(model(X, training=True), expected, rtol=1e-4, atol=1e-5)


def test_a_subclass_without_training_argument_and_with_structure():
    class Two(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, inputs):
            return {"sum": self.dense(inputs["a"]) + self.dense(inputs["b"])}

    model = Two()
    predicted = model.predict({"a": X, "b": X}, verbose=0)
    np.testing.assert_allclose(
        predicted["sum"], 2 * (X @ model.get_weights()[0]), rtol=1e-5, atol=1e-6
    )


def test_the_first_call_of_a_subclass_builds_it():
    model = Net()
    assert not model.built
    assert model(X).shape == (20, 2)
    assert model.built
    assert len(model.weights) == 4


def test_a_deep_chain():
    inputs = outputs = keras.Input((2,))
    for _ in range(300):
        outputs = keras.layers.Activation("relu")(outputs)
    model = keras.Model(inputs, outputs)
    np.testing.assert_array_equal(model.predict(X[:, :2], verbose=0), X[:, :2])
