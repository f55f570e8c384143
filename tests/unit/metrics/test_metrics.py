"""Metrics over several batches, against NumPy."""

import numpy as np
import pytest

from hotloop import graph, losses, metrics, ops

rng = np.random.default_rng(11)
X = rng.normal(size=(6, 4)).astype("float32")
P = (np.exp(X) / np.exp(X).sum(-1, keepdims=True)).astype("float32")
LABELS = np.array([P[0].argmax(), P[1].argmin(), P[2].argmax(), 0, 1, 2])
ONEHOT = np.eye(4, dtype="float32")[LABELS]
BITS = (rng.random((6, 4)) > 0.5).astype("float32")
WEIGHT = np.array([0.5, 2.0, 0.0, 1.0, 1.5, 3.0], "float32")
HITS = (P.argmax(-1) == LABELS).astype(float)
SQUARES = (BITS - X.astype(float)) ** 2

CASES = {
    "Accuracy": (LABELS, P.argmax(-1), HITS),
    "SparseCategoricalAccuracy": (LABELS, P, HITS),
    "CategoricalAccuracy": (ONEHOT, P, HITS),
    "BinaryAccuracy": (BITS, P, ((P > 0.5) == BITS).mean(-1)),
    "MeanSquaredError": (BITS, X, SQUARES.mean(-1)),
    "MeanAbsoluteError": (BITS, X, np.sqrt(SQUARES).mean(-1)),
    "SparseCategoricalCrossentropy": (LABELS, P, -np.log(P[range(6), LABELS])),
    "CategoricalCrossentropy": (ONEHOT, P, -np.log(P[range(6), LABELS])),
    "BinaryCrossentropy": (
        BITS,
        P,
        -(BITS * np.log(P) + (1 - BITS) * np.log1p(-P)).mean(-1),
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_mean_over_batches(name, weight):
    y_true, y_pred, values = CASES[name]
    metric = getattr(metrics, name)()
    assert float(metric.result()) == 0.0
    for rows in (slice(0, 4), slice(4, 6)):
        metric.update_state(
            y_true[rows], y_pred[rows], sample_weight=None if weight is None else weight[rows]
        )
    weights = np.ones(6) if weight is None else weight
    expected = (values * weights).sum() / weights.sum()
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    assert float(metric.count) == pytest.approx(weights.sum())
    metric.reset_state()
    assert float(metric.total) == float(metric.count) == 0.0


@pytest.mark.parametrize("name", CASES)
def test_traced_like_eager(name):
    """The same updates, compiled: state changes are assignments in the graph."""
    y_true, y_pred, _ = CASES[name]
    y_true = np.ascontiguousarray(y_true, "float32" if y_true.dtype.kind == "f" else "int32")
    y_pred = np.ascontiguousarray(y_pred, "float32" if y_pred.dtype.kind == "f" else "int32")
    metric, eager = getattr(metrics, name)(), getattr(metrics, name)()

    def step(t, q):
        metric.update_state(t, q)
        return [ops.convert_to_tensor(metric.result())]

    specs = [(a.shape, a.dtype.name) for a in (y_true, y_pred)]
    program = graph.compile(graph.trace(step, specs), batched=False)
    result = np.zeros((), "float32")
    for _ in range(2):
        program.run([y_true, y_pred], outputs=[result])
        eager.update_state(y_true, y_pred)
    assert float(result) == pytest.approx(float(eager.result()), rel=1e-6)
    assert float(metric.count) == 12.0


def test_columns_of_one():
    metric = metrics.BinaryAccuracy(threshold=0.4)
    metric.update_state([1, 0, 1], [[0.5], [0.5], [0.3]])
    assert float(metric.result()) == pytest.approx(1 / 3)
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(LABELS[:, None], P)
    assert float(metric.result()) == pytest.approx(HITS.mean())


def test_a_label_of_two_and_a_half_is_no_class():
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(np.array([2.5]), np.array([[0.0, 0.1, 0.9]]))
    assert float(metric.result()) == 0.0


@pytest.mark.parametrize(
    ("values", "weight", "mean", "total"),
    [
        ([1.0, 3.0, 5.0, 7.0], None, 4.0, 16.0),
        ([1.0, 3.0, 5.0, 7.0], [1, 1, 0, 0], 2.0, 4.0),
        (3.0, None, 3.0, 3.0),
        (3.0, 2.0, 3.0, 6.0),
        ([[1.0, 3.0], [5.0, 7.0]], None, 4.0, 16.0),
        ([[1.0, 3.0], [5.0, 7.0]], [1, 0], 2.0, 4.0),
    ],
)
def test_mean_and_sum(values, weight, mean, total):
    for cls, expected in ((metrics.Mean, mean), (metrics.Sum, total)):
        metric = cls()
        metric.update_state(values, sample_weight=weight)
        assert float(metric.result()) == pytest.approx(expected)


def test_root_mean_squared_error():
    metric = metrics.RootMeanSquaredError()
    metric.update_state(BITS, X)
    assert float(metric.result()) == pytest.approx(np.sqrt(SQUARES.mean()), rel=1e-5)


def test_ignored_class_does_not_count():
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=0)
    metric.update_state(LABELS, P)
    values = -np.log(P[range(6), LABELS])[LABELS != 0]
    assert float(metric.result()) == pytest.approx(values.mean(), rel=1e-5)


def test_own_metric():
    class Largest(metrics.Metric):
        def __init__(self, name="largest", **kwargs):
            super().__init__(name=name, **kwargs)
            self.largest = self.add_weight(name="largest")
            self.inner = metrics.Mean()

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.largest.assign(ops.maximum(self.largest, ops.max(y_pred)))
            self.inner.update_state(y_pred)

        def result(self):
            return {"largest": self.largest, "mean": self.inner.result()}

    metric = Largest()
    assert [v.path for v in metric.variables] == ["largest/largest", "mean/total", "mean/count"]
    result = metric(None, X)
    assert float(result["largest"]) == X.max()
    metric.reset_state()
    assert all(float(v) == 0 for v in metric.variables)


def test_forgotten_super():
    class Forgetful(metrics.Metric):
        def __init__(self):
            self.total = 1

    with pytest.raises(RuntimeError, match="forgot to call"):
        Forgetful()


@pytest.mark.parametrize(
    ("identifier", "true", "pred", "cls"),
    [
        ("accuracy", (None,), (None, 10), "SparseCategoricalAccuracy"),
        ("acc", (None, 1), (None, 10), "SparseCategoricalAccuracy"),
        ("accuracy", (None, 10), (None, 10), "CategoricalAccuracy"),
        ("accuracy", (None,), (None, 1), "BinaryAccuracy"),
        ("accuracy", (None, 1), (None, 1), "BinaryAccuracy"),
        ("ce", (None,), (None, 10), "SparseCategoricalCrossentropy"),
        ("crossentropy", (None, 1), (None, 1), "BinaryCrossentropy"),
        ("mse", (None, 1), (None, 1), "MeanSquaredError"),
    ],
)
def test_resolve(identifier, true, pred, cls):
    metric = metrics.resolve(identifier, true, pred)
    assert type(metric) is getattr(metrics, cls)
    assert metric.name == identifier


def test_resolve_callables():
    def mean_error(y_true, y_pred):
        return ops.mean(y_pred - y_true)

    metric = metrics.resolve(mean_error, (None, 1), (None, 1))
    assert metric.name == "mean_error"
    metric.update_state(np.array([[1.0]]), np.array([[3.0]]))
    assert float(metric.result()) == 2.0
    assert metrics.resolve(losses.MeanSquaredError(), (2,), (2,)).name == "mean_squared_error"
    given = metrics.Mean(name="given")
    assert metrics.resolve(given, (2,), (2,)) is given
    assert given.name == "given"


def test_get_and_configurations():
    assert isinstance(metrics.get("sparse_categorical_accuracy"), metrics.SparseCategoricalAccuracy)
    with pytest.raises(ValueError, match="Did you mean 'accuracy'"):
        metrics.get("acuracy")
    metric = metrics.BinaryAccuracy(threshold=0.3, name="b")
    again = metrics.deserialize(metrics.serialize(metric))
    assert again.get_config() == {"name": "b", "dtype": "float32", "threshold": 0.3}
    wrapped = metrics.MeanMetricWrapper(metrics.mean_squared_error, name="w")
    again = metrics.deserialize(metrics.serialize(wrapped))
    again.update_state(BITS, X)
    assert float(again.result()) == pytest.approx(SQUARES.mean(), rel=1e-5)


def test_bool_targets_are_class_numbers():
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(np.array([False, True, True]), np.eye(3, dtype=np.float32)[[0, 1, 2]])
    assert float(metric.result()) == pytest.approx(2 / 3)
