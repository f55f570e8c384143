"""Code that runs at fixed points of fit, evaluate and predict."""

from typing import TYPE_CHECKING

from hotloop._later import load_later
from hotloop.common.registry import attribute_error

if TYPE_CHECKING:
    from hotloop.callbacks.backup_and_restore import BackupAndRestore as BackupAndRestore
    from hotloop.callbacks.callback import Callback as Callback
    from hotloop.callbacks.callback_list import CallbackList as CallbackList
    from hotloop.callbacks.csv_logger import CSVLogger as CSVLogger
    from hotloop.callbacks.early_stopping import EarlyStopping as EarlyStopping
    from hotloop.callbacks.history import History as History
    from hotloop.callbacks.lambda_callback import LambdaCallback as LambdaCallback
    from hotloop.callbacks.learning_rate_scheduler import (
        LearningRateScheduler as LearningRateScheduler,
    )
    from hotloop.callbacks.model_checkpoint import ModelCheckpoint as ModelCheckpoint
    from hotloop.callbacks.progbar_logger import ProgbarLogger as ProgbarLogger
    from hotloop.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau as ReduceLROnPlateau
    from hotloop.callbacks.remote_monitor import RemoteMonitor as RemoteMonitor
    from hotloop.callbacks.swap_ema_weights import SwapEMAWeights as SwapEMAWeights
    from hotloop.callbacks.tensor_board import TensorBoard as TensorBoard
    from hotloop.callbacks.terminate_on_nan import TerminateOnNaN as TerminateOnNaN

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "BackupAndRestore": "backup_and_restore",
    "CSVLogger": "csv_logger",
    "Callback": "callback",
    "CallbackList": "callback_list",
    "EarlyStopping": "early_stopping",
    "History": "history",
    "LambdaCallback": "lambda_callback",
    "LearningRateScheduler": "learning_rate_scheduler",
    "ModelCheckpoint": "model_checkpoint",
    "ProgbarLogger": "progbar_logger",
    "ReduceLROnPlateau": "reduce_lr_on_plateau",
    "RemoteMonitor": "remote_monitor",
    "SwapEMAWeights": "swap_ema_weights",
    "TensorBoard": "tensor_board",
    "TerminateOnNaN": "terminate_on_nan",
}

__all__ = list(_LATER)

__getattr__ = load_later(__name__, _LATER, attribute_error(__name__, "callback", __all__))
