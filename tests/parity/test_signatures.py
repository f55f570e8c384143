"""Public signatures are Keras's: names, order, kinds and defaults."""

import inspect
import json
from pathlib import Path

import pytest

import hotloop

import signatures  # isort: skip

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("signatures.json").read_text())

# name -> {parameter: why it differs}. A parameter of Keras that hotloop lacks, or the reverse.
EXPLAINED = {
    # None is the look-up order of the documentation; in Keras it is a name inside the cache.
    "datasets.mnist.load_data": {"path": "an explicit file or folder, by default none"},
    "datasets.fashion_mnist.load_data": {"path": "an explicit folder, as for mnist"},
}


def parameters(described, ignored):
    return [part for part in described if part[0] not in ignored]


@pytest.mark.parametrize("name", signatures.NAMES)
def test_signature(name):
    ignored = EXPLAINED.get(name, {})
    found = signatures.describe(hotloop, name, inspect.signature)
    assert parameters(found, ignored) == parameters(GOLDEN["signatures"][name], ignored)


@pytest.mark.parametrize("name", EXPLAINED)
def test_explained_differences_exist(name):
    """An explanation goes when the difference does."""
    found = {tuple(part) for part in signatures.describe(hotloop, name, inspect.signature)}
    keras = {tuple(part) for part in GOLDEN["signatures"][name]}
    assert set(EXPLAINED[name]) == {part[0] for part in found ^ keras}


def test_every_recorded_signature_is_compared():
    assert sorted(GOLDEN["signatures"]) == sorted(signatures.NAMES)
