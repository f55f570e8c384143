"""Layers of one's own, in the styles in which Keras's guides write them: they run compiled."""

import numpy as np
import pytest

import hotloop
from hotloop import layers, ops, random

rng = np.random.default_rng(12)
X = rng.normal(size=(12, 4)).astype("float32")
Y = rng.normal(size=(12, 3)).astype("float32")
STEPS = rng.normal(size=(12, 6, 4)).astype("float32")
STEPS[::2, 4:] = 0


class Linear(layers.Layer):
    """Weights in build, penalties and a name in __init__."""

    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer="random_normal",
            regularizer="l2",
            trainable=True,
        )
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class RunningSum(layers.Layer):
    """State that is not trained, assigned in call."""

    def __init__(self, size):
        super().__init__()
        self.total = self.add_weight(initializer="zeros", shape=(size,), trainable=False)

    def call(self, inputs):
        self.total.assign_add(ops.sum(inputs, axis=0))
        return inputs


class Block(layers.Layer):
    """Layers inside a layer."""

    def __init__(self):
        super().__init__()
        self.first = Linear(8)
        self.rest = [Linear(8), Linear(3)]

    def call(self, inputs):
        x = ops.relu(self.first(inputs))
        for layer in self.rest:
            x = ops.tanh(layer(x))
        return x


class Noisy(layers.Layer):
    """A seed of its own, and a mode."""

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = random.SeedGenerator(1337)

    def call(self, inputs, training=None):
        if training:
            return random.dropout(inputs, rate=self.rate, seed=self.seed_generator)
        return inputs


class Penalty(layers.Layer):
    """A loss of its own."""

    def __init__(self, rate=1e-2):
        super().__init__()
        self.rate = rate

    def call(self, inputs):
        self.add_loss(self.rate * ops.mean(inputs**2))
        return inputs


class Words(layers.Layer):
    """Makes a mask."""

    def __init__(self, rows, width, mask_zero=False, **kwargs):
        super().__init__(**kwargs)
        self.rows, self.width, self.mask_zero = rows, width, mask_zero

    def build(self, input_shape):
        self.table = self.add_weight(
            shape=(self.rows, self.width), initializer="random_normal", dtype="float32"
        )

    def call(self, inputs):
        return ops.take(self.table, ops.cast(inputs, "int32"), axis=0)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0) if self.mask_zero else None


class Halves(layers.Layer):
    """Splits the steps, and the mask with them."""

    def call(self, inputs):
        return ops.split(inputs, 2, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else ops.split(mask, 2, axis=1)


class StepSoftmax(layers.Layer):
    """Reads the mask."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        assert mask is not None
        counts = ops.expand_dims(ops.cast(mask, "float32"), -1)
        exponentials = ops.exp(inputs) * counts
        return exponentials / ops.sum(exponentials, axis=1, keepdims=True)


def trained(make, x, y, run_eagerly):
    hotloop.utils.set_random_seed(3)
    model = make()
    model.compile(hotloop.optimizers.SGD(0.1), "mse", metrics=["mae"], run_eagerly=run_eagerly)
    history = model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
    arrays = [v.numpy() for v in model.variables]
    return history.history, arrays, model.predict(x, verbose=0)


def both_ways(make, x, y):
    """Compiled and operation by operation; a model that cannot be traced would warn."""
    compiled, eager = (trained(make, x, y, eagerly) for eagerly in (False, True))
    for key, values in compiled[0].items():
        np.testing.assert_allclose(values, eager[0][key], rtol=1e-5, err_msg=key)
    for a, b in zip(compiled[1], eager[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(compiled[2], eager[2], rtol=1e-4, atol=1e-6)
    return compiled


STYLES = {
    "weights": lambda: [Linear(3)],
    "state": lambda: [RunningSum(4), Linear(3)],
    "block": lambda: [Block()],
    "noise": lambda: [Noisy(0.5), Linear(3)],
    "penalty": lambda: [Linear(5), Penalty(), Linear(3)],
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("with_input", [False, True])
def test_styles(style, with_input):
    def make():
        front = [hotloop.Input((4,))] if with_input else []
        return hotloop.Sequential([*front, *STYLES[style]()])

    history, _, _ = both_ways(make, X, Y)
    assert len(history["loss"]) == 3


def test_state_counts_every_batch():
    layer = RunningSum(4)
    model = hotloop.Sequential([layer, layers.Dense(3)])
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
    np.testing.assert_allclose(layer.total, 2 * X.sum(0), rtol=1e-4, atol=1e-5)
    assert layer.trainable_weights == []


def test_own_losses():
    layer = Penalty(0.5)
    layer(X)
    layer(X)
    (loss,) = layer.losses  # those of the last call
    assert float(loss) == pytest.approx(0.5 * np.mean(X**2), rel=1e-5)
    outer = hotloop.Sequential([layer, Linear(3)])
    outer(X)
    assert len(outer.losses) == 2


@pytest.mark.parametrize("subclassed", [False, True])
def test_masks_of_layers_of_ones_own(subclassed):
    words = rng.integers(0, 5, (12, 6))
    words[:, [0, 3]] = 1
    targets = rng.normal(size=(12, 3, 4)).astype("float32")

    class Net(hotloop.Model):
        def __init__(self):
            super().__init__()
            self.words, self.halves = Words(5, 4, mask_zero=True), Halves()
            self.softmax = StepSoftmax()

        def call(self, inputs):
            first, second = self.halves(self.words(inputs))
            return self.softmax(first) + self.softmax(second)

    def functional():
        inputs = hotloop.Input((6,), dtype="int32")
        first, second = Halves()(Words(5, 4, mask_zero=True)(inputs))
        assert first._keras_mask.shape == (None, 3)
        softmax = StepSoftmax()
        return hotloop.Model(inputs, layers.add([softmax(first), softmax(second)]))

    _, arrays, predictions = both_ways(Net if subclassed else functional, words, targets)
    table = arrays[0][words]
    counts = (words != 0)[..., None]
    expected = 0
    for half in (slice(0, 3), slice(3, 6)):
        e = np.exp(table[:, half]) * counts[:, half]
        expected = expected + e / e.sum(1, keepdims=True)
    np.testing.assert_allclose(predictions, expected, rtol=1e-4, atol=1e-6)


def test_a_model_with_a_mask_argument():
    class Net(hotloop.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, inputs, training=None, mask=None):
            x = self.dense(inputs)
            return x if mask is None else x * ops.cast(mask, "float32")[..., None]

    net = Net()
    mask = (STEPS != 0).any(-1)
    plain, masked = net(STEPS).numpy(), net(STEPS, mask=mask).numpy()
    np.testing.assert_allclose(masked, plain * mask[..., None], rtol=1e-6)
    carried = net(layers.Masking()(STEPS + 0))
    np.testing.assert_allclose(carried, masked, rtol=1e-6)


def test_configurations_of_layers_of_ones_own():
    model = hotloop.Sequential([hotloop.Input((4,)), Linear(3, name="mine")])
    config = layers.serialize(model.layers[0])
    assert config["class_name"] == "Linear"
    assert config["registered_name"] == "Linear"
    twin = layers.deserialize(config, {"Linear": Linear})
    assert twin.built
    assert twin.w.shape == (4, 3)
