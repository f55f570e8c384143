"""hotloop as a worker runs it: what a user writes, and nothing else."""

from collections.abc import Callable
from typing import Any

import numpy as np

import hotloop as keras
from hotloop import graph

_IMAGES = 32  # of train_on_batch


class Library:
    def __init__(self) -> None:
        self.about = f"hotloop {keras.__version__}"

    def prepare(self, workload: dict[str, Any], data: dict[str, np.ndarray]) -> str:
        *hidden, outputs = workload["units"][1:]
        layers: list[Any] = [keras.Input((workload["units"][0],))]
        for units in hidden:
            layers.append(keras.layers.Dense(units, activation="relu"))
            if workload["dropout"]:
                layers.append(keras.layers.Dropout(workload["dropout"]))
        classify = workload["task"] == "classify"
        layers.append(keras.layers.Dense(outputs, activation="softmax" if classify else None))
        self.model = keras.Sequential(layers)
        optimizer = keras.optimizers.get(workload["optimizer"])
        assert optimizer is not None
        optimizer.learning_rate = workload["learning_rate"]
        if classify:
            self.model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        else:
            self.model.compile(optimizer, "mean_squared_error")
        self.train = data["x_train"], data["y_train"]
        self.test = data["x_test"], data["y_test"]
        self.batch_size = workload["batch_size"]
        self.epochs(1)
        return "fit, evaluate and predict with their defaults"

    def epochs(self, count: int) -> None:
        self.model.fit(*self.train, batch_size=self.batch_size, epochs=count, verbose=0)

    def evaluate(self) -> None:
        self.model.evaluate(*self.test, verbose=0)

    def predict(self) -> None:
        self.model.predict(self.test[0], verbose=0)

    def call_one(self) -> None:
        self.model(self.test[0][:1])

    def predict_one(self) -> None:
        self.model.predict(self.test[0][:1], verbose=0)

    def train_on_batch(self) -> None:
        self.model.train_on_batch(self.train[0][:_IMAGES], self.train[1][:_IMAGES])

    def product(self, m: int, n: int, k: int, ta: bool, tb: bool) -> Callable[[], object]:
        rng = np.random.default_rng(0)
        a = rng.random((k, m) if ta else (m, k), dtype="float32")
        b = rng.random((n, k) if tb else (k, n), dtype="float32")
        c = np.empty((m, n), "float32")
        if ta:
            # The gradient of a weight: both operands are data.
            given = [a, b]
            specs = [(array.shape, "float32") for array in given]
            trace = graph.trace(lambda a, b: [graph.apply("matmul", [a, b], ta=ta, tb=tb)], specs)
        else:
            # The right operand is a weight, and lives as weights do.
            weight, given = graph.Variable(b), [a]
            trace = graph.trace(
                lambda a: [graph.apply("matmul", [a, weight.value], ta=ta, tb=tb)],
                [(a.shape, "float32")],
            )
        executable = graph.compile(trace, batched=False)
        return lambda: executable.run(given, outputs=[c])
