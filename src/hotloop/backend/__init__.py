"""What programs ask `keras.backend` for: settings, dtypes, names and a fresh start."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from hotloop.common.dtypes import standardize_dtype as _standardize
from hotloop.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from hotloop.ops.symbolic import is_keras_tensor
from hotloop.utils.session import clear_session

_uids: Counter[str] = Counter()
_lock = threading.Lock()
_RANK = ("bool", "int32", "float32")


def get_uid(prefix: str = "") -> int:
    """How often this has been asked for `prefix`: 1, 2, …"""
    with _lock:
        _uids[prefix] += 1
        return _uids[prefix]


def standardize_dtype(dtype: Any) -> str:
    """`dtype` as "float32", "int32" or "bool"; None means float32.

    Raises `NotImplementedError` for other real dtypes and `ValueError` for what is no dtype.
    """
    return _standardize(dtype)


def is_float_dtype(dtype: Any) -> bool:
    """Whether a dtype or its name is one of floats."""
    return str(getattr(dtype, "name", dtype)).startswith(("float", "bfloat"))


def is_int_dtype(dtype: Any) -> bool:
    """Whether a dtype or its name is one of integers."""
    return str(getattr(dtype, "name", dtype)).startswith(("int", "uint"))


def result_type(*dtypes: Any) -> str:
    """The dtype that holds all: float32 over int32 over bool; float32 of none."""
    names = [_standardize(dtype) for dtype in dtypes]
    return max(names, key=_RANK.index) if names else "float32"


__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]
