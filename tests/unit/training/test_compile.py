"""compile: how losses and metrics are found, named and reported."""

import numpy as np
import pytest

import hotloop as keras

RNG = np.random.default_rng(4)
X = RNG.random((30, 4), dtype=np.float32)
LABELS = RNG.integers(0, 3, 30)


def make_model(units, activation=None):
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation=activation)])


CASES = {
    "sparse": (3, "softmax", LABELS, "sparse_categorical_crossentropy"),
    "sparse column": (3, "softmax", LABELS[:, None], "sparse_categorical_crossentropy"),
    "one-hot": (3, "softmax", np.eye(3)[LABELS], "categorical_crossentropy"),
    "binary": (1, "sigmoid", LABELS == 1, "binary_crossentropy"),
    "binary column": (1, "sigmoid", (LABELS == 1)[:, None], "binary_crossentropy"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["accuracy", "acc"])
def test_accuracy_follows_the_shapes(case, name):
    units, activation, y, loss = CASES[case]
    model = make_model(units, activation)
    model.compile("sgd", loss, metrics=[name])
    logs = model.evaluate(X, y, verbose=0, return_dict=True)
    assert set(logs) == {name, "loss"}
    predicted = model.predict(X, verbose=0)
    if units == 1:
        expected = np.mean((predicted[:, 0] > 0.5) == (LABELS == 1))
    else:
        expected = np.mean(predicted.argmax(-1) == LABELS)
    assert logs[name] == pytest.approx(expected)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["crossentropy", "ce"])
def test_crossentropy_follows_the_shapes(case, name):
    units, activation, y, loss = CASES[case]
    model = make_model(units, activation)
    model.compile("sgd", loss)
    expected = model.evaluate(X, y, verbose=0)
    model.compile("sgd", name)
    assert model.evaluate(X, y, verbose=0) == pytest.approx(expected)


def test_losses_by_string_class_instance_and_function():
    def halved(y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1) / 2

    def by_numpy(y_true, y_pred):
        return np.mean(np.square(y_true - y_pred), axis=-1)

    y = RNG.random((30, 2))
    values = []
    for loss in ("mse", "mean_squared_error", keras.losses.MeanSquaredError, by_numpy):
        model = make_model(2)
        model.compile("sgd", loss)
        values.append(model.evaluate(X, y, verbose=0))
    model = make_model(2)
    model.compile("sgd", keras.losses.MeanSquaredError())
    values.append(model.evaluate(X, y, verbose=0))
    assert values == pytest.approx([np.mean((model.predict(X, verbose=0) - y) ** 2)] * 5, rel=1e-5)
    model.compile("sgd", halved)
    assert model.evaluate(X, y, verbose=0) == pytest.approx(values[0] / 2, rel=1e-5)


@pytest.mark.parametrize("loss", [["mse"], {"dense_out": "mse"}])
@pytest.mark.parametrize("weights", [None, 0.5, [0.5]])
def test_one_loss_in_a_container_and_loss_weights(loss, weights):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense_out")])
    y = RNG.random((30, 2))
    model.compile("sgd", "mse")
    plain = model.evaluate(X, y, verbose=0)
    model.compile("sgd", loss, loss_weights=weights)
    assert model.evaluate(X, y, verbose=0) == pytest.approx(
        plain * (1.0 if weights is None else 0.5)
    )


def test_metric_names_and_order():
    def my_metric(y_true, y_pred):
        return keras.ops.mean(y_pred, axis=-1)

    model = make_model(3, "softmax")
    model.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        metrics=["accuracy", keras.metrics.SparseCategoricalAccuracy(), my_metric],
        weighted_metrics=["accuracy"],
    )
    history = model.fit(X, LABELS, verbose=0).history
    assert list(history) == [
        "accuracy",
        "loss",
        "my_metric",
        "sparse_categorical_accuracy",
        "weighted_accuracy",
    ]
    values = model.evaluate(X, LABELS, verbose=0)
    logs = model.evaluate(X, LABELS, verbose=0, return_dict=True)
    # As Keras has it: "accuracy" twice, for it is looked up once more for the weighted one.
    order = ["loss", "accuracy", "sparse_categorical_accuracy", "my_metric", "accuracy"]
    assert values == [logs[name] for name in [*order, "weighted_accuracy"]]
    assert logs["my_metric"] == pytest.approx(1 / 3, rel=1e-5)


def test_metric_instances_keep_their_names_and_duplicates_get_numbers():
    model = make_model(3, "softmax")
    model.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        metrics=["accuracy", keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    assert set(model.evaluate(X, LABELS, verbose=0, return_dict=True)) == {
        "accuracy",
        "accuracy_1",
        "loss",
    }


def test_metrics_restart_every_epoch():
    model = make_model(3, "softmax")
    model.compile(
        keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(X, LABELS, epochs=3, verbose=0, shuffle=False).history
    assert len(set(history["accuracy"])) == 1
    assert history["loss"] == pytest.approx([history["loss"][0]] * 3)


def test_compiling_again_forgets_the_metrics():
    model = make_model(2)
    model.compile("sgd", "mse", metrics=["mae"])
    model.compile("sgd", "mse")
    assert model.metrics_names == ["loss"]


def test_compiling_again_after_training_goes_on_with_the_weights():
    model = make_model(2)
    model.compile("sgd", "mse")
    y = RNG.random((30, 2))
    model.fit(X, y, verbose=0)
    weights = model.get_weights()
    model.compile("adam", "mse")
    np.testing.assert_array_equal(model.get_weights()[0], weights[0])
    model.fit(X, y, verbose=0)
    assert int(model.optimizer.iterations) == 1


def test_compute_loss_may_be_overridden():
    class Custom(keras.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return keras.ops.mean(keras.ops.square(y - y_pred)) * 3.0

    y = RNG.random((30, 2))
    plain, custom = make_model(2), Custom([keras.Input((4,)), keras.layers.Dense(2)])
    custom.set_weights(plain.get_weights())
    plain.compile("sgd", "mse")
    custom.compile("sgd")
    expected = 3 * plain.evaluate(X, y, verbose=0)
    assert custom.evaluate(X, y, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_a_loss_that_is_not_reduced_is_refused():
    model = make_model(2)
    model.compile("sgd", keras.losses.MeanSquaredError(reduction="none"))
    with pytest.raises(ValueError, match="single number"):
        model.fit(X, RNG.random((30, 2)), verbose=0)
