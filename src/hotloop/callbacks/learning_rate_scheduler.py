"""The learning rate as a function of the epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.callbacks.callback import Callback, Logs
from hotloop.callbacks.learning_rate import learning_rate_of, log_learning_rate
from hotloop.utils.progbar import print_message


class LearningRateScheduler(Callback):
    """Sets the learning rate when an epoch begins, and adds it to the logs when it ends.

    Args:
        schedule: function of the epoch (from 0) and the current learning rate, or of the epoch
            alone, that returns the new one as a float.
        verbose: 1 to say so.

    Raises:
        TypeError: `schedule` cannot be called.
        ValueError: in `fit`, if `schedule` returns no float.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(
                f"LearningRateScheduler expects a function as `schedule`. Received: {schedule!r}"
            )
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        optimizer = self.model.optimizer
        if not hasattr(optimizer, "learning_rate"):
            raise ValueError('Optimizer must have a "learning_rate" attribute.')
        current = learning_rate_of(optimizer)
        rate = self.schedule(*((epoch, current) if _takes_two(self.schedule) else (epoch,)))
        if not isinstance(rate, (float, np.float32, np.float64)):
            raise ValueError(
                f"The output of the `schedule` function should be a float. Got: {rate!r}"
            )
        optimizer.learning_rate = rate
        if self.verbose > 0:
            print_message(
                f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.\n"
            )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        log_learning_rate(self.model, {} if logs is None else logs)


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # some built-in functions do not tell
        return True
    return True
