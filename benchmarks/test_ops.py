"""Single operations on plain arrays: what an eager call costs, small and large."""

import numpy as np
import pytest

from hotloop import ops

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [64, 512, 1024])
def test_matmul(benchmark, say_rate, n):
    a, b = (RNG.random((n, n), dtype="float32") for _ in range(2))
    benchmark(ops.matmul, a, b)
    say_rate(2 * n**3, "GFLOP/s")


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sigmoid", "sqrt"])
def test_elementwise(benchmark, name):
    x = RNG.random((1024, 1024), dtype="float32")
    benchmark(getattr(ops, name), x)


@pytest.mark.parametrize("shape", [(1, 10), (128, 10), (128, 512)])
def test_softmax(benchmark, shape):
    benchmark(ops.softmax, RNG.random(shape, dtype="float32"))


def test_sum_of_a_million(benchmark):
    benchmark(ops.sum, RNG.random((1000, 1000), dtype="float32"))
