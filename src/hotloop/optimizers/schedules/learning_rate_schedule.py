"""The base class of learning-rate schedules."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor


class LearningRateSchedule:
    """A learning rate that depends on the number of steps done.

    Subclasses implement `__call__(step)` with functions of `hotloop.ops`. It becomes part of the
    compiled training step, which counts its steps by itself: nothing is compiled again when the
    rate changes. `step` is an int32 variable or tensor of shape (); the result is one number.
    """

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `__call__(self, step)`."
        )

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `get_config()` in "
            "order to be serializable."
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """The schedule of a configuration."""
        return cls(**config)


def as_float(step: Any) -> Tensor:
    """`step` as float32."""
    return ops.cast(step, "float32")


def check_positive(name: str, value: Any) -> None:
    """Raises `ValueError` unless `value` is above 0."""
    if value <= 0:
        raise ValueError(f"Argument `{name}` must be > 0. Received: {name}={value}")
