"""PyDataset: batches made by Python code, in parallel if wanted."""

from __future__ import annotations

import itertools
import operator
import warnings
from collections.abc import Iterator
from typing import Any


def _count(value: Any, name: str, least: int) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r}") from None
    if isinstance(value, bool) or count < least:
        raise ValueError(f"`{name}` must be an integer of at least {least}. Received: {value!r}")
    return count


class PyDataset:
    """Base class of data sets whose batches are made by Python code.

    A subclass defines `__getitem__(index)`, which returns a whole batch: `(x,)`, `(x, y)` or
    `(x, y, sample_weight)`, or a dictionary of inputs; and `__len__()`, the number of batches, or
    the property `num_batches`, which may be None for endless data. `on_epoch_begin` and
    `on_epoch_end` are called around every pass over the data.

    `fit`, `evaluate` and `predict` use the arguments; going over the data set oneself makes one
    batch after the other.

    Args:
        workers: threads or processes that make batches ahead of training. With 0 or 1 threads each
            batch is made when it is needed.
        use_multiprocessing: whether the workers are processes. Batches must then be picklable, and
            the data set too where processes are not forked. Every pass starts new processes, which
            see the data set as it was when the pass began.
        max_queue_size: batches made ahead at most.
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def _get(self, name: str, default: Any) -> Any:
        """An argument of `__init__`, which a subclass may have forgotten to call."""
        if not hasattr(self, name):
            warnings.warn(
                f"{type(self).__name__} should call `super().__init__(**kwargs)`, whose arguments "
                "are `workers`, `use_multiprocessing` and `max_queue_size`.",
                stacklevel=3,
            )
            PyDataset.__init__(self)
        return getattr(self, name, default)

    @property
    def workers(self) -> int:
        """Threads or processes that make batches."""
        return self._get("_workers", 1)

    @workers.setter
    def workers(self, value: int) -> None:
        self._workers = _count(value, "workers", 0)

    @property
    def use_multiprocessing(self) -> bool:
        """Whether the workers are processes."""
        return self._get("_use_multiprocessing", False)

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        self._use_multiprocessing = bool(value)

    @property
    def max_queue_size(self) -> int:
        """Batches made ahead at most."""
        return self._get("_max_queue_size", 10)

    @max_queue_size.setter
    def max_queue_size(self, value: int) -> None:
        self._max_queue_size = _count(value, "max_queue_size", 1)

    def __getitem__(self, index: int) -> Any:
        """The batch at position `index`."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `__getitem__(self, index)`, which returns a batch."
        )

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    @property
    def num_batches(self) -> int | None:
        """Batches in the data set; None if it is endless."""
        if callable(getattr(self, "__len__", None)):
            return len(self)  # type: ignore[arg-type]
        raise NotImplementedError(
            f"{type(self).__name__} must define `__len__(self)`, the number of batches, or the "
            "property `num_batches`, which may be None for endless data."
        )

    def on_epoch_begin(self) -> None:
        """Called before every pass over the data."""

    def on_epoch_end(self) -> None:
        """Called after every pass over the data."""
