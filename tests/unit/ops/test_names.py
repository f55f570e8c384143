"""Every function of keras.ops is there, or the page says why not."""

import json
import re

import pytest

from hotloop import ops


@pytest.fixture
def recorded(repo):
    names = repo / "tests" / "parity" / "golden" / "ops_names.json"
    return json.loads(names.read_text(encoding="utf-8"))


@pytest.fixture
def left_out(repo):
    """The names in the first column of the table of docs/ops.md, each with its reason."""
    found = {}
    for line in (repo / "docs" / "ops.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 2:
            found.update(dict.fromkeys(re.findall(r"`(\w+)`", cells[0]), cells[1]))
    return found


def test_every_name_is_there_or_explained(recorded, left_out):
    assert len(recorded) > 330
    assert [n for n in recorded if n not in left_out and not hasattr(ops, n)] == []


def test_the_table_holds_no_more(recorded, left_out):
    """A row goes when the function comes."""
    assert [n for n in left_out if n in ops.__all__ or n not in recorded] == []
    assert all(left_out.values())


def test_modules_of_keras_ops():
    for module in ("numpy", "nn", "linalg"):
        part = getattr(ops, module)
        assert part.__all__
        for name in part.__all__:
            assert getattr(part, name) is getattr(ops, name), name
