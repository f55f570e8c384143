"""Blocks give the same bits on any number of threads and on every instruction set."""

import numpy as np
import pytest

from hotloop import _native, graph, ops
from hotloop.graph import apply

RNG = np.random.default_rng(4)
TABLE = RNG.normal(size=(1, 300, 40)).astype(np.float32)
INDICES = RNG.integers(-1, 301, (1, 5000)).astype(np.int32)
UPDATES = RNG.normal(size=(1, 5000, 40)).astype(np.float32)
STACK = RNG.normal(size=(6, 70, 50)).astype(np.float32)
LINES = RNG.normal(size=(300, 200)).astype(np.float32)

CASES = {
    "gather": ([TABLE, INDICES], {"fill": 0x7FC00000}),
    "scatter": ([INDICES, UPDATES], {"rows": 300, "combine": "sum"}),
    "cumsum": ([STACK], {"axis": 1}),
    "cumprod": ([LINES], {"axis": 1}),
    "argsort": ([LINES], {}),
    "batch_matmul": ([STACK, STACK], {"tb": True}),
    "svd": ([STACK], {}),
    "qr": ([STACK], {"complete": False}),
}


@pytest.fixture(autouse=True)
def defaults():
    yield
    _native.set_num_threads(0)
    _native.select_isa()


def bits(name, isa, threads):
    arrays, attrs = CASES[name]
    _native.select_isa(isa)
    _native.set_num_threads(threads)
    specs = [(a.shape, a.dtype.name) for a in arrays]
    trace = graph.trace(lambda *inputs: [apply(name, inputs, **attrs)], specs)
    (result,) = graph.compile(trace, batched=False)(arrays)
    return result.tobytes()


@pytest.mark.parametrize("name", CASES)
def test_the_same_bits(name):
    wide = [isa for isa in _native.supported_isas() if isa != "portable"]
    for isas in (wide, ["portable"]):
        found = {bits(name, isa, threads) for isa in isas for threads in (1, 2, 5)}
        assert len(found) <= 1
    if name != "batch_matmul":  # portable code has no fused multiply-adds
        assert len({bits(name, isa, 1) for isa in _native.supported_isas()}) == 1


def test_threads_pack_what_a_small_step_has_written():
    # All threads share the products; one of them computes the sum and what is scaled by it, which
    # the second product packs.
    a = RNG.normal(size=(60, 130)).astype(np.float32)
    b = RNG.normal(size=(130, 320)).astype(np.float32)

    def twice(a, b):
        first = ops.matmul(a, b)
        return [ops.matmul(a * ops.sum(first), b)]

    trace = graph.trace(twice, [(a.shape, "float32"), (b.shape, "float32")])
    executable = graph.compile(trace, batched=False)
    for factor in range(1, 100):
        given = [a * np.float32(factor), b]
        results = set()
        for threads in (1, 2, 3):
            _native.set_num_threads(threads)
            results.add(executable(given)[0].tobytes())
            executable([-given[0], b])  # other rows lie packed before the next run
        assert len(results) == 1
