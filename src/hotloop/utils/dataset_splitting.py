"""split_dataset: two data sets out of one."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.utils.array_dataset import ArrayDataset, map_arrays


def split_dataset(
    dataset: Any,
    left_size: float | int | None = None,
    right_size: float | int | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[ArrayDataset, ArrayDataset]:
    """Splits data into the first samples and the last ones.

    Args:
        dataset: an array, a tuple or list of arrays of one length, an `ArrayDataset`, a
            `PyDataset`, a `tf.data.Dataset`, or a PyTorch data set or loader. It is read whole.
        left_size: samples in the left part, as a number (int) or a share (float); None for what
            the right one leaves.
        right_size: likewise for the right part; None for what the left one leaves.
        shuffle: whether to shuffle the samples before splitting.
        seed: of the shuffling; the order is Keras's for the same seed.
        preferred_backend: None; there is one kind of result.

    Returns:
        Two `ArrayDataset`s. Like Keras's they give single samples (call `.batch`), or batches if
        the given data set does.

    Raises:
        TypeError: `dataset` or a size is of another type.
        ValueError: the sizes do not fit the data.
    """
    if preferred_backend is not None:
        raise ValueError(
            "`preferred_backend` must be None: the parts are hotloop.utils.ArrayDataset. "
            f"Received: preferred_backend={preferred_backend!r}"
        )
    if left_size is None and right_size is None:
        raise ValueError(
            "At least one of `left_size` and `right_size` must be given. Received: both None."
        )
    arrays, batch_size = _read(dataset)
    total = len(ArrayDataset.from_arrays(arrays))
    left, right = _sizes(left_size, right_size, total)
    order = list(range(total))
    if shuffle:
        random.Random(random.randint(0, 10**6) if seed is None else seed).shuffle(order)
    index = np.array(order)
    first, last = [
        ArrayDataset.from_arrays(map_arrays(lambda array, rows=rows: array[rows], arrays))
        for rows in (index[:left], index[total - right :])
    ]
    if batch_size is not None:
        first, last = first.batch(batch_size), last.batch(batch_size)
    return first, last


def _read(dataset: Any) -> tuple[Any, int | None]:
    """All samples as a structure of arrays, and the size of the batches that they came in."""
    if isinstance(dataset, (list, tuple, dict)) and len(dataset) > 0:
        return map_arrays(np.asarray, dataset), None
    if hasattr(dataset, "__array__"):
        return np.asarray(dataset), None
    if not hasattr(dataset, "__iter__"):
        if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
            raise TypeError(
                "`dataset` must be an array, a tuple or list of arrays, or a data set. Received: "
                f"{dataset!r} (of type {type(dataset).__name__})"
            )
        elements = [dataset[i] for i in range(len(dataset))]
    else:
        elements = list(dataset)
    if not elements:
        raise ValueError("`dataset` is empty.")
    batch_size = getattr(dataset, "batch_size", getattr(dataset, "_batch_size", None))
    batched = batch_size is not None or hasattr(dataset, "num_batches")
    arrays = _join(elements, np.concatenate if batched else np.stack)
    if not batched:
        return arrays, None
    first = elements[0]
    while isinstance(first, (tuple, list, dict)):
        first = next(iter(first.values())) if isinstance(first, dict) else first[0]
    return arrays, len(first)


def _join(elements: list[Any], join: Callable[[list[Any]], Any]) -> Any:
    """One structure of arrays of many structures alike."""
    first = elements[0]
    if isinstance(first, dict):
        return {key: _join([element[key] for element in elements], join) for key in first}
    if isinstance(first, (list, tuple)):
        return tuple(_join(list(parts), join) for parts in zip(*elements, strict=True))
    return join([np.asarray(element) for element in elements])


def _sizes(left: Any, right: Any, total: int) -> tuple[int, int]:
    """Both sizes as numbers of samples."""
    for name, size in (("left_size", left), ("right_size", right)):
        if size is None:
            continue
        if isinstance(size, bool) or not isinstance(size, (int, float)):
            raise TypeError(
                f"`{name}` must be an int (samples), a float (a share) or None. Received: {size!r} "
                f"(of type {type(size).__name__})"
            )
        if not 0 < size < (total if isinstance(size, int) else 1):
            raise ValueError(
                f"`{name}` must be a number of samples between 0 and {total}, or a share between "
                f"0 and 1, both excluded. Received: {name}={size}"
            )
    if isinstance(left, float) and isinstance(right, float) and left + right > 1:
        raise ValueError(
            "`left_size` and `right_size` must not add up to more than 1. Received: "
            f"{left} + {right}"
        )
    left, right = [
        round(size * total) if isinstance(size, float) else size for size in (left, right)
    ]
    left = total - right if left is None else left
    right = total - left if right is None else right
    if left + right > total or not left or not right:
        raise ValueError(
            f"Parts of {left} and {right} samples cannot be taken from the {total} samples of "
            "`dataset` without leaving one of them empty or sharing samples. Adjust `left_size` or "
            "`right_size`."
        )
    return left, right
