"""hotloop as a worker runs it: what a user writes, and nothing else."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import hotloop as keras

_ROWS = 32  # of train_on_batch
_CYCLE_ROWS = 512  # of a cycle of build, compile and fit


class Library:
    def __init__(self) -> None:
        self.about = f"hotloop {keras.__version__}"

    def build(self, workload: dict[str, Any]) -> Any:
        *hidden, outputs = workload["units"][1:]
        layers: list[Any] = [keras.Input((workload["units"][0],))]
        for units in hidden:
            layers.append(keras.layers.Dense(units, activation="relu"))
            if workload["dropout"]:
                layers.append(keras.layers.Dropout(workload["dropout"]))
        classify = workload["task"] == "classify"
        layers.append(keras.layers.Dense(outputs, activation="softmax" if classify else None))
        model = keras.Sequential(layers)
        optimizer = keras.optimizers.get(workload["optimizer"])
        assert optimizer is not None
        optimizer.learning_rate = workload["learning_rate"]
        if classify:
            model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        else:
            model.compile(optimizer, "mean_squared_error")
        return model

    def prepare(self, workload: dict[str, Any], data: dict[str, np.ndarray], purpose: str) -> str:
        self.workload = workload
        self.data = self.train = data["x_train"], data["y_train"]
        self.test = data["x_test"], data["y_test"]
        self.batch_size = workload["batch_size"]
        self.model = self.build(workload)
        if purpose == "memory":
            self.epochs(1)
        if purpose == "tutorial":
            # What the tutorial's `train_images / 255.0` gives.
            self.images = self.train[0].astype("float64").reshape(-1, 28, 28)
            self.labels = self.train[1].astype("uint8")
            self.epochs(1)
        return "as documented, with defaults"

    def take(self, rows: int) -> None:
        x, y = self.data
        self.train = x[:rows], y[:rows]

    def epochs(self, count: int) -> None:
        self.model.fit(*self.train, batch_size=self.batch_size, epochs=count, verbose=0)

    def tutorial_fit(self, count: int) -> None:
        model = keras.Sequential(
            [
                keras.Input(shape=(28, 28)),
                keras.layers.Flatten(),
                keras.layers.Dense(128, activation="relu"),
                keras.layers.Dense(10),
            ]
        )
        model.compile(
            optimizer="adam",
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        with _terminal():
            model.fit(self.images, self.labels, epochs=count)

    def evaluate(self) -> None:
        self.model.evaluate(*self.test, verbose=0)

    def predict(self) -> None:
        self.model.predict(self.test[0], verbose=0)

    def call_one(self) -> None:
        self.model(self.test[0][:1])

    def predict_one(self) -> None:
        self.model.predict(self.test[0][:1], verbose=0)

    def train_on_batch(self) -> None:
        self.model.train_on_batch(self.train[0][:_ROWS], self.train[1][:_ROWS])

    def build_fit(self) -> None:
        x, y = self.train
        self.build(self.workload).fit(x[:_CYCLE_ROWS], y[:_CYCLE_ROWS], verbose=0)

    def first_step(self, workload: dict[str, Any]) -> Callable[[], object]:
        rng = np.random.default_rng(0)
        x = rng.random((_ROWS, workload["units"][0]), dtype="float32")
        y = rng.integers(0, 10, _ROWS)
        return lambda: self.build(workload).train_on_batch(x, y)

    def peak(self) -> float:
        from hotloop.graph.machine import fma_peak, get_num_threads

        return fma_peak(get_num_threads())

    def product(self, m: int, n: int, k: int, ta: bool, tb: bool) -> Callable[[], object]:
        from hotloop import graph

        rng = np.random.default_rng(0)
        a, b, c = (
            _aligned((k, m) if ta else (m, k)),
            _aligned((n, k) if tb else (k, n)),
            _aligned((m, n)),
        )
        rng.random(out=a, dtype="float32")
        rng.random(out=b, dtype="float32")
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
        into, outputs = executable.into, [c]
        if not into(given, outputs):
            raise RuntimeError("the operands are not as the product was compiled")
        return lambda: into(given, outputs)


def _aligned(shape: tuple[int, int]) -> np.ndarray:
    """Zeros at a multiple of 64 bytes, as PyTorch's tensors are."""
    size = shape[0] * shape[1]
    room = np.zeros(size + 15, "float32")
    start = -room.ctypes.data % 64 // 4
    return room[start : start + size].reshape(shape)


@contextlib.contextmanager
def _terminal() -> Iterator[None]:
    """Standard output is a terminal meanwhile, whose other end reads and forgets."""
    if not hasattr(os, "openpty"):
        raise NotImplementedError("this system has no pseudo-terminals")
    reading, writing = os.openpty()

    def read() -> None:
        # A terminal whose writers are gone is an error on Linux, the end of a file elsewhere.
        with contextlib.suppress(OSError):
            while os.read(reading, 65536):
                pass

    reader = threading.Thread(target=read)
    reader.start()
    before = sys.stdout
    try:
        with open(writing, "w", encoding="utf-8") as sys.stdout:
            yield
    finally:
        sys.stdout = before
        reader.join()
        os.close(reading)
