"""AUC: the area under a curve of rates over thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop import ops
from hotloop._settings import epsilon
from hotloop.graph import Tensor
from hotloop.metrics.confusion import confusion_counts
from hotloop.metrics.metric import Metric

_CURVES = ("PR", "ROC", "PRGAIN")
_SUMMATIONS = ("interpolation", "majoring", "minoring")


class AUC(Metric):
    """The area under the ROC, precision-recall or precision-recall-gain curve.

    The curve is known at `num_thresholds` thresholds; the area between them is a sum of
    trapezoids, or for precision and recall the interpolation of Davis and Goadrich ("The
    Relationship Between Precision-Recall and ROC Curves", 2006). Precision-recall-gain curves are
    those of Flach and Kull ("Precision-Recall-Gain Curves", 2015).

    Args:
        num_thresholds: how many thresholds, the two just outside [0, 1] included; at least 2.
        curve: "ROC", "PR" or "PRGAIN".
        summation_method: "interpolation", or "minoring" or "majoring" for the smaller or the
            larger height of every interval.
        name, dtype: see `Metric`.
        thresholds: None, or the thresholds between 0 and 1, in place of `num_thresholds`.
        multi_label: whether every column is a label with an area of its own; the result is their
            mean. Otherwise all columns are one.
        num_labels: number of columns with `multi_label`; None finds it in the first batch.
        label_weights: None or a weight per label: of its area with `multi_label`, of its
            predictions otherwise.
        from_logits: whether predictions are logits rather than probabilities.

    Raises:
        ValueError: an argument is not among those above.
    """

    _direction = "up"
    _dtypes = ("float32",)

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if thresholds is not None:
            inner = sorted(float(t) for t in thresholds)
            self.num_thresholds = len(inner) + 2
        elif num_thresholds <= 1:
            raise ValueError(
                "Argument `num_thresholds` must be an integer > 1. Received: "
                f"num_thresholds={num_thresholds}"
            )
        else:
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
            self.num_thresholds = num_thresholds
        self._init_from_thresholds = thresholds is not None
        # The first one is below 0 and the last one above 1: all or nothing is positive there.
        self._thresholds = [0.0 - epsilon(), *inner, 1.0 + epsilon()]
        self.curve = _choice(curve, _CURVES, str(curve).upper(), "AUC curve")
        self.summation_method = _choice(
            summation_method, _SUMMATIONS, str(summation_method).lower(), "AUC summation method"
        )
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None
        if label_weights is not None:
            self.label_weights = np.asarray(label_weights, np.float32)
        self._from_logits = from_logits
        self._built = False
        if not multi_label:
            if num_labels:
                raise ValueError("`num_labels` is needed only when `multi_label` is True.")
            self._build(())
        elif num_labels:
            self._build((num_labels,))

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, the two just outside [0, 1] included."""
        return list(self._thresholds)

    def _build(self, labels: tuple[int, ...]) -> None:
        if self.label_weights is not None and labels and self.label_weights.shape != labels:
            raise ValueError(
                f"`label_weights` must have one weight for each of {labels[0]} labels. Received: "
                f"label_weights of shape {self.label_weights.shape}"
            )
        shape = (self.num_thresholds, *labels)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.true_negatives = self.add_variable(shape, "zeros", name="true_negatives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch of targets 0 and 1 and predictions (in [0, 1] unless `from_logits`)."""
        y_pred = ops.convert_to_tensor(y_pred)
        if self.multi_label and len(y_pred.shape) != 2:
            raise ValueError(
                "`y_pred` must have rank 2 when `multi_label=True`. Found rank "
                f"{len(y_pred.shape)}. Full shape received for `y_pred`: {y_pred.shape}"
            )
        if not self._built:
            self._build(y_pred.shape[1:])
        if self._from_logits:
            y_pred = ops.sigmoid(y_pred)
        counts = confusion_counts(
            ["tp", "fp", "tn", "fn"],
            y_true,
            y_pred,
            self._thresholds,
            sample_weight=sample_weight,
            multi_label=self.multi_label,
            label_weights=None if self.multi_label else self.label_weights,
        )
        for variable, count in zip(self.variables, counts, strict=True):
            variable.assign_add(count)

    def result(self) -> Tensor:
        """The area, from 0 to 1; the (weighted) mean of the labels' areas with `multi_label`."""
        if not self._built:
            raise ValueError(
                "AUC with `multi_label=True` does not know the number of labels yet: pass "
                "`num_labels`, or call `update_state` first."
            )
        tp, fp, tn, fn = (ops.convert_to_tensor(variable) for variable in self.variables)
        if self.curve == "PR" and self.summation_method == "interpolation":
            area = _interpolated_pr(tp, fp, fn)
        else:
            x, y = self._curve(tp, fp, tn, fn)
            left, right = y[:-1], y[1:]
            if self.summation_method == "interpolation":
                heights = (left + right) / 2.0
            elif self.summation_method == "minoring":
                heights = ops.minimum(left, right)
            else:
                heights = ops.maximum(left, right)
            area = (x[:-1] - x[1:]) * heights
        if not self.multi_label:
            return ops.sum(area)
        by_label = ops.sum(area, axis=0)
        if self.label_weights is None:
            return ops.mean(by_label)
        total = float(self.label_weights.sum())
        return ops.divide_no_nan(ops.sum(by_label * self.label_weights), total)

    def _curve(self, tp: Tensor, fp: Tensor, tn: Tensor, fn: Tensor) -> tuple[Tensor, Tensor]:
        """The curve's points, x falling with the thresholds."""
        recall = ops.divide_no_nan(tp, tp + fn)
        if self.curve == "ROC":
            return ops.divide_no_nan(fp, fp + tn), recall
        if self.curve == "PR":
            return recall, ops.divide_no_nan(tp, tp + fp)
        odds = ops.divide_no_nan(tp + fn, tn + fp)
        recall_gain = 1.0 - odds * ops.divide_no_nan(fn, tp)
        precision_gain = 1.0 - odds * ops.divide_no_nan(fp, tp)
        none = ops.equal(tp, 0.0)
        recall_gain = ops.maximum(ops.where(none, 0.0, recall_gain), 0.0)
        return recall_gain, ops.where(none, 1.0, precision_gain)

    def get_config(self) -> dict[str, Any]:
        weights = self.label_weights
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if weights is None else weights.tolist(),
            "from_logits": self._from_logits,
        }
        if self._init_from_thresholds:
            config["thresholds"] = self._thresholds[1:-1]
        return config


def _choice(value: Any, valid: tuple[str, ...], standard: str, what: str) -> str:
    if not isinstance(value, str) or standard not in valid:
        raise ValueError(f'Invalid {what} value: "{value}". Expected values are {list(valid)}')
    return standard


def _interpolated_pr(tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
    """The area below precision and recall in every interval.

    Between two thresholds tp grows linearly with p = tp + fp; the area of that is a logarithm.
    """
    p = tp + fp
    high, low = p[:-1], p[1:]
    step = tp[:-1] - tp[1:]
    slope = ops.divide_no_nan(step, ops.maximum(high - low, 0.0))
    intercept = tp[1:] - slope * low
    both = ops.logical_and(ops.greater(high, 0.0), ops.greater(low, 0.0))
    ratio = ops.where(both, ops.divide_no_nan(high, ops.maximum(low, 0.0)), 1.0)
    area = slope * (step + intercept * ops.log(ratio))
    return ops.divide_no_nan(area, ops.maximum(tp[1:] + fn[1:], 0.0))
