"""InverseTimeDecay."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.optimizers.schedules.learning_rate_schedule import (
    LearningRateSchedule,
    as_float,
    check_positive,
)


class InverseTimeDecay(LearningRateSchedule):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: the steps of one period.
        decay_rate: what each period adds to the denominator.
        staircase: whether `step / decay_steps` is rounded down, so that the rate falls in steps.
        name: a name.

    Raises:
        ValueError: `decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        check_positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        periods = as_float(step) / float(self.decay_steps)
        if self.staircase:
            periods = ops.floor(periods)
        return float(self.initial_learning_rate) / (1.0 + float(self.decay_rate) * periods)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }
