"""Layers that add or multiply noise in training: GaussianNoise, GaussianDropout, AlphaDropout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hotloop import ops, random
from hotloop.graph import Tensor
from hotloop.layers.dropout import concrete_noise_shape, standardize_noise_shape
from hotloop.layers.layer import Layer

# SELU's constants; their negative product is where SELU saturates (Klambauer et al., 2017).
_ALPHA = 1.6732632423543772848170429916717
_SCALE = 1.0507009873554804934193349852946
_SATURATED = -_ALPHA * _SCALE


class _Noise(Layer):
    """What the three share: a strength in [0, 1], a seed, and nothing to do outside of training."""

    def __init__(self, argument: str, strength: float, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= strength <= 1:
            raise ValueError(
                f"Invalid value received for argument `{argument}`. Expected a float value between "
                f"0 and 1. Received: {argument}={strength}"
            )
        if strength == 1 and argument == "rate":
            raise ValueError(
                f"{type(self).__name__}(rate=1) would have to scale by an infinite factor. Pass a "
                "smaller `rate`."
            )
        self.seed = seed
        if strength > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


class GaussianNoise(_Noise):
    """In training, adds normally distributed noise of mean 0.

    Args:
        stddev: standard deviation, in [0, 1].
        seed: seed of the noise; every call draws anew from it.

    Raises `ValueError` for values out of range.
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__("stddev", stddev, seed, **kwargs)
        self.stddev = stddev

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.stddev == 0:
            return inputs
        noise = random.normal(inputs.shape, 0.0, self.stddev, seed=self.seed_generator)
        return inputs + noise

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(_Noise):
    """In training, multiplies by noise of mean 1 and standard deviation sqrt(rate / (1 - rate)).

    The noise has the variance of what `Dropout` of that rate does (Srivastava et al., 2014).

    Args:
        rate: in [0, 1).
        seed: seed of the noise; every call draws anew from it.

    Raises `ValueError` for values out of range.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__("rate", rate, seed, **kwargs)
        self.rate = rate

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        return inputs * random.normal(inputs.shape, 1.0, stddev, seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}


class AlphaDropout(_Noise):
    """Dropout for SELU networks: dropped inputs take the value at which SELU saturates.

    The result is scaled and shifted so that mean 0 and variance 1 of the inputs stay
    (Klambauer et al., 2017).

    Args:
        rate: probability in [0, 1).
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
        super().__init__("rate", rate, seed, **kwargs)
        self.rate = rate
        self.noise_shape = standardize_noise_shape(noise_shape)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        shape = concrete_noise_shape(self.noise_shape, inputs.shape, self.name)
        kept = ops.greater_equal(random.uniform(shape, seed=self.seed_generator), self.rate)
        scale = ((1 - self.rate) * (1 + self.rate * _SATURATED**2)) ** -0.5
        shift = -scale * _SATURATED * self.rate
        return ops.where(kept, inputs, _SATURATED) * scale + shift

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}
