import gzip
import hashlib
import struct

import numpy as np
import pytest

from hotloop.datasets import download as download_module
from hotloop.datasets.image_set import IDX_FILES, ImageSet

SHAPES = {"x_train": (30, 4, 5), "y_train": (30,), "x_test": (7, 4, 5), "y_test": (7,)}


def idx_bytes(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """All places in which data sets are looked for are empty folders, and there is no network."""
    for name in ("HOTLOOP_DATA_DIR", "KERAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("home", "cache", "data"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("HOTLOOP_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(download_module, "PATIENCE", 2.0)
    return tmp_path


@pytest.fixture
def arrays():
    rng = np.random.default_rng(5)
    return {name: rng.integers(0, 256, shape, np.uint8) for name, shape in SHAPES.items()}


@pytest.fixture
def make_set(arrays):
    """A small set of its own kind; nothing listens where it is to be downloaded from."""

    def make(mirrors=({"tiny.npz": "https://127.0.0.1:9/tiny.npz"},)):
        return ImageSet(
            title="Tiny",
            folder="tiny",
            archives=("tiny.npz",),
            shapes=SHAPES,
            checksums={name: hashlib.sha256(array).hexdigest() for name, array in arrays.items()},
            mirrors=tuple(mirrors),
        )

    return make


@pytest.fixture
def put_idx(arrays):
    """Writes the set as IDX files; `replace` gives other bytes to some of them."""

    def put(folder, compress=gzip.compress, suffix=".gz", replace=()):
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in IDX_FILES.items():
            content = dict(replace).get(name, idx_bytes(arrays[name]))
            (folder / f"{file}{suffix}").write_bytes(compress(content))
        return folder

    return put
