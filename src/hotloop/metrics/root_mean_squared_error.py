"""RootMeanSquaredError."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.losses.reduction import squeeze_or_expand_to_same_rank
from hotloop.metrics.mean import Mean


class RootMeanSquaredError(Mean):
    """The square root of the mean of squared errors."""

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true = ops.convert_to_tensor(y_true, dtype="float32")
        y_pred = ops.convert_to_tensor(y_pred, dtype="float32")
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        super().update_state(ops.square(y_pred - y_true), sample_weight)

    def result(self) -> Tensor:
        return ops.sqrt(super().result())
