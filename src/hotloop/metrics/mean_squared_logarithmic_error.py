"""MeanSquaredLogarithmicError."""

from __future__ import annotations

from typing import Any

from hotloop.losses import mean_squared_logarithmic_error
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class MeanSquaredLogarithmicError(FunctionMetric):
    """The mean of squared differences of `log(value + 1)`."""

    def __init__(
        self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, name=name, dtype=dtype)
