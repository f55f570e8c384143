"""CosineSimilarity, as a metric."""

from __future__ import annotations

from typing import Any

from hotloop import losses, ops
from hotloop.graph import Tensor
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The cosine of the angle between targets and predictions: the loss with the other sign."""
    return ops.negative(losses.cosine_similarity(y_true, y_pred, axis=axis))


class CosineSimilarity(FunctionMetric):
    """The mean cosine of the angle between targets and predictions along `axis`, from -1 to 1."""

    _direction = "up"

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(cosine_similarity, name=name, dtype=dtype, axis=axis)
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        # Keras forgets `axis`; written only where it matters, so that the rest reads the same.
        config = super().get_config()
        if self.axis == -1:
            del config["axis"]
        return config
