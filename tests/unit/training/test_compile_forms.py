"""Forms of arguments that tests of single features leave out, and how they work together."""

import copy
import pickle

import numpy as np
import pytest

import hotloop as keras
from hotloop import layers

RNG = np.random.default_rng(21)
X = RNG.normal(size=(20, 4)).astype("float32")
Y = RNG.normal(size=(20, 2)).astype("float32")


def simple():
    return keras.Sequential([keras.Input((4,)), layers.Dense(2)])


def double():
    inputs = keras.Input((4,))
    return keras.Model(
        inputs, {"a": layers.Dense(2, name="a")(inputs), "b": layers.Dense(1, name="b")(inputs)}
    )


BOTH = {"a": Y, "b": Y[:, :1]}


def test_steps_per_execution_auto_tells_every_batch():
    model = simple()
    model.compile("sgd", "mse", steps_per_execution="auto")
    seen = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: seen.append(b))
    model.fit(X, Y, batch_size=4, verbose=0, callbacks=[callback])
    assert seen == [0, 1, 2, 3, 4]
    assert model.steps_per_execution == "auto"
    for wrong in ("many", 0, 1.5):
        with pytest.raises((ValueError, TypeError), match="steps_per_execution"):
            model.compile("sgd", "mse", steps_per_execution=wrong)


def test_configurations_in_compile():
    model = simple()
    loss = keras.losses.serialize(keras.losses.Huber(delta=2.0))
    metric = keras.metrics.serialize(keras.metrics.MeanAbsoluteError(name="m"))
    optimizer = keras.optimizers.serialize(keras.optimizers.SGD(0.5))
    model.compile(optimizer, loss, metrics=[metric])
    assert float(model.optimizer.learning_rate.numpy()) == 0.5
    assert sorted(model.evaluate(X, Y, verbose=0, return_dict=True)) == ["loss", "m"]
    several = double()
    several.compile("sgd", {"a": loss, "b": "mse"}, metrics={"a": [metric]})
    assert "a_m" in several.evaluate(X, BOTH, verbose=0, return_dict=True)


def test_classes_in_compile():
    model = simple()
    model.compile(
        keras.optimizers.Adam,
        keras.losses.MeanSquaredError,
        metrics=[keras.metrics.MeanSquaredError],
    )
    logs = model.evaluate(X, Y, batch_size=20, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["mean_squared_error"], rel=1e-6)


def test_a_metric_object_counts_once_per_batch_where_it_is_given():
    metric = keras.metrics.MeanAbsoluteError(name="m")
    model = double()
    model.compile("sgd", {"a": "mse", "b": "mse"}, metrics={"b": [metric]})
    logs = model.evaluate(X, BOTH, verbose=0, return_dict=True)
    predicted = model.predict(X, verbose=0)["b"]
    assert logs["b_m"] == pytest.approx(np.abs(predicted - BOTH["b"]).mean(), rel=1e-5)
    assert float(metric.result()) == pytest.approx(logs["b_m"], rel=1e-6)


def test_several_losses_on_one_output_add_up():
    model = simple()
    model.compile("sgd", ["mse", "mae"])
    error = np.asarray(model(X), "float64") - Y
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx((error**2).mean() + np.abs(error).mean(), rel=1e-5)


def test_outputs_without_targets_are_there_in_predict():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return {"o": [self.dense(x), x]}

    model = Net()
    model.compile("sgd", {"o": ["mse", None]})
    for y in (Y, [Y], {"o": [Y, None]}):
        assert model.evaluate(X, y, verbose=0) > 0
    np.testing.assert_array_equal(model.predict(X, verbose=0)["o"][1], X)


def test_the_names_of_metrics():
    model = double()
    model.compile("sgd", {"a": "mse", "b": "mae"}, metrics={"a": ["mae"]})
    assert model.metrics_names == ["loss", "compile_metrics"]
    model.fit(X, BOTH, verbose=0)
    assert model.metrics_names == ["loss", "compile_metrics", "a_loss", "b_loss"]
    assert set(model.get_metrics_result()) == {"loss", "a_loss", "b_loss", "a_mae"}
    model.reset_metrics()
    assert all(float(value) == 0 for value in model.get_metrics_result().values())


def test_metrics_reset_before_the_first_fit():
    """What is found out about metrics before the losses are built does not outlive that."""
    model = double()
    model.compile("sgd", "mse")
    model.reset_metrics()
    first = model.fit(X, BOTH, batch_size=20, epochs=1, verbose=0).history
    assert set(first) == {"loss", "a_loss", "b_loss"}
    logs = [model.evaluate(X, BOTH, verbose=0, return_dict=True) for _ in range(2)]
    assert logs[0] == logs[1]


@pytest.mark.parametrize("way", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_of_models_with_several_outputs(way):
    model = double()
    model.compile("adam", {"a": "mse", "b": "mae"}, metrics={"a": ["mae"]})
    model.fit(X, BOTH, verbose=0, shuffle=False)
    twin = way(model)
    for each in (model, twin):
        each.fit(X, BOTH, verbose=0, shuffle=False)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_sources_of_batches_with_several_outputs():
    def batches():
        for i in range(0, 20, 5):
            rows = slice(i, i + 5)
            yield X[rows], {key: value[rows] for key, value in BOTH.items()}

    one, other = double(), double()
    other.set_weights(one.get_weights())
    for model in (one, other):
        model.compile("adam", {"a": "mse", "b": "mae"})
    first = one.fit(batches(), verbose=0).history
    second = other.fit(X, BOTH, batch_size=5, shuffle=False, verbose=0).history
    assert first == second
    found = one.evaluate(batches(), verbose=0, return_dict=True)
    assert found == other.evaluate(X, BOTH, batch_size=5, verbose=0, return_dict=True)
