"""Several callbacks behind one."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hotloop.callbacks.callback import Callback, Logs
from hotloop.callbacks.history import History
from hotloop.callbacks.progbar_logger import ProgbarLogger

_HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))
_METHODS = ("set_params", "set_model", *_HOOKS)
_BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


class CallbackList(Callback):
    """Passes every hook on to a list of callbacks, in order.

    Args:
        callbacks: Callbacks, singly or in (nested) lists or tuples, or `None`.
        add_history: Whether to add a `History` where there is none.
        add_progbar: Whether to add a `ProgbarLogger` where there is none.
        model: The model they are used with.
        **params: Handed to every callback's `set_params`, if there are any.

    Attributes:
        callbacks: The list.
        history: The `History` in it, or `None`.
        overrides_train_batch, overrides_test_batch, overrides_predict_batch: Whether a callback
            wants to know about single batches. While none does, the loop may run many batches
            at a time and report to `progress` instead of the batch hooks.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ):
        super().__init__()
        self.callbacks: list[Any] = _flatten(callbacks)
        for callback in self.callbacks:
            _check(callback)
        if add_history and self._find(History) is None:
            self.callbacks.append(History())
        if add_progbar and self._find(ProgbarLogger) is None:
            self.callbacks.append(ProgbarLogger())
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def append(self, callback: Any) -> None:
        """Adds a callback at the end of the list."""
        _check(callback)
        if self._model is not None:
            callback.set_model(self._model)
        if self.params:
            callback.set_params(self.params)
        self.callbacks.append(callback)

    @property
    def history(self) -> History | None:
        return self._find(History)

    @property
    def overrides_train_batch(self) -> bool:
        return self._overrides("train")

    @property
    def overrides_test_batch(self) -> bool:
        return self._overrides("test")

    @property
    def overrides_predict_batch(self) -> bool:
        return self._overrides("predict")

    def progress(self, mode: str, count: int, read: Callable[[], Logs]) -> None:
        """Tells the progress bar, if there is one, that `count` batches are done.

        Args:
            mode: "train", "test" or "predict".
            count: Number of batches done since the pass began.
            read: Makes the metrics so far. Called only where they are wanted.
        """
        progbar = self._find(ProgbarLogger)
        if progbar is not None:
            progbar.progress(mode, count, lambda: _plain(read()))

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_batch_begin", batch, logs=_plain(logs))

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_batch_end", batch, logs=_plain(logs))

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._call("on_epoch_begin", epoch, _plain(logs))

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._call("on_epoch_end", epoch, _plain(logs))

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_train_batch_begin", batch, logs=_plain(logs))

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_train_batch_end", batch, logs=_plain(logs))

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_test_batch_begin", batch, logs=_plain(logs))

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_test_batch_end", batch, logs=_plain(logs))

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_predict_batch_begin", batch, logs=_plain(logs))

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_predict_batch_end", batch, logs=_plain(logs))

    def on_train_begin(self, logs: Logs = None) -> None:
        self._call("on_train_begin", _plain(logs))

    def on_train_end(self, logs: Logs = None) -> None:
        self._call("on_train_end", _plain(logs))

    def on_test_begin(self, logs: Logs = None) -> None:
        self._call("on_test_begin", _plain(logs))

    def on_test_end(self, logs: Logs = None) -> None:
        self._call("on_test_end", _plain(logs))

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._call("on_predict_begin", _plain(logs))

    def on_predict_end(self, logs: Logs = None) -> None:
        self._call("on_predict_end", _plain(logs))

    def _call(self, hook: str, *args: Any, **kwargs: Any) -> None:
        for callback in self._in_order(hook):
            getattr(callback, hook)(*args, **kwargs)

    def _in_order(self, hook: str) -> list[Any]:
        """The callbacks as they were given; those that keep the others' state around them."""
        if not any(map(_keeps_state, self.callbacks)):
            return self.callbacks
        return sorted(self.callbacks, key=_keeps_state, reverse=hook.endswith("begin"))

    def _find(self, kind: type) -> Any:
        for callback in reversed(self.callbacks):
            if isinstance(callback, kind):
                return callback
        return None

    def _overrides(self, mode: str) -> bool:
        return bool(self.callbacks) and any(
            _wants_batches(callback, hook)
            for callback in self.callbacks
            for hook in _BATCH_HOOKS[mode]
        )


def _wants_batches(callback: Any, hook: str) -> bool:
    """Whether a batch hook is more than the empty one of `Callback` or the progress bar's."""
    method = getattr(callback, hook)
    function = getattr(method, "__func__", method)
    if function is getattr(Callback, hook) or function is getattr(ProgbarLogger, hook):
        return False
    wanted = getattr(function, "wanted", None)
    return wanted is None or bool(wanted(callback))


def _keeps_state(callback: Any) -> bool:
    return getattr(callback, "keeps_state", False) is True


def _flatten(callbacks: Any) -> list[Any]:
    if callbacks is None:
        return []
    if isinstance(callbacks, list | tuple):
        return [leaf for part in callbacks for leaf in _flatten(part)]
    return [callbacks]


def _check(callback: Any) -> None:
    """Anything that has all the hooks will do: callbacks written for Keras included."""
    if isinstance(callback, type):
        raise TypeError(
            f"`callbacks` expects objects, and received the class {callback.__name__}. "
            f"Write {callback.__name__}() to make one."
        )
    missing = [name for name in _METHODS if not callable(getattr(callback, name, None))]
    if missing:
        raise TypeError(
            f"`callbacks` expects hotloop.callbacks.Callback objects, and received {callback!r}, "
            f"which has no {', '.join(missing[:3])}{'…' if len(missing) > 3 else ''}. "
            "Derive its class from hotloop.callbacks.Callback."
        )


def _is_number(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, complex | np.complexfloating)


def _plain(logs: Logs) -> dict[str, Any]:
    """The logs in alphabetical order, nested ones flattened, numbers as Python floats."""
    result: dict[str, Any] = {}
    if not logs:
        return result
    for name, value in sorted(logs.items()):
        if isinstance(value, Mapping):
            result.update(_plain(value))
            continue
        # What is not one number (an array of outputs, say) is handed on as it is.
        result[name] = float(value) if _is_number(value) and np.ndim(value) == 0 else value
    return result


NOBODY = CallbackList()  # nothing is kept in it: every silent call may use the same one
