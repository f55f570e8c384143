"""What the arithmetic units could do: every instruction set, with one thread and with all."""

from collections.abc import Iterator

from hotloop.cli.bench.contest import Contest, configured
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.rows import OWN, Row


def measure(setting: Setting) -> Iterator[Row]:
    from hotloop.graph.machine import get_num_threads, supported_isas

    for isa in supported_isas():
        for threads in sorted({1, get_num_threads()}):
            with Contest(setting.about) as contest:
                one = configured(threads=threads, isa=isa)
                contest.start(one)
                title = one.name.removeprefix(f"{OWN}, ")
                row = setting.row("peak", title, [one.name], unit="GFLOP/s")
                yield contest.measure(row, setting.rounds_of(row), do="report", what="peak")
