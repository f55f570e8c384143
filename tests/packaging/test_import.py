"""Importing hotloop is quick and quiet, and leaves for later what not every model needs."""

import os
import subprocess
import sys

import pytest


def run(code, *arguments):
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done


def test_import_costs_at_most_60_ms_beyond_numpy(tmp_path):
    code = """
import sys, time
sys.dont_write_bytecode = False
sys.pycache_prefix = sys.argv[1]
begin = time.thread_time()
import numpy
start = time.thread_time()
import hotloop
print(start - begin, time.thread_time() - start)
"""
    # The first run compiles. NumPy's import is the same kind of work, and says how fast the machine
    # is meanwhile: 0.1 s if nobody else uses it.
    _, *runs = [map(float, run(code, str(tmp_path)).stdout.split()) for _ in range(8)]
    assert min(own / max(1.0, numpy / 0.1) for numpy, own in runs) < 0.060


def test_import_is_quiet():
    done = run("import hotloop")
    assert (done.stdout, done.stderr) == ("", "")


def test_import_loads_what_any_model_needs_and_no_more():
    code = """
import sys, numpy
before = set(sys.modules)
import hotloop
print(*sorted(set(sys.modules) - before))
"""
    loaded = set(run(code).stdout.split())
    assert "hotloop._native._core" in loaded
    assert "numpy.random" not in loaded
    others = {name.split(".")[0] for name in loaded} - {"hotloop"}
    slow = {"concurrent", "difflib", "json", "logging", "multiprocessing", "pathlib", "socket"}
    assert others.isdisjoint(slow | {"matplotlib", "pooch", "scipy", "tempfile", "zipfile"})
    for family in ("layers", "losses", "metrics", "optimizers"):
        assert f"hotloop.{family}" in loaded
    unusual = {
        "hotloop.callbacks.model_checkpoint",
        "hotloop.cli",
        "hotloop.constraints.constraints",
        "hotloop.datasets",
        "hotloop.dtype_policies",
        "hotloop.graph.passes.blocks",
        "hotloop.graph.primitives.matrices",
        "hotloop.graph.profile",
        "hotloop.layers.batch_normalization",
        "hotloop.layers.preprocessing.hashing",
        "hotloop.losses.circle",
        "hotloop.metrics.auc",
        "hotloop.models.cloning",
        "hotloop.ops.einsum",
        "hotloop.ops.indexing",
        "hotloop.optimizers.lamb",
        "hotloop.optimizers.schedules.cosine_decay",
        "hotloop.plot",
        "hotloop.random.tensors",
        "hotloop.regularizers.regularizers",
        "hotloop.saving.serialization",
        "hotloop.storage",
        "hotloop.training.stream_feed",
        "hotloop.utils.timeseries",
    }
    assert loaded.isdisjoint(unusual)


def loaded_by(steps, after="import hotloop"):
    """The modules that `steps` load, of a program that did `after` before."""
    code = f"""
import sys, numpy
{after}
before = set(sys.modules)
{steps}
print(*sorted(set(sys.modules) - before))
"""
    return set(run(code).stdout.split())


FIRST_STEPS = """
layers = [hotloop.layers.Dense(5, activation="relu"), hotloop.layers.Dense(3, "softmax")]
model = hotloop.Sequential([hotloop.Input((4,)), *layers])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
x, y = numpy.zeros((64, 4)), numpy.zeros(64)
model.train_on_batch(x, y)
model.test_on_batch(x, y)
model(x[:1])
"""


def test_first_steps_wait_for_no_module():
    loaded = loaded_by(FIRST_STEPS)
    assert "numpy.random" in loaded  # so it would be seen
    assert [name for name in loaded if name.startswith("hotloop.")] == []


def test_a_first_step_loads_nothing_that_it_does_not_need():
    steps = """
layers = [hotloop.layers.Flatten(), hotloop.layers.Dropout(0.5), hotloop.layers.Dense(2)]
model = hotloop.Sequential([hotloop.Input((3, 1)), *layers])
model.compile("rmsprop", "mse", metrics=["mae"])
model.train_on_batch(numpy.zeros((4, 3, 1)), numpy.zeros((4, 2)))
"""
    loaded = loaded_by(steps)
    assert {name for name in loaded if name.startswith("hotloop.")} == {
        "hotloop.layers.dropout",
        "hotloop.layers.flatten",
        "hotloop.losses.mean_absolute_error",
        "hotloop.losses.mean_squared_error",
        "hotloop.metrics.mean_absolute_error",
        "hotloop.ops.manipulation",
        "hotloop.optimizers.rmsprop",
        "hotloop.random.tensors",
    }
    slow = {"concurrent", "json", "logging", "multiprocessing", "pathlib", "socket", "tempfile"}
    assert slow.isdisjoint(name.split(".")[0] for name in loaded)


def test_a_data_set_loads_no_other_one_and_nothing_for_downloads():
    loaded = loaded_by("hotloop.datasets.fashion_mnist.load_data")
    assert "hotloop.datasets.fashion_mnist" in loaded
    assert "hotloop.datasets.synthetic_digits" not in loaded
    assert {"shutil", "socket", "tempfile", "zipfile"}.isdisjoint(loaded)


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


@pytest.mark.parametrize("given", [{}, {"GOMP_SPINCOUNT": "77"}, {"OMP_WAIT_POLICY": "PASSIVE"}])
def test_the_environment_stays_as_it_was(given):
    """How long threads spin is chosen while the core is loaded, unless the user has."""
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    code = "import os; before = dict(os.environ); import hotloop; assert os.environ == before"
    subprocess.run([sys.executable, "-c", code], env={**environment, **given}, check=True)
