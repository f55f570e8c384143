"""Downloads over https, through pooch, from the first mirror that works."""

import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from hotloop.datasets.errors import DatasetContentError, DatasetError

# A network that is dead is given up after this many seconds, name resolution included.
PATIENCE = 4.0
# A mirror that has answered may pause this many seconds in the middle of a file.
_PAUSE = 10.0
_CHUNK = 1 << 16
_SIZE_LIMIT = 100 << 20  # no file of ours is half as large

Mirror = Mapping[str, str]  # file name -> URL


def download(
    mirrors: Sequence[Mirror], folder: Path, accept: Callable[[Path], Any], title: str
) -> Any:
    """Fetches the files of a set into `folder` and returns what `accept` makes of them.

    The files arrive in a temporary folder. They move to `folder` one by one, atomically, once
    `accept` is content with them; what it is not content with is removed. If `folder` cannot be
    written, nothing is kept.

    Args:
        mirrors: Complete alternatives, best first.
        folder: Where the files are to stay.
        accept: Reads and verifies the files in a folder; raises `DatasetContentError`.
        title: What the progress display calls the set.

    Raises:
        DatasetError: if pooch is missing, or no mirror gave the files; the reason is in it.
    """
    import_pooch()
    alive, failures = _probe(mirrors)
    for mirror in alive:
        with _temporary_folder(folder) as (temporary, keep):
            try:
                for name, url in mirror.items():
                    fetch(url, temporary / name, f"{title}: {name}", _SIZE_LIMIT)
                result = accept(temporary)
            except DatasetContentError as error:
                reason = str(error).replace(f"{temporary}{os.sep}", "").rstrip(".")
                failures.append(f"{_host(mirror)}: {reason} (removed)")
                continue
            except (OSError, DatasetError) as error:  # requests' errors are OSErrors
                failures.append(f"{_host(mirror)}: {shorten(error)}")
                continue
            if keep:
                _publish(temporary, folder, mirror)
            return result
    reason = "; ".join(dict.fromkeys(failures))
    raise DatasetError(f"The download failed: {reason}.", reason=f"the download failed: {reason}")


def import_pooch() -> ModuleType:
    """pooch, or a `DatasetError` that says how to get it."""
    try:
        import pooch
    except ImportError:
        raise DatasetError(
            "Downloads need pooch: pip install 'hotloop[data]'.",
            reason="downloads need pooch (pip install 'hotloop[data]')",
        ) from None
    return pooch


def _probe(mirrors: Sequence[Mirror]) -> tuple[list[Mirror], list[str]]:
    """Asks all mirrors at once for the head of their first file, for `PATIENCE` seconds in all.

    Returns the mirrors that have it, in the order given, and why the others are left out. The
    threads are daemons: one that hangs in name resolution, which has no timeout, is left behind.
    """
    deadline = time.monotonic() + PATIENCE
    answers: list[str | None] = ["no answer"] * len(mirrors)
    done = threading.Semaphore(0)

    def ask(number: int) -> None:
        try:
            answers[number] = _ask(next(iter(mirrors[number].values())))
        except Exception as error:  # whatever it is, it is the reason to leave this mirror out
            answers[number] = shorten(error)
        done.release()

    for number in range(len(mirrors)):
        threading.Thread(target=ask, args=(number,), daemon=True).start()
    for _ in mirrors:
        if not done.acquire(timeout=max(0.0, deadline - time.monotonic())):
            break
    found = list(answers)  # later answers come too late
    alive = [mirror for mirror, answer in zip(mirrors, found, strict=True) if answer is None]
    failures = [
        f"{_host(mirror)}: {answer}"
        for mirror, answer in zip(mirrors, found, strict=True)
        if answer is not None
    ]
    return alive, failures


def _ask(url: str) -> str | None:
    import requests

    _refuse_plain_http(url)
    response = requests.head(
        url, timeout=PATIENCE, allow_redirects=True, hooks={"response": _refuse_redirect}
    )
    return None if response.ok else f"HTTP status {response.status_code}"


def fetch(url: str, path: Path, title: str, limit: int | None = None, plain: bool = False) -> None:
    """Downloads one file.

    Args:
        url: Where from.
        path: Where to.
        title: What the progress display calls it.
        limit: How many bytes it may have.
        plain: Whether http will do, because what arrives is verified.

    Raises:
        DatasetError: pooch is missing, the address is not https, or the file is too long.
        OSError: the network or the disk failed, or the server has no such file.
    """
    pooch = import_pooch()
    if not plain:
        _refuse_plain_http(url)
    downloader = pooch.HTTPDownloader(
        progressbar=_Progress(title, limit),
        chunk_size=_CHUNK,
        timeout=_PAUSE,
        hooks={} if plain else {"response": _refuse_redirect},
    )
    downloader(url, str(path), None)


def _refuse_plain_http(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise DatasetError(f"{url} is not https, and nothing is downloaded otherwise.")


def _refuse_redirect(response: Any, **kwargs: Any) -> None:
    if response.is_redirect:
        target = response.headers["location"]
        if urlsplit(target).scheme == "http":
            raise DatasetError(f"{response.url} leads to {target}, which is not https")


@contextlib.contextmanager
def _temporary_folder(folder: Path) -> Iterator[tuple[Path, bool]]:
    """A folder of our own, on the file system of `folder` if possible; and whether it is."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(dir=folder, prefix=".download-")
        keep = True
    except OSError:
        temporary = tempfile.TemporaryDirectory(prefix="hotloop-")
        keep = False
    with temporary as name:
        yield Path(name), keep


def _publish(temporary: Path, folder: Path, mirror: Mirror) -> None:
    """Moves verified files to where they stay. If the disk is full, they do not stay."""
    with contextlib.suppress(OSError):
        for name in mirror:
            with open(temporary / name, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary / name, folder / name)


def _host(mirror: Mirror) -> str:
    return urlsplit(next(iter(mirror.values()))).netloc


def shorten(error: BaseException) -> str:
    """The innermost cause of an error: requests wraps the telling line several times."""
    while True:
        wrapped = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
        inner = next((part for part in wrapped if isinstance(part, BaseException)), None)
        if inner is None:
            break
        error = inner
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())[:200].rstrip(".")


class _Progress:
    """What pooch reports to. Draws on a terminal only; stops a download that has no end."""

    def __init__(self, title: str, limit: int | None):
        self.title = title
        self.limit = limit
        self.total = 0
        self._done = 0
        self._drawn = 0.0
        self._terminal = sys.stderr is not None and sys.stderr.isatty()

    def update(self, count: int) -> None:
        self._done += count
        if self.limit is not None and self._done > self.limit + _CHUNK:
            raise DatasetError(f"more than {self.limit >> 20} MB arrived, and no end")
        now = time.monotonic()
        if self._terminal and now - self._drawn >= 0.1:
            self._draw()
            self._drawn = now

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        if self._terminal:
            self._draw()
            sys.stderr.write("\n")
            sys.stderr.flush()

    def _draw(self) -> None:
        done = min(self._done, self.total) if self.total else self._done
        bar = ""
        if self.total:
            filled = 30 * done // self.total
            bar = f" [{'#' * filled}{'.' * (30 - filled)}] of {self.total / 1e6:.1f} MB"
        sys.stderr.write(f"\r{self.title} {done / 1e6:6.1f} MB{bar}")
        sys.stderr.flush()
