"""Where batches come from, when they do not come out of whole arrays in memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from hotloop.common.foreign import is_mapping, is_sparse
from hotloop.ops import tree
from hotloop.training.arrays import as_array, is_streaming
from hotloop.training.data import is_nest_of_arrays
from hotloop.training.loop import as_json, from_json

# Sparse rows are made dense for so many bytes of batches at a time.
_CHUNK_BYTES = 8 << 20


class Chunk(NamedTuple):
    """One batch as it was delivered; or several of `batch_size`, one after the other."""

    x: Any
    y: Any
    sample_weight: Any
    batch_size: int | None


class Source:
    """Something to take batches from.

    Attributes:
        kind: what it is called in messages.
        batches: batches in one pass, None if unknown or endless.
        batch_size: samples per batch, where it is the source that is told.
        endless: whether it is known to have no end.
        restartable: whether it can be gone over again.
    """

    kind = "data set"
    batches: int | None = None
    batch_size: int | None = None
    endless = False
    restartable = True

    def __init__(self, generator: np.random.Generator | None = None) -> None:
        self._generator = generator
        self._marked: Any = None

    def iterate(self, skip: int) -> Iterator[Chunk]:
        """A new pass over the batches, without the first `skip` of them.

        The order is drawn here, not when the first batch is asked for.
        """
        raise NotImplementedError

    def mark(self) -> None:
        """Tells that a pass begins or ends here: `get_state` will speak of this place."""
        if self._generator is not None:
            self._marked = self._generator.bit_generator.state

    def get_state(self) -> Any:
        """Plain values: what the order of the batches was or will be drawn from."""
        return as_json(self._marked)

    def set_state(self, state: Any) -> None:
        """Makes the next pass draw the order again that belongs to the state."""
        if self._generator is not None and state is not None:
            self._generator.bit_generator.state = from_json(state)

    def on_epoch_begin(self) -> None:
        """Called before an epoch."""

    def on_epoch_end(self) -> None:
        """Called after an epoch."""


class PyDatasetSource(Source):
    """A `PyDataset`, ours or Keras's, with its workers."""

    kind = "PyDataset"

    def __init__(self, dataset: Any, shuffle: bool, generator: np.random.Generator | None) -> None:
        super().__init__(generator)
        self._dataset = dataset
        self._shuffle = shuffle
        self._rng: Any = generator
        self.on_epoch_begin = dataset.on_epoch_begin  # type: ignore[method-assign]
        self.on_epoch_end = dataset.on_epoch_end  # type: ignore[method-assign]

    @property
    def batches(self) -> int | None:
        return self._dataset.num_batches

    @property
    def endless(self) -> bool:
        return self._dataset.num_batches is None

    def iterate(self, skip: int) -> Iterator[Chunk]:
        dataset = self._dataset
        count = dataset.num_batches
        indices: Iterable[int] = itertools.count(skip)
        if count is not None:
            indices = range(skip, count)
            if self._shuffle:
                indices = self._rng.permutation(count)[skip:].tolist()
        return self._deliver(indices)

    def _deliver(self, indices: Iterable[int]) -> Iterator[Chunk]:
        dataset = self._dataset
        workers, processes = dataset.workers, dataset.use_multiprocessing
        if workers > 1 or (workers > 0 and processes):
            from hotloop.training.prefetch import make_ahead  # multiprocessing takes its time

            made: Iterator[Any] = make_ahead(
                dataset,
                indices,
                workers=workers,
                processes=processes,
                ahead=max(workers, dataset.max_queue_size),
            )
        else:
            made = (dataset[index] for index in indices)
        try:
            for batch in made:
                yield unpack_batch(batch, f"{type(dataset).__name__}.__getitem__")
        finally:
            made.close()  # type: ignore[attr-defined]


