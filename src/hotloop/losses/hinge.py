"""Hinge, as a class and as a function of per-sample values."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper


def signs(y_true: Tensor) -> Tensor:
    """Targets of 0 and 1 as -1 and 1; others stay as they are, all of them."""
    is_bit = ops.logical_or(ops.equal(y_true, 0.0), ops.equal(y_true, 1.0))
    return ops.where(ops.all(is_bit), 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(max(1 - y_true * y_pred, 0))` over the last axis.

    Targets are -1 and 1; if all of them are 0 or 1, then 0 stands for -1.
    """
    y_pred = ops.convert_to_tensor(y_pred, dtype="float32")
    y_true = signs(ops.convert_to_tensor(y_true, dtype=y_pred.dtype))
    return ops.mean(ops.maximum(1.0 - y_true * y_pred, 0.0), axis=-1)


class Hinge(LossFunctionWrapper):
    """`mean(max(1 - y_true * y_pred, 0))` for targets of -1 (or 0) and 1.

    Arguments as in `Loss`.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(hinge, name=name, reduction=reduction, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)
