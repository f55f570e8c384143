"""Objects to configurations and back, as in `keras.saving`."""

from __future__ import annotations

from hotloop._absent import missing
from hotloop.common.custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from hotloop.saving.deserialization import deserialize_keras_object
from hotloop.saving.serialization import serialize_keras_object

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

__getattr__ = missing(__name__)
