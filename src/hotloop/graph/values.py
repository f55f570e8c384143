"""Looks at the values of whole arrays, for those above that check data before every call."""

import numpy as np

from hotloop._native import all_below, any_nan

__all__ = ["are_below", "has_nan"]

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
