"""Metrics: results after several updates, with and without weights, and a training run of each."""

import numpy as np
from cases_losses import CLASSES, DATA, FEATURES, SAMPLES

# Keras takes false negatives as a difference of sums, which leaves crumbs where 0 is right.
ATOL = 1e-5

RNG = np.random.RandomState(20240816)
DATA = {
    **DATA,
    "column": DATA["labels"][:, None],
    "predicted_labels": np.where(RNG.rand(SAMPLES) < 0.3, 0, DATA["labels"]).astype("int32"),
    "bit": DATA["bits"][:, 0],
    "bit_p": DATA["bits_p"][:, 0],
    "bit_column": DATA["bits"][:, :1],
    "bit_p_column": DATA["bits_p"][:, :1],
    # Equal predictions, 0, 1 and predictions right at a threshold.
    "ties": (np.round(DATA["bits_p"] * 4) / 4).astype("float32"),
    "sorted": np.argsort(-DATA["logits"], axis=-1).astype("float32"),
    "values": DATA["real"][:, 0],
    "grid": DATA["real"],
    "int_weight": RNG.randint(0, 4, SAMPLES).astype("int32"),
    "grid_weight": RNG.uniform(0.0, 2.0, (SAMPLES, CLASSES)).astype("float32"),
}

# name -> (class, arguments, targets, predictions)
METRICS = {
    "accuracy": ("Accuracy", {}, "labels", "predicted_labels"),
    "binary_accuracy": ("BinaryAccuracy", {"threshold": 0.4}, "bits", "bits_p"),
    "categorical_accuracy": ("CategoricalAccuracy", {}, "onehot", "probabilities"),
    "sparse_accuracy": ("SparseCategoricalAccuracy", {}, "column", "probabilities"),
    "top_k": ("TopKCategoricalAccuracy", {"k": 2}, "onehot", "probabilities"),
    "top_5": ("TopKCategoricalAccuracy", {}, "soft", "ties"),
    "sparse_top_k": ("SparseTopKCategoricalAccuracy", {"k": 2}, "labels", "probabilities"),
    "sparse_top_k_ties": ("SparseTopKCategoricalAccuracy", {"k": 1}, "column", "ties"),
    "sparse_top_k_ids": (
        "SparseTopKCategoricalAccuracy",
        {"k": 2, "from_sorted_ids": True},
        "labels",
        "sorted",
    ),
    "bce": ("BinaryCrossentropy", {"label_smoothing": 0.1}, "bits", "bits_p"),
    "cce": ("CategoricalCrossentropy", {"from_logits": True}, "onehot", "logits"),
    "scce": ("SparseCategoricalCrossentropy", {}, "labels", "probabilities"),
    "kld": ("KLDivergence", {}, "soft", "probabilities"),
    "poisson": ("Poisson", {}, "counts", "bits_p"),
    "mse": ("MeanSquaredError", {}, "real", "logits"),
    "rmse": ("RootMeanSquaredError", {}, "real", "logits"),
    "mae": ("MeanAbsoluteError", {}, "real", "logits"),
    "mape": ("MeanAbsolutePercentageError", {}, "real", "logits"),
    "msle": ("MeanSquaredLogarithmicError", {}, "counts", "bits_p"),
    "cosine": ("CosineSimilarity", {}, "real", "logits"),
    "log_cosh": ("LogCoshError", {}, "real", "logits"),
    "hinge": ("Hinge", {}, "signs", "logits"),
    "squared_hinge": ("SquaredHinge", {}, "bits", "logits"),
    "categorical_hinge": ("CategoricalHinge", {}, "onehot", "logits"),
    "r2": ("R2Score", {}, "real", "logits"),
    "r2_weighted": (
        "R2Score",
        {"class_aggregation": "variance_weighted_average"},
        "real",
        "logits",
    ),
    "r2_vector": ("R2Score", {"class_aggregation": None}, "real", "logits"),
    "r2_adjusted": ("R2Score", {"num_regressors": 3}, "real", "logits"),
    "pearson": ("PearsonCorrelation", {}, "real", "logits"),
    "concordance": ("ConcordanceCorrelation", {}, "real", "logits"),
    "f1": ("F1Score", {}, "onehot", "probabilities"),
    "f1_macro": ("F1Score", {"average": "macro", "threshold": 0.4}, "bits", "bits_p"),
    "fbeta_micro": ("FBetaScore", {"average": "micro", "beta": 2.0}, "onehot", "probabilities"),
    "fbeta_weighted": (
        "FBetaScore",
        {"average": "weighted", "beta": 0.5, "threshold": 0.5},
        "bits",
        "bits_p",
    ),
    "precision": ("Precision", {}, "bits", "bits_p"),
    "precision_ties": ("Precision", {"thresholds": [0.25, 0.5, 0.75]}, "bits", "ties"),
    "precision_even": ("Precision", {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}, "bits", "ties"),
    "precision_top_k": ("Precision", {"top_k": 2}, "onehot", "ties"),
    "precision_class": ("Precision", {"class_id": 1, "thresholds": 0.3}, "bits", "bits_p"),
    "recall": ("Recall", {}, "bit", "bit_p_column"),
    "recall_top_k": ("Recall", {"top_k": 1, "class_id": 2}, "onehot", "probabilities"),
    "recall_thresholds": ("Recall", {"thresholds": [0.2, 0.9]}, "bits", "bits_p"),
    "sensitivity": ("SensitivityAtSpecificity", {"specificity": 0.6}, "bit", "bit_p"),
    "specificity": (
        "SpecificityAtSensitivity",
        {"sensitivity": 0.7, "num_thresholds": 20},
        "bits",
        "ties",
    ),
    "precision_at": ("PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 1}, "bit", "bit_p"),
    "recall_at": ("RecallAtPrecision", {"precision": 0.5, "class_id": 0}, "bits", "bits_p"),
    **{
        f"auc_{curve}_{method}": (
            "AUC",
            {"curve": curve, "summation_method": method, "num_thresholds": 20},
            "bits",
            "bits_p",
        )
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "minoring", "majoring")
    },
    "auc": ("AUC", {}, "bit", "bit_p"),
    "auc_ties": ("AUC", {"num_thresholds": 5}, "bits", "ties"),
    "auc_logits": ("AUC", {"from_logits": True}, "bits", "logits"),
    "auc_thresholds": ("AUC", {"thresholds": [0.6, 0.1, 0.4]}, "bits", "bits_p"),
    "auc_labels": ("AUC", {"multi_label": True}, "bits", "bits_p"),
    "auc_labels_weights": (
        "AUC",
        {
            "multi_label": True,
            "num_labels": CLASSES,
            "label_weights": [0.5, 1.0, 2.0],
            "curve": "PR",
            "thresholds": [0.2, 0.5],
        },
        "bits",
        "bits_p",
    ),
    "auc_label_weights": ("AUC", {"label_weights": [0.5, 1.0, 2.0]}, "bits", "bits_p"),
    **{
        f"{short}{suffix}": (name, arguments, targets, predictions)
        for short, name in [
            ("tp", "TruePositives"),
            ("tn", "TrueNegatives"),
            ("fp", "FalsePositives"),
            ("fn", "FalseNegatives"),
        ]
        for suffix, arguments, targets, predictions in [
            ("", {}, "bits", "bits_p"),
            ("_some", {"thresholds": [0.1, 0.5, 0.9]}, "bits", "ties"),
            ("_even", {"thresholds": [0.0, 0.5, 1.0]}, "bits", "ties"),
        ]
    },
}

