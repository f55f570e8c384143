"""The epochs' metrics as a table in a file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from hotloop.callbacks.callback import Callback, Logs


class CSVLogger(Callback):
    """Writes a line for each epoch to a CSV file.

    Args:
        filename: path of the file.
        separator: what stands between two values.
        append: whether to go on with a file that is there, instead of replacing it.
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        self.csv_file: Any = None
        super().__init__()
        self.sep = separator
        self.filename = os.fspath(filename)
        self.append = append
        self.writer: Any = None
        self.keys: list[str] | None = None
        self.append_header = True

    def on_train_begin(self, logs: Logs = None) -> None:
        self._close()
        mode = "w"
        if self.append:
            mode = "a"
            if os.path.exists(self.filename):
                with open(self.filename, encoding="utf-8") as file:
                    self.append_header = not file.readline()
        elif self._resumed() and os.path.exists(self.filename):
            mode = "r+"  # `set_state` will cut off what came after the backup
        self.csv_file = open(self.filename, mode, newline="", encoding="utf-8")  # noqa: SIM115
        self.writer = None
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if self.keys and not any(key.startswith("val_") for key in self.keys):
                # Room for validation that happens in later epochs only.
                self.keys += [f"val_{key}" for key in self.keys]
        if self.writer is None:
            self.writer = self._make_writer()
            if self.append_header:
                self.writer.writeheader()
        row = {key: _as_text(logs.get(key, "NA")) for key in self.keys}
        self.writer.writerow({"epoch": epoch, **row})
        self.csv_file.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        self._close()
        self.writer = None

    def _make_writer(self) -> Any:
        class Dialect(csv.excel):
            delimiter = self.sep

        names = ["epoch", *(self.keys or [])]
        return csv.DictWriter(self.csv_file, fieldnames=names, dialect=Dialect)

    def __del__(self) -> None:
        # After a `fit` that was interrupted.
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None and not self.csv_file.closed:
            self.csv_file.close()

    def _resumed(self) -> bool:
        position = getattr(getattr(self.model, "_trainer", None), "position", None)
        return position is not None and position.restore is not None

    def get_state(self) -> dict[str, Any]:
        self.csv_file.flush()
        return {"size": os.fstat(self.csv_file.fileno()).st_size, "keys": self.keys}

    def set_state(self, state: dict[str, Any]) -> None:
        size = min(state["size"], os.fstat(self.csv_file.fileno()).st_size)
        self.csv_file.seek(size)
        self.csv_file.truncate()
        self.keys = state["keys"]
        if self.keys is not None and size:
            self.writer = self._make_writer()


def _as_text(value: Any) -> Any:
    scalar = isinstance(value, np.ndarray) and not value.ndim
    if isinstance(value, str) or scalar or not isinstance(value, Iterable):
        return value
    return f'"[{", ".join(map(str, value))}]"'
