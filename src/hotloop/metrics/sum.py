"""Sum."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.metrics.metric import Metric
from hotloop.metrics.reduction import reduce_to_samplewise_values


class Sum(Metric):
    """The (weighted) sum of values."""

    _dtypes = ("float32",)

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, _ = reduce_to_samplewise_values(values, sample_weight, ops.sum)
        self.total.assign_add(ops.sum(values))

    def result(self) -> Tensor:
        return ops.convert_to_tensor(self.total)
