"""What callbacks that watch one metric have in common."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

from hotloop.callbacks.callback import Callback


class MonitorCallback(Callback):
    """Base of callbacks that ask whether a metric has improved.

    Args:
        monitor: name of the metric in the logs.
        mode: "min" (less is better), "max", or "auto": less for a loss, else as the metric says.
        baseline: the value to be better than, or None for the first one seen.
        min_delta: how much better counts as better.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} mode '{mode}' is unknown, fallback to auto mode.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best: Any = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def _set_monitor_op(self) -> None:
        """Finds out, once the metrics are there, which way is better.

        Raises:
            ValueError: `mode` is "auto" and the metric does not say.
        """
        if self.monitor_op is not None:
            return
        mode = self.mode if self.mode != "auto" else self._direction()
        self.monitor_op = operator.lt if mode == "min" else operator.gt
        if mode == "min":
            self.min_delta *= -1

    def _direction(self) -> str:
        name = self.monitor.removeprefix("val_")
        found = "min" if name == "loss" else None
        for metric in getattr(self.model, "metrics", ()):
            for inner in (metric, *getattr(metric, "metrics", ())):
                if inner.name == name and hasattr(inner, "_direction"):
                    found = "max" if inner._direction == "up" else "min"
        if found is None:
            raise ValueError(
                f"{type(self).__name__} was made with monitor={self.monitor!r}, and that metric "
                "does not say whether more or less of it is better. Pass mode='max' or mode='min'."
            )
        return found

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        self._set_monitor_op()
        assert self.monitor_op is not None
        return reference is None or bool(self.monitor_op(value - self.min_delta, reference))
