"""Metrics, as in `keras.metrics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hotloop import losses
from hotloop.common.registry import Registry, attribute_error
from hotloop.metrics.accuracy import Accuracy, accuracy
from hotloop.metrics.binary_accuracy import BinaryAccuracy, binary_accuracy
from hotloop.metrics.binary_crossentropy import BinaryCrossentropy, binary_crossentropy
from hotloop.metrics.categorical_accuracy import CategoricalAccuracy, categorical_accuracy
from hotloop.metrics.categorical_crossentropy import (
    CategoricalCrossentropy,
    categorical_crossentropy,
)
from hotloop.metrics.mean import Mean
from hotloop.metrics.mean_absolute_error import MeanAbsoluteError, mean_absolute_error
from hotloop.metrics.mean_metric_wrapper import MeanMetricWrapper
from hotloop.metrics.mean_squared_error import MeanSquaredError, mean_squared_error
from hotloop.metrics.metric import Metric
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
from hotloop.metrics.sum import Sum

_registry = Registry("keras.metrics", "metric")
_registry.add(
    Mean,
    Sum,
    MeanMetricWrapper,
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    RootMeanSquaredError,
    snake_case=True,
    bce=BinaryCrossentropy,
    BCE=BinaryCrossentropy,
    mse=MeanSquaredError,
    MSE=MeanSquaredError,
    mae=MeanAbsoluteError,
    MAE=MeanAbsoluteError,
    acc=Accuracy,
)

# The functions that a MeanMetricWrapper's configuration may name.
_functions = Registry("keras.metrics", "metric function")
_functions.add(
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
)


def serialize(metric: Any) -> dict[str, Any] | None:
    """The configuration dictionary of a metric."""
    return _registry.serialize(metric)


def deserialize(
    config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The metric that `config` describes."""
    return _registry.deserialize(config, custom_objects)


def serialize_function(fn: Callable[..., Any]) -> dict[str, Any] | None:
    """The configuration of a wrapped function, or of a wrapped loss."""
    return losses.serialize(fn) if isinstance(fn, losses.Loss) else _functions.serialize(fn)


def deserialize_function(config: Mapping[str, Any] | str | Callable[..., Any]) -> Any:
    """The function (or loss) that a `MeanMetricWrapper` wraps."""
    if callable(config):
        return config
    if isinstance(config, Mapping) and config.get("class_name") != "function":
        return losses.deserialize(config)
    return _functions.deserialize(config)


def get(identifier: Any) -> Metric | Callable[..., Any] | None:
    """A metric from a name, configuration, class, instance or callable; None stays None.

    `"accuracy"` is plain equality here; `compile` resolves it from shapes, with `resolve`.
    Raises `ValueError` for anything else.
    """
    return _registry.get(identifier)


__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "Mean",
    "MeanAbsoluteError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "Metric",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "Sum",
    "binary_accuracy",
    "binary_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "resolve",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
]

__getattr__ = attribute_error(__name__, "metric", __all__)
