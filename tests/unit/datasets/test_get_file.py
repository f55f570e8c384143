"""utils.get_file: Keras's cache, filled from a server on this machine."""

import hashlib
import io
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from hotloop.datasets import DatasetError
from hotloop.utils import get_file

CONTENT = b"words and more words"
SHA256, MD5 = hashlib.sha256(CONTENT).hexdigest(), hashlib.md5(CONTENT).hexdigest()


def tar_of(files, **attributes):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def put(places, name, content):
    """The address of a local file, for what does not concern the network."""
    (places / name).write_bytes(content)
    return (places / name).as_uri()


def kept(places):
    root = places / "home" / ".keras"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


class TestCache:
    @pytest.fixture(autouse=True)
    def _pooch(self):
        pytest.importorskip("pooch", reason="downloads need pooch")

    def test_a_file_is_downloaded_once(self, places, server, capsys):
        server.files["/some/words.txt"] = CONTENT
        origin = f"{server.url}/some/words.txt?version=3"
        path = get_file(origin=origin.split("?")[0])
        assert path == str(places / "home/.keras/datasets/words.txt")
        assert Path(path).read_bytes() == CONTENT
        assert "Downloading data from https://127.0.0.1" in capsys.readouterr().out
        count = len(server.requests)
        assert get_file("words.txt", origin) == path
        assert len(server.requests) == count
        assert capsys.readouterr().out == ""
        assert kept(places) == ["datasets/words.txt"]

    def test_forced(self, server):
        server.files["/words.txt"] = b"old"
        get_file(origin=f"{server.url}/words.txt")
        server.files["/words.txt"] = CONTENT
        path = get_file(origin=f"{server.url}/words.txt", force_download=True)
        assert Path(path).read_bytes() == CONTENT

    def test_what_has_another_hash_is_downloaded_again(self, places, server, capsys):
        (places / "home/.keras/datasets").mkdir(parents=True)
        (places / "home/.keras/datasets/words.txt").write_bytes(b"half")
        server.files["/words.txt"] = CONTENT
        path = get_file("words.txt", f"{server.url}/words.txt", file_hash=SHA256)
        assert Path(path).read_bytes() == CONTENT
        assert "downloaded again" in capsys.readouterr().out

    def test_an_error_leaves_what_was_there(self, places, server):
        server.files["/words.txt"] = CONTENT
        path = get_file(origin=f"{server.url}/words.txt")
        server.files["/words.txt"] = b"<html>Please log in</html>"
        with pytest.raises(ValueError, match="Incomplete or corrupted"):
            get_file(origin=f"{server.url}/words.txt", file_hash=SHA256, force_download=True)
        server.files.clear()
        with pytest.raises(DatasetError, match=r"URL fetch failure on .*404"):
            get_file(origin=f"{server.url}/words.txt", force_download=True)
        assert Path(path).read_bytes() == CONTENT
        assert kept(places) == ["datasets/words.txt"]

    def test_a_body_that_ends_early(self, places, server):
        server.files["/words.txt"] = (200, {"Content-Length": 99}, CONTENT)
        with pytest.raises(DatasetError, match="URL fetch failure"):
            get_file(origin=f"{server.url}/words.txt")
        assert kept(places) == []

    def test_plain_http_needs_a_hash(self, plain_server):
        plain_server.files["/words.txt"] = CONTENT
        origin = f"{plain_server.url}/words.txt"
        for arguments in ({}, {"file_hash": MD5}):
            with pytest.raises(DatasetError, match="SHA-256"):
                get_file(origin=origin, **arguments)
        assert plain_server.requests == []
        path = get_file(origin=origin, file_hash=SHA256)
        assert Path(path).read_bytes() == CONTENT

    def test_https_does_not_lead_to_http(self, server):
        server.files["/words.txt"] = (302, {"Location": "http://127.0.0.1:9/words.txt"}, b"")
        with pytest.raises(DatasetError, match="which is not https"):
            get_file(origin=f"{server.url}/words.txt")

    def test_without_pooch(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "pooch", None)
        with pytest.raises(DatasetError, match=r"hotloop\[data\]"):
            get_file(origin="https://127.0.0.1:9/words.txt")


