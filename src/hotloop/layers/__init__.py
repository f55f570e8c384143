"""Layers, as in `keras.layers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from hotloop.common.registry import Registry, attribute_error
from hotloop.layers.activation import Activation
from hotloop.layers.dense import Dense
from hotloop.layers.dropout import Dropout
from hotloop.layers.flatten import Flatten
from hotloop.layers.input_layer import Input, InputLayer
from hotloop.layers.input_spec import InputSpec
from hotloop.layers.layer import Layer
from hotloop.layers.out_of_scope import refuse
from hotloop.layers.relu import ReLU
from hotloop.layers.reshape import Reshape
from hotloop.layers.softmax import Softmax

_registry = Registry("keras.layers", "layer")
_registry.add(Activation, Dense, Dropout, Flatten, InputLayer, ReLU, Reshape, Softmax)


def serialize(layer: Layer) -> dict[str, Any] | None:
    """The configuration dictionary of a layer."""
    return _registry.serialize(layer)


def deserialize(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Layer:
    """The layer that `config` describes, without its weights."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "Activation",
    "Dense",
    "Dropout",
    "Flatten",
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer",
    "ReLU",
    "Reshape",
    "Softmax",
    "deserialize",
    "serialize",
]

_missing = attribute_error(__name__, "layer", __all__)


def __getattr__(name: str) -> NoReturn:
    refuse(name)
    _missing(name)
