"""Windows of signals and blocks of grids: functions that only move elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.graph import Tensor
from hotloop.ops.convert import tensor
from hotloop.ops.dispatch import op
from hotloop.ops.indexing import take
from hotloop.ops.manipulation import reshape, transpose

_FORMATS = ("channels_last", "channels_first")


@op
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Tensor:
    """Windows of `sequence_length` along the last axis, `sequence_stride` apart, as a new axis."""
    x = tensor(x)
    size = x.shape[-1] if x.ndim else 0
    if sequence_length < 1 or sequence_stride < 1 or sequence_length > size:
        raise ValueError(
            "sequence_length and sequence_stride must be at least 1, and sequence_length at most "
            f"the last axis, got {sequence_length} and {sequence_stride} for shape {x.shape}."
        )
    starts = np.arange(0, size - sequence_length + 1, sequence_stride)
    return take(x, starts[:, None] + np.arange(sequence_length), axis=-1)


def _grid(name: str, x: Any, block_size: int, data_format: str) -> Tensor:
    """The tensor with its channels last."""
    x = tensor(x)
    if data_format not in _FORMATS:
        raise ValueError(f"data_format must be one of {_FORMATS}, got {data_format!r}.")
    if x.ndim != 4 or block_size < 1:
        raise ValueError(
            f"{name} takes a tensor of 4 axes and a block_size of at least 1, got shape {x.shape} "
            f"and {block_size}."
        )
    return x if data_format == "channels_last" else transpose(x, (0, 2, 3, 1))


def _like_input(x: Tensor, data_format: str) -> Tensor:
    return x if data_format == "channels_last" else transpose(x, (0, 3, 1, 2))


@op
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Channels as blocks of rows and columns. Raises `ValueError` if they do not fill blocks."""
    x = _grid("depth_to_space", x, block_size, data_format)
    n, h, w, c = x.shape
    b = block_size
    if c % (b * b):
        raise ValueError(f"{c} channels do not fill blocks of {b} × {b}.")
    if data_format == "channels_last":
        x = transpose(reshape(x, (n, h, w, b, b, c // (b * b))), (0, 1, 3, 2, 4, 5))
    else:  # with channels first, a block's places change fastest within a channel
        x = transpose(reshape(x, (n, h, w, c // (b * b), b, b)), (0, 1, 4, 2, 5, 3))
    return _like_input(reshape(x, (n, h * b, w * b, c // (b * b))), data_format)


@op
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Blocks of rows and columns as channels. Raises `ValueError` if they do not fill the grid."""
    x = _grid("space_to_depth", x, block_size, data_format)
    n, h, w, c = x.shape
    b = block_size
    if h % b or w % b:
        raise ValueError(f"Blocks of {b} × {b} do not fill {h} rows and {w} columns.")
    x = reshape(x, (n, h // b, b, w // b, b, c))
    order = (0, 1, 3, 2, 4, 5) if data_format == "channels_last" else (0, 1, 3, 5, 2, 4)
    x = reshape(transpose(x, order), (n, h // b, w // b, c * b * b))
    return _like_input(x, data_format)
