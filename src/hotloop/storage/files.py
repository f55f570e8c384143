"""Writing a file so that whoever looks finds the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import Any

_SUFFIX = ".partial"


def write_whole(path: Any, data: bytes) -> None:
    """Writes `data` to `path` through a temporary file in the same folder.

    The bytes are on the disk before the name is, and the name before this returns. Whatever fails
    (a full disk, missing rights, Ctrl-C), the file that was there stays, and the temporary one
    goes; only a process that is killed leaves it behind, under a name of its own.

    Raises:
        OSError: the folder is missing or cannot be written to, `path` is a folder, the disk is
            full.
    """
    # Through a symbolic link, as `open` would write.
    target = os.path.realpath(os.fspath(path))
    if os.path.isdir(target):
        raise IsADirectoryError(f"{os.fspath(path)!r} is a folder. Pass the path of a file.")
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(6)}{_SUFFIX}")
    try:
        # Inside `try`: Ctrl-C may come between the file's appearing and the next line.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def sync_folder(folder: str) -> None:
    """Has the disk keep the names in `folder` as they are now."""
    descriptor = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(path: Any) -> None:
    """Removes what killed processes left of writing `path`. Nobody may be writing it now."""
    folder, name = os.path.split(os.path.realpath(os.fspath(path)))
    with contextlib.suppress(FileNotFoundError):
        for entry in os.listdir(folder):
            if entry.startswith(f".{name}.") and entry.endswith(_SUFFIX):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(folder, entry))
