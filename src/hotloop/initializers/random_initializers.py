"""Initializers that draw: each instance keeps one seed, so calls with one shape agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.common.dtypes import standardize_dtype
from hotloop.graph import Tensor, draw_uniform
from hotloop.initializers.initializer import Initializer
from hotloop.random.seed import SeedGenerator, next_seed, numpy_generator

# Standard deviation of the unit normal truncated to [-2, 2].
_TRUNCATED_STDDEV = 0.8796256610342398


class RandomInitializer(Initializer):
    """Base of the drawing initializers.

    Args:
        seed: integer, `hotloop.random.SeedGenerator`, or None for a fresh default seed. With an
            integer (or None) every call draws the same numbers; with a generator each call goes on.
    """

    def __init__(self, seed: int | SeedGenerator | dict[str, Any] | None = None) -> None:
        self._init_seed = seed
        if seed is None:
            seed = next_seed()
        elif isinstance(seed, dict):
            seed = SeedGenerator.from_config(seed["config"])
        elif isinstance(seed, bool) or not isinstance(seed, (int, np.integer, SeedGenerator)):
            raise ValueError(
                "`seed` argument should be an instance of `hotloop.random.SeedGenerator` or an "
                f"integer. Received: seed={seed!r}"
            )
        self.seed = seed

    def _generator(self) -> np.random.Generator:
        if isinstance(self.seed, SeedGenerator):
            key = self.seed.next().numpy().view(np.uint32)
            return np.random.Generator(np.random.Philox(np.random.SeedSequence(key.tolist())))
        return numpy_generator(self.seed)

    def get_config(self) -> dict[str, Any]:
        seed = self._init_seed
        if isinstance(seed, SeedGenerator):
            seed = {
                "module": "keras.random",
                "class_name": "SeedGenerator",
                "config": seed.get_config(),
                "registered_name": None,
            }
        return {"seed": seed}


def _tensor(values: np.ndarray, dtype: Any) -> Tensor:
    dtype = standardize_dtype(dtype)
    if dtype != "float32":
        raise ValueError(f"Random initializers draw float32 values. Received: dtype={dtype!r}")
    array = np.asarray(values, np.float32, order="C")  # nobody else's, so that it needs no copy
    return Tensor("constant", array.shape, dtype, value=array, concrete=True)


def _normal(
    generator: np.random.Generator, shape: Sequence[int], mean: float, stddev: float
) -> np.ndarray:
    return mean + stddev * generator.standard_normal(tuple(shape))


def _truncated_normal(
    generator: np.random.Generator, shape: Sequence[int], mean: float, stddev: float
) -> np.ndarray:
    """Normal draws within two standard deviations; the ones outside are drawn again."""
    values = generator.standard_normal(math.prod(shape))
    while True:
        outside = np.flatnonzero(np.abs(values) > 2.0)
        if not outside.size:
            return mean + stddev * values.reshape(tuple(shape))
        values[outside] = generator.standard_normal(outside.size)


class RandomNormal(RandomInitializer):
    """Normal draws."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return _tensor(_normal(self._generator(), shape, self.mean, self.stddev), dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomInitializer):
    """Normal draws within two standard deviations of the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return _tensor(_truncated_normal(self._generator(), shape, self.mean, self.stddev), dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class RandomUniform(RandomInitializer):
    """Uniform draws in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        values = draw_uniform(self._generator(), shape, self.minval, self.maxval)
        return _tensor(values, dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """The numbers of inputs and outputs of one unit of a weight of this shape."""
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if not shape:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    receptive = math.prod(shape[:-2])
    return shape[-2] * receptive, shape[-1] * receptive


class VarianceScaling(RandomInitializer):
    """Draws whose variance is `scale` over the number of inputs, outputs, or their mean.

    Args:
        scale: positive factor.
        mode: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"`, `"untruncated_normal"` or `"uniform"`.
        seed: see `RandomInitializer`.
        input_axes, output_axes: axes that count as inputs and outputs; default the last two.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
        modes = ("fan_in", "fan_out", "fan_avg")
        if mode not in modes:
            raise ValueError(f"Invalid `mode` argument: {mode!r}. Please use one of {modes}")
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        distributions = ("uniform", "truncated_normal", "untruncated_normal")
        if distribution not in distributions:
            raise ValueError(
                f"Invalid `distribution` argument: {distribution!r}. "
                f"Please use one of {distributions}"
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}
        variance = self.scale / max(1.0, fans[self.mode])
        generator = self._generator()
        if self.distribution == "truncated_normal":
            stddev = math.sqrt(variance) / _TRUNCATED_STDDEV
            values = _truncated_normal(generator, shape, 0.0, stddev)
        elif self.distribution == "untruncated_normal":
            values = _normal(generator, shape, 0.0, math.sqrt(variance))
        else:
            limit = math.sqrt(3.0 * variance)
            values = draw_uniform(generator, shape, -limit, limit)
        return _tensor(values, dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _NamedScaling(VarianceScaling):
    """A `VarianceScaling` with its scale, mode and distribution fixed by the class."""

    _fixed: tuple[float, str, str]

    def __init__(
        self,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        scale, mode, distribution = self._fixed
        super().__init__(scale, mode, distribution, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_NamedScaling):
    """Uniform in ±sqrt(6 / (fan_in + fan_out))."""

    _fixed = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Truncated normal with variance 2 / (fan_in + fan_out)."""

    _fixed = (1.0, "fan_avg", "truncated_normal")


class LecunNormal(_NamedScaling):
    """Truncated normal with variance 1 / fan_in."""

    _fixed = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """Uniform in ±sqrt(3 / fan_in)."""

    _fixed = (1.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """Truncated normal with variance 2 / fan_in."""

    _fixed = (2.0, "fan_in", "truncated_normal")


class HeUniform(_NamedScaling):
    """Uniform in ±sqrt(6 / fan_in)."""

    _fixed = (2.0, "fan_in", "uniform")


class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal rows or columns (whichever are fewer), times `gain`.

    Higher ranks are flattened to a matrix of all but the last axis by the last.
    Raises `ValueError` for ranks below two.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        if len(shape) < 2:
            raise ValueError(
                "The tensor to initialize must be at least two-dimensional. "
                f"Received: shape={tuple(shape)} of rank {len(shape)}."
            )
        rows, cols = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(self._generator().standard_normal((max(rows, cols), min(rows, cols))))
        # QR is unique only up to signs; fixing them makes the result uniform over rotations.
        q *= np.sign(np.diag(r))
        if rows < cols:
            q = q.T
        return _tensor(self.gain * q.reshape(tuple(shape)), dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}
