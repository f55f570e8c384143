"""Training: whole epochs on data that are in memory as float32.

hotloop leaves out the terms of zeros if there are many. Its share of the arithmetic peak is that of
the dense epoch, in which every operation that is counted is done.

Who takes long for an epoch does a part of its steps in each sample (lengths.py).
"""

from collections.abc import Iterator

from hotloop.cli.bench.contest import configured
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.groups.models import measure_training
from hotloop.cli.bench.rows import Row


def measure(setting: Setting) -> Iterator[Row]:
    from hotloop.graph.machine import supported_isas

    own = [configured(), configured(dense=True)]
    if "avx2" in supported_isas():
        own.append(configured(isa="avx2", dense=True))
    contestants = [*own, *setting.rivals_in("epochs")]
    for workload in setting.workloads:
        yield from measure_training(setting, "epochs", workload, contestants)
