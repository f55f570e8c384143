"""What the strings "accuracy" and "crossentropy" mean for given shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import metrics
from hotloop.metrics.mean_metric_wrapper import MeanMetricWrapper
from hotloop.metrics.metric import Metric
from hotloop.ops.naming import to_snake_case

_BY_SHAPE = {
    "accuracy": ("BinaryAccuracy", "SparseCategoricalAccuracy", "CategoricalAccuracy"),
    "crossentropy": (
        "BinaryCrossentropy",
        "SparseCategoricalCrossentropy",
        "CategoricalCrossentropy",
    ),
}
_BY_SHAPE["acc"] = _BY_SHAPE["accuracy"]
_BY_SHAPE["ce"] = _BY_SHAPE["crossentropy"]


def resolve(
    identifier: Any, y_true_shape: Sequence[int | None], y_pred_shape: Sequence[int | None]
) -> Metric | None:
    """The metric of a name, configuration, class, instance or callable, for `compile`.

    `"accuracy"`, `"acc"`, `"crossentropy"` and `"ce"` become the binary kind when predictions have
    one column, else the sparse kind when targets are class numbers, else the categorical kind.
    Names stay as given; callables are wrapped and carry their own name.
    """
    if identifier is None:
        return None
    kinds = _BY_SHAPE.get(identifier.lower()) if isinstance(identifier, str) else None
    if kinds is not None:
        binary, sparse, categorical = kinds
        columns = y_pred_shape[-1] if y_pred_shape else 1
        if columns == 1:
            kind = binary
        elif len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1:
            kind = sparse
        else:
            kind = categorical
        metric = getattr(metrics, kind)()
    else:
        metric = metrics.get(identifier)
    if isinstance(metric, Metric):
        if isinstance(identifier, str):
            metric.name = identifier
        return metric
    return MeanMetricWrapper(
        metric, name=identifier if isinstance(identifier, str) else function_name(metric)
    )


def function_name(fn: Any) -> str:
    """The name under which a callable shows in logs: its own, or its class's in snake case."""
    name = getattr(fn, "name", None)
    if isinstance(name, str):
        return name
    if hasattr(fn, "__name__"):
        return to_snake_case(fn.__name__)
    return to_snake_case(type(fn).__name__)
