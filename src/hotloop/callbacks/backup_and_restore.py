"""Going on with a training whose process has died."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from hotloop.callbacks.batch_frequency import BatchFrequency, wanted_if
from hotloop.callbacks.callback import Callback, Logs
from hotloop.graph import Variable
from hotloop.random.seed import restore_seed_state, seed_state
from hotloop.storage.files import remove_leftovers, write_whole
from hotloop.storage.nests import put_arrays, take_arrays
from hotloop.storage.tensors import read_tensors, write_tensors
from hotloop.storage.weights import compare, describe, optimizer_names, weight_names

_NAME = "latest.safetensors"
_KIND = "training"


class BackupAndRestore(Callback):
    """Keeps everything that `fit` needs to go on, and goes on from it when `fit` is called again.

    Run the same program again after its process has died, and the training ends with the same bits
    as if it had not: the weights, the optimizer's variables, the metrics, the states of random
    seeds, the order of the samples, the place in the epoch, and what the other callbacks remember
    (`get_state`) are in one safetensors file, which is replaced as a whole. `History` has the
    epochs of all runs.

    A run that goes on inside an epoch calls `on_epoch_begin` of that epoch again; what it changes
    in the model or in callbacks is set back to what the backup says.

    Args:
        backup_dir: the folder of the backup, for this training alone. Made where missing.
        save_freq: "epoch", or a number of batches; after an epoch's last batch the backup is made
            when validation and the other callbacks are done with the epoch.
        double_checkpoint: whether to keep the backup before the last one too, to go on from it if
            the last one cannot be read.
        delete_checkpoint: whether to delete the backup when `fit` has ended.

    Raises:
        ValueError: an empty `backup_dir` or another `save_freq`; in `fit`, a backup that is damaged
            or belongs to another model, optimizer or data.
    """

    keeps_state = True

    def __init__(
        self,
        backup_dir: Any,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._frequency = BatchFrequency(save_freq)
        self._path = os.path.join(self.backup_dir, _NAME)
        self._previous_path = f"{self._path}.bkp"
        self._epoch = 0
        self._due = False  # at the end of the epoch

    def on_train_begin(self, logs: Logs = None) -> None:
        if os.path.isdir(self.backup_dir):
            for path in (self._path, self._previous_path):
                remove_leftovers(path)
        position = self._position()
        found = self._read()
        if found is None:
            return
        tensors, state = found
        self._check(tensors, state)
        position.epoch, position.batch = state["epoch"], state["batch"]
        position.finished = state["stop_training"]
        position.restore = lambda: self._restore(tensors, state)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch

    @wanted_if(lambda self: self.save_freq != "epoch")
    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._frequency.reached(batch):
            return
        # What follows the last batch (validation, the callbacks' end of the epoch) belongs to it.
        if self.model.stop_training or batch + 1 == (self.params or {}).get("steps"):
            self._due = True
        else:
            self._write(self._epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        # Also where batches count, if the training ends here: or it would go on when resumed.
        if self.save_freq == "epoch" or self._due or self.model.stop_training:
            self._due = False
            self._write(epoch + 1, 0)

    def on_train_end(self, logs: Logs = None) -> None:
        if not self.delete_checkpoint:
            return
        for path in (self._path, self._previous_path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        # Whatever else is in the folder is not this callback's.
        with contextlib.suppress(OSError):
            os.rmdir(self.backup_dir)

    def get_state(self) -> dict[str, Any]:
        return {"frequency": self._frequency.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        self._frequency.set_state(state["frequency"])

    # What is kept

    def _position(self) -> Any:
        position = getattr(getattr(self.model, "_trainer", None), "position", None)
        if position is None:
            raise RuntimeError("BackupAndRestore works inside Model.fit().")
        return position

    def _variables(self) -> dict[str, Variable]:
        """Everything that lives in variables, by its name in the file."""
        model = self.model
        named = weight_names(model)
        known = {id(variable) for variable in named.values()}
        states = [v for v in model.variables if id(v) not in known]
        named.update(optimizer_names(model.optimizer))
        named.update((f"random/{i}", variable) for i, variable in enumerate(states))
        named.update((f"metrics/{i}", v) for i, v in enumerate(model.metrics_variables))
        return named

    def _callbacks(self) -> Iterator[tuple[str, Any]]:
        """The callbacks with something to keep, called after their classes."""
        counts: Counter[str] = Counter()
        for callback in self._position().callbacks.callbacks:
            if hasattr(callback, "get_state"):
                name = type(callback).__name__
                yield f"{name}_{counts[name]}", callback
                counts[name] += 1

    def _write(self, epoch: int, batch: int) -> None:
        tensors = {name: variable.numpy() for name, variable in self._variables().items()}
        arrays: dict[str, np.ndarray] = {}
        state = {
            "epoch": epoch,
            "batch": batch,
            "stop_training": bool(self.model.stop_training),
            "optimizer": type(self.model.optimizer).__name__,
            "order": self._position().order.get_state(),
            "seed": seed_state(),
            "callbacks": {
                name: take_arrays(callback.get_state(), f"callbacks/{name}", arrays)
                for name, callback in self._callbacks()
            },
        }
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self._path):
            with open(self._path, "rb") as file:
                write_whole(self._previous_path, file.read())
        write_tensors(self._path, _KIND, {**tensors, **arrays}, {"training": json.dumps(state)})

    def _read(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The last backup that can be read, or None where there is none."""
        damage: ValueError | OSError | None = None
        for path in (self._path, self._previous_path):
            if not os.path.exists(path):
                continue
            try:
                tensors, metadata = read_tensors(path, _KIND)
                state = json.loads(metadata["training"])
            except (ValueError, OSError, KeyError) as error:
                damage = damage or (
                    error
                    if isinstance(error, (ValueError, OSError))
                    else ValueError(f"{path!r} is damaged: it has no {error}.")
                )
                continue
            if damage is not None:
                warnings.warn(f"{damage} Going on from the backup before it.", stacklevel=2)
            return tensors, state
        if damage is not None:
            raise ValueError(
                f"{damage} Delete {self.backup_dir!r} to start the training anew."
            ) from damage
        return None

    def _check(self, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        """Raises `ValueError` if the backup belongs to something else, before anything changes."""
        kept = {name: array for name, array in tensors.items() if not name.startswith("callbacks/")}
        try:
            problems = compare(self._variables(), kept)
            if problems:
                raise ValueError(describe(problems))
            kind = type(self.model.optimizer).__name__
            if state["optimizer"] != kind:
                raise ValueError(f"Its optimizer is {state['optimizer']}, and this one {kind}.")
            self._position().order.check_state(state["order"])
            state["callbacks"] = put_arrays(state["callbacks"], tensors)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"The backup in {self.backup_dir!r} does not belong to this training: {error} "
                "Delete the folder to start anew, or pass another one."
            ) from error

    def _restore(self, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        for name, variable in self._variables().items():
            variable.assign(tensors[name])
        self._position().order.set_state(state["order"])
        restore_seed_state(state["seed"])
        kept = copy.deepcopy(state["callbacks"])  # callbacks go on with these lists
        for name, callback in self._callbacks():
            if name in kept:
                callback.set_state(kept[name])
            elif callback.get_state():
                warnings.warn(
                    f"The backup in {self.backup_dir!r} knows nothing of {name}, which begins "
                    "anew.",
                    stacklevel=2,
                )
