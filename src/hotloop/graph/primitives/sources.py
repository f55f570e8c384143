"""Primitives that make values out of positions: counting and random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.graph.dtypes import FLOAT, INT
from hotloop.graph.primitives.registry import Shape, register
from hotloop.graph.tensor import Tensor

Attrs = dict[str, Any]

# Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, table 2.
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10


def philox_words(key0: int, key1: int, stream: int, count: int) -> np.ndarray:
    """The first `count` words, uint32, of the generator in csrc/core/rng.h."""
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    c0, c1 = blocks & mask, blocks >> half
    c2, c3 = np.full_like(blocks, stream), np.zeros_like(blocks)
    for turn in range(_ROUNDS):
        k0 = np.uint64((key0 + turn * _WEYL[0]) & 0xFFFFFFFF)
        k1 = np.uint64((key1 + turn * _WEYL[1]) & 0xFFFFFFFF)
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ k0, p1 & mask, (p0 >> half) ^ c3 ^ k1, p0 & mask
    return np.stack([c0, c1, c2, c3], axis=1).reshape(-1)[:count].astype(np.uint32)


def _infer_iota(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    """`iota(shape, axis)`: the position along `axis`."""
    shape = attrs["shape"] = tuple(int(dim) for dim in attrs["shape"])
    if not 0 <= attrs["axis"] < len(shape):
        raise ValueError(f"iota axis {attrs['axis']} does not exist in shape {shape}.")
    return shape, INT


def _iota(float_dtype: Any, attrs: Attrs) -> np.ndarray:
    shape, axis = attrs["shape"], attrs["axis"]
    ruler = np.arange(shape[axis], dtype=np.int32)
    return np.broadcast_to(
        ruler.reshape([-1 if a == axis else 1 for a in range(len(shape))]), shape
    )


def _infer_uniform(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    """`random_uniform(key, shape, offset)`: float32 in [0, 1).

    `offset` numbers the streams that may be drawn from one key.
    """
    (key,) = inputs
    if key.shape != (2,) or key.dtype != INT:
        raise ValueError(
            f"'random_uniform' takes a key int32[2], got {key.dtype}{list(key.shape)}."
        )
    attrs.setdefault("offset", 0)
    attrs["shape"] = tuple(int(dim) for dim in attrs["shape"])
    return attrs["shape"], FLOAT


def _uniform(float_dtype: Any, attrs: Attrs, key: np.ndarray) -> np.ndarray:
    key0, key1 = (int(word) & 0xFFFFFFFF for word in key)
    count = int(np.prod(attrs["shape"], dtype=np.int64))
    words = philox_words(key0, key1, attrs["offset"], count)
    return ((words >> 8) * float_dtype(2.0**-24)).astype(float_dtype).reshape(attrs["shape"])


register("iota", _infer_iota, _iota)
register("random_uniform", _infer_uniform, _uniform)
