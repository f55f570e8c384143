"""Other libraries' arrays as NumPy arrays, recognised by what they can do; none is imported."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_data_frame(value: Any) -> bool:
    """Whether `value` is a table of named columns, such as pandas's DataFrame."""
    return hasattr(value, "columns") and hasattr(value, "dtypes") and hasattr(value, "to_numpy")


def is_series(value: Any) -> bool:
    """Whether `value` is one named column, such as pandas's Series."""
    return hasattr(value, "to_numpy") and hasattr(value, "iloc") and not is_data_frame(value)


def is_sparse(value: Any) -> bool:
    """Whether `value` is one of SciPy's sparse matrices or arrays."""
    return hasattr(value, "tocsr") and hasattr(value, "nnz") and hasattr(value, "shape")


def is_mapping(value: Any) -> bool:
    """Whether `value` is a dictionary of things by name; a sparse matrix may be a dict, too."""
    return isinstance(value, dict) and not is_sparse(value)


def is_foreign(value: Any) -> bool:
    """Whether `value` is an array that `to_numpy` reads better than NumPy alone does."""
    return (
        hasattr(value, "to_numpy")
        or is_sparse(value)
        or hasattr(value, "detach")
        or hasattr(value, "todense")
        or (hasattr(value, "dense_shape") and hasattr(value, "indices"))
        or (hasattr(value, "__dlpack__") and not hasattr(value, "__array__"))
    )


def to_numpy(value: Any, name: str) -> np.ndarray:
    """`value`, for which `is_foreign` holds, as an array; copied only where it must be.

    A DataFrame becomes `[rows, columns]`, a Series `[rows, 1]`, a sparse matrix a dense one.

    Args:
        value: what the user passed.
        name: the argument, for messages.

    Raises:
        TypeError: a column does not hold numbers.
        ValueError: a column has missing values where only whole numbers fit, or the library that
            `value` comes from cannot hand it over.
    """
    if is_data_frame(value):
        return _read_frame(value, name)
    if is_series(value):
        return _read_column(value, name, "the Series").reshape(-1, 1)
    try:
        if is_sparse(value):
            return np.asarray(value.toarray())
        if hasattr(value, "dense_shape") and hasattr(value, "indices"):
            return _scatter(value)
        if hasattr(value, "detach"):
            return _read_torch(value)
        if hasattr(value, "todense"):
            return np.asarray(value.todense())
        if hasattr(value, "to_numpy"):
            return np.asarray(value.to_numpy())
        return np.from_dlpack(value)
    except Exception as error:
        cls = type(value)
        raise ValueError(
            f"`{name}` is an object of type {cls.__module__}.{cls.__qualname__}, which could not "
            f"be read as a NumPy array: {error}. Convert it before passing it."
        ) from error


def _read_frame(frame: Any, name: str) -> np.ndarray:
    columns = [(label, frame.iloc[:, i]) for i, label in enumerate(frame.columns)]
    kinds = {column.dtype for _, column in columns}
    if len(kinds) == 1 and next(iter(kinds)) in _PLAIN:
        return np.asarray(frame.to_numpy())
    arrays = [_read_column(column, name, f"column {label!r}") for label, column in columns]
    if not arrays:
        return np.empty((len(frame), 0), np.float32)
    kind = np.result_type(*(array.dtype for array in arrays))
    return np.stack([array.astype(kind, copy=False) for array in arrays], axis=1)


_PLAIN = frozenset(map(np.dtype, ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")))


def _read_column(column: Any, name: str, what: str) -> np.ndarray:
    """One column of real numbers as `[rows]`; a missing value becomes NaN."""
    dtype = column.dtype
    kind = getattr(dtype, "kind", "O")
    if kind not in "buif":
        raise TypeError(
            f"`{name}`: {what} has dtype {dtype}, which does not hold numbers. Encode it as "
            "numbers first (for instance with hotloop.layers.StringLookup) or leave it out."
        )
    if not isinstance(dtype, np.dtype):  # one of pandas's own dtypes, which know missing values
        if column.isna().any():
            return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
        return np.asarray(column.to_numpy(dtype=np.dtype(dtype.numpy_dtype)))
    return np.asarray(column.to_numpy())


def _read_torch(tensor: Any) -> np.ndarray:
    tensor = tensor.detach()
    if hasattr(tensor, "is_sparse") and tensor.is_sparse:
        tensor = tensor.to_dense()
    if hasattr(tensor, "cpu"):
        tensor = tensor.cpu()
    if str(getattr(tensor, "dtype", "")).endswith("bfloat16"):
        tensor = tensor.float()
    return np.asarray(tensor)


def _scatter(tensor: Any) -> np.ndarray:
    """A TensorFlow SparseTensor as a dense array."""
    values = np.asarray(tensor.values)
    dense = np.zeros(tuple(int(size) for size in np.asarray(tensor.dense_shape)), values.dtype)
    dense[tuple(np.asarray(tensor.indices).T)] = values
    return dense
