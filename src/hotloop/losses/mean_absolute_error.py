"""MeanAbsoluteError."""

from __future__ import annotations

from typing import Any

from hotloop.losses.functions import mean_absolute_error
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper


class MeanAbsoluteError(LossFunctionWrapper):
    """`mean(|y_true - y_pred|)` over the last axis. Arguments as in `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_error, name=name, reduction=reduction, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)
