"""Projections of weights, as in `keras.constraints`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hotloop._later import load_later
from hotloop.common.registry import Registry, attribute_error

if TYPE_CHECKING:
    from hotloop.constraints.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm

    max_norm = MaxNorm
    min_max_norm = MinMaxNorm
    non_neg = NonNeg
    unit_norm = UnitNorm

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "Constraint": "constraints",
    "MaxNorm": "constraints",
    "MinMaxNorm": "constraints",
    "NonNeg": "constraints",
    "UnitNorm": "constraints",
    "max_norm": "constraints:MaxNorm",
    "min_max_norm": "constraints:MinMaxNorm",
    "non_neg": "constraints:NonNeg",
    "unit_norm": "constraints:UnitNorm",
}

_registry = Registry("keras.constraints", "constraint")
_registry.add_later(
    __name__, _LATER, "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", snake_case=True
)


def serialize(constraint: Any) -> dict[str, Any] | None:
    """The configuration dictionary of a constraint; None of None."""
    return _registry.serialize(constraint)


def deserialize(
    config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The constraint that `config` describes."""
    return _registry.deserialize(config, custom_objects)


def get(identifier: Any) -> Constraint | Callable[..., Any] | None:
    """A constraint from a name, configuration, class, instance or callable; None stays None.

    Raises `ValueError` for anything else.
    """
    return _registry.get(identifier)


__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

__getattr__ = load_later(__name__, _LATER, attribute_error(__name__, "constraint", __all__))
