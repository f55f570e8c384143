"""Helpers around models and data."""

from importlib import import_module as _import_module
from types import ModuleType as _ModuleType

from hotloop.utils.categorical import to_categorical
from hotloop.utils.config import get_num_threads, set_num_threads, show_config
from hotloop.utils.normalization import normalize
from hotloop.utils.progbar import Progbar
from hotloop.utils.py_dataset import PyDataset
from hotloop.utils.random_seed import set_random_seed
from hotloop.utils.session import clear_session

Sequence = PyDataset

__all__ = [
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "get_num_threads",
    "normalize",
    "set_num_threads",
    "set_random_seed",
    "show_config",
    "to_categorical",
    "tree",
]


def __getattr__(name: str) -> _ModuleType:
    # Nested structures belong to `ops`, which needs the core; the progress bar does not.
    if name == "tree":
        return _import_module("hotloop.ops.tree")
    raise AttributeError(f"module 'hotloop.utils' has no attribute {name!r}")
