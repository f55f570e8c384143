"""Smaller steps when a metric no longer improves."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from hotloop.callbacks.callback import Logs
from hotloop.callbacks.learning_rate import learning_rate_of, log_learning_rate
from hotloop.callbacks.monitor_callback import MonitorCallback
from hotloop.utils.progbar import print_message


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` when a metric has not improved for some epochs.

    It adds the `learning_rate` of each epoch to the logs.

    Args:
        monitor: name of the metric in the logs.
        factor: what to multiply with; less than 1.
        patience: epochs without improvement after which to do so.
        verbose: 1 to say so.
        mode: "min" (less is better), "max", or "auto".
        min_delta: how much better counts as better.
        cooldown: epochs after a reduction in which nothing is counted.
        min_lr: the smallest learning rate.
        **kwargs: none; Keras drops unknown ones, hotloop refuses them.

    Raises:
        ValueError: `factor` is 1 or more.
        TypeError: an unknown argument.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise TypeError(f"ReduceLROnPlateau does not take {', '.join(kwargs)}.")
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(
                f"ReduceLROnPlateau does not support a factor >= 1.0. Received factor={factor}"
            )
        self.factor = factor
        self.min_lr = min_lr
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.cooldown_counter = 0
        self.wait = 0

    def in_cooldown(self) -> bool:
        """Whether a reduction was so recent that nothing is counted."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._set_monitor_op()
        logs = {} if logs is None else logs
        log_learning_rate(self.model, logs)
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"Learning rate reduction is conditioned on metric `{self.monitor}` which is not "
                f"available. Available metrics are: {','.join(logs)}.",
                stacklevel=2,
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, epoch: int) -> bool:
        old = learning_rate_of(self.model.optimizer)
        if old <= np.float32(self.min_lr):
            return False
        new = max(old * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        if self.verbose > 0:
            print_message(
                f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.\n"
            )
        return True

    def get_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("best", "cooldown_counter", "wait")}

    def set_state(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
