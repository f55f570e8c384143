"""SquaredHinge."""

from __future__ import annotations

from typing import Any

from hotloop.losses import squared_hinge
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class SquaredHinge(FunctionMetric):
    """The mean squared hinge loss of targets -1 (or 0) and 1."""

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(squared_hinge, name=name, dtype=dtype)
