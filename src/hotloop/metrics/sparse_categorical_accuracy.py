"""SparseCategoricalAccuracy, as a class and as a function of per-sample values."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the largest prediction (last axis) is at the target's class number."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    if y_true.dtype == "bool":
        y_true = ops.cast(y_true, "int32")
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    # A float label is compared as it is: 2.5 is no class.
    best = ops.cast(ops.argmax(y_pred, axis=-1), y_true.dtype)
    return ops.cast(ops.equal(y_true, best), "float32")


class SparseCategoricalAccuracy(FunctionMetric):
    """How often the largest prediction is at the target's class number."""

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name=name, dtype=dtype)
