"""Class numbers as one-hot, multi-hot or count vectors, for the layers that give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hotloop import ops
from hotloop.common.foreign import is_foreign, to_numpy
from hotloop.graph import Tensor, Variable

MODES = ("int", "one_hot", "multi_hot", "count")


def check_mode(mode: str, modes: Sequence[str], layer: str) -> str:
    """`mode` if it is among `modes`; else `ValueError`."""
    if mode not in modes:
        raise ValueError(
            f"`output_mode` of {layer} must be one of {tuple(modes)}. Received: "
            f"output_mode={mode!r}"
        )
    return mode


def refuse_sparse(sparse: bool, layer: str) -> bool:
    """False; `ValueError` for `sparse=True`."""
    if sparse:
        raise ValueError(
            f"`sparse=True` cannot be used: hotloop has no sparse tensors. {layer} gives the same "
            "values as a dense tensor with sparse=False."
        )
    return False


def encode(indices: Tensor, mode: str, depth: int, count_weights: Tensor | None = None) -> Tensor:
    """`indices` as they are, or in one of the other modes as float32 with a last axis of `depth`.

    In "one_hot" a last axis of 1 disappears; in "multi_hot" and "count" axis 1 does (the first axis
    of a vector). Indices outside of [0, depth) leave no trace.
    """
    if mode == "int":
        return ops.cast(indices, "int32")
    if indices.ndim == 0:
        indices = ops.expand_dims(indices, -1)
    if mode == "multi_hot":
        return ops.multi_hot(indices, depth)
    if mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            indices = ops.squeeze(indices, -1)
        return ops.one_hot(indices, depth)
    hits = ops.one_hot(indices, depth)
    if count_weights is not None:
        hits = hits * ops.expand_dims(ops.cast(count_weights, "float32"), -1)
    return ops.sum(hits, axis=1 if indices.ndim > 1 else 0)


def encoded_shape(shape: Sequence[int | None], mode: str, depth: int) -> tuple[int | None, ...]:
    """The shape of what `encode` gives for indices of `shape`."""
    shape = tuple(shape)
    if mode == "int":
        return shape
    if mode == "one_hot":
        return (*shape[:-1], depth) if len(shape) > 1 and shape[-1] == 1 else (*shape, depth)
    return (*shape[:1], *shape[2:], depth) if len(shape) > 1 else (depth,)


def as_numpy(value: Any, name: str = "data") -> np.ndarray:
    """One array of what a user passed; strings stay strings."""
    if isinstance(value, (Tensor, Variable)):
        return value.numpy()
    if hasattr(value, "iloc") and not hasattr(value, "columns") and value.dtype.kind not in "buif":
        return np.asarray(value.to_numpy())  # a Series of strings
    if is_foreign(value) and not isinstance(value, np.ndarray):
        return to_numpy(value, name)
    return np.asarray(value)


def batches_of(data: Any, steps: int | None, lists_are_data: bool) -> Iterator[np.ndarray]:
    """The arrays that `adapt` learns from: `data` itself, or its first `steps` batches.

    Args:
        data: an array, or something that gives batches; of a batch `(x, ...)`, `x` counts.
        steps: batches to look at, or None for all.
        lists_are_data: whether a list is one array (else a list of batches).
    """
    whole = isinstance(data, (Tensor, Variable)) or hasattr(data, "__array__") or is_foreign(data)
    if whole or (lists_are_data and isinstance(data, (list, tuple))):
        yield as_numpy(data)
        return
    if not hasattr(data, "__iter__"):
        raise TypeError(
            "adapt() needs an array, or an iterable of batches (a list, generator, PyDataset or "
            f"tf.data.Dataset). Received: {data!r} (of type {type(data).__name__})"
        )
    for number, batch in enumerate(data):
        if steps is not None and number >= steps:
            return
        yield as_numpy(batch[0] if isinstance(batch, tuple) else batch)
