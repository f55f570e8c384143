"""The machine, the threads and the instruction set: above the numbers, and in what is saved."""

import pytest

from hotloop.cli.bench import machine
from hotloop.graph.machine import supported_isas


def pytest_report_header(config):
    return [f"{name}: {value}" for name, value in machine.machine_info().items()]


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["hotloop"] = machine.machine_info()


@pytest.fixture(params=supported_isas())
def isa(request):
    """Each instruction set of this machine in turn, for plans made inside the test."""
    from hotloop import _native

    before = _native.isa()
    _native.select_isa(request.param)
    yield request.param
    _native.select_isa(before)


@pytest.fixture
def say_rate(benchmark):
    """`say_rate(amount, unit)` after the benchmark: so much of something by the median call."""

    def say(amount, unit):
        if benchmark.stats:  # none with --benchmark-disable
            benchmark.extra_info[unit] = round(amount / benchmark.stats["median"] / 1e9, 3)

    return say
