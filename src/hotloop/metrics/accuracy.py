"""Accuracy."""

from __future__ import annotations

from typing import Any

from hotloop.metrics.functions import accuracy
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class Accuracy(FunctionMetric):
    """How often predictions equal targets."""

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name=name, dtype=dtype)
