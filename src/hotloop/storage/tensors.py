"""Named arrays in one safetensors file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from hotloop._version import __version__
from hotloop.storage.files import write_whole

_DTYPES = {
    "BOOL": np.dtype("?"),
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
    **{
        f"{kind.upper()}{8 * size}": np.dtype(f"<{kind}{size}")
        for kind in "iu"
        for size in (1, 2, 4, 8)
    },
}
_LAYOUT = "1"  # of names and metadata; a file with another number is refused


def write_tensors(
    path: Any, kind: str, tensors: Mapping[str, np.ndarray], notes: Mapping[str, str] | None = None
) -> None:
    """Writes arrays of numbers or truth values and a few strings to `path`, whole or not at all.

    Args:
        path: the file.
        kind: what the file holds, for `read_tensors` to compare.
        tensors: arrays by name.
        notes: more entries of the metadata, beside `format`, `format_version`, `hotloop_version`.
    """
    from safetensors.numpy import save

    metadata = {
        "format": f"hotloop.{kind}",
        "format_version": _LAYOUT,
        "hotloop_version": __version__,
        **(notes or {}),
    }
    # Stored as the arrays lie in memory: strides would be lost.
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    arrays = {name: array.reshape(tensors[name].shape) for name, array in arrays.items()}
    write_whole(path, save(arrays, metadata))


def read_tensors(path: Any, kind: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the metadata of a file that `write_tensors` made.

    Raises:
        FileNotFoundError, OSError: it cannot be read.
        ValueError: it is damaged, is no safetensors file, or holds something else.
    """
    from safetensors import SafetensorError, deserialize

    path = os.fspath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"{path!r} is not a regular file.")
    with open(path, "rb") as file:
        data = file.read()
    try:
        found = deserialize(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = dict(header.get("__metadata__") or {})
    except (SafetensorError, ValueError, RecursionError, OverflowError, MemoryError) as error:
        raise ValueError(f"{path!r} is damaged, or is not a safetensors file: {error}") from error
    expected = f"hotloop.{kind}"
    if metadata.get("format") != expected:
        raise ValueError(
            f"{path!r} is not a file of {kind} written by hotloop: its metadata say "
            f"format={metadata.get('format')!r} where {expected!r} was expected."
        )
    if metadata.get("format_version") != _LAYOUT:
        raise ValueError(
            f"{path!r} has layout {metadata.get('format_version')!r} (written by hotloop "
            f"{metadata.get('hotloop_version')}); hotloop {__version__} reads layout {_LAYOUT}."
        )
    return {name: _array(path, name, entry) for name, entry in found}, metadata


def _array(path: str, name: str, entry: Mapping[str, Any]) -> np.ndarray:
    dtype = _DTYPES.get(entry["dtype"])
    if dtype is None:
        raise ValueError(
            f"{path!r} is damaged: {name!r} has dtype {entry['dtype']!r}; hotloop writes "
            f"{', '.join(_DTYPES)}."
        )
    array = np.frombuffer(entry["data"], np.uint8 if dtype == np.bool_ else dtype)
    if dtype == np.bool_:
        array = array != 0  # any other byte would be no truth value in NumPy
    try:
        return array.reshape(tuple(entry["shape"]))
    except ValueError as error:
        raise ValueError(f"{path!r} is damaged: {name!r} has no possible shape: {error}") from error
