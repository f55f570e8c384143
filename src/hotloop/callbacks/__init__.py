"""Code that runs at fixed points of fit, evaluate and predict."""

from hotloop.callbacks.callback import Callback
from hotloop.callbacks.callback_list import CallbackList
from hotloop.callbacks.history import History
from hotloop.callbacks.lambda_callback import LambdaCallback
from hotloop.callbacks.progbar_logger import ProgbarLogger

__all__ = ["Callback", "CallbackList", "History", "LambdaCallback", "ProgbarLogger"]
