"""evaluate, predict and the one-batch forms."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import hotloop as keras

RNG = np.random.default_rng(2)
X = RNG.random((45, 6), dtype=np.float32)
Y = RNG.integers(0, 3, 45)


@pytest.fixture
def model():
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def forward(model, x):
    w1, b1, w2, b2 = [w.astype(np.float64) for w in model.get_weights()]
    logits = np.maximum(x @ w1 + b1, 0) @ w2 + b2
    p = np.exp(logits - logits.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


@pytest.mark.parametrize("batch_size", [None, 1, 9, 10, 45, 100])
def test_predict_and_evaluate_do_not_depend_on_batches(model, batch_size):
    expected = forward(model, X)
    predicted = model.predict(X, batch_size=batch_size, verbose=0)
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, expected, rtol=1e-5, atol=1e-6)
    loss, accuracy = model.evaluate(X, Y, batch_size=batch_size, verbose=0)
    assert loss == pytest.approx(-np.log(expected[np.arange(45), Y]).mean(), rel=1e-5)
    assert accuracy == pytest.approx(np.mean(expected.argmax(-1) == Y))


def test_evaluate_forms(model):
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == {"accuracy": accuracy, "loss": loss}
    assert model.metrics_names == ["loss", "compile_metrics"]
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(loss)
    assert type(model.evaluate(X, Y, verbose=0)) is float


def test_evaluate_changes_no_weights(model):
    before = model.get_weights()
    model.evaluate(X, Y, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_sample_weight(model):
    scale = RNG.random(45)
    p = forward(model, X)
    losses = -np.log(p[np.arange(45), Y]) * scale
    model.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=["accuracy"],
    )
    logs = model.evaluate(X, Y, sample_weight=scale, verbose=0, return_dict=True)
    hits = p.argmax(-1) == Y
    assert logs["loss"] == pytest.approx(losses.mean(), rel=1e-5)
    assert logs["accuracy"] == pytest.approx(hits.mean())
    assert logs["weighted_accuracy"] == pytest.approx((hits * scale).sum() / scale.sum())


def test_steps(model):
    expected = model.evaluate(X[:20], Y[:20], verbose=0)
    assert model.evaluate(X, Y, batch_size=10, steps=2, verbose=0) == pytest.approx(expected)
    np.testing.assert_array_equal(
        model.predict(X, batch_size=10, steps=2, verbose=0), model.predict(X[:20], verbose=0)
    )
    with pytest.warns(UserWarning, match="ran out of data"):
        assert model.predict(X, batch_size=10, steps=9, verbose=0).shape == (45, 3)


def test_one_batch_forms(model):
    assert model.test_on_batch(X, Y) == pytest.approx(model.evaluate(X, Y, verbose=0))
    assert set(model.test_on_batch(X, Y, return_dict=True)) == {"accuracy", "loss"}
    np.testing.assert_allclose(model.predict_on_batch(X), forward(model, X), rtol=1e-5, atol=1e-6)
    assert isinstance(model.predict_on_batch(X), np.ndarray)


def test_calling_the_model(model):
    for x in (X, X.astype(np.float64), keras.ops.convert_to_tensor(X)):
        result = model(x)
        assert isinstance(result, keras.graph.Tensor)
        np.testing.assert_allclose(result.numpy(), forward(model, X), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model(X[:1], training=False), forward(model, X[:1]), rtol=1e-5)


def test_predict_needs_no_compile_and_builds():
    model = keras.Sequential([keras.layers.Dense(4)])
    assert model.predict(X, verbose=0).shape == (45, 4)
    assert model.built


def test_predict_from_many_threads(model):
    inputs = [RNG.random((n, 6), dtype=np.float32) for n in (1, 5, 40, 45, 70)] * 4
    expected = [forward(model, x) for x in inputs]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda x: model.predict(x, verbose=0), inputs))
    for result, want in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, want, rtol=1e-5, atol=1e-6)


def test_calling_from_many_threads(model):
    inputs = [RNG.random((n, 6), dtype=np.float32) for n in (1, 5, 40)] * 6
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda x: model(x).numpy(), inputs))
    for result, x in zip(results, inputs, strict=True):
        np.testing.assert_allclose(result, forward(model, x), rtol=1e-5, atol=1e-6)


def test_predict_batch_hooks(model):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            seen.append((batch, logs["outputs"].shape))

        def on_predict_end(self, logs=None):
            seen.append("end")

    model.predict(X, batch_size=20, verbose=0, callbacks=[Watch()])
    assert seen == [(0, (20, 3)), (1, (20, 3)), (2, (5, 3)), "end"]


def test_stop_predicting(model):
    class Stop(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 1

    assert model.predict(X, batch_size=10, verbose=0, callbacks=[Stop()]).shape == (20, 3)


def test_the_plans_of_ever_new_lengths_are_bounded(model):
    for n in range(1, 200):
        model.predict(RNG.random((n, 6), dtype=np.float32), batch_size=1000, verbose=0)
    assert len(model._trainer.plans._plans) <= 64


def test_truth_values_are_predicted_as_such():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.ops.greater(inputs, 0.5))
    predicted = model.predict(X, verbose=0)
    assert predicted.dtype == np.bool_
    np.testing.assert_array_equal(predicted, X > 0.5)


def test_weights_changed_by_hand_are_seen(model):
    model.predict(X, verbose=0)
    weights = [w * 0.5 for w in model.get_weights()]
    model.set_weights(weights)
    np.testing.assert_allclose(model.predict(X, verbose=0), forward(model, X), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model(X), forward(model, X), rtol=1e-5, atol=1e-6)
