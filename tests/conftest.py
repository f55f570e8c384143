"""Fixtures that every part of the suite shares."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# Some tests press Ctrl-C, which a program that a shell starts in the background ignores.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, so that a failure is about the change under test. A search for new
# ones: pytest --hypothesis-profile=default
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_report_header(config):
    import hotloop

    return f"hotloop {hotloop.__version__} from {Path(hotloop.__file__).parent}"


@pytest.fixture
def data_dir():
    """The folder with the real data sets; skips where there is none."""
    folder = os.environ.get("HOTLOOP_DATA_DIR")
    if not folder:
        pytest.skip("needs the real data sets: set HOTLOOP_DATA_DIR to a folder that holds them")
    return Path(folder)


@pytest.fixture
def repo():
    """The root of the source tree; skips when the tests run without one."""
    root = Path(__file__).resolve().parents[1]
    if not (root / "pyproject.toml").is_file():
        pytest.skip("needs the source tree around the tests")
    return root
