"""What several groups share: one model, and what everybody does with it."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hotloop.cli.bench.contest import Contest, Contestant
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.rows import Row
from hotloop.cli.bench.workloads import Workload, write_data

__all__ = ["METHODS", "measure_model", "repetitions"]


class Method(NamedTuple):
    name: str
    title: str
    how: str
    repetitions: int  # in a round


# What is done with a model, by the purpose that it was prepared for.
METHODS = {
    "epochs": (Method("epochs", "epoch", "each", 5),),
    "inference": (
        Method("evaluate", "evaluate", "median", 15),
        Method("predict", "predict", "median", 15),
    ),
    "latency": (
        Method("call_one", "model(x), one row", "median", 2000),
        Method("predict_one", "predict(x), one row", "median", 500),
        Method("train_on_batch", "train_on_batch of 32", "median", 500),
    ),
}


_SECONDS = 1.0  # that the epochs of a round take, about
_RATE = 200e9  # floating-point operations a second, to guess that


def repetitions(setting: Setting, method: Method, workload: Workload) -> int:
    """Of a method in a round: epochs of large models take long enough by themselves."""
    count = method.repetitions
    if method.how == "each":
        count = min(count, round(_SECONDS * _RATE / workload.flop(method.name)) or 1)
    return setting.repetitions(count)


def measure_model(
    setting: Setting,
    group: str,
    purpose: str,
    workload: Workload,
    contestants: Sequence[Contestant],
) -> Iterator[Row]:
    """Rows of one model, each as soon as it is measured."""
    workload = setting.sized(workload)
    about = workload.name if purpose == "epochs" else workload.model
    with tempfile.TemporaryDirectory() as folder, Contest(setting.about) as contest:
        data, files = write_data(workload, Path(folder))
        setting.say(f"{about}: {workload.rows:,} rows of {data}")
        for one in contestants:
            answer = contest.start(one, workload=workload.describe(), files=files, purpose=purpose)
            setting.say(f"  {one.name}: {answer or contest.notes[one.name]}")
        for method in METHODS[purpose]:
            yield contest.measure(
                Row(group, f"{about}: {method.title}", flop=workload.flop(method.name)),
                setting.rounds,
                what=method.name,
                how=method.how,
                count=repetitions(setting, method, workload),
            )
