"""Layers by themselves: a batch through each, and a training step with it.

pytest benchmarks/test_layers.py -k LayerNormalization
"""

import numpy as np
import pytest

import hotloop as keras
from hotloop import layers

ROWS, COLUMNS = 128, 512
VOCABULARY, WORDS, DIMENSIONS = 10_000, 32, 64

LAYERS = {
    "Dense": lambda: layers.Dense(512),
    "Dense relu": lambda: layers.Dense(512, activation="relu"),
    "Dense to 10": lambda: layers.Dense(10, activation="softmax"),
    "Dropout": lambda: layers.Dropout(0.5),
    "GaussianNoise": lambda: layers.GaussianNoise(0.1),
    "BatchNormalization": lambda: layers.BatchNormalization(),
    "LayerNormalization": lambda: layers.LayerNormalization(),
    "UnitNormalization": lambda: layers.UnitNormalization(),
    "ReLU": lambda: layers.ReLU(),
    "PReLU": lambda: layers.PReLU(),
    "Activation gelu": lambda: layers.Activation("gelu"),
    "Softmax": lambda: layers.Softmax(),
    "Reshape": lambda: layers.Reshape((16, 32)),
}


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    return rng.standard_normal((ROWS, COLUMNS), dtype="float32")


def model_with(layer):
    """The layer between two that have weights, so that a training step goes through it."""
    model = keras.Sequential(
        [keras.Input((COLUMNS,)), layers.Dense(COLUMNS), layer, layers.Flatten(), layers.Dense(1)]
    )
    model.compile("sgd", "mean_squared_error")
    return model


@pytest.mark.parametrize("name", LAYERS)
def test_call(benchmark, say_rate, batch, name):
    model = keras.Sequential([keras.Input((COLUMNS,)), LAYERS[name]()])
    benchmark(model, batch)
    say_rate(batch.size, "elements/ns")


@pytest.mark.parametrize("name", LAYERS)
def test_training_step(benchmark, batch, name):
    model = model_with(LAYERS[name]())
    benchmark(model.train_on_batch, batch, batch[:, :1])


def embedding_model():
    words = keras.Input((WORDS,), dtype="int32")
    vectors = layers.Embedding(VOCABULARY, DIMENSIONS)(words)
    model = keras.Model(words, layers.Dense(1)(layers.GlobalAveragePooling1D()(vectors)))
    model.compile("sgd", "mean_squared_error")
    return model


def test_embedding_call(benchmark):
    indices = np.random.default_rng(0).integers(0, VOCABULARY, (ROWS, WORDS), "int32")
    benchmark(embedding_model(), indices)


def test_embedding_training_step(benchmark):
    indices = np.random.default_rng(0).integers(0, VOCABULARY, (ROWS, WORDS), "int32")
    benchmark(embedding_model().train_on_batch, indices, np.ones((ROWS, 1), "float32"))


@pytest.mark.parametrize("name", ["Add", "Multiply", "Average", "Maximum", "Concatenate", "Dot"])
def test_merging(benchmark, batch, name):
    inputs = [keras.Input((COLUMNS,)) for _ in range(2)]
    layer = layers.Dot(axes=1) if name == "Dot" else getattr(layers, name)()
    model = keras.Model(inputs, layer(inputs))
    benchmark(model, [batch, batch])
