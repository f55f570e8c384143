"""Downloads, from a server on this machine."""

import concurrent.futures
import gzip
import socket
import sys
import threading
import time
import types

import numpy as np
import pytest

from hotloop.datasets import DatasetError, DatasetNotFoundError
from hotloop.datasets import download as download_module
from hotloop.datasets.image_set import IDX_FILES

pytest.importorskip("pooch", reason="downloads need pooch")

PATIENCE = download_module.PATIENCE  # before the fixtures shorten it


@pytest.fixture
def mirror(server, put_idx, places):
    """Puts the set onto the server below `/name`; returns what the set needs to know of it."""

    def mirror(name, **kwargs):
        folder = put_idx(places / "served" / name, **kwargs)
        for path in folder.iterdir():
            server.files[f"/{name}/{path.name}"] = path.read_bytes()
        return {f"{f}.gz": f"{server.url}/{name}/{f}.gz" for f in IDX_FILES.values()}

    return mirror


def cached(places):
    folder = places / "cache" / "datasets"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def check(result, arrays):
    np.testing.assert_array_equal(result[0][0], arrays["x_train"])
    np.testing.assert_array_equal(result[1][1], arrays["y_test"])


def test_download(places, server, mirror, make_set, arrays):
    dataset = make_set([mirror("good")])
    check(dataset.load(), arrays)
    assert cached(places) == sorted(
        [f"{dataset.key}.npy", *(f"tiny/{file}.gz" for file in IDX_FILES.values())]
    )
    count = len(server.requests)
    check(dataset.load(), arrays)
    assert len(server.requests) == count


def test_several_at_once_do_not_disturb_each_other(places, mirror, make_set, arrays):
    dataset = make_set([mirror("good")])
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for result in pool.map(lambda _: dataset.load(), range(6)):
            check(result, arrays)
    left = [path.name for path in (places / "cache" / "datasets").rglob("*") if path.is_dir()]
    assert left == ["tiny"]
    assert len(cached(places)) == 5


def test_npz_mirror(places, server, make_set, arrays):
    np.savez_compressed(places / "some.npz", **arrays)
    server.files["/tiny.npz"] = (places / "some.npz").read_bytes()
    dataset = make_set([{"tiny.npz": f"{server.url}/tiny.npz"}])
    check(dataset.load(), arrays)
    (places / "cache" / "datasets" / f"{dataset.key}.npy").unlink()
    server.files.clear()
    check(dataset.load(), arrays)  # from the file that the download left


def test_content_encoding_that_unpacks_on_the_way(server, mirror, make_set, arrays):
    urls = mirror("good")
    for path, content in list(server.files.items()):
        server.files[path] = (200, {"Content-Encoding": "gzip"}, content)
    check(make_set([urls]).load(), arrays)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: gzip.compress(content)[:-9], r"train-images-idx3-ubyte\.gz is truncated"),
        (lambda content: gzip.compress(content[:-1]), r"train-images-idx3-ubyte\.gz is truncated"),
        (lambda content: b"<html>Please log in</html>", "magic number"),
        (lambda content: gzip.compress(content[:-1] + b"\x99"), "does not hold Tiny"),
    ],
)
def test_wrong_files_are_named_removed_and_the_next_mirror_taken(
    places, mirror, make_set, arrays, damage, message
):
    bad, good = mirror("bad", compress=damage), mirror("good")
    check(make_set([bad, good]).load(), arrays)
    for path in (places / "cache" / "datasets").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(DatasetNotFoundError, match=message) as caught:
        make_set([bad]).load()
    assert "removed" in str(caught.value)
    assert cached(places) == []


def test_a_body_that_ends_early(places, server, mirror, make_set):
    urls = mirror("short")
    path = f"/short/{IDX_FILES['y_test']}.gz"
    content = server.files[path]
    server.files[path] = (200, {"Content-Length": len(content) + 10}, content)
    with pytest.raises(DatasetNotFoundError, match="download failed"):
        make_set([urls]).load()
    assert cached(places) == []


