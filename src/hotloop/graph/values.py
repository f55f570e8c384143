"""Whole arrays in one pass: looks at their values, before every call, and draws of new ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hotloop._native import all_below, any_nan, philox_uniform

__all__ = ["are_below", "draw_uniform", "has_nan"]

_FLOAT, _INT = np.dtype(np.float32), np.dtype(np.int32)


def has_nan(array: np.ndarray) -> bool:
    """Whether an array of floats has a NaN."""
    if array.dtype == _FLOAT and array.flags.c_contiguous:
        return any_nan(array)
    return bool(np.isnan(array).any())


def are_below(array: np.ndarray, limit: int) -> bool:
    """Whether all numbers of an array of integers are in `[0, limit)`."""
    if array.dtype == _INT and array.flags.c_contiguous:
        return all_below(array, limit)
    return not array.size or bool(array.min() >= 0 and array.max() < limit)


def draw_uniform(
    generator: np.random.Generator, shape: Sequence[int], low: float, high: float
) -> np.ndarray:
    """What `generator.uniform(low, high, shape)` draws, rounded to float32, in half the time.

    Args:
        generator: NumPy's over Philox, new: it has drawn nothing yet, and does not go on.
        shape: of the result.
        low: lower bound.
        high: upper bound.

    Raises:
        OverflowError, ValueError: from NumPy, where the range is not finite or negative.
    """
    generator.uniform(low, high, 0)
    key0, key1 = generator.bit_generator.state["state"]["key"].tolist()
    numbers = np.empty(tuple(shape), np.float32)
    philox_uniform(numbers, key0, key1, float(low), float(high) - float(low))
    return numbers
