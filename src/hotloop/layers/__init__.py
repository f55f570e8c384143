"""Layers, as in `keras.layers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hotloop import saving
from hotloop._later import load_later
from hotloop.common.registry import Registry, attribute_error
from hotloop.layers.layer import Layer

if TYPE_CHECKING:
    from hotloop.layers.activation import Activation
    from hotloop.layers.activity_regularization import ActivityRegularization
    from hotloop.layers.batch_normalization import BatchNormalization
    from hotloop.layers.concatenate import Concatenate, concatenate
    from hotloop.layers.dense import Dense
    from hotloop.layers.dot import Dot, dot
    from hotloop.layers.dropout import Dropout
    from hotloop.layers.einsum_dense import EinsumDense
    from hotloop.layers.embedding import Embedding
    from hotloop.layers.flatten import Flatten
    from hotloop.layers.global_pooling import GlobalAveragePooling1D, GlobalMaxPooling1D
    from hotloop.layers.global_pooling import GlobalAveragePooling1D as GlobalAvgPool1D
    from hotloop.layers.global_pooling import GlobalMaxPooling1D as GlobalMaxPool1D
    from hotloop.layers.identity import Identity
    from hotloop.layers.input_layer import Input, InputLayer
    from hotloop.layers.input_spec import InputSpec
    from hotloop.layers.lambda_layer import Lambda
    from hotloop.layers.leaky_relu import ELU, LeakyReLU
    from hotloop.layers.masking import Masking
    from hotloop.layers.merge import (
        Add,
        Average,
        Maximum,
        Minimum,
        Multiply,
        Subtract,
        add,
        average,
        maximum,
        minimum,
        multiply,
        subtract,
    )
    from hotloop.layers.noise import AlphaDropout, GaussianDropout, GaussianNoise
    from hotloop.layers.normalization import (
        GroupNormalization,
        LayerNormalization,
        RMSNormalization,
        UnitNormalization,
    )
    from hotloop.layers.permute import Permute
    from hotloop.layers.prelu import PReLU
    from hotloop.layers.preprocessing.category_encoding import CategoryEncoding
    from hotloop.layers.preprocessing.discretization import Discretization
    from hotloop.layers.preprocessing.hashing import Hashing
    from hotloop.layers.preprocessing.integer_lookup import IntegerLookup
    from hotloop.layers.preprocessing.normalization import Normalization
    from hotloop.layers.preprocessing.rescaling import Rescaling
    from hotloop.layers.preprocessing.string_lookup import StringLookup
    from hotloop.layers.relu import ReLU
    from hotloop.layers.repeat_vector import RepeatVector
    from hotloop.layers.reshape import Reshape
    from hotloop.layers.softmax import Softmax
    from hotloop.layers.spatial_dropout import SpatialDropout1D
    from hotloop.layers.wrapper import TimeDistributed, Wrapper

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "Activation": "activation",
    "ActivityRegularization": "activity_regularization",
    "BatchNormalization": "batch_normalization",
    "Concatenate": "concatenate",
    "concatenate": "concatenate",
    "Dense": "dense",
    "Dot": "dot",
    "dot": "dot",
    "Dropout": "dropout",
    "EinsumDense": "einsum_dense",
    "Embedding": "embedding",
    "Flatten": "flatten",
    "GlobalAveragePooling1D": "global_pooling",
    "GlobalAvgPool1D": "global_pooling:GlobalAveragePooling1D",
    "GlobalMaxPooling1D": "global_pooling",
    "GlobalMaxPool1D": "global_pooling:GlobalMaxPooling1D",
    "Identity": "identity",
    "Input": "input_layer",
    "InputLayer": "input_layer",
    "InputSpec": "input_spec",
    "Lambda": "lambda_layer",
    "ELU": "leaky_relu",
    "LeakyReLU": "leaky_relu",
    "Masking": "masking",
    "Add": "merge",
    "Average": "merge",
    "Maximum": "merge",
    "Minimum": "merge",
    "Multiply": "merge",
    "Subtract": "merge",
    "add": "merge",
    "average": "merge",
    "maximum": "merge",
    "minimum": "merge",
    "multiply": "merge",
    "subtract": "merge",
    "AlphaDropout": "noise",
    "GaussianDropout": "noise",
    "GaussianNoise": "noise",
    "GroupNormalization": "normalization",
    "LayerNormalization": "normalization",
    "RMSNormalization": "normalization",
    "UnitNormalization": "normalization",
    "Permute": "permute",
    "PReLU": "prelu",
    "CategoryEncoding": "preprocessing.category_encoding",
    "Discretization": "preprocessing.discretization",
    "Hashing": "preprocessing.hashing",
    "IntegerLookup": "preprocessing.integer_lookup",
    "Normalization": "preprocessing.normalization",
    "Rescaling": "preprocessing.rescaling",
    "StringLookup": "preprocessing.string_lookup",
    "ReLU": "relu",
    "RepeatVector": "repeat_vector",
    "Reshape": "reshape",
    "Softmax": "softmax",
    "SpatialDropout1D": "spatial_dropout",
    "TimeDistributed": "wrapper",
    "Wrapper": "wrapper",
}


_registry = Registry("keras.layers", "layer")
_registry.add_later(
    __name__,
    _LATER,
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "BatchNormalization",
    "CategoryEncoding",
    "Concatenate",
    "Dense",
    "Discretization",
    "Dot",
    "Dropout",
    "ELU",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "GroupNormalization",
    "Hashing",
    "Identity",
    "InputLayer",
    "IntegerLookup",
    "Lambda",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Softmax",
    "SpatialDropout1D",
    "StringLookup",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "Wrapper",
    GlobalAvgPool1D="GlobalAveragePooling1D",
    GlobalMaxPool1D="GlobalMaxPooling1D",
)


def serialize(layer: Layer) -> dict[str, Any] | None:
    """The configuration dictionary of a layer; of one that is built, with how it was built.

    Raises `ValueError` if a Python lambda is part of it.
    """
    return saving.serialize_keras_object(layer)


def deserialize(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Layer:
    """The layer that `config` describes; one that was built is built anew, with new weights.

    Raises:
        TypeError: the configuration names a class that is not known here.
        ValueError: it is of something that is no layer, or holds code.
    """
    layer = saving.deserialize_keras_object(config, custom_objects)
    if not isinstance(layer, Layer):
        raise ValueError(
            "`layers.deserialize` needs the configuration of a layer. That of something else was "
            f"passed: {config!r}"
        )
    return layer


__all__ = [
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "BatchNormalization",
    "CategoryEncoding",
    "Concatenate",
    "Dense",
    "Discretization",
    "Dot",
    "Dropout",
    "ELU",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "GroupNormalization",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "IntegerLookup",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Softmax",
    "SpatialDropout1D",
    "StringLookup",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "Wrapper",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

__getattr__ = load_later(__name__, _LATER, attribute_error(__name__, "layer", __all__))