# Classes as numbers or one-hot; weights are whole numbers unless the dtype is float32.
IOUS = {
    "iou": (
        "IoU",
        {"num_classes": CLASSES, "target_class_ids": [0, 2]},
        "labels",
        "predicted_labels",
    ),
    "iou_ignore": (
        "IoU",
        {
            "num_classes": CLASSES,
            "target_class_ids": [0],
            "ignore_class": 1,
            "sparse_y_pred": False,
        },
        "labels",
        "probabilities",
    ),
    "iou_outside": (
        "IoU",
        {"num_classes": 2, "target_class_ids": [1]},
        "labels",
        "predicted_labels",
    ),
    "binary_iou": ("BinaryIoU", {"threshold": 0.4}, "bit", "bit_p"),
    "binary_iou_one": ("BinaryIoU", {"target_class_ids": [1]}, "bit_column", "bit_p_column"),
    "mean_iou": ("MeanIoU", {"num_classes": CLASSES}, "labels", "predicted_labels"),
    "mean_iou_float": (
        "MeanIoU",
        {"num_classes": CLASSES, "dtype": "float32"},
        "labels",
        "predicted_labels",
    ),
    "one_hot_iou": (
        "OneHotIoU",
        {"num_classes": CLASSES, "target_class_ids": [1, 2]},
        "onehot",
        "probabilities",
    ),
    "one_hot_mean_iou": ("OneHotMeanIoU", {"num_classes": CLASSES}, "onehot", "probabilities"),
    "one_hot_mean_iou_sparse": (
        "OneHotMeanIoU",
        {"num_classes": CLASSES, "sparse_y_pred": True},
        "onehot",
        "predicted_labels",
    ),
}

# Metrics of the sums over all entries take a weight for each of them, too.
GRID_WEIGHTS = ["precision", "auc_ties", "auc_labels", "tp", "fn_some", "binary_accuracy"]


def updates(cls, arguments, target, prediction, weight):
    """The result after each of three updates of 10, 10 and 4 samples, and after a reset."""

    def run(k):
        found = {}
        for kind, weights in {"plain": None, "weighted": weight}.items():
            metric = getattr(k.metrics, cls)(**arguments)
            for number, rows in enumerate([slice(0, 10), slice(10, 20), slice(20, 24)]):
                metric.update_state(
                    DATA[target][rows],
                    DATA[prediction][rows],
                    sample_weight=None if weights is None else DATA[weights][rows],
                )
                found[f"{kind}/{number}"] = np.asarray(metric.result())
            for variable in metric.variables:
                found[f"{kind}/{variable.name}"] = np.asarray(variable)
            metric.reset_state()
            metric.update_state(DATA[target][:7], DATA[prediction][:7])
            found[f"{kind}/again"] = np.asarray(metric.result())
        return found

    return run


