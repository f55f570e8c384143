"""Doing something every so many batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class BatchFrequency:
    """Counts batches over the epochs, also where hooks are called for several at a time.

    Args:
        save_freq: "epoch" (never, by batches) or a number of batches.

    Raises:
        ValueError: anything else.
    """

    def __init__(self, save_freq: Any) -> None:
        whole = isinstance(save_freq, int) and not isinstance(save_freq, bool)
        if save_freq != "epoch" and not (whole and save_freq > 0):
            raise ValueError(
                f"Unrecognized save_freq: {save_freq!r}. Expected save_freq are 'epoch' or "
                "positive integer values"
            )
        self._every = save_freq
        self._seen = 0
        self._last: int | None = None

    def reached(self, batch: int) -> bool:
        """Whether it is time, after batch number `batch` of the epoch."""
        if self._every == "epoch":
            return False
        new_epoch = self._last is None or batch <= self._last
        self._seen += batch + 1 if new_epoch or self._last is None else batch - self._last
        self._last = batch
        if self._seen < self._every:
            return False
        self._seen = 0
        return True

    def get_state(self) -> dict[str, Any]:
        """For `set_state`, in another process."""
        return {"seen": self._seen, "last": self._last}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on from `get_state`."""
        self._seen, self._last = state["seen"], state["last"]


def wanted_if(condition: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """Marks a batch hook as one that need not be called unless `condition(callback)` holds.

    Where no hook wants single batches, many run per call into the core.
    """

    def mark(hook: Any) -> Any:
        hook.wanted = condition
        return hook

    return mark
