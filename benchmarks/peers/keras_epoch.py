"""Keras 3 on TensorFlow or JAX (KERAS_BACKEND says which).

`tuned` chooses among the settings with which Keras offers more speed, by trial on this machine:
several batches per execution, XLA, and large batches in `evaluate` and `predict`. Without it, what
tutorials write. Either way the loop is Keras's own `fit`.
"""

import itertools
import time

import keras
import numpy as np

TRIAL_BATCHES = 256
IMAGES = 32  # of train_on_batch


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

    def trial(self, workload, settings):
        """Seconds of some batches, after those that compile."""
        model = self.build(workload, **settings)
        rows = TRIAL_BATCHES * workload["batch_size"]
        x, y = self.train[0][:rows], self.train[1][:rows]
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            model.fit(x, y, workload["batch_size"], verbose=0)
            seconds.append(time.perf_counter() - start)
        return min(seconds[1:])

    def prepare(self, workload, data):
        self.train = data["x_train"], data["y_train"]
        self.test = data["x_test"], data["y_test"]
        self.batch_size = workload["batch_size"]
        settings = {}
        if self.tuned:
            candidates = [
                {"steps_per_execution": steps, "jit_compile": jit}
                for steps, jit in itertools.product((1, 32), (False, True))
            ]
            settings = min(candidates, key=lambda one: self.trial(workload, one))
        self.inference = {"verbose": 0}
        if self.tuned:
            self.inference["batch_size"] = min(2500, len(self.test[0]))
        # One image, as the functions take it.
        self.image = keras.ops.convert_to_tensor(self.test[0][:1])
        self.model = self.build(workload, **settings)
        self.single = self.build(workload)  # steps_per_execution is not for train_on_batch
        self.epochs(1)
        said = ", ".join(f"{key}={value}" for key, value in settings.items()) or "defaults"
        return f"fit: {said}; evaluate, predict: {self.inference}"

    def epochs(self, count):
        self.model.fit(*self.train, self.batch_size, count, verbose=0)

    def evaluate(self):
        self.model.evaluate(*self.test, **self.inference)

    def predict(self):
        self.model.predict(self.test[0], **self.inference)

    def call_one(self):
        np.asarray(self.model(self.image))

    def predict_one(self):
        self.single.predict(self.test[0][:1], verbose=0)

    def train_on_batch(self):
        self.single.train_on_batch(self.train[0][:IMAGES], self.train[1][:IMAGES])
