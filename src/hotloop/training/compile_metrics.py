"""The metrics given to `compile`, resolved once targets and predictions are known."""

from __future__ import annotations

from typing import Any

from hotloop import metrics as metrics_module
from hotloop.ops import tree
from hotloop.training.compile_loss import flat_names, is_config
from hotloop.training.outputs import align, paths_of


class CompileMetrics:
    """Plain and weighted metrics of a model's outputs, seen as one metric.

    Args:
        metrics: list (or dictionary by output) of strings, `Metric`s, metric classes and callables
            `fn(y_true, y_pred)`, or for several outputs lists of these; they do not see sample
            weights.
        weighted_metrics: likewise; they see sample and class weights.
        output_names: names of the model's outputs, where it knows them.
    """

    name = "compile_metrics"

    def __init__(self, metrics: Any, weighted_metrics: Any, output_names: Any = None) -> None:
        self._requests = {"metrics": metrics, "weighted_metrics": weighted_metrics}
        self._output_names = output_names
        for argument, value in self._requests.items():
            self._requests[argument] = _checked(value, argument, output_names)
        # For each output: the name in front of its metrics' names, or None, and its metrics.
        self._plain: list[tuple[str | None, list[Any]]] = []
        self._weighted: list[tuple[str | None, list[Any]]] = []
        self.built = False

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Makes the metrics from anything with the shapes of targets and predictions.

        Raises:
            ValueError: they do not fit the outputs, or an output has metrics and no targets.
        """
        if self.built:
            return
        truths = tree.flatten(self._align(y_true, y_pred))
        predictions = tree.flatten(y_pred)
        self._plain, self._weighted = (
            self._build_one(argument, truths, predictions, y_pred) for argument in self._requests
        )
        self.built = True

    def _build_one(
        self, argument: str, truths: list[Any], predictions: list[Any], y_pred: Any
    ) -> list[tuple[str | None, list[Any]]]:
        wanted = self._requests[argument]
        names = self._names(y_pred)
        by_output = _by_output(wanted, argument, y_pred, names)
        built = []
        for index, (identifiers, truth, prediction) in enumerate(
            zip(by_output, truths, predictions, strict=True)
        ):
            prefix = names[index] if names and len(predictions) > 1 else None
            if identifiers and truth is None:
                raise ValueError(
                    f"`y` has no targets for the output {prefix or index!r}, which has metrics in "
                    f"`{argument}`."
                )
            made = [
                metrics_module.resolve(one, tuple(truth.shape), tuple(prediction.shape))
                for one in identifiers
            ]
            built.append((prefix, made))
        return built

    def _names(self, y_pred: Any) -> list[Any] | None:
        """The names of the outputs: the keys of a dictionary, else the layers' names."""
        if isinstance(y_pred, dict) and len(tree.flatten(y_pred)) == len(y_pred):
            return tree.flatten({key: key for key in y_pred})
        return flat_names(self._output_names, y_pred)

    def _align(self, values: Any, y_pred: Any, name: str = "y") -> Any:
        return align(values, y_pred, flat_names(self._output_names, y_pred), name=name)

    @property
    def requested(self) -> bool:
        """Whether there are any metrics."""
        return any(
            leaf is not None for value in self._requests.values() for leaf in tree.flatten(value)
        )

    @property
    def metrics(self) -> list[Any]:
        return [metric for _, some in (*self._plain, *self._weighted) for metric in some]

    @property
    def variables(self) -> list[Any]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.build(y_true, y_pred)
        truths = tree.flatten(self._align(y_true, y_pred))
        predictions = tree.flatten(y_pred)
        for (_, some), truth, prediction in zip(self._plain, truths, predictions, strict=True):
            for metric in some:
                metric.update_state(truth, prediction)
        weights = [sample_weight] * len(predictions)
        if tree.is_nested(sample_weight):
            weights = tree.flatten(self._align(sample_weight, y_pred, "sample_weight"))
        for (_, some), truth, prediction, weight in zip(
            self._weighted, truths, predictions, weights, strict=True
        ):
            for metric in some:
                metric.update_state(truth, prediction, sample_weight=weight)

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """Results by name, with the output's in front where there are several.

        A name taken already gets `weighted_` in front or a number behind.
        """
        results: dict[str, Any] = {}
        for prefix, some in self._plain:
            for metric in some:
                results[_free_name(_prefixed(prefix, metric.name), results)] = metric.result()
        for prefix, some in self._weighted:
            for metric in some:
                name = _prefixed(prefix, metric.name)
                if name in results:
                    name = _free_name(_prefixed(prefix, f"weighted_{metric.name}"), results)
                results[name] = metric.result()
        return results


def _prefixed(prefix: str | None, name: str) -> str:
    return name if prefix is None else f"{prefix}_{name}"


def _free_name(name: str, taken: dict[str, Any]) -> str:
    candidate, count = name, 0
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    return candidate


def _checked(metrics: Any, argument: str, output_names: Any) -> Any:
    """The argument with configurations turned into metrics, after a look at every name."""
    if metrics is None:
        return []
    if not isinstance(metrics, (list, tuple, dict)):
        raise ValueError(
            f"Expected `{argument}` argument to be a list, tuple, or dict. Received instead: "
            f"{argument}={metrics!r} of type {type(metrics).__name__}"
        )

    def check(part: Any) -> Any:
        if is_config(part):
            return metrics_module.deserialize(part)
        if isinstance(part, dict):
            return {key: check(inner) for key, inner in part.items()}
        if isinstance(part, (list, tuple)):
            return [check(inner) for inner in part]
        if part is not None:
            # A misspelt name fails in `compile`: any shapes will do to find out.
            metrics_module.resolve(part, (None, 2), (None, 2))
        return part

    checked = check(metrics)
    if output_names and len(output_names) == 1:
        _refuse_none(checked, argument)
    return checked


def _refuse_none(metrics: Any, argument: str) -> None:
    if any(metric is None for metric in tree.flatten(metrics)):
        raise ValueError(f"`{argument}` has None in it: {metrics!r}. Leave it out.")


def _by_output(
    metrics: Any, argument: str, y_pred: Any, names: list[Any] | None
) -> list[list[Any]]:
    """The metrics of each output, in the order of `tree.flatten(y_pred)`."""
    count = len(tree.flatten(y_pred))
    if not metrics:
        return [[] for _ in range(count)]
    if count == 1:
        _refuse_none(metrics, argument)
        return [tree.flatten(metrics)]
    flat = tree.is_nested(y_pred) and len(y_pred) == count
    parts: list[Any] | None = None
    if flat and isinstance(metrics, (list, tuple)) and len(metrics) == count:
        parts = list(metrics)
    elif flat and names and isinstance(metrics, dict) and set(metrics) <= set(names):
        parts = [metrics.get(name) for name in names]
    else:
        try:
            parts = [_at(metrics, path) for path in paths_of(y_pred)]
        except (KeyError, IndexError, TypeError):
            parts = None
    if parts is None or any(isinstance(part, dict) for part in parts):
        by_name = f", or a dictionary with keys among {names}" if names else ""
        raise ValueError(
            f"`{argument}` must have one metric, or list of metrics, per output: a list of {count}"
            f"{by_name}, or the structure of the model's outputs, "
            f"{tree.map_structure(lambda _: '*', y_pred)}. Received: {argument}={metrics!r}"
        )
    return [[] if p is None else tree.flatten(p) if tree.is_nested(p) else [p] for p in parts]


def _at(metrics: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        if not tree.is_nested(metrics):
            raise TypeError(metrics)
        metrics = metrics[key]
    return metrics
