"""Masking."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.layer import Layer
from hotloop.ops.masks import set_keras_mask
from hotloop.ops.symbolic import KerasTensor


class Masking(Layer):
    """Masks the time steps in which every feature is `mask_value`, and sets them to 0.

    Args:
        mask_value: a number, or an array that broadcasts to the inputs.

    Shapes: `[batch, steps, features]` to the same; the mask is bool `[batch, steps]`, False where
    a step does not count.
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        plain = isinstance(mask_value, (bool, int, float))
        self.mask_value = mask_value if plain else np.asarray(mask_value, np.float32)
        self.supports_masking = True
        self.built = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Tensor) -> Tensor:
        mask = self.compute_mask(inputs)
        outputs = ops.where(ops.expand_dims(mask, axis=-1), inputs, 0)
        set_keras_mask(outputs, mask)
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        value = self.mask_value
        value = value.tolist() if isinstance(value, np.ndarray) else value
        return {**super().get_config(), "mask_value": value}
