"""timeseries_dataset_from_array: windows that slide over a series."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.utils.array_dataset import ArrayDataset


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> ArrayDataset:
    """Windows of a series, and the target of each, as a data set that `fit` takes.

    Window i is `data[start_index + i * sequence_stride + j * sampling_rate]` for j from 0 to
    `sequence_length - 1`. The windows are cut out of `data` batch by batch, never all at once.

    Args:
        data: the series, `[steps, ...]`.
        targets: array whose row i belongs to the window that begins with step i; None for a data
            set of windows alone.
        sequence_length: steps in a window.
        sequence_stride: steps from the beginning of one window to that of the next.
        sampling_rate: steps from one step of a window to the next.
        batch_size: windows per batch; None for single windows.
        shuffle: whether to draw a new order for every pass.
        seed: of the shuffling.
        start_index, end_index: the part of `data` to use: from the first on, before the second.
        format: "tf", whatever the result is: an `ArrayDataset`.

    Raises:
        ValueError: an argument is out of range.
    """
    length = len(data)
    if format != "tf":
        raise ValueError(
            "`format` must be 'tf', and the result is a hotloop.utils.ArrayDataset. Received: "
            f"format={format!r}"
        )
    if start_index is not None and not 0 <= start_index < length:
        raise ValueError(
            f"`start_index` must lie between 0 and the length of `data`, {length}. Received: "
            f"start_index={start_index}"
        )
    if end_index is not None and not (start_index or 0) < end_index < length:
        raise ValueError(
            f"`end_index` must be greater than `start_index` and less than the length of `data`, "
            f"{length}. Received: start_index={start_index}, end_index={end_index}"
        )
    for name, value, limit in (
        ("sampling_rate", sampling_rate, length),
        ("sequence_stride", sequence_stride, length),
        ("sequence_length", sequence_length, length + 1),
    ):
        if not 0 < value < limit:
            raise ValueError(
                f"`{name}` must be greater than 0 and less than {limit}, for data of length "
                f"{length}. Received: {name}={value}"
            )
    part = slice(start_index or 0, end_index)
    series = np.asarray(data)[part]
    windows = len(series) - (sequence_length - 1) * sampling_rate
    answers = None
    if targets is not None:
        windows = min(windows, len(targets))
        answers = np.asarray(targets)[part]
        if len(answers) < windows:
            raise ValueError(
                f"`targets` has {len(targets)} rows, too few for windows that begin with step "
                f"{part.start}: row i belongs to the window that begins with step i."
            )
    starts = np.arange(0, windows, sequence_stride)
    if not len(starts):
        raise ValueError(
            f"`data` has {len(series)} steps in the part that is used, too few for one window of "
            f"{sequence_length} steps at a sampling rate of {sampling_rate}."
        )
    steps = np.arange(sequence_length) * sampling_rate

    def take(rows: np.ndarray) -> Any:
        begin = starts[rows]
        window = series[begin[:, None] + steps]
        return window if answers is None else (window, answers[begin])

    dataset = ArrayDataset(take, len(starts))
    if shuffle:
        dataset = dataset.shuffle(seed)
    return dataset if batch_size is None else dataset.batch(batch_size)
