"""Overridden steps in the styles of Keras's guides: compiled, and the same as eager."""

import warnings

import numpy as np
import pytest

import hotloop as keras
from hotloop import layers, ops

RNG = np.random.default_rng(11)
X = RNG.normal(size=(26, 4)).astype("float32")
Y = RNG.normal(size=(26, 2)).astype("float32")
W = RNG.uniform(0.5, 2, 26).astype("float32")


def make(cls=keras.Model, **compile_args):
    keras.utils.set_random_seed(4)
    inputs = keras.Input((4,))
    model = cls(inputs, layers.Dense(2, name="out")(layers.Dense(3, "tanh", name="in")(inputs)))
    model.compile(**compile_args)
    return model


def fit(model, **kwargs):
    history = model.fit(X, Y, epochs=3, batch_size=8, shuffle=False, verbose=0, **kwargs)
    return history.history, model.get_weights()


class Simple(keras.Model):
    """`hotloop.gradients`, then every metric by hand."""

    def train_step(self, data):
        x, y, weight = data if len(data) == 3 else (*data, None)
        y_pred = self(x, training=True)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight)
        variables = self.trainable_variables
        self.optimizer.apply(keras.gradients(loss, variables), variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=x.shape[0])
            else:
                metric.update_state(y, y_pred, sample_weight=weight)
        return {metric.name: metric.result() for metric in self.metrics}


class Taped(keras.Model):
    """TensorFlow's style, with `compute_metrics`."""

    def train_step(self, data):
        x, y, sample_weight = data if len(data) == 3 else (*data, None)
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)
        trainable = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, trainable), trainable, strict=True))
        self._loss_tracker.update_state(loss, sample_weight=ops.shape(x)[0])
        return self.compute_metrics(x, y, y_pred, sample_weight)


