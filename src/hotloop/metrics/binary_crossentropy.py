"""BinaryCrossentropy, as a metric."""

from __future__ import annotations

from typing import Any

from hotloop.losses import binary_crossentropy
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


class BinaryCrossentropy(FunctionMetric):
    """The mean crossentropy of independent yes/no targets. Arguments as in the loss."""

    _direction = "down"

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
