"""The best of one rate where another one is good enough, such as PrecisionAtRecall."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.metrics.confusion import confusion_counts
from hotloop.metrics.metric import Metric

_PARTS = {
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
    "precision": ("true_positives", "false_positives"),
    "recall": ("true_positives", "false_negatives"),
}


class TradeOff(Metric):
    """Base of the four: the rates `_given` and `_best` are keys of `_PARTS`."""

    _direction = "up"
    _dtypes = ("float32",)
    _given: str
    _best: str
    _argument: str

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        if not 0 <= value <= 1:
            raise ValueError(
                f"Argument `{self._argument}` must be in the range [0, 1]. Received: "
                f"{self._argument}={value}"
            )
        super().__init__(name=name, dtype=dtype)
        if num_thresholds <= 0:
            raise ValueError(
                "Argument `num_thresholds` must be an integer > 0. Received: "
                f"num_thresholds={num_thresholds}"
            )
        self.value = value
        self.class_id = class_id
        self.num_thresholds = num_thresholds
        if num_thresholds == 1:
            self.thresholds = [0.5]
        else:
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
            self.thresholds = [0.0, *inner, 1.0]
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.true_negatives = self.add_variable(shape, "zeros", name="true_negatives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch of targets 0 and 1 and predictions in [0, 1]."""
        counts = confusion_counts(
            ["tp", "fp", "tn", "fn"],
            y_true,
            y_pred,
            self.thresholds,
            sample_weight=sample_weight,
            class_id=self.class_id,
        )
        for variable, count in zip(self.variables, counts, strict=True):
            variable.assign_add(count)

    def _rate(self, name: str) -> Tensor:
        hits, others = (ops.convert_to_tensor(getattr(self, part)) for part in _PARTS[name])
        return ops.divide_no_nan(hits, hits + others)

    def result(self) -> Tensor:
        """The best rate; 0 if the given one is nowhere good enough."""
        feasible = ops.greater_equal(self._rate(self._given), self.value)
        return ops.max(ops.where(feasible, self._rate(self._best), 0.0), initial=0)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            self._argument: self.value,
            "class_id": self.class_id,
        }


class SensitivityAtSpecificity(TradeOff):
    """The best sensitivity at the thresholds where the specificity is at least a given value.

    Args:
        specificity: the value, in [0, 1].
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: count this class only.
        name, dtype: see `Metric`.

    Raises:
        ValueError: `specificity` is outside [0, 1] or `num_thresholds` is not positive.
    """

    _given, _best, _argument = "specificity", "sensitivity", "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity


class SpecificityAtSensitivity(TradeOff):
    """The best specificity at the thresholds where the sensitivity is at least a given value.

    Args:
        sensitivity: the value, in [0, 1].
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: count this class only.
        name, dtype: see `Metric`.

    Raises:
        ValueError: `sensitivity` is outside [0, 1] or `num_thresholds` is not positive.
    """

    _given, _best, _argument = "sensitivity", "specificity", "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity


class PrecisionAtRecall(TradeOff):
    """The best precision at the thresholds where the recall is at least a given value.

    Args:
        recall: the value, in [0, 1].
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: count this class only.
        name, dtype: see `Metric`.

    Raises:
        ValueError: `recall` is outside [0, 1] or `num_thresholds` is not positive.
    """

    _given, _best, _argument = "recall", "precision", "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall


class RecallAtPrecision(TradeOff):
    """The best recall at the thresholds where the precision is at least a given value.

    Args:
        precision: the value, in [0, 1].
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: count this class only.
        name, dtype: see `Metric`.

    Raises:
        ValueError: `precision` is outside [0, 1] or `num_thresholds` is not positive.
    """

    _given, _best, _argument = "precision", "recall", "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision
