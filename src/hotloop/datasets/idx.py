"""The IDX format: a magic number, dimensions, then the elements, big-endian; often gzipped."""

import math
import struct
import zlib
from pathlib import Path

import numpy as np

from hotloop.datasets.errors import DatasetContentError

_UNSIGNED_BYTE = 0x08
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Reads a uint8 array of a known shape from an IDX file, gzipped or not.

    No more memory is taken than the array needs, whatever the file says.

    Args:
        path: The file. Whether it is compressed is seen from its first bytes.
        shape: The shape that the array has to have.

    Raises:
        DatasetContentError: if the file is anything else than that array.
    """
    data_size = math.prod(shape)
    header_size = 4 + 4 * len(shape)
    content = _read_bytes(path, header_size + data_size)
    if len(content) < header_size:
        raise DatasetContentError(f"{path} is truncated: it ends within the IDX header.")
    zeros, dtype, rank = struct.unpack(">HBB", content[:4])
    if zeros != 0 or dtype != _UNSIGNED_BYTE or rank != len(shape):
        expected = struct.pack(">HBB", 0, _UNSIGNED_BYTE, len(shape)).hex()
        raise DatasetContentError(
            f"{path} is not the IDX file expected: its magic number is {content[:4].hex()}, "
            f"and should be {expected}."
        )
    dims = struct.unpack(f">{rank}I", content[4:header_size])
    if dims != shape:
        raise DatasetContentError(
            f"{path} is not the IDX file expected: its dimensions are {dims}, and should be "
            f"{shape}."
        )
    found = len(content) - header_size
    if found != data_size:
        raise DatasetContentError(
            f"{path} is {'truncated' if found < data_size else 'too long'}: its dimensions "
            f"promise {data_size} bytes of data."
        )
    return np.frombuffer(content, np.uint8, offset=header_size).reshape(shape)


def _read_bytes(path: Path, size: int) -> bytearray:
    """The first `size + 1` bytes of the content: one too many tells that a file is too long."""
    with open(path, "rb") as file:
        if file.read(2) != _GZIP_MAGIC:
            file.seek(0)
            return bytearray(file.read(size + 1))
        file.seek(0)
        inflate = zlib.decompressobj(wbits=31)  # 31: a gzip header and trailer, checksum included
        content = bytearray()
        try:
            while not inflate.eof and len(content) <= size:
                chunk = inflate.unconsumed_tail or file.read(1 << 20)
                if not chunk:
                    raise DatasetContentError(f"{path} is truncated: the gzip stream has no end.")
                content += inflate.decompress(chunk, size + 1 - len(content))
        except zlib.error as error:
            raise DatasetContentError(f"{path} is damaged: {error}.") from None
        if inflate.eof and (inflate.unused_data or file.read(1)):
            raise DatasetContentError(f"{path} is damaged: something follows the gzip stream.")
        return content
