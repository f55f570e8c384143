"""Batches of a function that changes nothing, side by side: every thread runs whole batches.

Threads that share the steps of one batch wait for each other several times in it. Batches do not
depend on each other here, so each thread has a plan of its own and takes some batches at a time.
"""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable, Sequence

# Seconds: of the batches that a thread takes at once, and of work that is worth a thread's start.
_PIECE = 1e-3
_WORTH = 5e-4
BATCHES_PER_THREAD = 8  # with fewer, the threads would not end together

Run = Callable[[int, int], object]  # first batch, number of batches

# Threads that predict at once keep the cores busy by themselves.
_one_at_a_time = threading.Lock()


class _Share:
    """The batches that nobody has taken, and what went wrong."""

    def __init__(self, start: int, steps: int, threads: int, deadline: float | None) -> None:
        self.next = start
        self.error: BaseException | None = None
        self._end = start + steps
        self._threads = threads
        self._deadline = deadline
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        return self._end - self.next

    def take(self, wanted: int) -> tuple[int, int]:
        """First and number of the next batches, in order; none when it is time to end."""
        late = self._deadline is not None and time.perf_counter() >= self._deadline
        with self._lock:
            if late or self.error is not None:
                return self.next, 0
            first, count = self.next, min(wanted, -(-self.left // (2 * self._threads)))
            self.next += count
            return first, count

    def fail(self, error: BaseException) -> None:
        """Has all threads end; the first error is the one that counts."""
        with self._lock:
            self.error = self.error or error

    def work(self, run: Run, wanted: int) -> None:
        """Takes batches, about so many at first, until none is left."""
        try:
            while (piece := self.take(wanted))[1]:
                begin = time.perf_counter()
                run(*piece)
                wanted = _fitting(piece[1], time.perf_counter() - begin)
        except BaseException as error:
            self.fail(error)


def _fitting(batches: int, seconds: float) -> int:
    """How many batches make a piece if `batches` of them took `seconds`."""
    return max(1, int(batches * _PIECE / max(seconds, 1e-9)))


def run_spread(
    runs: Sequence[Run], stop: Callable[[], object], start: int, steps: int, budget: float
) -> int:
    """Runs the batches start … start + steps - 1; returns how many of the first are done.

    Args:
        runs: for each thread, what runs some batches there. The first is the calling thread's.
        stop: makes the threads that are running return soon; called when something went wrong.
        start: the first batch.
        steps: how many batches, at least one.
        budget: seconds after which no more are begun; 0 for no limit.

    Raises what one of `runs` raises. No thread is left then, or later.
    """
    began = time.perf_counter()
    share = _Share(start, steps, len(runs), began + budget if budget else None)
    runs[0](*share.take(1))
    seconds = time.perf_counter() - began
    if seconds * share.left < _WORTH or not _one_at_a_time.acquire(blocking=False):
        share.work(runs[0], _fitting(1, seconds))
    else:
        try:
            _work_together(share, runs, stop, _fitting(1, seconds))
        finally:
            _one_at_a_time.release()
    if share.error is not None:
        raise share.error
    return share.next - start


def _work_together(
    share: _Share, runs: Sequence[Run], stop: Callable[[], object], wanted: int
) -> None:
    """Has all threads work, and waits for them."""
    ended = threading.Semaphore(0)

    def help_with(run: Run) -> None:
        share.work(run, wanted)
        ended.release()

    helpers = 0
    try:
        for run in runs[1:]:
            try:
                # Not a `threading.Thread`, whose start waits until the thread has got a core.
                _thread.start_new_thread(help_with, (run,))
            except RuntimeError:  # no more threads to be had: fewer do as well
                break
            helpers += 1
        share.work(runs[0], wanted)
    except BaseException as error:  # Ctrl-C, between two batches
        share.fail(error)
    if share.error is not None:
        stop()
    for _ in range(helpers):
        ended.acquire()
