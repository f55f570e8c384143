"""Random tensors, named as in `keras.random`. Each call with a `SeedGenerator` draws anew."""

from __future__ import annotations

import math
from typing import Any

from hotloop.graph import Tensor, apply, canonical_dtype, fill
from hotloop.ops.convert import float_tensor, shape_tuple
from hotloop.random.seed import SeedGenerator, next_seed


def _key(seed: Any) -> Tensor:
    if isinstance(seed, SeedGenerator):
        return seed.next()
    return SeedGenerator(next_seed() if seed is None else seed).next()


def _unit(shape: tuple[int, ...], key: Tensor, offset: int = 0) -> Tensor:
    return apply("random_uniform", [key], shape=shape, offset=offset)


def _float(dtype: Any) -> None:
    if dtype is not None and canonical_dtype(dtype) != "float32":
        raise TypeError(f"dtype must be float32, got {dtype!r}.")


def uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers evenly spread over [minval, maxval). `seed` is an int or a `SeedGenerator`."""
    _float(dtype)
    u = _unit(shape_tuple(shape), _key(seed))
    width, low = fill(maxval - minval, u.shape, "float32"), fill(minval, u.shape, "float32")
    return apply("add", [apply("mul", [u, width]), low])


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed numbers (Box-Muller). `seed` is an int or a `SeedGenerator`."""
    _float(dtype)
    dims, key = shape_tuple(shape), _key(seed)
    one = fill(1.0, dims, "float32")
    distance = apply("log", [apply("sub", [one, _unit(dims, key)])])  # 1 - u is never 0
    radius = apply("sqrt", [apply("mul", [fill(-2.0, dims, "float32"), distance])])
    angle = apply("mul", [fill(2.0 * math.pi, dims, "float32"), _unit(dims, key, 1)])
    z = apply("mul", [radius, apply("cos", [angle])])
    scaled = apply("mul", [z, fill(stddev, dims, "float32")])
    return apply("add", [scaled, fill(mean, dims, "float32")])


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Integers from `minval` to `maxval` - 1, at most 2**24 different ones."""
    if canonical_dtype(dtype) != "int32":
        raise TypeError(f"dtype must be int32, got {dtype!r}.")
    if not 0 < maxval - minval <= 2**24:
        raise ValueError(f"maxval - minval must be from 1 to 2**24, got {minval}, {maxval}.")
    u = _unit(shape_tuple(shape), _key(seed))
    steps = apply("floor", [apply("mul", [u, fill(float(maxval - minval), u.shape, "float32")])])
    return apply("add", [apply("cast", [steps], dtype="int32"), fill(minval, u.shape, "int32")])


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """Elements set to 0 with probability `rate`, the others scaled by 1 / (1 - rate).

    `noise_shape` broadcasts: elements along its axes of size 1 (or None: all of `inputs`) go
    together. Raises `ValueError` unless 0 <= rate <= 1.
    """
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"rate must be from 0 to 1, got {rate!r}.")
    x = float_tensor(inputs)
    if rate == 0.0:
        return x
    dims = x.shape
    if noise_shape is not None:
        dims = tuple(
            have if want is None else int(want)
            for have, want in zip(x.shape, noise_shape, strict=True)
        )
    zero = fill(0.0, x.shape, "float32")
    if rate == 1.0:
        return apply("mul", [x, zero])
    drawn = _unit(dims, _key(seed))
    keep = apply("lt", [drawn, fill(1.0 - rate, dims, "float32")])
    if dims != x.shape:
        keep = apply("broadcast_to", [keep], shape=x.shape)
    scaled = apply("mul", [x, fill(1.0 / (1.0 - rate), x.shape, "float32")])
    return apply("select", [keep, scaled, zero])
