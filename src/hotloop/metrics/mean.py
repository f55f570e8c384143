"""Mean."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.metrics.metric import Metric
from hotloop.metrics.reduction import reduce_to_samplewise_values


class Mean(Metric):
    """The (weighted) mean of values; 0 before the first.

    Variables: `total` and `count`, both float32.
    """

    _dtypes = ("float32",)

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values `[batch, ...]` or one scalar; weights broadcast from the left."""
        values, sample_weight = reduce_to_samplewise_values(values, sample_weight, ops.mean)
        self.total.assign_add(ops.sum(values))
        if sample_weight is not None:
            self.count.assign_add(ops.sum(sample_weight))
        else:
            self.count.assign_add(float(values.shape[0] if values.shape else 1))

    def result(self) -> Tensor:
        return ops.divide_no_nan(self.total, self.count)
