"""An epoch while another process burns one of the cores.

It may take about as long as all the other cores alone would: the neighbour costs its core and
no more. The process that burns counts in a loop, bound to one core where the system can bind.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from hotloop.cli.bench.contest import configured
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.rows import OWN, Row
from hotloop.cli.bench.workloads import NARROW, WIDE

__all__ = ["ALONE", "BESIDE", "measure"]

BESIDE = f"{OWN}, beside the neighbour"
ALONE = f"{OWN}, on the other cores alone"
FEWER_BESIDE = f"{OWN}, fewer threads beside it"
_BURN = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
print("burning", flush=True)
while True:
    pass
"""


def measure(setting: Setting) -> Iterator[Row]:
    from hotloop.graph.machine import get_num_threads

    threads = get_num_threads()
    if threads < 2:
        setting.say("neighbour: there is no second core to burn")
        return
    fewer = configured(threads=threads - 1)
    labels = {OWN: (OWN, BESIDE), fewer.name: (ALONE, FEWER_BESIDE)}
    for workload in map(setting.sized, setting.chosen([WIDE, NARROW])):
        title = f"{workload.name}: epoch"
        names = [label for pair in labels.values() for label in pair]
        row = setting.row("neighbour", title, names, flop=workload.flop("epochs"))
        if row.complete:
            yield row
            continue
        with setting.contest(workload, workload.name) as (contest, files):
            for one in (configured(), fewer):
                setting.say(f"  {one.name}: {contest.start_training(one, workload, files, row)}")
                if one.name in row.lengths:
                    # Both of its figures are of this length.
                    row.lengths.update(dict.fromkeys(labels[one.name], row.lengths[one.name]))
            for _ in setting.rounds_of(row):
                for which in range(2):
                    with burning() if which else contextlib.nullcontext():
                        for name, both in labels.items():
                            contest.measure_alone(row, name, both[which])
            yield row


@contextlib.contextmanager
def burning() -> Iterator[subprocess.Popen]:
    """A process that burns a core meanwhile."""
    with subprocess.Popen([sys.executable, "-c", _BURN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            yield process
        finally:
            process.kill()
