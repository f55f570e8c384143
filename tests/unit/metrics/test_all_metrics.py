"""Every metric: values in double precision over several batches, compiled like eager, configs."""

import numpy as np
import pytest

import hotloop
from hotloop import graph, metrics, ops

rng = np.random.default_rng(5)
N, C = 24, 4
LOGITS = rng.normal(size=(N, C)).astype("float32")
P = (np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)).astype("float32")
S = (1 / (1 + np.exp(-LOGITS))).astype("float32")
LABELS = rng.integers(0, C, N).astype("int32")
GUESSES = np.where(rng.random(N) < 0.4, 0, LABELS).astype("int32")
ONEHOT = np.eye(C, dtype="float32")[LABELS]
BITS = (rng.random((N, C)) > 0.5).astype("float32")
REAL = (LOGITS + rng.normal(size=(N, C))).astype("float32")
COUNTS = rng.poisson(2.0, (N, C)).astype("float32")
SOFT = rng.dirichlet(np.ones(C), N).astype("float32")
WEIGHT = rng.uniform(0.2, 2.0, N).astype("float32")
WHOLE = rng.integers(0, 4, N).astype("int32")
BATCHES = [slice(0, 10), slice(10, 20), slice(20, N)]
p, s, x, real = (a.astype(np.float64) for a in (P, S, LOGITS, REAL))


def mean_of(values):
    """The weighted mean of per-sample values."""
    return lambda w: (values * w).sum() / w.sum()


def rates(t, q, w, threshold):
    """tp, fp, tn, fn of all entries at a threshold."""
    w = np.broadcast_to(w[:, None], t.shape)
    yes, hit = q > threshold, t > 0
    return [(w * m).sum() for m in (yes & hit, yes & ~hit, ~yes & ~hit, ~yes & hit)]


def count(index, thresholds):
    def expected(w):
        found = np.array([rates(BITS, S, w, t)[index] for t in thresholds])
        return found[0] if len(found) == 1 else found

    return expected


def ratio(others, t, q, threshold):
    def expected(w):
        tp, fp, tn, fn = rates(t, q, w, threshold)
        other = {"fp": fp, "fn": fn, "tn": tn}[others]
        return tp / (tp + other)

    return expected


def all_rates(t, q, w, number):
    inner = np.arange(1, number - 1) / (number - 1)
    return np.array([rates(t, q, w, float(b)) for b in (-1e-7, *inner, 1 + 1e-7)]).T


def best_rate(given, best, value, number):
    def expected(w):
        grid = np.arange(number) / (number - 1)
        tp, fp, tn, fn = np.array([rates(BITS, S, w, b) for b in grid]).T
        with np.errstate(invalid="ignore"):
            found = {
                "sensitivity": tp / (tp + fn),
                "recall": tp / (tp + fn),
                "specificity": tn / (tn + fp),
                "precision": np.nan_to_num(tp / (tp + fp)),
            }
        return np.where(found[given] >= value, found[best], 0).max()

    return expected


def roc_area(heights):
    def expected(w):
        tp, fp, tn, fn = all_rates(BITS, S, w, 50)
        a, b = fp / (fp + tn), tp / (tp + fn)
        return ((a[:-1] - a[1:]) * heights(b[:-1], b[1:])).sum()

    return expected


def pr_area(w):
    tp, fp, _, fn = all_rates(BITS, S, w, 50)
    with np.errstate(invalid="ignore"):
        precision, recall = np.nan_to_num(tp / (tp + fp)), tp / (tp + fn)
    return ((recall[:-1] - recall[1:]) * np.minimum(precision[:-1], precision[1:])).sum()


def label_areas(w):
    areas = []
    for label in range(C):
        tp, fp, tn, fn = all_rates(BITS[:, [label]], S[:, [label]], w, 50)
        a, b = fp / (fp + tn), tp / (tp + fn)
        areas.append(((a[:-1] - a[1:]) * (b[:-1] + b[1:]) / 2).sum())
    return np.mean(areas)


