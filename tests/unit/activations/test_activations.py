"""Activation functions, against NumPy in double precision."""

import math

import numpy as np
import pytest

from hotloop import activations

X = np.array(
    [-7.5, -3.0, -1.0, -0.6, -0.5, -0.1, 0.0, 0.2, 0.5, 0.9, 1.0, 2.9, 3.0, 6.5], "float32"
)
x = X.astype(np.float64)
erf = np.vectorize(math.erf)


def softplus(z):
    return np.log1p(np.exp(z))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


EXPECTED = {
    "relu": np.maximum(x, 0),
    "relu6": np.clip(x, 0, 6),
    "leaky_relu": np.where(x > 0, x, 0.2 * x),
    "elu": np.where(x > 0, x, np.expm1(x)),
    "celu": np.where(x > 0, x, np.expm1(x)),
    "selu": 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "softplus": softplus(x),
    "softsign": x / (1 + np.abs(x)),
    "soft_shrink": np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "hard_shrink": np.where(np.abs(x) > 0.5, x, 0),
    "tanh_shrink": x - np.tanh(x),
    "sparse_plus": np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparse_sigmoid": np.clip((x + 1) / 2, 0, 1),
    "sparsemax": np.eye(x.size)[-1],  # the largest is above the next by more than 1
    "silu": x * sigmoid(x),
    "squareplus": (x + np.sqrt(x * x + 4)) / 2,
    "gelu": x * (1 + erf(x / math.sqrt(2))) / 2,
    "tanh": np.tanh(x),
    "sigmoid": sigmoid(x),
    "exponential": np.exp(x),
    "hard_sigmoid": np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": np.clip(x, -1, 1),
    "hard_silu": x * np.clip(x / 6 + 0.5, 0, 1),
    "log_sigmoid": -softplus(-x),
    "linear": x,
    "mish": x * np.tanh(softplus(x)),
    "softmax": np.exp(x) / np.exp(x).sum(),
    "log_softmax": x - np.log(np.exp(x).sum()),
    "glu": x[:7] * sigmoid(x[7:]),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_value(name):
    np.testing.assert_allclose(getattr(activations, name)(X), EXPECTED[name], rtol=3e-6, atol=2e-6)


def test_every_activation_is_tested():
    assert set(EXPECTED) | {"threshold"} == {
        fn.__name__ for fn in activations._registry.objects.values()
    }


def test_sparsemax_between():
    found = activations.sparsemax(np.array([[0.5, 0.2, -3.0], [1.0, 1.0, 1.0]], "float32"))
    np.testing.assert_allclose(found, [[0.65, 0.35, 0.0], [1 / 3] * 3], rtol=1e-6)
    # As a column: along the other axis.
    found = activations.sparsemax(np.array([[0.5], [0.2]], "float32"), axis=0)
    np.testing.assert_allclose(found, [[0.65], [0.35]], rtol=1e-6)


def test_threshold():
    expected = np.where(X > 0.5, X, -2)
    np.testing.assert_array_equal(activations.threshold(X, 0.5, -2.0), expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"negative_slope": 0.1}, np.where(x > 0, x, 0.1 * x)),
        ({"max_value": 2.0}, np.clip(x, 0, 2)),
        ({"threshold": 0.7}, np.where(x > 0.7, x, 0)),
        (
            {"negative_slope": 0.2, "threshold": 0.7, "max_value": 1.5},
            np.where(x > 0.7, np.minimum(x, 1.5), 0.2 * (x - 0.7)),
        ),
    ],
)
def test_relu_arguments(arguments, expected):
    np.testing.assert_allclose(activations.relu(X, **arguments), expected, rtol=1e-6, atol=1e-6)


def test_get():
    assert activations.get(None) is activations.linear
    assert activations.get("relu") is activations.relu
    assert activations.get("swish") is activations.silu
    assert activations.get(math.sin) is math.sin
    with pytest.raises(ValueError, match=r"Unknown activation 'rleu'\. Did you mean 'relu'"):
        activations.get("rleu")
    with pytest.raises(ValueError, match="Could not interpret"):
        activations.get(3)


def test_serialize():
    assert activations.serialize(activations.relu) == "relu"
    assert activations.serialize(activations.get("swish")) == "silu"
    assert activations.deserialize("tanh") is activations.tanh


def test_a_layer_can_be_an_activation():
    from hotloop import layers

    config = activations.serialize(layers.ReLU(max_value=2.0))
    assert config["module"] == "keras.layers"
    assert activations.get(config).max_value == 2.0
