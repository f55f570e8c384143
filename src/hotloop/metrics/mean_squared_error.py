"""MeanSquaredError."""

from __future__ import annotations

from typing import Any

from hotloop.losses import mean_squared_error
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class MeanSquaredError(FunctionMetric):
    """The mean of squared errors."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_error, name=name, dtype=dtype)
