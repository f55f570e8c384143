"""Instructions of one training step, which noise cannot change, against a committed baseline.

    python benchmarks/count_instructions.py           # exit code 1 if a count is off by over 2 %
    python benchmarks/count_instructions.py --update  # writes the baseline; explain why

Valgrind counts runs of few steps and of more steps of each model; the difference is that of the
steps. One thread and the AVX2 kernels, which valgrind knows. Counts depend on the compiler: without
valgrind, or with another compiler than the baseline's, it says so and passes.
"""

import argparse
import ctypes
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BASELINE = Path(__file__).with_name("instructions.json")
TOLERANCE = 0.02
FEW, MORE = 1, 4  # steps
# The models of the first documents: name, hidden units, batch size, optimizer.
MODELS = (
    ("784-512-10, batch 128, rmsprop", 512, 128, "rmsprop"),
    ("784-512-10, batch 64, adam", 512, 64, "adam"),
    ("784-128-10, batch 32, adam", 128, 32, "adam"),
)
# Valgrind counts between these calls only: importing under the counter would take minutes.
SWITCH = """
#include <valgrind/callgrind.h>
void start(void) { CALLGRIND_START_INSTRUMENTATION; CALLGRIND_ZERO_STATS; }
void stop(void) { CALLGRIND_DUMP_STATS; CALLGRIND_STOP_INSTRUMENTATION; }
"""


def train(switch):
    """In the counted process: some steps of each model, compiled and run without the loop.

    `fit` returns to Python every 50 ms, as the clock has it; the plan by itself does not.
    """
    import numpy as np

    import hotloop as keras

    counter = ctypes.CDLL(switch)
    rng = np.random.default_rng(0)
    for _, hidden, batch_size, optimizer in MODELS:
        x = rng.random((batch_size * MORE, 784), dtype="float32")
        y = rng.integers(0, 10, len(x)).astype("int32")
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((784,)),
                keras.layers.Dense(hidden, activation="relu"),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.train_on_batch(x[:batch_size], y[:batch_size])
        data = model._make_data(x, y)
        plan = model._trainer.plans.plan(model, "train", data, batch_size)
        order = {"index": np.arange(len(x)), "outputs": None, "start": 0, "budget": None}
        for steps in (FEW, MORE):
            counter.start()
            done = plan.run(data.arrays, steps=steps, **order)
            counter.stop()
            assert done == steps


def count_models():
    """Instructions per step, by model."""
    with tempfile.TemporaryDirectory() as folder:
        source, switch, out = (str(Path(folder, name)) for name in ("s.c", "s.so", "out"))
        Path(source).write_text(SWITCH)
        run("cc", "-shared", "-fPIC", "-o", switch, source)
        environment = {
            **os.environ,
            "HOTLOOP_ISA": "avx2",
            "HOTLOOP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONHASHSEED": "0",
        }
        environment.pop("HOTLOOP_PROFILE", None)
        run(
            "valgrind",
            "--tool=callgrind",
            "--instr-atstart=no",
            f"--callgrind-out-file={out}",
            sys.executable,
            __file__,
            "--train",
            switch,
            env=environment,
        )
        counts = [
            int(re.search(r"^totals: (\d+)", Path(f"{out}.{number + 1}").read_text(), re.M)[1])
            for number in range(2 * len(MODELS))
        ]
    return {
        name: (more - few) // (MORE - FEW)
        for (name, *_), few, more in zip(MODELS, counts[::2], counts[1::2], strict=True)
    }


def run(*command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-3000:]}")


def compiler():
    from hotloop.graph.machine import build_info, supported_isas

    return build_info()["compiler"], "avx2" in supported_isas()


def check(counts, expected):
    """Prints counts beside their baseline; returns the names of those that are off."""
    off = []
    for name, count in counts.items():
        before = expected.get(name)
        if before is None:
            print(f"{name}: {count:,} instructions a step, not in the baseline")
            off.append(name)
            continue
        change = count / before - 1
        print(f"{name}: {count:,} instructions a step, baseline {before:,} ({change:+.2%})")
        if abs(change) > TOLERANCE:
            off.append(name)
    return off


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write the baseline")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        train(arguments.train)
        return 0
    built_by, has_avx2 = compiler()
    baseline = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.is_file() else None
    reason = None
    if shutil.which("valgrind") is None:
        reason = "valgrind is not installed"
    elif shutil.which("cc") is None:
        reason = "there is no C compiler named cc"
    elif not has_avx2:
        reason = f"there is no AVX2 here ({platform.machine()})"
    elif not arguments.update and baseline is None:
        raise SystemExit(f"{BASELINE} is missing; make it with --update")
    elif not arguments.update and baseline["compiler"] != built_by:
        reason = f"built by {built_by}; the baseline is of {baseline['compiler']}"
    if reason is not None:
        print(f"Instructions are not counted: {reason}")
        return 1 if arguments.update else 0
    counts = count_models()
    if arguments.update:
        content = {"compiler": built_by, "instructions": counts}
        BASELINE.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        print(f"{BASELINE}: {counts}")
        return 0
    off = check(counts, baseline["instructions"])
    if off:
        print(
            f"more than {TOLERANCE:.0%} off: {'; '.join(off)}. If that is meant, run this with "
            "--update and explain the change in the commit message."
        )
    return bool(off)


if __name__ == "__main__":
    sys.exit(main())
