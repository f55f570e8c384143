"""Losses, reductions and weights, against NumPy in double precision."""

import numpy as np
import pytest

import hotloop
from hotloop import graph, losses, ops
from hotloop.losses.reduction import squeeze_or_expand_to_same_rank
from hotloop.ops.masks import set_keras_mask

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


REAL = rng.normal(size=(5, 4)).astype("float32")
COUNTS = rng.poisson(2.0, (5, 4)).astype("float32")
SOFT = rng.dirichlet(np.ones(4), 5).astype("float32")
ERROR = x - REAL.astype(np.float64)
SIGNS = 2 * BITS - 1


def unit(a):
    return a / np.linalg.norm(a, axis=-1, keepdims=True)


def focal_of_bits(t, q, alpha, gamma):
    right = t * q + (1 - t) * (1 - q)
    weight = (1 - right) ** gamma * (alpha * t + (1 - alpha) * (1 - t))
    return -(weight * (t * np.log(q) + (1 - t) * np.log1p(-q))).mean(-1)


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
    "focal": (
        losses.BinaryFocalCrossentropy,
        {},
        BITS,
        S,
        2 * focal_of_bits(BITS, s, 0.5, 2),
    ),
    "focal_logits": (
        losses.BinaryFocalCrossentropy,
        {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5, "from_logits": True},
        BITS,
        X,
        focal_of_bits(BITS, 1 / (1 + np.exp(-x)), 0.3, 1.5),
    ),
    "categorical_focal": (
        losses.CategoricalFocalCrossentropy,
        {},
        SOFT,
        P,
        -0.25 * (SOFT * (1 - p) ** 2 * np.log(p)).sum(-1),
    ),
    "categorical_focal_logits": (
        losses.CategoricalFocalCrossentropy,
        {"alpha": [0.1, 0.2, 0.3, 0.4], "gamma": 3.0, "from_logits": True, "label_smoothing": 0.2},
        ONEHOT,
        X,
        -(SMOOTH_ONEHOT * [0.1, 0.2, 0.3, 0.4] * (1 - p) ** 3 * np.log(p)).sum(-1),
    ),
    "generalized": (
        losses.CategoricalGeneralizedCrossEntropy,
        {"q": 0.3},
        LABELS,
        P,
        (1 - p[range(5), LABELS] ** 0.3) / 0.3,
    ),
    "poisson": (losses.Poisson, {}, COUNTS, S, (s - COUNTS * np.log(s)).mean(-1)),
    "kl": (losses.KLDivergence, {}, SOFT, P, (SOFT * np.log(SOFT / p)).sum(-1)),
    "mape": (
        losses.MeanAbsolutePercentageError,
        {},
        REAL,
        X,
        100 * np.abs(ERROR / REAL).mean(-1),
    ),
    "msle": (
        losses.MeanSquaredLogarithmicError,
        {},
        COUNTS,
        S,
        ((np.log1p(COUNTS) - np.log1p(s)) ** 2).mean(-1),
    ),
    "cosine": (losses.CosineSimilarity, {}, REAL, X, -(unit(REAL) * unit(x)).sum(-1)),
    "huber": (
        losses.Huber,
        {"delta": 0.7},
        REAL,
        X,
        np.where(abs(ERROR) <= 0.7, ERROR**2 / 2, 0.7 * abs(ERROR) - 0.245).mean(-1),
    ),
    "log_cosh": (losses.LogCosh, {}, REAL, X, np.log(np.cosh(ERROR)).mean(-1)),
    "hinge": (losses.Hinge, {}, SIGNS, X, np.maximum(1 - SIGNS * x, 0).mean(-1)),
    "hinge_bits": (losses.Hinge, {}, BITS, X, np.maximum(1 - SIGNS * x, 0).mean(-1)),
    "squared_hinge": (
        losses.SquaredHinge,
        {},
        BITS,
        X,
        (np.maximum(1 - SIGNS * x, 0) ** 2).mean(-1),
    ),
    "categorical_hinge": (
        losses.CategoricalHinge,
        {},
        ONEHOT,
        X,
        np.maximum(((1 - ONEHOT) * x).max(-1) - x[range(5), LABELS] + 1, 0),
    ),
    "dice": (
        losses.Dice,
        {"axis": -1},
        BITS,
        S,
        1 - 2 * (BITS * s).sum(-1) / (BITS.sum(-1) + s.sum(-1) + 1e-7),
    ),
    "tversky": (
        losses.Tversky,
        {"alpha": 0.2, "beta": 0.9, "axis": (1,)},
        BITS,
        S,
        1
        - (BITS * s).sum(-1)
        / ((BITS * s).sum(-1) + 0.2 * (BITS * (1 - s)).sum(-1) + 0.9 * (s * (1 - BITS)).sum(-1)),
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


@pytest.mark.parametrize("name", CASES)
def test_compiled_like_eager(name):
    """Values and gradients of a plan against those of single operations, both in float32."""
    cls, arguments, y_true, y_pred, _ = CASES[name]
    loss = cls(**arguments)

    def value_and_gradient(t, q, w):
        value = loss(t, q, w)
        return [value, *graph.gradients(value, [q])]

    arrays = [np.ascontiguousarray(y_true), y_pred, WEIGHT]
    arrays[0] = arrays[0].astype("int32" if y_true.dtype.kind == "i" else "float32")
    trace = graph.trace(value_and_gradient, [(a.shape, a.dtype.name) for a in arrays])
    found = [np.zeros((), "float32"), np.zeros_like(y_pred)]
    graph.compile(trace, batched=False).run(arrays, outputs=found)
    with graph.Scope(symbolic=False):
        expected = value_and_gradient(*(ops.convert_to_tensor(a) for a in arrays))
    assert np.ptp(found[1]) > 0
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, np.asarray(b), rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["circle", "dice", "tversky", "huber", "kld", "poisson", "mape"])
def test_a_name_in_compile(name):
    model = hotloop.Sequential([hotloop.Input((4,)), hotloop.layers.Dense(4, "sigmoid")])
    model.compile("sgd", name)
    targets = LABELS if name == "circle" else BITS
    first = model.fit(X, targets, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(first).all()


def test_whole_batch_losses_are_scalars():
    overlap, total = (BITS * s).sum(), BITS.sum() + s.sum()
    assert float(losses.dice(BITS, S)) == pytest.approx(1 - 2 * overlap / total, rel=1e-5)
    assert float(losses.Tversky()(BITS, S)) == pytest.approx(1 - 2 * overlap / total, rel=1e-5)
    assert losses.Dice(reduction=None)(BITS, S).shape == ()


CLASSES = np.array([0, 1, 0, 1, 2])


def circle_by_hand(classes, e, gamma, margin, skip):
    values = []
    for i in range(len(e)):
        near, far = [], []
        for j in range(len(e)):
            d = max(1 - e[i] @ e[j], 0)
            if classes[i] == classes[j]:
                if not (skip and i == j):
                    near.append(-gamma * max(margin + d, 0) * (margin - d))
            else:
                far.append(gamma * max(1 + margin - d, 0) * (1 - margin - d))
        both = np.exp(near).sum() * np.exp(far).sum()
        values.append(np.log1p(both))
    return np.array(values)


@pytest.mark.parametrize(("gamma", "margin", "skip"), [(8.0, 0.4, True), (3.0, 0.2, False)])
def test_circle(gamma, margin, skip):
    e = unit(x).astype("float32")
    expected = circle_by_hand(CLASSES, e.astype(np.float64), gamma, margin, skip)
    arguments = {"gamma": gamma, "margin": margin, "remove_diagonal": skip}
    for classes in (CLASSES, CLASSES[:, None]):
        found = losses.circle(classes, e, **arguments)
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-7)
    if skip:
        assert float(found[4]) == 0.0  # the only one of its class
    counted = expected[expected > 0]
    assert float(losses.Circle(**arguments)(CLASSES, e)) == pytest.approx(counted.mean(), rel=1e-5)
    given = losses.circle(CLASSES, e, CLASSES, e, **arguments)
    np.testing.assert_array_equal(given, found)


