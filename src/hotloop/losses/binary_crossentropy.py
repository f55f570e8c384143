"""BinaryCrossentropy."""

from __future__ import annotations

from typing import Any

from hotloop.losses.functions import binary_crossentropy
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper


class BinaryCrossentropy(LossFunctionWrapper):
    """Crossentropy of independent yes/no targets.

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: 0 keeps the targets; 1 replaces them by 0.5.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            name=name,
            reduction=reduction,
            dtype=dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        return {
            **Loss.get_config(self),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
        }
