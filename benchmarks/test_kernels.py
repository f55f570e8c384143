"""Every kernel of kernels.def on named shapes, with each instruction set, on one thread.

pytest benchmarks/test_kernels.py -k "exp_f or row_sum_f" --benchmark-group-by=param:name
"""

import re
from pathlib import Path

import numpy as np
import pytest

from hotloop._native import Plan, set_num_threads

DEFINITIONS = Path(__file__).parents[1] / "csrc/kernels/kernels.def"
KERNELS = {
    name: (kind, takes)
    for kind, name, takes in re.findall(
        r"^HL_(UNARY|BINARY|TERNARY|ROWRED)\((\w+), (\w), \w\)",
        DEFINITIONS.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}
ARITY = {"UNARY": 1, "BINARY": 2, "TERNARY": 3, "ROWRED": 1}
SHAPES = {"logits": (128, 10), "hidden": (128, 512), "million": (1000, 1000)}


def lanes(kind, shape):
    rng = np.random.default_rng(0)
    if kind == "f":
        return rng.random(shape, dtype="float32") + np.float32(0.5)
    return rng.integers(1, 100 if kind == "i" else 2, shape, "int32")


@pytest.fixture(autouse=True)
def one_thread():
    set_num_threads(1)
    yield
    set_num_threads(0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", KERNELS)
def test_kernel(benchmark, say_rate, isa, name, shape):
    kind, takes = KERNELS[name]
    rows, cols = SHAPES[shape]
    count, of_row = ARITY[kind], kind == "ROWRED"
    kinds = ["b", "f", "f"] if name == "select" else [takes] * count
    arrays = [lanes(one, (rows, cols)) for one in kinds]
    arrays.append(np.empty(rows if of_row else (rows, cols), "float32"))
    plan = Plan(1)
    operands = []
    for array in arrays:
        slot = plan.add_bound(array.size)
        operands.append((slot, 0, (cols,), 1, False))
    if of_row:
        operands[-1] = (operands[-1][0], 0, (1,), 0, False)
    loads = [("load", number, 0, 0, 0, number) for number in range(count)]
    inputs = [*range(count), 0, 0][:3]
    plan.add_tile(
        (rows,),
        cols,
        "F" * count + ("R" if of_row else "F"),
        operands,
        [*loads, (name, count, *inputs, 0), ("store", 0, count, 0, 0, count)],
    )
    plan.finish()
    benchmark(plan.run, arrays, (), ())
    say_rate(rows * cols, "elements/ns")