def test_circle_of_lonely_samples_has_a_gradient_of_zero():
    """No pair of one class, or none of two: log(0) must not become NaN in the gradient."""
    for classes in (np.arange(5), np.zeros(5, int)):
        with graph.Scope(symbolic=False):
            e = ops.convert_to_tensor(unit(x).astype("float32"))
            value = losses.Circle()(classes, e)
            gradient = graph.gradients(value, [e])[0]
        assert float(value) == 0.0
        np.testing.assert_array_equal(gradient, np.zeros((5, 4)))


def test_targets_of_hinge_that_are_not_all_bits_stay():
    assert float(losses.Hinge()([[0.0, -1.0]], [[0.5, 0.5]])) == pytest.approx(1.25)


def test_masks():
    """A mask on predictions leaves samples out of the mean, and adds to a mask of the losses."""
    values = -np.log(p[range(5), LABELS])
    keep = np.array([True, True, False, True, True])
    predictions = ops.convert_to_tensor(P)
    set_keras_mask(predictions, ops.convert_to_tensor(keep))
    loss = losses.SparseCategoricalCrossentropy()
    assert float(loss(LABELS, predictions)) == pytest.approx(values[keep].mean(), rel=1e-5)
    loss = losses.SparseCategoricalCrossentropy(reduction="sum")
    expected = (values * WEIGHT)[keep].sum()
    assert float(loss(LABELS, predictions, WEIGHT)) == pytest.approx(expected, rel=1e-5)
    loss = losses.SparseCategoricalCrossentropy(ignore_class=1)
    both = keep & (LABELS != 1)
    assert float(loss(LABELS, predictions)) == pytest.approx(values[both].mean(), rel=1e-5)


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


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("kld", "kl_divergence"),
        ("KLD", "kl_divergence"),
        ("mape", "mean_absolute_percentage_error"),
        ("MAPE", "mean_absolute_percentage_error"),
        ("msle", "mean_squared_logarithmic_error"),
        ("MSLE", "mean_squared_logarithmic_error"),
        ("bce", "binary_crossentropy"),
        ("mae", "mean_absolute_error"),
        ("log_cosh", "log_cosh"),
        ("huber", "huber"),
    ],
)
def test_aliases(name, function):
    assert losses.get(name) is getattr(losses, function)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"interval \(0, 1\). Received: q=1.5"):
        losses.CategoricalGeneralizedCrossEntropy(q=1.5)
    with pytest.raises(ValueError, match="class label 10"):
        losses.categorical_generalized_cross_entropy(LABELS + 7, P, 0.5)
    with pytest.raises(ValueError, match="`axis` must be of type `int`"):
        losses.categorical_focal_crossentropy(ONEHOT, P, axis=True)
    with pytest.warns(SyntaxWarning, match="categorical_focal_crossentropy"):
        losses.categorical_focal_crossentropy(BITS[:, :1], S[:, :1])
    with pytest.raises(ValueError, match="broadcast"):
        losses.Huber()(np.zeros((5, 3)), X)
    with pytest.raises(ValueError, match="reduction"):
        losses.MeanSquaredError(reduction="average")
    with pytest.raises(NotImplementedError, match="float16"):
        losses.MeanSquaredError(dtype="float16")
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        losses.categorical_crossentropy(BITS[:, :1], S[:, :1])


