"""Eager evaluation: one primitive on NumPy arrays, through a plan of one operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from hotloop.graph.dtypes import BOOL, numpy_dtype

_PLANS = 512  # kept, least recently used first out
# The same elements: nothing to compute.
_VIEWS = frozenset(("reshape", "stop_gradient", "custom_gradient"))


def evaluate(
    primitive: str,
    arrays: Sequence[np.ndarray],
    attrs: dict[str, Any],
    shape: tuple[int, ...],
    dtype: str,
) -> np.ndarray:
    """The value of a primitive, whose shape and dtype are known, on concrete inputs."""
    if primitive in _VIEWS:
        return np.ascontiguousarray(arrays[0]).reshape(shape)
    if primitive == "broadcast_to" and arrays[0].size == 1:
        return np.full(shape, arrays[0].reshape(()))
    if 0 in shape:
        return np.empty(shape, numpy_dtype(dtype))
    specs = tuple([(array.shape, array.dtype) for array in arrays])
    frozen = tuple([(name, _freeze(value)) for name, value in attrs.items()]) if attrs else ()
    (result,) = _executable(primitive, specs, frozen, shape, dtype)(arrays)
    return result.astype(np.bool_) if dtype == BOOL else result


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@lru_cache(maxsize=_PLANS)
def _executable(
    primitive: str,
    specs: tuple[tuple[tuple[int, ...], np.dtype], ...],
    attrs: tuple[tuple[str, Any], ...],
    shape: tuple[int, ...],
    dtype: str,
) -> Any:
    from hotloop.graph.compile import Executable
    from hotloop.graph.tensor import Tensor
    from hotloop.graph.trace import Trace

    inputs = [
        Tensor("input", size, kind.name, (), {"index": index}, origin=-1)
        for index, (size, kind) in enumerate(specs)
    ]
    output = Tensor(primitive, shape, dtype, tuple(inputs), dict(attrs), origin=-1)
    return Executable(Trace(inputs, [output], {}, {}), batched=False)
