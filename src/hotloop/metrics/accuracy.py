"""Accuracy, as a class and as a function of per-sample values."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.losses.reduction import squeeze_or_expand_to_same_rank
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether targets and predictions are equal."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    return ops.cast(ops.equal(y_true, y_pred), "float32")


class Accuracy(FunctionMetric):
    """How often predictions equal targets."""

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name=name, dtype=dtype)
