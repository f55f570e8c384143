"""All threads beside one, wherever the other groups measure a time."""

from collections.abc import Iterator

from hotloop.cli.bench.contest import configured
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.groups.models import measure_model, measure_training
from hotloop.cli.bench.groups.products import measure_products
from hotloop.cli.bench.rows import Row
from hotloop.cli.bench.workloads import INFERENCE, NARROW


def measure(setting: Setting) -> Iterator[Row]:
    contestants = [configured(), configured(threads=1)]
    for workload in setting.workloads:
        yield from measure_training(setting, "threads", workload, contestants)
    for workload in setting.chosen(INFERENCE):
        yield from measure_model(setting, "threads", "inference", workload, contestants)
    for workload in setting.chosen([NARROW]):
        yield from measure_model(setting, "threads", "latency", workload, contestants)
    yield from measure_products(setting, "threads", contestants)
