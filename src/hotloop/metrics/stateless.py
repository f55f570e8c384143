"""Metrics as pure functions: values in, values out, the variables left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hotloop.graph import Scope, Tensor, constant
from hotloop.graph.scope import current_scope

if TYPE_CHECKING:
    from hotloop.metrics.metric import Metric


@contextmanager
def substitute(metric: Metric, values: Sequence[Any]) -> Iterator[Callable[[], list[Tensor]]]:
    """Inside the block the variables of `metric` have `values`, and assignments do not last.

    Yields a function that returns the current values. Works in a trace as well.

    Raises:
        ValueError: there are more or fewer values than variables, or one of another shape.
    """
    variables = metric.variables
    if len(values) != len(variables):
        raise ValueError(
            "Argument `metric_variables` must be a list of tensors corresponding 1:1 to "
            f"{type(metric).__name__}().variables. Received list with length {len(values)}, but "
            f"expected {len(variables)} variables."
        )
    tensors = [
        constant(value, variable.dtype) for variable, value in zip(variables, values, strict=True)
    ]
    for variable, tensor in zip(variables, tensors, strict=True):
        if tensor.shape != variable.shape:
            raise ValueError(
                f"Argument `metric_variables` has a value of shape {tensor.shape} for the variable "
                f"{variable.path!r} of shape {variable.shape}."
            )
    scope = current_scope()
    if scope is None:
        with Scope(symbolic=False) as scope, _substituted(scope, metric, tensors) as current:
            # Plain values: the tape of this scope must not grow from batch to batch.
            yield lambda: [constant(tensor.numpy()) for tensor in current()]
    else:
        with _substituted(scope, metric, tensors) as current:
            yield current


@contextmanager
def _substituted(
    scope: Scope, metric: Metric, tensors: list[Tensor]
) -> Iterator[Callable[[], list[Tensor]]]:
    before = dict(scope.updates)
    scope.updates.update(zip(metric.variables, tensors, strict=True))
    try:
        yield lambda: [variable.value for variable in metric.variables]
    finally:
        # Variables that were made inside the block are among these.
        for variable in metric.variables:
            if variable in before:
                scope.updates[variable] = before[variable]
            else:
                scope.updates.pop(variable, None)
