"""Nests of plain values and arrays, as JSON text and named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_ARRAY = "__array__"  # {"__array__": name} stands for the tensor of that name
_PLAIN = (str, int, float, bool, type(None))


def take_arrays(value: Any, name: str, tensors: dict[str, np.ndarray]) -> Any:
    """`value` with its arrays moved to `tensors`, called `name` and what leads to them.

    Raises:
        TypeError: something in it is neither a plain value, nor an array, nor a nest of these.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        tensors[name] = value
        return {_ARRAY: name}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: take_arrays(item, f"{name}/{key}", tensors) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [take_arrays(item, f"{name}/{i}", tensors) for i, item in enumerate(value)]
    raise TypeError(
        f"{name} cannot be kept in a file: {value!r} is of type {type(value).__name__}. Numbers, "
        "strings, arrays, and lists and dictionaries (with strings as keys) of them can be."
    )


def put_arrays(value: Any, tensors: Mapping[str, np.ndarray]) -> Any:
    """The nest that `take_arrays` took apart; tuples have become lists.

    Raises:
        KeyError: an array is missing.
    """
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return tensors[value[_ARRAY]]
        return {key: put_arrays(item, tensors) for key, item in value.items()}
    if isinstance(value, list):
        return [put_arrays(item, tensors) for item in value]
    return value
