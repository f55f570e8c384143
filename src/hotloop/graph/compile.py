"""From a trace to something that runs."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from hotloop.graph import reference
from hotloop.graph.dtypes import numpy_dtype
from hotloop.graph.trace import Trace


class Executable:
    """A compiled trace. `batched`: inputs and outputs are whole data sets, run batch by batch."""

    def __init__(self, trace: Trace, batched: bool):
        self.trace = trace
        self.batched = batched
        self.batch_size = trace.inputs[0].shape[0] if batched else 1

    def run(
        self,
        inputs: Sequence[np.ndarray],
        *,
        index: np.ndarray | None = None,
        outputs: Sequence[np.ndarray] | None = None,
        start: int = 0,
        steps: int = 1,
        budget: float | None = None,
    ) -> int:
        """Runs `steps` batches from batch `start` on; returns how many were done.

        Row r of batch s is row `index[s * batch_size + r]` of each input (without an index, row
        `s * batch_size + r`); outputs are written to rows `s * batch_size + r` of `outputs`.
        Variables are updated in place after every batch. Returns early once `budget` seconds have
        passed. Not `batched`: inputs and outputs are whole arrays.
        """
        begin = time.perf_counter()
        for step in range(steps):
            if self.batched:
                place = slice(
                    (start + step) * self.batch_size, (start + step + 1) * self.batch_size
                )
                rows = place if index is None else index[place]
                batch = [array[rows] for array in inputs]
            else:
                place, batch = slice(None), list(inputs)
            results, updates = reference.run(self.trace, batch, np.float32)
            if outputs is not None:
                for target, result in zip(outputs, results, strict=True):
                    target[place if self.batched else ...] = result
            for variable, value in updates.items():
                variable.assign(value.astype(numpy_dtype(variable.dtype)))
            if budget is not None and time.perf_counter() - begin > budget:
                return step + 1
        return steps


def compile(trace: Trace, batched: bool) -> Executable:
    """An executable for `trace`."""
    return Executable(trace, batched)
