"""SpatialDropout1D."""

from __future__ import annotations

from typing import Any

from hotloop import random
from hotloop.graph import Tensor
from hotloop.layers.dropout import Dropout
from hotloop.layers.input_spec import InputSpec


class SpatialDropout1D(Dropout):
    """Dropout of whole features: one that is dropped is dropped in every time step of the sample.

    Args:
        rate: probability in [0, 1].
        seed: seed of the masks; every call draws anew from it.

    Shapes: `[batch, steps, features]` to the same.
    """

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        shape = (inputs.shape[0], 1, inputs.shape[2])
        return random.dropout(inputs, self.rate, noise_shape=shape, seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {key: config[key] for key in ("rate", "seed", "name", "dtype")}
