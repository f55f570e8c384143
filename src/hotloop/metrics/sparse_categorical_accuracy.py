"""SparseCategoricalAccuracy."""

from __future__ import annotations

from typing import Any

from hotloop.metrics.functions import sparse_categorical_accuracy
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class SparseCategoricalAccuracy(FunctionMetric):
    """How often the largest prediction is at the target's class number."""

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name=name, dtype=dtype)