class IterableSource(Source):
    """What can be gone over again and again: tf.data, DataLoader, any object with `__iter__`."""

    def __init__(self, batches: Any) -> None:
        super().__init__()
        self._batches = batches
        self.kind = type(batches).__name__
        self.endless = False
        self.batches = self._count()

    def _count(self) -> int | None:
        cardinality = getattr(self._batches, "cardinality", None)
        if cardinality is not None:  # tf.data: -1 is endless, -2 unknown
            count = int(cardinality() if callable(cardinality) else cardinality)
            self.endless = count == -1
            return count if count >= 0 else None
        try:
            return len(self._batches)
        except TypeError:  # none, or a DataLoader of an IterableDataset
            return None

    def iterate(self, skip: int) -> Iterator[Chunk]:
        for batch in itertools.islice(self._batches, skip, None):
            yield unpack_batch(batch, self.kind)


class GeneratorSource(Source):
    """A generator or another iterator, which can be used up once."""

    kind = "generator"
    restartable = False

    def __init__(self, iterator: Iterator[Any]) -> None:
        super().__init__()
        self._iterator = iterator

    def iterate(self, skip: int) -> Iterator[Chunk]:
        for batch in itertools.islice(self._iterator, skip, None):
            yield unpack_batch(batch, "The generator")


