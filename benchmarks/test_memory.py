"""What fit takes beyond its data, and what many calls leave behind: bytes, in `extra_info`.

With --benchmark-disable, a fraction of the calls.
"""

import sys

import pytest

from hotloop.cli.bench.contest import configured
from hotloop.cli.bench.groups.memory import GROWTH
from hotloop.cli.bench.workloads import NARROW, WIDE, write_data

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@pytest.fixture
def worker():
    process = configured().start()
    yield process
    process.close()


def test_peak_of_fit(benchmark, worker, tmp_path):
    workload = WIDE if benchmark.enabled else WIDE.resized(6000)
    _, files = write_data(workload, tmp_path)
    request = {"workload": workload.describe(), "files": files, "purpose": "memory"}
    benchmark.pedantic(lambda: worker.ask(do="prepare", **request), rounds=1)
    data = sum((tmp_path / file).stat().st_size for file in files.values())
    benchmark.extra_info["bytes beyond the data"] = beyond = worker.ask(do="memory")["value"] - data
    assert beyond < 100e6


@pytest.mark.parametrize("what", GROWTH)
def test_growth(benchmark, worker, tmp_path, what):
    _, files = write_data(NARROW.resized(1000), tmp_path)
    worker.ask(do="prepare", workload=NARROW.describe(), files=files, purpose="latency")
    _, warm_up, count = GROWTH[what]
    request = {"what": what, "warm_up": warm_up, "count": count if benchmark.enabled else warm_up}
    reply = benchmark.pedantic(lambda: worker.ask(do="growth", **request), rounds=1)
    benchmark.extra_info["bytes grown"] = reply["value"]
    assert reply["value"] < 1e6
