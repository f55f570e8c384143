"""Objects to configurations and back, as in `keras.saving`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotloop._absent import missing
from hotloop._later import load_later
from hotloop.common.custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)

if TYPE_CHECKING:
    from hotloop.saving.deserialization import deserialize_keras_object
    from hotloop.saving.serialization import serialize_keras_object

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "deserialize_keras_object": "deserialization",
    "serialize_keras_object": "serialization",
}

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "serialize_keras_object",
]

__getattr__ = load_later(__name__, _LATER, missing(__name__))
