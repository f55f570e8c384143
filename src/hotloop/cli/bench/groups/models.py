"""What several groups share: one model, and what everybody does with it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hotloop.cli.bench.contest import Contestant
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.rows import Row
from hotloop.cli.bench.workloads import Workload

__all__ = ["measure_model", "measure_training"]


class Method(NamedTuple):
    name: str
    title: str
    repetitions: int  # in a round


# What is done with a model besides training, by the purpose that it was prepared for.
METHODS = {
    "inference": (
        Method("evaluate", "evaluate", 15),
        Method("predict", "predict", 15),
    ),
    "latency": (
        Method("call_one", "model(x), one row", 2000),
        Method("predict_one", "predict(x), one row", 500),
        Method("train_on_batch", "train_on_batch of 32", 500),
    ),
}


def measure_model(
    setting: Setting,
    group: str,
    purpose: str,
    workload: Workload,
    contestants: Sequence[Contestant],
) -> Iterator[Row]:
    """Rows of one model, each as soon as it is measured."""
    workload = setting.sized(workload)
    about = workload.model
    names = [one.name for one in contestants]
    rows = {
        method: setting.row(
            group, f"{about}: {method.title}", names, flop=workload.flop(method.name)
        )
        for method in METHODS[purpose]
    }
    if all(row.complete for row in rows.values()):
        yield from rows.values()
        return
    with setting.contest(workload, about) as (contest, files):
        for one in contestants:
            reply = contest.start(one, workload=workload.describe(), files=files, purpose=purpose)
            said = contest.notes[one.name] if reply is None else reply["configuration"]
            setting.say(f"  {one.name}: {said}")
        for method, row in rows.items():
            yield contest.measure(
                row,
                setting.rounds_of(row),
                what=method.name,
                how="median",
                count=setting.repetitions(method.repetitions),
            )


def measure_training(
    setting: Setting, group: str, workload: Workload, contestants: Sequence[Contestant]
) -> Iterator[Row]:
    """A row of epochs."""
    workload = setting.sized(workload)
    title = f"{workload.name}: epoch"
    row = setting.row(group, title, [one.name for one in contestants], flop=workload.flop("epochs"))
    if row.complete:
        yield row
        return
    with setting.contest(workload, workload.name) as (contest, files):
        for one in contestants:
            setting.say(f"  {one.name}: {contest.start_training(one, workload, files, row)}")
        yield contest.measure(row, setting.rounds_of(row))
