"""The base of all callbacks."""

from collections.abc import Mapping
from typing import Any

Logs = Mapping[str, Any] | None


class Callback:
    """Code of yours that runs at fixed points of `fit`, `evaluate` and `predict`.

    Override the hooks you need. As long as no callback overrides a hook of single batches, hotloop
    runs many batches per call into its core; overriding one brings the loop back to Python after
    every batch.

    Attributes:
        params: Dict with what the loop was called with (`verbose`, `epochs`, `steps`).
        model: The model that is trained, evaluated or used. Setting `model.stop_training = True`
            in a hook ends `fit`.

    A callback that remembers something from epoch to epoch overrides `get_state` and `set_state`
    too; `BackupAndRestore` keeps it then.
    """

    keeps_state = False  # of the other callbacks: begins before them, and ends after them

    def __init__(self) -> None:
        self.params: dict[str, Any] | None = None
        self._model: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before the loop starts, with what it was called with."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called before the loop starts, with the model."""
        self._model = model

    @property
    def model(self) -> Any:
        return self._model

    def get_state(self) -> dict[str, Any]:
        """What `set_state` needs to go on in another process: plain values, arrays, and nests."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on from `get_state`. Called after `on_train_begin`, in a run that is resumed."""

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """The older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """The older name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Called when epoch number `epoch`, counted from 0, starts."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Called when an epoch is over; `logs` holds its metrics and, as `val_…`, validation's."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before batch number `batch` of the epoch, counted from 0, in `fit`."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a batch in `fit`; `logs` holds the metrics of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a batch in `evaluate`, and in the validation that `fit` does."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a batch in `evaluate` and in validation; `logs` holds the metrics so far."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a batch in `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a batch in `predict`; `logs` holds the batch's `outputs`."""

    def on_train_begin(self, logs: Logs = None) -> None:
        """Called when `fit` starts."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Called when `fit` is over; `logs` is what the last `on_epoch_end` got."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Called when `evaluate`, or a validation, starts."""

    def on_test_end(self, logs: Logs = None) -> None:
        """Called when `evaluate`, or a validation, is over; `logs` holds the metrics."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Called when `predict` starts."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """Called when `predict` is over."""
