"""Learning-rate schedules, as in `keras.optimizers.schedules`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hotloop._later import load_later
from hotloop.common.registry import Registry, attribute_error
from hotloop.optimizers.schedules.learning_rate_schedule import LearningRateSchedule

if TYPE_CHECKING:
    from hotloop.optimizers.schedules.cosine_decay import CosineDecay
    from hotloop.optimizers.schedules.cosine_decay_restarts import CosineDecayRestarts
    from hotloop.optimizers.schedules.exponential_decay import ExponentialDecay
    from hotloop.optimizers.schedules.inverse_time_decay import InverseTimeDecay
    from hotloop.optimizers.schedules.piecewise_constant_decay import PiecewiseConstantDecay
    from hotloop.optimizers.schedules.polynomial_decay import PolynomialDecay

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "CosineDecay": "cosine_decay",
    "CosineDecayRestarts": "cosine_decay_restarts",
    "ExponentialDecay": "exponential_decay",
    "InverseTimeDecay": "inverse_time_decay",
    "PiecewiseConstantDecay": "piecewise_constant_decay",
    "PolynomialDecay": "polynomial_decay",
}


_registry = Registry("keras.optimizers.schedules", "learning-rate schedule")
_registry.add_later(
    __name__,
    _LATER,
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
)


def serialize(learning_rate_schedule: Any) -> dict[str, Any] | None:
    """The configuration dictionary of a schedule (or of a function, by its name)."""
    return _registry.serialize(learning_rate_schedule)


def deserialize(
    config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The schedule that `config` describes.

    `custom_objects` gives the classes and functions of your own by name.
    """
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

__getattr__ = load_later(
    __name__, _LATER, attribute_error(__name__, "learning-rate schedule", __all__)
)
