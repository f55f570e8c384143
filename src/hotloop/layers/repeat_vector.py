"""RepeatVector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.input_spec import InputSpec
from hotloop.layers.layer import Layer
from hotloop.ops.symbolic import KerasTensor


class RepeatVector(Layer):
    """Each vector `n` times: `[batch, features]` to `[batch, n, features]`.

    Args:
        n: how many times.

    Raises `TypeError` unless `n` is an int, `ValueError` unless it is positive.
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(n, int) or isinstance(n, bool):
            raise TypeError(f"Expected an integer value for `n`, got {n!r} of type {type(n)}.")
        if n <= 0:
            raise ValueError(f"Argument `n` should be a positive integer. Received: n={n}")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Tensor) -> Tensor:
        batch, features = inputs.shape
        row = ops.reshape(inputs, (batch, 1, features))
        return ops.broadcast_to(row, (batch, self.n, features))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], self.n, input_shape[1])

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}
