"""Flatten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hotloop import _settings, ops
from hotloop.graph import Tensor
from hotloop.layers.input_spec import InputSpec
from hotloop.layers.layer import Layer
from hotloop.ops.symbolic import KerasTensor


class Flatten(Layer):
    """All axes but the batch as one: `[batch, a, b]` to `[batch, a * b]`.

    Args:
        data_format: `"channels_last"` (default), or `"channels_first"` to move axis 1 to the end
            first.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor) -> Tensor:
        rank = len(inputs.shape)
        if self.data_format == "channels_first" and rank > 1:
            inputs = ops.transpose(inputs, axes=(0, *range(2, rank), 1))
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        inner: tuple[Any, ...] = tuple(input_shape[1:])
        return input_shape[0], None if None in inner else math.prod(inner)

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


def standardize_data_format(data_format: str | None) -> str:
    """`data_format`, by default that of `config`. Raises `ValueError` for unknown ones."""
    data_format = str(data_format or _settings.get("image_data_format")).lower()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            "The `data_format` argument must be one of 'channels_last', 'channels_first'. "
            f"Received: data_format={data_format!r}"
        )
    return data_format
