"""The groups of the benchmark: each measures rows of one kind, with workers of its own."""

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotloop.cli.bench.contest import Contest, Contestant
from hotloop.cli.bench.keeper import Keeper
from hotloop.cli.bench.rows import Row
from hotloop.cli.bench.workloads import Workload, write_data

__all__ = ["DEFAULT", "GROUPS", "Setting", "measure"]

# What is measured, by group; the module of the same name in this folder does it.
GROUPS = {
    "peak": "fused multiply-adds in registers, by instruction set and threads",
    "products": "matrix products: a large one, and those of the training steps",
    "epochs": "an epoch of training",
    "inference": "evaluate and predict on 10,000 images",
    "latency": "calls on one row, a training step on 32",
    "start": "import, and the first step after it, in fresh processes",
    "fit": "fit as the tutorial calls it, beside the bare epoch",
    "process": "the whole Fashion-MNIST tutorial as a process",
    "threads": "all threads beside one thread, at every size",
    "neighbour": "an epoch while another process burns a core",
    "memory": "peak of resident memory in fit; growth in many calls",
}
DEFAULT = ("peak", "products", "epochs")
_SHORTER = 20  # times, with --quick


@dataclass
class Setting:
    """What the groups are given.

    Args:
        rivals: other libraries that take part.
        workloads: the models that are asked for.
        rounds: of each row.
        quick: whether repetitions and data are to be a fraction of the usual.
        keeper: saves the rows, and has those that an earlier run began.
        about: receives name and versions of each contestant.
        say: receives a line on each step.
    """

    rivals: Sequence[Contestant]
    workloads: Sequence[Workload]
    rounds: int
    quick: bool
    keeper: Keeper
    about: dict[str, str] = field(default_factory=dict)
    say: Callable[[str], None] = print

    def repetitions(self, count: int) -> int:
        return max(1, count // _SHORTER) if self.quick else count

    def sized(self, workload: Workload) -> Workload:
        return workload.resized(workload.rows // _SHORTER) if self.quick else workload

    def chosen(self, workloads: Sequence[Workload]) -> list[Workload]:
        return [one for one in workloads if one in self.workloads]

    def row(
        self,
        group: str,
        name: str,
        contestants: Collection[str],
        at_most: int | None = None,
        **about: Any,
    ) -> Row:
        """A row to fill: a new one, or one that an earlier run began with the same contestants.

        Args:
            group: of the row.
            name: of the row.
            contestants: the names that its samples will have.
            at_most: rounds that suffice.
            about: more arguments of a new `Row`.
        """
        row = self.keeper.find(group, name, contestants) or Row(group, name, **about)
        row.wanted = self.rounds if at_most is None else min(self.rounds, at_most)
        return row

    @contextlib.contextmanager
    def contest(
        self, workload: Workload, called: str, more: str = ""
    ) -> Iterator[tuple[Contest, Mapping[str, str]]]:
        """A contest on the workload's data, and the files of these, which are there meanwhile.

        Args:
            workload: what is trained or used.
            called: its name in the line that says what it is measured on.
            more: how that line ends.
        """
        with tempfile.TemporaryDirectory() as folder, Contest(self.about) as contest:
            data, files = write_data(workload, Path(folder))
            self.say(f"{called}: {workload.rows:,} rows of {data}{more}")
            yield contest, files

    def rounds_of(self, *rows: Row) -> Iterator[int]:
        """The numbers of the rounds that these rows lack; after each, the rows are saved."""
        done, wanted = (max(getattr(row, what) for row in rows) for what in ("rounds", "wanted"))
        for number in range(done, wanted):
            yield number
            self.keeper.keep(*rows)

    def rivals_in(self, group: str) -> list[Contestant]:
        return [one for one in self.rivals if group in one.peer.groups]


def measure(group: str, setting: Setting) -> Iterator[Row]:
    """Rows of a group, each as soon as all of its rounds are there."""
    from importlib import import_module

    return import_module(f"{__name__}.{group}").measure(setting)
