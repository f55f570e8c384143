"""Random Functional models: compiled, eager and in double precision they say the same.

Outputs, the loss, gradients by inputs and weights, and what is assigned (moving averages, seeds).
"""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hotloop
from hotloop import graph, layers, ops
from hotloop.ops import tree

BATCH = 6
# A result of size 1 may be the difference of sums of hundreds of terms.
TOLERANCE = {"rtol": 2e-3, "atol": 2e-4}


class Maker:
    """Grows a model from symbolic tensors of rank 2 and 3, one random layer at a time."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.seeds = iter(range(10 * seed, 10 * seed + 1000))
        self.inputs, self.arrays, self.tensors = [], [], []
        for _ in range(self.rng.integers(1, 4)):
            self.add_input()

    def add_input(self):
        kind = self.rng.integers(4)
        if kind == 0:
            shape, dtype = (int(self.rng.integers(2, 5)),), "int32"
            array = self.rng.integers(1, 7, (BATCH, *shape))
            array[:, 1:] *= self.rng.integers(0, 2, (BATCH, shape[0] - 1))
        else:
            rank = 1 + int(kind > 1)
            shape, dtype = tuple(int(n) for n in self.rng.integers(2, 6, rank)), "float32"
            array = self.rng.normal(size=(BATCH, *shape))
            if rank == 2:
                array[::2, 1:] = 0  # steps to be masked, never all of them
        symbol = hotloop.Input(shape, dtype=dtype)
        self.inputs.append(symbol)
        self.arrays.append(array.astype(dtype))
        if dtype == "int32":
            width = int(self.rng.integers(2, 6))
            table = layers.Embedding(7, width, "random_normal", mask_zero=self.chance())
            symbol = table(symbol)
        self.tensors.append(symbol)

    def chance(self):
        return bool(self.rng.integers(2))

    def pick(self, rank=None):
        fits = [t for t in self.tensors if rank is None or len(t.shape) == rank]
        if not fits:
            x = self.tensors[0]
            made = layers.RepeatVector(3) if rank == 3 else layers.Flatten()
            fits = [made(x)]
        return fits[self.rng.integers(len(fits))]

    def dense(self, x, units=None, **kwargs):
        units = units or int(self.rng.integers(2, 6))
        return layers.Dense(units, bias_initializer="random_normal", **kwargs)(x)

    def grow(self):
        kinds = [
            self.plain, self.plain, self.activation, self.normalized, self.normalized, self.noise,
            self.merged, self.merged, self.joined, self.reshaped, self.pooled, self.masked,
            self.stepwise, self.penalized, self.nested, self.function, self.einsum, self.dotted,
        ]  # fmt: skip
        result = kinds[self.rng.integers(len(kinds))]()
        if int(np.prod(result.shape[1:])) <= 200:
            self.tensors.append(result)

    def plain(self):
        activation = self.rng.choice(["tanh", "relu", "gelu", "softmax", "linear"])
        return self.dense(self.pick(), activation=str(activation))

    def activation(self):
        made = [
            layers.LeakyReLU, layers.ELU, layers.ReLU, layers.Identity,
            lambda: layers.Activation("softmax"), lambda: layers.PReLU("random_normal"),
        ]  # fmt: skip
        return made[self.rng.integers(len(made))]()(self.pick())

    def normalized(self):
        x = self.dense(self.pick())
        axis = int(self.rng.integers(1, len(x.shape)))
        made = [
            lambda: layers.BatchNormalization(epsilon=0.1, momentum=0.7),
            lambda: layers.BatchNormalization(axis=axis, epsilon=0.1, center=False),
            lambda: layers.BatchNormalization(epsilon=0.1, renorm=True),
            lambda: layers.BatchNormalization(trainable=False),
            lambda: layers.LayerNormalization(epsilon=0.1),
            lambda: layers.LayerNormalization(axis=axis, epsilon=0.1, scale=False),
            lambda: layers.GroupNormalization(-1 if len(x.shape) == 3 else 1, epsilon=0.1),
            lambda: layers.RMSNormalization(epsilon=0.1),
            lambda: layers.UnitNormalization(),
        ]
        return made[self.rng.integers(len(made))]()(x)

    def noise(self):
        seed = next(self.seeds)
        made = [
            lambda: layers.Dropout(0.3, seed=seed),
            lambda: layers.GaussianNoise(0.3, seed=seed),
            lambda: layers.GaussianDropout(0.3, seed=seed),
            lambda: layers.AlphaDropout(0.3, seed=seed),
        ]
        return made[self.rng.integers(len(made))]()(self.pick())

    def merged(self):
        x = self.pick()
        same = [t for t in self.tensors if t.shape == x.shape]
        other = same[self.rng.integers(len(same))] if self.chance() else self.dense(x, x.shape[-1])
        names = ["add", "subtract", "multiply", "average", "maximum", "minimum"]
        return getattr(layers, str(self.rng.choice(names)))([x, other])

    def joined(self):
        x = self.pick()
        return layers.concatenate([x, self.dense(x)], axis=-1)

    def reshaped(self):
        if self.chance():
            return layers.Permute((2, 1))(self.pick(3))
        x = self.pick()
        if len(x.shape) == 3:
            return layers.Flatten()(x)
        return layers.Reshape((-1, 1))(x) if self.chance() else layers.RepeatVector(2)(x)

    def pooled(self):
        made = [layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D]
        return made[self.rng.integers(2)](keepdims=self.chance())(self.pick(3))

    def masked(self):
        first = [t for t in self.inputs if len(t.shape) == 3]
        x = first[self.rng.integers(len(first))] if first else self.pick(3)
        return layers.Masking()(x)

    def stepwise(self):
        inner = [
            layers.Dense(2, activation="tanh"),
            layers.LayerNormalization(epsilon=0.1),
            layers.BatchNormalization(epsilon=0.1),
        ]
        return layers.TimeDistributed(inner[self.rng.integers(3)])(self.pick(3))

    def penalized(self):
        x = self.pick()
        if self.chance():
            return layers.ActivityRegularization(l2=0.01)(x)
        return self.dense(x, kernel_regularizer="l2", activity_regularizer="l2")

    def nested(self):
        x = self.pick()
        inner = [hotloop.Input(x.shape[1:]), layers.Dense(3, activation="tanh"), layers.ELU()]
        return hotloop.Sequential(inner)(x)

    def function(self):
        x = self.pick()
        return layers.Lambda(lambda t: ops.sin(t) * 0.5)(x) if self.chance() else ops.tanh(x) - x

    def einsum(self):
        return layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d")(self.pick(3))

    def dotted(self):
        if self.chance():
            x = self.pick(2)
            return layers.dot([x, self.dense(x, x.shape[-1])], axes=1)
        x = ops.tanh(self.pick(3))
        return layers.dot([x, x], axes=2)

    def model(self, size):
        for _ in range(size):
            self.grow()
        ends = self.tensors[-2:]
        outputs = [layers.Dense(2, activation="tanh")(layers.Flatten()(t)) for t in ends]
        return hotloop.Model(self.inputs, outputs)


def loss_and_gradients(model, training):
    """A function of the inputs with everything that is to be compared as its results."""

    def run(*tensors):
        outputs = tree.flatten(model._call_layer(list(tensors), training))
        loss = sum(
            ops.sum(y * np.linspace(0.5, 1.5, y.size, dtype="float32").reshape(y.shape))
            for y in outputs
        )
        for penalty in model.losses:
            loss = loss + penalty
        by = [t for t in tensors if t.dtype == "float32"]
        by += [v.value for v in model.trainable_variables]
        return [loss, *outputs, *graph.gradients(loss, by)]

    return run


def read(variables):
    return [v.numpy() for v in variables]


def compare(model, arrays, training):
    function = loss_and_gradients(model, training)
    variables = model.variables
    before = read(variables)
    trace = graph.trace(function, [(x.shape, x.dtype) for x in arrays])
    exact, updates = graph.reference.run(trace, arrays)
    after = [updates.get(v, old) for v, old in zip(variables, before, strict=True)]

    with graph.Scope(symbolic=False):
        eager = [np.asarray(t) for t in function(*map(graph.constant, arrays))]
    eager_after = read(variables)
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    compiled = graph.compile(trace, batched=False)(arrays)
    compiled_after = read(variables)

    for found in (eager, compiled):
        for value, expected in zip(found, exact, strict=True):
            np.testing.assert_allclose(value, expected, **TOLERANCE)
    for found in (eager_after, compiled_after):
        for value, expected in zip(found, after, strict=True):
            np.testing.assert_allclose(value, expected, **TOLERANCE)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 12), training=st.booleans())
def test_random_models(seed, size, training):
    hotloop.utils.set_random_seed(seed)
    with warnings.catch_warnings():
        # Random models lose masks now and then, which is what they are told.
        warnings.filterwarnings("ignore", message=".*does not support masking")
        maker = Maker(seed)
        compare(maker.model(size), maker.arrays, training)


@pytest.mark.parametrize("seed", range(3))
def test_random_models_train(seed):
    """The plans of fit, and the same operation by operation."""
    results = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not support masking")
        for run_eagerly in (False, True):
            hotloop.utils.set_random_seed(seed)
            maker = Maker(seed)
            model = maker.model(8)
            single = hotloop.Model(model.inputs, layers.add(model.outputs))
            single.compile(hotloop.optimizers.SGD(0.05), "mse", run_eagerly=run_eagerly)
            y = np.linspace(-1, 1, 2 * BATCH, dtype="float32").reshape(BATCH, 2)
            history = single.fit(maker.arrays, y, batch_size=3, epochs=3, shuffle=False, verbose=0)
            results.append((history.history["loss"], single.get_weights()))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-3)
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-3)
