"""Callbacks from functions."""

from collections.abc import Callable
from typing import Any

from hotloop.callbacks.callback import Callback

_HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class LambdaCallback(Callback):
    """A callback made of functions, one per hook.

    Args:
        on_epoch_begin, on_epoch_end: Called with `(epoch, logs)`.
        on_train_begin, on_train_end: Called with `(logs)`.
        on_train_batch_begin, on_train_batch_end: Called with `(batch, logs=logs)`.
        **kwargs: Any other hook of `Callback`, by its name.

    Raises:
        TypeError: if a name is no hook, or a value is not callable.
    """

    def __init__(
        self,
        on_epoch_begin: Callable | None = None,
        on_epoch_end: Callable | None = None,
        on_train_begin: Callable | None = None,
        on_train_end: Callable | None = None,
        on_train_batch_begin: Callable | None = None,
        on_train_batch_end: Callable | None = None,
        **kwargs: Any,
    ):
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in hooks.items():
            if name not in _HOOKS:
                raise TypeError(
                    f"LambdaCallback received {name!r}, which is no hook. Hooks are "
                    f"{', '.join(_HOOKS)}."
                )
            if function is None:
                continue
            if not callable(function):
                raise TypeError(
                    f"LambdaCallback expects a function as `{name}`, and received {function!r}."
                )
            setattr(self, name, function)
