"""CategoricalAccuracy, as a class and as a function of per-sample values."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the largest prediction is where the largest target is (last axis)."""
    best_true = ops.argmax(ops.convert_to_tensor(y_true), axis=-1)
    best_pred = ops.argmax(ops.convert_to_tensor(y_pred), axis=-1)
    return ops.cast(ops.equal(best_true, best_pred), "float32")


class CategoricalAccuracy(FunctionMetric):
    """How often the largest prediction is at the one-hot target."""

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name=name, dtype=dtype)
