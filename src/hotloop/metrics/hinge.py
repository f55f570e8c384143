"""Hinge."""

from __future__ import annotations

from typing import Any

from hotloop.losses import hinge
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class Hinge(FunctionMetric):
    """The mean hinge loss of targets -1 (or 0) and 1."""

    def __init__(self, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, name=name, dtype=dtype)
