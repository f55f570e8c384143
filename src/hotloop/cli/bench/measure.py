"""The measurements: what is asked of whom, in which order."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from hotloop.cli.bench.peers import Peer
from hotloop.cli.bench.processes import Process, Unsupported, WorkerError
from hotloop.cli.bench.workloads import PRODUCT_SECONDS, Product, Workload, write_data

__all__ = ["WHATS", "Contestant", "Row", "measure_products", "measure_workload"]

# What is measured of a workload, by section: (method, what it is called, repetitions in a round).
WHATS = {
    "epochs": (("epochs", "epoch", 3),),
    "inference": (("evaluate", "evaluate", 15), ("predict", "predict", 15)),
    "latency": (
        ("call_one", "model(x), one row", 2000),
        ("predict_one", "predict(x), one row", 500),
        ("train_on_batch", "train_on_batch of 32", 500),
    ),
}


@dataclass(frozen=True)
class Contestant:
    """Who takes part, run by which interpreter, from a file in which folder."""

    name: str
    peer: Peer
    python: str
    folder: Path


@dataclass
class Row:
    """One thing measured of everybody: seconds of each round by contestant, and what to know."""

    section: str
    name: str
    flop: float = 0.0
    rounds: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def seconds(self, contestant: str) -> float:
        return median(self.rounds[contestant])


class _Contest:
    """Running workers. Who fails once is left out from then on, with a note in every row."""

    def __init__(self, about: dict[str, str]) -> None:
        self.about = about
        self.notes: dict[str, str] = {}
        self._stack = contextlib.ExitStack()
        self._running: dict[str, Process] = {}

    def __enter__(self) -> "_Contest":
        return self

    def __exit__(self, *details: Any) -> None:
        self._stack.close()

    def start(self, one: Contestant, **preparation: Any) -> str | None:
        """Starts a worker and prepares it, if that is asked for; returns its configuration."""
        process = one.peer.start(one.python, one.folder)
        self._stack.callback(process.close)
        with _noted(self.notes, one.name):
            self.about[one.name] = process.ask(do="hello")["about"]
            reply = process.ask(do="prepare", **preparation) if preparation else {}
            self._running[one.name] = process
            return reply.get("configuration")
        return None

    def measure(self, row: Row, rounds: int, **request: Any) -> Row:
        """Asks everybody in turn, `rounds` times."""
        row.notes.update(self.notes)
        for _ in range(rounds):
            for name, process in self._running.items():
                if name not in row.notes:
                    with _noted(row.notes, name):
                        seconds = process.ask(do="measure", **request)["seconds"]
                        row.rounds.setdefault(name, []).append(seconds)
                    if not process.alive:
                        self.notes[name] = row.notes[name]
        return row


def measure_workload(
    workload: Workload,
    sections: Sequence[str],
    contestants: Sequence[Contestant],
    rounds: int,
    shorten: int,
    about: dict[str, str],
    say: Callable[[str], None],
) -> Iterator[Row]:
    """Rows of one workload, each as soon as it is measured.

    Args:
        workload: the model and its data.
        sections: keys of WHATS.
        contestants: who takes part.
        rounds: how often each is asked.
        shorten: divides the repetitions in a round.
        about: receives name and versions of each contestant.
        say: receives a line on each step.
    """
    with tempfile.TemporaryDirectory() as folder, _Contest(about) as contest:
        data, files = write_data(workload, Path(folder))
        say(f"{workload.name}: {workload.rows:,} rows of {data}")
        for one in contestants:
            if one.peer.trains:
                answer = contest.start(one, workload=workload.describe(), files=files)
                say(f"  {one.name}: {answer or contest.notes[one.name]}")
        for section in sections:
            for method, title, count in WHATS[section]:
                row = Row(section, f"{workload.name}: {title}", workload.flop(method))
                yield contest.measure(row, rounds, what=method, count=max(1, count // shorten))


def measure_products(
    products: Sequence[Product],
    contestants: Sequence[Contestant],
    rounds: int,
    shorten: int,
    about: dict[str, str],
) -> Iterator[Row]:
    """A row per product, each as soon as it is measured. Arguments as for `measure_workload`."""
    with _Contest(about) as contest:
        for one in contestants:
            if one.peer.multiplies:
                contest.start(one)
        for product in products:
            # As many as a machine of 200 GFLOP/s does in a round.
            count = int(PRODUCT_SECONDS / shorten * 200e9 / product.flop)
            yield contest.measure(
                Row("products", product.name, product.flop),
                rounds,
                what="product",
                count=min(max(count, 2), 5000),
                arguments=[product.m, product.n, product.k, product.ta, product.tb],
            )


@contextlib.contextmanager
def _noted(notes: dict[str, str], name: str) -> Iterator[None]:
    """What goes wrong with one contestant is noted, and the others go on."""
    try:
        yield
    except Unsupported as error:
        notes[name] = f"not supported: {error}"
    except WorkerError as error:
        notes[name] = f"failed: {error}"