class TestPlaces:
    def test_folders(self, places, monkeypatch):
        origin = put(places, "words.txt", CONTENT)
        assert get_file(origin=origin, cache_dir=places / "mine", cache_subdir="a/b") == str(
            places / "mine/a/b/words.txt"
        )
        assert get_file("other", origin, cache_subdir=places / "here") == str(places / "here/other")
        monkeypatch.setenv("KERAS_HOME", str(places / "keras"))
        assert get_file(origin=origin) == str(places / "keras/datasets/words.txt")
        assert get_file(origin=origin, cache_dir="~/there") == str(
            places / "home/there/datasets/words.txt"
        )

    def test_a_cache_that_cannot_be_made(self, places):
        origin = put(places, "words.txt", CONTENT)
        with pytest.raises(OSError, match="KERAS_HOME"):
            get_file(origin=origin, cache_dir=places / "words.txt")

    @pytest.mark.parametrize("name", ["a/b.txt", "..", "."])
    def test_names_are_not_paths(self, places, name):
        with pytest.raises(ValueError, match="`fname` must be the name of a file"):
            get_file(name, put(places, "words.txt", CONTENT))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({}, "`origin` is missing"),
            ({"origin": "https://127.0.0.1:9/"}, "pass `fname`"),
            ({"origin": "file:///x", "hash_algorithm": "sha1"}, "`hash_algorithm` must be"),
            ({"origin": "file:///x", "file_hash": "abc"}, "with 3"),
            (
                {"origin": "file:///x", "file_hash": MD5, "hash_algorithm": "sha256"},
                "64 hexadecimal digits",
            ),
            ({"origin": "file:///x", "md5_hash": SHA256}, "32 hexadecimal digits"),
        ],
    )
    def test_wrong_arguments(self, places, arguments, message):
        with pytest.raises(ValueError, match=message):
            get_file(**arguments)
        assert kept(places) == []

    @pytest.mark.parametrize("hashes", [{"md5_hash": MD5}, {"file_hash": SHA256.upper()}])
    def test_hashes(self, places, hashes):
        assert get_file(origin=put(places, "words.txt", CONTENT), **hashes)
        with pytest.raises(ValueError, match="hash"):
            get_file("x", put(places, "words.txt", CONTENT[:-1]), **hashes)

    def test_other_addresses(self):
        with pytest.raises(DatasetError, match="https, http and file"):
            get_file(origin="ftp://127.0.0.1/words.txt")


class TestArchives:
    @pytest.mark.parametrize(
        ("name", "pack", "arguments"),
        [
            ("set.tgz", tar_of, {"extract": True}),
            ("set.zip", zip_of, {"extract": True}),
            ("set.tgz", tar_of, {"untar": True}),
            ("set.zip", zip_of, {"extract": True, "archive_format": ["tar", "zip"]}),
        ],
    )
    def test_extraction(self, places, name, pack, arguments):
        origin = put(places, name, pack({"data/a.txt": b"a", "data/sub/b.txt": b"b"}))
        # As Keras names the folders: by `fname`, if there is one.
        for fname, folder, file in (
            (None, name, f"{name}_archive"),
            (name, "set_extracted", name),
            ("mine", "mine", "mine_archive"),
        ):
            cache = places / f"cache_{fname}"
            for _ in range(2):  # the second time over what is there
                path = get_file(fname, origin, cache_dir=cache, **arguments)
                assert path == str(cache / "datasets" / folder)
                assert Path(path, "data/sub/b.txt").read_text() == "b"
            assert sorted(os.listdir(cache / "datasets")) == sorted([folder, file])

    @pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "a/../../out.txt"])
    @pytest.mark.parametrize("pack", [tar_of, zip_of])
    def test_nothing_leaves_the_folder(self, places, pack, name):
        origin = put(places, "bad", pack({"good.txt": b"", name: b"evil"}))
        before = set(places.rglob("*")) | {places / "cache/datasets"}
        if pack is tar_of and name.startswith("/"):
            # The root is taken off, as every tar does.
            path = get_file("set", origin, extract=True, cache_dir=places / "cache")
            assert sorted(os.listdir(path)) == ["good.txt", "out.txt"]
            return
        with pytest.raises(ValueError, match="outside"):
            get_file("set", origin, extract=True, cache_dir=places / "cache")
        left = {places / "cache/datasets/set_archive"}
        assert set(places.rglob("*")) == before | left

    def test_links_that_leave_the_folder(self, places):
        archive = tar_of({"link": b""}, type=tarfile.SYMTYPE, linkname="../../../secret")
        with pytest.raises(ValueError, match="outside"):
            get_file("set", put(places, "bad", archive), extract=True)

    @pytest.mark.parametrize(
        ("content", "formats"), [(CONTENT, "auto"), (zip_of({"a": b""}), "tar"), (CONTENT, None)]
    )
    def test_what_is_no_archive(self, places, content, formats):
        with pytest.warns(UserWarning, match="could not be extracted"):
            path = get_file(
                "set", put(places, "words", content), extract=True, archive_format=formats
            )
        assert not os.path.exists(path)

    def test_a_damaged_archive(self, places):
        with pytest.raises(ValueError, match="is not extracted"):
            get_file(
                "set", put(places, "bad", tar_of({"a": os.urandom(9999)})[:-2000]), extract=True
            )
        assert kept(places) == ["datasets/set_archive"]

    def test_other_formats(self, places):
        with pytest.raises(NotImplementedError, match="rar"):
            get_file("set", "file:///x", extract=True, archive_format="rar")
