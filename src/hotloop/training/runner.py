"""Batches of one data set through the plans of one model."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.ops import tree
from hotloop.training.data import Data


class BatchRunner:
    """Runs the batches of `data` in order, or in the order of an index vector.

    The short last batch has a plan of its own. Both are made here, before the first batch runs, so
    that a model which cannot be traced fails with its weights untouched.

    Args:
        model: the model.
        mode: "train", "test" or "predict".
        data: the arrays.
        batch_size: samples per batch.
    """

    def __init__(self, model: Any, mode: str, data: Data, batch_size: int) -> None:
        self.data = data
        self.batch_size = batch_size
        self._full, tail = divmod(data.samples, batch_size)
        plans = model._trainer.plans
        self._plan: Any = plans.plan(model, mode, data, batch_size) if self._full else None
        self._tail_plan: Any = plans.plan(model, mode, data, tail) if tail else None
        self._tail_arrays: list[np.ndarray] = []
        if tail:
            rest = data.rows(self._full * batch_size, data.samples) if self._full else data
            self._tail_arrays = rest.arrays

    @property
    def batches(self) -> int:
        return self._full + (self._tail_plan is not None)

    @property
    def plan(self) -> Any:
        """The plan of the only batch; None if there are several."""
        return (self._plan or self._tail_plan) if self.batches == 1 else None

    def run(
        self,
        start: int,
        steps: int,
        *,
        index: np.ndarray | None = None,
        outputs: list[np.ndarray] | None = None,
        budget: float | None = None,
    ) -> int:
        """Runs at most `steps` batches from batch `start` on; returns how many were run.

        With `index` (int64 `[samples]`), batch s holds the samples `index[s * batch_size + r]`.
        `outputs` are arrays `[samples, ...]`, written in the order of the batches.
        """
        if start < self._full:
            return self._plan.run(
                self.data.arrays,
                index=index,
                outputs=outputs,
                start=start,
                steps=min(steps, self._full - start),
                budget=budget,
            )
        first = self._full * self.batch_size
        return self._tail_plan.run(
            self._tail_arrays if index is None else self.data.arrays,
            index=None if index is None else index[first:],
            outputs=None if outputs is None else [array[first:] for array in outputs],
            start=0,
            steps=1,
            budget=budget,
        )

    def output_arrays(self, batches: int) -> list[np.ndarray]:
        """Empty arrays for the predictions on the first `batches` batches.

        Raises:
            ValueError: an output has no axis of samples.
        """
        samples = min(batches * self.batch_size, self.data.samples)
        plan = self._plan or self._tail_plan
        arrays = []
        for shape, dtype in plan.output_specs(self.data.arrays):
            if not shape or shape[0] != plan.batch_size:
                raise ValueError(
                    f"predict needs one prediction per sample, but an output has shape {shape} for "
                    f"a batch of {plan.batch_size}."
                )
            # Plans write lanes of 4 bytes: truth values as int32, until `pack_outputs`.
            arrays.append(np.empty((samples, *shape[1:]), "int32" if dtype == "bool" else dtype))
        return arrays

    def pack_outputs(
        self, arrays: list[np.ndarray], batches: int | None = None, first: int = 0
    ) -> Any:
        """What a run of batches first … `batches`-1 (None: all) wrote, as the model returns it."""
        plan = self._plan or self._tail_plan
        specs = plan.output_specs(self.data.arrays)
        stop = None if batches is None else batches * self.batch_size
        results = [
            (array if dtype != "bool" else array.astype(np.bool_))[first * self.batch_size : stop]
            for array, (_, dtype) in zip(arrays, specs, strict=True)
        ]
        return (
            results[0] if plan.structure is None else tree.pack_sequence_as(plan.structure, results)
        )
