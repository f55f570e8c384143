"""The three dtypes of the engine, and how foreign dtypes map to them."""

from __future__ import annotations

from typing import Any

import numpy as np

FLOAT, INT, BOOL = "float32", "int32", "bool"
DTYPES = (FLOAT, INT, BOOL)

_BY_KIND = {"f": FLOAT, "i": INT, "u": INT, "b": BOOL}
_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1
_LARGE = 3e38  # floats up to here are finite in float32, too
_NUMPY = {FLOAT: np.dtype(np.float32), INT: np.dtype(np.int32), BOOL: np.dtype(np.bool_)}


def canonical_dtype(dtype: Any) -> str:
    """The engine dtype that holds `dtype`: float32 for floats, int32 for integers.

    Accepts names, NumPy dtypes and Python types. Raises `TypeError` for complex, string, object, …
    """
    if isinstance(dtype, str):
        if dtype in _NUMPY:
            return dtype
        if dtype == "bfloat16":
            return FLOAT
    try:
        kind = np.dtype(dtype).kind
    except TypeError:
        kind = ""
    if dtype is None or kind not in _BY_KIND:
        raise TypeError(
            f"dtype {dtype!r} cannot be used in a tensor. Tensors hold {', '.join(DTYPES)}; other "
            "floating and integer dtypes are converted to float32 and int32."
        )
    return _BY_KIND[kind]


def numpy_dtype(dtype: str) -> np.dtype:
    """The NumPy dtype of an engine dtype."""
    return _NUMPY[dtype]


def to_array(value: Any, dtype: str | None = None) -> np.ndarray:
    """`value` as a new C-contiguous array of one of the three dtypes, sharing no memory.

    Raises `TypeError` for arrays that are not numbers, `OverflowError` for integers beyond int32.
    """
    if (
        (type(value) is float and (dtype is None or dtype == FLOAT))
        or (type(value) is int and dtype == FLOAT)
    ) and -_LARGE <= value <= _LARGE:
        return np.array(value, np.float32)
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
    else:
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise ValueError(f"Cannot make a tensor of a ragged sequence: {error}") from None
        if array.size == 0 and array.dtype == np.float64:
            array = array.astype(np.float32)
    kind = array.dtype.kind
    if kind not in _BY_KIND and array.dtype.name != "bfloat16":
        what = {"c": "complex numbers", "O": "Python objects", "U": "strings", "S": "byte strings"}
        raise TypeError(
            f"Cannot make a tensor of {what.get(kind, 'values')} (dtype {array.dtype}, "
            f"shape {array.shape}). Convert them to real numbers first."
        )
    target = dtype or (_BY_KIND.get(kind) or FLOAT)
    if target == INT and kind in "iu" and array.dtype.itemsize >= 4 and array.dtype != np.int32:
        check_int32_range(array)
    if array.dtype is _NUMPY[target]:
        return array.copy()  # in C order
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array(array, dtype=_NUMPY[target], order="C", copy=True)


def dtype_of(array: np.ndarray) -> str:
    """The dtype's name, of an array with one of the three dtypes."""
    return _BY_KIND[array.dtype.kind]


def check_int32_range(array: np.ndarray) -> None:
    """Raises `OverflowError` if an integer does not fit int32."""
    if array.size == 0:
        return
    low, high = array.min(), array.max()
    if low < _INT_MIN or high > _INT_MAX:
        bad = low if low < _INT_MIN else high
        raise OverflowError(
            f"Integer {bad} (dtype {array.dtype}) does not fit int32, the integer type of tensors. "
            "Convert to float32 if whole precision is not needed."
        )
