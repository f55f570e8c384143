"""PolynomialDecay."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.optimizers.schedules.learning_rate_schedule import (
    LearningRateSchedule,
    as_float,
    check_positive,
)


class PolynomialDecay(LearningRateSchedule):
    """From one rate to another along a polynomial.

    `(initial_learning_rate - end_learning_rate) * (1 - step / decay_steps) ** power +
    end_learning_rate`, which ends at `decay_steps`.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: the step at which the end is reached.
        end_learning_rate: the rate from there on.
        power: the exponent.
        cycle: whether the rate rises again after the end: then the first multiple of `decay_steps`
            that is not below the step stands for `decay_steps`.
        name: a name.

    Raises:
        ValueError: `decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        check_positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        step, end = as_float(step), float(self.decay_steps)
        if self.cycle:
            cycles = ops.where(ops.equal(step, 0.0), 1.0, ops.ceil(step / end))
            done = step / (end * cycles)
        else:
            done = ops.minimum(step, end) / end
        rate = float(self.end_learning_rate)
        distance = float(self.initial_learning_rate) - rate
        left = ops.maximum(1.0 - done, 0.0)
        return distance * ops.power(left, float(self.power)) + rate

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }
