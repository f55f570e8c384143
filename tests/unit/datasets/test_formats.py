"""Files are read without trust: whatever is wrong with one is said, and names it."""

import gzip
import io
import struct
import tempfile
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotloop.datasets import DatasetContentError
from hotloop.datasets.idx import read_idx
from hotloop.datasets.npz import read_npz

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
IDX = struct.pack(">HBB3I", 0, 8, 3, 2, 3, 4) + IMAGES.tobytes()


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "some-file"
        path.write_bytes(content)
        return path

    return write


def npz_bytes(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def npy_bytes(array, **kwargs):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **kwargs)
    return stream.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_idx(write, pack):
    array = read_idx(write(pack(IDX)), (2, 3, 4))
    np.testing.assert_array_equal(array, IMAGES)
    array[0] = 0  # writable


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "truncated"),
        (IDX[:3], "truncated"),
        (IDX[:10], "truncated"),
        (IDX[:-1], "truncated"),
        (IDX + b"\0", "too long"),
        (b"\0\0\x09" + IDX[3:], "magic number is 00000903, and should be 00000803"),
        (b"\1\0\x08" + IDX[3:], "magic"),
        (b"\0\0\x08\x02" + IDX[4:], "magic"),
        (IDX[:4] + struct.pack(">3I", 2, 4, 3) + IDX[16:], r"dimensions are \(2, 4, 3\)"),
        (IDX[:4] + struct.pack(">3I", 2**32 - 1, 3, 4) + IDX[16:], "dimensions"),
        (gzip.compress(IDX)[:-4], "truncated"),
        (gzip.compress(IDX)[:20], "truncated"),
        (gzip.compress(IDX)[:-8] + b"\0" * 8, "damaged"),
        (gzip.compress(IDX) + b"more", "follows"),
        (gzip.compress(IDX + b"\0"), "too long"),
        (b"\x1f\x8bnonsense", "damaged"),
    ],
)
def test_wrong_idx(write, content, message):
    path = write(content)
    with pytest.raises(DatasetContentError, match=message) as caught:
        read_idx(path, (2, 3, 4))
    assert str(path) in str(caught.value)


def test_a_gzip_bomb_takes_no_memory(write):
    path = write(gzip.compress(IDX[:16] + bytes(50_000_000)))
    tracemalloc.start()
    with pytest.raises(DatasetContentError, match="too long"):
        read_idx(path, (2, 3, 4))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


@settings(deadline=None)
@given(st.data())
def test_damaged_gzip_gives_the_array_or_an_error(data):
    content = bytearray(gzip.compress(IDX))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        try:
            array = read_idx(path, (2, 3, 4))
        except DatasetContentError:
            return
    np.testing.assert_array_equal(array, IMAGES)


@pytest.mark.parametrize("method", [np.savez, np.savez_compressed])
def test_npz(tmp_path, method):
    path = tmp_path / "file.npz"
    method(path, x=IMAGES, y=np.arange(3, dtype=np.uint8), other=np.array([None], dtype=object))
    arrays = read_npz(path, {"x": (2, 3, 4), "y": (3,)})
    np.testing.assert_array_equal(arrays["x"], IMAGES)
    np.testing.assert_array_equal(arrays["y"], [0, 1, 2])
    arrays["x"][0] = 0  # writable


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_damaged_npz_gives_the_array_or_an_error(data):
    stream = io.BytesIO()
    data.draw(st.sampled_from([np.savez, np.savez_compressed]))(stream, x=IMAGES)
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, 2 * len(content))) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        try:
            arrays = read_npz(path, {"x": (2, 3, 4)})
        except DatasetContentError:
            return
    np.testing.assert_array_equal(arrays["x"], IMAGES)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no usable .npz"),
        (b"PK\x03\x04nonsense", "no usable .npz"),
        (npz_bytes(y=b""), "no array 'x'; it holds y.npy"),
        (npz_bytes(x=b"nonsense"), "no usable array 'x'"),
        (npz_bytes(x=npy_bytes(IMAGES.astype(np.int8))), "int8"),
        (npz_bytes(x=npy_bytes(IMAGES.astype(np.float32))), "float32"),
        (npz_bytes(x=npy_bytes(IMAGES[:1])), r"\[1, 3, 4\]|\(1, 3, 4\)|uint8"),
        (npz_bytes(x=npy_bytes(np.asfortranarray(IMAGES))), "Fortran"),
        (npz_bytes(x=npy_bytes(IMAGES)[:-1]), "truncated"),
        (npz_bytes(x=npy_bytes(IMAGES) + b"\0"), "too long"),
        (npz_bytes(x=npy_bytes(np.array([Trap()], dtype=object), allow_pickle=True)), "object"),
        (npz_bytes(x=npy_bytes(IMAGES))[:-30], "no usable .npz"),
    ],
)
def test_wrong_npz(write, content, message):
    path = write(content)
    with pytest.raises(DatasetContentError, match=message) as caught:
        read_npz(path, {"x": (2, 3, 4)})
    assert str(path) in str(caught.value)


def test_damage_inside_a_compressed_member(tmp_path):
    path = tmp_path / "file.npz"
    np.savez_compressed(path, x=IMAGES)
    content = bytearray(path.read_bytes())
    start = content.index(b"x.npy") + 20
    content[start + 20 : start + 40] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(DatasetContentError, match=r"file\.npz"):
        read_npz(path, {"x": (2, 3, 4)})


def test_a_header_that_promises_too_much_takes_no_memory(write):
    header = npy_bytes(IMAGES).replace(b"(2, 3, 4)", b"(9999999,9999,9)")[:128]
    with pytest.raises(DatasetContentError):
        read_npz(write(npz_bytes(x=header)), {"x": (2, 3, 4)})


def test_zlib_is_what_checks_the_data():
    # The reader relies on window bits 31 for the checksum in the trailer.
    damaged = gzip.compress(b"abc")[:-8] + b"\0" * 8
    with pytest.raises(zlib.error):
        zlib.decompressobj(wbits=31).decompress(damaged)
