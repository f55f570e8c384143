"""User data to the two array kinds that plans read: C-contiguous float32 and int32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.common.foreign import is_foreign, to_numpy
from hotloop.graph import Tensor, Variable

_INT32 = np.iinfo(np.int32)
_LANES = {"float32": np.dtype(np.float32), "int32": np.dtype(np.int32)}


def is_streaming(value: Any) -> bool:
    """True for objects that yield batches: generators, PyDataset, tf.data, DataLoader."""
    if isinstance(value, (Sequence, Tensor, Variable, dict)) or hasattr(value, "__array__"):
        return False
    if is_foreign(value):
        return False
    return hasattr(value, "__iter__") or hasattr(value, "num_batches")


def as_array(value: Any, name: str) -> np.ndarray:
    """`value` as an array of a real dtype with at least one sample, not yet converted.

    Args:
        value: array, tensor, number list, or anything NumPy can read through `__array__`.
        name: the argument as the user knows it, for messages.

    Raises:
        TypeError: the elements are not real numbers.
        ValueError: ragged, without an axis of samples, empty, or masked.
    """
    array = value if type(value) is np.ndarray else _read(value, name)
    if array.dtype.kind == "V" and "float" in array.dtype.name:  # bfloat16 and its like
        array = array.astype(np.float32)
    if array.dtype.kind not in "buif":
        what = {
            "c": "complex numbers",
            "O": "Python objects",
            "U": "strings",
            "S": "byte strings",
            "M": "dates",
            "m": "time spans",
        }.get(array.dtype.kind, "elements that are not numbers")
        raise TypeError(
            f"`{name}` must hold real numbers (float, integer or bool). Received {what}: "
            f"dtype={array.dtype}, shape={array.shape}."
        )
    if array.ndim == 0:
        raise ValueError(
            f"`{name}` must have at least one axis, the samples. Received one number: {value!r}."
        )
    if array.size == 0:
        raise ValueError(
            f"`{name}` is empty: it has shape {array.shape}. Pass at least one sample."
        )
    return array


def _read(value: Any, name: str) -> np.ndarray:
    """Anything but a plain array as one."""
    if isinstance(value, (Tensor, Variable)):
        return value.numpy()
    if is_streaming(value):
        raise TypeError(
            f"`{name}` is {_kind(value)}, which gives batches, where an array is needed. "
            "Generators, PyDatasets and data loaders are passed to fit, evaluate and predict as "
            "`x`, without `y`."
        )
    if is_foreign(value):
        value = to_numpy(value, name)
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        raise ValueError(
            f"`{name}` is a masked array with masked elements, which a plan cannot read. "
            "Fill them first, for instance with `.filled(0)`."
        )
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"`{name}` must be an array or a nested list of numbers in which all rows have the "
            f"same length. Received {_kind(value)}, which NumPy cannot read: {error}"
        ) from error


def to_lanes(array: np.ndarray, name: str, dtype: str | None = None) -> np.ndarray:
    """`array` as C-contiguous native float32 or int32, without a copy where it already is.

    Args:
        array: what `as_array` returned.
        name: the argument, for messages.
        dtype: `"float32"`, `"int32"`, or None: floats to float32, integers and bool to int32.

    Raises:
        ValueError: an integer lies outside int32.
    """
    if dtype is None:
        dtype = "float32" if array.dtype.kind == "f" else "int32"
    if array.dtype is _LANES[dtype] and array.flags.c_contiguous:
        return array
    if dtype == "float32":
        # Doubles beyond float32 become infinities, as they do in Keras.
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(array, dtype=np.float32)
    if array.dtype.kind in "ui" and array.dtype.itemsize >= 4 and array.dtype != np.int32:
        low, high = array.min(), array.max()
        if low < _INT32.min or high > _INT32.max:
            raise ValueError(
                f"`{name}` has integers outside the range of int32 (from {low} to {high}). "
                "Convert it to float32 or rescale it."
            )
    return np.ascontiguousarray(array, dtype=np.int32)


def _kind(value: Any) -> str:
    cls = type(value)
    return f"an object of type {cls.__module__}.{cls.__qualname__}"
