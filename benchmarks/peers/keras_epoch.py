"""Keras 3 on TensorFlow or JAX (KERAS_BACKEND says which).

`tuned` chooses among the settings with which Keras offers more speed, by trial on this machine:
several batches per execution and XLA for `fit`, large batches for `evaluate` and `predict`, and a
compiled function in place of calling the model. Without it, what tutorials write. Either way the
loops are Keras's own.
"""

import itertools
import time

import keras
import numpy as np

ROWS = 32  # of train_on_batch
ENOUGH = 1.0  # seconds of a trial


def seconds_of(call, count=3):
    """The least of some calls, after one that may compile; fewer calls if they take long."""
    call()
    seconds = []
    while len(seconds) < count and sum(seconds) < ENOUGH:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def compiled(model):
    """The model as one compiled function of its backend."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        return tensorflow.function(model, jit_compile=True)
    import jax

    function = jax.jit(lambda weights, state, x: model.stateless_call(weights, state, x)[0])
    weights = [variable.value for variable in model.trainable_variables]
    state = [variable.value for variable in model.non_trainable_variables]
    return lambda x: function(weights, state, x)


class Library:
    def __init__(self, tuned):
        backend = keras.backend.backend()
        module = __import__(backend)
        self.tuned = tuned
        self.about = f"Keras {keras.__version__} on {backend} {module.__version__}"

    def build(self, workload, **settings):
        *hidden, outputs = workload["units"][1:]
        layers = [keras.Input((workload["units"][0],))]
        for units in hidden:
            layers.append(keras.layers.Dense(units, activation="relu"))
            if workload["dropout"]:
                layers.append(keras.layers.Dropout(workload["dropout"]))
        classify = workload["task"] == "classify"
        layers.append(keras.layers.Dense(outputs, activation="softmax" if classify else None))
        model = keras.Sequential(layers)
        optimizer = keras.optimizers.get(workload["optimizer"])
        optimizer.learning_rate = workload["learning_rate"]
        if classify:
            loss, metrics = "sparse_categorical_crossentropy", ["accuracy"]
        else:
            loss, metrics = "mean_squared_error", None
        model.compile(optimizer, loss, metrics=metrics, **settings)
        return model

    def prepare(self, workload, data, purpose):
        self.data = self.train = data["x_train"], data["y_train"]
        self.test = data["x_test"], data["y_test"]
        self.batch_size = workload["batch_size"]
        if purpose == "inference":
            return self.prepare_inference(workload)
        if purpose == "latency":
            return self.prepare_latency(workload)
        if purpose == "epochs" and self.tuned:
            self.prepare_epochs(workload)
            return "fit: " + words(self.choice)
        self.model = self.build(workload)
        if purpose == "memory":
            self.epochs(1)
        return "fit: defaults"

    def prepare_epochs(self, workload):
        def trial(candidate):
            _, self.model = candidate
            return seconds_of(lambda: self.epochs(1), 2)

        self.choice = workload["choice"]
        if self.choice:
            self.model = self.build(workload, **self.choice)
            return
        self.take(workload["trial_rows"])
        candidates = [
            (settings, self.build(workload, **settings))
            for steps, jit in itertools.product((1, 32), (False, True))
            for settings in [{"steps_per_execution": steps, "jit_compile": jit}]
        ]
        self.choice, self.model = min(candidates, key=trial)

    def prepare_inference(self, workload):
        if not self.tuned:
            self.model, self.inference = self.build(workload), {"verbose": 0}
            return "defaults"

        def trial(candidate):
            self.model, self.inference = candidate
            return seconds_of(self.predict)

        candidates = [
            (self.build(workload, jit_compile=jit), {"batch_size": size, "verbose": 0})
            for jit in (False, True)
            for size in sorted({min(size, len(self.test[0])) for size in (500, 2500, 10_000)})
        ]
        self.model, self.inference = best = min(candidates, key=trial)
        return f"jit_compile={best[0].jit_compile}, {words(best[1])}"

    def prepare_latency(self, workload):
        self.model = self.build(workload)
        # One row, as the functions take it.
        self.row = keras.ops.convert_to_tensor(self.test[0][:1])
        self.call = compiled(self.model) if self.tuned else self.model
        return "a compiled function for model(x)" if self.tuned else "defaults"

    def take(self, rows):
        x, y = self.data
        self.train = x[:rows], y[:rows]

    def epochs(self, count):
        self.model.fit(*self.train, self.batch_size, count, verbose=0)

    def evaluate(self):
        self.model.evaluate(*self.test, **self.inference)

    def predict(self):
        self.model.predict(self.test[0], **self.inference)

    def call_one(self):
        np.asarray(self.call(self.row))

    def predict_one(self):
        if self.tuned:
            self.model.predict_on_batch(self.test[0][:1])
        else:
            self.model.predict(self.test[0][:1], verbose=0)

    def train_on_batch(self):
        self.model.train_on_batch(self.train[0][:ROWS], self.train[1][:ROWS])

    def first_step(self, workload):
        rng = np.random.default_rng(0)
        x = rng.random((ROWS, workload["units"][0]), dtype="float32")
        y = rng.integers(0, 10, ROWS)
        return lambda: self.build(workload).train_on_batch(x, y)


def words(settings):
    return ", ".join(f"{key}={value}" for key, value in settings.items()) or "defaults"
