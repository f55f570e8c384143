import errno
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from hotloop.storage.files import remove_leftovers, write_whole


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "file"
    write_whole(path, b"one")
    assert path.read_bytes() == b"one"
    write_whole(str(path), b"two" * 1000)
    assert path.read_bytes() == b"two" * 1000
    assert os.listdir(tmp_path) == ["file"]


def test_new_files_get_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_whole(tmp_path / "file", b"one")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_writes_through_a_symbolic_link(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "file", tmp_path / "link"
    link.symlink_to(target)
    write_whole(link, b"one")
    assert link.is_symlink()
    assert target.read_bytes() == b"one"


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_what_fails_leaves_the_old_file(tmp_path, monkeypatch, call, error):
    path = tmp_path / "file"
    write_whole(path, b"old")

    def fail(*args):
        raise error

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(type(error)):
        write_whole(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_short_writes_go_on(tmp_path, monkeypatch):
    whole = os.write
    monkeypatch.setattr(os, "write", lambda to, data: whole(to, data[:3]))
    write_whole(tmp_path / "file", b"0123456789")
    monkeypatch.undo()
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_a_full_disk(tmp_path):
    """A real one where the system has such a device; the error is the system's."""
    full = "/dev/full"
    if not os.path.exists(full):
        pytest.skip("no /dev/full")
    to = os.open(full, os.O_WRONLY)
    with pytest.raises(OSError, match="space"):
        os.write(to, b"x")
    os.close(to)


def test_a_file_beyond_the_size_limit_leaves_the_old_one(tmp_path):
    """The kernel refuses the bytes half way through, as a full disk does."""
    path = tmp_path / "file"
    write_whole(path, b"old")
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
from hotloop.storage.files import write_whole
try:
    write_whole({str(path)!r}, b"x" * 5000)
except OSError as error:
    print(error.errno)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == errno.EFBIG
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(tmp_path):
    path = tmp_path / "file"
    write_whole(path, b"old")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            write_whole(path, b"new")
    finally:
        tmp_path.chmod(0o700)
    assert path.read_bytes() == b"old"


def test_folders_that_are_missing_or_in_the_way(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "nowhere" / "file", b"")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        write_whole(tmp_path, b"")


def test_many_writers_of_one_file(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([i]) * 100_000 for i in range(8)]
    threads = [threading.Thread(target=write_whole, args=(path, data)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert os.listdir(tmp_path) == ["file"]


def test_a_killed_writer(tmp_path):
    """At every moment the file is one of those that were written, whole."""
    path = tmp_path / "file"
    code = f"""
from hotloop.storage.files import write_whole
for i in range(10**9):
    write_whole({str(path)!r}, bytes([i % 251]) * 300_000)
    if not i:
        print("going", flush=True)
"""
    for pause in (0.001, 0.011, 0.023):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        data = path.read_bytes()
        assert len(data) == 300_000
        assert len(set(data)) == 1
    (tmp_path / "file.partial").write_bytes(b"somebody else's")
    remove_leftovers(path)
    assert sorted(os.listdir(tmp_path)) == ["file", "file.partial"]
