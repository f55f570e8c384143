"""Small calls on 784-128-10, and what comes before the first one: the rows of latency.

pytest benchmarks/test_latency.py
"""

import subprocess
import sys

import numpy as np
import pytest

import hotloop
from hotloop import ops


def compiled():
    model = hotloop.Sequential(
        [
            hotloop.Input((784,)),
            hotloop.layers.Dense(128, activation="relu"),
            hotloop.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def model():
    return compiled()


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    return rng.random((32, 784), dtype="float32"), rng.integers(0, 10, 32).astype("int32")


def test_call_on_one_image(benchmark, model, batch):
    benchmark(model, batch[0][:1])


def test_predict_one_image(benchmark, model, batch):
    benchmark(model.predict, batch[0][:1], verbose=0)


def test_predict_on_batch(benchmark, model, batch):
    benchmark(model.predict_on_batch, batch[0])


def test_train_on_batch(benchmark, model, batch):
    benchmark(model.train_on_batch, *batch)


def test_test_on_batch(benchmark, model, batch):
    benchmark(model.test_on_batch, *batch)


def test_build_compile_and_first_step(benchmark, batch):
    compiled().train_on_batch(*batch)  # imports what is imported late
    benchmark.pedantic(lambda: compiled().train_on_batch(*batch), rounds=20, iterations=1)


@pytest.mark.parametrize("module", ["numpy", "hotloop"])
def test_import(benchmark, module):
    command = [sys.executable, "-c", f"import {module}"]
    benchmark.pedantic(lambda: subprocess.run(command, check=True), rounds=5, iterations=1)


@pytest.mark.parametrize("name", ["add", "matmul", "multiply"])
def test_eager_operation(benchmark, name):
    x = ops.convert_to_tensor(np.ones((10, 10), "float32"))
    benchmark(getattr(ops, name), x, x)


def test_eager_arithmetic_with_a_number(benchmark):
    x = ops.convert_to_tensor(np.ones((10, 10), "float32"))
    benchmark(lambda: x * 2.0)
