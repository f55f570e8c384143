"""Archives of NumPy arrays, read without trusting them."""

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, cast

import numpy as np

from hotloop.datasets.errors import DatasetContentError


def read_npz(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Reads uint8 arrays of known names and shapes from an `.npz` file.

    Pickled objects are never loaded, and no more memory is taken than the arrays need.

    Args:
        path: The file.
        shapes: The arrays to read. Others in the file are left alone.

    Raises:
        DatasetContentError: if an array is missing, or is not the uint8 array expected.
    """
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return {name: _read_array(path, archive, name, shapes[name]) for name in shapes}
        except DatasetContentError:
            raise
        except Exception as error:  # zipfile lets a damaged file surface as almost anything
            raise DatasetContentError(f"{path} is no usable .npz file: {error}.") from None


def _read_array(
    path: Path, archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]
) -> np.ndarray:
    try:
        member = cast(io.BufferedIOBase, archive.open(f"{name}.npy"))
    except KeyError:
        raise DatasetContentError(
            f"{path} has no array {name!r}; it holds {', '.join(archive.namelist()) or 'nothing'}."
        ) from None
    with member:
        found = _read_header(path, name, cast(IO[bytes], member))
        if found != (shape, False, np.dtype(np.uint8)):
            raise DatasetContentError(
                f"{path} holds {name!r} as {found[2]}{list(found[0])}"
                f"{' in Fortran order' if found[1] else ''}; expected uint8{list(shape)}."
            )
        size = math.prod(shape)
        content = bytearray(size)
        filled = member.readinto(content)
        while filled < size and (count := member.readinto(memoryview(content)[filled:])):
            filled += count
        if filled != size or member.read(1):
            raise DatasetContentError(
                f"{path} is {'truncated' if filled < size else 'too long'} in {name!r}."
            )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read_header(path: Path, name: str, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        return readers[np.lib.format.read_magic(file)](file)
    except (KeyError, ValueError) as error:
        raise DatasetContentError(f"{path} holds no usable array {name!r}: {error}.") from None
