"""CategoricalCrossentropy, as a metric."""

from __future__ import annotations

from typing import Any

from hotloop.losses import categorical_crossentropy
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class CategoricalCrossentropy(FunctionMetric):
    """The mean crossentropy of one-hot (or soft) targets. Arguments as in the loss."""

    _direction = "down"

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis
