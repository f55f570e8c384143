"""CategoricalHinge."""

from __future__ import annotations

from typing import Any

from hotloop.losses import categorical_hinge
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class CategoricalHinge(FunctionMetric):
    """The mean categorical hinge loss of one-hot targets."""

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(categorical_hinge, name=name, dtype=dtype)
