"""Poisson."""

from __future__ import annotations

from typing import Any

from hotloop.losses import poisson
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class Poisson(FunctionMetric):
    """The mean negative log-likelihood of counts, as in the loss."""

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(poisson, name=name, dtype=dtype)
