"""The batches of whole arrays, one pass after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.training.data import Data
from hotloop.training.loop import Order
from hotloop.training.runner import BatchRunner


class ArrayFeed:
    """Batches of whole arrays: the executor runs many at a time.

    Args:
        model: the model, prepared for the data.
        mode: "train", "test" or "predict".
        data: the arrays.
        batch_size: samples per batch.
        order: in which order the samples come, and where a pass starts; None: as they are, every
            pass with the first.
    """

    def __init__(
        self,
        model: Any,
        mode: str,
        data: Data,
        batch_size: int,
        order: Order | None = None,
    ) -> None:
        self.batch_size = batch_size
        self.order = order
        self._make_runner = lambda: BatchRunner(model, mode, data, batch_size)
        self._samples = data.samples
        self._runner: Any = None
        self._index: np.ndarray | None = None
        self._begin = self._position = 0
        self._outputs: list[np.ndarray] | None = None

    @property
    def batches(self) -> int | None:
        """Batches in one pass over all the data; None if unknown."""
        return -(-self._samples // self.batch_size)

    def open(self) -> None:
        """Compiles the steps, so that a model which cannot be traced fails here."""
        self._runner = self._make_runner()

    def begin_pass(self, steps: int | None, first: int) -> None:
        """Starts a pass of `steps` batches (None: all), of which `first` are done already."""
        del steps
        if self.order is not None:
            self._begin, self._index = self.order.next_epoch()
        self._position = self._begin + first

    def may_begin(self) -> bool:
        """Whether another pass can begin."""
        return True

    def ready(self) -> bool:
        """Whether there is a batch left in this pass."""
        return self._position < self._runner.batches

    def run(self, steps: int | None, budget: float | None) -> int:
        """Runs at least one batch and at most `steps`; stops after `budget` seconds."""
        left = self._runner.batches - self._position
        done = self._runner.run(
            self._position,
            left if steps is None else min(steps, left),
            index=self._index,
            outputs=self._outputs,
            budget=budget,
        )
        self._position += done
        return done

    def end_pass(self) -> None:
        """Ends the pass."""
        if self.order is not None:
            self.order.advance(self._position - self._begin)

    def empty(self) -> ValueError:
        """The error of a pass without a batch."""
        return ValueError("There is no batch left.")

    def close(self) -> None:
        """Lets go of everything that runs in the background."""

    def keep_outputs(self, steps: int | None) -> None:
        """From now on, keeps the predictions on so many batches."""
        batches = self._runner.batches
        self._outputs = self._runner.output_arrays(batches if steps is None else steps)

    def outputs_since(self, first: int, last: int) -> Any:
        """The predictions on batches first … last-1, as `on_predict_batch_end` is told them."""
        return self._runner.pack_outputs(self._outputs or [], last, first)

    def only_batch(self) -> tuple[Data, Any] | None:
        """The data and the plan, if it is all one batch."""
        return None if self._runner.plan is None else (self._runner.data, self._runner.plan)

    def all_outputs(self, done: int) -> Any:
        """All predictions, on `done` batches, as the model returns them."""
        return self._runner.pack_outputs(self._outputs or [], done)
