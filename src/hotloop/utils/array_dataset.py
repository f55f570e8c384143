"""ArrayDataset: samples of arrays, one by one or in batches, to go over again and again."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def map_arrays(function: Callable[..., Any], structure: Any) -> Any:
    """`function` of every array; lists become tuples."""
    if isinstance(structure, dict):
        return {key: map_arrays(function, value) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        return tuple(map_arrays(function, value) for value in structure)
    return function(structure)


class ArrayDataset:
    """What the functions of `utils` return where Keras returns a `tf.data.Dataset`.

    Iterating gives samples, or batches after `batch`; every iteration starts anew. `fit`,
    `evaluate` and `predict` take it as `x` once it gives batches. The methods return new data sets
    and can be chained.

    Args:
        take: makes the samples of an array of positions, `int64 [n]`: arrays `[n, ...]`, or a
            tuple or dictionary of them.
        samples: number of samples.
    """

    def __init__(self, take: Callable[[np.ndarray], Any], samples: int) -> None:
        self._take = take
        self._samples = samples
        self._batch_size: int | None = None
        self._drop_remainder = False
        self._shuffle: np.random.RandomState | None = None
        self._times: int | None = 1

    @classmethod
    def from_arrays(cls, arrays: Any) -> ArrayDataset:
        """A data set of the rows of an array, or of a tuple or dictionary of arrays.

        Raises:
            ValueError: the arrays differ in length.
        """
        lengths: set[int] = set()
        map_arrays(lambda array: lengths.add(len(array)), arrays)
        if len(lengths) != 1:
            raise ValueError(f"All arrays must have the same length. Received: {sorted(lengths)}")
        arrays = map_arrays(np.asarray, arrays)
        return cls(lambda rows: map_arrays(lambda array: array[rows], arrays), lengths.pop())

    def _copy(self, **changes: Any) -> ArrayDataset:
        copy = ArrayDataset(self._take, self._samples)
        vars(copy).update(vars(self) | changes)
        return copy

    def batch(self, batch_size: int, drop_remainder: bool = False) -> ArrayDataset:
        """Gives batches of `batch_size` samples; the last may be short unless it is dropped."""
        if self._batch_size is not None:
            raise ValueError("The data set gives batches already.")
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}")
        return self._copy(_batch_size=int(batch_size), _drop_remainder=bool(drop_remainder))

    def shuffle(self, seed: int | None = None) -> ArrayDataset:
        """Draws a new order of all samples for every iteration."""
        return self._copy(_shuffle=np.random.RandomState(seed))

    def repeat(self, count: int | None = None) -> ArrayDataset:
        """Goes over the samples `count` times in one iteration; None: without end."""
        if count is None or self._times is None:
            return self._copy(_times=None)
        return self._copy(_times=self._times * count)

    @property
    def batch_size(self) -> int | None:
        """Samples per batch; None while single samples are given."""
        return self._batch_size

    def cardinality(self) -> int:
        """Batches (or samples) in one iteration; -1 without end."""
        if self._times is None:
            return -1
        size = self._batch_size or 1
        round_ = math.floor if self._drop_remainder else math.ceil
        return round_(self._samples / size) * self._times

    def __len__(self) -> int:
        count = self.cardinality()
        if count < 0:
            raise TypeError("The data set is endless: it has no length.")
        return count

    def __iter__(self) -> Iterator[Any]:
        for _ in itertools.count() if self._times is None else range(self._times):
            order = np.arange(self._samples)
            if self._shuffle is not None:
                self._shuffle.shuffle(order)
            size = self._batch_size
            if size is None:
                for i in range(self._samples):
                    yield map_arrays(lambda array: array[0], self._take(order[i : i + 1]))
                continue
            stop = self._samples - self._samples % size if self._drop_remainder else self._samples
            for start in range(0, stop, size):
                yield self._take(order[start : min(start + size, stop)])