class SparseSource(Source):
    """Arrays of which some are SciPy's sparse ones: rows become dense a few batches at a time.

    Args:
        parts: `(x, y, sample_weight)`, structures of arrays or None.
        names: what they are called in messages.
        batch_size: samples per batch; None: as many as make `steps` batches, or 32.
        steps: batches per epoch, or None.
        shuffle: False, True or `"batch"`.
        generator: what to draw the order from.
    """

    kind = "sparse matrix"

    def __init__(
        self,
        parts: tuple[Any, Any, Any],
        names: tuple[str, str, str],
        batch_size: int | None,
        steps: int | None,
        shuffle: bool | str,
        generator: np.random.Generator | None,
    ) -> None:
        super().__init__(generator)
        self._parts = _sliceable(parts, names)
        leaves = [leaf for leaf in tree.flatten(self._parts) if leaf is not None]
        self.samples = _same_length(self._parts, names)
        if batch_size is None:
            batch_size = math.ceil(self.samples / steps) if steps else 32
        self.batch_size = self._size = batch_size
        self._shuffle = shuffle
        self._rng: Any = generator
        self.batches = -(-self.samples // batch_size)
        row = 4 * sum(math.prod(leaf.shape[1:]) for leaf in leaves)
        self._rows = batch_size * max(1, _CHUNK_BYTES // max(1, row * batch_size))

    def iterate(self, skip: int) -> Iterator[Chunk]:
        return self._deliver(self._draw(), skip)

    def _deliver(self, index: np.ndarray | None, skip: int) -> Iterator[Chunk]:
        for start in range(skip * self._size, self.samples, self._rows):
            stop = min(start + self._rows, self.samples)
            rows = slice(start, stop) if index is None else index[start:stop]
            x, y, weight = tree.map_structure(
                lambda leaf, rows=rows: _take(leaf, rows), self._parts
            )
            yield Chunk(x, y, weight, min(self.batch_size, stop - start))

    def _draw(self) -> np.ndarray | None:
        if not self._shuffle:
            return None
        index = np.arange(self.samples)
        if self._shuffle == "batch":
            for start in range(0, self.samples, self._size):
                self._rng.shuffle(index[start : start + self._size])
        else:
            self._rng.shuffle(index)
        return index


def has_sparse(*values: Any) -> bool:
    """Whether any array in these structures is a sparse one."""
    for value in values:
        if is_sparse(value):
            return True
        if is_mapping(value) and has_sparse(*value.values()):
            return True
        if is_nest_of_arrays(value) and has_sparse(*value):
            return True
    return False


def split_parts(
    parts: tuple[Any, Any, Any], names: tuple[str, str, str], split: float
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """`(x, y, sample_weight)` of the first samples, and of the last `split` of them.

    Raises:
        ValueError: `x` is a source of batches, lengths differ, or one side would be empty.
    """
    if is_streaming(parts[0]):
        raise ValueError(
            f"`validation_split` needs arrays, and `{names[0]}` is a {type(parts[0]).__name__}, "
            "which gives batches. Pass `validation_data`."
        )
    parts = _sliceable(parts, names)
    samples = _same_length(parts, names)
    at = math.floor(samples * (1.0 - split))
    if at in (0, samples):
        raise ValueError(
            f"`x` has {samples} samples, too few to set any aside for both training and validation "
            f"with validation_split={split}. Pass more samples or another share."
        )

    return _map_leaves(_slice, parts, slice(0, at)), _map_leaves(_slice, parts, slice(at, samples))


def _sliceable(parts: tuple[Any, Any, Any], names: tuple[str, str, str]) -> tuple[Any, Any, Any]:
    x, y, weight = [
        _map_arrays(part, lambda leaf, name=name: _rows_of(leaf, name))
        for part, name in zip(parts, names, strict=True)
    ]
    return x, y, weight


def _map_arrays(part: Any, function: Any) -> Any:
    """`function` of every array in a structure; a list of numbers is an array."""
    if is_mapping(part):
        return {key: _map_arrays(value, function) for key, value in part.items()}
    if is_nest_of_arrays(part):
        return [_map_arrays(value, function) for value in part]
    return function(part)


def _rows_of(leaf: Any, name: str) -> Any:
    """An array of which ranges and lists of rows can be taken."""
    if leaf is None:
        return None
    if not is_sparse(leaf):
        return as_array(leaf, name)
    if len(leaf.shape) != 2 or leaf.dtype.kind not in "buif":
        raise ValueError(
            f"`{name}` is a sparse array of shape {leaf.shape} and dtype {leaf.dtype}. Expected "
            "real numbers with two axes."
        )
    if not leaf.shape[0]:
        raise ValueError(f"`{name}` is empty: it has shape {leaf.shape}. Pass at least one sample.")
    return leaf.tocsr()


def _map_leaves(function: Any, parts: Any, rows: Any) -> Any:
    return tree.map_structure(lambda leaf: function(leaf, rows), parts)


def _slice(leaf: Any, rows: slice) -> Any:
    return None if leaf is None else leaf[rows]


def _take(leaf: Any, rows: Any) -> Any:
    if leaf is None:
        return None
    taken = leaf[rows]
    return taken.toarray() if is_sparse(taken) else taken


def _same_length(parts: tuple[Any, Any, Any], names: tuple[str, str, str]) -> int:
    lengths = {
        name: [leaf.shape[0] for leaf in tree.flatten(part) if leaf is not None]
        for name, part in zip(names, parts, strict=True)
    }
    found = {length for some in lengths.values() for length in some}
    if not found:
        raise ValueError(f"`{names[0]}` is missing: pass an array of samples.")
    if len(found) > 1:
        sizes = ", ".join(f"`{name}` has {some}" for name, some in lengths.items() if some)
        raise ValueError(
            "Data cardinality is ambiguous: all arrays must have the same number of samples, but "
            f"{sizes}."
        )
    return found.pop()


def unpack_batch(batch: Any, giver: str) -> Chunk:
    """A delivered batch taken apart: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`."""
    if isinstance(batch, (tuple, list)):
        if len(batch) not in (1, 2, 3):
            raise ValueError(
                f"{giver} must give batches (x,), (x, y) or (x, y, sample_weight). Received a "
                f"{type(batch).__name__} of {len(batch)}."
            )
        x, y, weight = (*batch, None, None)[:3]
        return Chunk(x, y, weight, None)
    if isinstance(batch, dict) or hasattr(batch, "shape"):
        return Chunk(batch, None, None, None)
    raise ValueError(
        f"{giver} must give batches (x,), (x, y) or (x, y, sample_weight), or arrays, or "
        f"dictionaries of inputs. Received: {str(batch)[:100]} (of type {type(batch).__name__})."
    )


def find_source(
    x: Any, shuffle: bool | str, generator: np.random.Generator | None
) -> Source | None:
    """The source that `x` is, or None for arrays."""
    if not is_streaming(x):
        return None
    if hasattr(x, "__next__"):
        return GeneratorSource(x)
    if hasattr(x, "num_batches") and hasattr(x, "on_epoch_end") and hasattr(x, "__getitem__"):
        return PyDatasetSource(x, bool(shuffle), generator)
    if hasattr(x, "__iter__"):
        return IterableSource(x)
    return None
