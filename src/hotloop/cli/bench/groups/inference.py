"""`evaluate` and `predict` of 10,000 images."""

from collections.abc import Iterator

from hotloop.cli.bench.contest import configured
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.groups.models import measure_model
from hotloop.cli.bench.rows import Row
from hotloop.cli.bench.workloads import INFERENCE


def measure(setting: Setting) -> Iterator[Row]:
    contestants = [configured(), *setting.rivals_in("inference")]
    for workload in setting.chosen(INFERENCE):
        yield from measure_model(setting, "inference", "inference", workload, contestants)
