"""BinaryAccuracy."""

from __future__ import annotations

from typing import Any

from hotloop.metrics.functions import binary_accuracy
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class BinaryAccuracy(FunctionMetric):
    """How often predictions lie on the right side of `threshold`."""

    def __init__(
        self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5
    ) -> None:
        super().__init__(binary_accuracy, name=name, dtype=dtype, threshold=threshold)
        self.threshold = threshold
