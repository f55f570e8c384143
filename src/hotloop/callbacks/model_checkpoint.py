"""Keeping the weights of a training in files."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from hotloop.callbacks.batch_frequency import BatchFrequency, wanted_if
from hotloop.callbacks.callback import Logs
from hotloop.callbacks.monitor_callback import MonitorCallback
from hotloop.utils.progbar import print_message


class ModelCheckpoint(MonitorCallback):
    """Saves the weights after epochs, or after so many batches.

    Args:
        filepath: path that ends in `.safetensors`; `{epoch}` (from 1), `{batch}` and metrics such
            as `{val_loss:.2f}` are filled in. Folders are made.
        monitor: the metric that `save_best_only` looks at.
        verbose: 1 to say what is saved.
        save_best_only: whether to save only if the metric has improved.
        save_weights_only: True; whole models cannot be saved yet.
        mode: "min" (less is better), "max", or "auto".
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: the value that the first save has to be better than, or None.

    Raises:
        ValueError: another suffix, or another `save_freq`.
        NotImplementedError: `save_weights_only=False`.
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.verbose = verbose
        self.filepath = os.fspath(filepath)
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._frequency = BatchFrequency(save_freq)
        self._current_epoch = 0
        if not save_weights_only:
            raise NotImplementedError(
                "ModelCheckpoint saves weights, not whole models yet: pass save_weights_only=True "
                f"and a `filepath` that ends in '.safetensors'. Received: filepath={filepath!r}"
            )
        if not self.filepath.endswith(".safetensors"):
            raise ValueError(
                "When using `save_weights_only=True` in `ModelCheckpoint`, the filepath provided "
                f"must end in `.safetensors`. Received: filepath={self.filepath}"
            )

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch

    @wanted_if(lambda self: self.save_freq != "epoch")
    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._frequency.reached(batch):
            self._save_model(self._current_epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._set_monitor_op()
        if self.save_freq == "epoch":
            self._save_model(epoch, None, logs)

    def _save_model(self, epoch: int, batch: int | None, logs: Logs) -> None:
        path = self._path(epoch, batch, logs)
        if not self._should_save(epoch, logs, path):
            return
        if os.path.isdir(path):
            raise OSError(
                "Please specify a non-directory filepath for ModelCheckpoint. Filepath used is an "
                f"existing directory: {path}"
            )
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        self.model.save_weights(path, overwrite=True)
        if self.verbose > 0:
            print_message(f"\nEpoch {epoch + 1}: finished saving model to {path}\n")

    def _should_save(self, epoch: int, logs: Logs, path: str) -> bool:
        where = f"\nEpoch {epoch + 1}: "
        if not self.save_best_only:
            self._say(f"{where}saving model to {path}")
            return True
        current = (logs or {}).get(self.monitor)
        if current is None:
            warnings.warn(f"Can save best model only with {self.monitor} available.", stacklevel=2)
            return True
        if np.ndim(current):
            warnings.warn(
                "Can save best model only when `monitor` is a scalar value. Received: "
                f"{current}. Falling back to `save_best_only=False`.",
                stacklevel=2,
            )
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            self._say(f"{where}{self.monitor} did not improve from {best}")
            return False
        self._say(
            f"{where}{self.monitor} improved from {best} to {current:.5f}, saving model to {path}"
        )
        self.best = current
        return True

    def _say(self, text: str) -> None:
        if self.verbose > 0:
            print_message(f"{text}\n")

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        values = {"epoch": epoch + 1, **(logs or {})}
        if batch is not None:
            values.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**values)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}. '
                f"What can be filled in: {', '.join(values)}"
            ) from None

    def get_state(self) -> dict[str, Any]:
        return {
            "best": self.best,
            "epoch": self._current_epoch,
            "frequency": self._frequency.get_state(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        self.best = state["best"]
        self._current_epoch = state["epoch"]
        self._frequency.set_state(state["frequency"])
