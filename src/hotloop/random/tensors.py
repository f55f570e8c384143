"""Random tensors, named as in `keras.random`. Each call with a `SeedGenerator` draws anew."""

from __future__ import annotations

import math
import operator
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, apply, canonical_dtype, fill
from hotloop.ops.convert import (
    expand,
    float_tensor,
    normalize_axis,
    shape_tuple,
    tensor,
)
from hotloop.ops.reductions import argmax
from hotloop.ops.symbolic import FunctionOperation, any_symbolic
from hotloop.random.seed import SeedGenerator, next_seed

_TRUNCATED_AT = 2.0  # standard deviations


def _key(seed: Any) -> Tensor:
    if isinstance(seed, SeedGenerator):
        return seed.next()
    return SeedGenerator(next_seed() if seed is None else seed).next()


def _unit(shape: tuple[int, ...], key: Tensor, offset: int = 0) -> Tensor:
    return apply("random_uniform", [key], shape=shape, offset=offset)


def _float(dtype: Any) -> None:
    if dtype is not None and canonical_dtype(dtype) != "float32":
        raise TypeError(f"dtype must be float32, got {dtype!r}.")


def fitted(value: Any, dims: tuple[int, ...], name: str) -> Tensor:
    """A parameter in the shape of the result. Raises `ValueError` if it does not broadcast."""
    x = float_tensor(value)
    tail = dims[len(dims) - x.ndim :] if x.ndim <= len(dims) else ()
    if len(tail) != x.ndim or any(a not in (1, b) for a, b in zip(x.shape, tail, strict=True)):
        raise ValueError(f"{name} of shape {x.shape} does not broadcast to the shape {dims}.")
    return expand(x, dims)


def _spread(z: Tensor, scale: Any, shift: Any) -> Tensor:
    """z·scale + shift; numbers, or tensors that broadcast to the shape of `z`."""
    dims = z.shape
    for name, primitive, value in (("scale", "mul", scale), ("shift", "add", shift)):
        if isinstance(value, int | float):
            other = fill(float(value), dims, "float32")
        else:
            other = fitted(value, dims, f"A {name}")
        z = apply(primitive, [z, other])
    return z


def uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers evenly spread over [minval, maxval). `seed` is an int or a `SeedGenerator`."""
    _float(dtype)
    return _spread(_unit(shape_tuple(shape), _key(seed)), maxval - minval, minval)


def standard_normal(dims: tuple[int, ...], key: Tensor, offset: int = 0) -> Tensor:
    """Normally distributed numbers (Box and Muller, 1958) from two streams of the key."""
    one = fill(1.0, dims, "float32")
    distance = apply("log", [apply("sub", [one, _unit(dims, key, offset)])])  # 1 - u is never 0
    radius = apply("sqrt", [apply("mul", [fill(-2.0, dims, "float32"), distance])])
    turn = fill(2.0 * math.pi, dims, "float32")
    angle = apply("mul", [turn, _unit(dims, key, offset + 1)])
    return apply("mul", [radius, apply("cos", [angle])])


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed numbers (Box-Muller). `seed` is an int or a `SeedGenerator`."""
    _float(dtype)
    return _spread(standard_normal(shape_tuple(shape), _key(seed)), stddev, mean)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed numbers within two standard deviations (inverse distribution function).

    `seed` is an int or a `SeedGenerator`.
    """
    _float(dtype)
    u = _unit(shape_tuple(shape), _key(seed))
    edge = math.erf(_TRUNCATED_AT / math.sqrt(2.0))
    z = ops.erfinv(_spread(u, 2.0 * edge, -edge))
    z = _spread(z, math.sqrt(2.0), 0.0)
    limit = fill(_TRUNCATED_AT, z.shape, "float32")
    z = apply("max", [apply("min", [z, limit]), apply("neg", [limit])])
    return _spread(z, stddev, mean)


def _whole(dtype: Any) -> None:
    if canonical_dtype(dtype) != "int32":
        raise TypeError(f"dtype must be int32, got {dtype!r}.")


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Integers from `minval` to `maxval` - 1, at most 2**31 - 1 different ones.

    31 random bits modulo the number of them: the first are more frequent than the last by less than
    that number in 2**31. `seed` is an int or a `SeedGenerator`.
    """
    _whole(dtype)
    low, high = (operator.index(value) for value in (minval, maxval))
    if not 0 < high - low < 2**31:
        raise ValueError(f"maxval - minval must be from 1 to 2**31 - 1, got {minval}, {maxval}.")
    dims, key = shape_tuple(shape), _key(seed)
    halves = []
    for offset, bits in ((0, 16), (1, 15)):
        scaled = apply("mul", [_unit(dims, key, offset), fill(2.0**bits, dims, "float32")])
        halves.append(apply("cast", [apply("floor", [scaled])], dtype="int32"))
    word = apply("add", [apply("mul", [halves[0], fill(2**15, dims, "int32")]), halves[1]])
    rest = apply("mod", [word, fill(high - low, dims, "int32")])
    return apply("add", [rest, fill(low, dims, "int32")])


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Per row of `logits`, (batch, classes), `num_samples` classes with probabilities softmax(row).

    The largest of logits plus Gumbel noise. `seed` is an int or a `SeedGenerator`.
    """
    if any_symbolic((logits,)):
        return FunctionOperation(categorical, "categorical")(logits, num_samples, dtype, seed)
    _whole(dtype)
    x = float_tensor(logits)
    if x.ndim != 2:
        raise ValueError(f"logits must have the shape (batch, classes), got {x.shape}.")
    dims = (x.shape[0], operator.index(num_samples), x.shape[1])
    noise = apply("neg", [apply("log", [apply("neg", [apply("log", [_unit(dims, _key(seed))])])])])
    x = expand(apply("reshape", [x], shape=(dims[0], 1, dims[2])), dims)
    return argmax(apply("add", [x, noise]), axis=-1)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Tensor:
    """The elements along `axis` in random order, every line in its own.

    `seed` is an int or a `SeedGenerator`.
    """
    if any_symbolic((x,)):
        return FunctionOperation(shuffle, "shuffle")(x, axis, seed)
    x = tensor(x)
    axis = normalize_axis(axis, x.ndim)
    order = ops.argsort(_unit(x.shape, _key(seed)), axis)
    return ops.take_along_axis(x, order, axis)


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """Elements set to 0 with probability `rate`, the others scaled by 1 / (1 - rate).

    `noise_shape` broadcasts: elements along its axes of size 1 (or None: all of `inputs`) go
    together. Raises `ValueError` unless 0 <= rate <= 1.
    """
    if any_symbolic((inputs,)):
        return FunctionOperation(dropout, "dropout")(inputs, rate, noise_shape, seed)
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
