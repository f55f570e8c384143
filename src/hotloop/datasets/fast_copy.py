"""Plain copies of verified arrays in the cache: loaded in milliseconds, checked on every load.

One `.npy` file holds all arrays of a set, one after the other, and 32 bytes of check value at the
end. The check is not cryptographic: it guards a file that we wrote ourselves against damage, at the
speed of memory, where SHA-256 takes 0.3 s on processors without instructions for it.
"""

import contextlib
import hashlib
import math
import os
import secrets
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hotloop.datasets.places import cache_dir

_CHECK_SIZE = 32
_BLOCK_WORDS = 512
# Any odd numbers will do; these never change, so that old copies stay readable.
_WEIGHTS = np.random.Philox(key=0x686F746C6F6F70).random_raw(_BLOCK_WORDS) | np.uint64(1)


def load(key: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray] | None:
    """The arrays of the copy called `key`, or `None` if there is no good one.

    A damaged copy is removed, with a warning.
    """
    path = _path(key)
    try:
        with open(path, "rb") as file:
            size = sum(map(math.prod, shapes.values()))
            content = _read(file, size + _CHECK_SIZE)
    except OSError:  # not there, or not for us
        return None
    if content is None or content[size:].tobytes() != check_value(content[:size]):
        with contextlib.suppress(OSError):
            path.unlink()
        warnings.warn(f"hotloop's cached copy {path} is damaged; it is made anew.", stacklevel=2)
        return None
    arrays, start = {}, 0
    for name, shape in shapes.items():
        stop = start + math.prod(shape)
        arrays[name] = content[start:stop].reshape(shape)
        start = stop
    return arrays


def store(key: str, arrays: Mapping[str, np.ndarray]) -> bool:
    """Writes the copy called `key`; returns whether that was possible.

    The file appears whole or not at all, also when several processes write it. A cache that cannot
    be written is no error: the next load is slow again, that is all.
    """
    path = _path(key)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = np.concatenate([array.reshape(-1) for array in arrays.values()])
        check = np.frombuffer(check_value(content), np.uint8)
        try:
            with open(temporary, "xb") as file:
                np.lib.format.write_array(file, np.concatenate([content, check]))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def agrees(key: str, source: Path) -> bool:
    """Whether `source`, a file or a folder, is known to hold what the copy called `key` holds.

    It was read and verified once, and its files have the sizes and times of then.
    """
    try:
        return _state(source) in _notes(key).read_text().splitlines()
    except OSError:
        return False


def note(key: str, source: Path) -> None:
    """Remembers that `source` has been verified."""
    with contextlib.suppress(OSError), open(_notes(key), "a") as file:
        file.write(_state(source) + "\n")


def _state(source: Path) -> str:
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    facts = [(str(f.absolute()), f.stat().st_size, f.stat().st_mtime_ns) for f in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _notes(key: str) -> Path:
    return cache_dir() / "datasets" / f"{key}.verified"


def check_value(content: np.ndarray) -> bytes:
    """32 bytes that depend on every byte of a uint8 array, and on its place."""
    words = content[: content.size // 8 * 8].view("<u8")
    whole = words.size // _BLOCK_WORDS * _BLOCK_WORDS
    # Sums modulo 2**64. The weights are odd, so no change of a single word is lost.
    sums = words[:whole].reshape(-1, _BLOCK_WORDS) @ _WEIGHTS
    digest = hashlib.sha256(sums.astype("<u8").tobytes())
    digest.update(content[whole * 8 :].tobytes())
    digest.update(content.size.to_bytes(8, "little"))
    return digest.digest()


def _path(key: str) -> Path:
    return cache_dir() / "datasets" / f"{key}.npy"


def _read(file, size: int) -> np.ndarray | None:
    """The uint8 vector of `size` elements that a `.npy` file holds, or `None`."""
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            return None
        header = np.lib.format.read_array_header_1_0(file)
    except Exception:  # what a damaged header surfaces as differs among versions of Python
        return None
    if header != ((size,), False, np.dtype(np.uint8)):
        return None
    content = np.fromfile(file, np.uint8, size)
    return content if content.size == size and not file.read(1) else None