FUNCTIONS = [
    *("binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "circle"),
    *("categorical_focal_crossentropy", "categorical_hinge", "cosine_similarity", "dice", "hinge"),
    *("huber", "kl_divergence", "log_cosh", "mean_absolute_error", "mean_squared_error", "poisson"),
    *("mean_absolute_percentage_error", "mean_squared_logarithmic_error", "squared_hinge"),
    *("sparse_categorical_crossentropy", "tversky"),
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_losses_in_a_functional_model(name):
    function = getattr(losses, name)
    loss = getattr(losses, "".join(word.title() for word in name.split("_")).replace("Kl", "KL"))()
    sparse = name in ("circle", "sparse_categorical_crossentropy")
    true = hotloop.Input(() if sparse else (4,), dtype="int32" if sparse else "float32")
    predicted = hotloop.Input((4,))
    weight = hotloop.Input(())
    model = hotloop.Model(
        [true, predicted, weight],
        [function(true, predicted), loss(true, predicted), loss(true, predicted, weight)],
    )
    for count in (5, 3):
        y, p, w = (LABELS if sparse else ONEHOT)[:count], P[:count], WEIGHT[:count]
        found = model([y, p, w])
        for got, expected in zip(found, (function(y, p), loss(y, p), loss(y, p, w)), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_a_loss_in_a_model_is_no_configuration():
    true, predicted = hotloop.Input((4,)), hotloop.Input((4,))
    model = hotloop.Model([true, predicted], losses.MeanSquaredError()(true, predicted))
    copy = hotloop.models.clone_model(model)
    assert copy([ONEHOT, X]).numpy() == model([ONEHOT, X]).numpy()
    with pytest.raises(ValueError, match="cannot be written into a configuration"):
        model.get_config()
