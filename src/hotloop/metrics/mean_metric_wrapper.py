"""MeanMetricWrapper: the mean of a function of (y_true, y_pred)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hotloop import losses
from hotloop.losses.reduction import apply_mask
from hotloop.metrics.mean import Mean
from hotloop.metrics.metric import Metric
from hotloop.ops.masks import get_keras_mask


class MeanMetricWrapper(Mean):
    """The mean of `fn(y_true, y_pred, **kwargs)` over all samples.

    Args:
        fn: function that returns values `[batch, ...]` or a scalar; a metric or a loss function.
        name, dtype: see `Metric`.
        kwargs: passed on to `fn`.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        if not hasattr(self, "_direction") and losses.is_loss(fn):
            self._direction = "down"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch. Where `y_pred` carries a mask, only what it lets through counts."""
        sample_weight = apply_mask(sample_weight, get_keras_mask(y_pred), "sum")
        super().update_state(self._fn(y_true, y_pred, **self._fn_kwargs), sample_weight)

    def get_config(self) -> dict[str, Any]:
        from hotloop.metrics import serialize_function

        return {**super().get_config(), "fn": serialize_function(self._fn), **self._fn_kwargs}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Metric:
        """The metric of a configuration; `custom_objects` may have its function by name."""
        from hotloop.metrics import deserialize_function

        config = dict(config)
        if "fn" in config:
            config["fn"] = deserialize_function(config["fn"], custom_objects)
        return cls(**config)


class FunctionMetric(MeanMetricWrapper):
    """Base of the metrics that are the mean of one known function."""

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, **self._fn_kwargs}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Metric:
        """The metric of a configuration, which names no function: the class knows its own."""
        return cls(**config)
