"""An epoch of each model that `hotloop bench` trains, on a fifth of its rows; and inference.

pytest benchmarks/test_epochs.py
"""

import numpy as np
import pytest

from hotloop.cli.bench.hotloop_library import Library
from hotloop.cli.bench.workloads import INFERENCE, WORKLOADS, write_data

PART = 5


def prepared(workload, folder, purpose):
    _, files = write_data(workload, folder)
    library = Library()
    data = {name: np.load(file) for name, file in files.items()}
    library.prepare(workload.describe(), data, purpose)
    return library


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_epoch(benchmark, say_rate, tmp_path, workload):
    workload = workload.resized(workload.rows // PART)
    library = prepared(workload, tmp_path, "epochs")
    benchmark.pedantic(library.epochs, (1,), rounds=5, warmup_rounds=1)
    say_rate(workload.flop("epochs"), "GFLOP/s")


@pytest.mark.parametrize("method", ["evaluate", "predict"])
@pytest.mark.parametrize("workload", INFERENCE, ids=lambda workload: workload.model)
def test_inference(benchmark, say_rate, tmp_path, workload, method):
    workload = workload.resized(10_000)
    library = prepared(workload, tmp_path, "inference")
    benchmark.pedantic(getattr(library, method), rounds=20, warmup_rounds=2)
    say_rate(workload.flop(method), "GFLOP/s")
