"""PearsonCorrelation and ConcordanceCorrelation, as classes and as functions."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop._settings import epsilon
from hotloop.graph import Tensor
from hotloop.losses.reduction import as_pair
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Pearson's correlation of targets and predictions along `axis`; NaN where either is constant.

    The mean product of both, each less its mean and over its standard deviation.
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    y_true = y_true - ops.mean(y_true, axis=axis, keepdims=True)
    y_pred = y_pred - ops.mean(y_pred, axis=axis, keepdims=True)
    y_true = y_true / ops.std(y_true, axis=axis, keepdims=True)
    y_pred = y_pred / ops.std(y_pred, axis=axis, keepdims=True)
    return ops.mean(y_true * y_pred, axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Lin's concordance correlation of targets and predictions along `axis`.

    `2 * cov / (var_true + var_pred + (mean_true - mean_pred)² + epsilon)`: unlike Pearson's it is 1
    only where predictions equal targets (Lin, "A Concordance Correlation Coefficient to Evaluate
    Reproducibility", 1989).
    """
    y_true, y_pred = as_pair(y_true, y_pred)
    mean_true = ops.mean(y_true, axis=axis, keepdims=True)
    mean_pred = ops.mean(y_pred, axis=axis, keepdims=True)
    spread = (
        ops.var(y_true, axis=axis, keepdims=True)
        + ops.var(y_pred, axis=axis, keepdims=True)
        + ops.square(mean_true - mean_pred)
    )
    # The mean of predictions less their mean is 0, so either mean may be taken from the targets.
    covariance = (y_true - mean_true) * (y_pred - mean_pred)
    return ops.mean(2.0 * covariance / (spread + epsilon()), axis=axis)


class PearsonCorrelation(FunctionMetric):
    """The mean of Pearson's correlation along `axis`."""

    _direction = "up"

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(pearson_correlation, name=name, dtype=dtype, axis=axis)
        self.axis = axis


class ConcordanceCorrelation(FunctionMetric):
    """The mean of the concordance correlation along `axis`."""

    _direction = "up"

    def __init__(
        self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(concordance_correlation, name=name, dtype=dtype, axis=axis)
        self.axis = axis
