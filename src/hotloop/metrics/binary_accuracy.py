"""BinaryAccuracy, as a class and as a function of per-sample values."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.losses.reduction import squeeze_or_expand_to_same_rank
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Whether predictions lie on the side of `threshold` that targets of 0 and 1 ask for."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    above = ops.cast(ops.greater(y_pred, threshold), y_true.dtype)
    return ops.cast(ops.equal(y_true, above), "float32")


class BinaryAccuracy(FunctionMetric):
    """How often predictions lie on the right side of `threshold`."""

    _direction = "up"

    def __init__(
        self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5
    ) -> None:
        super().__init__(binary_accuracy, name=name, dtype=dtype, threshold=threshold)
        self.threshold = threshold
