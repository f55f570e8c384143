"""Dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop import random
from hotloop.graph import Tensor
from hotloop.layers.layer import Layer


class Dropout(Layer):
    """In training, sets inputs to 0 with probability `rate` and scales the rest by 1 / (1 - rate).

    Args:
        rate: probability in [0, 1].
        noise_shape: shape of the mask, broadcast over the inputs; None entries take their size.
        seed: seed of the masks; every call draws anew from it.

    Raises `ValueError` for values out of range.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(
                "Invalid value received for argument `rate`. Expected a float value between 0 and "
                f"1. Received: rate={rate}"
            )
        self.rate = rate
        self.seed = seed
        self.noise_shape = standardize_noise_shape(noise_shape)
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        shape = concrete_noise_shape(self.noise_shape, inputs.shape, self.name)
        return random.dropout(inputs, self.rate, noise_shape=shape, seed=self.seed_generator)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rate": self.rate,
            "seed": self.seed,
            "noise_shape": self.noise_shape,
        }


def standardize_noise_shape(noise_shape: Any) -> tuple[int | None, ...] | None:
    """A `noise_shape` argument as a tuple. Raises `ValueError` for what is no shape."""
    if noise_shape is None:
        return None
    if not isinstance(noise_shape, (list, tuple)):
        raise ValueError(
            "Invalid value received for argument `noise_shape`. Expected a tuple or list of "
            f"integers. Received: noise_shape={noise_shape!r}"
        )
    for dim in noise_shape:
        whole = isinstance(dim, (int, np.integer)) and not isinstance(dim, bool) and dim > 0
        if dim is not None and not whole:
            raise ValueError(
                "Invalid value received for argument `noise_shape`. Expected all dimensions to be "
                f"positive integers or None. Received: noise_shape={tuple(noise_shape)}"
            )
    return tuple(noise_shape)


def concrete_noise_shape(
    noise_shape: tuple[int | None, ...] | None, shape: tuple[int, ...], layer_name: str
) -> tuple[int, ...]:
    """The shape of the mask for inputs of `shape`. Raises `ValueError` if the ranks differ."""
    if noise_shape is None:
        return shape
    if len(noise_shape) != len(shape):
        raise ValueError(
            f"`noise_shape` of layer '{layer_name}' must have the rank of the inputs. "
            f"Received: noise_shape={noise_shape}, inputs.shape={shape}"
        )
    return tuple(
        have if want is None else int(want) for want, have in zip(noise_shape, shape, strict=True)
    )
