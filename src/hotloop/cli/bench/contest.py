"""Who takes part, and rounds that alternate between them."""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from hotloop.cli.bench.lengths import Length
from hotloop.cli.bench.peers import HOTLOOP, Peer
from hotloop.cli.bench.processes import Process, Unsupported, WorkerError
from hotloop.cli.bench.rows import OWN, Row
from hotloop.cli.bench.workloads import Workload

__all__ = ["Contest", "Contestant", "configured", "noted", "rotated"]

_Turn = TypeVar("_Turn")


@dataclass(frozen=True)
class Contestant:
    """Who takes part, run by which interpreter, from a file in which folder."""

    name: str
    peer: Peer
    python: str
    folder: Path

    def start(self) -> Process:
        return self.peer.start(self.python, self.folder)


def configured(
    *, threads: int | None = None, isa: str | None = None, dense: bool = False
) -> Contestant:
    """hotloop itself; with so many threads, one instruction set, or no zero left out."""
    settings, words = {}, [OWN]
    if threads is not None:
        settings["HOTLOOP_NUM_THREADS"] = str(threads)
        words.append(f"{threads} thread{'s' * (threads != 1)}")
    if isa is not None:
        settings["HOTLOOP_ISA"] = isa
        words.append(isa)
    if dense:
        settings["HOTLOOP_SPARSE"] = "0"
        words.append("dense")
    peer = replace(HOTLOOP, environment={**HOTLOOP.environment, **settings})
    return Contestant(", ".join(words), peer, sys.executable, Path(__file__).resolve().parent)


class Contest:
    """Running workers. Who fails once is left out from then on, with a note in every row.

    Args:
        about: receives name and versions of each contestant.
    """

    def __init__(self, about: dict[str, str]) -> None:
        self.about = about
        self.notes: dict[str, str] = {}
        self._stack = contextlib.ExitStack()
        self._running: dict[str, Process] = {}

    def __enter__(self) -> "Contest":
        return self

    def __exit__(self, *details: Any) -> None:
        self._stack.close()

    def start(self, one: Contestant, **preparation: Any) -> dict[str, Any] | None:
        """Starts a worker and prepares it, if that is asked for; returns what it says to that."""
        process = one.start()
        self._stack.callback(process.close)
        with noted(self.notes, one.name):
            self.about[one.name] = process.ask(do="hello")["about"]
            reply = process.ask(do="prepare", **preparation) if preparation else {}
            self._running[one.name] = process
            return reply
        return None

    def start_training(
        self, one: Contestant, workload: Workload, files: Mapping[str, str], row: Row
    ) -> str:
        """Starts a worker, prepares and warms it up for its samples of training.

        Its configuration, and how long its samples are, is what they were in earlier rounds of the
        row, or found by trial, and entered there. Returns what there is to say of it.
        """
        described = {**workload.describe(), "choice": row.choices.get(one.name)}
        reply = self.start(one, workload=described, files=files, purpose="epochs")
        if reply is None:
            return self.notes[one.name]
        before = row.lengths.get(one.name)
        length = self._find_length(one, workload) if before is None else Length(**before)
        # A length that is found is warm already.
        if length is None or (before and not self.ask(one.name, do="take", rows=length.rows)):
            return self.notes[one.name]
        row.lengths[one.name] = asdict(length)
        if reply["choice"] is not None:
            row.choices[one.name] = reply["choice"]
        once = f", of which {length.once:.2g} s are not scaled" if length.once else ""
        return f"{reply['configuration']}; samples of {length}{once}"

    def _find_length(self, one: Contestant, workload: Workload) -> Length | None:
        seconds = self._seconds_of_epoch(one.name, workload.trial_rows, 1)
        if seconds is None:
            return None
        length = Length.of(workload, seconds * workload.batch_size / workload.trial_rows)
        shorter = None if length.whole or not one.peer.once else length.shorter
        if shorter is None:
            return length if self.ask(one.name, do="take", rows=length.rows) else None
        brief = self._seconds_of_epoch(one.name, shorter.rows, 3)
        long = self._seconds_of_epoch(one.name, length.rows, 2)
        return length.with_once(long, shorter, brief) if long and brief else None

    def _seconds_of_epoch(self, name: str, rows: int, times: int) -> float | None:
        """The least of some epochs on so many rows, after one that may compile."""
        if not self.ask(name, do="take", rows=rows):
            return None
        request = {"do": "measure", "what": "epochs", "how": "each", "count": 1}
        replies = [self.ask(name, **request) for _ in range(times)]
        return min((reply["value"] for reply in replies if reply), default=None)

    def ask(self, name: str, **request: Any) -> dict[str, Any] | None:
        """An answer that is no sample; None of somebody who has failed, now or before."""
        if name not in self.notes:
            with noted(self.notes, name):
                return self._running[name].ask(**request)
        return None

    def measure(
        self, row: Row, rounds: Iterable[int], *, do: str = "measure", **request: Any
    ) -> Row:
        """Asks everybody in turn, each time another one first.

        Args:
            row: receives the samples.
            rounds: their numbers.
            do: what is asked for.
            request: what else goes with it. Whoever was started with `start_training` trains.
        """
        row.notes.update(self.notes)
        for number in rounds:
            for name in rotated(list(self._running), number):
                if name not in row.notes:
                    with noted(row.notes, name):
                        self._measure_one(row, name, {"do": do, **request})
                    if not self._running[name].alive:
                        self.notes[name] = row.notes[name]
        return row

    def measure_alone(
        self, row: Row, name: str, label: str, request: Mapping[str, Any] | None = None
    ) -> None:
        """One sample of one contestant, entered under `label`; `request` as in `measure`."""
        if name in self.notes:
            row.notes[label] = self.notes[name]
        elif label not in row.notes:
            with noted(row.notes, label):
                value = self._sample(row, name, request or {})
                row.samples.setdefault(label, []).append(value)

    def _measure_one(self, row: Row, name: str, request: Mapping[str, Any]) -> None:
        peak = None
        if row.flop and name.startswith(OWN):
            peak = self._running[name].ask(do="report", what="peak")["value"]
        value = self._sample(row, name, request)
        row.samples.setdefault(name, []).append(value)
        if peak is not None:
            row.peaks.setdefault(name, []).append(peak)

    def _sample(self, row: Row, name: str, request: Mapping[str, Any]) -> float:
        if name not in row.lengths:
            return self._running[name].ask(**request)["value"]
        length = Length(**row.lengths[name])
        return length.whole_epoch(self._running[name].ask(**length.request)["value"])


def rotated(turns: Sequence[_Turn], number: int) -> list[_Turn]:
    """Another one first in every round."""
    first = number % max(1, len(turns))
    return [*turns[first:], *turns[:first]]


@contextlib.contextmanager
def noted(notes: dict[str, str], name: str) -> Iterator[None]:
    """What goes wrong with one contestant is noted, and the others go on."""
    try:
        yield
    except Unsupported as error:
        notes[name] = f"not supported: {error}"
    except WorkerError as error:
        notes[name] = f"failed: {error}"
