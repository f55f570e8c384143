"""Activation functions, as in `keras.activations`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from hotloop.activations.activations import (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from hotloop.common.registry import Registry, attribute_error

swish = silu
hard_swish = hard_silu

_registry = Registry("keras.activations", "activation", accepts=["keras.layers"])
_registry.add(
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
    swish=silu,
    hard_swish=hard_silu,
)


def serialize(activation: Callable[..., Any]) -> str | dict[str, Any] | None:
    """The name of an activation function, or the configuration of another callable."""
    if activation in _registry:
        return activation.__name__
    return _registry.serialize(activation)


def deserialize(
    config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Callable[..., Any]:
    """The activation that a name or configuration describes: a function, or a layer."""
    return _registry.deserialize(config, custom_objects)


def get(identifier: Any) -> Callable[..., Any]:
    """An activation from a name, configuration, function or layer; `linear` for None.

    Raises `ValueError` for anything else.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, (str, Mapping)):
        return deserialize(identifier)
    if callable(identifier) and not inspect.isclass(identifier):
        return identifier
    raise ValueError(
        f"Could not interpret activation function identifier: {identifier!r}. Expected a name, a "
        "configuration dictionary, a function or a layer."
    )


__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

__getattr__ = attribute_error(__name__, "activation", __all__)
