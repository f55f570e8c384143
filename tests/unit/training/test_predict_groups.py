"""predict on many rows: batches are put together only where nobody can tell."""

import numpy as np
import pytest

import hotloop as keras
from hotloop import ops
from hotloop.training import plans

RNG = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    monkeypatch.setattr(plans, "_TOGETHER", 40)
    monkeypatch.setattr(plans, "_WORTH", 40)


class Centred(keras.layers.Layer):
    def call(self, x):
        return x - ops.mean(x, 0, keepdims=True)


def model_of(*layers):
    model = keras.Sequential([keras.Input((6,)), *layers])
    model.compile(loss="mse")
    return model


def grouped(model):
    return [p for p in model._trainer.plans._plans.values() if getattr(p, "_grouped", None)]


@pytest.mark.parametrize("rows", [80, 100, 237])
@pytest.mark.parametrize("batch_size", [1, 7, 10])
def test_the_bits_are_those_of_single_batches(rows, batch_size, monkeypatch):
    model = model_of(
        keras.layers.Dense(33, activation="relu"), keras.layers.Dense(5, activation="softmax")
    )
    x = RNG.normal(size=(rows, 6)).astype("float32")
    together = model.predict(x, batch_size=batch_size, verbose=0)
    assert bool(grouped(model)) == (batch_size > 1)
    monkeypatch.setattr(plans, "_WORTH", 1 << 40)
    np.testing.assert_array_equal(together, model.predict(x, batch_size=batch_size, verbose=0))


def test_layers_that_look_at_the_batch_see_the_callers():
    model = model_of(Centred())
    x = RNG.normal(size=(100, 6)).astype("float32")
    result = model.predict(x, batch_size=10, verbose=0)
    assert not grouped(model)
    expected = x.reshape(10, 10, 6) - x.reshape(10, 10, 6).mean(1, keepdims=True)
    np.testing.assert_allclose(result, expected.reshape(100, 6), atol=1e-6)


def test_batch_callbacks_are_told_the_callers_batches():
    model = model_of(keras.layers.Dense(3))
    x = RNG.normal(size=(200, 6)).astype("float32")
    told = []

    class Tell(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs):
            told.append((batch, logs["outputs"].shape))

    model.predict(x, batch_size=10, verbose=0, callbacks=[Tell()])
    assert told == [(i, (10, 3)) for i in range(20)]


def test_new_weights_are_seen():
    model = model_of(keras.layers.Dense(3))
    x = RNG.normal(size=(200, 6)).astype("float32")
    model.predict(x, batch_size=10, verbose=0)
    assert grouped(model)
    kernel = RNG.normal(size=(6, 3)).astype("float32")
    model.set_weights([kernel, np.ones(3, "float32")])
    np.testing.assert_allclose(
        model.predict(x, batch_size=10, verbose=0), x @ kernel + 1, rtol=1e-5, atol=1e-5
    )


def test_epochs_of_training_are_not_grouped():
    model = model_of(keras.layers.Dense(3))
    x = RNG.normal(size=(200, 6)).astype("float32")
    model.fit(x, x[:, :3], batch_size=10, verbose=0)
    model.evaluate(x, x[:, :3], batch_size=10, verbose=0)
    assert not grouped(model)
