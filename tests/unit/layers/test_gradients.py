"""Gradients through layers, activations, losses and penalties against central differences.

All in double precision, by the reference interpreter of the graph.
"""

import numpy as np
import pytest

from hotloop import activations, graph, layers, losses, ops, regularizers
from hotloop.graph import reference
from hotloop.layers.masks import with_mask

STEP = 1e-6
rng = np.random.default_rng(17)
X = rng.normal(size=(3, 4))
LABELS = np.array([2, 0, 3], "int32")
SOFT = rng.dirichlet(np.ones(4), size=3)
P = rng.dirichlet(3 * np.ones(4), size=3)


def check(function, inputs, variables=()):
    """`function` maps tensors like the float `inputs` to a scalar; `variables` are also varied."""

    def both(*tensors):
        loss = function(*tensors)
        return [loss, *graph.gradients(loss, [*tensors, *(v.value for v in variables)])]

    trace = graph.trace(both, [(x.shape, "float32") for x in inputs])
    points = [*inputs, *(v.numpy().astype(float) for v in variables)]

    def run(values):
        given = dict(zip(variables, values[len(inputs) :], strict=True))
        return reference.run(trace, values[: len(inputs)], np.float64, given)[0]

    gradients = run(points)[1:]
    for which, point in enumerate(points):
        numeric = np.zeros_like(point)
        for index in np.ndindex(point.shape):
            ends = []
            for sign in (1, -1):
                moved = [p.copy() for p in points]
                moved[which][index] += sign * STEP
                ends.append(float(run(moved)[0]))
            numeric[index] = (ends[0] - ends[1]) / (2 * STEP)
        np.testing.assert_allclose(gradients[which], numeric, rtol=2e-6, atol=2e-8)


def weighted(result):
    """A scalar in which every element counts differently."""
    weights = np.linspace(0.5, 1.5, result.size).reshape(result.shape)
    return ops.sum(result * weights)


SPECIAL = {
    "threshold": lambda x: activations.threshold(x, 0.2, -1.0),
    "glu": activations.glu,
}


@pytest.mark.parametrize("name", sorted(activations._registry.objects))
def test_activation(name):
    function = SPECIAL.get(name, activations.get(name))
    check(lambda x: weighted(function(x)), [X])


LAYERS = {
    "dense": lambda: layers.Dense(3, activation="tanh", bias_initializer="random_normal"),
    "dense_without_bias": lambda: layers.Dense(3, use_bias=False),
    "penalized": lambda: layers.Dense(
        2, kernel_regularizer="l1_l2", bias_regularizer="l2", activity_regularizer="l2"
    ),
    "flatten": lambda: layers.Flatten(),
    "reshape": lambda: layers.Reshape((2, -1)),
    "activation": lambda: layers.Activation("gelu"),
    "relu": lambda: layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.05),
    "softmax": lambda: layers.Softmax(),
    "softmax_axes": lambda: layers.Softmax(axis=(0, 1)),
    "dropout": lambda: layers.Dropout(0.4, seed=3),
    "alpha_dropout": lambda: layers.AlphaDropout(0.4, seed=3),
    "gaussian_dropout": lambda: layers.GaussianDropout(0.4, seed=3),
    "gaussian_noise": lambda: layers.GaussianNoise(0.4, seed=3),
    "activity_regularization": lambda: layers.ActivityRegularization(0.1, 0.2),
    "leaky_relu": lambda: layers.LeakyReLU(),
    "elu": lambda: layers.ELU(0.7),
    "prelu": lambda: layers.PReLU("random_normal"),
    "batch_normalization": lambda: layers.BatchNormalization(gamma_initializer="random_uniform"),
    "batch_normalization_rows": lambda: layers.BatchNormalization(axis=0, scale=False),
    "batch_normalization_frozen": lambda: layers.BatchNormalization(trainable=False),
    "layer_normalization": lambda: layers.LayerNormalization(gamma_initializer="random_uniform"),
    "layer_normalization_axes": lambda: layers.LayerNormalization(axis=[0, 1], scale=False),
    "group_normalization": lambda: layers.GroupNormalization(2, gamma_initializer="he_normal"),
    "rms_normalization": lambda: layers.RMSNormalization(),
    "unit_normalization": lambda: layers.UnitNormalization(),
    "einsum_dense": lambda: layers.EinsumDense("ab,bcd->acd", (2, 3), bias_axes="d"),
    "repeat_vector": lambda: layers.RepeatVector(3),
    "lambda": lambda: layers.Lambda(lambda x: ops.sin(x) * x),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    layer = LAYERS[name]()
    layer(X)  # builds it

    def loss(x):
        total = weighted(layer(x, training=True))
        for penalty in layer.losses:
            total = total + penalty
        return total

    check(loss, [X], layer.trainable_weights)


