"""The batches of a source, one pass after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from hotloop.training.runner import BatchRunner
from hotloop.training.sources import Chunk, Source


class StreamFeed:
    """Batches from a source: each is checked and run as it is delivered.

    Every shape of batch has its plan. The first batch is looked at ahead of the pass only where
    `prepare` is called, to build the model from it.

    Args:
        model: the model.
        mode: "train", "test" or "predict".
        source: gives the batches.
        name: what the source is called in messages: "x" or "validation_data".
        class_weight: weight per class, or None.
        restart: whether every pass starts with the first batch, even if it is cut short.
    """

    def __init__(
        self,
        model: Any,
        mode: str,
        source: Source,
        name: str = "x",
        class_weight: Any = None,
        restart: bool = True,
    ) -> None:
        self._model = model
        self._mode = mode
        self._source = source
        self.batch_size: int | None = source.batch_size
        self._name = name
        self._class_weight = class_weight
        self._restart = restart
        self._iterator: Iterator[Chunk] | None = None
        self._runner: BatchRunner | None = None
        self._next = 0  # batch of the runner
        self._seen = 0  # batches since the first one of the data
        self._begin = 0  # what `_seen` was when the pass began
        self._exhausted = False
        self._keep = False
        self._chunks: list[tuple[int, BatchRunner, list[np.ndarray]]] = []

    @property
    def batches(self) -> int | None:
        return self._source.batches

    def open(self) -> None:
        """Nothing: steps are compiled as the first batch of each shape comes."""

    @property
    def order(self) -> StreamFeed:
        """What can tell where it is, and go there."""
        return self

    def prepare(self) -> None:
        """Builds the model from the first batch, which is not lost."""
        self._source.on_epoch_begin()
        self._source.mark()
        try:
            if not self.ready():
                raise self.empty()
        finally:
            self._source.on_epoch_end()
        if self._source.restartable:
            self._drop()
            self._source.set_state(self._source.get_state())

    def begin_pass(self, steps: int | None, first: int) -> None:
        self._source.on_epoch_begin()
        # Without a number of steps a pass is the whole data; with one it goes on.
        if self._source.restartable and (self._restart or steps is None):
            self._drop()
        self._begin_here()
        self._go_to(self._seen + first)

    def may_begin(self) -> bool:
        return self._source.restartable or self.ready()

    def ready(self) -> bool:
        if self._runner is not None and self._next < self._runner.batches:
            return True
        batches = self._source.batches
        if batches is not None and self._seen >= batches:
            return False
        if self._iterator is None:
            if self._exhausted:
                return False
            self._iterator = self._source.iterate(self._seen)
        chunk = next(self._iterator, None)
        if chunk is None:
            self._iterator = None
            self._exhausted = not self._source.restartable
            return False
        self._take(chunk)
        return True

    def run(self, steps: int | None, budget: float | None) -> int:
        done = 0
        begin = time.perf_counter()
        while (steps is None or done < steps) and self.ready():
            runner: Any = self._runner
            left = runner.batches - self._next
            limit = left if steps is None else min(left, steps - done)
            count = runner.run(self._next, limit, outputs=self._outputs(), budget=budget)
            self._next += count
            self._seen += count
            done += count
            if budget is not None and time.perf_counter() - begin >= budget:
                break
        return done

    def end_pass(self) -> None:
        batches = self._source.batches
        if batches is not None and self._seen >= batches:
            self._drop()
        self._begin_here()
        self._source.on_epoch_end()

    def empty(self) -> ValueError:
        """The error of a pass without a batch."""
        return ValueError(
            f"`{self._name}` is a {self._source.kind} that has given no batch. It must give at "
            "least one."
            + (
                ""
                if self._source.restartable
                else " One that has been used up cannot start again: pass a new one, or a "
                "hotloop.utils.PyDataset, which can."
            )
        )

    def close(self) -> None:
        if self._source.restartable:
            self._drop()

    def get_state(self) -> dict[str, Any]:
        """Plain values from which `set_state` goes to the place where the pass began."""
        return {"data": self._identity(), "begin": self._begin, "source": self._source.get_state()}

    def check_state(self, state: dict[str, Any]) -> None:
        """Raises `ValueError` if the state belongs to other data."""
        if state["data"] != self._identity():
            raise ValueError(
                f"It was made by a fit with {state['data']}, and this one has {self._identity()}."
            )

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to where `get_state` was called. A new generator is gone through to there."""
        self.check_state(state)
        if self._source.restartable:
            self._drop()
        self._source.set_state(state["source"])
        self._source.mark()
        self._go_to(state["begin"])
        self._begin = self._seen

    def _begin_here(self) -> None:
        """Notes where a pass begins. In the middle of the data, its order stays the one drawn."""
        self._begin = self._seen
        if self._iterator is None:
            self._source.mark()

    def _identity(self) -> dict[str, Any]:
        return {"source": self._source.kind, "batches": self._source.batches}

    def keep_outputs(self, steps: int | None) -> None:
        del steps
        self._keep = True

    def outputs_since(self, first: int, last: int) -> Any:
        parts: list[list[np.ndarray]] = []
        for begin, runner, arrays in reversed(self._chunks):
            size = runner.batch_size
            rows = slice(max(first - begin, 0) * size, (last - begin) * size)
            parts.insert(0, [array[rows] for array in arrays])
            if begin <= first:
                break
        made = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
        return self._chunks[-1][1].pack_outputs(made)

    def only_batch(self) -> None:
        """None: nobody knows what comes next."""

    def all_outputs(self, done: int) -> Any:
        begin, runner, arrays = self._chunks[-1]
        # It may have been stopped inside of the last chunk.
        rows = (done - begin) * runner.batch_size
        parts = [*(arrays for _, _, arrays in self._chunks[:-1]), [a[:rows] for a in arrays]]
        try:
            joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
        except ValueError as error:
            raise ValueError(
                "The predictions on the batches have different shapes and cannot be put together: "
                f"{error}. Call predict on batches of one shape at a time."
            ) from error
        return runner.pack_outputs(joined)

    def _go_to(self, position: int) -> None:
        """Makes batch number `position` the next one."""
        if self._source.restartable and self._iterator is None and position > self._seen:
            self._iterator = self._source.iterate(position)
            self._seen = position
        while self._seen < position and self.ready():
            self._seen += 1
            self._next += 1

    def _take(self, chunk: Chunk) -> None:
        """Checks a chunk and makes it the one that runs."""
        model = self._model
        batch = f"batch {self._seen} of {self._name}"
        names = (f"inputs of {batch}", f"targets of {batch}", f"sample weights of {batch}")
        data = model._make_data(chunk.x, chunk.y, chunk.sample_weight, names=names)
        size = chunk.batch_size or data.samples
        if self._mode != "predict":
            data = model._weigh_classes(data, self._class_weight)
            model._prepare(data, size, names[1])
        if self._mode == "train":
            model._build_optimizer()
        self._runner = BatchRunner(model, self._mode, data, size)
        self._next = 0
        if self._keep:
            outputs = self._runner.output_arrays(self._runner.batches)
            self._chunks.append((self._seen, self._runner, outputs))

    def _outputs(self) -> list[np.ndarray] | None:
        return self._chunks[-1][2] if self._keep else None

    def _drop(self) -> None:
        """Ends the pass over the data: the next batch will be the first."""
        iterator, self._iterator = self._iterator, None
        self._runner = None
        self._next = self._seen = 0
        if iterator is not None and hasattr(iterator, "close"):
            iterator.close()  # ends workers
