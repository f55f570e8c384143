"""Image classification sets with known contents: found, verified, and kept at hand."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hotloop._later import Later
from hotloop.datasets import fast_copy
from hotloop.datasets.errors import DatasetContentError, DatasetError, DatasetNotFoundError
from hotloop.datasets.idx import read_idx
from hotloop.datasets.places import cache_dir, data_dir, keras_home

if TYPE_CHECKING:
    from hotloop.datasets import download, npz
    from hotloop.datasets.download import Mirror
else:
    # Networks, temporary files and archives: a cached copy needs none of them.
    download = Later("hotloop.datasets.download")
    npz = Later("hotloop.datasets.npz")

Split = tuple[np.ndarray, np.ndarray]

# Array -> the file that the authors of MNIST, and after them of Fashion-MNIST, put it into.
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


@dataclass(frozen=True)
class ImageSet:
    """A set that is known to the last bit.

    Attributes:
        title: Its name in messages.
        folder: The folder that its IDX files are in.
        archives: Names of `.npz` files that may hold it.
        shapes: The shape of each array.
        checksums: SHA-256 of each array's bytes.
        mirrors: Where to download it.
    """

    title: str
    folder: str
    archives: tuple[str, ...]
    shapes: Mapping[str, tuple[int, ...]]
    checksums: Mapping[str, str]
    mirrors: tuple[Mirror, ...]

    @property
    def key(self) -> str:
        """A name for the copy in the cache that changes with the contents."""
        digest = hashlib.sha256("".join(self.checksums.values()).encode()).hexdigest()
        return f"{self.folder}-{digest[:12]}"

    def load(self, path: str | os.PathLike | None = None) -> tuple[Split, Split]:
        """The arrays, from `path` or from the first place that has them."""
        if path is not None:
            place = _find_path(Path(path).expanduser())
            if place is not None:
                return _pairs(self.read(place))
            # "mnist.npz" is Keras's default: what is looked for, and downloaded, without `path`.
            if os.fspath(path) not in self.archives:
                raise FileNotFoundError(
                    f"There is no {path}. `path` expects an .npz file with the arrays of "
                    f"{self.title}, or a folder with its IDX files; without `path`, the usual "
                    "places are looked at."
                )
        base = data_dir()
        pointed_at = self.find(base) if base is not None else None
        # What the user points at comes first: a copy may stand for files it is known to agree with.
        arrays = None
        if pointed_at is None or fast_copy.agrees(self.key, pointed_at):
            arrays = fast_copy.load(self.key, self.shapes)
        if arrays is None:
            arrays = self._search()
            if fast_copy.store(self.key, arrays) and pointed_at is not None:
                fast_copy.note(self.key, pointed_at)
        return _pairs(arrays)

    def read(self, path: Path) -> dict[str, np.ndarray]:
        """Reads and verifies the set from an `.npz` file, or from a folder with its files.

        Raises:
            DatasetContentError: if something is wrong with the file, or a file of the folder.
        """
        if path.is_dir():
            archive = next((path / name for name in self.archives if (path / name).is_file()), None)
            if archive is not None:
                return self.read(archive)
            arrays, sources = {}, {}
            for name, shape in self.shapes.items():
                sources[name] = _idx_file(path, IDX_FILES[name])
                arrays[name] = read_idx(sources[name], shape)
        else:
            arrays = npz.read_npz(path, self.shapes)
            sources = dict.fromkeys(self.shapes, path)
        for name, array in arrays.items():
            found = hashlib.sha256(array.data).hexdigest()
            if found != self.checksums[name]:
                raise DatasetContentError(
                    f"{sources[name]} does not hold {self.title}: the SHA-256 of {name!r} is "
                    f"{found}, and should be {self.checksums[name]}."
                )
        return arrays

    def find(self, base: Path) -> Path | None:
        """The file or folder below `base` that should hold the set, or `None`."""
        for name in self.archives:
            if (base / name).is_file():
                return base / name
        folder = base / self.folder
        names = [*self.archives, *IDX_FILES.values(), *(f"{f}.gz" for f in IDX_FILES.values())]
        return folder if any((folder / name).is_file() for name in names) else None

    def _search(self) -> dict[str, np.ndarray]:
        looked_at = []
        base = data_dir()
        if base is None:
            looked_at.append("HOTLOOP_DATA_DIR: not set")
        elif (found := self.find(base)) is not None:
            return self.read(found)  # what the user points at is right, or an error
        else:
            what = "not there" if base.is_dir() else "no such folder"
            looked_at.append(f"HOTLOOP_DATA_DIR: {base} ({what})")
        for place, base, ours in (
            ("hotloop's cache", cache_dir() / "datasets", True),
            ("Keras's data sets", keras_home() / "datasets", False),
        ):
            found = self.find(base)
            if found is None:
                looked_at.append(f"{place}: {base} (not there)")
                continue
            try:
                return self.read(found)
            except (DatasetContentError, OSError) as error:
                if ours:
                    _remove(found)
                removed = " It has been removed." if ours else ""
                warnings.warn(f"{place}: {error}{removed}", stacklevel=4)
                looked_at.append(f"{place}: {str(error).rstrip('.')}")
        try:
            return download.download(
                self.mirrors, cache_dir() / "datasets" / self.folder, self.read, self.title
            )
        except DatasetError as error:
            looked_at.append(f"download: {error.reason}")
            raise DatasetNotFoundError(
                self._not_found(looked_at), reason=f"{self.title}: {error.reason}"
            ) from None

    def _not_found(self, looked_at: list[str]) -> str:
        return "\n".join(
            [
                f"{self.title} was not found. Looked at:",
                *(f"  - {place}" for place in looked_at),
                "To provide it, do one of these:",
                f"  - set HOTLOOP_DATA_DIR to a folder with {self.archives[0]}, or with "
                f"{self.folder}/{IDX_FILES['x_train']}.gz and its three siblings;",
                "  - pass load_data(path=...) such a file or folder;",
                "  - connect this machine to the internet, with pip install 'hotloop[data]'.",
                "hotloop.datasets.synthetic_digits needs no file.",
            ]
        )


def _pairs(arrays: Mapping[str, np.ndarray]) -> tuple[Split, Split]:
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def _idx_file(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise DatasetContentError(f"{folder / name}(.gz) is missing.")


def _find_path(path: Path) -> Path | None:
    """Where an explicit path leads to."""
    if path.exists():
        return path
    # Keras takes names relative to its folder of data sets: "mnist.npz".
    if not path.is_absolute():
        for base in (data_dir(), cache_dir() / "datasets", keras_home() / "datasets"):
            if base is not None and (base / path).exists():
                return base / path
    return None


def _remove(path: Path) -> None:
    """Removes a file, or the data files of a folder, of hotloop's own cache."""
    files = [path] if path.is_file() else [f for f in path.iterdir() if f.is_file()]
    for file in files:
        file.unlink(missing_ok=True)
