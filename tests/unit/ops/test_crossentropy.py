"""Cross-entropies: values and gradients in double precision, and Keras's rules at the edges."""

import numpy as np
import pytest

from hotloop import graph, ops

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 0.0, 30.0], [-3.0, 1.0, 1.0]])
LABELS = np.array([0, 2, 1])
ONE_HOT = np.eye(3)[LABELS]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def gradient(function, x):
    def run(x):
        return graph.gradients(ops.sum(function(x)), [x])

    trace = graph.trace(run, [(x.shape, "float32")])
    return graph.reference.run(trace, [x])[0][0]


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], LABELS.astype(np.float32)])
def test_sparse_from_logits(labels):
    found = ops.sparse_categorical_crossentropy(labels, LOGITS, from_logits=True)
    expected = -np.log(softmax(LOGITS))[range(3), LABELS]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-7)


def test_gradient_from_logits_is_softmax_minus_one_hot():
    for function in (
        lambda x: ops.sparse_categorical_crossentropy(LABELS, x, from_logits=True),
        lambda x: ops.categorical_crossentropy(ONE_HOT, x, from_logits=True),
    ):
        np.testing.assert_allclose(
            gradient(function, LOGITS), softmax(LOGITS) - ONE_HOT, atol=1e-15
        )


def test_probabilities_are_renormalised():
    p = np.array([[2.0, 1.0, 1.0]])
    for found in (
        ops.sparse_categorical_crossentropy([1], p),
        ops.categorical_crossentropy([[0.0, 1.0, 0.0]], p),
    ):
        np.testing.assert_allclose(found.numpy(), [-np.log(0.25)], rtol=1e-6)


def test_probabilities_are_clipped():
    found = ops.sparse_categorical_crossentropy([0, 1], [[0.0, 1.0], [0.0, 1.0]])
    np.testing.assert_allclose(found.numpy(), [-np.log(1e-7), 1.1920929e-07], rtol=1e-6)
    found = ops.binary_crossentropy([1.0, 0.0], [0.0, 0.0])
    np.testing.assert_allclose(found.numpy(), [-np.log(1e-7), 1.1920929e-07], rtol=1e-6)


def test_labels_outside_the_classes_cost_nothing():
    found = ops.sparse_categorical_crossentropy([3, -1, 1], LOGITS, from_logits=True)
    assert found.numpy()[:2].tolist() == [0.0, 0.0]


def test_axis():
    found = ops.categorical_crossentropy(ONE_HOT.T, LOGITS.T, from_logits=True, axis=0)
    expected = ops.categorical_crossentropy(ONE_HOT, LOGITS, from_logits=True)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-6)


def test_binary_from_logits():
    x, t = np.array([-80.0, -1.0, 0.0, 2.0, 80.0]), np.array([1.0, 0.0, 0.3, 1.0, 1.0])
    found = ops.binary_crossentropy(t, x, from_logits=True).numpy()
    expected = np.logaddexp(0, x) - t * x
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    slopes = gradient(lambda x: ops.binary_crossentropy(t, x, from_logits=True), x)
    np.testing.assert_allclose(slopes, 1 / (1 + np.exp(-x)) - t, atol=1e-12)


def test_binary_gradient_of_probabilities():
    p, t = np.array([0.2, 0.9]), np.array([0.0, 1.0])
    slopes = gradient(lambda x: ops.binary_crossentropy(t, x), p)
    np.testing.assert_allclose(slopes, [1 / 0.8, -1 / 0.9], rtol=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.categorical_crossentropy(ONE_HOT[:2], LOGITS),
        lambda: ops.binary_crossentropy(ONE_HOT[0], LOGITS),
        lambda: ops.sparse_categorical_crossentropy(LABELS[:2], LOGITS),
        lambda: ops.sparse_categorical_crossentropy(ONE_HOT, LOGITS),
        lambda: ops.categorical_crossentropy(1.0, 1.0),
        lambda: ops.sparse_categorical_crossentropy(1, 1.0),
    ],
)
def test_shapes_that_do_not_fit(call):
    with pytest.raises(ValueError, match="shape"):
        call()
