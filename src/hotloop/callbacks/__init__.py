"""Code that runs at fixed points of fit, evaluate and predict."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from hotloop.callbacks.callback import Callback
from hotloop.callbacks.callback_list import CallbackList
from hotloop.callbacks.history import History
from hotloop.callbacks.lambda_callback import LambdaCallback
from hotloop.callbacks.progbar_logger import ProgbarLogger
from hotloop.common.registry import attribute_error as _attribute_error

if TYPE_CHECKING:
    from hotloop.callbacks.backup_and_restore import BackupAndRestore as BackupAndRestore
    from hotloop.callbacks.csv_logger import CSVLogger as CSVLogger
    from hotloop.callbacks.early_stopping import EarlyStopping as EarlyStopping
    from hotloop.callbacks.learning_rate_scheduler import (
        LearningRateScheduler as LearningRateScheduler,
    )
    from hotloop.callbacks.model_checkpoint import ModelCheckpoint as ModelCheckpoint
    from hotloop.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau as ReduceLROnPlateau
    from hotloop.callbacks.remote_monitor import RemoteMonitor as RemoteMonitor
    from hotloop.callbacks.swap_ema_weights import SwapEMAWeights as SwapEMAWeights
    from hotloop.callbacks.tensor_board import TensorBoard as TensorBoard
    from hotloop.callbacks.terminate_on_nan import TerminateOnNaN as TerminateOnNaN

# Loaded when they are first asked for: public name -> module.
_LATER = {
    "BackupAndRestore": "backup_and_restore",
    "CSVLogger": "csv_logger",
    "EarlyStopping": "early_stopping",
    "LearningRateScheduler": "learning_rate_scheduler",
    "ModelCheckpoint": "model_checkpoint",
    "ReduceLROnPlateau": "reduce_lr_on_plateau",
    "RemoteMonitor": "remote_monitor",
    "SwapEMAWeights": "swap_ema_weights",
    "TensorBoard": "tensor_board",
    "TerminateOnNaN": "terminate_on_nan",
}

__all__ = [  # noqa: PLE0604 (all of them are strings)
    "Callback",
    "CallbackList",
    "History",
    "LambdaCallback",
    "ProgbarLogger",
    *_LATER,
]

_missing = _attribute_error(__name__, "callback", __all__)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    if name in _LATER:
        value = getattr(_import_module(f"{__name__}.{_LATER[name]}"), name)
        globals()[name] = value
        return value
    return _missing(name)
