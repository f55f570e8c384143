"""Tversky, as a class and as a function of per-sample values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop._settings import epsilon
from hotloop.graph import Tensor
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper


def tversky(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: int | Sequence[int] | None = None,
) -> Tensor:
    """One minus the Tversky index: the overlap over overlap + `alpha` * missed + `beta` * false.

    Args:
        y_true: targets in [0, 1].
        y_pred: predictions in [0, 1], of the same shape.
        alpha: weight of `sum(y_true * (1 - y_pred))`, what predictions lack.
        beta: weight of `sum((1 - y_true) * y_pred)`, what predictions have too much.
        axis: the axes to sum over; None is all of them, the batch included.
    """
    y_pred = ops.convert_to_tensor(y_pred, dtype="float32")
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    shared = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum((1.0 - y_pred) * y_true, axis=axis)
    false = ops.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - shared / (shared + missed * float(alpha) + false * float(beta) + epsilon())


class Tversky(LossFunctionWrapper):
    """One minus the Tversky index, with a weight for either kind of error.

    Args:
        alpha: weight of what predictions lack.
        beta: weight of what predictions have too much. With both 0.5 this is `Dice`.
        axis: the axes to sum over; None is all of them.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: int | Sequence[int] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            tversky,
            name=name,
            reduction=reduction,
            dtype=dtype,
            alpha=alpha,
            beta=beta,
            axis=axis,
        )
        self.alpha = alpha
        self.beta = beta
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        return {
            **Loss.get_config(self),
            "alpha": self.alpha,
            "beta": self.beta,
            "axis": self.axis,
        }
