"""CategoricalFocalCrossentropy, as a class and as a function of per-sample values."""

from __future__ import annotations

import warnings
from typing import Any

from hotloop import ops
from hotloop._settings import epsilon
from hotloop.graph import Tensor
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Sum over `axis` of `alpha * (1 - p)^gamma` times the crossentropy of each class.

    Args:
        y_true: target distributions, of the shape of `y_pred`.
        y_pred: probabilities, or logits if `from_logits`.
        alpha: a weight, or one for every class.
        gamma: how strongly easy samples are played down; 0 is the plain crossentropy.
        label_smoothing: the share of the target spread evenly over all classes.
        axis: the axis of the classes.
    """
    if isinstance(axis, bool):
        raise ValueError(f"`axis` must be of type `int`. Received: axis={axis} of type bool")
    y_pred = ops.convert_to_tensor(y_pred, dtype="float32")
    y_true = ops.cast(y_true, y_pred.dtype)
    if y_pred.shape[-1] == 1:
        warnings.warn(
            "In loss categorical_focal_crossentropy, expected y_pred.shape to be (batch_size, "
            f"num_classes) with num_classes > 1. Received: y_pred.shape={tuple(y_pred.shape)}. "
            "Consider using 'binary_crossentropy' if you only have 2 classes.",
            SyntaxWarning,
            stacklevel=2,
        )
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1]
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    p = ops.clip(p, epsilon(), 1.0 - epsilon())
    weight = ops.power(1.0 - p, float(gamma)) * ops.convert_to_tensor(alpha, dtype="float32")
    return ops.sum(weight * (ops.negative(y_true) * ops.log(p)), axis=axis)


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Crossentropy of one-hot (or soft) targets in which easy samples count little.

    Args:
        alpha: a weight, or one for every class.
        gamma: how strongly easy samples are played down; 0 is the plain crossentropy.
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: the share of the target spread evenly over all classes.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            name=name,
            reduction=reduction,
            dtype=dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis
        self.alpha = alpha
        self.gamma = gamma

    def get_config(self) -> dict[str, Any]:
        return {
            **Loss.get_config(self),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
            "alpha": self.alpha,
            "gamma": self.gamma,
        }
