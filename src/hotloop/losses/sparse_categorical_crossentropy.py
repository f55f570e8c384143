"""SparseCategoricalCrossentropy."""

from __future__ import annotations

from typing import Any

from hotloop.graph import Tensor
from hotloop.losses.functions import sparse_categorical_crossentropy, valid_class_mask
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Crossentropy of class numbers.

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        ignore_class: a class number whose samples do not count, not even in the mean.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            name=name,
            reduction=reduction,
            dtype=dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def compute_mask(self, y_true: Any, y_pred: Any) -> Tensor | None:
        if self.ignore_class is None:
            return None
        return valid_class_mask(y_true, y_pred, self.ignore_class, self.axis)

    def get_config(self) -> dict[str, Any]:
        config = {
            **Loss.get_config(self),
            "from_logits": self.from_logits,
            "ignore_class": self.ignore_class,
        }
        # Keras forgets `axis`; written only where it matters, so that the rest reads the same.
        return config if self.axis == -1 else {**config, "axis": self.axis}
