"""Evaluating, and saving, with averaged weights."""

from __future__ import annotations

from typing import Any

from hotloop.callbacks.callback import Callback, Logs


class SwapEMAWeights(Callback):
    """Puts the optimizer's moving averages in place of the weights, for evaluation and prediction.

    The optimizer needs `use_ema=True`.

    Args:
        swap_on_epoch: whether the averages are in the model between two epochs too, so that
            `ModelCheckpoint` after this callback keeps them.

    Raises:
        ValueError: in `fit`, `evaluate` and `predict`, if the optimizer keeps no averages.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._ema_weights_in_model = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._put(averages=False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if not self.swap_on_epoch or self._ema_weights_in_model:
            return
        self._put(averages=True)
        if epoch == (self.params or {}).get("epochs", 0) - 1:
            # The end of `fit` will make the averages the weights: both have to be the averages.
            for variable, average in self._pairs():
                average.assign(variable)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._put(averages=True)

    def on_test_end(self, logs: Logs = None) -> None:
        self._put(averages=False)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._put(averages=True)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._put(averages=False)

    def _put(self, averages: bool) -> None:
        """Swaps, unless what is wanted is in the model already."""
        if self._ema_weights_in_model == averages:
            return
        for variable, average in self._pairs():
            kept = variable.numpy()
            variable.assign(average.numpy())
            average.assign(kept)
        self._ema_weights_in_model = averages

    def _pairs(self) -> list[tuple[Any, Any]]:
        """Each trained variable and its average."""
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if not getattr(optimizer, "use_ema", False):
            raise ValueError(
                "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. "
                f"Received: use_ema={getattr(optimizer, 'use_ema', False)}"
            )
        averages = optimizer._model_variables_moving_average
        return list(zip(optimizer._trainable_variables, averages, strict=True))

    def get_state(self) -> dict[str, Any]:
        return {"ema_weights_in_model": self._ema_weights_in_model}

    def set_state(self, state: dict[str, Any]) -> None:
        self._ema_weights_in_model = state["ema_weights_in_model"]