def f_beta(chosen, t, beta, average):
    def expected(w):
        w = w[:, None]
        tp, fp = (chosen * t * w).sum(0), (chosen * (1 - t) * w).sum(0)
        fn, total = ((1 - chosen) * t * w).sum(0), (t * w).sum(0)
        if average == "micro":
            tp, fp, fn = tp.sum(), fp.sum(), fn.sum()
        a, b = tp / (tp + fp + 1e-7), tp / (tp + fn + 1e-7)
        score = (1 + beta**2) * a * b / (beta**2 * a + b + 1e-7)
        if average == "weighted":
            return (score * total / total.sum()).sum()
        return score.mean() if average == "macro" else score

    return expected


def r2(aggregation):
    def expected(w):
        w = w[:, None]
        middle = (real * w).sum(0) / w.sum(0)
        total = ((real - middle) ** 2 * w).sum(0)
        scores = 1 - ((real - x) ** 2 * w).sum(0) / total
        if aggregation == "uniform_average":
            return scores.mean()
        return scores if aggregation is None else (scores * total).sum() / total.sum()

    return expected


def iou(targets, guesses, classes, ignore=None):
    def expected(w):
        w = w.astype(int)
        found = []
        for c in classes:
            counted = targets != ignore
            both = (w * ((targets == c) & (guesses == c) & counted)).sum()
            either = (w * (((targets == c) | (guesses == c)) & counted)).sum()
            if either:
                found.append(both / either)
        return np.mean(found)

    return expected


def pearson(a, b):
    a, b = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
    return (a * b).mean(-1) / np.sqrt((a**2).mean(-1) * (b**2).mean(-1))


def concordance(a, b):
    da, db = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
    gap = (a.mean(-1) - b.mean(-1)) ** 2
    return 2 * (da * db).mean(-1) / ((da**2).mean(-1) + (db**2).mean(-1) + gap)


rank = (P > P[range(N), LABELS][:, None]).sum(-1)
cosine = (real * x).sum(-1) / np.linalg.norm(real, axis=-1) / np.linalg.norm(x, axis=-1)
SIGNS = 2 * BITS - 1
best = (P == P.max(-1, keepdims=True)).astype(float)
above = (S > 0.4).astype(float)
two = (np.argsort(np.argsort(-S, -1), -1) < 2).astype(float)
TRADE = {"num_thresholds": 50}

