"""Batches of a PyDataset made ahead by threads or processes, handed out in order."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

# In a worker process: the data set whose batches it makes.
_dataset: Any = None


def make_ahead(
    dataset: Any, indices: Iterable[int], *, workers: int, processes: bool, ahead: int
) -> Iterator[Any]:
    """`dataset[i]` for all `indices`, in their order, made by workers.

    At most `ahead` batches are being made or wait to be used. What a worker raises is raised here,
    with a note that says where it comes from. When the iterator is closed or ends, however that
    comes about, no worker is left.

    Raises:
        TypeError: the data set cannot be pickled, and processes are not forked here.
        RuntimeError: a worker process died.
    """
    pool = _process_pool(dataset, workers) if processes else ThreadPoolExecutor(workers, "hotloop")
    getter = _get_in_process if processes else dataset.__getitem__
    waiting: deque[tuple[int, Any]] = deque()
    remaining = iter(indices)
    try:
        while True:
            while len(waiting) < ahead:
                index = next(remaining, None)
                if index is None:
                    break
                waiting.append((index, _submit(pool, getter, index, dataset)))
            if not waiting:
                return
            index, future = waiting.popleft()
            try:
                batch = future.result()
            except BrokenProcessPool as error:
                raise _broken(dataset) from error
            except Exception as error:
                where = "process (or while the batch was pickled for its way back)"
                error.add_note(
                    f"Raised by {type(dataset).__name__}.__getitem__({index}) in a worker "
                    f"{where if processes else 'thread'}."
                )
                raise
            yield batch
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submit(pool: Executor, getter: Any, index: int, dataset: Any) -> Any:
    try:
        return pool.submit(getter, index)
    except BrokenProcessPool as error:
        raise _broken(dataset) from error


def _broken(dataset: Any) -> RuntimeError:
    return RuntimeError(
        f"A worker process of {type(dataset).__name__} died: it was killed (out of memory?), ended "
        "itself, or could not load the data set. Try use_multiprocessing=False to see its error."
    )


def _process_pool(dataset: Any, workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context()
    payload = dataset
    if context.get_start_method() != "fork":
        # Pickled here, so that an error is ours and not one of a process that fails to start.
        try:
            payload = pickle.dumps(dataset)
        except Exception as error:
            raise TypeError(
                f"use_multiprocessing=True needs a data set that can be pickled, and "
                f"{type(dataset).__name__} cannot: {error}. Define its class at the top level of a "
                "module and keep open files, locks and lambdas out of it, or use threads "
                "(use_multiprocessing=False)."
            ) from error
    pool = ProcessPoolExecutor(workers, context, _start_process, (payload,))
    with warnings.catch_warnings():
        # From 3.12 on Python warns of forks beside threads. Ours wait, hold no locks, and are not
        # missed in a child (csrc/core/threads.c). A first task starts all processes.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        try:
            pool.submit(_do_nothing)
        except BrokenProcessPool as error:
            raise _broken(dataset) from error
    return pool


def _do_nothing() -> None:
    """A task that starts the processes of a pool."""


def _start_process(payload: Any) -> None:
    global _dataset
    # Ctrl-C is for the parent, which then ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _dataset = pickle.loads(payload) if isinstance(payload, bytes) else payload


def _get_in_process(index: int) -> Any:
    return _dataset[index]
