"""Sequential: how it is put together and built."""

import numpy as np
import pytest

import hotloop as keras

X = np.random.default_rng(0).random((10, 6), dtype=np.float32)


def test_an_input_builds_at_once():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    assert model.built
    assert [w.shape for w in model.weights] == [(6, 4), (4,), (4, 2), (2,)]
    assert model.input_shape == (None, 6)
    assert model.output_shape == (None, 2)
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Dense"]
    assert model.count_params() == 38


def test_add_builds_as_it_goes():
    model = keras.Sequential()
    model.add(keras.Input((6,)))
    model.add(keras.layers.Dense(4))
    assert len(model.weights) == 2
    model.add(keras.layers.Dense(2))
    assert model.output_shape == (None, 2)
    assert model(X).shape == (10, 2)


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
def test_input_layer_and_input_shape():
    for first in (
        [keras.layers.InputLayer(shape=(6,)), keras.layers.Dense(4)],
        [keras.layers.Dense(4, input_shape=(6,))],
        [keras.layers.Dense(4, input_dim=6)],
    ):
        model = keras.Sequential(first)
        assert model.input_shape == (None, 6)
        assert len(model.layers) == 1
        assert len(model.weights) == 2


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
def test_flatten_with_input_shape():
    model = keras.models.Sequential()
    model.add(keras.layers.Flatten(input_shape=(2, 3, 1)))
    model.add(keras.layers.Dense(4))
    assert model.output_shape == (None, 4)
    assert model.predict(X.reshape(10, 2, 3, 1), verbose=0).shape == (10, 4)


def test_deferred_build_from_data():
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(2)])
    assert not model.built
    assert model.weights == []
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], verbose=0)
    assert model.input_shape == (None, 6)
    assert [w.shape for w in model.weights] == [(6, 4), (4,), (4, 2), (2,)]
    assert model.predict(X[:3], verbose=0).shape == (3, 2)


def test_deferred_build_by_calling_and_by_build():
    model = keras.Sequential([keras.layers.Dense(4)])
    assert model(X).shape == (10, 4)
    assert model.built
    model = keras.Sequential([keras.layers.Dense(4)])
    model.build((None, 6))
    assert model.output_shape == (None, 4)


def test_deferred_build_from_integers_trains_in_float():
    model = keras.Sequential([keras.layers.Dense(4)])
    images = (X * 255).astype(np.uint8)
    predicted = model.predict(images, verbose=0)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(predicted, images @ kernel + bias, rtol=1e-5, atol=1e-3)


def test_pop():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    assert model.predict(X, verbose=0).shape == (10, 2)
    last = model.layers[-1]
    assert model.pop() is last
    assert model.output_shape == (None, 4)
    assert len(model.weights) == 2
    assert model.predict(X, verbose=0).shape == (10, 4)
    model.add(keras.layers.Dense(3))
    assert model.predict(X, verbose=0).shape == (10, 3)
    with pytest.raises(ValueError, match="no layers to pop"):
        keras.Sequential().pop()


def test_what_cannot_be_added():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, name="a")])
    with pytest.raises(ValueError, match="unique names"):
        model.add(keras.layers.Dense(4, name="a"))
    with pytest.raises(ValueError, match="Only instances"):
        model.add("dense")
    with pytest.raises(ValueError, match="Input can only come first"):
        model.add(keras.Input((6,)))
    # None of them stuck.
    assert [layer.name for layer in model.layers] == ["a"]
    assert model(X).shape == (10, 4)


def test_a_layer_that_does_not_fit_is_not_added():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    with pytest.raises(Exception):  # noqa: B017  (whatever the layer raises)
        model.add(keras.layers.Reshape((5, 5)))
    assert model(X).shape == (10, 4)


def test_a_model_in_a_model_shares_its_weights():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :3], verbose=0)
    before = model.get_weights()
    probabilities = keras.Sequential([model, keras.layers.Softmax()])
    predicted = probabilities.predict(X, verbose=0)
    np.testing.assert_allclose(predicted.sum(-1), 1.0, rtol=1e-5)
    logits = model.predict(X, verbose=0)
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(predicted, expected, rtol=1e-5)
    assert probabilities.weights[0] is model.weights[0]
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    model.fit(X, X[:, :3], verbose=0)
    assert not np.array_equal(probabilities.predict(X, verbose=0), predicted)


def test_a_deferred_model_in_a_model():
    inner = keras.Sequential([keras.layers.Dense(3)])
    outer = keras.Sequential([inner, keras.layers.Softmax()])
    assert outer.predict(X, verbose=0).shape == (10, 3)
    assert inner.built


def test_names_and_get_layer():
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(4, name="one"), keras.layers.Dense(2, name="two")],
        name="net",
    )
    assert model.name == "net"
    assert model.get_layer("two") is model.layers[1]
    assert model.get_layer(index=0) is model.layers[0]
    with pytest.raises(ValueError, match="No such layer: three"):
        model.get_layer("three")
    with pytest.raises(ValueError, match="only has 2 layers"):
        model.get_layer(index=2)
    with pytest.raises(ValueError, match="either"):
        model.get_layer()


def test_weights_in_and_out():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    weights = model.get_weights()
    model.set_weights([w + 1 for w in weights])
    np.testing.assert_array_equal(model.get_weights()[0], weights[0] + 1)
    model.trainable = False
    assert model.trainable_weights == []
    assert len(model.non_trainable_weights) == 2


def test_a_subclass_of_sequential():
    class Net(keras.Sequential):
        def __init__(self):
            super().__init__([keras.layers.Dense(4)])

    assert Net().predict(X, verbose=0).shape == (10, 4)


@pytest.mark.parametrize("method", ["save", "export"])
def test_saving_says_that_it_is_not_there(method):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    with pytest.raises(NotImplementedError, match=method):
        getattr(model, method)("file")
    with pytest.raises(NotImplementedError, match="load_model"):
        keras.models.load_model("file")


def test_add_and_pop_without_rebuilding():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    model.add(keras.layers.Dense(3), rebuild=False)
    model.add(keras.layers.Dense(2), rebuild=False)
    assert not model.built
    assert model(X).shape == (10, 2)
    assert model.output_shape == (None, 2)
    model.pop(rebuild=False)
    assert model.predict(X, verbose=0).shape == (10, 3)


def test_building_for_another_shape_is_refused():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    model.build((None, 6))
    with pytest.raises(ValueError, match="already been configured"):
        model.build((None, 7))
