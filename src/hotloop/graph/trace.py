"""Tracing: running a Python function once on symbolic tensors to get its graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hotloop.graph.dtypes import canonical_dtype
from hotloop.graph.errors import TracingError
from hotloop.graph.scope import Scope
from hotloop.graph.tensor import Tensor, constant
from hotloop.graph.variable import Variable


class Trace(NamedTuple):
    """A function as a graph: its inputs, its results and the variables it assigns."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    updates: dict[Variable, Tensor]
    reads: dict[Variable, Tensor]


def trace(fn: Callable[..., Sequence[Any]], specs: Sequence[tuple[Sequence[int], Any]]) -> Trace:
    """Runs `fn` on one symbolic tensor per (shape, dtype) of `specs`.

    `fn` returns a flat list of tensors (or variables, arrays, numbers). Raises `TracingError` when
    it asks for values that are not known yet, or returns a tensor of another trace.
    """
    with Scope(symbolic=True) as scope:
        inputs = [
            Tensor(
                "input",
                tuple(int(dim) for dim in shape),
                canonical_dtype(dtype),
                (),
                {"index": index},
                origin=scope.serial,
            )
            for index, (shape, dtype) in enumerate(specs)
        ]
        outputs = [constant(output) for output in fn(*inputs)]
        updates = dict(scope.updates)
    for tensor in (*outputs, *updates.values()):
        if tensor.origin not in (0, scope.serial):
            raise TracingError(
                "A compiled function returned or assigned a symbolic tensor (shape "
                f"{tensor.shape}) that was made while another function was compiled. Return only "
                "what the function computes from its own arguments and from variables."
            )
    return Trace(inputs, outputs, updates, dict(scope.reads))
