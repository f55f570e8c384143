"""What `learning_rate` may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hotloop import ops
from hotloop._later import Later
from hotloop.graph import Tensor, TracingError, Variable
from hotloop.graph.scope import symbolic_scope

if TYPE_CHECKING:
    from hotloop.optimizers import schedules
    from hotloop.optimizers.schedules import LearningRateSchedule
else:
    schedules = Later("hotloop.optimizers.schedules")

LearningRate: TypeAlias = "float | LearningRateSchedule | Callable[[], Any]"


def as_number(value: Any) -> float:
    """`value` as a float; raises `ValueError` if it is no number."""
    if isinstance(value, (Variable, Tensor, np.ndarray)) and tuple(value.shape) == ():
        value = float(value)
    if isinstance(value, (float, int, np.floating, np.integer)) and not isinstance(value, bool):
        return float(value)
    raise ValueError(
        "Argument `learning_rate` should be a float, a LearningRateSchedule, or a callable that "
        f"takes no arguments and returns the rate. Received: learning_rate={value!r}"
    )


def is_computed(rate: Any) -> bool:
    """Whether `rate` is a schedule or another callable, rather than a number."""
    return callable(rate) and not isinstance(rate, (Variable, Tensor))


def current(rate: Any, iterations: Variable) -> Any:
    """The rate of this step: the variable itself, or a float32 tensor of shape ().

    Raises:
        TracingError: a callable gives a plain number, which would stay in the compiled step.
        ValueError: what a schedule or a callable returns is not one number.
    """
    if isinstance(rate, Variable):
        return rate
    scheduled = isinstance(rate, schedules.LearningRateSchedule)
    value = rate(iterations) if scheduled else rate()
    if not scheduled and not isinstance(value, (Tensor, Variable)) and symbolic_scope() is not None:
        raise TracingError(
            f"The callable `learning_rate` {rate!r} returned the number {value!r}, which a "
            "compiled step would keep for ever. Use a LearningRateSchedule, let the callable "
            "compute with a hotloop.Variable, or pass a number and assign "
            "`optimizer.learning_rate` when it changes."
        )
    tensor = ops.cast(ops.convert_to_tensor(value), "float32")
    if tensor.shape != ():
        raise ValueError(
            f"`learning_rate` {rate!r} must return one number. It returned the shape "
            f"{tensor.shape}."
        )
    return tensor


def serialize(rate: Any) -> Any:
    """What stands for `rate` in a configuration."""
    if isinstance(rate, Variable):
        return float(rate.numpy())
    return schedules.serialize(rate)


def deserialize(rate: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """`rate` of a configuration: a number, or the schedule or function that it describes."""
    return schedules.deserialize(rate, custom_objects) if isinstance(rate, Mapping) else rate
