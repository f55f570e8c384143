"""Tracing: running a Python function once on symbolic tensors to get its graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hotloop.graph.dtypes import canonical_dtype
from hotloop.graph.errors import TracingError
from hotloop.graph.scope import Scope
from hotloop.graph.tensor import Tensor, constant
from hotloop.graph.variable import Variable


class Trace:
    """A function as a graph: its inputs, its results and the variables it assigns."""

    __slots__ = ("inputs", "outputs", "reads", "updates")

    def __init__(
        self,
        inputs: list[Tensor],
        outputs: list[Tensor],
        updates: dict[Variable, Tensor],
        reads: dict[Variable, Tensor],
    ):
        self.inputs = inputs
        self.outputs = outputs
        self.updates = updates
        self.reads = reads


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
