"""Training: whole epochs on data that are in memory as float32."""

from collections.abc import Iterator

from hotloop.cli.bench.contest import configured
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.groups.models import measure_model
from hotloop.cli.bench.rows import Row


def measure(setting: Setting) -> Iterator[Row]:
    from hotloop.graph.machine import supported_isas

    contestants = [configured(), *setting.rivals_in("epochs")]
    if "avx2" in supported_isas():
        contestants.insert(1, configured(isa="avx2"))
    for workload in setting.workloads:
        yield from measure_model(setting, "epochs", "epochs", workload, contestants)