# class, arguments, targets, predictions, what a weight per sample gives
CASES = {
    "top_k": ("TopKCategoricalAccuracy", {"k": 2}, ONEHOT, P, mean_of(rank < 2)),
    "sparse_top_k": ("SparseTopKCategoricalAccuracy", {"k": 3}, LABELS, P, mean_of(rank < 3)),
    "mape": (
        "MeanAbsolutePercentageError",
        {},
        REAL,
        LOGITS,
        mean_of(100 * np.abs((real - x) / real).mean(-1)),
    ),
    "msle": (
        "MeanSquaredLogarithmicError",
        {},
        COUNTS,
        S,
        mean_of(((np.log1p(COUNTS) - np.log1p(s)) ** 2).mean(-1)),
    ),
    "cosine": ("CosineSimilarity", {}, REAL, LOGITS, mean_of(cosine)),
    "log_cosh": ("LogCoshError", {}, REAL, LOGITS, mean_of(np.log(np.cosh(x - real)).mean(-1))),
    "kld": ("KLDivergence", {}, SOFT, P, mean_of((SOFT * np.log(SOFT / p)).sum(-1))),
    "poisson": ("Poisson", {}, COUNTS, S, mean_of((s - COUNTS * np.log(s)).mean(-1))),
    "hinge": ("Hinge", {}, SIGNS, LOGITS, mean_of(np.maximum(1 - SIGNS * x, 0).mean(-1))),
    "squared_hinge": (
        "SquaredHinge",
        {},
        SIGNS,
        LOGITS,
        mean_of((np.maximum(1 - SIGNS * x, 0) ** 2).mean(-1)),
    ),
    "categorical_hinge": (
        "CategoricalHinge",
        {},
        ONEHOT,
        LOGITS,
        mean_of(np.maximum(((1 - ONEHOT) * x).max(-1) - (ONEHOT * x).sum(-1) + 1, 0)),
    ),
    "pearson": ("PearsonCorrelation", {}, REAL, LOGITS, mean_of(pearson(real, x))),
    "concordance": ("ConcordanceCorrelation", {}, REAL, LOGITS, mean_of(concordance(real, x))),
    "tp": ("TruePositives", {}, BITS, S, count(0, [0.5])),
    "fp": ("FalsePositives", {"thresholds": 0.3}, BITS, S, count(1, [0.3])),
    "tn": ("TrueNegatives", {"thresholds": [0.2, 0.7]}, BITS, S, count(2, [0.2, 0.7])),
    "fn": ("FalseNegatives", {"thresholds": [0, 0.5, 1]}, BITS, S, count(3, [0, 0.5, 1])),
    "precision": ("Precision", {}, BITS, S, ratio("fp", BITS, S, 0.5)),
    "precision_top": ("Precision", {"top_k": 2}, BITS, S, ratio("fp", BITS, two, 0.5)),
    "recall": ("Recall", {"thresholds": 0.4}, BITS, S, ratio("fn", BITS, S, 0.4)),
    "recall_class": (
        "Recall",
        {"class_id": 1},
        BITS,
        S,
        ratio("fn", BITS[:, [1]], S[:, [1]], 0.5),
    ),
    "sensitivity": (
        "SensitivityAtSpecificity",
        {"specificity": 0.6, **TRADE},
        BITS,
        S,
        best_rate("specificity", "sensitivity", 0.6, 50),
    ),
    "specificity": (
        "SpecificityAtSensitivity",
        {"sensitivity": 0.7, **TRADE},
        BITS,
        S,
        best_rate("sensitivity", "specificity", 0.7, 50),
    ),
    "precision_at": (
        "PrecisionAtRecall",
        {"recall": 0.5, **TRADE},
        BITS,
        S,
        best_rate("recall", "precision", 0.5, 50),
    ),
    "recall_at": (
        "RecallAtPrecision",
        {"precision": 0.5, **TRADE},
        BITS,
        S,
        best_rate("precision", "recall", 0.5, 50),
    ),
    "auc": ("AUC", TRADE, BITS, S, roc_area(lambda a, b: (a + b) / 2)),
    "auc_minoring": (
        "AUC",
        {"summation_method": "minoring", **TRADE},
        BITS,
        S,
        roc_area(np.minimum),
    ),
    "auc_majoring": (
        "AUC",
        {"summation_method": "Majoring", "from_logits": True, **TRADE},
        BITS,
        LOGITS,
        roc_area(np.maximum),
    ),
    "auc_pr": ("AUC", {"curve": "pr", "summation_method": "minoring", **TRADE}, BITS, S, pr_area),
    "auc_labels": ("AUC", {"multi_label": True, **TRADE}, BITS, S, label_areas),
    "f1": ("F1Score", {}, ONEHOT, P, f_beta(best, ONEHOT, 1, None)),
    "fbeta_micro": (
        "FBetaScore",
        {"average": "micro", "beta": 2.0, "threshold": 0.4},
        BITS,
        S,
        f_beta(above, BITS, 2, "micro"),
    ),
    "fbeta_macro": (
        "FBetaScore",
        {"average": "macro", "beta": 0.5},
        ONEHOT,
        P,
        f_beta(best, ONEHOT, 0.5, "macro"),
    ),
    "f1_weighted": (
        "F1Score",
        {"average": "weighted", "threshold": 0.4},
        BITS,
        S,
        f_beta(above, BITS, 1, "weighted"),
    ),
    "r2": ("R2Score", {}, REAL, LOGITS, r2("uniform_average")),
    "r2_vector": ("R2Score", {"class_aggregation": None}, REAL, LOGITS, r2(None)),
    "r2_variance": (
        "R2Score",
        {"class_aggregation": "variance_weighted_average"},
        REAL,
        LOGITS,
        r2("variance_weighted_average"),
    ),
    "iou": (
        "IoU",
        {"num_classes": C, "target_class_ids": [0, 2]},
        LABELS,
        GUESSES,
        iou(LABELS, GUESSES, [0, 2]),
    ),
    "mean_iou_ignore": (
        "MeanIoU",
        {"num_classes": C, "ignore_class": 1},
        LABELS,
        GUESSES,
        iou(LABELS, GUESSES, range(C), 1),
    ),
    "one_hot_iou": (
        "OneHotIoU",
        {"num_classes": C, "target_class_ids": [3]},
        ONEHOT,
        P,
        iou(LABELS, P.argmax(-1), [3]),
    ),
    "one_hot_mean_iou": (
        "OneHotMeanIoU",
        {"num_classes": C},
        ONEHOT,
        P,
        iou(LABELS, P.argmax(-1), range(C)),
    ),
    "binary_iou": (
        "BinaryIoU",
        {"threshold": 0.6},
        BITS[:, 0],
        S[:, 0],
        iou(BITS[:, 0], S[:, 0] >= 0.6, [0, 1]),
    ),
}