def test_missing_on_one_mirror(mirror, make_set, arrays):
    lost = {name: url.replace("/good/", "/lost/") for name, url in mirror("good").items()}
    with pytest.raises(DatasetNotFoundError, match="HTTP status 404"):
        make_set([lost]).load()
    check(make_set([lost, mirror("good")]).load(), arrays)


def test_plain_http_is_refused(places, make_set):
    with pytest.raises(DatasetNotFoundError, match="not https"):
        make_set([{"tiny.npz": "http://127.0.0.1:9/tiny.npz"}]).load()


def test_redirect_to_plain_http_is_refused(server, mirror, make_set):
    urls = mirror("good")
    for path in list(server.files):
        server.files[path] = (302, {"Location": f"http://127.0.0.1:9{path}"}, b"")
    with pytest.raises(DatasetNotFoundError, match="which is not https"):
        make_set([urls]).load()


def test_redirect_within_https_is_followed(server, mirror, make_set, arrays):
    urls = mirror("good")
    for path in list(server.files):
        server.files[f"/moved{path}"] = server.files[path]
        server.files[path] = (302, {"Location": f"{server.url}/moved{path}"}, b"")
    check(make_set([urls]).load(), arrays)


def test_a_certificate_nobody_vouches_for(server, mirror, make_set, monkeypatch):
    urls = mirror("good")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(DatasetNotFoundError, match="certificate"):
        make_set([urls]).load()


def test_an_endless_file_is_stopped(places, server, mirror, make_set, monkeypatch):
    monkeypatch.setattr(download_module, "_SIZE_LIMIT", 1 << 20)
    urls = mirror("good")
    server.files[f"/good/{IDX_FILES['x_train']}.gz"] = bytes(3 << 20)
    with pytest.raises(DatasetNotFoundError, match="no end"):
        make_set([urls]).load()
    assert cached(places) == []


def test_a_server_that_never_answers_is_given_up(make_set):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/tiny.npz"
        start = time.monotonic()
        with pytest.raises(DatasetNotFoundError):
            make_set([{"tiny.npz": url}] * 3).load()
        assert time.monotonic() - start < 5


def test_name_resolution_that_hangs_is_given_up(make_set, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: release.wait(30) and [])
    start = time.monotonic()
    try:
        with pytest.raises(DatasetNotFoundError, match="no answer"):
            make_set([{"tiny.npz": "https://example.invalid/tiny.npz"}]).load()
        assert time.monotonic() - start < 5
    finally:
        release.set()


def test_patience_is_below_five_seconds():
    assert PATIENCE <= 4.5


def test_a_cache_that_cannot_be_written_keeps_nothing(
    places, mirror, make_set, arrays, monkeypatch
):
    (places / "file").touch()
    monkeypatch.setenv("HOTLOOP_CACHE_DIR", str(places / "file" / "cache"))
    check(make_set([mirror("good")]).load(), arrays)


def test_without_pooch(make_set, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DatasetNotFoundError, match=r"hotloop\[data\]") as caught:
        make_set().load()
    assert "pooch" in caught.value.reason


def test_progress_on_a_terminal(places, server, mirror, make_set, arrays, monkeypatch):
    class Terminal:
        text = ""

        def isatty(self):
            return True

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    terminal = Terminal()
    monkeypatch.setattr(download_module, "sys", types.SimpleNamespace(stderr=terminal))
    check(make_set([mirror("good")]).load(), arrays)
    last = terminal.text.splitlines()[-1]
    assert last.startswith("Tiny: t10k-labels-idx1-ubyte.gz")
    assert "[##############################]" in last


def test_no_progress_elsewhere(mirror, make_set, arrays, capfd):
    check(make_set([mirror("good")]).load(), arrays)
    assert capfd.readouterr() == ("", "")


def test_download_error_is_a_dataset_error():
    assert issubclass(DatasetNotFoundError, DatasetError)
