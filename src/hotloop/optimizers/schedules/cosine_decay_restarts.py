"""CosineDecayRestarts."""

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


class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine, again and again (SGDR: Loshchilov and Hutter, 2016).

    The period number i, from 0, has `first_decay_steps * t_mul ** i` steps. In it the rate falls
    from `initial_learning_rate * m_mul ** i` as in `CosineDecay`.

    Args:
        initial_learning_rate: the rate of step 0.
        first_decay_steps: steps of the first period.
        t_mul: how much longer each period is than the one before.
        m_mul: how much higher its rate begins.
        alpha: the share of `initial_learning_rate` below which no period falls.
        name: a name.

    Raises:
        ValueError: `first_decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        check_positive("first_decay_steps", first_decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        done = as_float(step) / float(self.first_decay_steps)  # in first periods
        if self._t_mul == 1:
            period = ops.floor(done)
            done = done - period
        else:
            longer = float(self._t_mul)

            def start(number: Tensor) -> Tensor:
                return (1.0 - ops.power(longer, number)) / (1.0 - longer)

            period = ops.floor(ops.log(1.0 - done * (1.0 - longer)) / math.log(longer))
            # Rounding of the logarithm must not put the first step of a period into the one before.
            period = period + ops.cast(ops.greater_equal(done, start(period + 1.0)), "float32")
            done = (done - start(period)) / ops.power(longer, period)
        height = ops.power(float(self._m_mul), period)
        cosine = 0.5 * height * (1.0 + ops.cos(math.pi * done))
        return float(self.initial_learning_rate) * ((1.0 - self.alpha) * cosine + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self._t_mul,
            "m_mul": self._m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
