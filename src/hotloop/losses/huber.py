"""Huber, as a class and as a function of per-sample values."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper
from hotloop.losses.reduction import as_pair


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Mean over the last axis of `e² / 2` where `|e| <= delta`, else `delta * |e| - delta² / 2`.

    `e` is the error `y_pred - y_true`.
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    error = y_pred - y_true
    size = ops.absolute(error)
    delta = float(delta)
    far = delta * size - 0.5 * delta * delta
    return ops.mean(ops.where(size <= delta, 0.5 * ops.square(error), far), axis=-1)


class Huber(LossFunctionWrapper):
    """Squares of small errors, absolute values of large ones.

    Args:
        delta: the size of an error where the square turns into a line.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(huber, name=name, reduction=reduction, dtype=dtype, delta=delta)
        self.delta = delta

    def get_config(self) -> dict[str, Any]:
        # Keras forgets `delta`; written only where it matters, so that the rest reads the same.
        config = Loss.get_config(self)
        return config if self.delta == 1.0 else {**config, "delta": self.delta}
