"""Importing hotloop is quick, quiet and lazy."""

import os
import subprocess
import sys

import pytest


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done


def test_import_costs_at_most_60_ms_beyond_numpy():
    code = (
        "import time, numpy; start = time.perf_counter(); import hotloop; "
        "print(time.perf_counter() - start)"
    )
    # The best of several: other processes can only make it slower.
    seconds = min(float(run(code).stdout) for _ in range(5))
    assert seconds < 0.060


def test_import_is_quiet():
    done = run("import hotloop")
    assert (done.stdout, done.stderr) == ("", "")


def test_import_loads_numpy_and_the_core_only():
    code = (
        "import sys, numpy; before = set(sys.modules); import hotloop; "
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = run(code).stdout.split()
    assert "hotloop._native._core" in loaded
    assert [name for name in loaded if name.split(".")[0] in {"matplotlib", "pooch", "scipy"}] == []
    lazy = {"layers", "models", "training", "datasets", "plot", "cli", "callbacks", "optimizers"}
    assert [
        name for name in loaded if name.startswith("hotloop.") and name.split(".")[1] in lazy
    ] == []


def test_a_first_step_loads_nothing_that_it_does_not_need():
    code = """
import sys, numpy, hotloop
before = set(sys.modules)
model = hotloop.Sequential([hotloop.Input((3,)), hotloop.layers.Dense(2)])
model.compile("adam", "mse", metrics=["accuracy"])
model.train_on_batch(numpy.zeros((4, 3)), numpy.zeros((4, 2)))
print(*sorted({name.split(".")[0] for name in set(sys.modules) - before}))
"""
    slow = {"concurrent", "json", "logging", "multiprocessing", "pathlib", "socket", "tempfile"}
    assert slow.isdisjoint(run(code).stdout.split())


def test_import_starts_no_thread():
    code = (
        "import os, numpy; count = lambda: len(os.listdir('/proc/self/task')); before = count(); "
        "import hotloop; print(count() - before)"
    )
    assert run(code).stdout.strip() == "0"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOTLOOP_NUM_THREADS", "many"),
        ("HOTLOOP_NUM_THREADS", "0"),
        ("HOTLOOP_NUM_THREADS", "1000"),
        ("HOTLOOP_ISA", "mmx"),
    ],
)
def test_a_setting_that_cannot_be_followed_is_refused(name, value):
    done = subprocess.run(
        [sys.executable, "-c", "import hotloop"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, name: value},
    )
    assert done.returncode != 0
    assert f"ValueError: {name}={value!r}" in done.stderr