def make(name):
    cls, arguments, *_ = CASES[name]
    return getattr(metrics, cls)(**arguments)


def weights_for(name):
    return WHOLE if "iou" in name else WEIGHT


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", CASES)
def test_value_over_batches(name, weighted):
    _, _, y_true, y_pred, expected = CASES[name]
    metric = make(name)
    weight = weights_for(name) if weighted else None
    for _ in range(2):
        for rows in BATCHES:
            batch = None if weight is None else weight[rows]
            metric.update_state(y_true[rows], y_pred[rows], sample_weight=batch)
        value = expected(np.ones(N) if weight is None else weight.astype(np.float64))
        found = np.asarray(metric.result())
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, value, rtol=3e-5, atol=1e-6)
        metric.reset_state()
        assert not any(np.asarray(v).any() for v in metric.variables)


@pytest.mark.parametrize("name", CASES)
def test_compiled_like_eager(name):
    """One plan for the update, run twice, and one for the result."""
    _, _, y_true, y_pred, _ = CASES[name]
    arrays = [np.ascontiguousarray(a[:10]) for a in (y_true, y_pred, weights_for(name))]
    metric, eager = make(name), make(name)
    specs = [(a.shape, a.dtype.name) for a in arrays]

    def step(t, q, w):
        metric.update_state(t, q, w)
        return []

    update = graph.compile(graph.trace(step, specs), batched=False)
    for _ in range(2):
        update.run(arrays)
        eager.update_state(*arrays)
    result = graph.compile(graph.trace(lambda: [metric.result()], []), batched=False)
    expected = np.asarray(eager.result())
    np.testing.assert_allclose(np.asarray(result([])[0]), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_configuration_round_trip(name):
    _, _, y_true, y_pred, _ = CASES[name]
    metric = make(name)
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    metric.update_state(y_true, y_pred)
    again.update_state(y_true, y_pred)
    np.testing.assert_array_equal(again.result(), metric.result())


@pytest.mark.parametrize("name", CASES)
def test_stateless_like_stateful(name):
    """The same numbers without touching a variable, in plain calls and in a trace."""
    _, _, y_true, y_pred, _ = CASES[name]
    metric, other = make(name), make(name)
    other.update_state(y_true[:10], y_pred[:10])
    expected = np.asarray(other.result())
    metric.update_state(y_true[:1], y_pred[:1])  # those with lazy variables know their size now
    before = [v.numpy() for v in metric.variables]
    state = metric.stateless_reset_state()
    state = metric.stateless_update_state(state, y_true[:10], y_pred[:10])
    np.testing.assert_array_equal(metric.stateless_result(state), expected)

    def step(t, q):
        state = metric.stateless_update_state(metric.stateless_reset_state(), t, q)
        return [metric.stateless_result(state)]

    arrays = [np.ascontiguousarray(a[:10]) for a in (y_true, y_pred)]
    trace = graph.trace(step, [(a.shape, a.dtype.name) for a in arrays])
    assert trace.updates == {}
    result = graph.compile(trace, batched=False)
    np.testing.assert_allclose(np.asarray(result(arrays)[0]), expected, rtol=1e-5, atol=1e-7)
    for variable, value in zip(metric.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


@pytest.mark.parametrize("name", ["auc_labels", "f1_weighted", "r2", "precision_at", "binary_iou"])
def test_in_fit(name):
    """As a plain metric of a model: variables that are made in the first batch are found."""
    _, _, y_true, y_pred, _ = CASES[name]
    units = 1 if y_pred.ndim == 1 else C
    metric = make(name)
    model = hotloop.Sequential([hotloop.Input((C,)), hotloop.layers.Dense(units, "sigmoid")])
    model.compile("sgd", "mse", metrics=[metric])
    targets = y_true.reshape(N, units)
    history = model.fit(LOGITS, targets, batch_size=10, epochs=2, shuffle=False, verbose=0).history
    assert np.isfinite(history[metric.name]).all()
    assert len(history[metric.name]) == 2
    found = model.evaluate(LOGITS, targets, batch_size=10, verbose=0, return_dict=True)
    alone = make(name)
    alone.update_state(targets, model.predict(LOGITS, verbose=0))
    assert found[metric.name] == pytest.approx(float(alone.result()), rel=1e-4)


def test_variables_in_containers_are_found():
    class Several(metrics.Metric):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self._first = metrics.Mean()
            self.parts = [metrics.Sum()]
            self.parts.append(metrics.Sum())
            self.by_name = {"a": self.add_weight(name="a", shape=(2,), dtype="int32")}

        def update_state(self, values):
            for part in self.parts:
                part.update_state(values)

        def result(self):
            return {"sum": self.parts[1].result()}

    metric = Several(dtype="int32")
    assert [v.name for v in metric.variables] == ["a", "total", "count", "total", "total"]
    metric.update_state([1.0, 2.0])
    assert float(metric.result()["sum"]) == 3.0
    metric.reset_state()
    assert float(metric.result()["sum"]) == 0.0


def test_of_equal_predictions_the_first_are_the_top():
    metric = metrics.Precision(top_k=2)
    metric.update_state([[0.0, 0.0, 1.0, 1.0]], [[0.1, 0.5, 0.5, 0.5]])
    assert float(metric.result()) == 0.5
    metric = metrics.SparseTopKCategoricalAccuracy(k=1)
    metric.update_state([3], [[0.1, 0.5, 0.5, 0.5]])
    assert float(metric.result()) == 1.0  # as in Keras: equals do not push a target out


def test_top_k_of_sorted_ids_and_of_nan():
    metric = metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True)
    metric.update_state([2, 0, 1], [[1, 0, 2], [0, 1, 2], [2, 1, 0]])
    assert float(metric.result()) == pytest.approx(2 / 3)
    assert float(metrics.sparse_top_k_categorical_accuracy([0], [[np.nan, 0.1]], k=1)[0]) == 0.0


def test_predictions_at_even_thresholds_fall_below():
    metric = metrics.TruePositives(thresholds=[0.0, 0.5, 1.0])
    metric.update_state([1, 1, 1, 1], [0.0, 0.5, 0.75, 1.0])
    np.testing.assert_array_equal(metric.result(), [3, 2, 0])
    area = metrics.AUC(num_thresholds=3)
    area.update_state([0, 1, 1], [0.0, 0.0, 1.0])  # a prediction of 0 is above the first one
    np.testing.assert_array_equal(area.true_positives.numpy(), [2, 1, 0])


def test_adjusted_r2_falls_back_with_a_warning():
    metric = metrics.R2Score(num_regressors=5)
    metric.update_state([[1.0], [2.0], [4.0]], [[1.5], [2.0], [3.0]])
    with pytest.warns(UserWarning, match="More independent predictors"):
        fallen = float(metric.result())
    plain = metrics.R2Score()
    plain.update_state([[1.0], [2.0], [4.0]], [[1.5], [2.0], [3.0]])
    assert fallen == float(plain.result())
    metric = metrics.R2Score(num_regressors=2)
    metric.update_state([[1.0], [2.0], [4.0]], [[1.5], [2.0], [3.0]])
    with pytest.warns(UserWarning, match="Division by zero"):
        assert float(metric.result()) == fallen


def test_iou_warns_about_float_weights():
    metric = metrics.MeanIoU(2)
    with pytest.warns(UserWarning, match="dtype='float32'"):
        metric.update_state([0, 1], [0, 1], np.array([0.5, 1.5], "float32"))
    np.testing.assert_array_equal(metric.total_cm.numpy(), [[0, 0], [0, 1]])
    metric = metrics.MeanIoU(2, dtype="float32")
    metric.update_state([0, 1], [0, 1], np.array([0.5, 1.5], "float32"))
    np.testing.assert_array_equal(metric.total_cm.numpy(), [[0.5, 0], [0, 1.5]])


def test_auc_of_weighted_labels():
    weights = [0.5, 1.0, 2.0, 0.0]
    metric = metrics.AUC(multi_label=True, label_weights=weights, num_labels=C)
    metric.update_state(BITS, S)
    parts = []
    for label in range(C):
        one = metrics.AUC()
        one.update_state(BITS[:, label], S[:, label])
        parts.append(float(one.result()))
    assert float(metric.result()) == pytest.approx(np.average(parts, weights=weights), rel=1e-5)
    assert metric.get_config()["label_weights"] == weights


BAD = {
    "threshold": (lambda: metrics.Precision(1.5), r"must be in \[0, 1\]. Received: \[1.5\]"),
    "thresholds": (lambda: metrics.TruePositives([]), "`thresholds` is empty"),
    "recall": (lambda: metrics.PrecisionAtRecall(2), "`recall` must be in the range"),
    "specificity": (lambda: metrics.SensitivityAtSpecificity(-1), "`specificity` must be in"),
    "num_thresholds": (
        lambda: metrics.RecallAtPrecision(0.5, num_thresholds=0),
        "must be an integer > 0",
    ),
    "auc_thresholds": (lambda: metrics.AUC(num_thresholds=1), "must be an integer > 1"),
    "curve": (lambda: metrics.AUC(curve="ROK"), 'Invalid AUC curve value: "ROK"'),
    "summation": (lambda: metrics.AUC(summation_method="mid"), "summation method value"),
    "num_labels": (lambda: metrics.AUC(num_labels=3), "only when `multi_label`"),
    "label_weights": (
        lambda: metrics.AUC(multi_label=True, num_labels=3, label_weights=[1.0]),
        "one weight for each of 3 labels",
    ),
    "auc_rank": (
        lambda: metrics.AUC(multi_label=True).update_state(BITS[:, 0], S[:, 0]),
        "must have rank 2",
    ),
    "auc_unknown": (lambda: metrics.AUC(multi_label=True).result(), "call `update_state` first"),
    "average": (lambda: metrics.F1Score(average="mean"), "Invalid `average`"),
    "beta": (lambda: metrics.FBetaScore(beta=1), "should be a Python float"),
    "beta_sign": (lambda: metrics.FBetaScore(beta=0.0), "should be > 0"),
    "f_threshold": (lambda: metrics.F1Score(threshold=2.0), "0 < threshold <= 1"),
    "f_threshold_type": (lambda: metrics.F1Score(threshold=1), "should be a Python float"),
    "f_rank": (lambda: metrics.F1Score().update_state(LABELS, LABELS), "2D inputs"),
    "f_unknown": (lambda: metrics.F1Score().result(), "call `update_state` first"),
    "r2_rank": (lambda: metrics.R2Score().update_state(LABELS, LABELS), "2D inputs"),
    "r2_unknown": (lambda: metrics.R2Score().result(), "call `update_state` first"),
    "r2_aggregation": (lambda: metrics.R2Score("mean"), "class_aggregation"),
    "r2_regressors": (lambda: metrics.R2Score(num_regressors=-1), "num_regressors"),
    "iou_target": (lambda: metrics.IoU(2, [2]), "Target class id 2 is out of range"),
    "iou_sizes": (lambda: metrics.MeanIoU(2).update_state([0, 1], [0]), "2 targets and 1"),
    "shapes": (lambda: metrics.Precision().update_state(BITS, S[:, :2]), "must have one shape"),
    "class_id": (lambda: metrics.Recall(class_id=9).update_state(BITS, S), "`class_id` is 9"),
    "class_rank": (
        lambda: metrics.Recall(class_id=0).update_state(BITS[:, 0], S[:, 0]),
        "When `class_id` is given",
    ),
    "top_k": (lambda: metrics.Recall(top_k=9).update_state(BITS, S), "`top_k` must be from 1"),
    "stateless": (lambda: metrics.Mean().stateless_result([0.0]), "length 1, but expected 2"),
    "stateless_shape": (
        lambda: metrics.Mean().stateless_result([[0.0], 1.0]),
        r"shape \(1,\) for the variable 'mean",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_functions_by_configuration():
    """Names are those of classes, but a function's configuration gives the function."""
    for function in (metrics.mean_squared_error, metrics.pearson_correlation, metrics.huber):
        config = metrics.serialize(function)
        assert metrics.deserialize(config) is metrics.get(config) is function
    with pytest.raises(ValueError, match="Did you mean 'huber'"):
        metrics.deserialize({"class_name": "function", "config": "hubert"})
    wrapped = metrics.MeanMetricWrapper(hotloop.losses.Huber(0.5), name="h")
    again = metrics.get(metrics.serialize(wrapped))
    assert again.get_config() == wrapped.get_config()
    again.update_state(REAL, LOGITS)
    expected = float(hotloop.losses.Huber(0.5)(REAL, LOGITS))
    assert float(again.result()) == pytest.approx(expected, rel=1e-6)


def test_dtypes():
    with pytest.raises(NotImplementedError, match="computes in float32"):
        metrics.Mean(dtype="int32")
    with pytest.raises(NotImplementedError, match="AUC computes in float32"):
        metrics.AUC(dtype="int32")
    assert metrics.IoU(2, [0]).dtype == "int32"


@pytest.mark.parametrize("name", metrics.__all__)
def test_directions(name):
    """Callbacks that watch a metric know which way is better."""
    cls = getattr(metrics, name)
    known = getattr(cls, "_direction", None)
    if name.endswith(("Accuracy", "IoU", "Correlation", "Score")) or "At" in name:
        assert known == "up"
    if name.endswith("Error") and known is not None:
        assert known == "down"


def test_a_mask_of_predictions_leaves_samples_out():
    from hotloop.ops.masks import set_keras_mask

    keep = np.arange(N) % 3 > 0
    predictions = ops.convert_to_tensor(P)
    set_keras_mask(predictions, ops.convert_to_tensor(keep))
    metric = metrics.TopKCategoricalAccuracy(k=2)
    metric.update_state(ONEHOT, predictions)
    assert float(metric.result()) == pytest.approx((rank < 2)[keep].mean())
