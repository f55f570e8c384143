"""What is in the wheel and in the sdist."""

import importlib.metadata
import os
import subprocess
import tarfile
from pathlib import Path, PurePosixPath

import pytest

import hotloop

try:
    DISTRIBUTION = importlib.metadata.distribution("hotloop")
except importlib.metadata.PackageNotFoundError:
    DISTRIBUTION = None

installed = pytest.mark.skipif(DISTRIBUTION is None, reason="hotloop runs from its source tree")


@pytest.fixture
def files():
    """Files of the installed package, by path; an editable install has none of its own."""
    paths = [PurePosixPath(path) for path in DISTRIBUTION.files]
    package = [p for p in paths if p.parts[0] == "hotloop" and "__pycache__" not in p.parts]
    if PurePosixPath("hotloop/__init__.py") not in package:
        pytest.skip("hotloop is installed in editable mode")
    return package


@installed
def test_version_is_the_metadata():
    assert DISTRIBUTION.version == hotloop.__version__


@installed
def test_two_packages_are_required():
    plain = [line for line in DISTRIBUTION.requires if "extra ==" not in line]
    assert [line.split(">")[0].strip() for line in plain] == ["numpy", "safetensors"]
    extras = set(DISTRIBUTION.metadata.get_all("Provides-Extra"))
    assert {"plot", "data", "test", "bench", "dev"} <= extras


@installed
def test_wheel_holds_the_package_and_one_extension(files):
    suffixes = {path.suffix for path in files}
    assert suffixes <= {".py", ".pyi", ".so", ".typed"}, suffixes
    assert len([path for path in files if path.suffix == ".so"]) == 1
    assert PurePosixPath("hotloop/py.typed") in files


@installed
def test_wheel_is_small(files):
    size = sum(Path(DISTRIBUTION.locate_file(path)).stat().st_size for path in files)
    assert size < 4_000_000


@installed
def test_licence_is_in_the_wheel():
    assert any(PurePosixPath(path).name == "LICENSE" for path in DISTRIBUTION.files)


@installed
def test_command_is_there():
    (command,) = DISTRIBUTION.entry_points.select(group="console_scripts", name="hotloop")
    assert callable(command.load())


def test_sdist_holds_every_file_of_the_tree(repo):
    sdist = os.environ.get("HOTLOOP_SDIST")
    if not sdist:
        pytest.skip("needs HOTLOOP_SDIST, the path of a source distribution of this tree")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=repo, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    with tarfile.open(sdist) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert sorted(set(filter(None, listed)) - held) == []
    stray = {name for name in held if name.endswith((".so", ".o", ".pyc"))}
    assert stray == set()
