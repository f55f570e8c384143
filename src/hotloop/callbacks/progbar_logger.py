"""The callback that draws the progress bar."""

from collections.abc import Callable, Mapping
from typing import Any

from hotloop.callbacks.callback import Callback, Logs
from hotloop.utils.progbar import Progbar, print_message


class ProgbarLogger(Callback):
    """Prints progress and metrics to standard output. `fit`, `evaluate` and `predict` add one.

    It is told about progress either batch by batch, through the hooks, or a few times a second,
    through `progress`, when no other callback wants to know about single batches.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.progbar: Progbar | None = None
        self.target: int | None = None
        self.verbose = 1
        self.epochs = 1
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def progress(self, mode: str, count: int, read: Callable[[], Logs]) -> None:
        """Tells that `count` batches of the pass are done.

        Args:
            mode: "train", "test" or "predict".
            count: Number of batches done since the pass began.
            read: Makes the metrics so far; called where they are wanted, not in "predict".
        """
        if mode == "test" and self._in_fit:
            return
        wanted = mode != "predict" and (self.progbar or self._start()).wants_values()
        self._update(count, read() if wanted else None)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._in_fit = True  # validation inside `fit` is silent

    def on_train_end(self, logs: Logs = None) -> None:
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._start()
        if self.verbose and self.epochs > 1:
            print_message(f"Epoch {epoch + 1}/{self.epochs}\n")

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._start()

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._start()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._update(batch + 1, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._in_fit:
            self._update(batch + 1, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._update(batch + 1, None)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._finish(logs)

    def on_test_end(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finish(None)

    def _start(self) -> Progbar:
        self.seen = 0
        # The metrics come averaged over the epoch already: none is averaged by the bar.
        self.progbar = Progbar(self.target, verbose=self.verbose, stateless_metrics=())
        return self.progbar

    def _update(self, count: int, logs: Mapping[str, Any] | None) -> None:
        progbar = self.progbar or self._start()
        self.seen = count
        if self.verbose == 1:
            progbar.update(count, list((logs or {}).items()), finalize=False)

    def _finish(self, logs: Mapping[str, Any] | None) -> None:
        progbar = self.progbar or self._start()
        if self.target is None:
            # The first pass over data of unknown length has told the length.
            self.target = progbar.target = self.seen
        progbar.update(self.target, list((logs or {}).items()), finalize=True)
