"""Runs flush denormals to zero and give the caller's floating-point environment back."""

import numpy as np

from hotloop import ops

TINY, SMALL = np.float32(1e-30), np.float32(1e-10)


def test_denormals_are_flushed_inside_and_only_inside_a_run():
    x = np.full(64, TINY)
    assert not ops.multiply(x, SMALL).numpy().any()
    assert (x * SMALL).all(), "the caller's denormals are gone after a run"


def test_flushing_keeps_normal_results():
    x = np.full(64, TINY)
    np.testing.assert_array_equal(ops.multiply(x, np.float32(1e-6)).numpy(), x * np.float32(1e-6))
