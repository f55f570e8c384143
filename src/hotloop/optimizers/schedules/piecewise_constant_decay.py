"""PiecewiseConstantDecay."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.optimizers.schedules.learning_rate_schedule import LearningRateSchedule


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]` up to and including step `boundaries[i]`, and `values[-1]` after the last one.

    Args:
        boundaries: steps, in ascending order.
        values: rates, one more than there are boundaries.
        name: a name.

    Raises:
        ValueError: the lengths do not fit, or the boundaries are not in order.
    """

    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values. Received: "
                f"boundaries={boundaries} of length {len(boundaries)}, and values={values} of "
                f"length {len(values)}."
            )
        if any(low > high for low, high in itertools.pairwise(boundaries)):
            raise ValueError(
                f"Argument `boundaries` must be in ascending order. Received: {boundaries}"
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        step = ops.convert_to_tensor(step)
        # Whole steps are compared with whole boundaries: float32 cannot hold all of them.
        whole = step.dtype == "int32"
        rate = ops.convert_to_tensor(float(self.values[-1]))
        for boundary, value in zip(reversed(self.boundaries), self.values[-2::-1], strict=True):
            last = math.floor(boundary) if whole else float(boundary)
            rate = ops.where(step <= last, float(value), rate)
        return rate

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
