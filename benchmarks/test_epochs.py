"""One epoch, one evaluation and one prediction of the models of the first documents.

    pytest benchmarks

Noise has the shape of MNIST's images; the arithmetic is the same whatever is drawn.
"""

import numpy as np
import pytest

import hotloop

SAMPLES = 12_800


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.random((SAMPLES, 784), dtype="float32")
    return x, rng.integers(0, 10, SAMPLES)


def compiled(hidden, optimizer):
    model = hotloop.Sequential(
        [
            hotloop.Input((784,)),
            hotloop.layers.Dense(hidden, activation="relu"),
            hotloop.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize(
    ("hidden", "batch_size", "optimizer"),
    [(128, 32, "adam"), (512, 64, "adam"), (512, 128, "rmsprop"), (512, 128, "sgd")],
)
def test_fit(benchmark, data, hidden, batch_size, optimizer):
    model = compiled(hidden, optimizer)
    model.fit(*data, batch_size=batch_size, verbose=0)
    benchmark.pedantic(
        model.fit, data, {"batch_size": batch_size, "verbose": 0}, rounds=5, iterations=1
    )
    flop = 6 * SAMPLES * (784 * hidden + hidden * 10)
    benchmark.extra_info["GFLOP/s"] = round(flop / benchmark.stats["median"] / 1e9, 1)


def test_evaluate(benchmark, data):
    model = compiled(512, "sgd")
    model.evaluate(*data, verbose=0)
    benchmark.pedantic(model.evaluate, data, {"verbose": 0}, rounds=5, iterations=1)


@pytest.mark.parametrize("rows", [1, 32, 12_800])
def test_predict(benchmark, data, rows):
    model = compiled(512, "sgd")
    model.predict(data[0][:rows], verbose=0)
    benchmark(model.predict, data[0][:rows], verbose=0)


def test_call_on_one_image(benchmark, data):
    model = compiled(512, "sgd")
    benchmark(model, data[0][:1])
