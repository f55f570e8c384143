"""CosineDecay."""

from __future__ import annotations

import math
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.optimizers.schedules.learning_rate_schedule import (
    LearningRateSchedule,
    as_float,
    check_positive,
)


class CosineDecay(LearningRateSchedule):
    """Half a cosine (Loshchilov and Hutter, 2016), after an optional linear warmup.

    With a warmup the rate rises from `initial_learning_rate` to `warmup_target` in `warmup_steps`.
    From there (or from `initial_learning_rate`) it falls, in `decay_steps`, by the factor
    `(1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha`, down to `alpha`.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: steps of the decay, after the warmup.
        alpha: the share of the rate that is left at the end.
        name: a name.
        warmup_target: the rate at the end of the warmup; None for no warmup.
        warmup_steps: steps of the warmup.

    Raises:
        ValueError: `decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        check_positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Tensor:
        step, first = as_float(step), float(self.initial_learning_rate)
        if self.warmup_target is None:
            return self._decayed(step, first)
        target, warmup = float(self.warmup_target), float(self.warmup_steps)
        decayed = self._decayed(ops.maximum(step - warmup, 0.0), target)
        if warmup <= 0:
            return decayed
        warm = (target - first) * (step / warmup) + first
        return ops.where(step < warmup, warm, decayed)

    def _decayed(self, step: Tensor, rate: float) -> Tensor:
        done = ops.minimum(step, float(self.decay_steps)) / float(self.decay_steps)
        cosine = 0.5 * (1.0 + ops.cos(math.pi * done))
        return rate * ((1.0 - self.alpha) * cosine + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }
