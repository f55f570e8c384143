"""Where a set is looked for, in which order, and what is said when something is wrong there."""

import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hotloop.datasets import (
    DatasetContentError,
    DatasetNotFoundError,
    fashion_mnist,
    fast_copy,
    mnist,
)
from hotloop.datasets.places import cache_dir


def same(result, arrays):
    (x_train, y_train), (x_test, y_test) = result
    for name, array in (
        ("x_train", x_train),
        ("y_train", y_train),
        ("x_test", x_test),
        ("y_test", y_test),
    ):
        np.testing.assert_array_equal(array, arrays[name])
        assert array.dtype == np.uint8
        assert array.flags.writeable
    return True


def copy_file(dataset):
    return cache_dir() / "datasets" / f"{dataset.key}.npy"


@pytest.mark.parametrize("place", ["data", "cache/datasets", "home/.keras/datasets"])
@pytest.mark.parametrize("form", ["npz", "npz in folder", "gzip", "plain"])
def test_places_and_forms(places, monkeypatch, make_set, put_idx, arrays, place, form):
    monkeypatch.setenv("HOTLOOP_DATA_DIR", str(places / "data"))
    base = places / place
    base.mkdir(parents=True, exist_ok=True)
    if form == "npz":
        np.savez(base / "tiny.npz", **arrays)
    elif form == "npz in folder":
        (base / "tiny").mkdir()
        np.savez(base / "tiny" / "tiny.npz", **arrays)
    elif form == "gzip":
        put_idx(base / "tiny")
    else:
        put_idx(base / "tiny", compress=bytes, suffix="")
    assert same(make_set().load(), arrays)


def test_order(places, monkeypatch, make_set, arrays):
    """Each place is hidden by the one before it: the first one is right, the next are broken."""
    found = []
    dataset = make_set()
    monkeypatch.setattr(type(dataset), "read", lambda self, path: found.append(path) or arrays)
    monkeypatch.setattr(fast_copy, "store", lambda key, arrays: False)
    monkeypatch.setenv("HOTLOOP_DATA_DIR", str(places / "data"))
    files = [
        places / "data" / "tiny.npz",
        places / "cache" / "datasets" / "tiny.npz",
        places / "home" / ".keras" / "datasets" / "tiny.npz",
    ]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    for file in files:
        dataset.load()
        file.unlink()
    assert found == files


@pytest.mark.parametrize("pointed_at", ["file", "folder"])
def test_a_copy_does_not_hide_what_the_user_points_at(
    places, monkeypatch, make_set, put_idx, arrays, pointed_at
):
    data = places / "data"
    monkeypatch.setenv("HOTLOOP_DATA_DIR", str(data))
    data.mkdir(exist_ok=True)
    if pointed_at == "file":
        file = data / "tiny.npz"
        np.savez(file, **arrays)
    else:
        put_idx(data / "tiny")
        file = data / "tiny" / "train-images-idx3-ubyte.gz"
    dataset = make_set()
    assert same(dataset.load(), arrays)
    reads = []
    read = type(dataset).read
    monkeypatch.setattr(
        type(dataset), "read", lambda self, path: reads.append(1) or read(self, path)
    )
    assert same(dataset.load(), arrays)
    assert not reads, "an unchanged source is read from its copy"
    file.write_bytes(b"damaged")
    with pytest.raises(DatasetContentError, match=file.name):
        dataset.load()


def test_explicit_path(places, make_set, put_idx, arrays):
    np.savez(places / "elsewhere.npz", **arrays)
    folder = put_idx(places / "folder")
    dataset = make_set()
    assert same(dataset.load(places / "elsewhere.npz"), arrays)
    assert same(dataset.load(str(folder)), arrays)
    assert not copy_file(dataset).exists()


def test_relative_names_as_keras_takes_them(places, make_set, arrays):
    folder = places / "home" / ".keras" / "datasets"
    folder.mkdir(parents=True)
    np.savez(folder / "mine.npz", **arrays)
    assert same(make_set().load("mine.npz"), arrays)


def test_explicit_path_that_is_not_there(places, make_set):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz.*IDX"):
        make_set().load(places / "nowhere.npz")


def test_keras_s_default_name_means_the_usual_places(places, make_set, put_idx, arrays):
    put_idx(places / "cache" / "datasets" / "tiny")
    assert same(make_set().load("tiny.npz"), arrays)


def test_keras_s_default_name_and_no_data_anywhere(places, make_set):
    with pytest.raises(DatasetNotFoundError):
        make_set().load("tiny.npz")


def test_keras_home(places, monkeypatch, make_set, arrays):
    monkeypatch.setenv("KERAS_HOME", str(places / "kh"))
    (places / "kh" / "datasets").mkdir(parents=True)
    np.savez(places / "kh" / "datasets" / "tiny.npz", **arrays)
    assert same(make_set().load(), arrays)


def test_wrong_file_of_the_user_is_named_and_kept(places, monkeypatch, make_set, arrays):
    monkeypatch.setenv("HOTLOOP_DATA_DIR", str(places / "data"))
    arrays["y_test"][0] ^= 1
    file = places / "data" / "tiny.npz"
    dataset = make_set()
    arrays["y_test"][0] ^= 1
    np.savez(file, **arrays)
    with pytest.raises(DatasetContentError, match=r"tiny\.npz does not hold Tiny.*'y_test'"):
        dataset.load()
    assert file.exists()


def test_missing_sibling_is_named(places, monkeypatch, make_set, put_idx):
    monkeypatch.setenv("HOTLOOP_DATA_DIR", str(places / "data"))
    folder = put_idx(places / "data" / "tiny")
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(DatasetContentError, match="t10k-images-idx3-ubyte"):
        make_set().load()


def test_wrong_file_of_our_cache_is_removed_and_the_next_place_taken(
    places, make_set, put_idx, arrays
):
    wrong = put_idx(
        places / "cache" / "datasets" / "tiny", compress=lambda b: gzip.compress(b)[:-1]
    )
    put_idx(places / "home" / ".keras" / "datasets" / "tiny")
    with pytest.warns(UserWarning, match=r"train-images-idx3-ubyte.gz is truncated.*removed"):
        assert same(make_set().load(), arrays)
    assert list(wrong.iterdir()) == []


def test_wrong_file_of_keras_is_left_alone(places, make_set):
    folder = places / "home" / ".keras" / "datasets"
    folder.mkdir(parents=True)
    (folder / "tiny.npz").write_bytes(b"nonsense")
    with (
        pytest.warns(UserWarning, match=r"tiny\.npz is no usable"),
        pytest.raises(DatasetNotFoundError, match=r"tiny\.npz is no usable"),
    ):
        make_set().load()
    assert (folder / "tiny.npz").exists()


def test_nothing_anywhere(places, monkeypatch, make_set):
    monkeypatch.setenv("HOTLOOP_DATA_DIR", str(places / "missing"))
    start = time.monotonic()
    with pytest.raises(DatasetNotFoundError) as caught:
        make_set().load()
    assert time.monotonic() - start < 5
    message = str(caught.value)
    for part in (
        f"HOTLOOP_DATA_DIR: {places / 'missing'} (no such folder)",
        f"{places / 'cache' / 'datasets'} (not there)",
        f"{places / 'home' / '.keras' / 'datasets'} (not there)",
        "download",
        "load_data(path=...)",
        "tiny/train-images-idx3-ubyte.gz",
        "synthetic_digits",
    ):
        assert part in message
    assert "\n" not in caught.value.reason


def test_fast_copy(places, make_set, arrays):
    dataset = make_set()
    source = places / "cache" / "datasets" / "tiny.npz"
    source.parent.mkdir(parents=True)
    np.savez(source, **arrays)
    assert same(dataset.load(), arrays)
    source.unlink()
    assert same(dataset.load(), arrays)
    assert [path.name for path in source.parent.iterdir()] == [f"{dataset.key}.npy"]


@pytest.mark.parametrize("damage", ["bit", "swap", "short", "long", "empty", "header", "zeros"])
def test_damage_to_the_fast_copy_is_noticed(places, make_set, arrays, damage):
    dataset = make_set()
    source = places / "cache" / "datasets" / "tiny.npz"
    source.parent.mkdir(parents=True)
    np.savez(source, **arrays)
    dataset.load()
    file = copy_file(dataset)
    content = bytearray(file.read_bytes())
    if damage == "bit":
        content[300] ^= 1
    elif damage == "swap":
        content[300], content[301] = content[301], content[300]
    elif damage == "short":
        content = content[:-1]
    elif damage == "long":
        content += b"\0"
    elif damage == "empty":
        content = b""
    elif damage == "header":
        content[20] ^= 1
    else:
        content[128:] = bytes(len(content) - 128)
    file.write_bytes(content)
    with pytest.warns(UserWarning, match="is damaged"):
        assert same(dataset.load(), arrays)
    assert same(dataset.load(), arrays)  # made anew


def test_check_value_sees_every_byte_and_its_place():
    rng = np.random.default_rng(0)
    content = rng.integers(0, 256, 3 * 4096 + 77, np.uint8)
    value = fast_copy.check_value(content)
    for place in (*range(0, content.size, 97), content.size - 1):
        changed = content.copy()
        changed[place] += 1
        assert fast_copy.check_value(changed) != value
    for first, second in ((0, 8), (0, 4096), (100, 5000), (4096 * 3 + 1, 4096 * 3 + 2)):
        changed = content.copy()
        changed[[first, second]] = changed[[second, first]]
        assert fast_copy.check_value(changed) != value
    assert fast_copy.check_value(content[:-1]) != fast_copy.check_value(content)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX")
def test_a_cache_that_cannot_be_written_is_no_error(places, monkeypatch, make_set, arrays):
    monkeypatch.setenv("HOTLOOP_DATA_DIR", str(places / "data"))
    np.savez(places / "data" / "tiny.npz", **arrays)
    (places / "file").touch()
    monkeypatch.setenv("HOTLOOP_CACHE_DIR", str(places / "file" / "cache"))
    assert same(make_set().load(), arrays)


def test_a_write_that_fails_leaves_nothing(places, monkeypatch, arrays):
    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fast_copy.os, "fsync", full)
    assert not fast_copy.store("some", arrays)
    assert list((places / "cache" / "datasets").iterdir()) == []


WRITER = """
import sys, numpy as np
from hotloop.datasets import fast_copy
arrays = {"x": np.arange(2_000_000, dtype=np.uint32).view(np.uint8)}
for _ in range(10):
    assert fast_copy.store("shared", arrays)
    loaded = fast_copy.load("shared", {"x": (8_000_000,)})
    assert loaded is not None and (loaded["x"] == arrays["x"]).all()
"""


def test_processes_that_write_the_same_copy_do_not_disturb_each_other(places):
    package = Path(fast_copy.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(package), "PYTHONWARNINGS": "error"}
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER], env=environment) for _ in range(3)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert [path.name for path in (places / "cache" / "datasets").iterdir()] == ["shared.npy"]


def test_cache_dir(monkeypatch, places):
    monkeypatch.delenv("HOTLOOP_CACHE_DIR")
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_dir() == places / "home" / ".cache" / "hotloop"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_dir() == places / "home" / ".cache" / "hotloop"
    monkeypatch.setenv("XDG_CACHE_HOME", str(places / "xdg"))
    assert cache_dir() == places / "xdg" / "hotloop"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_dir() == places / "home" / "Library" / "Caches" / "hotloop"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(places / "local"))
    assert cache_dir() == places / "local" / "hotloop" / "Cache"


def test_a_user_without_a_home(places, monkeypatch, make_set, arrays):
    def home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HOTLOOP_CACHE_DIR")
    monkeypatch.setattr(Path, "home", home)
    with pytest.raises(DatasetNotFoundError):
        make_set().load()
    monkeypatch.setenv("HOTLOOP_DATA_DIR", str(places / "data"))
    np.savez(places / "data" / "tiny.npz", **arrays)
    assert same(make_set().load(), arrays)


DATA_DIR = os.environ.get("HOTLOOP_DATA_DIR")


@pytest.mark.parametrize("module", [mnist, fashion_mnist])
def test_the_real_sets(monkeypatch, module):
    if not DATA_DIR or module._SET.find(Path(DATA_DIR)) is None:
        pytest.skip(f"needs {module._SET.title}: set HOTLOOP_DATA_DIR to a folder that holds it")
    monkeypatch.setenv("HOTLOOP_DATA_DIR", DATA_DIR)
    first = module.load_data()
    (x_train, y_train), (x_test, y_test) = first
    assert x_train.shape == (60000, 28, 28)
    assert x_test.shape == (10000, 28, 28)
    assert y_train.shape == (60000,)
    assert y_test.shape == (10000,)
    assert all(a.dtype == np.uint8 for pair in first for a in pair)
    assert np.bincount(y_test).tolist() == (
        [1000] * 10
        if module is fashion_mnist
        else [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    )
    seconds = []
    for _ in range(5):
        start = time.process_time()  # the disk has it in memory by now, and neighbours do not count
        second = module.load_data()
        seconds.append(time.process_time() - start)
    assert (second[0][0] == x_train).all()
    assert min(seconds) < 0.06


def test_class_names():
    assert mnist.class_names[7] == "7"
    assert fashion_mnist.class_names[9] == "Ankle boot"
    assert len(mnist.class_names) == len(fashion_mnist.class_names) == 10
