"""Metrics, as in `keras.metrics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hotloop import losses
from hotloop._later import load_later
from hotloop.common.registry import Registry, attribute_error
from hotloop.metrics.metric import Metric

if TYPE_CHECKING:
    from hotloop.losses import (
        binary_focal_crossentropy,
        categorical_focal_crossentropy,
        huber,
        log_cosh,
    )
    from hotloop.metrics.accuracy import Accuracy
    from hotloop.metrics.accuracy import accuracy as accuracy
    from hotloop.metrics.auc import AUC
    from hotloop.metrics.binary_accuracy import BinaryAccuracy, binary_accuracy
    from hotloop.metrics.binary_crossentropy import BinaryCrossentropy, binary_crossentropy
    from hotloop.metrics.categorical_accuracy import CategoricalAccuracy, categorical_accuracy
    from hotloop.metrics.categorical_crossentropy import (
        CategoricalCrossentropy,
        categorical_crossentropy,
    )
    from hotloop.metrics.categorical_hinge import CategoricalHinge, categorical_hinge
    from hotloop.metrics.confusion_counts import (
        FalseNegatives,
        FalsePositives,
        TrueNegatives,
        TruePositives,
    )
    from hotloop.metrics.correlation import (
        ConcordanceCorrelation,
        PearsonCorrelation,
        concordance_correlation,
        pearson_correlation,
    )
    from hotloop.metrics.cosine_similarity import CosineSimilarity
    from hotloop.metrics.cosine_similarity import cosine_similarity as cosine_similarity
    from hotloop.metrics.f_score import F1Score, FBetaScore
    from hotloop.metrics.hinge import Hinge, hinge
    from hotloop.metrics.iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
    from hotloop.metrics.kl_divergence import KLDivergence, kl_divergence
    from hotloop.metrics.log_cosh_error import LogCoshError
    from hotloop.metrics.mean import Mean
    from hotloop.metrics.mean_absolute_error import MeanAbsoluteError, mean_absolute_error
    from hotloop.metrics.mean_absolute_percentage_error import (
        MeanAbsolutePercentageError,
        mean_absolute_percentage_error,
    )
    from hotloop.metrics.mean_metric_wrapper import MeanMetricWrapper
    from hotloop.metrics.mean_squared_error import MeanSquaredError, mean_squared_error
    from hotloop.metrics.mean_squared_logarithmic_error import (
        MeanSquaredLogarithmicError,
        mean_squared_logarithmic_error,
    )
    from hotloop.metrics.poisson import Poisson, poisson
    from hotloop.metrics.precision_recall import Precision, Recall
    from hotloop.metrics.r2_score import R2Score
    from hotloop.metrics.resolve import resolve
    from hotloop.metrics.root_mean_squared_error import RootMeanSquaredError
    from hotloop.metrics.sparse_categorical_accuracy import (
        SparseCategoricalAccuracy,
        sparse_categorical_accuracy,
    )
    from hotloop.metrics.sparse_categorical_crossentropy import (
        SparseCategoricalCrossentropy,
        sparse_categorical_crossentropy,
    )
    from hotloop.metrics.squared_hinge import SquaredHinge, squared_hinge
    from hotloop.metrics.sum import Sum
    from hotloop.metrics.top_k_categorical_accuracy import (
        SparseTopKCategoricalAccuracy,
        TopKCategoricalAccuracy,
        sparse_top_k_categorical_accuracy,
        top_k_categorical_accuracy,
    )
    from hotloop.metrics.trade_offs import (
        PrecisionAtRecall,
        RecallAtPrecision,
        SensitivityAtSpecificity,
        SpecificityAtSensitivity,
    )

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "binary_focal_crossentropy": "hotloop.losses.binary_focal_crossentropy",
    "categorical_focal_crossentropy": "hotloop.losses.categorical_focal_crossentropy",
    "huber": "hotloop.losses.huber",
    "log_cosh": "hotloop.losses.log_cosh",
    "Accuracy": "accuracy",
    "accuracy": "accuracy",
    "AUC": "auc",
    "BinaryAccuracy": "binary_accuracy",
    "binary_accuracy": "binary_accuracy",
    "BinaryCrossentropy": "binary_crossentropy",
    "binary_crossentropy": "binary_crossentropy",
    "CategoricalAccuracy": "categorical_accuracy",
    "categorical_accuracy": "categorical_accuracy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "categorical_crossentropy": "categorical_crossentropy",
    "CategoricalHinge": "categorical_hinge",
    "categorical_hinge": "categorical_hinge",
    "FalseNegatives": "confusion_counts",
    "FalsePositives": "confusion_counts",
    "TrueNegatives": "confusion_counts",
    "TruePositives": "confusion_counts",
    "ConcordanceCorrelation": "correlation",
    "PearsonCorrelation": "correlation",
    "concordance_correlation": "correlation",
    "pearson_correlation": "correlation",
    "CosineSimilarity": "cosine_similarity",
    "cosine_similarity": "cosine_similarity",
    "F1Score": "f_score",
    "FBetaScore": "f_score",
    "Hinge": "hinge",
    "hinge": "hinge",
    "BinaryIoU": "iou",
    "IoU": "iou",
    "MeanIoU": "iou",
    "OneHotIoU": "iou",
    "OneHotMeanIoU": "iou",
    "KLDivergence": "kl_divergence",
    "kl_divergence": "kl_divergence",
    "LogCoshError": "log_cosh_error",
    "Mean": "mean",
    "MeanAbsoluteError": "mean_absolute_error",
    "mean_absolute_error": "mean_absolute_error",
    "MeanAbsolutePercentageError": "mean_absolute_percentage_error",
    "mean_absolute_percentage_error": "mean_absolute_percentage_error",
    "MeanMetricWrapper": "mean_metric_wrapper",
    "MeanSquaredError": "mean_squared_error",
    "mean_squared_error": "mean_squared_error",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error",
    "mean_squared_logarithmic_error": "mean_squared_logarithmic_error",
    "Poisson": "poisson",
    "poisson": "poisson",
    "Precision": "precision_recall",
    "Recall": "precision_recall",
    "R2Score": "r2_score",
    "resolve": "resolve",
    "RootMeanSquaredError": "root_mean_squared_error",
    "SparseCategoricalAccuracy": "sparse_categorical_accuracy",
    "sparse_categorical_accuracy": "sparse_categorical_accuracy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
    "sparse_categorical_crossentropy": "sparse_categorical_crossentropy",
    "SquaredHinge": "squared_hinge",
    "squared_hinge": "squared_hinge",
    "Sum": "sum",
    "SparseTopKCategoricalAccuracy": "top_k_categorical_accuracy",
    "TopKCategoricalAccuracy": "top_k_categorical_accuracy",
    "sparse_top_k_categorical_accuracy": "top_k_categorical_accuracy",
    "top_k_categorical_accuracy": "top_k_categorical_accuracy",
    "PrecisionAtRecall": "trade_offs",
    "RecallAtPrecision": "trade_offs",
    "SensitivityAtSpecificity": "trade_offs",
    "SpecificityAtSensitivity": "trade_offs",
}


_registry = Registry("keras.metrics", "metric")
_registry.add_later(
    __name__,
    _LATER,
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    snake_case=True,
    bce="BinaryCrossentropy",
    BCE="BinaryCrossentropy",
    mae="MeanAbsoluteError",
    MAE="MeanAbsoluteError",
    mape="MeanAbsolutePercentageError",
    MAPE="MeanAbsolutePercentageError",
    mse="MeanSquaredError",
    MSE="MeanSquaredError",
    msle="MeanSquaredLogarithmicError",
    MSLE="MeanSquaredLogarithmicError",
    acc="Accuracy",
)

# The functions that a MeanMetricWrapper's configuration may name.
_functions = Registry("keras.metrics", "metric function")
_functions.add_later(
    __name__,
    _LATER,
    "accuracy",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "concordance_correlation",
    "cosine_similarity",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
)


def serialize(metric: Any) -> dict[str, Any] | None:
    """The configuration dictionary of a metric."""
    return _registry.serialize(metric)


def deserialize(
    config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The metric, or metric function, that `config` describes."""
    if isinstance(config, Mapping) and config.get("class_name") == "function":
        return _functions.deserialize(config, custom_objects)
    return _registry.deserialize(config, custom_objects)


def serialize_function(fn: Callable[..., Any]) -> dict[str, Any] | None:
    """The configuration of a wrapped function, or of a wrapped loss."""
    return losses.serialize(fn) if isinstance(fn, losses.Loss) else _functions.serialize(fn)


def deserialize_function(
    config: Mapping[str, Any] | str | Callable[..., Any],
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The function (or loss) that a `MeanMetricWrapper` wraps."""
    if callable(config):
        return config
    if isinstance(config, Mapping) and config.get("class_name") != "function":
        return losses.deserialize(config, custom_objects)
    return _functions.deserialize(config, custom_objects)


def get(identifier: Any) -> Metric | Callable[..., Any] | None:
    """A metric from a name, configuration, class, instance or callable; None stays None.

    `"accuracy"` is plain equality here; `compile` resolves it from shapes, with `resolve`.
    Raises `ValueError` for anything else.
    """
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    return _registry.get(identifier)


__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "concordance_correlation",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "resolve",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]

__getattr__ = load_later(__name__, _LATER, attribute_error(__name__, "metric", __all__))
