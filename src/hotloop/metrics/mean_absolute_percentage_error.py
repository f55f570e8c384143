"""MeanAbsolutePercentageError."""

from __future__ import annotations

from typing import Any

from hotloop.losses import mean_absolute_percentage_error
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class MeanAbsolutePercentageError(FunctionMetric):
    """The mean of absolute errors in percent of the targets."""

    def __init__(
        self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None
    ) -> None:
        super().__init__(mean_absolute_percentage_error, name=name, dtype=dtype)
