"""LogCoshError."""

from __future__ import annotations

from typing import Any

from hotloop.losses import log_cosh
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class LogCoshError(FunctionMetric):
    """The mean of `log(cosh(error))`."""

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(log_cosh, name=name, dtype=dtype)
