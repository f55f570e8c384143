"""Where data sets are looked for."""

import os
import sys
from pathlib import Path


def data_dir() -> Path | None:
    """The folder that `HOTLOOP_DATA_DIR` names, or `None`."""
    value = os.environ.get("HOTLOOP_DATA_DIR")
    return Path(value).expanduser() if value else None


def cache_dir() -> Path:
    """hotloop's own folder for files that can be made again.

    `HOTLOOP_CACHE_DIR` if set, else the place the platform has for it.
    """
    value = os.environ.get("HOTLOOP_CACHE_DIR")
    if value:
        return Path(value).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else _home() / "AppData" / "Local") / "hotloop" / "Cache"
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches" / "hotloop"
    base = os.environ.get("XDG_CACHE_HOME")
    # The XDG specification: a relative path is to be ignored.
    root = Path(base) if base and os.path.isabs(base) else _home() / ".cache"
    return root / "hotloop"


def keras_home() -> Path:
    """Keras's own folder: `KERAS_HOME` if set, else `~/.keras`."""
    value = os.environ.get("KERAS_HOME")
    return Path(value).expanduser() if value else _home() / ".keras"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # A user without HOME and without an entry in the user database, as containers have them:
        # a place below which there is nothing and nothing can be written.
        return Path(os.devnull)
