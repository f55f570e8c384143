"""`fit` exactly as the tutorial calls it, beside the bare epoch.

The tutorial's images are float64, its batches of 32, its progress bar drawn on a terminal, and its
model is fresh: `fit` converts, builds and compiles.
"""

from collections.abc import Iterator

from hotloop.cli.bench.contest import configured, rotated
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.rows import OWN, Row
from hotloop.cli.bench.workloads import NARROW

__all__ = ["BARE", "measure"]

EPOCHS = 10
BARE = f"{OWN}, bare epoch"
_TURNS = ((OWN, "tutorial_fit"), (BARE, "epochs"))


def measure(setting: Setting) -> Iterator[Row]:
    for workload in map(setting.sized, setting.chosen([NARROW])):
        title = f"{workload.model}: fit as the tutorial calls it, an epoch"
        row = setting.row("fit", title, [label for label, _ in _TURNS])
        if row.complete:
            yield row
            continue
        epochs = f", {EPOCHS} epochs"
        with setting.contest(workload, workload.name, epochs) as (contest, files):
            contest.start(
                configured(), workload=workload.describe(), files=files, purpose="tutorial"
            )
            for number in setting.rounds_of(row):
                for label, what in rotated(_TURNS, number):
                    request = {"do": "measure", "what": what, "how": "each", "count": EPOCHS}
                    contest.measure_alone(row, OWN, label, request)
            yield row
