"""Losses, as in `keras.losses`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hotloop.common.registry import Registry, attribute_error
from hotloop.losses.binary_crossentropy import BinaryCrossentropy, binary_crossentropy
from hotloop.losses.categorical_crossentropy import (
    CategoricalCrossentropy,
    categorical_crossentropy,
)
from hotloop.losses.class_labels import check_class_labels
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper
from hotloop.losses.mean_absolute_error import MeanAbsoluteError, mean_absolute_error
from hotloop.losses.mean_squared_error import MeanSquaredError, mean_squared_error
from hotloop.losses.sparse_categorical_crossentropy import (
    SparseCategoricalCrossentropy,
    sparse_categorical_crossentropy,
)

_registry = Registry("keras.losses", "loss")
_registry.add(
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    MeanSquaredError,
    MeanAbsoluteError,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
    mean_squared_error,
    mean_absolute_error,
    bce=binary_crossentropy,
    BCE=binary_crossentropy,
    mae=mean_absolute_error,
    MAE=mean_absolute_error,
    mse=mean_squared_error,
    MSE=mean_squared_error,
)


def serialize(loss: Any) -> dict[str, Any] | None:
    """The configuration dictionary of a loss or loss function."""
    return _registry.serialize(loss)


def deserialize(
    name: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The loss or loss function that a configuration (or name) describes."""
    return _registry.deserialize(name, custom_objects)


def get(identifier: Any) -> Any:
    """A loss from a name, configuration, class, instance or callable; None stays None.

    Snake-case names give functions and class names give instances, as in Keras.
    Raises `ValueError` for anything else.
    """
    return _registry.get(identifier)


__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "check_class_labels",
    "deserialize",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "serialize",
    "sparse_categorical_crossentropy",
]

__getattr__ = attribute_error(__name__, "loss", __all__)
