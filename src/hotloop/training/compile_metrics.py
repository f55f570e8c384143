"""The metrics given to `compile`, resolved once the shapes of targets and predictions are known."""

from __future__ import annotations

from typing import Any

from hotloop import metrics as metrics_module
from hotloop.ops import tree


class CompileMetrics:
    """Plain and weighted metrics of the one output of a model, seen as one metric.

    Args:
        metrics: list (or dictionary keyed by output) of strings, `Metric`s, metric classes and
            callables `fn(y_true, y_pred)`; they do not see sample weights.
        weighted_metrics: likewise; they see sample and class weights.
    """

    name = "compile_metrics"

    def __init__(self, metrics: Any, weighted_metrics: Any) -> None:
        self._plain_identifiers = _as_list(metrics, "metrics")
        self._weighted_identifiers = _as_list(weighted_metrics, "weighted_metrics")
        self._plain: list[Any] = []
        self._weighted: list[Any] = []
        self.built = False
        for identifier in (*self._plain_identifiers, *self._weighted_identifiers):
            # A misspelt name fails in `compile`: any shapes will do to find out.
            metrics_module.resolve(identifier, (None, 2), (None, 2))

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Makes the metrics from anything with the shapes of targets and predictions."""
        if self.built:
            return
        shapes = tuple(y_true.shape), tuple(y_pred.shape)
        self._plain = [metrics_module.resolve(m, *shapes) for m in self._plain_identifiers]
        self._weighted = [metrics_module.resolve(m, *shapes) for m in self._weighted_identifiers]
        self.built = True

    @property
    def requested(self) -> bool:
        """Whether there are any metrics."""
        return bool(self._plain_identifiers or self._weighted_identifiers)

    @property
    def metrics(self) -> list[Any]:
        return [*self._plain, *self._weighted]

    @property
    def variables(self) -> list[Any]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.build(y_true, y_pred)
        for metric in self._plain:
            metric.update_state(y_true, y_pred)
        for metric in self._weighted:
            metric.update_state(y_true, y_pred, sample_weight=sample_weight)

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """Results by name; a name taken already gets `weighted_` in front or a number behind."""
        results: dict[str, Any] = {}
        for metric in self._plain:
            results[_free_name(metric.name, results)] = metric.result()
        for metric in self._weighted:
            name = metric.name
            if name in results:
                name = _free_name(f"weighted_{name}", results)
            results[name] = metric.result()
        return results


def _free_name(name: str, taken: dict[str, Any]) -> str:
    candidate, count = name, 0
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    return candidate


def _as_list(metrics: Any, argument: str) -> list[Any]:
    if metrics is None:
        return []
    if not isinstance(metrics, (list, tuple, dict)):
        raise ValueError(
            f"Expected `{argument}` argument to be a list, tuple, or dict. Received instead: "
            f"{argument}={metrics!r} of type {type(metrics).__name__}"
        )
    if isinstance(metrics, dict) and len(metrics) > 1:
        raise NotImplementedError(
            f"`{argument}` for several outputs is not supported yet. Received: {metrics!r}"
        )
    flat = tree.flatten(metrics)
    if any(metric is None for metric in flat):
        raise ValueError(f"`{argument}` has None in it: {metrics!r}. Leave it out.")
    return flat
