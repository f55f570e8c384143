"""CategoricalHinge, as a class and as a function of per-sample values."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """`max(neg - pos + 1, 0)` of one-hot targets, over the last axis.

    `pos` is the prediction of the target class, `neg` the largest one of the others (or 0).
    """
    y_pred = ops.convert_to_tensor(y_pred, dtype="float32")
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    hit = ops.sum(y_true * y_pred, axis=-1)
    rival = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(rival - hit + 1.0, 0.0)


class CategoricalHinge(LossFunctionWrapper):
    """How far the best wrong class comes within 1 of the right one. Arguments as in `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(categorical_hinge, name=name, reduction=reduction, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)
