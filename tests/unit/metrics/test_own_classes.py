"""Losses and metrics of one's own, in the styles of Keras's guides, in a compiled `fit`.

A step that cannot be compiled warns, and a warning is an error in these tests.
"""

import numpy as np
import pytest

import hotloop as keras
from hotloop import ops

rng = np.random.default_rng(3)
X = rng.normal(size=(40, 5)).astype("float32")
LABELS = rng.integers(0, 3, 40)
ONEHOT = np.eye(3, dtype="float32")[LABELS]


def huber_like(y_true, y_pred):
    error = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(error < 0.5, 0.5 * error**2, 0.5 * error - 0.125), axis=-1)


class CustomMSE(keras.losses.Loss):
    def __init__(self, regularization_factor=0.1, name="custom_mse", **kwargs):
        super().__init__(name=name, **kwargs)
        self.regularization_factor = regularization_factor

    def call(self, y_true, y_pred):
        mse = ops.mean(ops.square(y_true - y_pred), axis=-1)
        reg = ops.mean(ops.square(0.5 - y_pred), axis=-1)
        return mse + reg * self.regularization_factor

    def get_config(self):
        return {**super().get_config(), "regularization_factor": self.regularization_factor}


class CategoricalTruePositives(keras.metrics.Metric):
    def __init__(self, name="categorical_true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.true_positives = self.add_variable(shape=(), name="ctp", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.reshape(ops.argmax(y_pred, axis=1), (-1, 1))
        y_true = ops.reshape(ops.argmax(y_true, axis=1), (-1, 1))
        values = ops.cast(ops.equal(y_true, y_pred), "float32")
        if sample_weight is not None:
            values = values * ops.reshape(ops.cast(sample_weight, "float32"), (-1, 1))
        self.true_positives.assign_add(ops.sum(values))

    def result(self):
        return self.true_positives.value

    def reset_state(self):
        self.true_positives.assign(0.0)


class Spread(keras.metrics.Metric):
    """Several results, a metric inside, and an integer variable."""

    def __init__(self, name="spread", **kwargs):
        super().__init__(name=name, **kwargs)
        self.parts = {"mean": keras.metrics.Mean(), "top": keras.metrics.Sum()}
        self.batches = self.add_weight(name="batches", dtype="int32")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.parts["mean"].update_state(y_pred, sample_weight)
        self.parts["top"].update_state(ops.max(y_pred, axis=-1))
        self.batches.assign_add(1)

    def result(self):
        return self.parts["mean"].result() * ops.cast(self.batches, "float32")


def make(loss, metrics, weighted_metrics=None):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", loss, metrics=metrics, weighted_metrics=weighted_metrics)
    return model


@pytest.mark.parametrize("loss", [huber_like, CustomMSE(0.3), CustomMSE(reduction="sum")], ids=str)
def test_own_loss_compiled_like_eager(loss):
    found = []
    for eager in (False, True):
        model = make(loss, ["mape"])
        model.run_eagerly = eager
        weight = np.linspace(0.5, 2, 40)
        history = model.fit(X, ONEHOT, 10, epochs=2, verbose=0, shuffle=False, sample_weight=weight)
        found.append(history.history["loss"] + history.history["mape"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


def test_own_loss_by_configuration():
    loss = CustomMSE(0.3, reduction="sum")
    config = keras.losses.serialize(loss)
    again = keras.losses.deserialize(config, custom_objects={"CustomMSE": CustomMSE})
    assert float(again(ONEHOT, ONEHOT * 0.5)) == float(loss(ONEHOT, ONEHOT * 0.5))


def test_wrapped_functions_of_ones_own():
    custom = {"huber_like": huber_like}
    metric = keras.metrics.MeanMetricWrapper(huber_like, name="h")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric), custom)
    loss = keras.losses.LossFunctionWrapper(huber_like)
    assert keras.losses.deserialize(keras.losses.serialize(loss), custom).fn is huber_like
    for each in (metric, again):
        each.update_state(ONEHOT, 0.5 * ONEHOT)
    assert float(again.result()) == float(metric.result()) > 0
    with pytest.raises(ValueError, match="huber_like"):
        keras.metrics.deserialize(keras.metrics.serialize(metric))


def test_own_metrics_compiled_like_eager():
    found = []
    for eager in (False, True):
        hits = CategoricalTruePositives()
        model = make("categorical_crossentropy", [hits, Spread()], [CategoricalTruePositives("w")])
        model.run_eagerly = eager
        weight = np.linspace(0.5, 2, 40)
        model.fit(X, ONEHOT, 10, epochs=2, verbose=0, shuffle=False, sample_weight=weight)
        logs = model.evaluate(X, ONEHOT, 10, verbose=0, sample_weight=weight, return_dict=True)
        predicted = model.predict(X, verbose=0)
        right = predicted.argmax(-1) == LABELS
        assert logs["categorical_true_positives"] == right.sum()
        assert logs["w"] == pytest.approx(weight[right].sum(), rel=1e-5)
        assert logs["spread"] == pytest.approx(4 * predicted.mean(), rel=1e-5)
        found.append([logs[key] for key in sorted(logs)])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


def test_metrics_by_name():
    names = ["auc", "precision", "Recall", "mse", "MAPE", "kl_divergence", "TruePositives"]
    model = make("categorical_crossentropy", names)
    logs = model.evaluate(X, ONEHOT, verbose=0, return_dict=True)
    assert set(logs) == {"loss", *names}


def test_metrics_of_vectors():
    model = make("categorical_crossentropy", [keras.metrics.F1Score()])
    scores = model.evaluate(X, ONEHOT, verbose=0, return_dict=True)["f1_score"]
    alone = keras.metrics.F1Score()
    alone.update_state(ONEHOT, model.predict(X, verbose=0))
    np.testing.assert_allclose(scores, alone.result(), rtol=1e-5)


class Both(keras.metrics.Metric):
    """A metric of two values."""

    def __init__(self, name="both"):
        super().__init__(name=name)
        self.total = self.add_variable((), "zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(ops.sum(ops.abs(y_true - y_pred)))

    def result(self):
        return {"total": self.total, "half": self.total * 0.5}


@pytest.mark.parametrize("eager", [False, True])
def test_a_metric_of_several_values_is_logged_under_their_names(eager):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse", metrics=["mae", Both()], run_eagerly=eager)
    x, y = np.ones((4, 3), np.float32), np.ones((4, 1), np.float32)
    values = model.evaluate(x, y, verbose=0, return_dict=True)
    assert values == {"loss": 4.0, "mae": 2.0, "total": 8.0, "half": 4.0}
    assert model.evaluate(x, y, verbose=0) == [4.0, 2.0, 4.0, 8.0]  # the further ones by name
    assert model.test_on_batch(x, y) == [4.0, 2.0, 4.0, 8.0]
    history = model.fit(x, y, validation_data=(x, y), verbose=0).history
    assert history["total"] == [8.0]
    assert history["half"] == [4.0]
    assert history["val_total"][0] == 2 * history["val_half"][0] < 8.0
