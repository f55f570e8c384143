"""Rescaling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hotloop import ops, saving
from hotloop.graph import Tensor
from hotloop.layers.preprocessing.data_layer import DataLayer


class Rescaling(DataLayer):
    """`inputs * scale + offset`, float32.

    Args:
        scale: number, or numbers that broadcast to the inputs; `1 / 255` brings bytes to [0, 1].
        offset: likewise.
        kwargs: see `Layer`.

    Shapes: any to the same.
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        scale, offset = (
            ops.convert_to_tensor(np.asarray(value, np.float32))
            for value in (self.scale, self.offset)
        )
        return ops.cast(inputs, "float32") * scale + offset

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": _plain(self.scale),
            "offset": _plain(self.offset),
        }

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Rescaling:
        """A layer from `get_config()`; Keras's describe arrays as objects."""
        numbers = {
            name: saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("scale", "offset")
            if name in config
        }
        return cls(**{**config, **numbers})


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
