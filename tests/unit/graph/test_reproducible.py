"""Blocks give the same bits on any number of threads and on every instruction set."""

import numpy as np
import pytest

from hotloop import _native, graph
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
