"""MeanAbsoluteError."""

from __future__ import annotations

from typing import Any

from hotloop.losses import mean_absolute_error
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class MeanAbsoluteError(FunctionMetric):
    """The mean of absolute errors."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_error, name=name, dtype=dtype)
