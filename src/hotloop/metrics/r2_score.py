"""R2Score."""

from __future__ import annotations

import warnings
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.graph.scope import symbolic_scope
from hotloop.losses.reduction import as_pair
from hotloop.metrics.metric import Metric


class R2Score(Metric):
    """The coefficient of determination: one minus the squared errors over the targets' variance.

    1 is perfect, 0 is what the mean of the targets as prediction would get.

    Args:
        class_aggregation: "uniform_average" for the mean over outputs, "variance_weighted_average"
            for the mean weighted with their variance, None for a vector.
        num_regressors: number of independent variables for the adjusted score; 0 is the plain one.
        name, dtype: see `Metric`.

    Raises:
        ValueError: an argument is not among those above.
    """

    _direction = "up"
    _dtypes = ("float32",)

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        valid = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in valid:
            raise ValueError(
                f"Invalid value for argument `class_aggregation`. Expected one of {valid}. "
                f"Received: class_aggregation={class_aggregation}"
            )
        if num_regressors < 0:
            raise ValueError(
                "Invalid value for argument `num_regressors`. Expected a value >= 0. Received: "
                f"num_regressors={num_regressors}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built = False

    def _build(self, y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]) -> None:
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2:
            raise ValueError(
                "R2Score expects 2D inputs with shape (batch_size, output_dim). Received input "
                f"shapes: y_pred.shape={y_pred_shape} and y_true.shape={y_true_shape}."
            )
        shape = (y_pred_shape[-1],)
        self.squared_sum = self.add_variable(shape, "zeros", name="squared_sum")
        self.sum = self.add_variable(shape, "zeros", name="sum")
        self.total_mse = self.add_variable(shape, "zeros", name="residual")
        self.count = self.add_variable(shape, "zeros", name="count")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch of targets and predictions, both `[batch, outputs]`."""
        y_true, y_pred = as_pair(y_true, y_pred)
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        weight = ops.convert_to_tensor(1.0 if sample_weight is None else sample_weight, "float32")
        if len(weight.shape) == 1:
            weight = ops.expand_dims(weight, axis=1)
        weight = ops.broadcast_to(weight, y_true.shape)
        weighted = y_true * weight
        self.sum.assign_add(ops.sum(weighted, axis=0))
        self.squared_sum.assign_add(ops.sum(y_true * weighted, axis=0))
        self.total_mse.assign_add(ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(float(y_true.size))

    def result(self) -> Tensor:
        """The score, or a vector of scores if `class_aggregation` is None."""
        if not self._built:
            raise ValueError(
                "R2Score does not know the number of outputs yet: call `update_state` first."
            )
        total = self.squared_sum - self.sum * (self.sum / self.count)
        scores = 1.0 - self.total_mse / total
        scores = ops.where(ops.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.sum(total * scores) / ops.sum(total)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores: Tensor) -> Tensor:
        """Less what so many regressors would explain by chance, where there are samples enough."""
        spare = self.num_samples - 1.0 - float(self.num_regressors)
        if symbolic_scope() is None and float(spare) <= 0:
            why = "Division by zero in Adjusted R2 score."
            if float(spare) < 0:
                why = "More independent predictors than datapoints in adjusted R2 score."
            warnings.warn(f"{why} Falling back to standard R2 score.", stacklevel=3)
        enough = ops.greater(spare, 0.0)
        spare = ops.where(enough, spare, 1.0)
        adjusted = 1.0 - (1.0 - scores) * (self.num_samples - 1.0) / spare
        return ops.where(enough, adjusted, scores)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