def reductions(k):
    found = {}
    for cls in ("Mean", "Sum"):
        for values in ("values", "grid"):
            for weight in (None, "weight", "grid_weight"):
                if values == "values" and weight == "grid_weight":
                    continue
                metric = getattr(k.metrics, cls)()
                for rows in (slice(0, 20), slice(20, 24)):
                    weights = None if weight is None else DATA[weight][rows]
                    metric.update_state(DATA[values][rows], sample_weight=weights)
                metric.update_state(3.0)
                found[f"{cls}/{values}/{weight}"] = np.asarray(metric.result())
    return found


def wrapper(k):
    metric = k.metrics.MeanMetricWrapper(k.losses.huber, name="huber", delta=0.5)
    metric.update_state(DATA["real"], DATA["logits"], DATA["weight"])
    return {"result": np.asarray(metric.result())}


def stateless(k):
    """The functions of values that the guides of custom training loops use."""
    metric = k.metrics.MeanSquaredError()
    state = metric.stateless_reset_state()
    found = {}
    for number, rows in enumerate([slice(0, 10), slice(10, 24)]):
        state = metric.stateless_update_state(state, DATA["real"][rows], DATA["logits"][rows])
        found[f"result/{number}"] = np.asarray(metric.stateless_result(state))
    found["variables"] = np.array([float(v) for v in metric.variables])
    found["state"] = np.array([float(v) for v in state])
    return found


# What models are trained with to try the metrics: targets -> (loss, activation).
TARGETS = {
    "onehot": ("categorical_crossentropy", "softmax"),
    "soft": ("categorical_crossentropy", "softmax"),
    "labels": ("sparse_categorical_crossentropy", "softmax"),
    "column": ("sparse_categorical_crossentropy", "softmax"),
    "bits": ("binary_crossentropy", "sigmoid"),
    "bit": ("binary_crossentropy", "sigmoid"),
    "real": ("mse", None),
    "counts": ("poisson", "softplus"),
    "signs": ("hinge", None),
}


def fit(cls, arguments, target, weighted=False, rounded=False):
    """Training with the metric, once as a plain one and with weights as a weighted one."""
    loss, activation = TARGETS[target]

    def run(k):
        def whole(x):
            return k.ops.round(k.ops.sigmoid(x))

        columns = 1 if target == "bit" else CLASSES
        model = k.Sequential(
            [
                k.Input((FEATURES,)),
                k.layers.Dense(columns, activation=whole if rounded else activation),
            ]
        )
        model.set_weights([DATA["w0"][:, :columns], DATA["b0"][:columns]])

        def metric():
            return [getattr(k.metrics, cls)(name="m", **arguments)]

        model.compile(
            k.optimizers.SGD(0.05),
            loss,
            metrics=metric(),
            weighted_metrics=metric() if weighted else None,
            # Recording compiles for minutes otherwise; the numbers are the same.
            run_eagerly=k.__name__ == "keras",
        )
        history = model.fit(
            DATA["x"],
            DATA[target],
            batch_size=10,
            epochs=2,
            shuffle=False,
            verbose=0,
            sample_weight=DATA["weight"] if weighted else None,
            validation_data=(DATA["x"][:9], DATA[target][:9]),
        )
        return {f"history/{key}": np.asarray(v) for key, v in history.history.items()}

    return run


# These read class numbers, which no model predicts, and the binary ones take one column.
FITTED = {
    name: case
    for name, case in METRICS.items()
    if name not in ("accuracy", "sparse_top_k_ids") and case[3] != "sorted"
}
FITTED |= {name: IOUS[name] for name in ("iou_ignore", "binary_iou", "one_hot_mean_iou")}
# Keras on JAX asks these for values while it traces them, and fails.
NOT_TRACED = {"r2_adjusted", "auc_labels_weights"}
UNWEIGHTED = {"iou_ignore", "binary_iou", "one_hot_mean_iou"}

SCORES = {"num_classes": CLASSES, "sparse_y_pred": False}

CASES = {
    **{f"updates_{name}": updates(*case, "weight") for name, case in METRICS.items()},
    **{f"updates_{name}": updates(*case, "int_weight") for name, case in IOUS.items()},
    **{f"grid_{name}": updates(*METRICS[name], "grid_weight") for name in GRID_WEIGHTS},
    **{
        f"fit_{name}": fit(case[0], case[1], case[2], weighted=name not in UNWEIGHTED)
        for name, case in FITTED.items()
        if name not in NOT_TRACED
    },
    # These compare whole numbers: of predictions that are rounded, or of the best of the scores.
    "fit_accuracy": fit("Accuracy", {}, "bits", weighted=True, rounded=True),
    "fit_iou": fit("IoU", {**SCORES, "target_class_ids": [0, 2]}, "labels"),
    "fit_mean_iou": fit("MeanIoU", SCORES, "labels"),
    "fit_one_hot_iou": fit("OneHotIoU", IOUS["one_hot_iou"][1], "onehot"),
    "reductions": reductions,
    "wrapper": wrapper,
    "stateless": stateless,
}
