"""Losses, as in `keras.losses`."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

from hotloop._later import load_later
from hotloop.common.registry import Registry, attribute_error
from hotloop.losses.loss import Loss

if TYPE_CHECKING:
    from hotloop.losses.binary_crossentropy import BinaryCrossentropy, binary_crossentropy
    from hotloop.losses.binary_focal_crossentropy import (
        BinaryFocalCrossentropy,
        binary_focal_crossentropy,
    )
    from hotloop.losses.categorical_crossentropy import (
        CategoricalCrossentropy,
        categorical_crossentropy,
    )
    from hotloop.losses.categorical_focal_crossentropy import (
        CategoricalFocalCrossentropy,
        categorical_focal_crossentropy,
    )
    from hotloop.losses.categorical_generalized_cross_entropy import (
        CategoricalGeneralizedCrossEntropy,
        categorical_generalized_cross_entropy,
    )
    from hotloop.losses.categorical_hinge import CategoricalHinge, categorical_hinge
    from hotloop.losses.circle import Circle, circle
    from hotloop.losses.class_labels import check_class_labels
    from hotloop.losses.cosine_similarity import CosineSimilarity, cosine_similarity
    from hotloop.losses.dice import Dice, dice
    from hotloop.losses.hinge import Hinge, hinge
    from hotloop.losses.huber import Huber, huber
    from hotloop.losses.kl_divergence import KLDivergence, kl_divergence
    from hotloop.losses.log_cosh import LogCosh, log_cosh
    from hotloop.losses.loss_function_wrapper import LossFunctionWrapper
    from hotloop.losses.mean_absolute_error import MeanAbsoluteError, mean_absolute_error
    from hotloop.losses.mean_absolute_percentage_error import (
        MeanAbsolutePercentageError,
        mean_absolute_percentage_error,
    )
    from hotloop.losses.mean_squared_error import MeanSquaredError, mean_squared_error
    from hotloop.losses.mean_squared_logarithmic_error import (
        MeanSquaredLogarithmicError,
        mean_squared_logarithmic_error,
    )
    from hotloop.losses.poisson import Poisson, poisson
    from hotloop.losses.sparse_categorical_crossentropy import (
        SparseCategoricalCrossentropy,
        sparse_categorical_crossentropy,
    )
    from hotloop.losses.squared_hinge import SquaredHinge, squared_hinge
    from hotloop.losses.tversky import Tversky, tversky

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "BinaryCrossentropy": "binary_crossentropy",
    "binary_crossentropy": "binary_crossentropy",
    "BinaryFocalCrossentropy": "binary_focal_crossentropy",
    "binary_focal_crossentropy": "binary_focal_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "categorical_crossentropy": "categorical_crossentropy",
    "CategoricalFocalCrossentropy": "categorical_focal_crossentropy",
    "categorical_focal_crossentropy": "categorical_focal_crossentropy",
    "CategoricalGeneralizedCrossEntropy": "categorical_generalized_cross_entropy",
    "categorical_generalized_cross_entropy": "categorical_generalized_cross_entropy",
    "CategoricalHinge": "categorical_hinge",
    "categorical_hinge": "categorical_hinge",
    "Circle": "circle",
    "circle": "circle",
    "check_class_labels": "class_labels",
    "CosineSimilarity": "cosine_similarity",
    "cosine_similarity": "cosine_similarity",
    "Dice": "dice",
    "dice": "dice",
    "Hinge": "hinge",
    "hinge": "hinge",
    "Huber": "huber",
    "huber": "huber",
    "KLDivergence": "kl_divergence",
    "kl_divergence": "kl_divergence",
    "LogCosh": "log_cosh",
    "log_cosh": "log_cosh",
    "LossFunctionWrapper": "loss_function_wrapper",
    "MeanAbsoluteError": "mean_absolute_error",
    "mean_absolute_error": "mean_absolute_error",
    "MeanAbsolutePercentageError": "mean_absolute_percentage_error",
    "mean_absolute_percentage_error": "mean_absolute_percentage_error",
    "MeanSquaredError": "mean_squared_error",
    "mean_squared_error": "mean_squared_error",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error",
    "mean_squared_logarithmic_error": "mean_squared_logarithmic_error",
    "Poisson": "poisson",
    "poisson": "poisson",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
    "sparse_categorical_crossentropy": "sparse_categorical_crossentropy",
    "SquaredHinge": "squared_hinge",
    "squared_hinge": "squared_hinge",
    "Tversky": "tversky",
    "tversky": "tversky",
}


_registry = Registry("keras.losses", "loss")
_registry.add_later(
    __name__,
    _LATER,
    "LossFunctionWrapper",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "dice",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
    bce="binary_crossentropy",
    BCE="binary_crossentropy",
    kld="kl_divergence",
    KLD="kl_divergence",
    mae="mean_absolute_error",
    MAE="mean_absolute_error",
    mape="mean_absolute_percentage_error",
    MAPE="mean_absolute_percentage_error",
    mse="mean_squared_error",
    MSE="mean_squared_error",
    msle="mean_squared_logarithmic_error",
    MSLE="mean_squared_logarithmic_error",
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


def is_loss_type(obj: Any) -> bool:
    """Whether `obj` is one of this package's classes or functions."""
    return str(getattr(obj, "__module__", "")).startswith("hotloop.losses.")


def is_loss(obj: Any) -> bool:
    """Whether `obj` is one of this package's losses, functions or instances."""
    return type(obj) in _registry or (isinstance(obj, FunctionType) and obj in _registry)


__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "check_class_labels",
    "circle",
    "cosine_similarity",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

__getattr__ = load_later(__name__, _LATER, attribute_error(__name__, "loss", __all__))