CUBE = rng.normal(size=(3, 2, 4))
STEPS = {
    "time_distributed": lambda: layers.TimeDistributed(layers.Dense(3, activation="tanh")),
    "average_pooling": lambda: layers.GlobalAveragePooling1D(),
    "max_pooling": lambda: layers.GlobalMaxPooling1D(keepdims=True),
    "permute": lambda: layers.Permute((2, 1)),
    "masking": lambda: layers.Masking(),
    "spatial_dropout": lambda: layers.SpatialDropout1D(0.4, seed=3),
    "prelu_shared": lambda: layers.PReLU("random_normal", shared_axes=[1]),
    "batch_normalization": lambda: layers.BatchNormalization(gamma_initializer="random_uniform"),
    "layer_normalization": lambda: layers.LayerNormalization(axis=1),
    "group_normalization": lambda: layers.GroupNormalization(2),
    "rms_normalization": lambda: layers.RMSNormalization(axis=(1, 2)),
    "einsum_dense": lambda: layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes="bd"),
}


@pytest.mark.parametrize("name", STEPS)
def test_layer_on_steps(name):
    layer = STEPS[name]()
    layer(CUBE)
    check(lambda x: weighted(layer(x, training=True)), [CUBE], layer.trainable_weights)


@pytest.mark.parametrize("name", ["batch_normalization", "average_pooling"])
def test_masked_layer(name):
    layer = STEPS[name]()
    layer(CUBE)
    mask = np.array([[True, False], [True, True], [False, True]])

    def loss(x):
        return weighted(layer(x, training=True, mask=ops.convert_to_tensor(mask)))

    check(loss, [CUBE], layer.trainable_weights)


MERGES = {
    "add": lambda *x: layers.add(x),
    "subtract": lambda *x: layers.subtract(x),
    "multiply": lambda *x: layers.multiply(x),
    "average": lambda *x: layers.average(x),
    "maximum": lambda *x: layers.maximum(x),
    "minimum": lambda *x: layers.minimum(x),
    "concatenate": lambda *x: layers.concatenate(x, axis=1),
    "dot": lambda *x: layers.dot(x, axes=2),
    "cosines": lambda *x: layers.dot(x, axes=2, normalize=True),
}


@pytest.mark.parametrize("name", MERGES)
def test_merge(name):
    other = rng.normal(size=CUBE.shape)
    check(lambda *x: weighted(MERGES[name](*x)), [CUBE, other])


def test_masked_maximum():
    mask = np.array([[True, False], [True, True], [False, True]])

    def loss(a, b):
        return weighted(layers.maximum([with_mask(a, ops.convert_to_tensor(mask)), b]))

    check(loss, [CUBE, CUBE[::-1].copy()])


def test_embedding():
    layer = layers.Embedding(5, 3)
    words = np.array([[1, 2, 1], [4, 0, 0]])
    layer(words)
    check(lambda: weighted(layer(words)), [], layer.trainable_weights)


CASES = {
    "mse": (losses.MeanSquaredError(), X, SOFT),
    "mae": (losses.MeanAbsoluteError(), X, SOFT),
    "binary": (losses.BinaryCrossentropy(label_smoothing=0.1), P, SOFT),
    "binary_logits": (losses.BinaryCrossentropy(from_logits=True), X, SOFT),
    "categorical": (losses.CategoricalCrossentropy(label_smoothing=0.1), P, SOFT),
    "categorical_logits": (losses.CategoricalCrossentropy(from_logits=True), X, SOFT),
    "sparse": (losses.SparseCategoricalCrossentropy(), P, LABELS),
    "sparse_logits": (losses.SparseCategoricalCrossentropy(from_logits=True), X, LABELS),
    "sparse_ignoring": (losses.SparseCategoricalCrossentropy(True, ignore_class=0), X, LABELS),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weight", [None, np.array([0.5, 2.0, 0.25])], ids=["plain", "weighted"])
def test_loss(name, weight):
    loss, y_pred, y_true = CASES[name]
    check(lambda p: loss(y_true, p, sample_weight=weight), [y_pred])


@pytest.mark.parametrize(
    "regularizer",
    [
        regularizers.L1(),
        regularizers.L2(),
        regularizers.L1L2(0.1, 0.2),
        regularizers.OrthogonalRegularizer(),
        regularizers.OrthogonalRegularizer(mode="columns"),
    ],
    ids=lambda r: type(r).__name__,
)
def test_regularizer(regularizer):
    check(lambda w: regularizer(w), [X])
