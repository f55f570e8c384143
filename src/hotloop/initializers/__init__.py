"""First values of variables, as in `keras.initializers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hotloop import ops
from hotloop.common.dtypes import standardize_dtype
from hotloop.common.registry import Registry, attribute_error
from hotloop.graph import Tensor, Variable
from hotloop.initializers.constant_initializers import Constant, Identity, Ones, Zeros
from hotloop.initializers.initializer import Initializer
from hotloop.initializers.random_initializers import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)

constant = Constant
zeros = Zeros
ones = Ones
identity = IdentityInitializer = Identity
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling

_registry = Registry("keras.initializers", "initializer")
_registry.add(
    Constant,
    Identity,
    Ones,
    Zeros,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    snake_case=True,
    IdentityInitializer=Identity,
    OrthogonalInitializer=Orthogonal,
    normal=RandomNormal,
    one=Ones,
    uniform=RandomUniform,
    zero=Zeros,
)


def serialize(initializer: Any) -> dict[str, Any] | None:
    """The configuration dictionary of an initializer."""
    return _registry.serialize(initializer)


def deserialize(
    config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The initializer that `config` describes."""
    return _registry.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """An initializer from a name, configuration, class, instance, callable, or an array.

    An array stands for itself: the variable must then have its shape. None stays None.
    Raises `ValueError` for anything else.
    """
    if isinstance(identifier, (Tensor, Variable, np.ndarray, np.generic)):
        return _from_array(np.asarray(identifier))
    return _registry.get(identifier)


def _from_array(value: np.ndarray) -> Callable[..., Tensor]:
    def initialize(shape: Sequence[int], dtype: Any = None) -> Tensor:
        if tuple(shape) != value.shape:
            raise ValueError(
                f"Expected `shape` to be {value.shape} for direct tensor as initializer. "
                f"Received shape={tuple(shape)}"
            )
        return ops.convert_to_tensor(value.astype(standardize_dtype(dtype)))

    return initialize


__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

__getattr__ = attribute_error(__name__, "initializer", __all__)
