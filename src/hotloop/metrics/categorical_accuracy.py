"""CategoricalAccuracy."""

from __future__ import annotations

from typing import Any

from hotloop.metrics.functions import categorical_accuracy
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class CategoricalAccuracy(FunctionMetric):
    """How often the largest prediction is at the one-hot target."""

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name=name, dtype=dtype)
