"""Permute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.input_spec import InputSpec
from hotloop.layers.layer import Layer
from hotloop.ops.symbolic import KerasTensor


class Permute(Layer):
    """The axes behind the batch in another order.

    Args:
        dims: the numbers 1 to n in the new order; `(2, 1)` makes `[batch, b, a]` of
            `[batch, a, b]`.

    Raises `ValueError` if `dims` are not such numbers.
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                "Invalid permutation argument `dims` for Permute Layer. Expected the numbers from "
                f"1 to the number of axes behind the batch, each once. Received: dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Tensor) -> Tensor:
        return ops.transpose(inputs, axes=(0, *self.dims))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], *(input_shape[dim] for dim in self.dims))

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}
