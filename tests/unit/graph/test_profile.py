"""HOTLOOP_PROFILE: a table at exit, and nothing without it."""

import os
import re
import subprocess
import sys

import pytest

from hotloop.graph import profile

PROGRAM = """
import numpy as np
import hotloop as keras

model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(30), keras.layers.Dense(3)])
model.compile("adam", "mse")
x = np.ones((64, 20), "float32")
model.fit(x, x[:, :3], batch_size=8, epochs=5, verbose=0)
"""


def run(setting, program=PROGRAM, **others):
    environment = {**os.environ, "HOTLOOP_PROFILE": setting, **others}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )


def test_table_at_exit():
    done = run("1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    table = done.stderr.split("batches of 8")[1].split("\n\n")[0]
    lines = table.splitlines()
    assert lines[1].split() == "calls ms share GFLOP/s of peak bytes GB/s step".split()
    steps = [line.split() for line in lines[2:]]
    # Every step ran once in each of 8 batches of 5 epochs.
    assert {int(step[0]) for step in steps} == {40}
    assert sum(float(step[2].rstrip("%")) for step in steps) == pytest.approx(100, abs=1)
    forward = re.search(r"\S+ +\S+% +\S+ +\S+  gemm \[8, 30, 20\]", table)
    rate, _, size, _ = forward[0].split()[:4]
    assert float(rate) > 0
    # x, W, b and h; the gradient may want h once more.
    assert size in ("4.12k", "5.08k"), table


def test_products_that_left_out_zeros():
    program = PROGRAM.replace('np.ones((64, 20), "float32")', 'np.eye(64, dtype="float32")')
    program = program.replace("(20,)", "(64,)").replace("Dense(30)", "Dense(64)")
    program = program.replace("batch_size=8", "batch_size=16")
    done = run("1", program)
    assert done.returncode == 0, done.stderr
    assert "sparse gemm [16, 64, 64] add" in done.stderr
    assert "(2% of its terms, in 20 of 20 calls)" in done.stderr
    assert "sparse" not in run("1", program, HOTLOOP_SPARSE="0").stderr


@pytest.mark.parametrize("setting", ["", "0"])
def test_nothing_otherwise(setting):
    done = run(setting)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_other_settings_are_refused():
    done = run("yes")
    assert done.returncode != 0
    assert "HOTLOOP_PROFILE='yes': expected 1 (a table at exit) or 0 (none)" in done.stderr


@pytest.mark.parametrize(
    ("kind", "sizes", "elements"),
    [
        ("gather", (2, 50, 4, 3, 0, 0), 2 * 3 * (4 + 4 + 1)),
        ("scatter", (1, 50, 4, 3, 1, 0), 3 * (3 * 4 + 1) + 200),
        ("scan", (2, 5, 3, 0, 0), 60),
        ("argsort", (4, 5, 1, 0), 40),
        ("search", (10, 6, 1, 0), 22),
        ("product", (2, 3, 4, 0, 0, 4, 3, 1, 5, 8, 12), 5 * (8 + 12 + 6)),
        ("triangular", (2, 3, 4, 1, 0), 48),
        ("svd", (2, 3, 4), 48),
        ("lu", (2, 3), 36),
    ],
)
def test_traffic_of_blocks(kind, sizes, elements):
    assert profile._bytes("add_block", (kind, (0, 0), [], sizes)) == 4 * elements
