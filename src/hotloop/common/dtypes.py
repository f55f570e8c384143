"""The dtypes that hotloop computes in, and the answer to those that it does not."""

from __future__ import annotations

from typing import Any

import numpy as np

SUPPORTED = ("float32", "int32", "bool")


def standardize_dtype(dtype: Any, default: str = "float32") -> str:
    """`dtype` as one of `"float32"`, `"int32"`, `"bool"`; None means `default`.

    Raises:
        NotImplementedError: a real dtype that hotloop has no computations in.
        ValueError: not a dtype at all.
    """
    if dtype is None:
        return default
    if dtype in (float, "float"):
        return "float32"
    if dtype in (int, "int"):
        return "int32"
    if dtype is bool:
        return "bool"
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    if name is None:
        try:
            name = np.dtype(dtype).name
        except TypeError:
            name = repr(dtype)
    if name in SUPPORTED:
        return name
    expected = "Expected one of 'float32', 'int32', 'bool'."
    try:
        known = name == "bfloat16" or name.startswith("mixed_") or np.dtype(name) is not None
    except TypeError:
        known = False
    if known:
        raise NotImplementedError(f"hotloop does not compute in dtype={name!r}. {expected}")
    raise ValueError(f"Invalid dtype: {dtype!r}. {expected}")
