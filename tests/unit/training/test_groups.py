"""Many rows in predict and evaluate: batches are put together only where nobody can tell."""

import numpy as np
import pytest

import hotloop as keras
from hotloop import graph, ops
from hotloop.training import groups

RNG = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    monkeypatch.setattr(groups, "_TOGETHER", 40)
    monkeypatch.setattr(groups, "_WORTH", 40)


class Centred(keras.layers.Layer):
    def call(self, x):
        return x - ops.mean(x, 0, keepdims=True)


def model_of(*layers):
    model = keras.Sequential([keras.Input((6,)), *layers])
    model.compile(loss="mse")
    return model


def grouped(model):
    return [p for p in model._trainer.plans._plans.values() if getattr(p, "groups", None)]


@pytest.mark.parametrize("rows", [80, 100, 237])
@pytest.mark.parametrize("batch_size", [1, 7, 10])
def test_the_bits_are_those_of_single_batches(rows, batch_size, monkeypatch):
    model = model_of(
        keras.layers.Dense(33, activation="relu"), keras.layers.Dense(5, activation="softmax")
    )
    x = RNG.normal(size=(rows, 6)).astype("float32")
    together = model.predict(x, batch_size=batch_size, verbose=0)
    assert bool(grouped(model)) == (batch_size > 1)
    monkeypatch.setattr(groups, "_WORTH", 1 << 40)
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


def labelled(rows):
    x = RNG.normal(size=(rows, 6)).astype("float32")
    return x, RNG.integers(0, 5, rows), RNG.random(rows).astype("float32")


@pytest.mark.parametrize("rows", [80, 237])
@pytest.mark.parametrize("batch_size", [7, 10])
def test_an_evaluation_is_that_of_single_batches(rows, batch_size, monkeypatch):
    monkeypatch.setattr(groups, "_GROUPS", 2)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5)])
    model.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)],
        weighted_metrics=["sparse_categorical_crossentropy"],
    )
    x, y, weights = labelled(rows)
    together = model.evaluate(x, y, sample_weight=weights, batch_size=batch_size, verbose=0)
    assert [p for p in grouped(model) if p.groups.after is not None]
    monkeypatch.setattr(groups, "_WORTH", 1 << 40)
    alone = model.evaluate(x, y, sample_weight=weights, batch_size=batch_size, verbose=0)
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_an_evaluation_of_layers_that_look_at_the_batch_is_not_grouped():
    model = keras.Sequential([keras.Input((6,)), Centred(), keras.layers.Dense(5)])
    model.compile(loss="mse")
    x, _, _ = labelled(200)
    model.evaluate(x, x[:, :5], batch_size=10, verbose=0)
    assert not grouped(model)


def test_batch_callbacks_of_an_evaluation_are_told_the_callers_batches():
    model = model_of(keras.layers.Dense(3))
    x, _, _ = labelled(200)
    told = []

    class Tell(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs):
            told.append((batch, logs["loss"]))

    model.evaluate(x, x[:, :3], batch_size=10, verbose=0, callbacks=[Tell()])
    assert [batch for batch, _ in told] == list(range(20))
    errors = np.square(model.predict(x, verbose=0) - x[:, :3]).reshape(20, -1).mean(1)
    np.testing.assert_allclose(
        [loss for _, loss in told], np.cumsum(errors) / np.arange(1, 21), rtol=1e-5
    )


def test_an_own_test_step_is_not_grouped():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, x):
            return self.dense(x)

        def test_step(self, data):
            x, y = data
            return {"largest": ops.max(ops.abs(self(x) - y))}

    model = Own()
    model.compile(loss="mse")
    x, _, _ = labelled(200)
    logs = model.evaluate(x, x[:, :3], batch_size=10, verbose=0, return_dict=True)
    last = np.abs(model.predict(x, verbose=0) - x[:, :3])[-10:].max()
    np.testing.assert_allclose(logs["largest"], last, rtol=1e-5)
    assert not [p for p in grouped(model) if p.groups.after is not None]


class Halves(keras.layers.Layer):
    """Takes batches of 10 rows and no others."""

    def call(self, x):
        return ops.reshape(ops.reshape(x, (10, 3, 2))[:, :, 0], (10, 3))


class OwnHalves(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(6)
        self.halves = Halves()

    def call(self, x):
        return self.halves(self.dense(x))


def fixed_input():
    return keras.Sequential([keras.Input((6,), batch_size=10), keras.layers.Dense(3)])


@pytest.mark.parametrize("make", [fixed_input, OwnHalves])
def test_models_of_one_batch_size_see_no_other(make):
    model = make()
    model.compile(loss="mse")
    x, _, _ = labelled(200)
    together = model.predict(x, batch_size=10, verbose=0)
    single = [model.predict_on_batch(x[i : i + 10]) for i in range(0, 200, 10)]
    np.testing.assert_array_equal(together, np.concatenate(single))
    loss = model.evaluate(x, x[:, :3], batch_size=10, verbose=0)
    np.testing.assert_allclose(loss, np.square(together - x[:, :3]).mean(), rtol=1e-5)
    assert not grouped(model)


@pytest.mark.parametrize("frozen", [False, True])
def test_batches_of_training_are_not_grouped(frozen, monkeypatch):
    first = keras.layers.Dense(4, trainable=not frozen)
    model = model_of(first, keras.layers.Dense(3))
    x, _, _ = labelled(200)
    traced = []
    trace = graph.trace
    monkeypatch.setattr(graph, "trace", lambda *args: traced.append(args[1]) or trace(*args))
    model.fit(x, x[:, :3], batch_size=10, verbose=0)
    assert not grouped(model)
    assert not [specs for specs in traced if specs and specs[0][0][0] > 10]
