"""Reading all metrics of a model at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hotloop import graph

Results = Callable[[], dict[str, Any]]


class MetricResults:
    """What `results` returns, as one plan: callbacks on batches ask for it after every one.

    Args:
        results: makes the metric results by name, in functions of `hotloop.ops`.

    Raises:
        TracingError: a metric needs concrete values.
    """

    def __init__(self, results: Results) -> None:
        names: list[str] = []

        def flat() -> list[Any]:
            made = results()
            names[:] = sorted(made)
            return [made[name] for name in names]

        trace = graph.trace(flat, [])
        self._names = names
        self._executable = graph.compile(trace, batched=False)

    def __call__(self) -> dict[str, Any]:
        """Scalars as Python floats, anything else as arrays, by name in alphabetical order."""
        return dict(zip(self._names, self._executable.numbers([]), strict=True))


def plain(value: Any) -> Any:
    """A scalar as a float, anything else as an array."""
    return float(value) if np.ndim(value) == 0 else np.asarray(value)


def read_one_by_one(results: Results) -> dict[str, Any]:
    """The same, operation by operation."""
    made = results()
    return {name: plain(made[name]) for name in sorted(made)}


def flat_logs(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Logs without the nests: a metric of several values is logged under their names."""
    flat: dict[str, Any] = {}
    for name, value in logs.items():
        if isinstance(value, Mapping):
            flat.update(flat_logs(value))
        else:
            flat[name] = value
    return flat
