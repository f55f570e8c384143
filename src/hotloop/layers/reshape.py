"""Reshape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.layer import Layer
from hotloop.ops.symbolic import KerasTensor


class Reshape(Layer):
    """Other axes after the batch, same elements in the same order.

    Args:
        target_shape: shape without the batch; one entry may be -1.

    Raises `ValueError` if the numbers of elements differ.
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        target_shape = tuple(target_shape)
        for dim in target_shape:
            if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)) or dim < -1:
                raise ValueError(
                    "`target_shape` must be made of whole numbers, and -1 for at most one unknown "
                    f"dimension. Received: target_shape={target_shape}."
                )
        if target_shape.count(-1) > 1:
            raise ValueError(
                "There must be at most one unknown dimension (-1) in `target_shape`. "
                f"Received: target_shape={target_shape}."
            )
        self.target_shape = target_shape
        self.built = True

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        inner: tuple[Any, ...] = tuple(input_shape[1:])
        target = self.target_shape
        if None in inner:
            return (input_shape[0], *(None if dim == -1 else dim for dim in target))
        size = math.prod(inner)
        known = math.prod(dim for dim in target if dim != -1)
        fits = size == known if -1 not in target else known and size % known == 0
        if not fits:
            raise ValueError(
                "The total size of the tensor must be unchanged. "
                f"Received: input_shape={inner}, target_shape={target}"
            )
        return (input_shape[0], *(size // known if dim == -1 else dim for dim in target))

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def call(self, inputs: Tensor) -> Tensor:
        return ops.reshape(inputs, self.compute_output_shape(inputs.shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}