@pytest.mark.parametrize("cls", [Simple, Taped])
@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("eager", [False, True])
def test_custom_train_steps_train_like_the_default(cls, weight, eager):
    compiled = {"optimizer": "adam", "loss": "mse", "weighted_metrics": ["mae"]}
    expected, weights = fit(make(**compiled), sample_weight=weight)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is compiled
        found, after = fit(make(cls, **compiled, run_eagerly=eager), sample_weight=weight)
    assert set(found) == set(expected)
    for key in expected:
        np.testing.assert_allclose(found[key], expected[key], rtol=1e-5)
    for a, b in zip(after, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


class OwnMetrics(keras.Model):
    """No loss in compile; metrics of its own, given through `metrics`."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="own_loss")
        self.mae = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def _compute(self, data, training):
        x, y = data
        y_pred = self(x, training=training)
        loss = self.loss_fn(y, y_pred)
        return loss, y, y_pred

    def train_step(self, data):
        loss, y, y_pred = self._compute(data, True)
        variables = self.trainable_variables
        self.optimizer.apply(keras.gradients(loss, variables), variables)
        self.loss_tracker.update_state(loss)
        self.mae.update_state(y, y_pred)
        return {"own_loss": self.loss_tracker.result(), "mae": self.mae.result()}

    def test_step(self, data):
        loss, y, y_pred = self._compute(data, False)
        self.loss_tracker.update_state(loss)
        self.mae.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae]


def test_models_with_their_own_losses_and_metrics():
    model = make(OwnMetrics, optimizer=keras.optimizers.SGD(0.05))
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y))
    assert sorted(history.history) == ["mae", "own_loss", "val_mae", "val_own_loss"]
    values = model.evaluate(X, Y, batch_size=26, verbose=0, return_dict=True)
    predicted = model.predict(X, verbose=0)
    np.testing.assert_allclose(values["mae"], np.abs(predicted - Y).mean(), rtol=1e-5)
    np.testing.assert_allclose(values["own_loss"], ((predicted - Y) ** 2).mean(), rtol=1e-5)
    assert model.evaluate(X, Y, verbose=0, batch_size=26) == [values["own_loss"], values["mae"]]
    assert set(model.train_on_batch(X, Y, return_dict=True)) == {"own_loss", "mae"}


def test_logs_that_are_no_metrics_are_those_of_the_last_batch():
    class Logging(keras.Model):
        def train_step(self, data):
            x, y = data
            loss = self.compute_loss(x, y, self(x, training=True))
            variables = self.trainable_variables
            grads = keras.gradients(loss, variables)
            self.optimizer.apply(grads, variables)
            return {"batch": x.shape[0], "size": ops.sum(x * x), "nested": {"lost": loss}}

    for eager in (False, True):
        model = make(Logging, optimizer=keras.optimizers.SGD(0.0), loss="mse", run_eagerly=eager)
        seen = []
        callback = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs, seen=seen: seen.append(dict(logs))
        )
        history, _ = fit(model, callbacks=[callback])
        assert sorted(history) == ["batch", "lost", "size"]
        assert history["batch"] == [2.0, 2.0, 2.0]
        np.testing.assert_allclose(history["size"], (X[24:] ** 2).sum(), rtol=1e-5)
        np.testing.assert_allclose(
            [logs["size"] for logs in seen[:4]],
            [(X[i : i + 8] ** 2).sum() for i in range(0, 26, 8)],
            rtol=1e-5,
        )


def test_a_gan_has_two_optimizers():
    """Several tapes in a step, each for a part of the variables."""

    class Gan(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator = keras.Sequential([keras.Input((3,)), layers.Dense(4)])
            self.discriminator = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
            self.seed = keras.random.SeedGenerator(3)
            self.d_loss = keras.metrics.Mean(name="d_loss")
            self.g_loss = keras.metrics.Mean(name="g_loss")

        def compile(self, d_optimizer, g_optimizer, loss_fn, **kwargs):
            super().compile(**kwargs)
            self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer
            self.loss_fn = loss_fn

        @property
        def metrics(self):
            return [self.d_loss, self.g_loss]

        def train_step(self, real):
            noise = keras.random.normal((real.shape[0], 3), seed=self.seed)
            labels = ops.concatenate([ops.ones((real.shape[0], 1)), ops.zeros((real.shape[0], 1))])
            with keras.GradientTape() as tape:
                both = ops.concatenate([self.generator(noise), real])
                d_loss = self.loss_fn(labels, self.discriminator(both))
            weights = self.discriminator.trainable_weights
            self.d_optimizer.apply(tape.gradient(d_loss, weights), weights)
            with keras.GradientTape() as tape:
                judged = self.discriminator(self.generator(noise))
                g_loss = self.loss_fn(ops.zeros_like(judged), judged)
            weights = self.generator.trainable_weights
            self.g_optimizer.apply(tape.gradient(g_loss, weights), weights)
            self.d_loss.update_state(d_loss)
            self.g_loss.update_state(g_loss)
            return {m.name: m.result() for m in self.metrics}

    results = []
    for eager in (False, True):
        keras.utils.set_random_seed(8)
        gan = Gan()
        gan.compile(
            keras.optimizers.Adam(0.01),
            keras.optimizers.SGD(0.02),
            keras.losses.BinaryCrossentropy(from_logits=True),
            run_eagerly=eager,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            history = gan.fit(X, batch_size=13, epochs=2, shuffle=False, verbose=0)
        assert sorted(history.history) == ["d_loss", "g_loss"]
        results.append([*history.history["d_loss"], *gan.get_weights()])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_predict_step():
    class Both(keras.Model):
        def predict_step(self, data):
            y = self(data, training=False)
            return {"y": y, "twice": 2 * y}

    model = make(Both)
    predicted = model.predict(X, batch_size=8, verbose=0)
    np.testing.assert_allclose(predicted["y"], np.asarray(model(X)), rtol=1e-6)
    np.testing.assert_allclose(predicted["twice"], 2 * predicted["y"], rtol=1e-6)
    assert model.predict_on_batch(X)["twice"].shape == (26, 2)


def test_compute_metrics():
    class Extra(keras.Model):
        def compute_metrics(self, x, y, y_pred, sample_weight):
            results = super().compute_metrics(x, y, y_pred, sample_weight)
            results["largest"] = ops.max(ops.abs(y_pred))
            return results

    model = make(Extra, optimizer="sgd", loss="mse", metrics=["mae"])
    history, _ = fit(model)
    assert sorted(history) == ["largest", "loss", "mae"]
    logs = model.evaluate(X, Y, batch_size=26, verbose=0, return_dict=True)
    np.testing.assert_allclose(
        logs["largest"], np.abs(model.predict(X, verbose=0)).max(), rtol=1e-6
    )


def test_what_cannot_be_traced_says_so_and_runs():
    class Looking(Simple):
        def train_step(self, data):
            assert float(ops.sum(data[0])) != 0.0
            return super().train_step(data)

    with pytest.warns(UserWarning, match="runs eagerly.*cannot be compiled"):
        found, _ = fit(make(Looking, optimizer="sgd", loss="mse"))
    expected, _ = fit(make(optimizer="sgd", loss="mse"))
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)


@pytest.mark.parametrize("returned", [None, 3.0, ["loss"]])
def test_a_step_returns_a_dictionary(returned):
    class Wrong(keras.Model):
        def train_step(self, data):
            return returned

    model = make(Wrong, optimizer="sgd")
    with pytest.raises(TypeError, match=r"train_step\(\) must return a dictionary"):
        model.fit(X, Y, verbose=0)


def test_stateless_steps_are_refused():
    class Jax(keras.Model):
        def train_step(self, state, data):
            return {}, state

    model = make(Jax, optimizer="sgd", loss="mse")
    with pytest.raises(NotImplementedError, match=r"hotloop\.gradients"):
        model.fit(X, Y, verbose=0)
    assert model.evaluate(X, Y, verbose=0) > 0


def test_add_loss_in_a_custom_step():
    class Sparse(layers.Layer):
        def call(self, x):
            self.add_loss(0.1 * ops.sum(ops.abs(x)))
            return x

    def build(cls):
        keras.utils.set_random_seed(4)
        inputs = keras.Input((4,))
        model = cls(inputs, Sparse()(layers.Dense(2, kernel_regularizer="l2")(inputs)))
        model.compile("sgd", "mse")
        return model

    expected, weights = fit(build(keras.Model))
    for cls in (Simple, Taped):
        found, after = fit(build(cls))
        np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)
        np.testing.assert_allclose(after[0], weights[0], rtol=1e-4)


def test_stop_training_from_a_callback_ends_a_custom_fit():
    model = make(Simple, optimizer="sgd", loss="mse")

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    history = model.fit(X, Y, batch_size=8, epochs=5, verbose=0, callbacks=[Stop()])
    assert len(history.epoch) == 1
    assert int(model.optimizer.iterations.numpy()) == 2


@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "Muon", "ScheduleFreeAdamW", "Adafactor", "LossScaleOptimizer"]
)
def test_a_second_optimizer_is_built_by_the_compiled_step(name):
    class Two(keras.Model):
        def train_step(self, data):
            x, y = data
            with keras.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            first, *rest = self.trainable_variables
            grads = tape.gradient(loss, [first, *rest])
            self.optimizer.apply(grads[:1], [first])
            self.other.apply(grads[1:], rest)
            return {"loss": loss}

    def run(eager):
        model = make(Two, loss="mse", optimizer=keras.optimizers.SGD(0.1), run_eagerly=eager)
        model.optimizer.build(model.trainable_variables[:1])
        cls = getattr(keras.optimizers, name)
        scaled = name == "LossScaleOptimizer"
        model.other = cls(keras.optimizers.Adam(0.1)) if scaled else cls(0.1)
        return fit(model)

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is compiled
        found = run(False)
    expected = run(True)
    np.testing.assert_allclose(found[0]["loss"], expected[0]["loss"], rtol=1e-5)
    for a, b in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", ["train", "test", "predict"])
def test_functions_of_steps_that_would_not_be_called(mode):
    name = f"make_{mode}_function"
    own = type("Own", (keras.Sequential,), {name: lambda self, force=False: None})
    model = own([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    calls = {
        "train": lambda: model.fit(x, y, verbose=0),
        "test": lambda: model.evaluate(x, y, verbose=0),
        "predict": lambda: model.predict(x, verbose=0),
    }
    with pytest.raises(
        NotImplementedError, match=rf"Own defines {name}\(\).*Override `train_step`"
    ):
        calls.pop(mode)()
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    for call in calls.values():
        call()
