"""The record of a training run."""

from typing import Any

from hotloop.callbacks.callback import Callback, Logs


class History(Callback):
    """Keeps every epoch's metrics. `fit` adds one by itself and returns it.

    Attributes:
        epoch: Numbers of the epochs of the last `fit`.
        history: Dict from metric name to the list of its values, one an epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self

    def get_state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "history": self.history}

    def set_state(self, state: dict[str, Any]) -> None:
        self.epoch, self.history = state["epoch"], state["history"]
