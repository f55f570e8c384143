"""Optimizers, as in `keras.optimizers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hotloop._later import load_later
from hotloop.common.registry import Registry, attribute_error
from hotloop.optimizers.optimizer import Optimizer

if TYPE_CHECKING:
    from hotloop.optimizers import schedules
    from hotloop.optimizers.adadelta import Adadelta
    from hotloop.optimizers.adafactor import Adafactor
    from hotloop.optimizers.adagrad import Adagrad
    from hotloop.optimizers.adam import Adam
    from hotloop.optimizers.adamax import Adamax
    from hotloop.optimizers.adamw import AdamW
    from hotloop.optimizers.ftrl import Ftrl
    from hotloop.optimizers.lamb import Lamb
    from hotloop.optimizers.lion import Lion
    from hotloop.optimizers.loss_scale_optimizer import LossScaleOptimizer
    from hotloop.optimizers.multi_optimizer import MultiOptimizer, OptimizerMap
    from hotloop.optimizers.muon import Muon
    from hotloop.optimizers.nadam import Nadam
    from hotloop.optimizers.rmsprop import RMSprop
    from hotloop.optimizers.schedule_free_adamw import ScheduleFreeAdamW
    from hotloop.optimizers.sgd import SGD

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "Adadelta": "adadelta",
    "Adafactor": "adafactor",
    "Adagrad": "adagrad",
    "Adam": "adam",
    "Adamax": "adamax",
    "AdamW": "adamw",
    "Ftrl": "ftrl",
    "Lamb": "lamb",
    "Lion": "lion",
    "LossScaleOptimizer": "loss_scale_optimizer",
    "MultiOptimizer": "multi_optimizer",
    "OptimizerMap": "multi_optimizer",
    "Muon": "muon",
    "Nadam": "nadam",
    "RMSprop": "rmsprop",
    "ScheduleFreeAdamW": "schedule_free_adamw",
    "SGD": "sgd",
}


_registry = Registry("keras.optimizers", "optimizer", ignore_case=True)
_registry.add_later(
    __name__,
    _LATER,
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "OptimizerMap",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
)


def serialize(optimizer: Any) -> dict[str, Any] | None:
    """The configuration dictionary of an optimizer."""
    return _registry.serialize(optimizer)


def deserialize(
    config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The optimizer that `config` describes."""
    return _registry.deserialize(config, custom_objects)


def get(identifier: Any) -> Optimizer | None:
    """An optimizer from a name (in any case), configuration, class or instance; None stays None.

    Raises `ValueError` for anything else.
    """
    return _registry.get(
        identifier,
        fallback=lambda obj: isinstance(obj, Optimizer),
        expected="a name, a configuration dictionary, or an Optimizer class or instance",
    )


__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

__getattr__ = load_later(
    __name__, _LATER, attribute_error(__name__, "optimizer", __all__), namespaces=("schedules",)
)
