"""Ending a training whose loss is no number any more."""

from __future__ import annotations

import math

from hotloop.callbacks.callback import Callback, Logs
from hotloop.utils.progbar import print_message


class TerminateOnNaN(Callback):
    """Ends `fit` at the batch that makes the loss NaN or infinite.

    It looks at every batch, so the loop comes back to Python after each.

    Args:
        raise_error: whether to raise `RuntimeError` instead of ending the training.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating "
                "training immediately."
            )
        print_message(f"Batch {batch}: Invalid loss, terminating training\n")
        self.model.stop_training = True
