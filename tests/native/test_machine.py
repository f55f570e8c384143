"""Measuring the machine."""

import numpy as np
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


@pytest.mark.parametrize("size", [1, 1000, (1 << 15) - 16, (1 << 15) - 15, 1 << 15, 1 << 20])
def test_memory_is_zeroed_and_aligned(size):
    array = np.frombuffer(memoryview(_native.Memory(size)), np.float32)
    assert array.shape == (size,)
    assert array.ctypes.data % 64 == 0
    assert not array.any()
    array[:] = 1  # all of it is there, and may be written
    assert array.sum() == size


def test_memory_says_what_it_cannot_give():
    with pytest.raises(ValueError, match="size must be positive, not 0"):
        _native.Memory(0)
    with pytest.raises(MemoryError, match="no memory for"):
        _native.Memory(1 << 60)
