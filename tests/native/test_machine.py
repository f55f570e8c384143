"""Measuring the machine."""

import pytest

from hotloop import _native
from hotloop.graph import machine


@pytest.fixture
def restore_isa():
    before = _native.isa()
    yield
    _native.select_isa(before)


@pytest.mark.parametrize("isa", _native.supported_isas())
def test_operations_are_counted(isa, restore_isa):
    _native.select_isa(isa)
    one = _native.fma_chains(1)
    assert one % 32 == 0  # multiply and add, on each of 16 lanes, of every register
    assert 1 <= one // 32 <= 16
    assert _native.fma_chains(1000) == 1000 * one
    assert _native.fma_chains(0) == 0


def test_peak():
    peak = machine.fma_peak(1)
    # From a small board to more than any core of today does in a second, in GFLOP/s.
    assert 0.5 < peak < 2000
    assert machine.fma_peak(2) < 3 * machine.fma_peak(1)
