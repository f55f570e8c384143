"""`utils.get_file`: a file from an address, kept in Keras's cache."""

import hashlib
import os
import shutil
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from hotloop.datasets.download import fetch, shorten
from hotloop.datasets.errors import DatasetContentError, DatasetError
from hotloop.datasets.places import keras_home
from hotloop.utils.progbar import print_message

_ARCHIVES = ("tar", "zip")
_DIGITS = {"md5": 32, "sha256": 64}


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: Any = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """Downloads a file, unless it is in the cache already, and returns its path.

    It is kept as `cache_dir/cache_subdir/fname`. A file is in its place when it is whole and
    verified; an error leaves what was there before. Downloads need pooch: `pip install
    'hotloop[data]'`.

    Args:
        fname: the file's name in the cache; by default the last part of `origin`. With `extract`,
            a name without a dot is that of the folder that is extracted to.
        origin: the address, `https://…` or `file://…`; also `http://…` with a SHA-256 in
            `file_hash`, since anybody on the way can change what comes over http.
        untar: `extract`, for a tar archive.
        md5_hash: `file_hash`, as MD5.
        file_hash: the hexadecimal hash that the file must have, also if it is in the cache.
        cache_subdir: folder below `cache_dir`, or an absolute path instead.
        hash_algorithm: "sha256", "md5", or "auto": by the length of the hash.
        extract: whether to extract the archive, which is then kept beside its folder.
        archive_format: "tar" (compressed ones too), "zip", a list of them, or "auto" for both.
            With None or an empty list nothing is extracted, with a warning.
        cache_dir: by default `$KERAS_HOME`, or else `~/.keras`.
        force_download: whether to download what is in the cache, too.

    Returns:
        The path of the file; with `extract`, of the folder.

    Raises:
        ValueError: a wrong argument; a hash that does not fit the file; an archive that would write
            outside of its folder.
        NotImplementedError: another `archive_format`.
        DatasetError: the download failed.
        OSError: the cache cannot be written.
    """
    if origin is None:
        raise ValueError("`origin` is missing: the address of the file to download.")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    algorithm = _algorithm(hash_algorithm, file_hash)
    formats = _formats("tar" if untar else archive_format)
    folder = _folder(cache_dir, cache_subdir)
    name = _name(fname, origin)
    target, extracted = folder / name, None
    if extract or untar:
        if fname and "." in name:
            extracted = folder / f"{name[: name.find('.')]}_extracted"
        else:
            target, extracted = folder / f"{name}_archive", folder / name

    if force_download or not _is_cached(target, file_hash, algorithm):
        print_message(f"Downloading data from {origin}\n")
        _download(origin, target, file_hash, algorithm)
    if extracted is None:
        return str(target)
    if not _extract(target, extracted, formats):
        warnings.warn(
            f"{target} could not be extracted: it is no archive of the formats {formats}.",
            stacklevel=2,
        )
    return str(extracted)


def _algorithm(name: str, file_hash: str | None) -> str:
    if name not in ("auto", *_DIGITS):
        raise ValueError(f"`hash_algorithm` must be 'auto', 'md5' or 'sha256'. Received: {name!r}")
    if file_hash is None:
        return name
    lengths = {length: name for name, length in _DIGITS.items()}
    found = lengths.get(len(file_hash))
    if found is None or name not in ("auto", found):
        raise ValueError(
            f"A {' or '.join(_DIGITS) if name == 'auto' else name} hash is expected, of "
            f"{' or '.join(map(str, lengths)) if name == 'auto' else _DIGITS[name]} hexadecimal "
            f"digits. Received: {file_hash!r}, with {len(file_hash)}"
        )
    return found


def _formats(formats: str | Sequence[str] | None) -> tuple[str, ...]:
    if formats is None:
        return ()
    if formats == "auto":
        return _ARCHIVES
    formats = (formats,) if isinstance(formats, str) else tuple(formats)
    for form in formats:
        if form not in _ARCHIVES:
            raise NotImplementedError(
                f"`archive_format` must be 'auto', None, or of {_ARCHIVES}. Received: {form!r}"
            )
    return formats


