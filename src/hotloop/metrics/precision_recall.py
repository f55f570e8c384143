"""Precision and Recall."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.metrics.confusion import NEG_INF, confusion_counts, parse_thresholds
from hotloop.metrics.metric import Metric


class HitRatio(Metric):
    """True positives over true positives and another count. Base of `Precision` and `Recall`."""

    _direction = "up"
    _dtypes = ("float32",)
    _other: tuple[str, str]  # the other count, in short and as the name of its variable

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = parse_thresholds(thresholds, 0.5 if top_k is None else NEG_INF)
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        other = self._other[1]
        setattr(self, other, self.add_variable(shape, "zeros", name=other))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch of targets 0 and 1 and predictions in [0, 1]."""
        hits, others = confusion_counts(
            ["tp", self._other[0]],
            y_true,
            y_pred,
            self.thresholds,
            sample_weight=sample_weight,
            top_k=self.top_k,
            class_id=self.class_id,
        )
        self.true_positives.assign_add(hits)
        self._others().assign_add(others)

    def _others(self) -> Variable:
        return getattr(self, self._other[1])

    def result(self) -> Tensor:
        """The ratio, or one per threshold; 0 where there is nothing to divide by."""
        hits = ops.convert_to_tensor(self.true_positives)
        ratio = ops.divide_no_nan(hits, hits + self._others())
        return ratio[0] if len(self.thresholds) == 1 else ratio

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(HitRatio):
    """How many of the positive predictions are right: tp / (tp + fp).

    Args:
        thresholds: None (0.5, or none with `top_k`), a number in [0, 1] or a list of them;
            predictions above it are positive. With a list the result is a vector.
        top_k: only the `top_k` largest predictions of a sample can be positive.
        class_id: count this class only.
        name, dtype: see `Metric`.
    """

    _other = ("fp", "false_positives")


class Recall(HitRatio):
    """How many of the positive targets are predicted: tp / (tp + fn). Arguments as `Precision`."""

    _other = ("fn", "false_negatives")
