"""The loop over the batches of one pass, between callbacks and the executor."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

# Seconds of native code between two looks at the progress display.
_BUDGET = 0.05


def run_pass(
    mode: str,
    feed: Any,
    callbacks: Any,
    *,
    steps: int | None,
    steps_per_execution: int,
    logs: Callable[[], dict[str, float]],
    stopped: Callable[[], bool],
    first: int = 0,
    predicting: bool = False,
) -> int:
    """Runs up to `steps` batches of a feed; returns how many are done.

    While no callback listens to single batches, the executor runs for some time before it comes
    back for the progress display. Otherwise the batch hooks are called around every
    `steps_per_execution` batches, and `stopped` is asked after each.

    Args:
        mode: "train", "test" or "predict".
        feed: an `ArrayFeed` or a `StreamFeed`.
        callbacks: a `CallbackList`.
        steps: batches to run, None for all that there are; fewer are run, with a warning, when the
            data ends before.
        steps_per_execution: batches between batch hooks.
        logs: makes the logs handed to the callbacks.
        stopped: whether to end the pass.
        first: batches of the pass that are done already; they count as done.
        predicting: whether the hooks are told the predictions.

    Raises:
        ValueError: there was no batch at all.
    """
    every_batch = getattr(callbacks, f"overrides_{mode}_batch")
    on_begin = getattr(callbacks, f"on_{mode}_batch_begin")
    on_end = getattr(callbacks, f"on_{mode}_batch_end")
    done = first
    feed.begin_pass(steps, first)
    while (steps is None or done < steps) and feed.ready():
        if every_batch or stopped():  # asked to stop before it began, as Keras after one more
            on_begin(done)
            start, target = done, done + steps_per_execution
            if steps is not None:
                target = min(target, steps)
            while done < target and feed.ready():
                done += feed.run(target - done, None)
            told = {"outputs": feed.outputs_since(start, done)} if predicting else logs()
            on_end(done - 1, told)
        else:
            done += feed.run(None if steps is None else steps - done, _BUDGET)
            callbacks.progress(mode, done, logs)
        if stopped():
            feed.end_pass()
            return done
    feed.end_pass()
    if not done:
        raise feed.empty()
    if steps is not None and done < steps:
        warn_out_of_data()
    return done


def warn_out_of_data() -> None:
    """Says that there were fewer batches than asked for."""
    warnings.warn(
        "Your input ran out of data; interrupting training. Make sure that your arrays, data set "
        "or generator have at least `steps_per_epoch * epochs` batches. You may need to use the "
        "`.repeat()` method of the data set.",
        stacklevel=4,
    )


class Order:
    """In which order an epoch visits the samples, and where it starts.

    With `steps_per_epoch` an epoch goes on where the last one stopped; a new order is drawn when
    the data has been used up.

    Args:
        samples: length of the data.
        batch_size: samples per batch.
        shuffle: False, True, or `"batch"` (within each batch only).
        generator: what to draw from.
    """

    def __init__(
        self, samples: int, batch_size: int, shuffle: bool | str, generator: np.random.Generator
    ) -> None:
        self._samples = samples
        self._batch_size = batch_size
        self._batches = -(-samples // batch_size)
        self._shuffle = shuffle
        self._generator = generator
        self._begin = self._batches
        self._index: np.ndarray | None = None
        self._drawn: Any = None  # the generator's state before `_index` was drawn

    def next_epoch(self) -> tuple[int, np.ndarray | None]:
        """The first batch of the coming epoch, and the order of all samples (None: as they are)."""
        if self._begin >= self._batches:
            self._begin = 0
            self._index = self._draw()
        return self._begin, self._index

    def advance(self, batches: int) -> None:
        """Tells how many batches the epoch has used."""
        self._begin += batches

    def get_state(self) -> dict[str, Any]:
        """Plain values from which `set_state` makes this order again, in another process too."""
        return {
            "data": self._identity(),
            "begin": self._begin,
            "drawn": self._drawn is not None,
            "generator": as_json(self._drawn or self._generator.bit_generator.state),
        }

    def check_state(self, state: dict[str, Any]) -> None:
        """Raises `ValueError` if the state belongs to other data or another way of shuffling."""
        if state["data"] != self._identity():
            raise ValueError(
                f"It was made by a fit with {state['data']}, and this one has {self._identity()}."
            )

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to where `get_state` was called."""
        self.check_state(state)
        self._generator.bit_generator.state = from_json(state["generator"])
        self._drawn, self._index = None, None
        if state["drawn"]:
            self._index = self._draw()
        self._begin = state["begin"]

    def _identity(self) -> dict[str, Any]:
        return {
            "samples": self._samples,
            "batch_size": self._batch_size,
            "shuffle": self._shuffle,
        }

    def _draw(self) -> np.ndarray | None:
        self._drawn = self._generator.bit_generator.state
        if not self._shuffle:
            return None
        index = np.arange(self._samples, dtype=np.int64)
        if self._shuffle == "batch":
            for start in range(0, self._samples, self._batch_size):
                self._generator.shuffle(index[start : start + self._batch_size])
        else:
            self._generator.shuffle(index)
        return index


def as_json(state: Any) -> Any:
    """The state of a NumPy generator with its arrays as lists."""
    if isinstance(state, dict):
        return {key: as_json(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state


def from_json(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: from_json(value) for key, value in state.items()}
    return np.array(state, np.uint64) if isinstance(state, list) else state


class Position:
    """Where `fit` begins: at its first epoch, or where a callback says another process stopped.

    Attributes:
        epoch: the first epoch to run.
        batch: batches of that epoch that are done already.
        finished: whether nothing is left to run.
        order: the order of the samples, or a `StreamFeed` where a source decides on it.
        callbacks: the `CallbackList` of the fit.
        restore: brings back the state that belongs to this place, or None at a plain start. `fit`
            calls it after `on_train_begin`, and again after the `on_epoch_begin` of an epoch that
            begins in its middle, so that nothing which these hooks do is done twice.
    """

    def __init__(self, epoch: int, order: Any, callbacks: Any) -> None:
        self.epoch = epoch
        self.batch = 0
        self.finished = False
        self.order = order
        self.callbacks = callbacks
        self.restore: Callable[[], None] | None = None

    def epochs(self, end: int) -> range:
        """The epochs that are to be run, before `end`."""
        return range(self.epoch, self.epoch if self.finished else end)

    def reach(self) -> None:
        """Brings the state of this place back, if there is any."""
        if self.restore is not None:
            self.restore()

    def leave(self) -> int:
        """How many batches the epoch that begins now has behind it; 0 for all later ones."""
        batch, self.batch = self.batch, 0
        return batch
