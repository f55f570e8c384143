"""Random layers: what they draw, when, and from which seed."""

import numpy as np
import pytest

import hotloop
from hotloop import layers

X = np.random.default_rng(2).normal(size=(400, 50)).astype("float32")
CUBE = X.reshape(400, 10, 5)

LAYERS = {
    "dropout": (lambda **k: layers.Dropout(0.3, **k), X),
    "noise": (lambda **k: layers.GaussianNoise(0.3, **k), X),
    "gaussian": (lambda **k: layers.GaussianDropout(0.3, **k), X),
    "alpha": (lambda **k: layers.AlphaDropout(0.3, **k), X),
    "spatial": (lambda **k: layers.SpatialDropout1D(0.3, **k), CUBE),
}


@pytest.mark.parametrize("name", LAYERS)
def test_modes_and_seeds(name):
    make, x = LAYERS[name]
    layer = make(seed=7)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    first, second = layer(x, training=True).numpy(), layer(x, training=True).numpy()
    assert not np.array_equal(first, x)
    assert not np.array_equal(first, second), "every call draws anew"
    np.testing.assert_array_equal(make(seed=7)(x, training=True), first)
    assert not np.array_equal(make(seed=8)(x, training=True), first)
    assert not np.array_equal(make()(x, training=True), make()(x, training=True))
    assert layer.weights == []
    assert len(layer.non_trainable_variables) == 1
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    np.testing.assert_array_equal(twin(x, training=True), first)


@pytest.mark.parametrize("name", LAYERS)
def test_compiled_training_draws_what_eager_training_does(name):
    make, x = LAYERS[name]
    x = x[:12]
    results = []
    for run_eagerly in (False, True):
        model = hotloop.Sequential([hotloop.Input(x.shape[1:]), make(seed=3), layers.Dense(2)])
        dense = model.layers[-1]
        dense.kernel.assign(np.full(dense.kernel.shape, 0.1))
        model.compile("sgd", "mse", run_eagerly=run_eagerly)
        y = np.zeros((*x.shape[:-1], 2), "float32")
        history = model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
        results.append((history.history["loss"], model.get_weights()[0]))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-4, atol=1e-6)


def test_moments_of_additive_noise():
    noise = layers.GaussianNoise(0.5, seed=1)(X, training=True).numpy() - X
    n = noise.size
    assert abs(noise.mean()) < 4 * 0.5 / np.sqrt(n)
    assert abs(noise.std() - 0.5) < 4 * 0.5 / np.sqrt(2 * n)
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.25


def test_moments_of_multiplicative_noise():
    rate = 0.2
    factors = layers.GaussianDropout(rate, seed=1)(np.ones((400, 50)), training=True).numpy()
    std = np.sqrt(rate / (1 - rate))
    assert abs(factors.mean() - 1) < 4 * std / np.sqrt(factors.size)
    assert abs(factors.std() - std) < 4 * std / np.sqrt(2 * factors.size)


def test_dropout_scales_what_it_keeps():
    outputs = layers.Dropout(0.25, seed=1)(np.ones((400, 50)), training=True).numpy()
    assert set(np.unique(outputs)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((outputs == 0).mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / outputs.size)


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.8])
def test_alpha_dropout_keeps_mean_and_variance(rate):
    x = np.random.default_rng(0).normal(size=(1000, 100)).astype("float32")
    outputs = layers.AlphaDropout(rate, seed=1)(x, training=True).numpy()
    assert abs(outputs.mean()) < 0.02
    assert abs(outputs.std() - 1) < 0.02
    dropped = np.unique(outputs, return_counts=True)[1].max() / outputs.size
    assert abs(dropped - rate) < 0.01, "dropped inputs share one value"


def test_spatial_dropout_drops_features():
    outputs = layers.SpatialDropout1D(0.4, seed=1)(np.ones((400, 10, 5)), training=True).numpy()
    assert (outputs == outputs[:, :1]).all(), "the same in every step"
    assert abs((outputs == 0).mean() - 0.4) < 4 * np.sqrt(0.24 / 2000)
    with pytest.raises(ValueError, match="ndim=3"):
        layers.SpatialDropout1D(0.4)(X)


@pytest.mark.parametrize("cls", [layers.Dropout, layers.AlphaDropout])
def test_noise_shape(cls):
    layer = cls(0.5, noise_shape=(None, 1, 5), seed=4)
    outputs = layer(np.ones((8, 10, 5)), training=True).numpy()
    assert (outputs == outputs[:, :1]).all()
    assert len(np.unique(outputs)) == 2
    with pytest.raises(ValueError, match="rank of the inputs"):
        layer(X, training=True)
    for shape in ("ab", (0, 1), (1.5, 1)):
        with pytest.raises(ValueError, match="noise_shape"):
            cls(0.5, noise_shape=shape)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_strength_out_of_range(name, rate):
    cls = type(LAYERS[name][0]())
    with pytest.raises(ValueError, match="float value between"):
        cls(rate)


@pytest.mark.parametrize("cls", [layers.GaussianDropout, layers.AlphaDropout])
def test_infinite_scale(cls):
    with pytest.raises(ValueError, match="infinite"):
        cls(1.0)


def test_no_noise_needs_no_seed():
    for layer in (layers.GaussianNoise(0.0), layers.AlphaDropout(0), layers.GaussianDropout(0)):
        assert layer.variables == []
        np.testing.assert_array_equal(layer(X, training=True), X)
