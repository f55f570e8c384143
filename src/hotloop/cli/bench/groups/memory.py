"""The most memory that training takes beyond its data, and what many calls leave behind."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from hotloop.cli.bench.contest import Contest, configured, noted
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.rows import OWN, Row
from hotloop.cli.bench.workloads import NARROW, WIDE, write_data

# Calls before the counting, and calls that are counted.
GROWTH = {
    "predict_one": ("growth of 100,000 predict of one row", 2_000, 100_000),
    "build_fit": ("growth of 1,000 cycles of build, compile and fit", 200, 1_000),
}


def measure(setting: Setting) -> Iterator[Row]:
    for workload in map(setting.sized, setting.chosen([WIDE])):
        with tempfile.TemporaryDirectory() as folder:
            data, files = write_data(workload, Path(folder))
            setting.say(f"{workload.name}: {workload.rows:,} rows of {data}")
            size = sum(Path(file).stat().st_size for file in files.values())
            row = Row("memory", f"{workload.name}: peak in fit, beyond the float32 data", unit="B")
            for one in (configured(), *setting.rivals_in("memory")):
                # The peak is the process's, so that each round has another one.
                for _ in range(min(setting.rounds, 3)):
                    with Contest(setting.about) as contest, noted(row.notes, one.name):
                        contest.start(
                            one, workload=workload.describe(), files=files, purpose="memory"
                        )
                        contest.measure_alone(
                            row,
                            one.name,
                            one.name,
                            {"do": "memory"},
                        )
                if one.name in row.samples:
                    row.samples[one.name] = [peak - size for peak in row.samples[one.name]]
            yield row
    for workload in map(setting.sized, setting.chosen([NARROW])):
        with tempfile.TemporaryDirectory() as folder:
            _, files = write_data(workload, Path(folder))
            for what, (title, warm_up, count) in GROWTH.items():
                with Contest(setting.about) as contest:
                    contest.start(
                        configured(), workload=workload.describe(), files=files, purpose="latency"
                    )
                    row = Row("memory", f"{workload.model}: {title}", unit="B")
                    request = {"do": "growth", "what": what, "warm_up": warm_up}
                    request["count"] = setting.repetitions(count)
                    contest.measure_alone(row, OWN, OWN, request)
                    yield row
