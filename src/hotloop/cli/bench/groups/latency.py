"""Small calls, in which the arithmetic is the least."""

from collections.abc import Iterator

from hotloop.cli.bench.contest import configured
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.groups.models import measure_model
from hotloop.cli.bench.rows import Row
from hotloop.cli.bench.workloads import NARROW


def measure(setting: Setting) -> Iterator[Row]:
    contestants = [configured(), *setting.rivals_in("latency")]
    for workload in setting.chosen([NARROW]):
        yield from measure_model(setting, "latency", "latency", workload, contestants)
