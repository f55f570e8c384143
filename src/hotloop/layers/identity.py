"""Identity."""

from __future__ import annotations

from typing import Any

from hotloop.layers.layer import Layer
from hotloop.ops import tree
from hotloop.ops.symbolic import KerasTensor


class Identity(Layer):
    """Its inputs, as they are: a tensor or a nest of tensors."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, inputs: Any) -> Any:
        return tree.map_structure(lambda x: KerasTensor(x.shape, dtype=x.dtype), inputs)
