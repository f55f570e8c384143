"""Activation."""

from __future__ import annotations

from typing import Any

from hotloop import activations
from hotloop.graph import Tensor
from hotloop.layers.layer import Layer


class Activation(Layer):
    """An activation function as a layer.

    Args:
        activation: name or function.
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
