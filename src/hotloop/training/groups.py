"""Several batches of predict and evaluate as one step, where nobody can tell the difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hotloop import graph

# Rows of a group, from how many rows on it is worth another plan, and elements that a tensor of a
# group may have.
_TOGETHER = 512
_WORTH = 16 * _TOGETHER
_LARGEST = 1 << 23
_GROUPS = 64  # groups of an evaluation between whose parts results are kept,
_WIDEST = 1 << 10  # and elements that a row may have there


def worth(rows: int) -> bool:
    """Whether so many rows may be run in groups."""
    return rows >= _WORTH


class Groups:
    """Runs `size` batches at a time: all of the step, or what it does with rows before `after`."""

    def __init__(
        self, batch_size: int, size: int, rows: graph.Executable, after: graph.Executable | None
    ):
        self.size = size
        self._batch_size = batch_size
        self._rows = rows
        # What an evaluation does with the results of each batch of the caller's.
        self.after = after

    @classmethod
    def make(
        cls,
        few: graph.Trace,
        batch_size: int,
        trace: Callable[[Sequence[tuple[tuple[int, ...], str]]], graph.Trace],
    ) -> Groups | None:
        """For the step that `few` is a trace of; None where batches cannot be put together.

        `trace` traces it for other shapes of inputs.
        """
        size = _TOGETHER // batch_size
        if size < 2:
            return None
        specs = [((size * batch_size, *tensor.shape[1:]), tensor.dtype) for tensor in few.inputs]
        try:
            many = trace(specs)
        except Exception:
            # Whatever it is: the user's layers may take no other batch than the one they have seen.
            return None
        if graph.rows.are_apart(few, many, _LARGEST):
            return cls(batch_size, size, graph.compile(many, batched=True), None)
        if parts := graph.rows.cut(few, many, _LARGEST, _WIDEST):
            return cls(batch_size, size, *(graph.compile(part, batched=True) for part in parts))
        return None

    def run(
        self,
        arrays: list[np.ndarray],
        *,
        index: np.ndarray | None,
        outputs: list[np.ndarray] | None,
        start: int,
        steps: int,
        budget: float | None,
    ) -> int:
        """As `Executable.run`, in batches of the caller's, from the beginning of a group on."""
        groups = steps // self.size
        if self.after is None:
            done = self._rows.run(
                arrays,
                index=index,
                outputs=outputs,
                start=start // self.size,
                steps=groups,
                budget=budget,
            )
            return done * self.size
        first = start * self._batch_size
        if index is None:
            arrays = [array[first:] for array in arrays]
        else:
            index = index[first:]
        groups = min(groups, _GROUPS)
        between = self._rows.make_outputs(groups)
        done = self._rows.run(arrays, index=index, outputs=between, steps=groups, budget=budget)
        return self.after.run(between, steps=done * self.size)
