"""Losses, reductions and weights, against NumPy in double precision."""

import numpy as np
import pytest

from hotloop import losses, ops
from hotloop.losses.reduction import squeeze_or_expand_to_same_rank

rng = np.random.default_rng(7)
X = (2 * rng.normal(size=(5, 4))).astype("float32")
P = (np.exp(X) / np.exp(X).sum(-1, keepdims=True)).astype("float32")
S = (1 / (1 + np.exp(-X))).astype("float32")
LABELS = np.array([1, 3, 0, 0, 2])
ONEHOT = np.eye(4, dtype="float32")[LABELS]
BITS = (rng.random((5, 4)) > 0.5).astype("float32")
WEIGHT = np.array([0.5, 2.0, 0.0, 1.0, 1.5], "float32")

x, s, p = (a.astype(np.float64) for a in (X, S, P))
SMOOTH_BITS = BITS * 0.8 + 0.1
SMOOTH_ONEHOT = ONEHOT * 0.8 + 0.05


def entropy_of_bits(t, q):
    return -(t * np.log(q) + (1 - t) * np.log1p(-q)).mean(-1)


# loss, y_true, y_pred, per-sample values
CASES = {
    "mse": (losses.MeanSquaredError, {}, BITS, X, ((BITS - x) ** 2).mean(-1)),
    "mae": (losses.MeanAbsoluteError, {}, BITS, X, np.abs(BITS - x).mean(-1)),
    "binary": (losses.BinaryCrossentropy, {}, BITS, S, entropy_of_bits(BITS, s)),
    "binary_logits": (
        losses.BinaryCrossentropy,
        {"from_logits": True, "label_smoothing": 0.2},
        BITS,
        X,
        entropy_of_bits(SMOOTH_BITS, 1 / (1 + np.exp(-x))),
    ),
    "categorical": (losses.CategoricalCrossentropy, {}, ONEHOT, P, -np.log(p[range(5), LABELS])),
    "categorical_smooth": (
        losses.CategoricalCrossentropy,
        {"from_logits": True, "label_smoothing": 0.2},
        ONEHOT,
        X,
        -(SMOOTH_ONEHOT * np.log(p)).sum(-1),
    ),
    "sparse": (losses.SparseCategoricalCrossentropy, {}, LABELS, P, -np.log(p[range(5), LABELS])),
    "sparse_logits": (
        losses.SparseCategoricalCrossentropy,
        {"from_logits": True},
        LABELS[:, None],
        X,
        -np.log(p[range(5), LABELS]),
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weight", [None, WEIGHT, WEIGHT[:, None], 0.5], ids=str)
def test_reductions(name, weight):
    cls, arguments, y_true, y_pred, values = CASES[name]
    weights = np.broadcast_to(1.0 if weight is None else np.ravel(weight), 5)
    values = values * weights
    expected = {
        "sum": values.sum(),
        "sum_over_batch_size": values.mean(),
        "mean": values.mean(),
        "none": values,
        None: values,
    }
    if weight is None or np.ndim(weight):
        expected["mean_with_sample_weight"] = values.sum() / weights.sum()
    for reduction, value in expected.items():
        loss = cls(reduction=reduction, **arguments)(y_true, y_pred, sample_weight=weight)
        shape = np.shape(loss)
        assert shape == np.shape(value) or shape == (5, 1)
        np.testing.assert_allclose(np.reshape(loss, np.shape(value)), value, rtol=2e-5, atol=1e-6)


def test_weights_without_weight_are_zero_not_nan():
    loss = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    assert float(loss(BITS, X, sample_weight=np.zeros(5))) == 0.0


def test_ignored_class_does_not_count():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    values = -np.log(p[range(5), LABELS])
    kept = LABELS != 0
    assert float(loss(LABELS, X)) == pytest.approx(values[kept].mean(), rel=1e-5)
    weighted = (values * WEIGHT)[kept].sum() / kept.sum()
    assert float(loss(LABELS, X, WEIGHT)) == pytest.approx(weighted, rel=1e-5)
    outside = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    assert float(outside(np.array([1, 3, -1, -1, 2]), X)) == pytest.approx(values[kept].mean())


def test_probabilities_of_zero_and_one_stay_finite():
    hard = np.array([[0.0, 1.0]])
    assert float(losses.CategoricalCrossentropy()([[1.0, 0.0]], hard)) == pytest.approx(
        16.118, 1e-3
    )
    assert float(losses.BinaryCrossentropy()([[1.0, 0.0]], hard)) == pytest.approx(16.0, rel=0.02)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2, 3, 4], r"label 4, which is outside \[0, 4\)"),
        ([0, -1, 2, 3, 3], "label -1"),
        ([0.0, 1.5, 2.0, 3.0, 3.0], "whole class numbers. Received: 1.5"),
        ([0.0, np.nan, 2.0, 3.0, 3.0], "NaN among its class labels, first at 1"),
    ],
)
def test_bad_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        losses.SparseCategoricalCrossentropy()(labels, P)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((5,), (5, 1), ((5, 1), (5, 1))),
        ((5, 1), (5,), ((5, 1), (5, 1))),
        ((5, 3, 1), (5, 3), ((5, 3), (5, 3))),
        ((5, 3), (5, 3, 1), ((5, 3), (5, 3))),
        ((5, 3), (5,), ((5, 3), (5,))),
        ((5,), (5,), ((5,), (5,))),
    ],
)
def test_ranks(first, second, expected):
    a, b = squeeze_or_expand_to_same_rank(ops.zeros(first), ops.zeros(second))
    assert (a.shape, b.shape) == expected


def test_own_loss():
    class MeanFourth(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean((y_true - y_pred) ** 4, axis=-1)

    loss = MeanFourth()
    assert loss.name.startswith("mean_fourth")
    assert float(loss(BITS, X)) == pytest.approx(((BITS - x) ** 4).mean(), rel=1e-5)
    with pytest.raises(NotImplementedError, match="must implement"):
        losses.Loss()(BITS, X)


def test_get():
    assert losses.get("mse") is losses.mean_squared_error
    assert losses.get("MSE") is losses.mean_squared_error
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)
    assert isinstance(losses.get(losses.MeanSquaredError), losses.MeanSquaredError)
    assert losses.get(np.square) is np.square
    with pytest.raises(ValueError, match="Did you mean 'sparse_categorical_crossentropy'"):
        losses.get("sparse_categorical_crossentrpy")
    with pytest.raises(ValueError, match="Could not interpret 5"):
        losses.get(5)


@pytest.mark.parametrize("name", CASES)
def test_configurations_round_trip(name):
    cls, arguments, y_true, y_pred, _ = CASES[name]
    loss = cls(reduction="sum", name="mine", **arguments)
    again = losses.deserialize(losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    assert float(again(y_true, y_pred)) == float(loss(y_true, y_pred))


def test_wrapped_functions_round_trip():
    loss = losses.LossFunctionWrapper(losses.binary_crossentropy, from_logits=True)
    again = losses.LossFunctionWrapper.from_config(loss.get_config())
    assert float(again(BITS, X)) == float(loss(BITS, X))


def test_bad_arguments():
    with pytest.raises(ValueError, match="reduction"):
        losses.MeanSquaredError(reduction="average")
    with pytest.raises(NotImplementedError, match="float16"):
        losses.MeanSquaredError(dtype="float16")
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        losses.categorical_crossentropy(BITS[:, :1], S[:, :1])
