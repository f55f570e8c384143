"""SparseCategoricalCrossentropy, as a metric."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.losses import sparse_categorical_crossentropy
from hotloop.losses.class_labels import valid_class_mask
from hotloop.losses.reduction import apply_mask
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class SparseCategoricalCrossentropy(FunctionMetric):
    """The mean crossentropy of class numbers. Arguments as in the loss.

    With `ignore_class`, ignored samples do not count. (Keras counts them, as zeros, unless there
    are sample weights.)
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if self.ignore_class is not None:
            y_pred = ops.convert_to_tensor(y_pred)
            mask = valid_class_mask(y_true, y_pred, self.ignore_class, self.axis)
            sample_weight = apply_mask(sample_weight, mask, "sum")
        super().update_state(y_true, y_pred, sample_weight)
