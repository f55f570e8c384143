"""The most memory that training takes beyond its data, and what many calls leave behind."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from hotloop.cli.bench.contest import Contest, configured, rotated
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.rows import OWN, Row
from hotloop.cli.bench.workloads import NARROW, WIDE, write_data

_ROUNDS = 3  # of the peak: it hardly varies
# Calls before the counting, and calls that are counted.
GROWTH = {
    "predict_one": ("growth of 100,000 predict of one row", 2_000, 100_000),
    "build_fit": ("growth of 1,000 cycles of build, compile and fit", 200, 1_000),
}


def measure(setting: Setting) -> Iterator[Row]:
    for workload in map(setting.sized, setting.chosen([WIDE])):
        contestants = [configured(), *setting.rivals_in("memory")]
        row = setting.row(
            "memory",
            f"{workload.name}: peak in fit, beyond the float32 data",
            [one.name for one in contestants],
            at_most=_ROUNDS,
            unit="B",
        )
        with tempfile.TemporaryDirectory() as folder:
            data, files = write_data(workload, Path(folder))
            setting.say(f"{workload.name}: {workload.rows:,} rows of {data}")
            size = sum(Path(file).stat().st_size for file in files.values())
            for number in setting.rounds_of(row):
                for one in rotated(contestants, number):
                    if one.name in row.notes:
                        continue
                    # The peak is the process's, so that each round has another one.
                    with Contest(setting.about) as contest:
                        contest.start(
                            one, workload=workload.describe(), files=files, purpose="memory"
                        )
                        peak = contest.ask(one.name, do="memory")
                        if peak is None:
                            row.notes[one.name] = contest.notes[one.name]
                        else:
                            row.samples.setdefault(one.name, []).append(peak["value"] - size)
            yield row
    for workload in map(setting.sized, setting.chosen([NARROW])):
        with tempfile.TemporaryDirectory() as folder:
            _, files = write_data(workload, Path(folder))
            for what, (title, warm_up, count) in GROWTH.items():
                title = f"{workload.model}: {title}"
                row = setting.row("memory", title, [OWN], at_most=1, unit="B")
                if row.complete:
                    yield row
                    continue
                with Contest(setting.about) as contest:
                    contest.start(
                        configured(), workload=workload.describe(), files=files, purpose="latency"
                    )
                    request = {"do": "growth", "what": what, "warm_up": warm_up}
                    request["count"] = setting.repetitions(count)
                    for _ in setting.rounds_of(row):
                        contest.measure_alone(row, OWN, OWN, request)
                    yield row