def _folder(cache_dir: Any, cache_subdir: Any) -> Path:
    base = keras_home() if cache_dir is None else Path(cache_dir).expanduser()
    folder = base / cache_subdir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror}; name another folder for the cache with `cache_dir`, or with the "
            "environment variable KERAS_HOME",
            str(folder),
        ) from error
    return folder


def _name(fname: Any, origin: str) -> str:
    name = os.fspath(fname) if fname else os.path.basename(urlsplit(origin).path)
    if not name:
        raise ValueError(
            f"The address ends in no file name; pass `fname`. Received: origin={origin!r}"
        )
    if name in (os.curdir, os.pardir) or os.path.basename(name) != name:
        raise ValueError(
            "`fname` must be the name of a file, not a path. Name its folder with `cache_dir` and "
            f"`cache_subdir`. Received: fname={name!r}"
        )
    return name


def _is_cached(path: Path, file_hash: str | None, algorithm: str) -> bool:
    if not path.exists():
        return False
    if file_hash is None or _hash(path, algorithm) == file_hash.lower():
        return True
    print_message(f"{path} has not the {algorithm} hash {file_hash}: it is downloaded again.\n")
    return False


def _download(origin: str, target: Path, file_hash: str | None, algorithm: str) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as temporary:
        path = Path(temporary, target.name)
        try:
            _fetch(origin, path, plain=file_hash is not None and algorithm == "sha256")
        except (OSError, DatasetError) as error:
            reason = str(error) if isinstance(error, DatasetError) else shorten(error)
            raise DatasetError(f"URL fetch failure on {origin}: {reason}") from error
        if file_hash is not None and (found := _hash(path, algorithm)) != file_hash.lower():
            raise DatasetContentError(
                f"Incomplete or corrupted file: the {algorithm} hash of {origin} is {found}, "
                f"expected {file_hash}. Nothing was kept."
            )
        os.replace(path, target)


def _fetch(origin: str, path: Path, plain: bool) -> None:
    address = urlsplit(origin)
    if address.scheme == "file":
        shutil.copyfile(url2pathname(address.path), path)
    elif address.scheme == "http" and not plain:
        raise DatasetError(
            "over http anybody on the way can change a file; use https, or pass its SHA-256 as "
            "`file_hash`"
        )
    elif address.scheme in ("http", "https"):
        fetch(origin, path, path.name, plain=plain)
    else:
        raise DatasetError("only addresses with https, http and file are downloaded from")


def _hash(path: Path, algorithm: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


def _extract(path: Path, folder: Path, formats: Sequence[str]) -> bool:
    """Extracts an archive into `folder`, over what is there; False if it is none."""
    is_tar = "tar" in formats and tarfile.is_tarfile(path)
    if not is_tar and not ("zip" in formats and zipfile.is_zipfile(path)):
        return False
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".extract-") as temporary:
        try:
            if is_tar:
                if not hasattr(tarfile, "data_filter"):
                    raise RuntimeError("extracting safely needs Python 3.11.4 or newer")
                with tarfile.open(path) as tar:
                    tar.extractall(temporary, filter="data")
            else:
                with zipfile.ZipFile(path) as archive:
                    _check_names(archive.namelist())
                    archive.extractall(temporary)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
            raise DatasetContentError(f"{path} is not extracted: {error}") from error
        _merge(Path(temporary), folder)
    return True


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        # Backslashes and drives: what is a path on any system.
        parts = name.replace("\\", "/").split("/")
        if os.pardir in parts or not parts[0] or ":" in parts[0]:
            raise RuntimeError(f"{name!r} would be outside of the destination")


def _merge(source: Path, target: Path) -> None:
    """Moves what is in one folder into another, in the place of what has the same name there."""
    target.mkdir(exist_ok=True)
    for path in source.iterdir():
        place = target / path.name
        if path.is_dir() and not path.is_symlink() and place.is_dir():
            _merge(path, place)
        else:
            os.replace(path, place)
