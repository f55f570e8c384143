"""KLDivergence."""

from __future__ import annotations

from typing import Any

from hotloop.losses import kl_divergence
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class KLDivergence(FunctionMetric):
    """The mean Kullback-Leibler divergence of predictions from targets."""

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(kl_divergence, name=name, dtype=dtype)
