"""Penalties on weights and activities, as in `keras.regularizers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hotloop._later import load_later
from hotloop.common.registry import Registry, attribute_error

if TYPE_CHECKING:
    from hotloop.regularizers.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer

    l1 = L1
    l2 = L2
    l1_l2 = L1L2
    orthogonal_regularizer = OrthogonalRegularizer

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "L1": "regularizers",
    "L1L2": "regularizers",
    "L2": "regularizers",
    "OrthogonalRegularizer": "regularizers",
    "Regularizer": "regularizers",
    "l1": "regularizers:L1",
    "l1_l2": "regularizers:L1L2",
    "l2": "regularizers:L2",
    "orthogonal_regularizer": "regularizers:OrthogonalRegularizer",
}

_registry = Registry("keras.regularizers", "regularizer")
# "l1l2" is what Keras's own naming rule makes of "L1L2"; "l1_l2" is what people write.
_registry.add_later(
    __name__,
    _LATER,
    "L1",
    "L2",
    "L1L2",
    "OrthogonalRegularizer",
    snake_case=True,
    l1_l2="L1L2",
)


def serialize(regularizer: Any) -> dict[str, Any] | None:
    """The configuration dictionary of a regularizer; None of None."""
    return _registry.serialize(regularizer)


def deserialize(
    config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The regularizer that `config` describes."""
    return _registry.deserialize(config, custom_objects)


def get(identifier: Any) -> Regularizer | Callable[..., Any] | None:
    """A regularizer from a name, configuration, class, instance or callable; None stays None.

    Raises `ValueError` for anything else.
    """
    return _registry.get(identifier)


__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

__getattr__ = load_later(__name__, _LATER, attribute_error(__name__, "regularizer", __all__))
