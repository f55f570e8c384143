"""TruePositives, TrueNegatives, FalsePositives and FalseNegatives."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.metrics.confusion import confusion_counts, parse_thresholds
from hotloop.metrics.metric import Metric


class ConfusionCount(Metric):
    """Base of the four counts. Subclasses say which."""

    _dtypes = ("float32",)
    _condition: str

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch of targets 0 and 1 and predictions in [0, 1]."""
        (count,) = confusion_counts(
            [self._condition], y_true, y_pred, self.thresholds, sample_weight=sample_weight
        )
        self.accumulator.assign_add(count)

    def result(self) -> Tensor:
        counts = ops.convert_to_tensor(self.accumulator)
        return counts[0] if len(self.thresholds) == 1 else counts

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(ConfusionCount):
    """The (weighted) number of true positives at one threshold, or at each of several.

    Args:
        thresholds: None (0.5), a number in [0, 1] or a list of them; predictions above it are
            positive. With a list the result is a vector.
        name, dtype: see `Metric`.
    """

    _condition = "tp"


class TrueNegatives(ConfusionCount):
    """The (weighted) number of true negatives at one threshold, or at each of several.

    Args:
        thresholds: None (0.5), a number in [0, 1] or a list of them; predictions above it are
            positive. With a list the result is a vector.
        name, dtype: see `Metric`.
    """

    _condition = "tn"


class FalsePositives(ConfusionCount):
    """The (weighted) number of false positives at one threshold, or at each of several.

    Args:
        thresholds: None (0.5), a number in [0, 1] or a list of them; predictions above it are
            positive. With a list the result is a vector.
        name, dtype: see `Metric`.
    """

    _condition = "fp"


class FalseNegatives(ConfusionCount):
    """The (weighted) number of false negatives at one threshold, or at each of several.

    Args:
        thresholds: None (0.5), a number in [0, 1] or a list of them; predictions above it are
            positive. With a list the result is a vector.
        name, dtype: see `Metric`.
    """

    _condition = "fn"
